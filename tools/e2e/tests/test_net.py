# SPDX-License-Identifier: MIT
"""The native network: virtio_net, tcpip and httpd, from the host through QEMU's user network."""

import http.client
import math
import os
import socket
import time
import zlib

from harness import RUN_TIMEOUT, check, check_equal, free_port, test
from net_machine import SPARE_PAGES, Load, Machine, get_status, pattern_block, run_ab, wait_for_page
from oci import write_layout
from probe import probe_image
from test_machine import Machine as RunMachine

TRANSFER = 100_000_000
REQUESTS = 10_000
CONNECTIONS = 256  # SHARE_UPLINK_CONNECTIONS of apps/tcpip/share.h
KILLS = 30
IDLE_SECONDS = 10
IDLE_WAKEUPS = 20  # a second, over all harts
IDLE_WAKEUPS_PROBING = 1000  # while windows are shut and are asked about


@test
def status_page(context):
    with Machine(context) as machine:
        check(b"Starina is up" in machine.get("/"))
        check_equal(machine.status()["harts"], 2)


@test
def many_requests(context):
    with Machine(context) as machine:
        before = machine.status()
        run_ab(machine.url + "/bytes/1024", REQUESTS, 32)
        run_ab(machine.url + "/bytes/1024", REQUESTS, 32, "-k")
        machine.check_quiet(before)


