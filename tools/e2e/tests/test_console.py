# SPDX-License-Identifier: MIT
"""The shell of the OS's console: commands that are typed at the UART of a running system, while the kernel writes its log there."""

import http.client
import json
import re
import threading

from harness import check, check_equal, test
from terminal import Screen, Terminal
from test_web_api import Address, Client, Failure

PROMPT = "starina>"
LOG_LINE = re.compile(r"\[\S+ *\] (ERROR|WARN|INFO|DEBUG) ")


class Console:
    """A system and who types at it."""

    def __init__(self, context, *args, up="Hello from a Linux container", **settings):
        context.own_build()
        self.terminal = Terminal(context, *args, all_of_it=True, **settings)
        self.terminal.expect(up)
        self.screen = Screen()
        # What is typed before the shell is there may be lost.
        while self.lines[-1] != PROMPT:
            self.terminal.type("\r")
            self.read_some("a prompt")
        while "starts" in self.answer("ps"):  # it reads the boot disk
            pass

    @property
    def lines(self):
        """What is on the screen."""
        return [line.rstrip() for line in self.screen.lines]

    def wait(self, holds, awaited):
        """Reads on until something holds of the screen."""
        while not holds():
            self.read_some(awaited)

    def read_some(self, awaited):
        self.terminal.read_some(awaited)
        self.screen.write(self.terminal.text.decode(errors="replace"))
        self.terminal.text = b""

    def wait_for(self, text, start=0):
        """Waits for a line with `text` behind the first `start`."""
        self.wait(lambda: any(text in line for line in self.lines[start:]), text)

    def wait_prompt(self, start):
        """Waits for a prompt below the first `start` lines, with nothing behind it."""
        self.wait(lambda: len(self.lines) > start and self.lines[-1] == PROMPT, "a prompt")

    def answer(self, line, key="\r", shown=None):
        """What is shown of a line that was typed, without the log's lines: each of them, and of the answer, is whole."""
        start = len(self.lines) - 1
        echo = PROMPT + " " + (line if shown is None else shown)
        self.terminal.type(line + key)
        self.wait(lambda: self.lines[-1] == PROMPT and echo in self.lines[start:-1], f"the answer to {line}")
        lines = self.lines[start:-1]
        broken = [line for line in lines if LOG_LINE.search(line, 1)]
        check(not broken, f"a line of the log within another: {broken}")
        return "\n".join(line for line in lines[lines.index(echo) + 1:] if not LOG_LINE.match(line))


class Chatter:
    """A system whose log goes on all the time."""

    def __init__(self, client):
        self.client = client
        self.over = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over:
            try:
                self.client.call("POST", "/apps/hello/start")
            except Failure:
                pass  # the last one has not ended yet

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over = True
        self.thread.join()


def check_tables(console):
    """Answers that are long and exact, while the log goes on between them."""
    for _ in range(4):
        lines = console.answer("ps").splitlines()
        rows = [line for line in lines if re.fullmatch(r" *\d+  \S+ +\S+ +\S+ +[\d:.]+ +[\d.]+[KMG]? +[\d.]+[KMG]? +\d+ +\d+ +\d+", line.strip())]
        check(lines[0].split()[:2] == ["ID", "NAME"] and len(rows) == len(lines) - 1, str(lines))


def check_commands(console):
    """Each command, beside what the API tells."""
    check(re.search(r"^ *\d+ +httpd +user +running ", console.answer("ps"), re.M), "no httpd")
    check_equal(console.answer("status").count("Starina "), 1)
    for line, *parts in (("help", "kill PROCESS", "disks"), ("services", "PROVIDER", "blkdev"), ("disks", "boot", "READS"),
                         ("logs httpd", "<httpd> serving"), ("start hello", "hello"), ("run sh -c 'echo $((6 * 7)); exit 3'", "42", "exit status 3"),
                         ("run nosuch-program", "exit status 127"), ("kill nobody", "no process nobody"), ("stop httpd", "httpd"),
                         ("start hello what", "usage: start APP"), ("nosuch", "no such command"), ("'", "a quote is left open"),
                         ("kill", "usage: kill PROCESS"), ("push x", "usage: push"), ("kill " + "%" * 400, "")):
        said = console.answer(line)
        check(all(part in said for part in parts), f"{line}: {said!r}")


