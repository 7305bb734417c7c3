#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests bootd in a plain QEMU machine: bootd_vmm.py plays the VMM on the control port. The tests are in bootd_*_tests.py.

usage: bootd_test.py --kernel IMAGE --build DIR [-v] [--measure] [NAME...]

DIR is the BUILD directory that holds guest/initramfs.cpio (made by guest.mk). Prints `N passed, N failed`.
"""
import argparse
import concurrent.futures
import os
import struct
import subprocess
import sys
import tempfile

# Their tests enter themselves in TESTS.
import bootd_added_tests
import bootd_archive_tests
import bootd_files_tests
import bootd_limits_tests
import bootd_network_tests
import bootd_path_tests
import bootd_prepared_tests
import bootd_process_tests
import bootd_protocol_tests
import bootd_query_tests
import bootd_user_tests
import bootd_view_tests
from bootd_cases import TESTS, config
from bootd_vmm import READY, Guest, make_root

HERE = os.path.dirname(os.path.abspath(__file__))
CMDLINE = "loglevel=1 earlycon=sbi keep_bootcon panic=-1"


def make_roots(options):
    """The images of the tests."""
    probe = os.path.join(options.scratch, "probe")
    subprocess.run([options.cross + "gcc", "-std=gnu11", "-D_GNU_SOURCE", "-static", "-pthread", "-O1", "-Wall", "-Wextra", "-o",
                    probe, *(os.path.join(HERE, name) for name in ("bootd_probe.c", "probe_files.c", "probe_limits.c"))], check=True)
    subprocess.run([options.cross + "strip", probe], check=True)
    with open(probe, "rb") as file:
        program = file.read()
    passwd = b"root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:Web:/var/www:/bin/sh\n"
    plain = {"bin": ("dir", 0o755), "bin/probe": program, "etc": ("dir", 0o755),
             "etc/passwd": passwd, "etc/group": b"root:x:0:\nstaff:x:50:web,root\n",
             "etc/resolv.conf": b"old\n", "tmp": ("dir", 0o777), "noexec": b"#!/bin/probe\n",
             "garbage": b"\x01\x02garbage" * 100, "script": b"#!/nope\n", "masked": b"secret\n",
             "proc": ("dir", 0o755), "sys": ("dir", 0o755), "dev": ("dir", 0o755)}
    hostile = {"bin": ("dir", 0o755), "bin/probe": program, "victim": b"untouched\n",
               "other": ("dir", 0o755), "target": ("dir", 0o755), "dev": ("link", "../../other"),
               "etc": ("link", "/target"), "target/resolv.conf": ("link", "/victim"),
               "target/fifo": ("fifo", 0)}
    links = {"bin": ("dir", 0o755), "bin/probe": program, "file": b"untouched\n",
             "work": ("link", "/var/lib/work"), "below": ("link", "var/below"), "loop": ("link", "loop"),
             "far": ("link", "../../../away/far"), "etc": ("link", "/usr/etc"), "dev": ("link", "run/dev"),
             "stdin": ("link", "/proc/self/fd/0"), "data": ("link", "/srv/data"), "srv": ("dir", 0o750, 33),
             "full": ("dir", 0o1770, 33), "full/inner": ("dir", 0o700, 34), "full/file": b"of the image\n"}
    attributes = {"bin": ("dir", 0o755), "bin/probe": program, "tmp": ("dir", 0o777), **bootd_files_tests.entries(program)}
    return {"attributes": make_root(options, "attributes", attributes),
            "links": make_root(options, "links", links),
            **{name: make_root(options, name, {"bin": ("dir", 0o755), "bin/probe": program, **more})
               for name, more in {**bootd_path_tests.ROOTS, **bootd_user_tests.ROOTS}.items()},
            "plain": make_root(options, "plain", plain),
            "hostile_proc": make_root(options, "hostile_proc",
                                      {**plain, "proc": ("link", "/tmp")}),
            "hostile_dev": make_root(options, "hostile_dev", hostile),
            "scratch": make_root(options, "scratch", {"probe": program})}


def measure(options, root):
    """Prints instructions from power-on to READY, and to the container's main (exact: -icount)."""
    guest = Guest(options, root, icount=True)
    try:
        guest.start(config("/bin/probe", "clock"))
        _, stdout, _, _ = guest.end()
        ready = struct.unpack_from("<IIQ", guest.frame(READY)[3])[2]
        print(f"instructions: {ready} to READY, {int(stdout.split()[0]) - ready} from there to the "
              "container's main (waits for this script included)")
    finally:
        guest.close()


def run_test(options, roots, name, root, function):
    """Runs one test in a guest of its own. Returns whether it passed."""
    guest = Guest(options, roots[root])
    try:
        function(guest)
        passed = guest.close()
        reason = "the guest did not power off"
    except Exception as error:  # a test may fail in any way
        passed, reason = False, f"{type(error).__name__}: {error}"
        guest.close()
    with open(os.path.join(guest.dir, "serial"), "rb") as file:
        log = file.read()
    if b"Kernel panic" in log:
        passed, reason = False, "the guest's kernel panicked"
    if not passed:
        print(f"FAIL {name}: {reason}\n{log.decode(errors='replace')[-3000:]}", flush=True)
    elif options.verbose:
        print(f"ok   {name}", flush=True)
    return passed


def main():
    """Runs the tests named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--cross", default="riscv64-linux-gnu-")
    parser.add_argument("--cmdline", default=CMDLINE)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bootd-test-") as scratch:
        options.scratch = scratch
        roots = make_roots(options)
        if options.measure:
            measure(options, roots["plain"])
            return 0
        chosen = [entry for entry in TESTS if not options.names or entry[0] in options.names]
        # Much of a test is to wait for its guest.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda entry: run_test(options, roots, *entry), chosen))
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed")
    return 0 if passed == len(results) and results else 1


if __name__ == "__main__":
    sys.exit(main())
