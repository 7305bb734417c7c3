# SPDX-License-Identifier: MIT
"""docker exec through ./run.sh --engine: by docker's client, and by requests as clients do not make them."""

import concurrent.futures
import json
import os
import pty
import re
import socket
import subprocess
import time

from harness import ROOT, check, check_equal, test
from oci import Image, Layer, write_layout
from test_engine import PATIENCE, Engine, UnixConnection, connect
from test_engine_containers import IMAGE, Docker, make_image, request, start


def on_a_terminal(docker, *args):
    """(exit status, output) of a client whose streams are a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([docker.program, *args], env=docker.environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        output = b""
        try:
            while piece := os.read(ours, 4096):
                output += piece
        except OSError:  # EIO: its end
            pass
        status = process.wait(PATIENCE)
    os.close(ours)
    return status, output


def streams(docker):
    done = docker("exec", "web", "sh", "-c", "echo out; echo err >&2; exit 5", status=5)
    check_equal((done.stdout, done.stderr), (b"out\n", b"err\n"))
    check_equal(docker.text("exec", "-i", "web", "wc", "-c", stdin=b"x" * 1000000), "1000000")
    check_equal(docker("exec", "web", "seq", "200000").stdout, "".join(f"{i}\n" for i in range(1, 200001)).encode())
    check_equal(docker.text("exec", "-u", "1000", "-w", "/tmp", "-e", "A=b", "web", "sh", "-c", "id -u; pwd; echo $A $IMAGE $OWN").split("\n"),
                ["1000", "/tmp", "b shell own"])
    status, output = on_a_terminal(docker, "exec", "-it", "web", "sh", "-c", "tty; echo err >&2; exit 3")
    check_equal((status, output), (3, b"/dev/pts/0\r\nerr\r\n"))
    for args, status, says in ((("nothing",), 127, 'exec: "nothing": executable file not found in $PATH'), (("/tmp",), 126, "is a directory")):
        done = docker("exec", "web", *args, status=status)
        check(says.encode() in done.stdout + done.stderr, done)
    check(b"unable to find user nosuch" in docker("exec", "-u", "nosuch", "web", "id", status=126).stdout)
    check(b"not found" in docker("exec", "-d", "web", "nothing", status=1).stderr)
    rights(docker)
    check(b"No such container" in docker("exec", "nosuch", "id", status=1).stderr)


# What a container is limited to holds for what is added to it.
LIMITS = ("--cap-drop", "MKNOD", "--cap-drop", "NET_RAW", "--ulimit", "nofile=100:200", "--pids-limit", "90", "--security-opt", "no-new-privileges",
          "--oom-score-adj", "7", "--group-add", "4321", "-w", "/tmp", "-e", "OWN=own")
SEEN = ("sed -n 's/^\\(CapBnd\\|CapEff\\|NoNewPrivs\\):.//p' /proc/self/status; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj "
        "/sys/fs/cgroup/pids.max; id -G; pwd; echo $OWN")
FEWER, ALL = "00000000a00405fb", "000001ffffffffff"


def rights(docker):
    """As the container's own process has them, but what exec asks for."""
    seen = [docker.text("exec", *flags, "web", "sh", "-c", SEEN).split() for flags in ((), ("--privileged",), ("-u", "1000"))]
    rest = ["1", "100", "200", "7", "90"]
    check_equal(seen, [[FEWER, FEWER, *rest, "0", "4321", "/tmp", "own"], [ALL, ALL, *rest, "0", "4321", "/tmp", "own"],
                       ["0000000000000000", FEWER, *rest, "0", "4321", "/tmp", "own"]])


