# SPDX-License-Identifier: MIT
"""The software of docs/containers.md, by docker's client through the engine: `make test-engine-software`. The gate runs it without."""

import hashlib
import http.client
import json
import os
import pty
import re
import time
import urllib.request

import software
from harness import RUN_TIMEOUT, check, check_equal, free_port, test
from net_machine import run_ab
from test_engine import PATIENCE, Engine
from test_engine_containers import Docker
from test_servers import Host
from test_software import CTRL_C, CTRL_D, CTRL_Z

CHOSEN = test if os.environ.get("ENGINE_SOFTWARE") else lambda function: function


def start(context, **images):
    named = ",".join(f"{name}:1=" + software.settings(context, image)["LINUXRUN_IMAGE"] for name, image in images.items())
    engine = Engine(context, LINUXRUN_IMAGES=named, STARINA_CACHE=software.store(), STARINA_MEMORY="3G")
    docker = Docker(context, engine)
    docker.patience = RUN_TIMEOUT
    return engine, docker


def get(port, path="/", data=None):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data=data, timeout=RUN_TIMEOUT) as answer:
        return answer.read()


def until_it_answers(ask):
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except (OSError, http.client.HTTPException, AssertionError):
            check(time.monotonic() < until, "it never answers")
            time.sleep(0.2)


def serve(docker, name, image, *command, options=()):
    """A server of which port 80 is published; its port, once it answers."""
    port = free_port()
    docker("run", "-d", "--name", name, "-p", f"127.0.0.1:{port}:80", *options, image, *command)
    until_it_answers(lambda: get(port))
    return port


def ended(docker, name, status, *stop):
    docker("stop", "-t", "-1", *stop, name)
    check_equal(docker.text("inspect", "-f", "{{.State.ExitCode}}", name), status)
    docker("rm", name)


@CHOSEN
def languages(context):
    """Python, Node.js, esbuild."""
    engine, docker = start(context, python=software.PYTHON, node=software.NODE, esbuild=software.ESBUILD_IMAGE)
    check_equal(docker.text("run", "--rm", "python:1", "python3", "/app/batteries.py"), "subprocess 0 \nssl TLSv1.3 1048576\nsqlite3 (2000, 2664667000)")
    port = serve(docker, "python", "python:1", "python3", "-u", "-m", "http.server", "-d", "/app", "80", options=("--stop-signal", "INT"))
    check_equal(get(port, "/batteries.py"), (software.PROGRAMS / "batteries.py").read_bytes())
    run_ab(f"http://127.0.0.1:{port}/", 100, 4)
    ended(docker, "python", "0")
    output = docker.text("run", "--rm", "esbuild:1", "--bundle", "--minify", "--log-level=warning", "main.ts")
    check("bundled" in output and "shaken out" not in output, output)
    wanted = hashlib.sha256(b"x" * 1000).hexdigest()[:8]
    check_equal(docker.text("run", "--rm", "-m", "256m", "node:1", "/app/server.js", "self"), f"listening\n/99 100 1000 {wanted} 100000")
    port = serve(docker, "node", "node:1", "/app/server.js", options=("-m", "256m"))
    body = bytes(range(256)) * 4096
    answer = json.loads(get(port, "/upload?a=b", body))
    check_equal((answer["url"], answer["bytes"], answer["sha256"]), ("/upload?a=b", len(body), hashlib.sha256(body).hexdigest()))
    run_ab(f"http://127.0.0.1:{port}/", 300, 8)
    ended(docker, "node", "0")
    engine.stop()


