#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots images in QEMU and looks at what the kernel says and how the machine ends: boot_test.py BUILD"""

import os
import re
import subprocess
import sys

QEMU = os.environ.get("QEMU", "qemu-system-riscv64")
PANIC_STATUS = 101


class Boot:
    """One boot of an image that ends by itself, or is ended at the first line with `until`."""

    def __init__(self, image, append, until=None, seconds=300):
        elf = os.path.join(sys.argv[1], image + ".elf")
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


def panics_with_a_backtrace():
    boot = Boot("starina", "kernel.panic=1")
    assert boot.has(r"ERROR +kernel panic on hart 0: the boot argument kernel.panic=1"), "no reason"
    assert boot.has(r"#\d 0x[0-9a-f]+ kernel_args_apply\+0x"), "kernel_args_apply is not in the backtrace"
    assert boot.has(r"#\d 0x[0-9a-f]+ kmain\+0x"), "kmain is not in the backtrace"
    assert boot.status == PANIC_STATUS, f"exit status {boot.status}"


def reports_a_stack_overflow_from_the_emergency_stack():
    boot = Boot("starina", "kernel.panic=stack")
    assert boot.has(r"kernel panic on hart 0: the kernel's stack is bad: store to an unmapped"), "no reason"
    assert boot.has(r"#\d 0x[0-9a-f]+ use_up_stack\+0x"), "use_up_stack is not in the backtrace"
    assert not boot.has("and another kernel panic"), "it panicked again while it reported"
    assert boot.status == PANIC_STATUS, f"exit status {boot.status}"


def shows_debug_lines_only_when_asked():
    quiet = Boot("starina", "", until="no container to run")
    assert quiet.has(r"\] INFO "), "no INFO lines"
    assert not quiet.has(r"\] DEBUG "), "DEBUG lines without kernel.log=debug"
    assert Boot("starina", "kernel.log=debug", until="no container to run").has(r"\] DEBUG "), "no DEBUG lines"
    loud = Boot("starina", "kernel.log=loud", until="no container to run")
    assert loud.has("kernel.log=loud is not known: use error, warn, info or debug"), "nothing about a wrong value"


def says_what_an_app_lacks_and_starts_the_others():
    boot = Boot("starina-boot-unmet", "", until="Hello World!")
    for line in ("'test_unmet' needs the service 'nowhere', which no app of this image provides: add one to APPS",
                 "'test_behind' needs the service 'test_unmet' of the app 'test_unmet', which is not started",
                 "'test_device' needs a device 'acme,frobnicator', which this machine does not have",
                 "'test_power' needs the boot argument test_power.code=VALUE, which is not set"):
        count = sum(f"the app {line}" in said and "ERROR" in said for said in boot.lines)
        assert count == 1, f"{count} times: {line}"
    assert boot.has("Hello World!"), "hello does not run"
    assert not boot.has("was started"), "an app that lacks something runs"
    assert not boot.has("kernel panic"), "the kernel panicked"


def refuses_apps_that_need_each_other():
    boot = Boot("starina-boot-cycle", "")
    assert boot.has("ERROR .*apps need each other in a cycle: test_cycle_a -> test_cycle_b -> test_cycle_a$"), "no reason"
    assert not boot.has("Hello World!"), "apps run"
    assert boot.status == PANIC_STATUS, f"exit status {boot.status}"


def refuses_two_providers_of_a_service():
    boot = Boot("starina-boot-twice", "")
    assert boot.has("ERROR .*the apps 'echo' and 'test_twice' both provide the service 'echo': "
                    "remove one of them from APPS$"), "no reason"
    assert not boot.has("Hello World!"), "apps run"
    assert boot.status == PANIC_STATUS, f"exit status {boot.status}"


def ends_with_the_code_of_the_power_off():
    # What is not an exit status becomes 1, never 0.
    for code, status in ((0, 0), (1, 1), (7, 7), (255, 255), (256, 1)):
        boot = Boot("starina-boot-unmet", f"test_power.code={code}")
        assert boot.status == status, f"exit status {boot.status} for the code {code}"
        assert not boot.has("needs the boot argument"), "test_power.code is set, and not seen"


def tells_of_boot_arguments_that_nobody_reads():
    boot = Boot("starina-boot-unmet", 'foo.bar=1 kernel.lgo=debug kernel.bogus=1 test_power.cod=7 helo.x=1 quiet kernel.log=info',
                until="Hello World!")
    for line in ("foo.bar=1 has no effect: this image has no app 'foo'", "kernel.lgo is not known, and has no effect: did you mean log?",
                 "kernel.bogus is not known, and has no effect", "test_power.cod is not known, and has no effect: did you mean code?",
                 "helo.x=1 has no effect: this image has no app 'helo', did you mean hello?",
                 "quiet has no effect: boot arguments are APP.NAME=VALUE"):
        count = sum(said.endswith("the boot argument " + line) and "WARN" in said for said in boot.lines)
        assert count == 1, f"{count} times: {line}"
    assert not boot.has("kernel.log"), "a warning about an argument that is known"


def shows_times_when_asked():
    boot = Boot("starina", "kernel.times=1", until="no container to run")
    assert boot.has(r"^\[ +\d+\.\d{6}\] \[\w+ *\] INFO "), "no times"
    assert not Boot("starina", "", until="no container to run").has(r"^\[ +\d+\.\d{6}\]"), "times that nobody asked for"


def tells_who_called_a_leaf_function():
    boot = Boot("starina-boot-mistakes", "", until=" test_leaf_main+")
    frames = [match.group(1) for match in (re.search(r"test_leaf +\] ERROR +#\d 0x[0-9a-f]+ (\w+)", line) for line in boot.lines)
              if match]
    assert frames[:3] == ["leaf", "calls_the_leaf", "test_leaf_main"], f"the backtrace is {frames}"


def tells_of_what_an_app_does_not_declare():
    boot = Boot("starina-boot-mistakes", "", until="asks for what")
    assert boot.has("test_undeclared asks for what it does not declare; add to .needs of its spec: NEED_CONFIG \"color\""), \
        "nothing about the boot argument"


def tells_how_an_app_ended():
    boot = Boot("starina-boot-mistakes", "", until="test_status: ended")
    assert boot.has("WARN +test_status: ended with status 3$"), "nothing about the status"


def shows_what_would_steer_the_terminal():
    boot = Boot("starina-boot-mistakes", "", until="test_status: ended")
    assert boot.has("cleared: \\?\\[2J, \\?2J, \\?\\?2J, \u00e4$"), "nothing about what it logged"


TESTS = [tells_of_boot_arguments_that_nobody_reads, shows_times_when_asked, tells_who_called_a_leaf_function,
         tells_of_what_an_app_does_not_declare, tells_how_an_app_ended,
         shows_what_would_steer_the_terminal,
         panics_with_a_backtrace, reports_a_stack_overflow_from_the_emergency_stack, shows_debug_lines_only_when_asked,
         says_what_an_app_lacks_and_starts_the_others, refuses_apps_that_need_each_other,
         refuses_two_providers_of_a_service, ends_with_the_code_of_the_power_off]


def main():
    failed = 0
    for test in TESTS:
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"  ok   {name}", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"  FAIL {name}: {error}", flush=True)
    print(f"boot: {len(TESTS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
