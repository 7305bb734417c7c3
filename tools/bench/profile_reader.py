# SPDX-License-Identifier: MIT
"""Reads what the plugin insn_profile.c counts."""
import collections
import os
import struct

import running


def plugin(counts):
    """The value of QEMU's -plugin. The counts are in the file `counts`."""
    return "%s,count=%s" % (os.path.join(running.BUILD, "peers/insn_profile.so"), counts)


def records(path):
    """Of each translation of a block so far: its address, and the instructions that it has executed."""
    with open(path, "rb") as file:
        return list(struct.iter_unpack("<QQ", file.read()))


def snapshot(path):
    """Instructions executed so far by the address of the translated block."""
    counts = collections.Counter()
    for address, executed in records(path):
        if executed:
            counts[address] += executed
    return counts


def totals(path):
    """Instructions executed so far, and blocks translated."""
    all_records = records(path)
    return sum(executed for _, executed in all_records), sum(address != 0 for address, _ in all_records)
