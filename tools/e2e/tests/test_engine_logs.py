# SPDX-License-Identifier: MIT
"""What containers have written, and what has happened to them: docker logs and docker events."""

import json
import select
import subprocess
import time

from harness import check, check_equal, test
from test_engine import PATIENCE, Engine, connect
from test_engine_containers import IMAGE, Docker, create, make_image, patient, request, start

LOOP = "trap 'echo usr1' USR1; echo up; while :; do sleep 0.1; done"


def follow(docker, *args):
    return subprocess.Popen([docker.program, *args], env=docker.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def logs_hold(docker, name, wanted):
    """The log of a container that runs has a text soon."""
    deadline = time.monotonic() + PATIENCE
    while wanted not in docker("logs", name).stdout:
        check(time.monotonic() < deadline, docker("logs", name).stdout)
        time.sleep(0.1)


@test
def docker_logs(context):
    """Of containers that run and that have ended, from the start and the end, after kills and a power cut."""
    engine = start(context)
    docker = Docker(context, engine)
    docker("run", "--name", "first", IMAGE, "sh", "-c", "echo one; echo err >&2; echo two; printf part", stdin=None)
    done = docker("logs", "first")
    check_equal((done.stdout, done.stderr), (b"one\ntwo\npart", b"err\n"))
    check_equal(docker("logs", "--tail", "1", "first").stdout, b"part")
    check_equal(docker("logs", "-f", "--tail", "0", "first").stdout, b"")
    stamped = docker("logs", "-t", "first").stdout.split(b"\n")
    check_equal([line.split(b" ")[1] for line in stamped], [b"one", b"two", b"part"])
    check_equal(docker("logs", "--since", stamped[2].split(b" ")[0].decode(), "first").stdout.split(b"\n")[-1], b"part")
    check_equal(docker("logs", "--since", "2100-01-01T00:00:00Z", "first").stdout, b"")
    check_equal(docker("logs", "--until", "2000-01-01T00:00:00Z", "first").stdout, b"")
    # All runs.
    docker("start", "-a", "first")
    check_equal(docker("logs", "first").stdout, b"one\ntwo\npartone\ntwo\npart")
    docker("create", "--name", "never", IMAGE)
    check_equal(docker("logs", "-f", "never").stdout, b"")
    # Others are not there, or cannot be.
    check(b"No such container: nosuch" in docker("logs", "nosuch", status=1).stderr)
    docker("run", "--name", "none", "--log-driver", "none", IMAGE)
    check(b"configured logging driver does not support reading" in docker("logs", "none", status=1).stderr)
    check(b"no log driver named 'syslog'" in docker("run", "--log-driver", "syslog", IMAGE, status=125).stderr)
    check_equal(request(engine, "GET", "/containers/first/logs")[0], 400)
    # Much of it, and as much as is kept.
    docker("run", "--name", "many", IMAGE, "seq", "200000")
    check_equal(docker("logs", "many").stdout, "".join(f"{i}\n" for i in range(1, 200001)).encode())
    check_equal(docker("logs", "--tail", "70000", "many").stdout, "".join(f"{i}\n" for i in range(130001, 200001)).encode())
    docker("run", "--name", "few", "--log-opt", "max-size=20k", "--log-opt", "max-file=2", IMAGE, "seq", "5000")
    lines = docker("logs", "few").stdout.split()
    check_equal(lines, [str(i).encode() for i in range(5001 - len(lines), 5001)])
    check(400 < len(lines) < 1000, len(lines))
    docker("run", "-t", "--name", "tty", IMAGE, "echo", "hi")
    check_equal(docker("logs", "tty").stdout, b"hi\r\n")
    # Followers see what comes, and end when it does; one that is killed, and one that does not read, hold up nobody.
    docker("run", "-d", "--name", "loop", IMAGE, "sh", "-c", LOOP)
    followers = [follow(docker, "logs", "-f", "loop") for _ in range(3)]
    for follower in followers:
        check_equal(follower.stdout.readline(), b"up\n")
    followers[0].kill()
    docker("kill", "-s", "USR1", "loop")
    for follower in followers[1:]:
        check_equal(follower.stdout.readline(), b"usr1\n")
    # More of them than there may be at a time: who has left is none any more.
    for _ in range(40):
        with connect(engine.socket) as follower:
            follower.sendall(b"GET /containers/loop/logs?follow=1&stdout=1 HTTP/1.1\r\nHost:\r\n\r\n")
            check(follower.recv(12).startswith(b"HTTP/1.1 200"))
    noisy = create(engine, Cmd=["sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; done"])
    patient(engine, "POST", f"/containers/{noisy}/start", 204)
    deaf = connect(engine.socket)
    deaf.sendall(f"GET /containers/{noisy}/logs?follow=1&stdout=1 HTTP/1.1\r\nHost:\r\n\r\n".encode())
    check(deaf.recv(12).startswith(b"HTTP/1.1 200"))
    logs_hold(docker, noisy, b"line 50000\n")
    deaf.close()
    docker("rm", "-f", noisy)
    docker("kill", "loop")
    for follower in followers[1:]:
        check_equal((follower.wait(PATIENCE), follower.stdout.read()), (0, b""))
    # An attachment with what was before; what its client says meanwhile is not lost.
    docker("run", "-d", "-i", "--name", "cat", IMAGE, "sh", "-c", "echo before; cat")
    logs_hold(docker, "cat", b"before\n")
    with connect(engine.socket) as attached:
        attached.sendall(b"POST /containers/cat/attach?logs=1&stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost:\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\ntyped\n")
        got = b""
        while not got.endswith(b"typed\n"):
            got += attached.recv(65536)
    check_equal((got.count(b"before\n"), got.count(b"typed\n")), (1, 1))
    docker("rm", "-f", "cat")
    docker("start", "loop")
    logs_hold(docker, "loop", b"up\nusr1\nup\n")
    # A power cut: what was written lies there, but for the last seconds; a record of a container takes them along.
    docker("create", "--name", "last", IMAGE)
    docker("kill", "-s", "USR1", "loop")
    engine.kill()
    engine = Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="2G")
    docker = Docker(context, engine)
    output = docker("logs", "loop").stdout
    check(output.startswith(b"up\nusr1\nup\n") and not output.replace(b"up\n", b"").replace(b"usr1\n", b""), output)
    check_equal(docker("logs", "first").stdout, b"one\ntwo\npartone\ntwo\npart")
    docker("rm", "first", "loop", "many")
    check_equal(request(engine, "GET", "/containers/first/logs?stdout=1")[0], 404)
    engine.stop()


