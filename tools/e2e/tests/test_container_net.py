# SPDX-License-Identifier: MIT
"""A container on the network: what it sees of it, out to the host and beyond, in by published ports, and to our own web server."""

import hashlib
import http.server
import json
import os
import re
import socket
import socketserver
import stat
import struct
import subprocess
import threading
import urllib.request

import software
from harness import PATIENCE, RUN_TIMEOUT, Skip, check, check_equal, check_refused, free_port, test

PATTERN = bytes(range(256)) * 4096


IMAGE = software.Software("network", ["python3", "busybox-static"])


def settings_for(context, script, python=False, **more):
    program = ["/usr/bin/python3", "-c", script] if python else ["/bin/sh", "-c", script]
    return {**software.settings(context, IMAGE), "LINUXRUN_ENTRYPOINT": json.dumps(program), **more}


def run_script(context, script, **more):
    return context.run(**settings_for(context, script, **more))


class Servers:
    """On the host's loopback, which the container sees as 10.0.2.2: HTTP, and a UDP echo."""

    def __enter__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(PATTERN)))
                self.end_headers()
                self.wfile.write(PATTERN)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = hashlib.sha256(body).hexdigest().encode() + b"\n"
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                sock.sendto(data, self.client_address)

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Echo)
        self.port, self.udp_port = self.http.server_address[1], self.udp.server_address[1]
        for server in (self.http, self.udp):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        for server in (self.http, self.udp):
            server.shutdown()
            server.server_close()


@test
def what_the_container_sees(context):
    script = """
        busybox ip -4 -o addr show eth0 | busybox awk '{print $4}'
        busybox ip route
        cat /etc/resolv.conf /etc/hostname
        busybox grep web /etc/hosts; busybox ping -c 1 -W 120 web | busybox grep -c ' 0% packet loss'
        cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start"""
    result = run_script(context, script, LINUXRUN_HOSTNAME="web")
    check_equal(result.stdout.decode().splitlines(),
                ["10.0.2.100/24", "default via 10.0.2.2 dev eth0 ",
                 "10.0.2.0/24 dev eth0 scope link  src 10.0.2.100 ", "nameserver 10.0.2.3", "web", "10.0.2.100\tweb", "1",
                 "0\t2147483647", "0"], result)
    check("container address 10.0.2.100" in result.stderr, result)


@test
def out_to_the_host(context):
    """TCP both ways, UDP, and a ping by a user who may do nothing."""
    with Servers() as servers:
        script = f"""
import hashlib, os, socket, urllib.request
url = "http://10.0.2.2:{servers.port}/"
print(hashlib.sha256(urllib.request.urlopen(url).read()).hexdigest())
print(urllib.request.urlopen(url, bytes(range(256)) * 4096).read().decode(), end="")
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout({RUN_TIMEOUT})
for size in 1, 100, 1400, 4000:  # the last in fragments
    udp.sendto(bytes(size), ("10.0.2.2", {servers.udp_port}))
    print(len(udp.recv(65536)))
os.setuid(65534)
ping = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
ping.settimeout({RUN_TIMEOUT})
ping.sendto(b"\\x08\\0\\0\\0\\0\\0\\0\\1payload", ("10.0.2.2", 0))
print(ping.recv(1000)[8:].decode())
"""
        result = run_script(context, script, python=True)
    digest = hashlib.sha256(PATTERN).hexdigest()
    check_equal(result.stdout.decode().splitlines(), [digest, digest, "1", "100", "1400", "4000", "payload"], result)


@test
def a_peer_that_reads_nothing(context):
    """The end of a container waits for what it has written to be taken, but not for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = f"""
import socket
connection = socket.create_connection(("10.0.2.2", {server.getsockname()[1]}))
connection.settimeout(2)
try:
    while True:
        connection.sendall(bytes(1 << 16))
except TimeoutError:
    print("full")
