# SPDX-License-Identifier: MIT
"""Memory of containers: what a guest costs, what it gives back, and what happens when there is none."""

import json
import re
import select
import time
import urllib.request

import debian
from harness import RUN_TIMEOUT, check, check_equal, test
from net_machine import free_port
from oci import write_layout
from probe import run_probe

PAGE = 4096
MIB = 1 << 20
BALLAST = 64 * MIB
# Of a guest: reserved, and used before its container's first process.
GUEST_MAX = 50_000_000
OBEY = "import sys\nfor line in sys.stdin: exec(line)"


class Puppet:
    """A container whose Python does what it is told, line by line, in an OS whose free memory we see."""

    def __init__(self, context, **settings):
        write_layout(context.scratch / "image", debian.image(Entrypoint=["/usr/bin/python3", "-uc", OBEY]))
        self.port = free_port()
        self.process = context.start("--log", "os.log", LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=self.port,
                                     **settings)

    def tell(self, line):
        """Runs a line of Python that prints a line; returns that."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        check(select.select([self.process.stdout], [], [], RUN_TIMEOUT)[0], f"no answer to {line}")
        return self.process.stdout.readline().decode().strip()

    def free_bytes(self):
        """Of the OS, by its status page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status.json", timeout=RUN_TIMEOUT) as page:
            return json.load(page)["free_pages"] * PAGE

    def wait_for_free(self, wanted):
        """Waits until so many bytes are free; returns how many are."""
        deadline = time.monotonic() + RUN_TIMEOUT
        while True:
            free = self.free_bytes()
            if free >= wanted:
                return free
            check(time.monotonic() < deadline, f"{free} bytes are free, not {wanted}")
            time.sleep(0.5)


@test
def freed_memory_comes_back(context):
    """The guest reports its free pages every two seconds, and the OS has them again."""
    puppet = Puppet(context)
    try:
        check_equal(puppet.tell("print('up')"), "up")
        before = puppet.free_bytes()
        check_equal(puppet.tell(f"b = bytearray({BALLAST}); b[::4096] = b'x' * len(b[::4096]); print('full')"), "full")
        full = puppet.free_bytes()
        # What the guest has not used since its boot may come back at any time: the figures are not exact.
        check(before - full > BALLAST // 2, (before, full))
        check_equal(puppet.tell("del b; print('freed')"), "freed")
        freed = puppet.wait_for_free(full + BALLAST * 3 // 4)
        # And the guest uses them again.
        check_equal(puppet.tell(f"b = b'y' * {BALLAST}; print(b.count(b'y'))"), str(BALLAST))
        check(puppet.free_bytes() < freed - BALLAST // 2, (freed, puppet.free_bytes()))
    finally:
        result = context.stop(puppet.process)
    check("FAULT" not in result.stderr, result)


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
