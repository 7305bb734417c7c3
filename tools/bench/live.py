#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""live.py [SECONDS]: what the live view of the web page costs, by the OS's own account of CPU time: each process's and all harts' share
of one hart over SECONDS (20), before a live socket was open, with one that asks for what the page does, and after it was closed. Then
the same instructions counted: on one hart under -icount, where a nanosecond is an instruction, for each message."""

import json
import os
import sys
import threading
import time
from pathlib import Path

import running

sys.path.append(str(Path(running.ROOT) / "tools"))

from starina.client import Address, Client, Failure  # noqa: E402  pylint: disable=wrong-import-position
from starina.websocket import TEXT, WebSocket  # noqa: E402  pylint: disable=wrong-import-position

SECONDS = 20
# As web/src/api/live.ts.
ASKED = {"interval_ms": 1000, "what": ["processes", "services", "channels", "harts", "memory", "vms", "network", "disks", "logs"]}


class Live:
    """A live socket that is read as the page does."""

    def __init__(self, address):
        self.messages = self.bytes = self.next = 0
        self.over = False
        self.socket = WebSocket(address, "/live", timeout=120)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        self.socket.send(TEXT, json.dumps(ASKED).encode())
        while not self.over:
            text = self.socket.recv()[1]
            self.messages += 1
            self.bytes += len(text)
        self.socket.close()

    def close(self):
        """Returns what was read, in words."""
        self.over = True
        self.thread.join()
        return f"{self.messages} messages of {self.bytes // max(self.messages, 1)} bytes"


class Account:
    """CPU time of all processes, by name, and of the harts."""

    def __init__(self, client):
        self.time = time.monotonic()
        self.uptime = client.get("/status")["uptime_ms"] * 1e6
        self.cpu = {process["name"]: process["cpu_ns"] for process in client.get("/processes")}
        self.busy = sum(hart["busy_ns"] for hart in client.get("/harts"))


def shares(before, after):
    """Of one hart, in percent: (of all harts, {process: share}, of those that have a share)."""
    passed = after.uptime - before.uptime
    each = {name: 100 * (after.cpu[name] - before.cpu.get(name, 0)) / passed for name in after.cpu}
    return 100 * (after.busy - before.busy) / passed, {name: share for name, share in each.items() if share >= 0.01}


def window(client, seconds):
    """The account over some seconds."""
    before = Account(client)
    time.sleep(seconds)
    return before, Account(client)


def client_of(machine):
    """A client, once the system answers and has come to rest."""
    client = Client(Address.read(Path(running.BUILD) / "run/web.addr"))
    while True:
        try:
            if shares(*window(client, 2))[0] < 10:
                return client
        except Failure:
            time.sleep(1)  # it reads the boot disk
        if machine.process.poll() is not None:
            sys.exit("bench: the system has ended")


def by_the_clock(seconds):
    """Prints the shares by the OS's clock."""
    machine = running.Machine("container started")
    try:
        client = client_of(machine)
        for name in ("closed", "open", "closed again"):
            live = Live(client.address) if name == "open" else None
            before, after = window(client, seconds)
            told = f"; {live.close()}" if live else ""
            of_all, each = shares(before, after)
            names = ", ".join(f"{name} {share:.2f}" for name, share in sorted(each.items(), key=lambda item: -item[1])[:6])
            print(f"{name + ':':14} {of_all:5.2f} % of a hart ({names}){told}", flush=True)
    finally:
        machine.stop()
    print("load of the host: " + " ".join(f"{value:.1f}" for value in os.getloadavg()), flush=True)


def by_instructions(seconds):
    """Prints what a message takes, on one hart whose clock counts instructions."""
    machine = running.Machine("container started", STARINA_SMP="1", STARINA_QEMU_ARGS=running.ICOUNT)
    try:
        client = client_of(machine)
        of_rest = shares(*window(client, seconds))[0] / 100
        live = Live(client.address)
        before, after = window(client, seconds)
        told = live.close()
        passed = after.uptime - before.uptime
        each = (after.busy - before.busy - of_rest * passed) / max(live.messages, 1)
        print(f"a message takes {each / 1e6:.2f} million instructions ({told})")
    finally:
        machine.stop()


if __name__ == "__main__":
    length = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    by_the_clock(length)
    by_instructions(length)
