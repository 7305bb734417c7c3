#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mock.py --page DIR [--port N]: serves the web page with a made-up system behind the API, on loopback: for work on the
page, and for its tests in a browser. Prints the address on its first line."""

import argparse
import base64
import json
import mimetypes
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from containers import Missing, talk
from made_up import APPS, LOADED, System
from websocket import Socket, accept_key

TOKEN = "made-up-token"
# As apps/httpd has them.
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
TERMINAL_MESSAGE_MAX = 64 << 10
WORKER_POLICIES = (("types_worker.js", "default-src 'none'; frame-ancestors 'none'"),
                   ("worker.js", "default-src 'none'; script-src 'unsafe-eval'; frame-ancestors 'none'"))


class Refused(Exception):
    """An error of the API: status, code, message."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    system = System()
    page = Path()
    sockets = set()

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        """Says nothing."""

    def answer(self, status, kind, content, policy=POLICY):
        """Sends an answer."""
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(content))), ("Content-Security-Policy", policy),
                            ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def answer_json(self, value, status=200):
        """Sends JSON."""
        self.answer(status, "application/json", json.dumps(value).encode())

    def route(self):
        """Any request."""
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), {key: values[0] for key, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        try:
            if path.startswith("/engine/"):
                self.docker(path[len("/engine/"):], query, body)
                return
            if not path.startswith("/api/v1/"):
                self.static(path)
                return
            name = path[len("/api/v1/"):]
            if name != "status" and not self.allowed():
                raise Refused(401, "unauthorized", "the token is missing or another boot's: open the address that run.sh printed")
            stream = re.fullmatch("containers/(.+)/attach|exec/(.+)/start", name)
            if name in ("live", "terminal"):
                self.upgrade()
                getattr(self, name)(query)
            elif stream:
                self.upgrade()
                self.container_stream(*stream.groups(), query)
            else:
                self.api(name, query, body)
        except Refused as error:
            status, code, message = error.args
            self.answer_json({"error": {"code": code, "message": message}}, status)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = route  # pylint: disable=invalid-name

    def allowed(self):
        """Whether the request has the token."""
        protocols = [each.strip() for each in self.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        return self.headers.get("Authorization") == f"Bearer {TOKEN}" or f"token.{TOKEN}" in protocols

    def static(self, path):
        """A file of the page."""
        name = path.lstrip("/") or "index.html"
        file = self.page / name
        if "/" in name or not file.is_file():
            raise Refused(404, "not_found", f"there is no {path}")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        policy = next((policy for end, policy in WORKER_POLICIES if name.endswith(end)), POLICY)
        self.answer(200, kind, file.read_bytes(), policy)

    def api(self, name, query, body):
        """A route that answers with JSON."""
        system = self.system
        with system.lock:
            for pattern, action in ROUTES:
                match = re.fullmatch(pattern, f"{self.command} {name}")
                if match:
                    result = action(self, system, query, body, *match.groups())
                    break
            else:
                raise Refused(404, "not_found", f"there is no route {self.command} /api/v1/{name}")
        if isinstance(result, bytes):
            self.answer(200, "application/octet-stream", result)
        else:
            self.answer_json(result)

    # --- Routes -------------------------------------------------------------------------------

    def kill(self, system, _query, _body, number):
        """POST processes/ID/kill."""
        name = system.name_of(int(number))
        if name is None:
            raise Refused(404, "not_found", f"there is no process {number}")
        system.end(name, "killed", 137, True)
        if name == "httpd":
            # The system's own server: all connections end with it.
            threading.Thread(target=drop_sockets).start()
            raise ConnectionResetError
        return {}

    def app_action(self, system, _query, _body, name, action):
        """POST apps/NAME/ACTION."""
        if name not in APPS:
            raise Refused(404, "not_found", f"there is no app {name}")
        if name not in LOADED:
            raise Refused(409, "of_the_image", f"{name} is an app of the image: it can be killed, and is started again")
        if action == "start":
            if name in system.running:
                raise Refused(409, "running", f"{name} runs already")
            system.start(name)
        elif name not in system.running:
            raise Refused(409, "stopped", f"{name} does not run")
        else:
            system.end(name, "stopped" if action == "stop" else "killed", 0, action == "kill")
        return {}

    def replace(self, system, _query, body, name):
        """PUT apps/NAME."""
        if body[:4] != b"\x7fELF":
            raise Refused(400, "bad_app", "the file is no app")
        if b"throw " in body:
            raise Refused(409, "refused", "the new version was taken back, the old one is there again: it ended with status 1: refused")
        if name in system.running:
            system.end(name, "replaced", 0, False)
        system.load(name)
        # What it says at once, as far as that can be seen from here.
        for text in re.findall(rb'log\.info\("([^"]*)"\)', body):
            system.say("info", name, text.decode())
        return {}

    def reboot(self, system, _query, _body):
        """POST reboot, which only this server has."""
        system.boot()
        threading.Thread(target=drop_sockets).start()
        return {}

    def silence(self, system, _query, body):
        """POST silence, which only this server has: the live view says nothing while it is set, and its connections stay."""
        system.silent = json.loads(body)
        return {}

    def commands(self, _system, _query, body):
        """POST commands."""
        argv = json.loads(body)["argv"]
        if argv[0] == "seq":
            return "".join(json.dumps({"stream": "stdout", "data": base64.b64encode(f"{n}\n".encode()).decode()}) + "\n"
                           for n in range(1, int(argv[1]) + 1)).encode() + b'{"exit":0}\n'
        text = "\n".join(argv[1:] or ["Linux starina 6.12 riscv64"]) + "\n"
        lines = [{"stream": "stdout", "data": base64.b64encode(text.encode()).decode()}, {"exit": 0}]
        return "".join(json.dumps(line) + "\n" for line in lines).encode()

    def folder(self, system, query, _body):
        """GET files."""
        path = query.get("path", "/")
        if path not in system.files:
            raise Refused(404, "not_found", f"there is no folder {path}")
        return {"path": path, "entries": [
            {"name": name, "kind": "folder" if content is None else "file", "size": len(content or b""), "modified_ms": 0}
            for name, content in system.files[path].items()]}

    def place(self, system, path):
        """The folder and name of a path."""
        folder, _, name = path.rpartition("/")
        if (folder or "/") not in system.files or not name:
            raise Refused(404, "not_found", f"there is no folder {folder}")
        return system.files[folder or "/"], name

    def read_file(self, system, query, _body):
        """GET files/content."""
        folder, name = self.place(system, query["path"])
        if folder.get(name) is None:
            raise Refused(404, "not_found", f"there is no file {query['path']}")
        return folder[name]

    def write_file(self, system, query, body):
        """PUT files/content."""
        folder, name = self.place(system, query["path"])
        folder[name] = body
        return {}

    def remove_file(self, system, query, _body):
        """DELETE files/content."""
        folder, name = self.place(system, query["path"])
        folder.pop(name, None)
        system.files.pop(query["path"], None)
        return {}

    def rename_file(self, system, _query, body):
        """POST files/rename."""
        names = json.loads(body)
        source, old = self.place(system, names["from"])
        target, new = self.place(system, names["to"])
        target[new] = source.pop(old)
        return {}

    def make_folder(self, system, _query, body):
        """POST files/mkdir."""
        path = json.loads(body)["path"]
        folder, name = self.place(system, path)
        folder[name] = None
        system.files[path] = {}
        return {}

    # --- The engine ---------------------------------------------------------------------------

    def docker(self, name, query, body):
        """A route of docker's API."""
        engine = self.system.engine
        if not self.allowed():
            raise Refused(401, "unauthorized", "the token is missing")
        try:
            with self.system.lock:
                kind, status, content = engine.answer(f"{self.command} {name}", query, body)
            self.answer(status, kind, content)
        except Missing as error:
            self.answer_json({"message": str(error)}, 404)

    # --- WebSockets ---------------------------------------------------------------------------

    def upgrade(self):
        """Makes a WebSocket of the connection."""
        key = self.headers.get("Sec-WebSocket-Key")
        if not key:
            raise Refused(400, "bad_request", "this route is for WebSockets")
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_key(key)),
                            ("Sec-WebSocket-Protocol", "starina.v1")):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        self.sockets.add(self.connection)

    def live(self, _query):
        """GET live."""
        socket = Socket(self.rfile, self.wfile)
        wanted = json.loads(socket.receive() or "{}")
        since = wanted.get("logs_since", 0)
        reading = threading.Thread(target=lambda: [None for _ in iter(socket.receive, None)], daemon=True)
        reading.start()
        while reading.is_alive():
            if self.system.silent:
                time.sleep(0.1)
                continue
            with self.system.lock:
                message = {"time_ns": int(self.system.now() * 1e9)}
                for what in wanted.get("what", []):
                    message[what] = self.system.logs(since) if what == "logs" else getattr(self.system, what)()
                since = message.get("logs", {}).get("next", since)
            socket.send(json.dumps(message))
            time.sleep(wanted.get("interval_ms", 1000) / 1000)

    def terminal(self, query):
        """GET terminal: a shell that says back what it is told."""
        socket = Socket(self.rfile, self.wfile)
        socket.send(f"made-up shell, {query.get('rows')} rows of {query.get('cols')}\r\n~ # ".encode())
        for message in iter(socket.receive, None):
            if len(message) > TERMINAL_MESSAGE_MAX:
                return
            if isinstance(message, bytes):
                if message == b"\x04":
                    socket.send(json.dumps({"exit": 0}))
                    return
                socket.send(message.replace(b"\r", b"\r\n~ # "))


    def container_stream(self, container, command, query):
        """GET containers/NAME/attach and exec/ID/start."""
        socket, engine = Socket(self.rfile, self.wfile), self.system.engine
        try:
            if command is None:
                talk(socket, engine.find(container)["tty"], b"attached ")
            else:
                talk(socket, query.get("tty") == "1", engine.execs[int(command)].encode())
        except Missing as error:
            socket.send(json.dumps({"error": str(error), "status": 404}))