def check_kills(console, *names):
    """What the shell's own calls go through, and what it does not need: they come back, and it goes on."""
    for name in names:
        console.answer(f"kill {name}")
        while not re.search(rf"^ *\d+ +{name} +\S+ +running ", console.answer("ps"), re.M):
            pass


def engine_volume(client, name):
    """Makes a volume; the status of the answer."""
    connection = http.client.HTTPConnection(client.address.host, client.address.port)
    connection.request("POST", "/engine/volumes/create", json.dumps({"Name": name}),
                       {"Authorization": f"Bearer {client.address.token}", "Content-Type": "application/json"})
    with connection.getresponse() as answer:
        return answer.status


def check_files(console, client, app):
    """An app is pushed from a volume, and a trace is written to one; what cannot be is told."""
    def content(method, path, body=None):
        with client.open(method, f"/files/content?path={path}", body) as answer:
            return answer.read()

    content("PUT", "/files/counter.app", app.read_bytes())
    content("PUT", "/files/broken.app", b"no app")
    check_equal(console.answer("push /files/counter.app"), "counter: runs")
    check_equal({app["name"]: app["origin"] for app in client.get("/apps")}["counter"], "loaded")
    check_equal(console.answer("trace /files/trace.json 50"), "/files/trace.json: open it at ui.perfetto.dev or chrome://tracing")
    check("traceEvents" in json.loads(content("GET", "/files/trace.json")), "no trace")
    for line, said in (("push counter.app", "usage: push /VOLUME/FILE.app"), ("push /files/nosuch.app", "not found"), ("push /files/broken.app", ""),
                       ("trace /nosuch/a", ""), ("trace /files/a loud", ""), ("push /" + "%" * 400, ""), ("trace", "usage: trace")):
        answer = console.answer(line)
        check(answer and said in answer and "runs" not in answer and "perfetto" not in answer, f"{line}: {answer!r}")


def check_what_goes_on(console):
    """Commands that end when they are told to."""
    for line, seen in (("logs -f hello", ""), ("top", "CPU %"), ("run sleep 100000", ""), ("logs -f", "<kernel>")):
        start = len(console.lines) - 1
        console.terminal.type(line + "\r")
        console.wait_for(seen if seen else line, start)
        start = len(console.lines)
        console.terminal.type("xyz\rq")
        console.wait_prompt(start)
    check("hello" in console.answer("start hello"), "it takes no line")


def check_keys(console):
    """A line is edited, lines come back, and what is no key is passed over."""
    check("Starina " in console.answer("stax\x7ftus", shown="status"), "a line that was edited")
    check("Starina " in console.answer("\x1b[A", shown="status"), "a line that came back")
    console.terminal.type("x" * 2000 + "\x15")
    console.terminal.type("\xff\x1b[999;999z\x1b\x1b")
    check("Starina " in console.answer("status"), "keys that are none")


@test
def console_takes_commands(context):
    console = Console(context)
    client = Client(Address.read(context.build / "run/web.addr"))
    with Chatter(client):
        check_tables(console)
        check_keys(console)
    check_commands(console)
    check_what_goes_on(console)
    check_kills(console, "httpd", "tcpip", "virtio_blk")
    while not re.search(r"^boot ", console.answer("disks"), re.M):  # httpd has found the driver's next life
        pass
    check_equal(json.dumps(client.get("/processes/shell")["restarts"]), "0")
    console.terminal.type("\x01x")
    check_equal(console.terminal.wait(), 0)
    console.terminal.close()


@test
def console_answers_when_quiet(context):
    console = Console(context, "-q")
    check("Starina " in console.answer("status"), "a quiet log keeps the answer")
    console.terminal.type("\x03")
    check_equal(console.terminal.wait(), 130)
    console.terminal.close()


@test
def console_beside_the_engine(context):
    console = Console(context, "--engine", up="DOCKER_HOST")
    client = Client(Address.read(context.build / "run/web.addr"))
    check_equal(engine_volume(client, "files"), 201)
    check_files(console, client, context.build / "apps/counter.app")
    check_kills(console, "fs", "httpd", "fs")
    while "volumes: " not in console.answer("disks"):  # fs looks at its disk
        pass
    console.terminal.type("\x01x")
    check_equal(console.terminal.wait(), 0)
    console.terminal.close()
