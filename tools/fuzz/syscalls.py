#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random system calls from within the OS (apps/syscall_fuzz), in QEMU.

    syscalls.py --build build --seconds 600 --seed 7 --keep build/fuzz/syscalls.    as tools/fuzz/fuzz.py calls it
    syscalls.py --build build --machine debug-4 --seed 7 --calls 100000             one boot

A machine is a kernel, usual, with its apps in user mode, or with its own checks (DEBUG=1), and a number of harts. All is well when the OS says so and powers
off: no panic, no hang, nothing leaked, no promise of libs/starina/syscall.h broken.
"""

import argparse
import os
import random
import re
import resource
import select
import subprocess
import sys
import time

PLAIN, USER, DEBUG = "starina-syscalls.elf", "starina-syscalls-user.elf", "debug/starina-syscalls.elf"
MACHINES = {"plain-1": (PLAIN, 1), "plain-4": (PLAIN, 4), "user-4": (USER, 4), "debug-4": (DEBUG, 4), "debug-1": (DEBUG, 1)}
# Of one boot of a long run. With several harts under an emulator calls take longer.
CALLS = {"plain-1": 4000000, "plain-4": 600000, "user-4": 600000, "debug-4": 400000, "debug-1": 3000000}
# Calls that make all harts fence are so many times as rare in every second boot of several harts: see libs/call_fuzz/call_fuzz.h.
FENCE_RARITY = 16
SILENCE = 600  # seconds without a line of the OS, which tells every few seconds: a hang, on a busy machine too

DONE = re.compile(r"\[syscall_fuzz *\] INFO +syscall_fuzz: (\d+) calls of (\d+) callers, all was given back")
SO_FAR = re.compile(r"\[syscall_fuzz *\] INFO +syscall_fuzz: (\d+) calls so far")
# Threads are told to begin at address 0 or 8 sometimes. Any other fault of a caller is none that it made by itself.
FAULT = re.compile(r"\[kernel *\] ERROR +fuzz_caller_.: (?!call of a NULL function at address 0x[08],)")
BROKEN = re.compile(r"\[fuzz_caller_. *\] ERROR +broken promise:")


class Boot:
    """One boot, until the OS ends it, or `deadline` (of time.monotonic)."""

    def __init__(self, args, machine, seed, calls, fence_rarity=0, deadline=None):
        kernel, harts = MACHINES[machine]
        self.repeat = f"tools/fuzz/syscalls.py --build {args.build} --machine {machine} --seed {seed} --calls {calls} " \
                      f"--fence-rarity {fence_rarity}"
        command = [args.qemu, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
                   "-serial", "stdio", "-M", "virt", "-cpu", "rv64", "-smp", str(harts), "-m", "256M", "-bios", "default",
                   "-kernel", f"{args.build}/{kernel}",
                   "-append", f"syscall_fuzz.seed={seed} syscall_fuzz.calls={calls} syscall_fuzz.fence_rarity={fence_rarity}"]
        self.lines = []
        self.calls = 0
        self.end = "done"
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                self.watch(process.stdout, deadline)
            finally:
                if self.end != "done":
                    process.kill()
        self.status = process.returncode

    def watch(self, stdout, deadline):
        pending = b""
        last_line = time.monotonic()
        while True:
            if select.select([stdout], [], [], 1)[0]:
                data = os.read(stdout.fileno(), 65536)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self.take(line.decode(errors="replace").rstrip("\r"))
                last_line = time.monotonic()
            elif time.monotonic() - last_line > SILENCE:
                self.end = "hang"
                return
            if deadline and time.monotonic() > deadline:
                self.end = "time"
                return

    def take(self, line):
        count = DONE.search(line) or SO_FAR.search(line)
        if count:
            self.calls = int(count[1])
        if not SO_FAR.search(line):
            self.lines.append(line)

    def faults(self):
        """What was wrong, one line each."""
        found = [line for line in self.lines if FAULT.search(line) or BROKEN.search(line) or "kernel panic" in line]
        if self.end == "hang":
            found.append(f"nothing was heard of the OS for {SILENCE} s: a hang")
        elif self.end == "done" and (self.status != 0 or not any(map(DONE.search, self.lines))):
            found.append(f"the machine ended with status {self.status}")
            found += [line for line in self.lines if re.search(r"\[syscall_fuzz *\] ERROR", line)]
        return found


def run_once(args):
    boot = Boot(args, args.machine, args.seed, args.calls, args.fence_rarity)
    faults = boot.faults()
    if faults or args.verbose:
        print(*boot.lines, sep="\n")
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"system calls ({args.machine}): {boot.calls} calls, {0 if faults else 1} passed, {1 if faults else 0} failed")
    return 1 if faults else 0


def cpu_of_ended():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_long(args):
    """All machines in turn, each boot with a seed of its own, until the time is over."""
    numbers = random.Random(args.seed)
    deadline = time.monotonic() + args.seconds
    boots = 0
    sums = {name: [0, 0, 0] for name in MACHINES}  # calls, seconds of CPU, boots that failed
    names = list(MACHINES)
    first = numbers.randrange(len(names))
    while boots == 0 or time.monotonic() < deadline:
        machine = names[(first + boots) % len(names)]
        cpu = cpu_of_ended()
        fence_rarity = FENCE_RARITY if MACHINES[machine][1] > 1 and boots // len(names) % 2 == 0 else 0
        boot = Boot(args, machine, numbers.randrange(1 << 31), CALLS[machine], fence_rarity, deadline)
        boots += 1
        for i, value in enumerate((boot.calls, cpu_of_ended() - cpu, bool(boot.faults()))):
            sums[machine][i] += value
        print(f"{machine}: {boot.calls} calls, {boot.end}", flush=True)
        if boot.faults():
            with open(f"{args.keep}log-{args.seed}-{boots}", "w", encoding="utf-8") as log:
                log.write("\n".join(boot.lines) + "\n")
            print(*boot.faults()[:20], f"repeat: {boot.repeat}", sep="\n", flush=True)
    for name, (calls, cpu, failed) in sums.items():
        if cpu > 0:
            print(f"stat::part {name}: {calls} {cpu:.0f} {failed:d}")
    print(f"{boots} boots\nstat::number_of_executed_units: {sum(calls for calls, _, _ in sums.values())}")
    return 1 if any(failed for _, _, failed in sums.values()) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default build)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--machine", choices=MACHINES, help="boot this one once")
    parser.add_argument("--calls", type=int, default=100000, help="calls of one boot (default 100000)")
    parser.add_argument("--fence-rarity", type=int, default=0,
                        help="calls that make all harts fence are so many times as rare (default 0: as frequent as else)")
    parser.add_argument("--verbose", action="store_true", help="show the whole log of one boot")
    parser.add_argument("--seconds", type=int, default=60, help="time for boots of all machines")
    parser.add_argument("--keep", default="", help="what the names of kept logs begin with")
    parser.add_argument("--qemu", default=os.environ.get("QEMU", "qemu-system-riscv64"))
    args = parser.parse_args()
    return run_once(args) if args.machine else run_long(args)


if __name__ == "__main__":
    sys.exit(main())
