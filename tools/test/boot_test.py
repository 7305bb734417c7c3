#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the image in QEMU and looks at what the kernel says and how the machine ends: boot_test.py BUILD"""

import os
import re
import subprocess
import sys

QEMU = os.environ.get("QEMU", "qemu-system-riscv64")
PANIC_STATUS = 101


class Boot:
    """One boot that ends by itself, or is ended at the first line with `until`."""

    def __init__(self, elf, append, until=None, seconds=60):
        command = ["timeout", str(seconds), QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                   "-monitor", "none", "-serial", "stdio", "-M", "virt", "-cpu", "rv64", "-smp", "2", "-m", "128M",
                   "-bios", "default", "-kernel", elf, "-append", append]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        for raw in process.stdout:
            self.lines.append(raw.decode(errors="replace").rstrip("\r\n"))
            if until and until in self.lines[-1]:
                process.terminate()
                break
        process.stdout.close()
        self.status = process.wait()

    def has(self, pattern):
        return any(re.search(pattern, line) for line in self.lines)


def panics_with_a_backtrace(elf):
    boot = Boot(elf, "kernel.panic=1")
    assert boot.has(r"ERROR +kernel panic on hart 0: the boot argument kernel.panic=1"), "no reason"
    assert boot.has(r"#\d 0x[0-9a-f]+ kernel_args_apply\+0x"), "kernel_args_apply is not in the backtrace"
    assert boot.has(r"#\d 0x[0-9a-f]+ kmain\+0x"), "kmain is not in the backtrace"
    assert boot.status == PANIC_STATUS, f"exit status {boot.status}"


def reports_a_stack_overflow_from_the_emergency_stack(elf):
    boot = Boot(elf, "kernel.panic=stack")
    assert boot.has(r"kernel panic on hart 0: the kernel's stack is bad: store to an unmapped"), "no reason"
    assert boot.has(r"#\d 0x[0-9a-f]+ use_up_stack\+0x"), "use_up_stack is not in the backtrace"
    assert not boot.has("and another kernel panic"), "it panicked again while it reported"
    assert boot.status == PANIC_STATUS, f"exit status {boot.status}"


def shows_debug_lines_only_when_asked(elf):
    quiet = Boot(elf, "", until="no container to run")
    assert quiet.has(r"\] INFO "), "no INFO lines"
    assert not quiet.has(r"\] DEBUG "), "DEBUG lines without kernel.log=debug"
    assert Boot(elf, "kernel.log=debug", until="no container to run").has(r"\] DEBUG "), "no DEBUG lines"
    loud = Boot(elf, "kernel.log=loud", until="no container to run")
    assert loud.has("kernel.log=loud is not known: use error, warn, info or debug"), "nothing about a wrong value"


TESTS = [panics_with_a_backtrace, reports_a_stack_overflow_from_the_emergency_stack, shows_debug_lines_only_when_asked]


def main():
    elf = os.path.join(sys.argv[1], "starina.elf")
    failed = 0
    for test in TESTS:
        name = test.__name__.replace("_", " ")
        try:
            test(elf)
            print(f"  ok   {name}", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"  FAIL {name}: {error}", flush=True)
    print(f"boot: {len(TESTS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
