# SPDX-License-Identifier: MIT
"""The switch under a hostile virtual machine."""

import re
import statistics
import subprocess

from harness import ROOT, Log, check, check_equal, free_port, test
from net_machine import run_ab, wait_for_page
from oci import Image, Layer, write_layout

# Frames a second of a VM, and at once: netswitch.rate and netswitch.burst.
RATE = 8000
BURST = 800
# In queues, when the guest counts.
ON_THE_WAY = 1000
# Much longer than a burst.
REQUESTS = 2000
CONCURRENCY = 8
ROUNDS = 3


def flood_image(context):
    def build(directory):
        directory.mkdir()
        subprocess.run(["riscv64-linux-gnu-gcc", "-std=gnu11", "-Os", "-static", "-Wall", "-Wextra", "-Werror",
                        "-o", directory / "flood", ROOT / "tools/e2e/programs/flood.c"], check=True)
        return (directory / "flood").read_bytes()
    return Image(Layer().file("flood", context.once("flood", build), mode=0o755), Entrypoint=["/flood"])


@test
def a_flood_is_held_to_its_rate(context):
    """By the guest's own clock, so that a slow machine only makes it less; and httpd answers all the time."""
    write_layout(context.scratch / "image", flood_image(context))
    port = free_port()
    url = f"http://127.0.0.1:{port}/bytes/1024"
    process = context.start(LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=port)
    rates = {"quiet": [], "flooding": []}
    try:
        wait_for_page(Log(process.stderr))
        for _ in range(ROUNDS):
            for state, measured in rates.items():
                check_equal(process.stdout.readline().decode(), state + "\n")
                measured.append(run_ab(url, REQUESTS, CONCURRENCY))
                process.stdin.write(b"\n")
                process.stdin.flush()
            frames, ms = re.fullmatch(rb"(\d+) frames in (\d+) ms\n", process.stdout.readline()).groups()
            limit = RATE * int(ms) / 1000 + BURST + ON_THE_WAY
            check(0 < int(frames) <= limit, f"{int(frames)} frames in {int(ms)} ms, which are more than {limit}")
        quiet, flooded = (statistics.median(measured) for measured in rates.values())
        print(f"requests/s, median of {ROUNDS}: {quiet:.0f} undisturbed, {flooded:.0f} under the flood")
    finally:
        context.stop(process)
