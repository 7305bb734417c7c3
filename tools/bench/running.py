# SPDX-License-Identifier: MIT
"""The OS as the benchmarks run it: run.sh with settings, its log, its status page, and a client on the host."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
QEMU = os.environ.get("QEMU", "qemu-system-riscv64")
ICOUNT = "-icount shift=0,sleep=off -rtc clock=vm,base=2024-01-01 -seed 1"


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run_env(**extra):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LINUXRUN_", "STARINA_"))}
    env.update(BUILD=BUILD, STARINA_NO_BUILD="1", STARINA_HTTP_PORT="0")
    env.update(extra)
    return env


def build_with(image, directory):
    """`directory`, made to have what BUILD has, but another image in place of the usual one."""
    os.mkdir(directory)
    for name in ("host", "guest", "image"):
        os.symlink(os.path.join(BUILD, name), os.path.join(directory, name))
    os.symlink(os.path.join(BUILD, image + ".elf"), os.path.join(directory, "starina.elf"))
    return directory


def run_container(append="", **extra):
    """One run of the built-in container; returns the log."""
    env = run_env(STARINA_APPEND="linuxrun.poweroff=1 " + append, **extra)
    done = subprocess.run([os.path.join(ROOT, "run.sh")], env=env, stdin=subprocess.DEVNULL, text=True, errors="replace",
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=1500, check=False)
    if "container started in" not in done.stderr:
        sys.exit("bench: the container did not start:\n" + done.stderr)
    return done.stderr


def first_output():
    """One run of the built-in container on two harts: milliseconds from the run call to its start and to its first output as the OS has them,
    and from run.sh's start to that output's first byte."""
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        begin = time.monotonic()
        process = subprocess.Popen([os.path.join(ROOT, "run.sh")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                   env=run_env(STARINA_APPEND="linuxrun.poweroff=1 kernel.log=debug"))
        process.stdout.read(1)
        wall = round(1000 * (time.monotonic() - begin))
        process.communicate(timeout=600)
        log.seek(0)
        text = log.read()
    started, output = (re.search(pattern, text) for pattern in (r"container started in (\d+) ms", r"first output (\d+) ms after"))
    if not started or not output:
        sys.exit("bench: the container said nothing:\n" + text)
    return int(started.group(1)), int(output.group(1)), wall


class Machine:
    """run.sh in the background with its status page."""

    def __init__(self, ready, **extra):
        self.port = free_port()
        self.log = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen([os.path.join(ROOT, "run.sh")], env=run_env(STARINA_HTTP_PORT=str(self.port), **extra),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log,
                                        start_new_session=True)
        deadline = time.monotonic() + 600
        while ready not in self.text():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                sys.exit("bench: the OS did not say '%s':\n%s" % (ready, self.text()))
            time.sleep(0.2)
        # QEMU is run.sh's child, which has become starina-run.
        self.qemu = int(open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)).read().split()[0])

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def cpu_seconds(self):
        fields = open("/proc/%d/stat" % self.qemu).read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/status.json" % self.port, timeout=300) as reply:
            return json.load(reply)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()


def ab(port, path, *options):
    done = subprocess.run(["ab", "-q", *options, "http://127.0.0.1:%d%s" % (port, path)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=1500, check=False)
    rate = re.search(r"Requests per second:\s+([\d.]+)", done.stdout)
    failed = re.search(r"Failed requests:\s+(\d+)", done.stdout)
    if not rate or not failed or int(failed.group(1)) != 0:
        say("ab %s failed:\n%s" % (path, done.stdout))
        return None
    return float(rate.group(1))


def wait_for_server(port, size):
    """Until the server has its files. Its port is open before: the host's end is QEMU."""
    deadline = time.monotonic() + 300
    while True:
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/bytes/%d" % (port, size), timeout=10) as reply:
                if int(reply.headers["Content-Length"]) == size:
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            sys.exit("bench: the server does not answer")
        time.sleep(0.5)


GUEST_SERVER = "mkdir -p /srv/bytes; cd /srv/bytes; head -c 1024 /dev/zero >1024; head -c %d /dev/zero >%d; " \
    "exec busybox httpd -f -p 80 -h /srv"


def server_in_container(size, **env):
    """The OS with a web server in a container, busybox httpd, which has files of 1024 and `size` bytes. Returns the machine and the
    server's port."""
    port = free_port()
    machine = Machine("container started", LINUXRUN_IMAGE="oci://" + os.path.join(BUILD, "image/userland-layout"),
                      LINUXRUN_ENTRYPOINT=json.dumps(["/bin/busybox", "sh", "-c", GUEST_SERVER % (size, size)]),
                      LINUXRUN_PORTS="%d:80" % port, **env)
    try:
        wait_for_server(port, size)
    except SystemExit:
        machine.stop()
        raise
    return machine, port
