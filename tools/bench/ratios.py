# SPDX-License-Identifier: MIT
"""Figures by the clock, as ratios of what was measured in turns in one run: what else the host does meets both sides alike."""
import os
import re
import statistics
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
# pylint: disable=wrong-import-position
import machines  # noqa: E402
import running  # noqa: E402
import served  # noqa: E402

ROUNDS = 3
# name: (what it is, what "at most" or "at least" is wanted)
RATIOS = {
    "guest_clock": ("the guest's clock at its init: in a VM / the same kernel without", "<= 1.3"),
    "start": ("run call to execve / the same kernel's boot from QEMU's start, without a VM", None),
    "connection": ("requests/s, a connection each: httpd / busybox httpd in a container", None),
    "bulk": ("MB/s of 20 MB: httpd / busybox httpd in a container", None),
}


def bare_boot(scratch, samples):
    begin = time.monotonic()
    machine = machines.bare_guest(scratch, smp=2)
    try:
        clock = machine.wait_for(r"guest init after (\d+) ns").group(1)
        samples["bare_clock"].append(int(clock))
        samples["bare_boot"].append(time.monotonic() - begin)
    finally:
        machine.stop()


def container_start(samples):
    log = running.run_container(append="kernel.log=debug")
    samples["vm_clock"].append(int(re.search(r"bootd is up after (\d+) ns", log).group(1)))
    samples["start"].append(int(re.search(r"container started in (\d+) ms", log).group(1)) / 1000)


def serve(samples):
    machine, port = running.server_in_container(served.BULK)
    try:
        for name, where in (("httpd", machine.port), ("guest", port)):
            for kind, path, options in (("connection", "/bytes/1024", ("-c", "8", "-n", "400")),
                                        ("bulk", "/bytes/%d" % served.BULK, ("-c", "1", "-n", "2"))):
                samples[name + "_" + kind].append(running.ab(where, path, *options))
    finally:
        machine.stop()


def measure():
    samples = {name: [] for name in ("bare_clock", "bare_boot", "vm_clock", "start", "httpd_connection", "httpd_bulk",
                                     "guest_connection", "guest_bulk")}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(ROUNDS):
            running.say("ratios by the clock, round %d of %d" % (number + 1, ROUNDS))
            bare_boot(os.path.join(scratch, str(number)), samples)
            container_start(samples)
            serve(samples)
    middle = {name: statistics.median(values) if None not in values else None for name, values in samples.items()}
    pairs = {"guest_clock": ("vm_clock", "bare_clock"), "start": ("start", "bare_boot"),
             "connection": ("httpd_connection", "guest_connection"), "bulk": ("httpd_bulk", "guest_bulk")}
    return {"load": os.getloadavg()[0], "samples": samples,
            "ratios": {name: round(middle[a] / middle[b], 2) for name, (a, b) in pairs.items() if middle[a] and middle[b]}}


def table(result):
    print("\n%-84s %8s %10s" % ("by the clock, ratios of this run (%d rounds, load %.1f)" % (ROUNDS, result["load"]), "ratio", "target"))
    for name, value in result["ratios"].items():
        print("%-84s %8.2f %10s" % (RATIOS[name][0], value, RATIOS[name][1] or ""))
