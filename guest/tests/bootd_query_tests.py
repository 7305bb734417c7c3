# SPDX-License-Identifier: MIT
"""Tests of bootd: figures of the container that runs, its processes, pause and limits."""
import struct
import time

from bootd_added_tests import begin, expect_added, finish
from bootd_cases import check, test
from bootd_vmm import FREEZE, LIMIT, REPLY, STATS, STDOUT, TOP

STATS_NAMES = """memory memory_cached memory_limit oom_kills cpu cpu_user cpu_system cpu_periods throttled_periods throttled
    pids pids_limit rx_bytes rx_packets rx_errors rx_dropped tx_bytes tx_packets tx_errors tx_dropped disk_read disk_written""".split()


def result(guest, kind, body=b""):
    """The result of a request that succeeds."""
    number = guest.send(kind, body)
    guest.wait(lambda: any(f[0] == REPLY and f[2] == number for f in guest.frames), f"reply {number}")
    body = next(f[3] for f in guest.frames if f[0] == REPLY and f[2] == number)
    check(struct.unpack_from("<i", body)[0], 0)
    return body[4:]


def stats(guest):
    return dict(zip(STATS_NAMES, struct.unpack(f"<{len(STATS_NAMES)}Q", result(guest, STATS))))


TOP_ENTRY = struct.Struct("<IIIIIIQQQQII")


def top(guest):
    """All pages: [(pid, parent, uid, terminal, start, cpu, command)]."""
    entries, after, more = [], 0, 1
    while more:
        page = result(guest, TOP, struct.pack("<I", after))
        more, = struct.unpack_from("<I", page)
        at = 4
        while at < len(page):
            after, pid, parent, uid, terminal, length, start, cpu, virtual, resident, state, _ = TOP_ENTRY.unpack_from(page, at)
            assert 0 < resident <= virtual and chr(state) in "RSD", (virtual, resident, state)
            at += TOP_ENTRY.size
            entries.append((pid, parent, uid, terminal, start, cpu, page[at:at + length]))
            at += length
    return entries


@test()
def figures(guest):
    check(guest.reply(guest.send(STATS))[0], -3)
    begin(guest)
    first = stats(guest)
    assert 0 < first["memory"] < first["memory_limit"] < 128 << 20, first
    assert first["pids"] == 1 and first["cpu"] > 0 and first["disk_read"] > 0 and first["oom_kills"] == 0, first
    process = guest.add("probe", "cat")
    guest.wait(lambda: process.started, "a second process")
    second = stats(guest)
    assert second["pids"] == 2 and second["cpu"] >= first["cpu"], second
    process.close()
    expect_added(process, 0)
    finish(guest)


@test()
def list_of_processes(guest):
    begin(guest)
    commands = [["probe", "cat"], ["probe", "cat", "an argument", "x" * 2000]]
    added = [guest.add(*args, user={"uid": 33}) for args in commands]
    terminal = guest.add("probe", "tty", terminal=True)
    guest.wait(lambda: added[1].started and added[0].started and terminal.output[1], "all of them")
    entries = top(guest)
    check([entry[6] for entry in entries], [b"probe signal", b"probe cat", b"probe cat an argument " + b"x" * 1002, b"probe tty"])
    check([entry[1:3] for entry in entries], [(0, 0), (0, 33), (0, 33), (0, 0)])
    check([entry[0] for entry in entries][0], 1)
    check([entry[3] for entry in entries], [0, 0, 0, 136 << 8])
    now = time.time_ns()
    assert all(entry[4] < now + 10**12 for entry in entries), entries
    # More than a page.
    many = [guest.add("probe", "cat", "y" * 900) for _ in range(40)]
    guest.wait(lambda: all(process.started for process in many), "all of them")
    check(len(top(guest)), 44)
    finish(guest)


@test()
def paused(guest):
    begin(guest)
    process = guest.add("probe", "cat")
    guest.wait(lambda: process.started, "a process")
    check(guest.reply(guest.send(FREEZE, struct.pack("<I", 2)))[0], -22)
    check(guest.reply(guest.send(FREEZE, struct.pack("<I", 1))), (0, ""))
    process.write(b"x")
    # One that is added meanwhile begins later.
    later = guest.add("probe", "hello")
    for _ in range(5):
        guest.pump(0.2)
    check((process.output[1], later.started), (b"", False))
    check(guest.reply(guest.send(FREEZE, struct.pack("<I", 0))), (0, ""))
    expect_added(later, 0, b"hello\n")
    process.close()
    expect_added(process, 0, b"x")
    finish(guest)


@test()
def limits_change(guest):
    begin(guest)
    most = stats(guest)["memory_limit"]
    check(guest.reply(guest.send(LIMIT, struct.pack("<QQQQ", 20 << 20, 5, 50000, 100000))), (0, ""))
    changed = stats(guest)
    check((changed["memory_limit"], changed["pids_limit"]), (20 << 20, 5))
    check(guest.reply(guest.send(LIMIT, struct.pack("<QQQQ", 0, 0, 1, 1)))[0], -22)
    check(guest.reply(guest.send(LIMIT, struct.pack("<QQQQ", 1 << 40, 0, 0, 0))), (0, ""))
    changed = stats(guest)
    check((changed["memory_limit"], changed["pids_limit"]), (most, 0))
    assert guest.output[STDOUT] == b"ready\n"
    finish(guest)
