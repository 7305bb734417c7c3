# SPDX-License-Identifier: MIT
"""Instructions that a machine executes to serve HTTP, counted from outside by the plugin insn_count.c, whatever runs in it."""
import os
import struct

import running

BULK = 20_000_000
FLUSH_ROUNDS = 3


def plugin(counter):
    """The value of QEMU's -plugin. The count is in the file `counter`."""
    return "%s,count=%s" % (os.path.join(running.BUILD, "peers/insn_count.so"), counter)


def numbers(counter):
    with open(counter, "rb") as file:
        return struct.unpack("<2Q", file.read(16))


def executed(counter):
    return numbers(counter)[0]


def flushed(counter):
    return numbers(counter)[1]


def flushes(counter, port, requests):
    """How many of the machine's instructions may have flushed the TLB while `requests` of 1 KB were served on one connection: the least
    of some rounds, for how many acknowledgments come alone depends on the host. None when the server failed."""
    options = ["-k", "-c", "1", "-n", str(requests)]
    least = None
    running.ab(port, "/bytes/1024", *options)
    for _ in range(FLUSH_ROUNDS):
        before = flushed(counter)
        if running.ab(port, "/bytes/1024", *options) is None:
            return None
        count = flushed(counter) - before
        least = count if least is None else min(least, count)
    return least


def per_request(counter, port, path, options, requests):
    """After a warm-up, so that caches are full and all code was translated. None when the server failed."""
    running.ab(port, path, *options, "-n", str(max(requests // 10, 1)))
    before = executed(counter)
    if running.ab(port, path, *options, "-n", str(requests)) is None:
        return None
    return (executed(counter) - before) // requests


def count(counter, port, keepalive=True):
    """A request of 1 KB with keep-alive and with a connection of its own, and a download of BULK bytes."""
    return {"keepalive": per_request(counter, port, "/bytes/1024", ["-k", "-c", "16"], 2000) if keepalive else None,
            "connection": per_request(counter, port, "/bytes/1024", ["-c", "8"], 500),
            "bulk": per_request(counter, port, "/bytes/%d" % BULK, ["-c", "1"], 2)}
