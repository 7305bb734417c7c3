# SPDX-License-Identifier: MIT
"""Real software in a container on the network: servers that the host asks, and clients that ask the host."""

import hashlib
import http.client
import json
import re
import signal
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import software
from harness import PATIENCE, RUN_TIMEOUT, check, check_equal, free_port, test
from net_machine import run_ab


class Server:
    """A container whose port 80 is a port of the host's loopback, once it answers there. SIGTERM ends it, as docker stop does:
    as the first process of a container a program has to handle the signal to be ended by it."""

    def __init__(self, context, image, stop_signal=signal.SIGTERM, **settings):
        self.stop_signal = stop_signal
        self.context, self.image, self.settings = context, image, settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = []

    def __enter__(self):
        self.process = self.context.start(LINUXRUN_PORTS=f"{self.port}:80", LINUXRUN_STOP_TIMEOUT=PATIENCE,
                                          **software.settings(self.context, self.image), **self.settings)
        self.process.stdin.close()
        self.readers = [threading.Thread(target=self._read, args=[stream], daemon=True)
                        for stream in (self.process.stdout, self.process.stderr)]
        for reader in self.readers:
            reader.start()
        self._wait()
        return self

    def _read(self, stream):
        for line in stream:
            self.output.append(line.decode(errors="replace"))

    def _wait(self):
        while True:
            check(self.process.poll() is None, "no answer\n" + "".join(self.output))
            try:
                return self.get("/")
            except (OSError, http.client.HTTPException):  # nothing listens yet: the emulator accepts, and closes
                time.sleep(0.3)

    def get(self, path, data=None):
        with urllib.request.urlopen(self.url + path, data=data, timeout=RUN_TIMEOUT) as answer:
            return answer.read()

    def __exit__(self, kind, *_):
        self.process.send_signal(self.stop_signal)
        self.status = self.process.wait()
        for reader in self.readers:
            reader.join()
        if kind is not None:
            print("".join(self.output), flush=True)


@test
def nginx(context):
    with Server(context, software.NGINX) as server:
        check(b"Welcome to nginx!" in server.get("/"))
        run_ab(server.url + "/", 500, 16, "-k")
        run_ab(server.url + "/", 100, 8)
        check_equal(hashlib.sha256(server.get("/large")).hexdigest(),
                    hashlib.sha256(software.nginx_file()).hexdigest())
    check_equal(server.status, 0, "".join(server.output))


@test
def python_http_server(context):
    with Server(context, software.PYTHON, stop_signal=signal.SIGINT,
                LINUXRUN_ENTRYPOINT="python3 -u -m http.server -d /app 80") as server:
        check_equal(server.get("/batteries.py"), (software.PROGRAMS / "batteries.py").read_bytes())
        run_ab(server.url + "/", 100, 4)
    check_equal(server.status, 0, "".join(server.output))


@test
def node_http_server(context):
    with Server(context, software.NODE, LINUXRUN_ARGS="/app/server.js", LINUXRUN_MEMORY="256M") as server:
        body = bytes(range(256)) * 4096
        answer = json.loads(server.get("/upload?a=b", body))
        check_equal((answer["url"], answer["bytes"], answer["sha256"]),
                    ("/upload?a=b", len(body), hashlib.sha256(body).hexdigest()))
        run_ab(server.url + "/", 300, 8)
        served = int(json.loads(server.get("/"))["served"])
        check(served >= 302, served)
    check_equal(server.status, 0, "".join(server.output))


class Host:
    """A web server on the host's loopback, which the container sees as 10.0.2.2."""

    def __enter__(self):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(Host.data)))
                self.end_headers()
                self.wfile.write(Host.data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://10.0.2.2:{self.server.server_address[1]}/"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    data = bytes(range(251)) * 40_000


@test
def wget_from_the_host(context):
    with Host() as url:
        result = software.run(context, software.TOOLS, "bash", "-c",
                              f"set -o pipefail; wget -q -O - {url} | sha256sum; echo ${{PIPESTATUS[@]}}")
    check_equal(result.stdout.decode(), hashlib.sha256(Host.data).hexdigest() + "  -\n0 0\n", result)


@test
def ping(context):
    for user in ("root", "nobody"):
        # With -w it waits for three replies; without, for the last one as long as two of those before took.
        result = software.run(context, software.TOOLS, "ping", "-c", "3", "-i", "0.2", "-w", "120", "10.0.2.2", LINUXRUN_USER=user)
        check(result.status == 0 and re.search(rb" packets transmitted, ([3-9]|\d\d+) received", result.stdout), result)


@test
def three_containers(context):
    """A client, a web server and its database, each in a virtual machine of its own."""
    context.boot_image("starina-crowd")
    result = software.run(context, software.TRIO, STARINA_MEMORY="1G",
                          STARINA_APPEND="vm_crowd.count=3 vm_crowd.memory=192M")
    check_equal(sorted(re.findall(r"(\d) ended with status (\d+)", result.stderr)), [("0", "0"), ("1", "0"), ("2", "0")], result)
