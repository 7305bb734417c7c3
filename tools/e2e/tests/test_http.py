# SPDX-License-Identifier: MIT
"""libs/http from the host, by apps/http_test: streams, long polls, bodies, peers that leave, the gate."""

import hashlib
import json
import os
import socket
import struct
import subprocess
import threading
import time

from harness import RUN_TIMEOUT, check, check_equal, test
from net_machine import Machine

OPEN, GUARDED = 8001, 8002
SECRET = b"0123456789abcdefghijklmnopqrstuv"
ATTACH = (b"POST /v1.41/containers/c1/attach?stream=1 HTTP/1.1\r\nHost: \r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
          b"Content-Length: 2\r\n\r\n{}")
RAW = b"POST /containers/c1/attach HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
HELD = 200
ATTEMPTS = 1000
# What tcpip, the kernel and the server take for a connection on which nothing is on its way, at most.
HELD_BYTES = 8192


class Server(Machine):
    def __init__(self, context):
        super().__init__(context, ports=(OPEN, GUARDED))
        self.wait_for(r"http_test.*serving tcp-listen:0\.0\.0\.0:8001")
        self.wait_for(r"http_test.*serving tcp-listen:0\.0\.0\.0:8002")

    def connect(self, port=OPEN):
        return socket.create_connection(("127.0.0.1", self.forwarded[port]), timeout=RUN_TIMEOUT)

    def base(self):
        return f"http://127.0.0.1:{self.forwarded[OPEN]}"

    def curl(self, *arguments):
        return subprocess.run(["curl", "-sS", "--max-time", str(RUN_TIMEOUT), *arguments], check=True, capture_output=True).stdout

    def counts(self):
        return json.loads(self.curl(self.base() + "/counts"))

    def wait_for_count(self, name, value):
        while self.counts()[name] != value:
            time.sleep(0.1)