@test
def docker_events(context):
    """What happens is told as it does, by filters, and afterwards."""
    engine = start(context)
    docker = Docker(context, engine)
    form = ("--format", "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}")
    every = follow(docker, "events", *form)
    some = follow(docker, "events", *form, "--filter", "event=die", "--filter", "label=a=b", "--filter", "type=container")
    # They watch once they tell of something that happens.
    deadline = time.monotonic() + PATIENCE
    while len(select.select([every.stdout, some.stdout], [], [], 0)[0]) < 2:
        check(time.monotonic() < deadline, "nothing is told")
        docker("run", "--rm", "--name", "probe", "--label", "a=b", IMAGE)
    docker("create", "--name", "e0", IMAGE)
    while (line := every.stdout.readline()) != b"container create e0\n":
        check(line.endswith((b" probe\n", b" bridge\n")), line)
    docker("run", "--name", "e1", "--label", "a=b", IMAGE, "sh", "-c", "exit 3", status=3)
    docker("rename", "e1", "e2")
    for name, *end in (("e4", "kill"), ("e3", "stop", "-t", "0")):
        docker("run", "-d", "--name", name, IMAGE, "sh", "-c", LOOP)
        docker(*end, name)
    docker("rm", "e2", "e3", "e4", "e0")
    wanted = ["create e1", "attach e1", "start e1", "die e1", "rename e2", "create e4", "start e4", "kill e4", "die e4",
              "create e3", "start e3", "kill e3", "kill e3", "die e3", "stop e3"]
    got = []
    while "stop e3" not in got:
        check(time.monotonic() < deadline, got)
        kind, _, what = every.stdout.readline().decode().strip().partition(" ")
        if kind == "container":
            got.append(what)
    check_equal(got, wanted)
    while (line := some.stdout.readline()) != b"container die e1\n":
        check_equal(line, b"container die probe\n")
    every.kill()
    some.kill()
    # The machine's clock may be a little ahead of the host's.
    soon = str(int(time.time()) + 3)
    past = docker.text("events", "--since", "2000-01-01T00:00:00Z", "--until", soon, "--format", "{{json .}}", "--filter", "event=die")
    ends = [json.loads(line)["Actor"]["Attributes"] for line in past.split("\n")]
    check_equal([end["exitCode"] for end in ends if end["name"] != "probe"], ["3", "137", "137"])
    for command in (("tag", IMAGE, "other:2"), ("rmi", "other:2"), ("volume", "create", "box"), ("volume", "rm", "box")):
        docker(*command)
    soon = str(int(time.time()) + 3)
    past = docker.text("events", "--since", "1h", "--until", soon, *form, "--filter", "type=image", "--filter", "type=volume", "--filter", "event=tag",
                       "--filter", "event=untag", "--filter", "event=create", "--filter", "event=destroy")
    check_equal(past.split("\n"), ["image tag other:2", "image untag other:2", "volume create <no value>", "volume destroy <no value>"])
    check_equal(request(engine, "GET", "/events?since=soon")[0], 400)
    check_equal(request(engine, "GET", "/events?filters=%5B")[0], 400)
    engine.stop()