def drop_sockets():
    """Ends all WebSockets."""
    time.sleep(0.05)
    for connection in list(Handler.sockets):
        Handler.sockets.discard(connection)
        try:
            connection.shutdown(2)
        except OSError:
            pass


def description(_handler, _system, _query, _body):
    """GET openapi.json: the paths, as far as the page asks for them."""
    paths = ["/" + pattern.split()[1] for pattern, _ in ROUTES]
    return {"openapi": "3.1.0", "paths": dict.fromkeys(paths + ["/containers/{name}/attach", "/exec/{name}/start"], {})}


def listed(name):
    """A route that tells one thing of the system."""
    return lambda _handler, system, _query, _body: getattr(system, name)()


ROUTES = [(f"GET {name}", listed(name)) for name in
          ("status", "processes", "services", "channels", "harts", "memory", "vms", "network", "disks", "containers", "threads", "apps")]
ROUTES += [
    ("GET openapi.json", description),
    ("GET logs", lambda _handler, system, query, _body: system.logs(int(query.get("since", 0)))),
    ("GET trace", lambda _handler, system, query, _body: system.trace(int(query.get("ms", 250)))),
    (r"GET processes/(\d+)/handles", lambda _handler, system, _query, _body, number: system.handles(int(number))),
    (r"POST processes/(\d+)/kill", Handler.kill),
    (r"POST apps/(.+)/(start|stop|kill)", Handler.app_action),
    (r"PUT apps/(.+)", Handler.replace),
    ("POST reboot", Handler.reboot),
    ("POST silence", Handler.silence),
    ("POST commands", Handler.commands),
    ("GET files", Handler.folder),
    ("GET files/content", Handler.read_file),
    ("PUT files/content", Handler.write_file),
    ("DELETE files/content", Handler.remove_file),
    ("POST files/rename", Handler.rename_file),
    ("POST files/mkdir", Handler.make_folder),
]


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", required=True, type=Path)
    parser.add_argument("--port", type=int, default=8090)
    options = parser.parse_args()
    Handler.page = options.page
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}/#token={TOKEN}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
