#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./starina against a system that is made up: what it asks for, what it shows, and what it says when something is wrong."""

import base64
import contextlib
import hashlib
import io
import json
import socket as sockets
import struct
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from starina import looking, scripts, text  # noqa: E402  pylint: disable=wrong-import-position
from starina.client import Address, Client, Failure  # noqa: E402  pylint: disable=wrong-import-position
from starina.linux import terminal_run  # noqa: E402  pylint: disable=wrong-import-position
from starina.main import main, parser_make  # noqa: E402  pylint: disable=wrong-import-position
from starina.websocket import BINARY, GUID, TEXT, WebSocket  # noqa: E402  pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = "t" * 43
PROCESS = {"id": 3, "name": "a\x1b[2J", "mode": "user", "state": "running", "cpu_ns": 61_500_000_000, "memory": 1536, "kernel_memory": 99,
           "handles": 4, "threads": 1, "restarts": 2}


class Handler(BaseHTTPRequestHandler):
    """Answers with what the test has set; keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    answers = {}
    asked = []

    def log_message(self, *_arguments):  # pylint: disable=arguments-differ
        pass

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, body))
        if self.headers.get("Upgrade") == "websocket":
            self.upgrade()
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(401, b"{}")
            return
        status, body = self.answers.get(self.path.split("?")[0].removeprefix("/api/v1"), (404, {"error": {"message": "no such thing"}}))
        self.answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())

    do_GET = do_POST = do_PUT = do_DELETE = any  # pylint: disable=invalid-name

    def upgrade(self):
        """A WebSocket that says back what it hears, in two frames with a ping between them."""
        key = self.headers["Sec-WebSocket-Key"]
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        self.wfile.write(f"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        first, length = self.rfile.read(2)
        length &= 127
        if length == 126:
            length = struct.unpack(">H", self.rfile.read(2))[0]
        mask = self.rfile.read(4)
        data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(length)))
        self.wfile.write(b"\x89\x00" + bytes((first, 126)) + struct.pack(">H", len(data)) + data + b"\x88\x02\x03\xe8")
        self.close_connection = True


class Commands(unittest.TestCase):
    """Whole commands."""

    def setUp(self):
        Handler.answers = {}
        Handler.asked = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/#token={TOKEN}"
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def run_command(self, *words, url=None):
        """Status, standard output and error."""
        out, err = io.StringIO(), io.StringIO()
        out.buffer = io.BytesIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            file = self.folder / "web.addr"
            file.write_text(url or self.url, encoding="ascii")
            status = main(["--address", str(file), *words])
        return status, out.getvalue() + out.buffer.getvalue().decode(), err.getvalue()

    @unittest.skipUnless((ROOT / "third_party" / "web" / "tsc").exists(), "third_party/web could not be filled")
    def test_push_of_a_source(self):
        app = self.folder / "fresh"
        status, out, _ = self.run_command("new", str(app))
        self.assertEqual((status, out.splitlines()), (0, [f"made {app}/main.ts; ./starina push --watch {app} runs it"]))
        Handler.answers["/apps/fresh"] = (200, {})
        status, out, err = self.run_command("push", str(app))
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"^fresh: runs, after \d+\.\d\d s\n$")
        method, path, body = Handler.asked[-1]
        self.assertEqual((method, path, body[:4]), ("PUT", "/api/v1/apps/fresh", b"\x7fELF"))
        source = (app / "main.ts").read_text()
        (app / "main.ts").write_text(source.replace("log.info", "log.shout"))
        asked = len(Handler.asked)
        status, _, err = self.run_command("push", str(app / "main.ts"))
        self.assertEqual((status, len(Handler.asked)), (1, asked))
        self.assertRegex(err, r"^\S*fresh/main.ts:7:7: error TS\d+: ")
        Handler.answers["/apps/fresh"] = (409, {"error": {"message": "the new version was taken back"}})
        (app / "main.ts").write_text(source)
        status, _, err = self.run_command("push", str(app))
        self.assertEqual(status, 1)
        self.assertIn("starina: the new version was taken back", err)

    def test_sources_are_watched(self):
        source = scripts.Source(self.folder / "main.ts")
        source.path.write_text("1")
        other = self.folder / "far" / "lib.ts"
        other.parent.mkdir()
        other.write_text("2")
        before = source.state()
        self.assertEqual(list(before), [source.path])
        source.inputs = {other}
        source.wait_for_change({**source.state(), **before, source.path: None})  # it changed meanwhile
        before = source.state()
        other.write_text("22")
        source.wait_for_change(before)
        before = source.state()
        (self.folder / "new.ts").write_text("3")
        source.wait_for_change(before)
        before = source.state()
        other.unlink()
        source.wait_for_change(before)

    def test_new_and_push_refuse(self):
        self.assertIn("is not a name for an app", self.run_command("new", str(self.folder / "a-b"))[2])
        (self.folder / "there").mkdir()
        self.assertIn("File exists", self.run_command("new", str(self.folder / "there"))[2])
        self.assertIn("--watch is for apps in TypeScript", self.run_command("push", "--watch", "echo")[2])

    def test_ps(self):
        Handler.answers["/processes"] = (200, [PROCESS])
        status, out, _ = self.run_command("ps")
        self.assertEqual(status, 0)
        self.assertIn("a?[2J", out)
        self.assertIn("1:01.5", out)
        self.assertIn("1.5K", out)

    def test_kill_and_start(self):
        Handler.answers["/processes/a%2Fb/kill"] = (204, b"")
        Handler.answers["/apps/x/start"] = (200, {"name": "x.1"})
        self.assertEqual(self.run_command("kill", "a/b")[0], 0)
        self.assertEqual(self.run_command("start", "x", "A=b=c", "--instance")[:2], (0, "x.1\n"))
        self.assertEqual(json.loads(Handler.asked[-1][2]), {"config": {"A": "b=c"}, "instance": True})

    def test_errors(self):
        self.assertEqual(self.run_command("kill", "x"), (1, "", "starina: no such thing\n"))
        status, _, err = self.run_command("ps", url=self.url[:-1])
        self.assertEqual(status, 1)
        self.assertIn("another boot", err)
        for url in ("http://127.0.0.1/", "http://127.0.0.1:x/#token=x"):
            self.assertIn("web.addr: this is not an address", self.run_command("ps", url=url)[2])

    def test_what_the_system_says_is_cleaned(self):
        Handler.answers["/apps/x/start"] = (200, {"name": "x\x1b[2J"})
        self.assertEqual(self.run_command("start", "x")[1], "x?[2J\n")
        Handler.answers["/apps/x/start"] = (409, {"error": {"message": "no\x1b[2J"}})
        self.assertEqual(self.run_command("start", "x")[2], "starina: no?[2J\n")

    def test_system_that_goes_away(self):
        with sockets.create_server(("127.0.0.1", 0)) as free:
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}/#token={TOKEN}"
        for words in (("ps",), ("top",), ("shell", "sh")):
            status, _, err = self.run_command(*words, url=nobody)
            self.assertEqual((status, "does not answer" in err), (1, True), words)
        Handler.answers["/commands"] = (200, b'{"stream":"stdo')
        for words, error in ((("run", "x"), "broke off"), (("top",), "went away")):
            status, _, err = self.run_command(*words)
            self.assertEqual((status, error in err), (1, True), (words, err))

    def test_connection_that_breaks_off(self):
        for answer in (b"", b"HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\n{", b"x\r\n\r\n"):
            with sockets.create_server(("127.0.0.1", 0)) as server:
                def answer_once(server=server, answer=answer):
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(answer)
                threading.Thread(target=answer_once).start()
                status, _, err = self.run_command("top", url=f"http://127.0.0.1:{server.getsockname()[1]}/#token={TOKEN}")
                self.assertEqual((status, err[:9]), (1, "starina: "))

    def test_logs(self):
        line = {"seq": 1, "time_ns": 1_500_000_000, "level": "warn", "app": "x", "text": "hello\n"}
        Handler.answers["/logs"] = (200, {"next": 2, "lost": 0, "lines": [line]})
        self.assertEqual(self.run_command("logs", "x")[1], "     1.500 WARN  [x] hello?\n")
        self.assertIn("app=x", Handler.asked[-1][1])
        Handler.answers["/logs"] = (200, json.dumps(line).encode() + b'\n{"lost":7}\n')
        status, out, err = self.run_command("logs", "-f")
        self.assertIn("7 lines were overwritten", out)
        self.assertEqual((status, err), (1, "starina: the system went away\n"))

    def test_run(self):
        lines = [{"stream": "stdout", "data": base64.b64encode(b"out").decode()}, {"exit": 4, "error": "why"}]
        Handler.answers["/commands"] = (200, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        self.assertEqual(self.run_command("run", "-e", "A=b", "--", "ls", "-l"), (4, "out", "starina: why\n"))
        self.assertEqual(json.loads(Handler.asked[-1][2]), {"argv": ["ls", "-l"], "env": ["A=b"]})
        with mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\xff"))):
            self.assertIn("not text in UTF-8: invalid start byte at byte 1", self.run_command("run", "-i", "cat")[2])

    def test_disks(self):
        disk = {"name": "state", "bytes": 8 << 30, "read_only": False, "reads": 5, "read_bytes": 1536, "writes": 0, "written_bytes": 0,
                "flushes": 2, "users": ["fs", "a\x1b"]}
        Handler.answers["/disks"] = (200, {"disks": [disk], "volumes": {"total": 8 << 30, "free": 7 << 30}})
        self.assertEqual(self.run_command("disks")[1].split("\n")[1:],
                         ["state  8.0G      5  1.5K       0        0        2  fs, a?", "volumes: 7.0G of 8.0G free", ""])

    def test_shell_takes_commands(self):
        Handler.answers["/processes"] = (200, [PROCESS])
        typed = "ps\n\n# nothing\nkill 'x y'\nkill\n'\nshell\nnosuch\nhelp\nkill x\nps --help\nexit\nps\n"
        with mock.patch("sys.stdin", io.StringIO(typed)):
            status, out, err = self.run_command("shell")
        self.assertEqual(status, 0)
        self.assertEqual([out.count(part) for part in ("a?[2J", "Ctrl-D", "usage: ./starina ps")], [1, 1, 1])
        self.assertEqual([err.count(part) for part in ("no such thing", "required: process", "No closing quotation", "shell sh", "invalid choice")],
                         [2, 1, 1, 1, 1])
        self.assertIn("/api/v1/processes/x%20y/kill", [asked[1] for asked in Handler.asked])
        with mock.patch("sys.stdin", io.StringIO("kill x")):
            self.assertEqual(self.run_command("shell")[0], 1)

    def test_websocket(self):
        socket = WebSocket(Address(self.url, "test"), "/live")
        said = b"x" * 300
        socket.send(TEXT, said)
        self.assertEqual(socket.recv(), (TEXT, said))
        self.assertIsNone(socket.recv())
        socket.close()


class Shell(unittest.TestCase):
    """./starina shell with a program that is made up."""

    SIZE = 6 << 20

    def program(self, server):
        """Writes more than fits on the way before it reads; ends with its input."""
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as reader:
            head = {}
            while line := reader.readline().strip():
                name, _, value = line.decode().partition(": ")
                head[name] = value
            accept = base64.b64encode(hashlib.sha1((head["Sec-WebSocket-Key"] + GUID).encode()).digest()).decode()
            connection.sendall(f"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
            frame = bytes((0x80 | BINARY, 126)) + struct.pack(">H", 4096) + bytes(4096)
            for _ in range(4 * self.SIZE // 4096):
                connection.sendall(frame)
            last = b""
            while last != b"\x04\x04":
                length = reader.read(2)[1] & 127
                if length == 126:
                    length = struct.unpack(">H", reader.read(2))[0]
                mask, last = reader.read(4), reader.read(length)
                last = bytes(byte ^ mask[i % 4] for i, byte in enumerate(last[:4]))
            connection.sendall(bytes((0x80 | TEXT, 10)) + b'{"exit":7}')

    def test_input_waits_while_output_comes(self):
        with tempfile.TemporaryFile() as typed, open("/dev/null", "wb") as out, sockets.socket() as server:
            server.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
            server.bind(("127.0.0.1", 0))
            server.listen()
            typed.write(b"x" * self.SIZE)
            typed.seek(0)
            threading.Thread(target=self.program, args=(server,), daemon=True).start()
            client = Client(Address(f"http://127.0.0.1:{server.getsockname()[1]}/#token={TOKEN}", "test"))
            with mock.patch("sys.stdin", typed), mock.patch("sys.stdout", out):
                self.assertEqual(terminal_run(client, parser_make().parse_args(["shell", "sh"])), 7)


class Parts(unittest.TestCase):
    """What is shown, and where the system is found."""

    def test_sizes(self):
        self.assertEqual([text.size(n) for n in (0, 1023, 1536, 20 << 20, 5 << 40)], ["0", "1023", "1.5K", "20M", "5.0T"])

    def test_top(self):
        before = {"time_ns": 0, "processes": [PROCESS], "harts": [{"id": 0, "idle_ns": 0}], "memory": {"total": 4096, "free": 1024}}
        after = {**before, "time_ns": 10**9, "processes": [{**PROCESS, "cpu_ns": PROCESS["cpu_ns"] + 25 * 10**7}],
                 "harts": [{"id": 0, "idle_ns": 75 * 10**7}]}
        lines = list(looking.top_view(before, after))
        self.assertIn("hart 0:  25.0 %", lines[0])
        self.assertIn("25.0", lines[2])
        self.assertNotIn("\x1b", "".join(lines))

    def test_address(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict("os.environ", {"BUILD": folder, "STARINA_ADDRESS": ""}):
            with self.assertRaisesRegex(Failure, "nothing runs here"):
                Address.find()
            (Path(folder) / "run").mkdir()
            (Path(folder) / "run/web.addr").write_text(f"http://127.0.0.1:5/#token={TOKEN}\n", encoding="ascii")
            self.assertEqual((Address.find().port, Address.find().token), (5, TOKEN))
            (Path(folder) / "other").write_text(f"http://127.0.0.1:6/#token={TOKEN}\n", encoding="ascii")
            with mock.patch.dict("os.environ", {"STARINA_ADDRESS": f"http://127.0.0.1:7/#token={TOKEN}"}):
                self.assertEqual(Address.find().port, 7)
                self.assertEqual(Address.find(f"{folder}/other").port, 6)
            with self.assertRaisesRegex(Failure, "takes a file"):
                Address.find(f"http://127.0.0.1:8/#token={TOKEN}")
            with self.assertRaisesRegex(Failure, "cannot read"):
                Address.find(f"{folder}/none")


if __name__ == "__main__":
    unittest.main()
