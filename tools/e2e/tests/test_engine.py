# SPDX-License-Identifier: MIT
"""./run.sh --engine: docker's socket, what answers at it, and who does not get through."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

from harness import ROOT, Log, Skip, check, check_equal, check_refused, has_ended, test
from oci import Image, Layer, write_layout
from test_apps import Tree

SECRET_OFFSET, SECRET_SIZE = 512, 32  # on the boot disk
PATIENCE = 240
PING = b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class UnixConnection(http.client.HTTPConnection):
    """http.client over a socket of the file system."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = connect(self.path)


class Engine:
    """A running engine in a build of the test's own."""

    def __init__(self, context, *args, **settings):
        self.context = context
        if context.build == context.suite.build:  # unless it has one
            context.own_build()
        self.process = context.start("--engine", *args, **settings)
        self.log = Log(self.process.stderr)
        line = self.process.stdout.readline().decode()
        found = re.fullmatch(r"export DOCKER_HOST=unix://(\S+)\n", line)
        if not found:
            self.process.wait()
        check(found, f"{line!r}\n" + "\n".join(self.log.lines))
        self.socket = found[1]

    def get(self, path, method="GET"):
        connection = UnixConnection(self.socket)
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read()

    def children(self):
        """Of run.sh: the ids of its processes."""
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()

    def qemu(self):
        """The command line of its machine."""
        lines = [Path(f"/proc/{child}/cmdline").read_bytes() for child in self.children()]
        return next(line for line in lines if b"-kernel" in line).decode()

    def kill(self):
        """As a power cut; returns when the emulator, which dies with it, has let go of the disk."""
        children = self.children()
        self.process.kill()
        self.process.wait()
        until = time.monotonic() + PATIENCE
        while not all(has_ended(child) for child in children):
            check(time.monotonic() < until, f"{children} outlive run.sh")
            time.sleep(0.05)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait()
        check_equal(status, 0, self.log.whole())


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(path)
    return client


def port_is_free(port):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def read_all(client):
    parts = []
    while parts[-1:] != [b""]:
        parts.append(client.recv(65536))
    return b"".join(parts)


def ask(path):
    """One request on a connection of its own; what came."""
    with connect(path) as client:
        client.sendall(PING)
        return read_all(client)


@test
def answers_of_an_engine(context):
    """curl, Python and the docker client find it; a SIGTERM ends it in order."""
    engine = Engine(context)
    response, body = engine.get("/_ping")
    check_equal((response.status, body), (200, b"OK"))
    for name, value in (("Api-Version", "1.50"), ("Docker-Experimental", "false"), ("Ostype", "linux"), ("Swarm", "inactive")):
        check_equal(response.getheader(name), value)
    check(response.getheader("Server").startswith("Starina/"))
    check_equal(response.getheader("Builder-Version"), "1")
    response, body = engine.get("/_ping", "HEAD")
    check_equal((response.status, body, response.getheader("Api-Version")), (200, b"", "1.50"))
    response, body = engine.get("/v1.41/version")
    check_equal((response.status, json.loads(body)["ApiVersion"]), (200, "1.50"))
    for path, status, message in (("/nothing", 404, "page not found"), ("/v1.43/nothing", 404, "page not found"),
                                  ("/v1.23/version", 400, "too old"), ("/v1.51/version", 400, "too new"), ("/v1.x/version", 404, "not found")):
        response, body = engine.get(path)
        check_equal(response.status, status, path)
        check(message in json.loads(body)["message"], body)
    check_equal(engine.get("/_ping", "POST")[0].status, 404)
    done = subprocess.run(["curl", "-s", "--unix-socket", engine.socket, "http://localhost/_ping"], stdout=subprocess.PIPE, check=True)
    check_equal(done.stdout, b"OK")
    engine.stop()
    check(not Path(engine.socket).exists())
    check("powering off" in engine.log.whole())