def many(docker):
    """8 at once, each with its own streams and status."""
    runs = [subprocess.Popen([docker.program, "exec", "-i", "web", "sh", "-c", f"cat; exit {i}"], env=docker.environment,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in range(8)]
    for i, run in enumerate(runs):
        output, errors = run.communicate(str(i).encode() * 100000, timeout=PATIENCE)
        check_equal((run.returncode, output), (i, str(i).encode() * 100000), errors)


def requests(engine, name, left):
    made = request(engine, "POST", f"/containers/{name}/exec", {"Cmd": ["sleep", "1000"], "AttachStdout": True})
    check_equal(made[0], 201)
    one = made[1]["Id"]
    cases = [
        ("POST", "/containers/nosuch/exec", {"Cmd": ["true"]}, 404), ("POST", f"/containers/{name}/exec", {"Cmd": []}, 400),
        ("POST", f"/containers/{name}/exec", b"{", 400), ("POST", f"/containers/{name}/exec", b"", 400),
        ("POST", f"/containers/{name}/exec", {"Cmd": 5}, 400), ("POST", f"/containers/{name}/exec", {"Cmd": ["true"], "Nosuch": 1}, 400),
        ("POST", f"/containers/{name}/exec", {"Cmd": ["true"], "ConsoleSize": [1, 2, 3]}, 400),
        ("POST", f"/containers/{name}/exec", {"Cmd": ["true"], "Env": ["=x"]}, 400), ("POST", "/exec/nosuch/start", {}, 404),
        ("GET", "/exec/nosuch/json", None, 404), ("POST", f"/exec/{one}/resize?h=1&w=1", None, 409), ("POST", f"/exec/{one}/start", {"Detach": 1}, 400),
        ("POST", f"/exec/{one}/resize?h=1", None, 400),
    ]
    for method, path, body, wanted in cases:
        status, answer = request(engine, method, path, body)
        check_equal(status, wanted, f"{method} {path[:80]}: {answer}")
        check(answer["message"], path)
    shown = request(engine, "GET", f"/exec/{one}/json")[1]
    check_equal((shown["Running"], shown["ExitCode"], shown["ContainerID"], shown["ProcessConfig"]["entrypoint"]), (False, None, name, "sleep"))
    check_equal(request(engine, "POST", f"/exec/{one}/start", {"Detach": True})[0], 200)
    check_equal(request(engine, "POST", f"/exec/{one}/start", {})[0], 409)
    check_equal(request(engine, "POST", f"/exec/{one}/resize?h=10&w=20")[0], 200)
    check_equal(request(engine, "GET", f"/containers/{name}/json")[1]["ExecIDs"], [left, one])
    # More than are kept, of which none was started.
    connection = UnixConnection(engine.socket)
    for _ in range(300):
        connection.request("POST", f"/containers/{name}/exec", '{"Cmd":["true"]}', {"Content-Type": "application/json"})
        response = connection.getresponse()
        check_equal((response.status, len(json.loads(response.read())["Id"])), (201, 64))
    connection.close()
    # Long ones make room, too.
    for _ in range(6):
        check_equal(request(engine, "POST", f"/containers/{name}/exec", {"Cmd": ["true"] + ["x" * 900000]})[0], 201)
    check_equal(request(engine, "GET", f"/exec/{one}/json")[1]["Running"], True)
    return one


def client_leaves(engine, name):
    """Its process goes on, and what it writes is dropped."""
    body = b'{"Detach":false}'
    made = request(engine, "POST", f"/containers/{name}/exec",
                   {"Cmd": ["sh", "-c", "seq 100000; echo over > /tmp/over; exec sleep 1000"], "AttachStdout": True})[1]["Id"]
    with connect(engine.socket) as client:
        client.sendall(b"POST /exec/%b/start HTTP/1.1\r\nHost:\r\nUpgrade: tcp\r\nConnection: Upgrade\r\nContent-Length: %d\r\n\r\n%b" %
                       (made.encode(), len(body), body))
        check(client.recv(12).startswith(b"HTTP/1.1 101"))
        client.shutdown(socket.SHUT_RDWR)
    return made


@test
def docker_exec(context):
    """Streams, statuses, terminals, many at once, bad requests, and the container's end."""
    engine = start(context)
    docker = Docker(context, engine)
    name = docker.text("run", "-d", *LIMITS, "--name", "web", IMAGE, "sleep", "1000")
    streams(docker)
    many(docker)
    left = client_leaves(engine, name)
    docker("exec", "web", "sh", "-c", "until [ -e /tmp/over ]; do sleep 0.1; done")
    check_equal(request(engine, "GET", f"/exec/{left}/json")[1]["Running"], True)
    one = requests(engine, name, left)
    hanging = subprocess.Popen([docker.program, "exec", "web", "sh", "-c", "echo here; exec sleep 1000"], env=docker.environment, stdout=subprocess.PIPE)
    check_equal(hanging.stdout.readline(), b"here\n")
    docker("kill", "web")
    check_equal(hanging.wait(PATIENCE), 137)
    check_equal(request(engine, "GET", f"/exec/{one}/json")[1]["ExitCode"], 137)
    check(b"is not running" in docker("exec", "web", "true", status=1).stderr)
    docker("rm", "web")
    check_equal(request(engine, "GET", f"/exec/{one}/json")[0], 404)
    engine.stop()
    check("panic" not in engine.log.whole())


EXECS = int(os.environ.get("ENGINE_EXECS", "0"))  # in `make soak-engine`
AT_A_TIME = 8


@(test if EXECS else lambda function: function)
def exec_again_and_again(context):
    """Each ends, with its status and all that it wrote."""
    engine = start(context)
    docker = Docker(context, engine)
    docker("run", "-d", "--name", "web", IMAGE, "sleep", "100000")

    def run(number):
        done = docker("exec", "-i", "web", "sh", "-c", f"cat; exit {number % 100}", stdin=str(number).encode(), status=number % 100)
        return done.stdout == str(number).encode()

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        check_equal(sum(pool.map(run, range(EXECS))), EXECS)
    docker("rm", "-f", "web")
    engine.stop()
    check("panic" not in engine.log.whole())


# --- top, stats, health, pause ---------------------------------------------------------------------------


def looks(docker, engine, name):
    lines = docker.text("top", "web").split("\n")
    check(lines[0].split() == "UID PID PPID C STIME TTY TIME CMD".split() and lines[1].endswith("sleep 1000"), lines)
    check_equal([line.split() for line in docker.text("top", "web", "-eo", "pid,cmd").split("\n")], [["PID", "CMD"], ["1", "sleep", "1000"]])
    lines = docker.text("top", "web", "aux").split("\n")
    check_equal(lines[0].split(), "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND".split())
    check(lines[1].endswith("sleep 1000"), lines)
    check(b"ps_args" in docker("top", "web", "-o", "nothing", status=1).stderr)
    shown = docker.text("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.MemUsage}}", "web")
    check(re.fullmatch(r"web 1 [0-9.]+[KM]iB / [0-9.]+MiB", shown) and not shown.endswith(" 0MiB"), shown)
    with connect(engine.socket) as client:
        client.sendall(f"GET /v1.45/containers/{name}/stats HTTP/1.1\r\nHost:\r\n\r\n".encode())
        got = b""
        while got.count(b'"name":"/web"') < 2:
            piece = client.recv(65536)
            check(piece, got)
            got += piece
    first = json.loads(re.search(rb"\{\"name\".*\}\n", got)[0])
    check(first["memory_stats"]["usage"] > 0 and first["cpu_stats"]["online_cpus"] == 1 and first["networks"]["eth0"], first)
    status, once = request(engine, "GET", f"/containers/{name}/stats?stream=0&one-shot=1")
    check(status == 200 and once["precpu_stats"]["cpu_usage"]["total_usage"] == 0 and once["pids_stats"]["current"] == 1, once)


def limits(docker):
    """What its guest holds the container to, and what inspect says of that."""
    return docker.text("exec", "web", "sh", "-c", "cd /sys/fs/cgroup; cat memory.max pids.max cpu.max").split() + \
        docker.text("inspect", "-f", "{{.HostConfig.Memory}} {{json .HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}", "web").split()


def updates(docker, engine, name):
    """While it runs: within its virtual machine."""
    docker("update", "-m", "256m", "--cpus", "0.5", "--pids-limit", "50", "web")
    wanted = [str(256 << 20), "50", "50000", "100000", str(256 << 20), "50", "500000000"]
    check_equal(limits(docker), wanted)
    check_equal(docker.text("stats", "--no-stream", "--format", "{{.MemUsage}}", "web").split(" / ")[1], "256MiB")
    for flags, status, says in ((("-m", "1g"), 409, "512 MiB of memory and 1 CPUs"), (("--cpus", "2"), 409, "512 MiB of memory and 1 CPUs"),
                                (("-m", "1m"), 400, "Minimum memory limit"), (("--cpu-quota", "50000"), 400, "NanoCPUs has already been set"),
                                (("--cpuset-cpus", "0"), 400, "CpusetCpus is not supported")):
        done = docker("update", *flags, "web", status=1)
        check(says in done.stderr.decode(), done.stderr)
    for body, status in (({"Memory": 1 << 30}, 409), ({"Memory": 1}, 400), ({"PidsLimit": 1 << 40}, 400), ({"PidsLimit": "x"}, 400)):
        check_equal(request(engine, "POST", f"/containers/{name}/update", body)[0], status, body)
    check_equal(limits(docker), wanted)
    check(b"CpuShares has no effect" in docker("update", "--cpu-shares", "7", "--cpus", "1", "--pids-limit", "-1", "-m", "512m", "web").stdout)
    check_equal(docker.text("inspect", "-f", "{{.HostConfig.CpuShares}}", "web"), "7")
    after = limits(docker)
    check(after[1:] == ["max", "max", "100000", str(512 << 20), "null", "1000000000"] and int(after[0]) > 256 << 20, after)


def pauses(docker, engine, name):
    docker("exec", "-d", "web", "sh", "-c", "while :; do echo x >> /tmp/beat; sleep 0.01; done")
    docker("exec", "web", "sh", "-c", "until [ -e /tmp/beat ]; do sleep 0.01; done")
    docker("pause", "web")
    check_equal(docker.text("inspect", "-f", "{{.State.Status}} {{.State.Paused}} {{.State.Running}}", "web"), "paused true true")
    check("(Paused)" in docker.text("ps", "--filter", "status=paused", "--format", "{{.Status}}"))
    for method, path, body, wanted in (("POST", "pause", None, 409), ("POST", "start", None, 409), ("POST", "exec", {"Cmd": ["true"]}, 409)):
        check_equal(request(engine, method, f"/containers/{name}/{path}", body)[0], wanted, path)
    docker("unpause", "web")
    check_equal(request(engine, "POST", f"/containers/{name}/unpause")[0], 409)
    # One that is paused is stopped as others are: it hears of it.
    docker("run", "-d", "--name", "heeds", IMAGE, "sh", "-c", "trap 'exit 3' TERM; : > /tmp/set; while :; do sleep 0.05; done")
    docker("exec", "heeds", "sh", "-c", "until [ -e /tmp/set ]; do sleep 0.01; done")
    docker("pause", "heeds")
    docker("stop", "-t", "-1", "heeds")
    check_equal(docker.text("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}} {{.State.Paused}}", "heeds"), "exited 3 false")
    docker("pause", "web")
    docker("kill", "web")
    check_equal(docker.text("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "web"), "exited 137")
    for path in ("pause", "unpause"):
        check_equal(request(engine, "POST", f"/containers/{name}/{path}")[0], 409)
    check_equal(request(engine, "GET", f"/containers/{name}/top")[0], 409)
    check_equal(request(engine, "GET", f"/containers/{name}/stats?stream=0")[1]["memory_stats"], {})
    for path in ("pause", "unpause"):
        check_equal(request(engine, "POST", f"/containers/nosuch/{path}")[0], 404)


def checked_image(context):
    """One with a HEALTHCHECK, which passes when /tmp/ok is there."""
    layer = Layer().dir("bin").dir("tmp", 0o1777).file("bin/busybox", (ROOT / "third_party/busybox/busybox").read_bytes(), 0o755)
    for name in ("sh", "cat", "sleep", "test"):
        layer.symlink(f"bin/{name}", "busybox")
    check_line = {"Test": ["CMD-SHELL", "echo looked; cat /tmp/ok"], "Interval": 200000000, "Timeout": 20000000000, "Retries": 2}
    write_layout(context.scratch / "checked", Image(layer, Cmd=["sleep", "1000"], Healthcheck=check_line))
    return f"checked:1=oci://{context.scratch}/checked"


def wait_for_health(docker, name, wanted, output=""):
    """What inspect says once the status is that, and the last check has written this."""
    deadline = time.monotonic() + PATIENCE
    while True:
        shown = json.loads(docker.text("inspect", "-f", "{{json .State.Health}}", name))
        if shown["Status"] == wanted and output in shown["Log"][-1]["Output"]:
            return shown
        check(time.monotonic() < deadline, shown)


def health(docker):
    docker("run", "-d", "--name", "sick", "checked:1")
    shown = wait_for_health(docker, "sick", "unhealthy")
    check(shown["FailingStreak"] >= 2 and shown["Log"][-1]["ExitCode"] == 1, shown)
    check(shown["Log"][-1]["Output"].startswith("looked\ncat: "), shown)
    check("(unhealthy)" in docker.text("ps", "--filter", "health=unhealthy", "--format", "{{.Status}}"))
    docker("exec", "sick", "sh", "-c", "echo well > /tmp/ok")
    shown = wait_for_health(docker, "sick", "healthy", "well")
    check_equal((shown["FailingStreak"], shown["Log"][-1]["Output"]), (0, "looked\nwell\n"))
    check(len(shown["Log"]) <= 5)
    check("(healthy)" in docker.text("ps", "--filter", "name=sick", "--format", "{{.Status}}"))
    docker("run", "-d", "--name", "slow", "--health-cmd", "sleep 1000", "--health-interval", "100ms", "--health-timeout", "300ms",
           "--health-retries", "1", IMAGE, "sleep", "1000")
    shown = wait_for_health(docker, "slow", "unhealthy")
    check_equal((shown["Log"][0]["ExitCode"], shown["Log"][0]["Output"]), (-1, "Health check exceeded timeout (300ms)"))
    docker("run", "-d", "--name", "unasked", "--no-healthcheck", "checked:1")
    check_equal(docker.text("inspect", "-f", "{{json .State.Health}} {{.Config.Healthcheck.Test}}", "unasked"), "null [NONE]")
    check(b"less than 1ms" in docker("create", "--health-cmd", "x", "--health-interval", "1us", IMAGE, status=1).stderr)
    docker("rm", "-f", "sick", "slow", "unasked")


@test
def docker_watches(context):
    """top, stats, health checks, pause and unpause."""
    engine = Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)},{checked_image(context)}", STARINA_MEMORY="2G")
    docker = Docker(context, engine)
    name = docker.text("run", "-d", "--name", "web", IMAGE, "sleep", "1000")
    looks(docker, engine, name)
    updates(docker, engine, name)
    health(docker)
    pauses(docker, engine, name)
    engine.stop()
    check("panic" not in engine.log.whole())
