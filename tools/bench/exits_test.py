#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel counts VM exits; does it count all? A plugin of the emulator counts from outside how often the sret that enters the guest is
executed, in one run of the built-in container. Both are the same."""
import os
import re
import subprocess
import sys
import tempfile

import profile_reader
import running


def entry_blocks():
    """For each address in hv_switch from which the code runs straight to the first sret, how many instructions that takes."""
    text = subprocess.run([os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-") + "objdump", "-d", "--disassemble=hv_switch",
                           os.path.join(running.BUILD, "starina.elf")], check=True, text=True, stdout=subprocess.PIPE).stdout
    straight = []
    for address, name in re.findall(r"^([0-9a-f]{16}):\t[0-9a-f ]+\t(\S+)", text, re.MULTILINE):
        straight.append(int(address, 16))
        if name == "sret":
            return {start: len(straight) - i for i, start in enumerate(straight)}
        # What ends a block of translated code.
        if name.startswith(("csr", "b", "j", "ret", "fence", "hfence")):
            straight = []
    sys.exit("exits_test: there is no sret in hv_switch")


def main():
    if "QEMU emulator version 7.2" not in subprocess.run([running.QEMU, "--version"], text=True, stdout=subprocess.PIPE,
                                                         check=True).stdout:
        print("exits_test: the plugin is for QEMU 7.2; nothing was compared")
        print("exits_test: 0 passed, 0 failed")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        counts = os.path.join(scratch, "blocks")
        log = running.run_container(append="kernel.log=debug", STARINA_SMP="1",
                                    STARINA_QEMU_ARGS="-plugin " + profile_reader.plugin(counts))
        executed = profile_reader.snapshot(counts)
    counted = int(re.search(r"VM exits in all: (\d+) total", log).group(1))
    entries = sum(executed[start] / length for start, length in entry_blocks().items())
    good = counted == entries and counted > 100
    print("exits_test: the kernel counted %d exits, from outside there were %g entries" % (counted, entries))
    print("exits_test: %d passed, %d failed" % (good, not good))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
