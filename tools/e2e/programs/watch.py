# SPDX-License-Identifier: MIT
"""Prints the events of inotify for the folders and files named, as they come: NAME EVENT..., until one of a name "end" does."""

import ctypes
import os
import struct
import sys

NAMES = {0x2: "MODIFY", 0x4: "ATTRIB", 0x8: "CLOSE_WRITE", 0x40: "MOVED_FROM", 0x80: "MOVED_TO", 0x100: "CREATE", 0x200: "DELETE", 0x400: "DELETE_SELF",
         0x800: "MOVE_SELF", 0x8000: "IGNORED"}
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.inotify_init1(0)
watched = {}
for path in sys.argv[1:]:
    wd = libc.inotify_add_watch(fd, path.encode(), 0xfff & ~0x31)
    assert wd >= 0, os.strerror(ctypes.get_errno())
    watched[wd] = path
print("ready", flush=True)
ended = False
while not ended:
    data = os.read(fd, 65536)
    while data:
        wd, mask, _, length = struct.unpack_from("iIII", data)
        name = data[16:16 + length].rstrip(b"\0").decode()
        data = data[16 + length:]
        events = [text for bit, text in NAMES.items() if mask & bit]
        path = os.path.join(watched[wd], name) if name else watched[wd]
        try:
            size = os.stat(path).st_size if mask & 0x8 else ""
        except OSError as error:
            size = error.strerror
        print(path + ("/" if mask & 0x40000000 else ""), *events, size, flush=True)
        ended = ended or (name == "end" and mask & 0x8)
