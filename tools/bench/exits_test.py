#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel counts VM exits; does it count all? A plugin of the emulator counts from outside how often the sret that enters the guest is
executed, in one run of the built-in container. Both are the same."""
import re
import sys

import moments


def main():
    if not moments.available():
        print("exits_test: the plugin is for QEMU 7.2; nothing was compared")
        print("exits_test: 0 passed, 0 failed")
        return 0
    log, counts = moments.run_once()
    entries = counts["entry"][1]
    counted = int(re.search(r"VM exits in all: (\d+) total", log).group(1))
    good = counted == entries and counted > 100
    print("exits_test: the kernel counted %d exits, from outside there were %d entries" % (counted, entries))
    print("exits_test: %d passed, %d failed" % (good, not good))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
