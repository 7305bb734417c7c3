# SPDX-License-Identifier: MIT
"""Guests that mean harm to the OS's TCP stack (programs/tcp_attack.c): the status page goes on answering."""

import subprocess
import time

from harness import ROOT, Log, check_equal, free_port, test
from net_machine import get_status, run_ab, wait_for_page
from oci import Image, Layer, write_layout

VM_CONNECTIONS = 32  # SHARE_VM_CONNECTIONS of apps/tcpip/share.h


def attack_image(context, *args):
    def build(directory):
        directory.mkdir()
        subprocess.run(["riscv64-linux-gnu-gcc", "-std=gnu11", "-Os", "-static", "-Wall", "-Wextra", "-Werror",
                        "-o", directory / "tcp_attack", ROOT / "tools/e2e/programs/tcp_attack.c"], check=True)
        return (directory / "tcp_attack").read_bytes()
    return Image(Layer().file("tcp_attack", context.once("tcp_attack", build), mode=0o755),
                 Entrypoint=["/tcp_attack", *args])


def wait_for_connections(url, least, most):
    while not least <= get_status(url)["connections"] <= most:
        time.sleep(0.2)


@test
def connections_of_a_dead_machine(context):
    """One VM completes 256 handshakes, and falls silent. It gets its share, and the page answers. Its connections go with it."""
    context.boot_image("starina-crowd")
    write_layout(context.scratch / "image", attack_image(context, "hold", "256"))
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    process = context.start(LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=port, STARINA_APPEND="vm_crowd.count=2 vm_crowd.memory=64M")
    try:
        log = Log(process.stderr)
        wait_for_page(log)
        check_equal(int(log.wait_for(r"wrote: holding (\d+)")[1]), VM_CONNECTIONS)
        # Ours, and what the other machine's watcher has open, come and go besides.
        wait_for_connections(url, VM_CONNECTIONS + 1, VM_CONNECTIONS + 2)
        run_ab(url, 200, 4)
        # That was what the watcher waited for: the first ends.
        log.wait_for(r"port 10\.0\.2\.101: down")
        wait_for_connections(url, 1, 2)
    finally:
        context.stop(process)


@test
def readers_of_nothing(context):
    """A VM asks for more than there is on as many connections as it gets, and reads nothing."""
    write_layout(context.scratch / "image", attack_image(context, "slow", "40"))
    port = free_port()
    process = context.start(LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=port)
    try:
        wait_for_page(Log(process.stderr))
        check_equal(process.stdout.readline(), b"waiting 1\n")
        run_ab(f"http://127.0.0.1:{port}/bytes/100000", 200, 8)
    finally:
        context.stop(process)


@test
def a_flood_of_syns(context):
    """From more ports than the OS has room for; nobody finishes a handshake."""
    write_layout(context.scratch / "image", attack_image(context, "flood", "600"))
    port = free_port()
    process = context.start(LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=port)
    try:
        wait_for_page(Log(process.stderr))
        check_equal(process.stdout.readline(), b"flooding\n")
        run_ab(f"http://127.0.0.1:{port}/", 500, 8)
    finally:
        context.stop(process)