@test
def the_docker_client(context):
    """The one of this host, if there is one."""
    docker = shutil.which("docker")
    if not docker:
        raise Skip("there is no docker client here")
    engine = Engine(context)
    environment = {**os.environ, "DOCKER_HOST": f"unix://{engine.socket}", "DOCKER_CONFIG": str(context.scratch / "config")}
    done = subprocess.run([docker, "version", "--format", "{{json .Server}}"], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    check_equal(done.returncode, 0, done.stderr)
    check_equal(json.loads(done.stdout)["Arch"], "riscv64")
    engine.stop(signal.SIGINT)


@test
def who_gets_in(context):
    """Only the user reaches the socket, and only who has the secret the engine behind it."""
    engine = Engine(context)
    path = Path(engine.socket)
    check_equal(stat.S_IMODE(path.stat().st_mode), 0o600)
    check_equal(stat.S_IMODE(path.parent.stat().st_mode), 0o700)
    disk = next(path.parent.glob("run.*/boot.disk"))
    check_equal(stat.S_IMODE(disk.stat().st_mode), 0o600)
    secret = disk.read_bytes()[SECRET_OFFSET:SECRET_OFFSET + SECRET_SIZE]
    check_equal(len(set(secret)) > 8, True, "a secret is random")
    command = engine.qemu()
    port = int(re.search(r"hostfwd=tcp:127\.0\.0\.1:(\d+)-:2375", command)[1])
    for beginning in (b"", bytes(SECRET_SIZE), secret[:-1] + bytes([secret[-1] ^ 1])):
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.sendall(beginning + PING)
            try:
                check_equal(read_all(client), b"")
            except ConnectionResetError:
                pass
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(secret + PING)
        check(read_all(client).startswith(b"HTTP/1.1 200"))
    engine.stop()
    for text in (command.encode(), engine.log.whole().encode()):
        check(secret not in text and secret.hex().encode() not in text.lower(), "the secret is told")


@test
def one_engine_a_build(context):
    """A second one is refused; what a dead one has left is replaced, and both ends of a killed one are free again."""
    engine = Engine(context)
    check_refused(context.run("--engine", STARINA_DISK=context.scratch / "other.img"), "a Starina that runs has the socket", engine.socket)
    check(b"200 OK" in ask(engine.socket))
    engine.kill()
    check(Path(engine.socket).exists())
    engine = Engine(context)
    check(b"200 OK" in ask(engine.socket))
    engine.stop()


@test
def a_long_path(context):
    """A socket's path has at most 107 bytes: elsewhere than in the build, in a folder that is private, too."""
    context.own_build()
    long = context.scratch / ("b" * 120)
    context.build.rename(long)
    context.build = long
    runtime = context.scratch / "r"
    runtime.mkdir(mode=0o700)
    engine = Engine(context, XDG_RUNTIME_DIR=runtime)
    check(engine.socket.startswith(f"{runtime}/starina-"), engine.socket)
    check_equal(stat.S_IMODE(Path(engine.socket).parent.stat().st_mode), 0o700)
    check(b"200 OK" in ask(engine.socket))
    engine.stop()


@test
def many_connections(context):
    """1,000 at once are served, 200 are held, and one that reads nothing stops no other."""
    engine = Engine(context)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(engine.socket))) for _ in range(1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_equal(sum(answer.endswith(b"\r\n\r\nOK") for answer in answers), 1000)
    held = [UnixConnection(engine.socket) for _ in range(200)]
    for _ in range(2):
        for connection in held:
            connection.request("GET", "/_ping")
        for connection in held:
            check_equal(connection.getresponse().read(), b"OK")
    # It asks and asks, and reads nothing, until nobody takes more of it.
    deaf = connect(engine.socket)
    deaf.setblocking(False)
    try:
        while True:
            deaf.send(PING.replace(b"Connection: close\r\n", b"") * 500)
    except BlockingIOError:
        pass
    check(b"200 OK" in ask(engine.socket))
    descriptors = Path(f"/proc/{engine.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    for connection in held:
        connection.close()
    deaf.close()
    check(b"200 OK" in ask(engine.socket))
    while len(list(descriptors.iterdir())) > before - 400:
        check(b"200 OK" in ask(engine.socket))
    engine.stop()


@test
def ends_of_an_engine(context):
    """What is said of a container is refused; a second signal ends it at once."""
    check_refused(context.run("--engine", "-p", "80"), "--engine", "80")
    check_refused(context.run("--engine", "alpine"), "--engine", "alpine")
    check_refused(context.run("--engine", LINUXRUN_MEMORY="64M"), "--engine", "LINUXRUN_MEMORY=64M")
    context.own_build()
    process = context.start("--engine")
    log = Log(process.stderr)
    log.wait_for("Booting Starina")
    # It is stopped: nobody there who could end in order.
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    for child in children:
        os.kill(int(child), signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    log.wait_for("once more ends it at once")
    process.send_signal(signal.SIGTERM)
    check_equal(process.wait(), 128 + signal.SIGTERM)


LONG_NAME = "n" * 240  # what takes more than a message


def client_app(context, folder, taken):
    """The app of programs/engine_client.c, which asks the host for ports and folders."""
    tree = Tree(context)
    text = (ROOT / "tools/e2e/programs/engine_client.c").read_text(encoding="utf-8")
    tree.source("engine_client", f'#define FOLDER "{folder}"\n#define TAKEN {taken}\n#define LONG_NAME "{LONG_NAME}"\n{text}')
    (tree.path / "apps/engine_client/app.mk").write_text("APP_engine_client_LIBS := host files\n", encoding="ascii")
    return tree.app("engine_client")


@test
def what_the_os_asks_of_the_host(context):
    """An app of the OS publishes ports, opens folders below --share and nothing else, and is waited for at the end."""
    shared = context.scratch / "shared"
    folder = shared / "inside" / LONG_NAME
    folder.mkdir(parents=True)
    (folder / "hello").write_text("from the host", encoding="ascii")
    (context.scratch / "outside").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        app = client_app(context, shared, number)
        engine = Engine(context, "--app", app, "--share", shared)
        port = int(engine.log.wait_for(r"call 0: value (\d+)")[1])
        engine.log.wait_for(rf"call 1: refused: listen tcp4 127\.0\.0\.1:{number}: bind: address already in use")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = read_all(client)
        check(b'"boot_id"' in answer, answer)
    engine.log.wait_for(r"call 5: refused: Bind for 127\.0\.0\.1:\d+ failed: port is already allocated")
    engine.log.wait_for(r"call 2: value 1")
    engine.log.wait_for(r"read: from the host")
    engine.log.wait_for(r"call 3: refused: .* is outside of ")
    engine.log.wait_for(r"call 4: refused: bind source path does not exist")
    check_equal(sorted(path.name for path in shared.iterdir()), ["inside"])
    engine.stop()
    text = engine.log.whole()
    check(text.index("asked to stop") < text.index("all has ended") < text.index("powering off"), text)


def reach(context, *targets, **settings):
    """What a container says of connections to these addresses and ports."""
    def build(directory):
        directory.mkdir()
        subprocess.run(["riscv64-linux-gnu-gcc", "-std=gnu11", "-Os", "-static", "-Wall", "-Wextra", "-Werror",
                        "-o", directory / "reach", ROOT / "tools/e2e/programs/reach.c"], check=True)
        return (directory / "reach").read_bytes()
    words = [str(word) for target in targets for word in target]
    number = len(list(context.scratch.glob("reach.*")))
    write_layout(context.scratch / f"reach.{number}", Image(Layer().file("reach", context.once("reach", build), mode=0o755), Entrypoint=["/reach"], Cmd=words))
    result = context.run(LINUXRUN_IMAGE=f"oci://reach.{number}", **settings)
    check_equal(result.status, 0, result)
    return result


@test
def containers_do_not_reach_it(context):
    """Neither the engine's port nor the host's loopback port that leads to it."""
    with socket.create_server(("127.0.0.1", 0)) as forward, socket.create_server(("127.0.0.1", 0)) as other:
        closed, open_port = (server.getsockname()[1] for server in (forward, other))
        targets = (("10.0.2.2", closed), ("10.0.2.15", 2375), ("10.0.2.2", open_port), ("10.0.2.15", 80))
        result = reach(context, *targets)
        check_equal(result.stdout.decode().split(), ["reached", "refused", "reached", "reached"], result)
        result = reach(context, *targets, STARINA_APPEND=f"netswitch.closed={closed}")
        check_equal(result.stdout.decode().split(), ["silence", "silence", "reached", "reached"], result)
        check("for a port that is closed to virtual machines" in result.stderr, result)


KILLS = 5


def answers_now(engine):
    try:
        return b"200 OK" in ask(engine.socket)
    except ConnectionError:
        return False


@test
def its_apps_are_killed(context):
    """After each kill of one of these, new requests are answered; those that come meanwhile wait, or end."""
    for target in ("engine", "hostctl", "tcpip", "virtio_console"):
        context.build = context.suite.build
        shutil.rmtree(context.scratch / "build", ignore_errors=True)
        context.boot_image("starina-reaper")
        engine = Engine(context, STARINA_APPEND=f"reaper.target={target} reaper.count={KILLS} reaper.pause=500")
        answers = 0
        while not any("done: httpd answered each time" in line for line in engine.log.lines):
            check(engine.process.poll() is None, engine.log.lines[-20:])
            answers += answers_now(engine)
        check(answers > 0)
        engine.log.wait_for(r"engine +\] INFO +serving")
        # All is back soon, the engine's own connection to the network last.
        while not answers_now(engine):
            check(engine.process.poll() is None, engine.log.lines[-20:])
        engine.stop()
