#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots an image with apps in TypeScript (ts/tests) and of ported code, and waits for what each is to say, and how it ends: scripts_test.py ELF"""
import os
import re
import subprocess
import sys
import threading

# Of each app the lines that it logs, in this order, others between them.
WANTED = {
    "ported": [r"PORTED CODE, 3\.14", "ended with status 0"],
    "runtime_ts": [r'shown: \{ n: 1, s: "x", list: \[ 1n, null, undefined \], map: Map .*Uint8Array \[ 0, 0 \]',
                   "TypeError: shown with its place", r"at main \(main\.ts:\d+\)", "all is well", "ended with status 0"],
    "throws_ts": ["uncaught exception: TypeError: cannot read property 'name' of undefined", r"at nameOf \(main\.ts:11\)",
                  r"at <anonymous> \(main\.ts:17\)", "ended with status 1"],
    "rejects_ts": ["handled: late", "unhandled rejection: RangeError: not today", r"at refuse \(main\.ts:8\)", "ended with status 1"],
    "allocates_ts": ["caught: out of memory", "uncaught exception: InternalError: out of memory", r"at main \(main\.ts:21\)",
                     "ended with status 1"],
    "recurses_ts": ["calls: InternalError: stack overflow", "sort: InternalError: stack overflow", "json: SyntaxError: stack overflow",
                    "regexp: SyntaxError", "stringify: ", "uncaught exception: InternalError: stack overflow", "ended with status 1"],
    # Whom it kills have to be there again.
    "chaos_ts": ["echo_ts: killed, and there again"] * 2 + ["virtio_rng_ts: killed, and there again"] * 2 + [
        "4 kills, and all is well", "ended with status 0"],
    # An app in C with a service in TypeScript.
    "kv_client": ["kv works", "ended with status 0"],
    "floods_ts": ["2000 lines", "caught: ERR_FULL", "caught: ERR_BAD_HANDLE", "all is well", "ended with status 0"],
    "waits_ts": ["main waits for what can never come", "ended with status 1"],
}
RULE = '"echo_ts=2 virtio_rng_ts=2"'
LINE = re.compile(r"^\[(\w+) *\] \S+ +(.*)$")
SECONDS = 600  # until a machine that says nothing more counts as hung


def watch(lines, wanted, log):
    """Takes off what has come, until nothing is wanted any more or the lines end."""
    for raw in lines:
        line = raw.decode(errors="replace").rstrip()
        log.append(line)
        match = LINE.match(line)
        if not match:
            continue
        name, text = match.groups()
        if name == "kernel":
            name, _, text = text.partition(": ")
        left = wanted.get(name)
        if left and re.search(left[0], text):
            left.pop(0)
        if not any(wanted.values()):
            return


def main():
    qemu = os.environ.get("QEMU", "qemu-system-riscv64")
    wanted, log = {name: list(texts) for name, texts in WANTED.items()}, []
    machine = subprocess.Popen([qemu, "-M", "virt", "-cpu", "rv64", "-smp", "2", "-m", "256M", "-nographic", "-no-reboot", "-kernel", sys.argv[1],
                                "-device", "virtio-rng-device", "-global", "virtio-mmio.force-legacy=false", "-append", f"chaos_ts.rule={RULE}"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    timer = threading.Timer(SECONDS, machine.kill)
    timer.start()
    try:
        watch(machine.stdout, wanted, log)
    finally:
        timer.cancel()
        machine.kill()
        machine.wait()
    for name, left in wanted.items():
        print(f"  {'FAIL' if left else 'ok':<4} {name}" + (f": did not say {left[0]}" if left else ""))
    failed = sum(1 for left in wanted.values() if left)
    if failed:
        print("--- the machine's log", *log[-100:], "---", sep="\n")
    print(f"scripts: {len(wanted) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
