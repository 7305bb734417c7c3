# SPDX-License-Identifier: MIT
"""Guests that mean harm to the OS's TCP stack (programs/tcp_attack.c): the status page goes on answering."""

import re
import socket
import subprocess
import threading
import time

from harness import ROOT, RUN_TIMEOUT, check, check_equal, test
from net_machine import Machine, free_port, get_status, run_ab
from oci import Image, Layer, write_layout

VM_CONNECTIONS = 32  # SHARE_VM_CONNECTIONS of apps/tcpip/share.h
QUEUED_MAX = 3072  # SHARE_QUEUED_MAX likewise: pages at most
WAITING_MAX = 2048  # of SHARE_WAITING_MAX, what one share alone may have, in pages
PIPELINES = 100


def attack_image(context, *args):
    def build(directory):
        directory.mkdir()
        subprocess.run(["riscv64-linux-gnu-gcc", "-std=gnu11", "-Os", "-static", "-Wall", "-Wextra", "-Werror",
                        "-o", directory / "tcp_attack", ROOT / "tools/e2e/programs/tcp_attack.c"], check=True)
        return (directory / "tcp_attack").read_bytes()
    return Image(Layer().file("tcp_attack", context.once("tcp_attack", build), mode=0o755),
                 Entrypoint=["/tcp_attack", *args])


class Log:
    """The lines of a machine's log as they come."""

    def __init__(self, stream):
        self.lines = []
        self.stream = stream
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.stream:
            self.lines.append(line.decode(errors="replace").rstrip())

    def wait_for(self, pattern):
        end = time.monotonic() + RUN_TIMEOUT
        while time.monotonic() < end:
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found
            time.sleep(0.05)
        raise AssertionError(f"no line with {pattern!r}:\n" + "\n".join(self.lines[-30:]))


@test
def connections_of_a_dead_machine(context):
    """One VM completes 256 handshakes, and falls silent. It gets its share, and the page answers. Its connections go with it."""
    context.own_build()
    (context.build / "starina.elf").unlink()
    (context.build / "starina.elf").symlink_to(context.suite.build / "starina-crowd.elf")
    write_layout(context.scratch / "image", attack_image(context, "hold", "256"))
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    process = context.start(LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=port, STARINA_APPEND="vm_crowd.count=2 vm_crowd.memory=64M")
    try:
        log = Log(process.stderr)
        check_equal(int(log.wait_for(r"wrote: holding (\d+)")[1]), VM_CONNECTIONS)
        # What the other machine's watcher has open besides comes and goes.
        check(VM_CONNECTIONS < get_status(url)["connections"] <= VM_CONNECTIONS + 2, "held")
        run_ab(url, 200, 4)
        # That was what the watcher waited for: the first ends.
        log.wait_for(r"port 10\.0\.2\.101: down")
        check(get_status(url)["connections"] <= 2, "left of a machine that is gone")
    finally:
        context.stop(process)


@test
def readers_of_nothing(context):
    """A VM asks for more than there is on as many connections as it gets, and reads nothing."""
    write_layout(context.scratch / "image", attack_image(context, "slow", "40"))
    port = free_port()
    process = context.start(LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=port)
    try:
        Log(process.stderr)
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
        Log(process.stderr)
        check_equal(process.stdout.readline(), b"flooding\n")
        run_ab(f"http://127.0.0.1:{port}/", 500, 8)
    finally:
        context.stop(process)


def ask_on_and_on(sockets):
    """Sends requests on all of them until none takes more."""
    requests = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 40
    sent = [0] * len(sockets)
    idle = 0
    while idle < 10:
        taken = 0
        for i, s in enumerate(sockets):
            try:
                count = s.send(requests[sent[i] % len(requests):])
            except BlockingIOError:
                continue
            taken += count
            sent[i] += count
        idle = idle + 1 if taken == 0 else 0
        time.sleep(0.1)


@test
def pipelines_that_nobody_reads(context):
    """Peers beyond the uplink ask on and on, and read nothing: what is held for them is bounded, and the page answers."""
    with Machine(context) as machine:
        before = machine.status()
        sockets = []
        try:
            for _ in range(PIPELINES):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
                s.connect(("127.0.0.1", machine.port))
                s.setblocking(False)
                sockets.append(s)
            ask_on_and_on(sockets)
            now = machine.status()
            check(now["connections"] > PIPELINES, now)
            held = before["free_pages"] - now["free_pages"]
            check(held < QUEUED_MAX + WAITING_MAX + 25 * PIPELINES, f"{held} pages are held")
        finally:
            for s in sockets:
                s.close()
        machine.check_quiet(before)
