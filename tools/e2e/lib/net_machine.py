# SPDX-License-Identifier: MIT
"""A machine with the image of the network tests (apps/reaper in it), and clients of its web server."""

import ctypes
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

from harness import RUN_TIMEOUT, Log, check, free_port

QEMU = os.environ.get("QEMU", "qemu-system-riscv64")


SYS_PIDFD_GETFD = 438
BACKLOG = 128
# How much less memory may be free after many connections than before.
SPARE_PAGES = 64


def widen_backlog(pid, port):
    """As tools/run/relay/backlog.c: QEMU listens with a backlog of 1, so that many simultaneous connections get lost."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    widened = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        fd = libc.syscall(SYS_PIDFD_GETFD, process, int(name), 0)
        if fd < 0:
            continue
        try:
            s = socket.socket(fileno=fd)
        except OSError:  # another kind of file
            os.close(fd)
            continue
        with s:
            if (s.family == socket.AF_INET and s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and
                    s.getsockname()[1] == port):
                s.listen(BACKLOG)
                widened += 1
    os.close(process)
    check(widened == 1, f"{widened} sockets of QEMU listen on port {port}")


def get_status(url, seconds=RUN_TIMEOUT):
    with urllib.request.urlopen(url + "status.json", timeout=seconds) as answer:
        return json.loads(answer.read())


def wait_for_page(log):
    """Returns once the status page answers: the emulator loses or resets connections that come earlier."""
    log.wait_for(r"address 10\.0\.2\.15")
    log.wait_for("serving tcp-listen")


class Machine:
    """QEMU with the network image; its web server is at `url`, its log lines are in `lines`. `ports` of the OS are at
    forwarded[PORT] of the host, too."""

    def __init__(self, context, *arguments, harts=2, seconds=3600, ports=()):
        self.port = free_port()
        self.forwarded = {port: free_port() for port in ports}
        forward = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{port}" for port, here in
                          [(80, self.port), *self.forwarded.items()])
        self.url = f"http://127.0.0.1:{self.port}"
        command = ["timeout", str(seconds), QEMU, "-M", "virt", "-cpu", "rv64", "-smp", str(harts), "-m", "512M",
                   "-display", "none", "-monitor", "none", "-serial", "stdio", "-bios", "default",
                   "-kernel", context.suite.build / "starina-net.elf", "-global", "virtio-mmio.force-legacy=false",
                   "-netdev", "user,id=n0" + forward,
                   "-device", "virtio-net-device,netdev=n0", "-device", "virtio-rng-device",
                   "-append", " ".join(arguments)]
        self.process = context.watch(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
        self.log = Log(self.process.stdout)
        self.lines = self.log.lines
        wait_for_page(self.log)
        timeout = self.process.pid
        qemu = Path(f"/proc/{timeout}/task/{timeout}/children").read_text(encoding="ascii")
        for port in (self.port, *self.forwarded.values()):
            widen_backlog(int(qemu), port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def wait_for(self, pattern):
        return self.log.wait_for(pattern)

    def get(self, path, seconds=RUN_TIMEOUT):
        with urllib.request.urlopen(self.url + path, timeout=seconds) as answer:
            return answer.read()

    def status(self):
        return get_status(self.url + "/")

    def check_quiet(self, before, pages=SPARE_PAGES):
        """Connections are gone and nothing is left of them; a few objects come and go, and caches keep some pages."""
        for _ in range(200):
            now = self.status()
            if (now["handles"] <= before["handles"] + 2 and now["kernel_objects"] <= before["kernel_objects"] + 2 and
                    now["free_pages"] >= before["free_pages"] - pages):
                return
            time.sleep(0.5)
        raise AssertionError(f"something leaked\nbefore: {before}\nnow:    {now}")


class Load:
    """Threads that ask for a page each on a fresh connection, until stopped. Counts what came back whole. What a stack that died had
    got is answered by nobody: they give up soon, and later the more often they had to."""

    def __init__(self, machine, threads=8):
        self.machine = machine
        self.good = 0
        self.stopping = False
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def _one(self, patience):
        with socket.create_connection(("127.0.0.1", self.machine.port), timeout=patience) as s:
            s.sendall(b"GET /bytes/1024 HTTP/1.0\r\n\r\n")
            data = b""
            while piece := s.recv(4096):
                data += piece
        return data.startswith(b"HTTP/1.1 200 ") and len(data) > 1024

    def _run(self):
        patience = 2
        while not self.stopping:
            try:
                self.good += self._one(patience)
                patience = 2
            except TimeoutError:
                patience *= 2
            except OSError:
                time.sleep(0.05)

    def goes_on(self):
        """Waits until more has come back."""
        before = self.good
        while self.good == before:
            check(self.machine.process.poll() is None, "the machine has ended")
            time.sleep(0.05)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join()


def pattern_block(number, length):
    """A block of /bytes/N, as apps/httpd/httpd.h says."""
    block = bytearray((i * 167 + i // 256) & 0xFF for i in range(65536))
    block[:8] = number.to_bytes(8, "little")
    return bytes(block[:length])


def run_ab(url, requests, concurrency, *options):
    if "/bytes/" not in url:
        options += ("-l",)  # the status page has numbers in it, so its length changes
    done = subprocess.run(["ab", "-q", "-s", str(RUN_TIMEOUT), "-n", str(requests), "-c", str(concurrency), *options,
                           url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode()
    check(done.returncode == 0 and re.search(rf"Complete requests: +{requests}\n", text) and
          re.search(r"Failed requests: +0\n", text) and "Non-2xx" not in text, text)
    return float(re.search(r"Requests per second: +([0-9.]+)", text).group(1))
