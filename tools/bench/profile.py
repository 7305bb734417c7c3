#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where the instructions of a download from httpd go: a table of functions. One hart; `make bench-profile`.

profile.py [PATH [AB-OPTION...]], as /bytes/20000000 -c 1 -n 2. Functions of apps' libraries have their app's copy each. Apps in
user mode are all at the same addresses, and make one line: IMAGE=starina-kernel profiles that image, whose apps are in the kernel.
"""
import bisect
import collections
import os
import subprocess
import sys
import tempfile

import profile_reader
import running

LINES = 40
IMAGE = os.environ.get("IMAGE", "starina")
FIRMWARE = 0x80000000  # apps are linked below


def symbols():
    """Sorted addresses of the image's functions, and their names."""
    text = subprocess.run([os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-") + "nm", "-n",
                           os.path.join(running.BUILD, IMAGE + ".elf")], check=True, text=True, stdout=subprocess.PIPE).stdout
    rows = [line.split() for line in text.splitlines() if " t " in line or " T " in line]
    return [int(row[0], 16) for row in rows], [row[2] for row in rows]


def main():
    path, options = (sys.argv[1:2] or ["/bytes/20000000"])[0], sys.argv[2:] or ["-c", "1", "-n", "2"]
    addresses, names = symbols()
    with tempfile.TemporaryDirectory() as scratch:
        counts = os.path.join(scratch, "blocks")
        machine = running.Machine("container ended", BUILD=running.build_with(IMAGE, os.path.join(scratch, "build")), STARINA_SMP="1",
                                  STARINA_QEMU_ARGS="-plugin " + profile_reader.plugin(counts))
        try:
            running.ab(machine.port, path, *options)
            before = profile_reader.snapshot(counts)
            if running.ab(machine.port, path, *options) is None:
                sys.exit("profile: the download failed")
            after = profile_reader.snapshot(counts)
        finally:
            machine.stop()
    sums = collections.Counter()
    for address, executed in after.items():
        index = bisect.bisect_right(addresses, address) - 1
        name = names[index] if index >= 0 else "(apps in user mode)" if address < FIRMWARE else "(elsewhere)"
        sums[name] += executed - before[address]
    total = sum(sums.values())
    print("%14s instructions" % "{:,}".format(total))
    for name, value in sums.most_common(LINES):
        print("%14s %5.1f%%  %s" % ("{:,}".format(value), 100 * value / total, name))


if __name__ == "__main__":
    main()
