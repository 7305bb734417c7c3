#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel counts VM exits; does it count all? A plugin of the emulator counts from outside how often the sret that enters the guest is
executed, in one run of the built-in container. Both are the same."""
import os
import re
import subprocess
import sys
import tempfile

import running
import served

SRET = 0x10200073


def entry_address():
    """Of the sret in hv_switch."""
    text = subprocess.run([os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-") + "objdump", "-d", "--disassemble=hv_switch",
                           os.path.join(running.BUILD, "starina.elf")], check=True, text=True, stdout=subprocess.PIPE).stdout
    addresses = re.findall(r"^([0-9a-f]{16}):\t[0-9a-f ]+\tsret", text, re.MULTILINE)
    if len(addresses) != 1:
        sys.exit("exits_test: there is not one sret in hv_switch but %d" % len(addresses))
    return int(addresses[0], 16)


def main():
    if "QEMU emulator version 7.2" not in subprocess.run([running.QEMU, "--version"], text=True, stdout=subprocess.PIPE,
                                                         check=True).stdout:
        print("exits_test: the plugin is for QEMU 7.2; nothing was compared")
        print("exits_test: 0 passed, 0 failed")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        counter = os.path.join(scratch, "entries")
        log = running.run_container(append="kernel.log=debug", STARINA_SMP="1",
                                    STARINA_QEMU_ARGS="-plugin %s,at=%#x,word=%#x" % (served.plugin(counter), entry_address(), SRET))
        entries = served.executed(counter)
    counted = int(re.search(r"VM exits in all: (\d+) total", log).group(1))
    good = counted == entries and counted > 100
    print("exits_test: the kernel counted %d exits, from outside there were %d entries" % (counted, entries))
    print("exits_test: %d passed, %d failed" % (good, not good))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
