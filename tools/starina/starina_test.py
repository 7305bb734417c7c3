#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./starina against a system that is made up: what it asks for, what it shows, and what it says when something is wrong."""

import base64
import contextlib
import hashlib
import io
import json
import struct
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from starina import looking, text  # noqa: E402  pylint: disable=wrong-import-position
from starina.client import Address, Failure  # noqa: E402  pylint: disable=wrong-import-position
from starina.main import main  # noqa: E402  pylint: disable=wrong-import-position
from starina.websocket import GUID, TEXT, WebSocket  # noqa: E402  pylint: disable=wrong-import-position

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

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def run_command(self, *words, url=None):
        """Status, standard output and error."""
        out, err = io.StringIO(), io.StringIO()
        out.buffer = io.BytesIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(["--address", url or self.url, *words])
        return status, out.getvalue() + out.buffer.getvalue().decode(), err.getvalue()

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
        self.assertIn("is not an address", self.run_command("ps", url="http://127.0.0.1/")[2])

    def test_logs(self):
        line = {"seq": 1, "time_ns": 1_500_000_000, "level": "warn", "app": "x", "text": "hello\n"}
        Handler.answers["/logs"] = (200, {"next": 2, "lost": 0, "lines": [line]})
        self.assertEqual(self.run_command("logs", "x")[1], "     1.500 WARN  [x] hello?\n")
        self.assertIn("app=x", Handler.asked[-1][1])
        Handler.answers["/logs"] = (200, json.dumps(line).encode() + b'\n{"lost":7}\n')
        self.assertIn("7 lines were overwritten", self.run_command("logs", "-f")[1])

    def test_run(self):
        lines = [{"stream": "stdout", "data": base64.b64encode(b"out").decode()}, {"exit": 4, "error": "why"}]
        Handler.answers["/commands"] = (200, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        self.assertEqual(self.run_command("run", "-e", "A=b", "--", "ls", "-l"), (4, "out", "starina: why\n"))
        self.assertEqual(json.loads(Handler.asked[-1][2]), {"argv": ["ls", "-l"], "env": ["A=b"]})

    def test_websocket(self):
        socket = WebSocket(Address(self.url), "/live")
        said = b"x" * 300
        socket.send(TEXT, said)
        self.assertEqual(socket.recv(), (TEXT, said))
        self.assertIsNone(socket.recv())
        socket.close()


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
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict("os.environ", {"BUILD": folder}):
            with self.assertRaisesRegex(Failure, "nothing runs here"):
                Address.find(folder)
            (Path(folder) / "run").mkdir()
            (Path(folder) / "run/web.addr").write_text(f"http://127.0.0.1:5/#token={TOKEN}\n", encoding="ascii")
            self.assertEqual((Address.find(folder).port, Address.find(folder).token), (5, TOKEN))


if __name__ == "__main__":
    unittest.main()