@CHOSEN
def databases(context):
    """PostgreSQL on a volume, whose second server loses its machine; Redis, alone and as another container's database."""
    engine, docker = start(context, postgres=software.POSTGRES, redis=software.REDIS, tools=software.TOOLS)
    data = "/var/lib/postgresql/data"
    postgres = ("--rm", "-m", "256m", "-v", "rows:/var/lib/postgresql", "postgres:1", "/app/postgres.sh", data)
    check_equal(docker.text("run", *postgres, "2000"), "rows|2000|2000")
    docker("run", "-d", "--name", "held", *postgres[1:], "1000", "hold")
    until_it_answers(lambda: check_equal(docker.text("logs", "held"), "rows|3000|2000"))
    docker("kill", "held")
    check_equal(docker.text("run", *postgres, "3000"), "rows|6000|3000")
    docker("rm", "held")
    output = docker.text("run", "--rm", "--entrypoint", "/app/redis.sh", "redis:1")
    for name in ("PING_INLINE", "SET", "GET", "INCR", "LPUSH", "ZADD", "MSET (10 keys)"):
        match = re.search(rf'^"{re.escape(name)}","([0-9.]+)"', output, re.M)
        check(match and float(match[1]) > 0, f"no {name} in {output}")
    check(output.endswith("value 41 42\ndone"), output)
    docker("network", "create", "app")
    docker("run", "-d", "--name", "db", "--network", "app", "redis:1", "--protected-mode", "no", "--save", "")
    ask = ("run", "--rm", "--network", "app", "--entrypoint", "redis-cli", "redis:1", "-h", "db")
    until_it_answers(lambda: check_equal(docker.text(*ask, "ping"), "PONG"))
    check_equal(docker.text(*ask, "incrby", "total", "42"), "42")
    check(" 0 received" not in docker.text("run", "--rm", "--network", "app", "tools:1", "ping", "-c", "2", "-w", "120", "db"))
    ended(docker, "db", "0")
    engine.stop()


@CHOSEN
def servers_and_tools(context):
    """nginx, wget, ping, stress-ng."""
    engine, docker = start(context, nginx=software.NGINX, tools=software.TOOLS, stress=software.STRESS)
    check_equal(docker.text("run", "--rm", "--entrypoint", "/app/nginx.sh", "nginx:1"),
                "http://127.0.0.1/ Welcome\nhttp://[::1]/ Welcome\nhttp://[::1]/none 404\nended 0")
    port = serve(docker, "web", "nginx:1")
    check(b"Welcome to nginx!" in get(port))
    run_ab(f"http://127.0.0.1:{port}/", 2000, 16, "-k")
    run_ab(f"http://127.0.0.1:{port}/", 500, 8)
    check_equal(hashlib.sha256(get(port, "/large")).hexdigest(), hashlib.sha256(software.nginx_file()).hexdigest())
    ended(docker, "web", "0")
    with Host() as url:
        output = docker.text("run", "--rm", "tools:1", "bash", "-c", f"set -o pipefail; wget -q -O - {url} | sha256sum; echo ${{PIPESTATUS[@]}}")
    check_equal(output, hashlib.sha256(Host.data).hexdigest() + "  -\n0 0")
    for user in ("root", "nobody"):
        check(" 0 received" not in docker.text("run", "--rm", "-u", user, "tools:1", "ping", "-c", "3", "-i", "0.2", "-w", "120", "10.0.2.2"))
    script = "stress() { stress-ng --$1 2 --$1-ops $2 $3 --metrics-brief 2>&1 && echo $1 done; }; " \
             "stress cpu 40 && stress vm 20000 '--vm-bytes 64M' && stress fork 1000 && stress pipe 20000"
    output = docker.text("run", "--rm", "--cpus", "2", "-m", "256m", "--entrypoint", "/bin/sh", "stress:1", "-c", script)
    for what in ("cpu", "vm", "fork", "pipe"):
        check(re.search(rf"metrc: \[\d+\] {what} +(\d+)", output) and f"{what} done\n" in output + "\n", output)
    engine.stop()


@CHOSEN
def an_interactive_bash(context):
    """Job control, history and Ctrl-C, on a terminal of docker's client."""
    engine, docker = start(context, tools=software.TOOLS)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(docker.program, ["docker", "run", "--rm", "-it", "-e", "PS1=ready> ", "tools:1", "bash", "--norc"], docker.environment)
    seen, at = b"", 0
    for keys, pattern in (("", b"ready> "), ("echo started; cat\r", b"\nstarted\r\n"), ("first\r", b"first\r\nfirst\r\n"),
                          (CTRL_Z, rb"\[1\]\+ +Stopped +cat(.|\n)*ready> "), ("fg\r", b"fg\r\n(.|\n)*cat\r\n"), ("second\r", b"second\r\nsecond\r\n"),
                          (CTRL_C, b"ready> "), ("echo status $?\r", b"\nstatus 130\r\n(.|\n)*ready> "), ("(exit 7)\r", b"ready> "), (CTRL_D, b"exit")):
        os.write(terminal, keys.encode())
        while not (match := re.compile(pattern).search(seen, at)):
            seen += os.read(terminal, 4096)
        at = match.end()
    while True:
        try:
            if not os.read(terminal, 4096):
                break
        except OSError:  # EIO: its end
            break
    os.close(terminal)
    check_equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 7)
    engine.stop()