def read_head(s):
    """The head of an answer, and not a byte more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = s.recv(1)
        check(byte, head)
        head += byte
    return head


def read_all(s):
    data = b""
    while piece := s.recv(65536):
        data += piece
    return data


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def echoes(server, request, status, size):
    """What is said comes back, what came with the request first; after our end the stream has a last word."""
    data = os.urandom(size)
    with server.connect() as s:
        s.sendall(request + data[:100])
        check(read_head(s).startswith(b"HTTP/1.1 " + status))

        def say():
            s.sendall(data[100:])
            s.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=say)
        thread.start()
        answer = read_all(s)
        thread.join()
    check_equal(hashlib.sha256(answer).hexdigest(), hashlib.sha256(data + b"END\n").hexdigest())


def stuck(server):
    """A stream whose input the server does not take."""
    s = server.connect()
    s.sendall(b"POST /stuck HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
    check(read_head(s).startswith(b"HTTP/1.1 101"))
    return s


@test
def streams(context):
    with Server(context) as server:
        before = server.status()
        echoes(server, ATTACH, b"101", 5000)
        echoes(server, RAW, b"200", 5000)
        echoes(server, ATTACH, b"101", 8_000_000)
        server.wait_for_count("gone", 3)
        server.check_quiet(before, 1024)


@test
def peers_that_leave(context):
    """Each is noticed while nothing is sent."""
    with Server(context) as server:
        for number, leave in enumerate((socket.socket.close, reset)):
            s = server.connect()
            s.sendall(b"GET /logs HTTP/1.1\r\nHost: x\r\n\r\n")
            check(b"chunked" in read_head(s))
            check_equal(s.recv(100), b"5\r\nline\n\r\n")
            leave(s)
            server.wait_for_count("gone", number + 1)
        # Nobody takes what this one says: more than the server's messages, and less than tcpip's window. The emulator makes
        # an end of its reset, behind that; a byte that is sent to it is answered with a reset.
        s = stuck(server)
        s.sendall(bytes(50_000))
        reset(s)
        while server.counts()["gone"] != 3:
            server.curl("-X", "POST", server.base() + "/release")
        check_equal(server.counts()["open"], 1)


@test
def a_peer_that_is_not_read(context):
    """It is held back."""
    with Server(context) as server, stuck(server) as s:
        s.settimeout(3)
        sent = 0
        try:
            while sent < 50_000_000:
                sent += s.send(bytes(65536))
        except TimeoutError:
            pass
        check(sent < 50_000_000, sent)


@test
def long_polls(context):
    with Server(context) as server:
        waiting = [server.connect() for _ in range(10)]
        for s in waiting:
            s.sendall(b"POST /v1.50/wait?condition=removed HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        for s in waiting:  # the heads are there, and nothing else
            read_head(s)
        server.curl("-X", "POST", server.base() + "/release")
        for s in waiting:
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += s.recv(100)
            check_equal(answer, b'11\r\n{"StatusCode":7}\n\r\n0\r\n\r\n')
            s.close()


@test
def a_reader_of_nothing(context):
    """What is sent to it stops growing; when it reads, it goes on."""
    with Server(context) as server:
        s = server.connect()
        s.sendall(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
        read_head(s)
        flooded = -1
        while flooded != (flooded := server.counts()["flooded"]):
            time.sleep(1)
        read = 0
        while read <= flooded + 100_000:
            read += len(s.recv(65536))
        reset(s)
        server.wait_for_count("gone", 1)


@test
def requests(context):
    with Server(context) as server:
        base = server.base()
        status = ["-o", os.devnull, "-w", "%{http_code} %{num_connects} "]
        check_equal(server.curl(*status, base + "/none", "--next", *status, base + "/images/x/json", "--next", *status,
                                "-X", "DELETE", base + "/counts"), b"404 1 200 0 405 0 ")
        check_equal(server.curl("-g", base + "/v1.41/images/r:5000/a%20b/c/json?filter=x&filter=%7B%22y%22%3A1%7D"),
                    b'141 r:5000/a b/c {"y":1}\n')
        check_equal(server.curl("-H", "Host:", "-I", base + "/counts").split(b"\r\n")[0], b"HTTP/1.1 200 OK")
        big = context.scratch / "big"
        big.write_bytes(bytes(60000))
        for how in (["-T"], ["-H", "Expect: 100-continue", "-T"], ["-H", "Transfer-Encoding: chunked", "-T"]):
            check_equal(server.curl("--expect100-timeout", "100", *how, str(big), base + "/collect"), b"60000\n")
        big.write_bytes(bytes(70000))
        for how in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
            check_equal(server.curl(*status, *how, "-T", str(big), base + "/collect"), b"413 1 ")
        check_equal(server.curl("-0", base + "/images/x/json"), b"0 x \n")


@test
def the_gate(context):
    with Server(context) as server:
        for wrong in (b"GET /counts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", bytes(32), SECRET[:31] + b"x"):
            with server.connect(GUARDED) as s:
                s.sendall(wrong)
                check_equal(read_all(s), b"")
        with server.connect(GUARDED) as s:  # one that says nothing is not kept long
            check_equal(read_all(s), b"")
        with server.connect(GUARDED) as s:
            for i in range(0, 32, 5):
                s.sendall(SECRET[i:i + 5])
                time.sleep(0.01)
            s.sendall(b"GET /counts HTTP/1.0\r\n\r\n")
            check(read_all(s).startswith(b"HTTP/1.1 200"))


@test
def many_held(context):
    """Of a thousand attempts, two hundred are held at once; an idle one takes little."""
    with Server(context) as server:
        ask = b"GET /counts HTTP/1.1\r\nHost: x\r\n\r\n"
        for _ in range(2):  # heaps grow with the first
            before = server.status()["free_pages"]
            held = []
            for attempt in range(ATTEMPTS):
                s = server.connect()
                s.sendall(ask)
                check(read_head(s).startswith(b"HTTP/1.1 200"))
                held.append(s)
                if len(held) > HELD:
                    held.pop(0).close()
            taken = (before - server.status()["free_pages"]) * 4096 // HELD
            print(f"a held connection takes {taken} bytes")
            for s in held:
                s.sendall(ask)
                check(s.recv(1) != b"")
                s.close()
            server.wait_for_count("open", 1)
            check(taken < HELD_BYTES, f"{taken} bytes")
