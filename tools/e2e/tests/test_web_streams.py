# SPDX-License-Identifier: MIT
"""Streams of containers over the web shell's API: attach and exec as WebSockets."""

import json
import shutil
import struct
import subprocess
import tarfile
import threading

from harness import ROOT, Skip, check, check_equal, test
from software import npm_package
from test_engine_containers import IMAGE, start
from test_web_api import PATIENCE, PREFIX, UPGRADE, Shell, check_error
from starina.websocket import BINARY, TEXT, WebSocket


WS = "ws@8.23.0"
WS_INTEGRITY = "sha512-wCkmX8QMOrKjgO8HW2WyDbTSGeqkocxgDzS9iR79rEAexty6/2qzilx3Ag8Tqf9ykop3irLKle0MtVn5qjVnoQ=="


class Streams:
    """One attach or exec: what came of it, by stream."""

    def __init__(self, shell, path):
        self.socket = WebSocket(shell.address, path, timeout=PATIENCE)
        self.socket.socket.settimeout(PATIENCE)
        self.out = {0: b"", 1: b"", 2: b""}
        self.rest = b""
        opcode, data = self.socket.recv()
        check_equal(opcode, TEXT)
        self.first = json.loads(data)

    def take(self):
        """The next message; False: there is none."""
        message = self.socket.recv()
        if message is None:
            return False
        check_equal(message[0], BINARY)
        if self.first["tty"]:
            self.out[0] += message[1]
            return True
        self.rest += message[1]
        while len(self.rest) >= 8:
            number, length = struct.unpack(">BxxxI", self.rest[:8])
            if len(self.rest) < 8 + length:
                break
            self.out[number] += self.rest[8:8 + length]
            self.rest = self.rest[8 + length:]
        return True

    def wait_for(self, text, number=1):
        """Until it has come."""
        while text not in self.out[number]:
            check(self.take(), f"the stream ended: {self.out}")

    def take_all(self):
        """Until the end."""
        while self.take():
            pass
        check_equal(self.rest, b"")

    def say(self, data):
        """Input."""
        self.socket.send(BINARY, data)

    def end_input(self):
        """Of it there is no more."""
        self.socket.send(TEXT, b'{"eof":true}')


def engine(shell, method, path, body=None):
    """A call of the engine's API through httpd."""
    status, _, answer = shell.ask(method, "/engine" + path, None if body is None else json.dumps(body).encode(),
                                  Content_Type="application/json")
    check(status < 300, f"{method} {path}: {status} {answer}")
    return json.loads(answer) if answer.strip() else None


def create(shell, name, *words, **settings):
    """A container that has not begun."""
    engine(shell, "POST", f"/containers/create?name={name}",
           {"Image": IMAGE, "Cmd": words, "OpenStdin": True, "StdinOnce": True, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True,
            **settings})


def executed(shell, name, *words, **settings):
    """The number of what is to be run in it."""
    return engine(shell, "POST", f"/containers/{name}/exec",
                  {"Cmd": words, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True, **settings})["Id"]


def exit_code(shell, number):
    """Of what was run, once it has ended."""
    while (state := engine(shell, "GET", f"/exec/{number}/json"))["Running"]:
        pass
    return state["ExitCode"]


def check_attach(shell):
    """A container from before its start to its end: both ways at once, more than fits on the way."""
    create(shell, "echo", "sh", "-c", "echo ready >&2; cat; exit 7")
    streams = Streams(shell, "/containers/echo/attach")
    check_equal(streams.first, {"tty": False})
    engine(shell, "POST", "/containers/echo/start")
    streams.wait_for(b"ready\n", 2)
    text = bytes(i * 7 % 251 for i in range(3000000))

    def write():
        for at in range(0, len(text), 50000):
            streams.say(text[at:at + 50000])
        streams.end_input()
    writer = threading.Thread(target=write)
    writer.start()
    streams.take_all()
    writer.join()
    check_equal(len(streams.out[1]), len(text))
    check(streams.out[1] == text, "what came back is not what was said")
    check_equal(engine(shell, "POST", "/containers/echo/wait")["StatusCode"], 7)


