# SPDX-License-Identifier: MIT
"""Containers through ./run.sh --engine: by docker's client, and by requests as clients do not make them."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse

from debian import cache_directory
from harness import ROOT, Skip, check, check_equal, free_port, test
from test_engine import PATIENCE, Engine, connect, port_is_free, read_all

IMAGE = "shell:1"


def make_image(context):
    """A shell and what it needs, as an OCI layout."""
    layout = context.scratch / "shell"
    if layout.exists():
        return layout
    root = context.scratch / "shell-root"
    (root / "bin").mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "bin/busybox").write_bytes((ROOT / "third_party/busybox/busybox").read_bytes())
    (root / "bin/busybox").chmod(0o755)
    (root / "garbage").write_text("no program")
    (root / "garbage").chmod(0o755)
    for name in ("sh", "echo", "cat", "id", "pwd", "sleep", "hostname", "stty", "tty", "true", "seq", "wc", "sed", "tail", "mount"):
        (root / "bin" / name).symlink_to("busybox")
    subprocess.run([ROOT / "tools/image/mklayout.sh", root, layout, '["echo","from the image"]', '["PATH=/bin","IMAGE=shell"]'], check=True)
    return layout


def start(context, **settings):
    return Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="2G", **settings)


def docker_client():
    """docker's client: the host's, or the one of the host's Debian, unpacked."""
    found = shutil.which("docker")
    if found:
        return found
    directory = cache_directory() / "docker-client"
    program = directory / "root/usr/bin/docker"
    if not program.exists():
        directory.mkdir(parents=True, exist_ok=True)
        for package in ("docker-cli", "docker.io"):
            done = subprocess.run(["apt-get", "download", package], cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            for deb in directory.glob(f"{package}_*.deb"):
                subprocess.run(["dpkg-deb", "-x", deb, directory / "root"], check=True)
            if done.returncode == 0 and program.exists():
                break
    if not program.exists():
        raise Skip("there is no docker client here, and none to be had")
    return program


class Docker:
    patience = PATIENCE

    def __init__(self, context, engine):
        self.program = docker_client()
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{engine.socket}", "DOCKER_CONFIG": str(context.scratch / "config")}

    def __call__(self, *args, stdin=b"", status=0):
        done = subprocess.run([self.program, *args], env=self.environment, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=self.patience, check=False)
        if status is not None:
            check_equal(done.returncode, status, f"docker {args}: {done.stdout!r} {done.stderr!r}")
        return done

    def text(self, *args, **named):
        return self(*args, **named).stdout.decode().strip()


@test
def docker_run(context):
    """Streams, exit statuses, names, a terminal: what people type."""
    engine = start(context)
    docker = Docker(context, engine)
    check_equal(docker.text("run", "--rm", IMAGE), "from the image")
    done = docker("run", "--rm", "-i", IMAGE, "sh", "-c", "cat; echo err >&2; exit 7", stdin=b"one\ntwo\n", status=7)
    check_equal((done.stdout, done.stderr), (b"one\ntwo\n", b"err\n"))
    check_equal(docker.text("run", "--rm", "-e", "A=b", "-w", "/tmp", "-u", "1000", "--hostname", "h", IMAGE, "sh", "-c",
                            "echo $A $IMAGE; pwd; id -u; hostname; cat /etc/hostname").split("\n"), ["b shell", "/tmp", "1000", "h", "h"])
    # What lies in /etc of one without a network: its name, the loopback's and those it was given.
    check_equal(docker.text("run", "--rm", "--network", "none", "--hostname", "h", "--add-host", "a:1.2.3.4", IMAGE, "sh", "-c",
                            "cat /etc/hostname; sed -n 1p /etc/hosts; tail -n 1 /etc/hosts; wc -c </etc/resolv.conf").split("\n"),
                ["h", "127.0.0.1\tlocalhost", "1.2.3.4\ta", "0"])
    check_equal(docker.text("run", "--rm", "-t", IMAGE, "tty"), "/dev/pts/0")
    # More than fits into any buffer on the way.
    check_equal(docker("run", "--rm", IMAGE, "seq", "200000").stdout, "".join(f"{i}\n" for i in range(1, 200001)).encode())
    check_equal(docker.text("run", "--rm", "-i", IMAGE, "wc", "-c", stdin=b"x" * 1000000), "1000000")
    # 20.10's client knows a missing file by the words for a missing program alone.
    for args, status, says in ((("nothing",), 127, "nothing"), (("/tmp",), 126, "is a directory"), (("/none",), None, "stat /none: no such file or directory")):
        done = docker("run", "--rm", IMAGE, *args, status=status)
        check(done.returncode != 0 and says in done.stderr.decode() and b"Error waiting" not in done.stderr, done)
    # Whether it can be executed is known once it was started: it is said where its output would be.
    check_equal(docker("run", "--name", "garbage", IMAGE, "/garbage", status=126).stderr, b"exec /garbage: exec format error\n")
    check_equal(docker("logs", "garbage").stderr, b"exec /garbage: exec format error\n")
    docker("rm", "garbage")
    check_equal(docker("run", "--rm", "-t", IMAGE, "/garbage", status=126).stdout, b"exec /garbage: exec format error\r\n")
    done = docker("run", "--rm", "nosuch:1", status=125)
    check(b"nosuch" in done.stderr, done.stderr)
    # Of these words docker's client makes 125 or 127, by its version.
    done = docker("run", "--rm", "--device", "/dev/kvm", IMAGE, status=None)
    check(done.returncode != 0 and b'while adding custom device "/dev/kvm": no such file or directory' in done.stderr, done)
    # A device that only it may open.
    script = "exec 3<>/dev/d && echo open; exec 4<>/dev/e"
    done = docker("run", "--rm", "--device", "/dev/fuse:/dev/d", "--device", "/dev/loop-control:/dev/e:r", IMAGE, "sh", "-c", script, status=None)
    check(done.stdout == b"open\n" and done.returncode != 0 and b"/dev/e: Operation not permitted" in done.stderr, done)
    capabilities = ("run", "--rm", "--cap-drop", "ALL"), ("run", "--rm", "--cap-add", "NET_ADMIN"), ("run", "--rm", "--privileged")
    script = "sed -n 's/CapEff:.0*//p' /proc/self/status; mount -t tmpfs none /tmp && echo 1 > /proc/sys/vm/overcommit_memory && echo mounted; true"
    check_equal([docker.text(*words, IMAGE, "sh", "-c", script) for words in capabilities], ["", "a80435fb", "1ffffffffff\nmounted"])
    check_equal(docker.text("ps", "-aq"), "")
    check_equal(docker.text("images", "--format", "{{.Repository}}:{{.Tag}}"), IMAGE)
    engine.stop()


@test
def docker_container_life(context):
    """create, start, ps, stop, restart, kill, rename, wait, inspect, rm; several at once."""
    engine = start(context)
    docker = Docker(context, engine)
    first = docker.text("run", "-d", "--name", "web", IMAGE, "sleep", "1000")
    check(re.fullmatch("[0-9a-f]{64}", first), first)
    docker("run", "-d", "--name", "web", IMAGE, status=125)
    second = docker.text("create", "--label", "a=b", IMAGE, "sh", "-c", "trap 'exit 3' USR1; echo up; while :; do sleep 0.1; done")
    attached = subprocess.Popen([docker.program, "start", "-a", second], env=docker.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    # Its trap is set then.
    check_equal(attached.stdout.readline(), b"up\n")
    check_equal(sorted(docker.text("ps", "-q", "--no-trunc").split()), sorted([first, second]))
    check_equal(docker.text("stop", "-s", "USR1", "-t", "100", second), second)
    check_equal(attached.wait(PATIENCE), 3)
    check_equal(docker.text("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}} {{.Config.Labels.a}}", second[:12]), "exited 3 b")
    check_equal(docker.text("wait", second), "3")
    # Who only looks on does not end what it looks at, and who does not read does not keep it.
    third = docker.text("run", "-d", "-i", "--name", "cat", IMAGE, "cat")
    docker("kill", "-s", "WINCH", "cat")
    with connect(engine.socket) as onlooker:
        onlooker.sendall(f"POST /containers/{third}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost:\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n".encode())
        check(onlooker.recv(12).startswith(b"HTTP/1.1 101"))
        onlooker.shutdown(socket.SHUT_WR)
        check_equal(docker.text("inspect", "-f", "{{.State.Running}}", "cat"), "true")
    docker("rm", "-f", "cat")
    docker("rename", "web", "site")
    check_equal(docker("rm", "site", status=1).stdout, b"")
    docker("restart", "-t", "0", "site")
    check_equal(docker.text("inspect", "-f", "{{.State.Status}} {{.Name}}", first), "running /site")
    # An added process has to have its folder; the container's own has it made.
    failed = docker("exec", "-w", "/none", "site", "true", status=126)
    check(b'chdir to cwd ("/none") set in config.json failed: no such file or directory' in failed.stdout + failed.stderr, failed)
    docker("exec", "site", "sh", "-c", "echo kept >/tmp/kept")
    docker("kill", "-s", "KILL", "site")
    check_equal(docker.text("wait", "site"), "137")
    docker("start", "site")
    # It was written out nowhere when that was killed.
    check_equal(docker.text("exec", "site", "cat", "/tmp/kept"), "kept")
    docker("rm", "-f", "site", second)
    check_equal(docker.text("ps", "-aq"), "")
    engine.stop()


# --- Without the client --------------------------------------------------------------------------


def request(engine, method, path, body=None):
    """(status, document) of a request; a body that is not bytes is made JSON of."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    with connect(engine.socket) as client:
        head = f"{method} {path} HTTP/1.1\r\nHost:\r\nConnection: close\r\n"
        if data is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        client.sendall(head.encode() + b"\r\n" + (data or b""))
        answer = read_all(client)
    head, _, rest = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if b"chunked" in head:
        pieces = re.split(rb"(?:^|\r\n)[0-9a-f]+\r\n", rest)
        rest = b"".join(pieces)
    # A body that is too large is refused before it is anybody's.
    if b"application/json" not in head:
        return status, {"message": rest.decode()}
    return status, json.loads(rest) if rest.strip() else None


def create(engine, **settings):
    return patient(engine, "POST", "/v1.45/containers/create", 201, body={"Image": IMAGE, **settings})["Id"]


def patient(engine, method, path, *wanted, body=None):
    """The answer to a request, which is made again while who has to answer is being started."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            status, answer = request(engine, method, path, body)
        except (OSError, IndexError):
            status, answer = 503, "no answer"
        if status != 503:
            check(status in wanted, f"{method} {path}: {status} {answer}")
            return answer
        check(time.monotonic() < deadline, answer)
        time.sleep(0.1)


@test
def signals_during_a_start(context):
    """They wait for it, as do a stop, a kill and a removal: the start is no failure, and the process that runs gets them."""
    engine = start(context)
    for method, asks in (("POST", "stop?t=0"), ("POST", "kill"), ("DELETE", "?force=1")):
        name = create(engine, Cmd=["sleep", "1000"])
        answers = []
        starting = threading.Thread(target=lambda to=answers, path=f"/containers/{name}/start": to.append(request(engine, "POST", path)[0]))
        starting.start()
        # CHLD ends nothing. 409: the start has not begun.
        while request(engine, "POST", f"/containers/{name}/kill?signal=CHLD")[0] == 409 and starting.is_alive():
            pass
        path = f"/containers/{name}{asks}" if method == "DELETE" else f"/containers/{name}/{asks}"
        check_equal((asks, request(engine, method, path)[0]), (asks, 204))
        starting.join()
        check_equal((asks, answers), (asks, [204]))
        code, shown = request(engine, "GET", f"/containers/{name}/json")
        if method == "DELETE":
            check_equal(code, 404)
        else:
            check_equal((asks, shown["State"]["Status"], shown["State"]["ExitCode"]), (asks, "exited", 137))
    engine.stop()


@test
def bad_requests(context):
    """Each is refused with a reason, and the engine goes on."""
    engine = start(context)
    # Members' names are taken in any case, and shown as the API has them.
    name = create(engine, Cmd=["true"], hostconfig={"annotations": {"a": "b"}, "shmSize": 4096})
    shown = request(engine, "GET", f"/containers/{name}/json")[1]["HostConfig"]
    check_equal((shown["Annotations"], shown["ShmSize"]), ({"a": "b"}, 4096))
    cases = [
        ("POST", "/containers/create", b"", 400), ("POST", "/containers/create", b"{", 400), ("POST", "/containers/create", b"[" * 5000, 400),
        ("POST", "/containers/create", {"Image": IMAGE, "Labels": {"a": 1}}, 400), ("POST", "/containers/create", b'{"Image":"shell:1","x":' + b"[" * 31 + b"]" * 31 + b"}", 400),
        ("GET", "/containers/json?filters=%7B%22color%22%3A%5B%22red%22%5D%7D", None, 400),
        ("POST", "/containers/create", {"Image": 5}, 400), ("POST", "/containers/create", {"Image": "x" * 10000}, 404),
        ("POST", "/containers/create", {"Image": IMAGE, "HostConfig": {"Memory": 10 ** 30}}, 400),
        ("POST", "/containers/create?name=-", {"Image": IMAGE}, 400), ("POST", "/containers/create?name=" + "n" * 129, {"Image": IMAGE}, 400),
        ("POST", "/containers/create?name=%2Fa%2Fb", {"Image": IMAGE}, 400), ("POST", "/containers/create?name=a%00b", {"Image": IMAGE}, 400),
        ("POST", "/containers/create", b" " * (1 << 20) + b"{}", 413),
        ("POST", "/containers/nosuch/start", None, 404), ("POST", f"/containers/{name}/stop?t=soon", None, 400),
        ("POST", f"/containers/{name}/stop", None, 304), ("POST", f"/containers/{name}/kill", None, 409),
        ("POST", f"/containers/{name}/kill?signal=NOSUCH", None, 400), ("POST", f"/containers/{name}/wait?condition=never", None, 400),
        ("POST", f"/containers/{name}/resize?h=1", None, 400), ("POST", f"/containers/{name}/resize?h=1&w=70000", None, 400),
        ("POST", f"/containers/{name}/resize?h=1&w=1", None, 409), ("POST", f"/containers/{name}/rename?name=", None, 400),
        ("GET", "/images/nosuch/json", None, 404), ("DELETE", "/containers/json", None, 404), ("GET", "/containers/%zz/json", None, 400),
        ("GET", "/containers/" + "a" * 200 + "/json", None, 400),
    ]
    for method, path, body, wanted in cases:
        status, answer = request(engine, method, path, body)
        check_equal(status, wanted, f"{method} {path[:80]}: {answer}")
        if status != 304:
            check(answer["message"], path)
    status, answer = request(engine, "GET", f"/containers/{name[:5]}/json")
    check_equal((status, answer["Id"]), (200, name))
    status, listed = request(engine, "GET", "/containers/json?all=1")
    check_equal([c["Id"] for c in listed], [name])
    check_equal(request(engine, "DELETE", f"/containers/{name}")[0], 204)
    engine.stop()


@test
def clients_that_leave(context):
    """Of an attachment, of a wait, and in the midst of a request; the container goes on."""
    engine = start(context)
    # Much more than fits into all buffers on the way, so that it has something to say whenever a client leaves.
    talks = ["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do cat /bin/busybox; done; exec sleep 100000"]
    name = create(engine, Cmd=talks, AttachStdout=True)
    query = urllib.parse.urlencode({"stream": 1, "stdout": 1})
    attached = connect(engine.socket)
    attached.sendall(f"POST /containers/{name}/attach?{query} HTTP/1.1\r\nHost:\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
    check(attached.recv(12).startswith(b"HTTP/1.1 101"))
    waiting = connect(engine.socket)
    waiting.sendall(f"POST /containers/{name}/wait?condition=next-exit HTTP/1.1\r\nHost:\r\n\r\n".encode())
    check(waiting.recv(12).startswith(b"HTTP/1.1 200"))
    check_equal(request(engine, "POST", f"/containers/{name}/start")[0], 204)
    # Its output is much more than this, and then nobody reads it.
    got = 0
    while got < 1 << 20:
        got += len(attached.recv(65536))
    waiting.close()
    other = create(engine, Cmd=talks)
    idle = connect(engine.socket)
    idle.sendall(f"POST /containers/{other}/attach?{query} HTTP/1.1\r\nHost:\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
    check_equal(request(engine, "POST", f"/containers/{other}/start")[0], 204)
    check_equal(request(engine, "DELETE", f"/containers/{other}?force=1")[0], 204)
    idle.close()
    attached.shutdown(socket.SHUT_RDWR)
    attached.close()
    with connect(engine.socket) as half:
        half.sendall(b"POST /containers/create HTTP/1.1\r\nHost:\r\nContent-Length: 100\r\n\r\n{")
    check_equal(request(engine, "GET", f"/containers/{name}/json")[1]["State"]["Running"], True)
    check_equal(request(engine, "POST", f"/containers/{name}/kill")[0], 204)
    check_equal(request(engine, "POST", f"/containers/{name}/wait")[1]["StatusCode"], 137)
    engine.stop()


@test
def containers_is_killed(context):
    """Again and again, and engine after it: what runs goes on, and is known when they are back."""
    for target in ("containers", "engine"):
        context.build = context.suite.build
        shutil.rmtree(context.scratch / "build", ignore_errors=True)
        context.boot_image("starina-reaper")
        engine = Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="2G",
                        STARINA_APPEND=f"reaper.target={target} reaper.count=3 reaper.pause=3000")
        ports = [free_port() for _ in range(2)]
        names = [create(engine, Cmd=["sleep", "1000"], HostConfig={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}})
                 for port in ports]
        for name in names:
            patient(engine, "POST", f"/containers/{name}/start", 204, 304)
        # Its process lives as long as the container, whoever knows of it.
        added, answer = "", {"message": ""}
        while answer and "No such exec" in answer["message"] or not added:
            added = patient(engine, "POST", f"/containers/{names[0]}/exec", 201, body={"Cmd": ["sh", "-c", "echo $$ > /tmp/pid; exec sleep 1000"]})["Id"]
            answer = patient(engine, "POST", f"/exec/{added}/start", 200, 404, 409, body={"Detach": True})
        engine.log.wait_for("done: httpd answered each time")
        for name in names:
            state = patient(engine, "GET", f"/containers/{name}/json", 200)["State"]
            check(state["Running"], state)
        check(not any(port_is_free(port) for port in ports))
        patient(engine, "GET", f"/exec/{added}/json", 200, 404)
        Docker(context, engine)("exec", names[0], "sh", "-c", "until [ -e /tmp/pid ]; do sleep 0.1; done; kill -0 $(cat /tmp/pid)")
        for name in names:
            patient(engine, "POST", f"/containers/{name}/kill", 204)
            check_equal(patient(engine, "POST", f"/containers/{name}/wait", 200)["StatusCode"], 137)
        # Their ports are taken back by one that has not published them itself.
        while not all(port_is_free(port) for port in ports):
            time.sleep(0.1)
        engine.stop()
