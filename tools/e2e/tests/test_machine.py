# SPDX-License-Identifier: MIT
"""The OS around the container: its status page, its ends, machines that lack something, the debugger."""

import os
import pty
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from harness import ROOT, RUN_LIMIT, RUN_TIMEOUT, check, check_equal, has_ended, test
from net_machine import wait_for_page
from oci import write_layout
from probe import probe_image, run_probe


class Machine:
    """./run.sh without LINUXRUN_IMAGE, with what it says collected as it comes."""

    def __init__(self, context, *args, **settings):
        self.terminal, slave = pty.openpty()
        # A session of its own, so that the terminal's keys are for it. (setsid becomes run.sh: same process.)
        self.process = context.watch(subprocess.Popen(["setsid", "--ctty", ROOT / "run.sh", *args],
                                                      env=context.environment(settings), cwd=context.scratch, stdin=slave,
                                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        os.close(slave)
        self.output = b""

    def wait_for(self, pattern):
        """Waits until the output has the pattern; returns the match."""
        while True:
            match = re.search(pattern, self.output.decode(errors="replace"))
            if match:
                return match
            data = os.read(self.process.stdout.fileno(), 65536)
            check(data, f"run.sh ended before {pattern}: {self.output!r}")
            self.output += data

    def page(self):
        """The URL of the status page, once it answers."""
        wait_for_page(self)
        return self.wait_for(r"status page: (http://127.0.0.1:\d+/)")[1]

    def end(self):
        """Waits for the end; returns the exit status."""
        self.output += self.process.stdout.read()
        self.process.stdout.close()
        os.close(self.terminal)
        return self.process.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.end()


def qemu_of(process):
    """The process id of the QEMU that run.sh started."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = stat.read_text().rsplit(")", 1)
        except OSError:
            continue
        if int(fields.split()[1]) == process.pid and "qemu" in name:
            return int(stat.parent.name)
    raise AssertionError("run.sh has started no QEMU")


@test
def default_image_and_status_page(context):
    machine = Machine(context)
    try:
        url = machine.page()
        machine.wait_for("Hello from a Linux container on Starina!")
        machine.wait_for("container started in [0-9]+ ms")
        machine.wait_for("container ended with status 0")
        machine.wait_for("INFO +the OS runs on; status page: " + re.escape(url) + ".*Ctrl-C.* ends the OS\n")
        for _ in range(3):  # and it stays up
            with urllib.request.urlopen(url, timeout=RUN_TIMEOUT) as page:
                check_equal(page.status, 200)
                text = page.read()
                check(b"Starina" in text and text.endswith(b"</html>\n"), text)
        check_equal(machine.process.poll(), None)
        machine.process.send_signal(signal.SIGINT)
        check_equal(machine.end(), 130, machine.output)
    finally:
        machine.kill()


@test
def an_image_without_linuxrun(context):
    """It is asked for nothing that it does not read, and what it has is announced."""
    context.boot_image("starina-net")
    apps = context.build / "gen/starina/apps"
    apps.parent.mkdir(parents=True)
    for names, announced in (("netswitch tcpip httpd", "status page: http://"), ("tcpip", "is port 80 of the OS"),
                             ("netswitch", "INFO +Ctrl-C")):
        apps.write_text(names + "\n")
        machine = Machine(context)
        try:
            machine.wait_for(announced)
            machine.wait_for("serving tcp-listen")
            check(b"has no effect" not in machine.output, machine.output)
        finally:
            machine.kill()


@test
def keys_that_end_the_os(context):
    for keys, status in ((b"\x01x", 0), (b"\x03", 130)):
        machine = Machine(context)
        try:
            machine.wait_for("Hello from a Linux container")
            os.write(machine.terminal, keys)
            check_equal(machine.end(), status, machine.output)
        finally:
            machine.kill()


@test
def log_goes_to_a_file(context):
    write_layout(context.scratch / "image", probe_image(context, "hello"))
    result = context.run("--log", "os.log", LINUXRUN_IMAGE="oci://image")
    check_equal((result.status, result.stderr), (0, ""))
    check("Booting Starina" in (context.scratch / "os.log").read_text())


@test
def one_and_four_harts(context):
    for number in (1, 4):
        result = run_probe(context, "exit", "3", STARINA_SMP=number)
        check_equal(result.status, 3, result)
        check(f"{number} hart" in result.stderr, result)


def start_waiting(context):
    write_layout(context.scratch / "image", probe_image(context, "wait"))
    process = context.start(LINUXRUN_IMAGE="oci://image")
    check_equal(process.stdout.readline(), b"waiting\n")
    return process


@test
def run_is_killed(context):
    """Nothing survives it, and the next run clears what it left."""
    context.own_build()
    process = start_waiting(context)
    qemu = qemu_of(process)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + RUN_LIMIT
    while not has_ended(qemu) and time.monotonic() < deadline:
        time.sleep(0.05)
    check(has_ended(qemu), "QEMU is still there")
    said = debug(context)
    check("is gone" in said and "./run.sh --gdb" in said, said)
    check_equal(context.run(LINUXRUN_IMAGE="oci://image", LINUXRUN_ENTRYPOINT="/probe exit 0").status, 0)
    check_equal(list((context.build / "run").glob("run.*")), [])


@test
def without_hypervisor_extension(context):
    result = run_probe(context, "hello", STARINA_CPU="rv64,h=false")
    check_equal((result.status, result.stdout), (125, b""), result)
    check("linuxrun" in result.errors() and "hypervisor extension" in result.errors(), result)


@test
def os_without_hypervisor_extension_stays_up(context):
    machine = Machine(context, STARINA_CPU="rv64,h=false")
    try:
        url = machine.page()
        machine.wait_for("no hypervisor extension")
        machine.wait_for("linuxrun.*ERROR.*hypervisor extension")
        with urllib.request.urlopen(url, timeout=RUN_TIMEOUT) as page:
            check_equal(page.status, 200)
    finally:
        machine.kill()


@test
def without_sstc(context):
    """The guest's timer is then one of the kernel's."""
    result = run_probe(context, "exit", "3", STARINA_CPU="rv64,sstc=false")
    check_equal(result.status, 3, result)
    check("timer by SBI" in result.stderr, result)


@test
def addresses_that_no_call_takes(context):
    """The guest's kernel has programs' memory open where the emulator makes it dear to close it, and refuses what it refused before."""
    emulated = run_probe(context, "addresses", "/proc/cpuinfo", "/proc/cmdline")
    plain = run_probe(context, "addresses", "/proc/cpuinfo", "/proc/cmdline", STARINA_APPEND="kernel.emulator=none")
    for result in emulated, plain:
        check_equal(result.status, 0, result)
    version = subprocess.run([os.environ.get("QEMU", "qemu-system-riscv64"), "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    is_old = int(re.search(r"version (\d+)", version)[1]) < 9
    check(b"_svvptc" in emulated.stdout and (b"user_access=open" in emulated.stdout) == is_old, emulated)
    check(b"_svvptc" not in plain.stdout and b"user_access=open" not in plain.stdout, plain)


@test
def smallest_memory(context):
    result = run_probe(context, "exit", "3", LINUXRUN_MEMORY="32M", STARINA_MEMORY="96M")
    check_equal(result.status, 3, result)


@test
def guest_larger_than_the_machine(context):
    # run.sh refuses what it sees; here the OS itself is asked for too much.
    result = run_probe(context, "hello", STARINA_APPEND="linuxrun.memory=1G")
    check_equal((result.status, result.stdout), (125, b""), result)
    check("too little memory" in result.errors() and "LINUXRUN_MEMORY" in result.errors(), result)


@test
def container_out_of_memory(context):
    result = run_probe(context, "hoard", LINUXRUN_MEMORY="64M")
    check_equal((result.status, result.stdout), (137, b""), result)


# Without the group a container that runs out of memory now and then hangs (guest/bootd/guest_memory.c).
@test
def container_memory_is_limited(context):
    limit = "/sys/fs/cgroup/memory.max"
    result = run_probe(context, "show", "/proc/self/cgroup", limit, LINUXRUN_MEMORY="64M")
    group, _, limit = result.stdout.decode().partition("\n")
    check_equal((result.status, group), (0, "0::/"), result)
    check(16 << 20 < int(limit) < 60 << 20, result)


def debug(context, *commands):
    arguments = [word for command in commands for word in ("-ex", command)]
    result = context.end_of(context.popen(ROOT / "debug.sh", "-batch", *arguments))
    return result.stdout.decode(errors="replace") + result.stderr


@test
def debugger_attaches_to_a_running_system(context):
    context.own_build()
    machine = Machine(context)
    try:
        machine.wait_for("container ended with status 0")
        said = debug(context, "starina processes", "starina threads", "starina channels", "starina handles tcpip",
                     "detach")
        # The kernel's busiest functions have no frames (HOT in the Makefile), the app's below them have.
        for part in ("tcpip", "httpd", "linuxrun", "schedule_locked", "loop_run"):
            check(part in said, f"no {part} in:\n{said}")
        check("Python Exception" not in said and "Traceback" not in said, said)
        url = machine.page()
        with urllib.request.urlopen(url, timeout=RUN_TIMEOUT) as page:
            check_equal(page.status, 200)
    finally:
        machine.kill()


@test
def debugger_from_the_first_instruction(context):
    context.own_build()
    machine = Machine(context, "--gdb")
    try:
        machine.wait_for("waiting for a debugger")
        said = debug(context, "tbreak kmain", "continue", "backtrace", "detach")
        check(re.search(r"kmain .* at .*kernel/main.c", said), said)
        machine.wait_for("Hello from a Linux container")
    finally:
        machine.kill()


@test
def debugger_without_a_system(context):
    context.own_build()
    said = debug(context)
    check("no Starina waits for a debugger" in said and "./run.sh --gdb" in said, said)


# The first of these says nothing; the next is an OS with `cat` in its container.
SECOND_EMULATOR = r"""#!/usr/bin/env python3
import os, re, sys, time
if "--version" in sys.argv:
    print("QEMU emulator version 10.0.0")
    sys.exit()
if not os.path.exists("silent"):
    open("silent", "w").close()
    time.sleep(1000)
ports = dict(re.findall(r"id=(\w+),fd=(\d+)", " ".join(sys.argv)))
uart, stdin, stdout, control = (int(ports[name]) for name in ("uart", "stdin", "stdout", "control"))
os.write(uart, b"[kernel      ] INFO   here\n")
os.write(control, b"starina-control 1\nstarted\n")
said = b""
while b"stdin-eof" not in said:
    said += os.read(control, 100)
total = int(said.split()[-1])
text = b""
while len(text) < total:
    text += os.read(stdin, total)
os.write(stdout, text)
os.write(control, b"exit 0\n")
"""


@test
def a_silent_emulator_takes_no_input_along(context):
    context.own_build()
    write_layout(context.scratch / "image", probe_image(context, "hello"))
    emulator = context.scratch / "emulator"
    emulator.write_text(SECOND_EMULATOR)
    emulator.chmod(0o755)
    result = context.run("oci://image", stdin=b"all of it", QEMU=emulator)
    check("starting it again" in result.stderr, result)
    check_equal((result.status, result.stdout), (0, b"all of it"), result)