def check_exec(shell):
    """Programs in a container that runs: with a terminal, without one, many, and one that nobody reads."""
    create(shell, "box", "sleep", "100000")
    engine(shell, "POST", "/containers/box/start")
    number = executed(shell, "box", "sh", Tty=True)
    streams = Streams(shell, f"/exec/{number}/start?tty=1&rows=7&cols=33")
    check_equal(streams.first, {"tty": True})
    streams.say(b"stty size\n")
    streams.wait_for(b"\n7 33\r", 0)
    engine(shell, "POST", f"/exec/{number}/resize?h=9&w=44")
    streams.say(b"stty size\n")
    streams.wait_for(b"\n9 44\r", 0)
    streams.say(b"exit 5\n")
    streams.take_all()
    check_equal(exit_code(shell, number), 5)
    number = executed(shell, "box", "sh", "-c", "echo out; echo err >&2; exit 3")
    streams = Streams(shell, f"/exec/{number}/start")
    streams.take_all()
    check_equal((streams.out[1], streams.out[2], exit_code(shell, number)), (b"out\n", b"err\n", 3))
    check_left_programs(shell)


def check_left_programs(shell):
    """Clients that leave, or read nothing, cost httpd nothing in the end; the container goes on."""
    before = shell.client.get("/processes/httpd")
    unread = [Streams(shell, f"/exec/{executed(shell, 'box', 'seq', '100000000')}/start") for _ in range(4)]
    for _ in range(50):
        shell.client.get("/channels")
    memory = shell.client.get("/processes/httpd")["memory"]
    check(memory - before["memory"] < 16 << 20, f"httpd has {memory} bytes, {before['memory']} before")
    for streams in unread:
        streams.socket.socket.close()
    while shell.client.get("/processes/httpd")["handles"] > before["handles"]:
        pass
    check_equal(engine(shell, "GET", "/containers/box/json")["State"]["Running"], True)


def check_refusals(shell):
    """What the engine refuses is told in a message, what is no request is answered."""
    for path in ("/containers/nosuch/attach", "/exec/0123456789ab/start"):
        streams = Streams(shell, path)
        check(streams.first["status"] == 404 and streams.first["error"], str(streams.first))
        check(streams.socket.recv() is None, "it goes on")
    fields = {**UPGRADE, "Sec-WebSocket-Protocol": f"starina.v1, token.{shell.address.token}"}
    for path in ("/containers/a%20b/attach", "/containers/%2e%2e/attach", "/exec/a%0d%0aX:y/start"):
        check_error(shell.ask("GET", PREFIX + path, token=False, **fields), 400)
    check_error(shell.ask("GET", PREFIX + "/exec/a/start"), 426)
    streams = Streams(shell, "/containers/box/attach")
    streams.socket.send(TEXT, b"[]")
    check(streams.socket.recv() is None, "what is none was taken")


@test
def web_streams(context):
    shell = Shell(context, start)
    for part in (check_attach, check_exec, check_refusals):
        part(shell)
    engine(shell, "DELETE", "/containers/box?force=1")
    context.stop(shell.engine.process)


@test
def web_sockets_of_npm(context):
    """The WebSockets of the API as npm's client "ws" takes them."""
    if not shutil.which("node"):
        raise Skip("there is no node to run npm's client")
    modules = context.scratch / "node_modules"
    modules.mkdir()
    with tarfile.open(npm_package(WS, WS_INTEGRITY)) as package:
        package.extractall(modules, filter="data")
    (modules / "package").rename(modules / "ws")
    program = shutil.copy(ROOT / "tools/e2e/programs/ws_client.mjs", context.scratch)
    shell = Shell(context)
    done = subprocess.run(["node", program, (context.build / "run/web.addr").read_text("ascii").strip()], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
    check_equal(done.returncode, 0, done.stdout.decode())
    context.stop(shell.engine.process)
