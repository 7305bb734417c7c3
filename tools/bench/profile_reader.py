# SPDX-License-Identifier: MIT
"""Reads what the plugin insn_profile.c counts."""
import collections
import os
import struct

import running


def plugin(counts):
    """The value of QEMU's -plugin. The counts are in the file `counts`."""
    return "%s,count=%s" % (os.path.join(running.BUILD, "peers/insn_profile.so"), counts)


def snapshot(path):
    """Instructions executed so far by the address of the translated block."""
    with open(path, "rb") as file:
        data = file.read()
    counts = collections.Counter()
    for address, executed in struct.iter_unpack("<QQ", data):
        if executed:
            counts[address] += executed
    return counts
