#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots an image many times in a row, each up to the end that an app asks for: many_boots.py IMAGE.elf COUNT SMP

The image has test_power (tools/test/apps), which powers the machine off. Prints a line each 50 boots; ends at
the first boot that does not end by itself, with its log."""

import os
import subprocess
import sys

QEMU = os.environ.get("QEMU", "qemu-system-riscv64")
SECONDS = 120


def boot(elf, smp):
    """The status and the log of one boot; the status is None when it had to be ended."""
    command = [QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
               "-serial", "stdio", "-M", "virt", "-cpu", "rv64", "-smp", smp, "-m", "128M", "-bios", "default",
               "-kernel", elf, "-append", "test_power.code=0"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        return None, error.stdout or b""
    return done.returncode, done.stdout


def main():
    elf, count, smp = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    for number in range(1, count + 1):
        status, log = boot(elf, smp)
        if status != 0:
            sys.stdout.buffer.write(log)
            how = f"hung for {SECONDS} s" if status is None else f"ended with status {status}"
            print(f"boot {number} {how}")
            print(f"boots ({smp} harts): {number - 1} passed, 1 failed")
            sys.exit(1)
        if number % 50 == 0:
            print(f"  {number} boots", flush=True)
    print(f"boots ({smp} harts): {count} passed, 0 failed")


if __name__ == "__main__":
    main()
