# SPDX-License-Identifier: MIT
"""Memory of containers: what a guest costs, what it gives back, and what happens when there is none."""

import json
import re
import time
import urllib.request

import debian
from harness import RUN_TIMEOUT, Log, check, check_equal, free_port, test
from net_machine import wait_for_page
from oci import write_layout
from probe import run_probe

PAGE = 4096
MIB = 1 << 20
BALLAST = 84 * MIB
# Of a guest: reserved, and used before its container's first process.
GUEST_MAX = 50_000_000
OBEY = "import sys\nfor line in sys.stdin: exec(line)"


class Puppet:
    """A container whose Python does what it is told, line by line, in an OS whose free memory we see."""

    def __init__(self, context, **settings):
        write_layout(context.scratch / "image", debian.image(Entrypoint=["/usr/bin/python3", "-uc", OBEY]))
        self.port = free_port()
        self.process = context.start(LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=self.port, **settings)
        self.log = Log(self.process.stderr)
        wait_for_page(self.log)

    def tell(self, line):
        """Runs a line of Python that prints a line; returns that."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()

    def free_bytes(self):
        """Of the OS, by its status page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status.json", timeout=RUN_TIMEOUT) as page:
            return json.load(page)["free_pages"] * PAGE

    def wait_for_free(self, wanted):
        """Waits until so many bytes are free; returns how many are."""
        while True:
            free = self.free_bytes()
            if free >= wanted:
                return free
            time.sleep(0.5)


@test
def freed_memory_comes_back(context):
    """The guest reports its free pages every two seconds, and the OS has them again."""
    puppet = Puppet(context)
    try:
        # Twice: the guest uses again what it gave back. The ballast leaves room for less than a quarter of it in the guest, so that
        # it is the ballast's memory that comes back.
        for letter in "xy":
            check_equal(puppet.tell(f"b = b'{letter}' * {BALLAST}; print(b.count(b'{letter}'))"), str(BALLAST))
            full = puppet.free_bytes()
            check_equal(puppet.tell("del b; print('freed')"), "freed")
            puppet.wait_for_free(full + BALLAST * 3 // 4)
    finally:
        puppet.process.terminate()
        log = puppet.log.whole()
    check("FAULT" not in log, log)


@test
def small_guests(context):
    """64 MiB are enough for a container; the guest itself takes less than 50 MB of them, and of more."""
    for memory in (64, 128):
        result = run_probe(context, "show", "/proc/meminfo", LINUXRUN_MEMORY=f"{memory}M")
        check_equal(result.status, 0, result)
        available = int(re.search(rb"MemAvailable: +(\d+) kB", result.stdout)[1]) * 1024
        check(memory * MIB - available < GUEST_MAX, result)
    result = run_probe(context, "hold", "32", LINUXRUN_MEMORY="64M")
    check_equal((result.status, result.stdout), (0, b"holding\n"), result)


@test
def out_of_memory_in_the_guest(context):
    """The process gets it, as in docker: status 137. The OS goes on, and powers off as always."""
    result = run_probe(context, "hoard", LINUXRUN_MEMORY="64M")
    check_equal((result.status, result.errors()), (137, ""), result)
    check("container ended with status 137" in result.stderr, result)
