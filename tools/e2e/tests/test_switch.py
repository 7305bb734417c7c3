# SPDX-License-Identifier: MIT
"""The switch under a hostile virtual machine."""

import statistics
import subprocess
import threading

from harness import ROOT, check, test
from net_machine import free_port, run_ab
from oci import Image, Layer, write_layout

# Much longer than a burst, which is let through at once.
REQUESTS = 2000
CONCURRENCY = 8
ROUNDS = 5


def flood_image(context):
    def build(directory):
        directory.mkdir()
        subprocess.run(["riscv64-linux-gnu-gcc", "-std=gnu11", "-Os", "-static", "-Wall", "-Wextra", "-Werror",
                        "-o", directory / "flood", ROOT / "tools/e2e/programs/flood.c"], check=True)
        return (directory / "flood").read_bytes()
    return Image(Layer().file("flood", context.once("flood", build), mode=0o755), Entrypoint=["/flood"])


def drain(stream):
    """So that the OS's log does not fill the pipe."""
    threading.Thread(target=stream.read, daemon=True).start()


@test
def httpd_keeps_half_of_its_rate_under_a_flood(context):
    """Quiet and flooded spans take turns, so that what else the host does hits both; judged is the ratio within the run."""
    write_layout(context.scratch / "image", flood_image(context))
    port = free_port()
    url = f"http://127.0.0.1:{port}/bytes/1024"
    process = context.start(LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=port)
    rates = {b"quiet\n": [], b"flooding\n": []}
    try:
        drain(process.stderr)
        for _ in range(ROUNDS):
            for state, measured in rates.items():
                check(process.stdout.readline() == state)
                measured.append(run_ab(url, REQUESTS, CONCURRENCY))
                process.stdin.write(b"\n")
                process.stdin.flush()
        quiet, flooded = (statistics.median(measured) for measured in rates.values())
        check(flooded * 2 >= quiet, f"requests/s: {rates}")
        print(f"requests/s, median of {ROUNDS}: {quiet:.0f} undisturbed, {flooded:.0f} under the flood")
    finally:
        context.stop(process)