@test
def many_requests_to_a_plain_run(context):
    machine = RunMachine(context)
    try:
        url = machine.page()
        machine.wait_for("container ended with status 0")
        run_ab(url, REQUESTS // 5, 32)
        run_ab(url, REQUESTS // 5, 32, "-k")
    finally:
        machine.kill()


@test
def download(context):
    with Machine(context) as machine:
        data = machine.get(f"/bytes/{TRANSFER}")
        check_equal(len(data), TRANSFER)
        body = pattern_block(0, 65536)[8:]
        for start in range(0, TRANSFER, 65536):
            block = data[start:start + 65536]
            check(block[:8] == (start // 65536).to_bytes(8, "little")[:len(block)] and
                  block[8:] == body[:max(len(block) - 8, 0)], f"block at {start}")


def upload_answer(machine, data, chunked):
    connection = http.client.HTTPConnection("127.0.0.1", machine.port, timeout=RUN_TIMEOUT)
    body = (data[i:i + 50_000] for i in range(0, len(data), 50_000)) if chunked else data
    connection.request("POST", "/checksum", body=body, encode_chunked=chunked,
                       headers={"Transfer-Encoding": "chunked"} if chunked else {})
    return connection.getresponse().read().decode()


@test
def upload(context):
    data = os.urandom(TRANSFER)
    with Machine(context) as machine:
        check_equal(upload_answer(machine, data, False), f"{len(data)} {zlib.crc32(data):08x}\n")
        part = data[:5_000_000]
        check_equal(upload_answer(machine, part, True), f"{len(part)} {zlib.crc32(part):08x}\n")


def kill_under_load(context, app):
    with Machine(context) as machine:  # as it is when nothing was killed
        with Load(machine) as load:
            load.goes_on()
        before = machine.status()
    with Machine(context, f"reaper.target={app}", f"reaper.count={KILLS}", "reaper.pause=500") as machine:
        with Load(machine) as load:
            load.goes_on()
            machine.wait_for(r"reaper.*(done: httpd answered each time|ERROR)")
            load.goes_on()
        check(any("done: httpd answered each time" in line for line in machine.lines), machine.lines[-20:])
        check_equal(len(machine.get("/bytes/1024")), 1024)
        machine.check_quiet(before)


@test
def tcpip_is_killed(context):
    kill_under_load(context, "tcpip")


@test
def virtio_net_is_killed(context):
    kill_under_load(context, "virtio_net")


@test
def netswitch_is_killed(context):
    kill_under_load(context, "netswitch")


def raw(machine, data):
    """What the server says to raw bytes; it closes the connection."""
    with socket.create_connection(("127.0.0.1", machine.port), timeout=RUN_TIMEOUT) as s:
        s.sendall(data)
        answer = b""
        try:
            while piece := s.recv(4096):
                answer += piece
        except ConnectionResetError:
            pass
        return answer


def fill_all_connections(machine):
    ask = b"GET /bytes/10 HTTP/1.1\r\nHost: a\r\n\r\n"
    sockets = []
    for _ in range(CONNECTIONS):
        sockets.append(socket.create_connection(("127.0.0.1", machine.port), timeout=RUN_TIMEOUT))
        sockets[-1].sendall(ask)
        check(sockets[-1].recv(4096).startswith(b"HTTP/1.1 200"), f"connection {len(sockets)}")
    one_more = socket.create_connection(("127.0.0.1", machine.port), timeout=RUN_TIMEOUT)
    one_more.sendall(ask)
    sockets.pop().close()
    check(one_more.recv(4096).startswith(b"HTTP/1.1 200"), "one more")
    for s in [*sockets, one_more]:
        s.close()


@test
def as_many_connections_as_promised(context):
    """All are open at once and served. One more is served when another has ended, for its SYN is repeated."""
    with Machine(context) as machine:
        # Heaps and page tables grow with the first connections, and keep what they have: a leak is what grows again.
        for pages in (4 * SPARE_PAGES, SPARE_PAGES):
            before = machine.status()
            fill_all_connections(machine)
            machine.check_quiet(before, pages)


@test
def bad_requests(context):
    with Machine(context) as machine:
        before = machine.status()
        for data, status in (
                (b"nonsense\r\n\r\n", b"400"),
                (b"GET / HTTP/3.0\r\n\r\n", b"501"),
                (b"GET / HTTP/1.1\r\n\r\n", b"400"),
                (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", b"400"),
                (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 70 + b"\r\n", b"431"),
                (b"GET / HTTP/1.1\r\nx: " + b"y" * 9000, b"431"),
                (b"POST /checksum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
                (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400")):
            check(raw(machine, data).startswith(b"HTTP/1.1 " + status), (data[:60], raw(machine, data)))
        for _ in range(50):  # connections that end in the midst of a head or a body
            for data in (b"GET / HT", b"POST /checksum HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nabc"):
                s = socket.create_connection(("127.0.0.1", machine.port), timeout=RUN_TIMEOUT)
                s.sendall(data)
                s.close()
        machine.check_quiet(before)


@test
def peers_that_ask_and_do_not_read(context):
    """Twenty of them have said all that is taken, and hold their connections: the machine is idle then, and answers others. What they
    do not take fills their share of what the stack holds."""
    with Machine(context) as machine:
        peers = []
        for _ in range(20):
            peers.append(socket.create_connection(("127.0.0.1", machine.port), timeout=RUN_TIMEOUT))
            peers[-1].settimeout(0.5)
        for number, peer in enumerate(peers):
            ask = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"/bytes/100000" if number % 4 else b"/")
            try:
                while True:
                    peer.sendall(ask * 1000)
            except TimeoutError:
                pass
        wait_until_idle(machine.status, IDLE_WAKEUPS_PROBING)
        # Who takes nothing for a minute is cut, which a busy host may need to become idle.
        held = machine.status()["connections"]
        check(1 <= held <= len(peers) + 1, held)
        run_ab(machine.url + "/", 500, 8)
        check(machine.status()["connections"] <= held)
        for peer in peers:
            peer.close()


def wait_until_idle(status, most=IDLE_WAKEUPS):
    """Counts wake-ups; it is the count that is judged, not how long anything takes. What a start leaves to be done
    (a guest reports its free memory) takes longer on a busy host: the system is idle once a count says so."""
    rate = math.inf
    while rate > most:
        try:
            before = status()
            time.sleep(IDLE_SECONDS)
            after = status()
        except (OSError, http.client.HTTPException):
            # Who is not answered while it is busy asks again.
            continue
        seconds = (after["uptime_ns"] - before["uptime_ns"]) / 1e9
        rate = (after["idle_wakeups"] - before["idle_wakeups"]) / seconds


@test
def idle_sleeps(context):
    with Machine(context) as machine:
        wait_until_idle(machine.status)


@test
def idle_container_sleeps(context):
    write_layout(context.scratch / "image", probe_image(context, "wait"))
    port = free_port()
    machine = RunMachine(context, LINUXRUN_IMAGE="oci://image", STARINA_HTTP_PORT=port)
    try:
        wait_for_page(machine)
        machine.wait_for("waiting\n")
        wait_until_idle(lambda: get_status(f"http://127.0.0.1:{port}/"))
    finally:
        machine.kill()
