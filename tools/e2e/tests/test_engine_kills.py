# SPDX-License-Identifier: MIT
"""A kill of each app of the engine at each step of a container's life: what runs goes on, new requests are answered, and nothing is
lost. When a kill comes is counted in requests and in switches of threads."""

import os
import random
import sys
import socket
import time

from harness import check, check_equal, free_port, test
from reaper import ARGUMENTS, Reaper
from test_engine import PATIENCE, Engine, connect, port_is_free
from test_engine_containers import IMAGE, Docker, make_image, patient, request
from test_engine_crowd import left_on_disk, settled

# Of each app; `make soak-engine` takes more.
KILLS = int(os.environ.get("ENGINE_KILLS", "3"))
SEED = int(os.environ.get("ENGINE_SEED", "1"))
APPS = ("engine", "containers", "vmm", "images", "dns", "netswitch", "tcpip", "fs")
# A request is worked on for some hundred switches.
MAX_SWITCHES = 500
# What a request may be answered with while an app is killed: what it asked for, or why not. None: its connection broke off.
ANSWERS = (None, 101, 200, 201, 204, 304, 400, 404, 409, 500, 503)
# What apps keep for later: heaps as large as they once had to be, and sessions.
KEPT_HANDLES = 40


class Life:
    """The life of one container, a request each step; a kill comes in one of them."""

    STEPS = ("create", "attach", "start", "exec", "run", "stop", "remove")

    def __init__(self, engine, port):
        self.engine, self.port = engine, port
        self.added = "none"
        self.stream = None
        self.answers = {}

    def ask(self, method, path, body=None):
        try:
            status, answer = request(self.engine, method, path, body)
        except (ConnectionError, IndexError, ValueError):  # it broke off, in its midst maybe
            return None, None
        check(status in ANSWERS, f"{method} {path}: {status} {answer}")
        return status, answer

    def create(self):
        return self.ask("POST", "/containers/create?name=step",
                        {"Image": IMAGE, "Cmd": ["sleep", "1000"], "Volumes": {"/data": {}}, "NetworkingConfig": {"EndpointsConfig": {"steps": {}}},
                         "HostConfig": {"NetworkMode": "steps", "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self.port)}]}}})

    def attach(self):
        self.stream = connect(self.engine.socket)
        self.stream.sendall(b"POST /containers/step/attach?stream=1&stdout=1&stderr=1 HTTP/1.1\r\nHost:\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n")
        try:
            head = self.stream.recv(4096)
        except ConnectionError:
            head = b""
        status = int(head.split()[1]) if head else None
        # One that was refused is a connection that waits for another request, for a minute.
        if status != 101:
            self.stream.close()
            self.stream = None
        return status, None

    def start(self):
        return self.ask("POST", "/containers/step/start")

    def exec(self):
        status, answer = self.ask("POST", "/containers/step/exec", {"Cmd": ["sh", "-c", "echo on"], "AttachStdout": True})
        if status == 201:
            self.added = answer["Id"]
        return status, answer

    def run(self):
        return self.ask("POST", f"/exec/{self.added}/start", {"Detach": True})

    def stop(self):
        return self.ask("POST", "/containers/step/stop?t=0")

    def remove(self):
        return self.ask("DELETE", "/containers/step?v=1")

    def live(self, reaper, victim, at, after):
        for step in self.STEPS:
            if step == at:
                reaper.order(victim, after)
            self.answers[step] = getattr(self, step)()[0]
            if step == at:
                reaper.wait()
        return self.answers

    def end(self):
        """Whatever there is of it goes, and who was attached hears of the end."""
        patient(self.engine, "DELETE", "/containers/step?force=1&v=1", 204, 404)
        patient(self.engine, "GET", "/containers/step/json", 404)
        if self.stream:
            try:
                while self.stream.recv(4096):
                    pass
            except ConnectionError:
                pass
            self.stream.close()
        until = time.monotonic() + PATIENCE
        while not port_is_free(self.port):
            check(time.monotonic() < until, "its port is still published")
            time.sleep(0.05)


def waiting_vmm(reaper):
    """The name of the process whose virtual machine waits for a container: the newest of at least two."""
    until = time.monotonic() + PATIENCE
    while len(names := [name for name in reaper.instances() if name.startswith("vmm.")]) < 2:
        check(time.monotonic() < until, f"no virtual machine waits: {names}")
        time.sleep(0.05)
    return max(names, key=lambda name: int(name[4:]))


def still_runs(engine, docker, before):
    """The other container, with its process and its streams."""
    until = time.monotonic() + PATIENCE
    shown = patient(engine, "GET", "/containers/keeper/json", 200)
    check_equal((shown["State"]["Status"], shown["State"]["StartedAt"]), ("running", before))
    while (done := docker("exec", "keeper", "echo", "here", status=None)).stdout != b"here\n":
        check(time.monotonic() < until, done)
        time.sleep(0.05)


def one_round(engine, docker, reaper, started, app, step, after):
    newest = waiting_vmm(reaper)
    life = Life(engine, free_port())
    answers = life.live(reaper, newest if app == "vmm" else app, step, after)
    what = f"{app} killed {after} switches into {step}: {answers}"
    print(what, file=sys.stderr, flush=True)
    shown = request_until_answered(engine)
    # Its own virtual machine is gone, so it has ended, and says why; or it has got another one.
    if app == "vmm" and shown and step in ("exec", "run") and answers["start"] == 204:
        check(shown["State"]["Status"] == "exited" and shown["State"]["ExitCode"] == 137 and shown["State"]["Error"], f"{what}: {shown['State']}")
    life.end()
    check_equal([c["Names"] for c in patient(engine, "GET", "/containers/json?all=1", 200)], [["/keeper"]], what)
    still_runs(engine, docker, started)


def request_until_answered(engine):
    """What is said of the container; None: it is gone."""
    shown = patient(engine, "GET", "/containers/step/json", 200, 404)
    return shown if "State" in shown else None


@test
def a_kill_at_each_step(context):
    context.boot_image("starina-reaper")
    engine = Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="2G", STARINA_APPEND=ARGUMENTS)
    docker, reaper = Docker(context, engine), Reaper(engine.log)
    chance = random.Random(SEED)
    patient(engine, "POST", "/networks/create", 201, body={"Name": "steps"})
    docker("run", "-d", "--name", "keeper", "--network", "steps", IMAGE, "sleep", "100000")
    started = patient(engine, "GET", "/containers/keeper/json", 200)["State"]["StartedAt"]
    before = None
    for number in range(KILLS + 1):
        for shift, app in enumerate(APPS):
            # Two steps on each time: a few kills of an app are spread over a life, seven are one in each step.
            one_round(engine, docker, reaper, started, app, Life.STEPS[(2 * number + shift) % len(Life.STEPS)], chance.randrange(MAX_SWITCHES))
        # What each kill leaves that is not left again is no leak.
        before = before or settled(engine)
    after = settled(engine)
    counts = f"before: {before}, after {KILLS} kills of each: {after}"
    check_equal(after["processes"], before["processes"], counts)
    check(after["handles"] - before["handles"] <= KEPT_HANDLES, counts)
    check(after["kernel_objects"] - before["kernel_objects"] <= KEPT_HANDLES, counts)
    docker("rm", "-f", "keeper")
    check_equal(docker.text("volume", "ls", "-q"), "")
    engine.stop()
    check("panic" not in engine.log.whole())
    # Connections of one that was killed do not keep the next from its port.
    check("the port is in use" not in engine.log.whole(), "an app had to wait for its port")
    check_equal(left_on_disk(context), {"layers": [], "logs": []})