"""
        result = run_script(context, script, python=True)
    check_equal((result.status, result.stdout), (0, b"full\n"), result)


@test
def our_own_web_server(context):
    """The native stack and the container reach each other on the switch, without the host."""
    script = """
        busybox wget -q -O - http://10.0.2.15/status.json | head -c 1; echo
        busybox wget -q -O - 'http://10.0.2.15/bytes/5000000' | busybox wc -c
        busybox ping -c 3 -W 120 10.0.2.15 | busybox grep -c ' 0% packet loss'"""
    result = run_script(context, script)
    check_equal(result.stdout.decode().split(), ["{", "5000000", "1"], result)


class NameServer:
    """Answers every query for an A record with 192.0.2.7; the emulator's resolver asks it."""

    def __init__(self, context):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = "127.0.0.53"
        try:
            self.socket.bind((self.address, 53))
        except OSError as error:
            raise Skip(f"port 53 of {self.address}: {error}") from error
        resolv_conf = context.scratch / "resolv.conf"
        resolv_conf.write_text(f"nameserver {self.address}\n")
        self.qemu = context.scratch / "qemu"
        self.qemu.write_text(f"#!/bin/sh\n[ \"$1\" != --version ] || exec qemu-system-riscv64 --version\n"
                             f"exec unshare --mount sh -c 'mount --bind {resolv_conf} /etc/resolv.conf && "
                             "exec qemu-system-riscv64 \"$@\"' qemu \"$@\"\n")
        self.qemu.chmod(self.qemu.stat().st_mode | stat.S_IXUSR)
        if subprocess.run(["unshare", "--mount", "mount", "--bind", resolv_conf, "/etc/resolv.conf"],
                          check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.socket.close()
            raise Skip("no mount namespace for another /etc/resolv.conf")
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(512)
            except OSError:
                return
            end = 12
            while query[end]:
                end += query[end] + 1
            question = query[12:end + 5]
            is_a = struct.unpack(">H", question[-4:-2])[0] == 1
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([192, 0, 2, 7]) if is_a else b""
            self.socket.sendto(query[:2] + b"\x81\x80\0\1" + struct.pack(">H", is_a) + bytes(4) + question + answer,
                               client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


@test
def names_by_the_emulator(context):
    with NameServer(context) as server:
        script = "import socket; print(socket.gethostbyname('starina.example'), socket.gethostbyname('localhost'))"
        result = run_script(context, script, python=True, QEMU=server.qemu)
    check_equal(result.stdout, b"192.0.2.7 127.0.0.1\n", result)


SERVER = """
import http.server, os, signal, socket, socketserver, threading
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"x" * int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 128
    def server_bind(self):  # the usual one asks a name server, which may not be there, for our name
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "test", 80
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("0.0.0.0", 53))
def echo():
    while True:
        data, client = udp.recvfrom(65536)
        udp.sendto(data.upper(), client)
threading.Thread(target=echo, daemon=True).start()
server = Server(("::", 80), Handler)  # as nginx's default configuration
print("ready", flush=True)
server.serve_forever()
"""


def udp_ask(port, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(RUN_TIMEOUT)
        client.sendto(data, ("127.0.0.1", port))
        return client.recv(65536)


@test
def published_ports(context):
    tcp, udp = free_port(), free_port()
    process = context.start(**settings_for(context, SERVER, python=True,
                                           LINUXRUN_PORTS=f"{tcp}:80,{udp}:53/udp", LINUXRUN_STOP_TIMEOUT=PATIENCE))
    try:
        check_equal(process.stdout.readline(), b"ready\n")
        check_equal(len(urllib.request.urlopen(f"http://127.0.0.1:{tcp}/3000000", timeout=RUN_TIMEOUT).read()), 3000000)
        check_equal(udp_ask(udp, b"hello"), b"HELLO")
        answers = []

        def ask(number):
            answers.append((number, len(urllib.request.urlopen(f"http://127.0.0.1:{tcp}/{number}", timeout=RUN_TIMEOUT).read())))

        threads = [threading.Thread(target=ask, args=(1000 + i,)) for i in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check_equal(sorted(answers), [(1000 + i, 1000 + i) for i in range(32)])
    finally:
        result = context.stop(process)
    check_equal(result.status, 0, result)


@test
def ports_that_are_busy(context):
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(("127.0.0.1", 0))
        for value in (f"{tcp.getsockname()[1]}:80", f"{free_port()}:80,{udp.getsockname()[1]}:53/udp"):
            check_refused(context.run(LINUXRUN_PORTS=value), f"LINUXRUN_PORTS={value}", "Address already in use")
    check_refused(context.run("-p", "8080:0"), "--publish 8080:0", "1 to 65535")
    check_refused(context.run(LINUXRUN_PORTS="80:80:80"), "LINUXRUN_PORTS=80:80:80", "IPv4")


@test
def any_free_port(context):
    process = context.start(**settings_for(context, SERVER, python=True, LINUXRUN_PORTS="80"))
    try:
        check_equal(process.stdout.readline(), b"ready\n")
        found = None
        while not found:
            line = process.stderr.readline().decode()
            check(line, "run.sh did not say which port it chose")
            found = re.search(r"port 80/tcp of the container is port (\d+) of 127\.0\.0\.1", line)
        check_equal(urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/5", timeout=RUN_TIMEOUT).read(), b"xxxxx")
    finally:
        context.stop(process)


@test
def ipv6_by_the_router(context):
    """An address by the emulator's router advertisement; nobody waits for it at the start."""
    if not os.path.exists("/proc/net/if_inet6"):
        raise Skip("the host has no IPv6")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        def answer():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"hello over IPv6\n")
        threading.Thread(target=answer, daemon=True).start()
        script = f"""
            n=0
            until busybox ip -6 -o addr show eth0 scope site | busybox grep -v tentative | busybox grep fec0 >/tmp/address; do
                n=$((n + 1)); [ $n -lt 3000 ] || exit 1
                busybox usleep 100000
            done
            busybox awk '{{print $4}}' /tmp/address
            busybox nc fec0::2 {server.getsockname()[1]} </dev/null"""
        result = run_script(context, script)
        server.shutdown(socket.SHUT_RDWR)
    # The interface identifier is made of the MAC address 02:00:0a:00:02:64.
    check(re.fullmatch(rb"fec0::0*[0-9a-f:]*ff:fe[0-9a-f:]+/64\nhello over IPv6\n", result.stdout), result)
