# SPDX-License-Identifier: MIT
"""Tests of bootd: what it is told in a wrong way."""
import struct

from bootd_cases import check, config, test
from bootd_vmm import CONFIGURE, CONTROL, CREATE, EXITED, FAILED, HEADER, MAGIC, MOUNT, READY, START, STDOUT, VERSION


@test()
def hostile_config(guest):
    guest.frame(READY)
    deep = b'{"process":' + b"[" * 200000
    bad = [b"", b"{", b"[]", b"null", deep, b'{"process":{"args":["a\\u0000b"]}}', b"\0" * 100,
           b'{"process":{"args":"x"}}', b'{"process":{"args":[1]}}', b'{"process":{"args":[]}}',
           b'{"process":{"args":["x"],"cwd":"a"}}', b'{"process":{"args":["x"],"user":{"uid":-1}}}',
           b'{"process":{"args":["x"],"user":{"uid":1e99}}}', b"\xff\xfe" * 50,
           b'{"process":{"args":["x"]},"mounts":[{"destination":"/a","options":["bind"]}]}']
    for number, text in enumerate(bad, 1):
        status, message = guest.reply(guest.send(CONFIGURE, bytes(40) + text))
        assert status < 0 and "config.json" in message, (text[:50], status, message)
        events = [f for f in guest.frames if f[0] == FAILED]
        check(len(events), number)
        check(struct.unpack_from("<I", events[-1][3])[0], 125)
    # It still works.
    guest.start(config("probe", "hello"))
    guest.frame(EXITED)


@test()
def hostile_frames(guest):
    guest.frame(READY)
    check(guest.reply(guest.send(77, b"abc"))[0], -38)
    check(guest.reply(guest.send(MOUNT, b"abc"))[0], -22)
    check(guest.reply(guest.send(START))[0], -22)
    check(guest.reply(guest.send(CREATE))[0], -22)
    check(guest.reply(guest.send(MOUNT, struct.pack("<II", 8, 0)))[0], -22)
    guest.raw(HEADER.pack(MAGIC, VERSION, MOUNT, 0, 1000, (1 << 20) + 1, 0) + bytes((1 << 20) + 1))
    check(guest.reply(1000)[0], -90)
    guest.raw(HEADER.pack(MAGIC, VERSION + 1, MOUNT, 0, 1001, 4, 0) + bytes(4))
    check(guest.reply(1001)[0], -93)
    guest.start(config("probe", "hello"))
    guest.wait(lambda: guest.output[STDOUT] == b"hello\n", "output after all that")
    guest.raw(b"garbage" * 10)
    guest.wait(lambda: CONTROL in guest.closed, "the end")
