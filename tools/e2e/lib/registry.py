# SPDX-License-Identifier: MIT
"""Registries of our own on free ports of the loopback interface: docker-registry, and one that lies when it is told to."""

import collections
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from harness import free_port
from oci import MEDIA

START_TIMEOUT = 300


class Registry:
    """`user` and `password`, when given, are the only ones that it lets in."""

    def __init__(self, directory, user=None, password=None):
        self.directory = Path(directory)
        self.user, self.password = user, password
        self.directory.mkdir()
        self.process = None
        self.port = None

    def auth(self):
        if not self.user:
            return ""
        passwords = self.directory / "htpasswd"
        subprocess.run(["htpasswd", "-Bbc", passwords, self.user, self.password], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return f"auth: {{htpasswd: {{realm: test, path: '{passwords}'}}}}\n"

    def start(self):
        # Another program may take the port between the look and the start: then look again.
        for _ in range(5):
            self.port = free_port()
            config = self.directory / "config.yml"
            config.write_text(
                "version: 0.1\n"
                "log: {level: error}\n"
                f"storage: {{filesystem: {{rootdirectory: {self.directory}/data}}}}\n"
                f"http: {{addr: '127.0.0.1:{self.port}'}}\n" + self.auth())
            with open(self.directory / "log", "wb") as log:
                self.process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log,
                                                stdin=subprocess.DEVNULL)
            if self.wait():
                return self
            self.stop()
        raise RuntimeError("docker-registry does not start: " + (self.directory / "log").read_text()[-500:])

    def wait(self):
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/", timeout=60).close()
                return True
            except urllib.error.HTTPError:  # it asks for a login
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
            self.process.wait()
        self.process = None

    def name(self, image):
        return f"127.0.0.1:{self.port}/{image}"

    def push(self, layout, image):
        """Pushes all of an OCI layout as `image` (NAME:TAG); returns the docker:// reference."""
        login = [f"--dest-creds={self.user}:{self.password}"] if self.user else []
        subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--all", "--dest-tls-verify=false", *login,
                        f"oci:{layout.path}:latest", "docker://" + self.name(image)], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return "docker://" + self.name(image)


class FakeHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, body, kind="application/octet-stream", length=None, digest=None):
        self.send_response(200)
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.send_header("Content-Type", kind)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(body)
            except OSError:  # who got enough of it
                pass

    def refuse(self, status, *headers):
        self.send_response(status, self.server.fake.lies.get("reason"))
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        fake = self.server.fake
        fake.asked.append((self.command, self.path, self.headers.get("Authorization")))
        if self.path in fake.files:
            return self.reply(fake.files[self.path])
        if fake.is_public and self.path.startswith("/token?"):
            return self.reply(b'{"token":"access","expires_in":300}', "application/json")
        if fake.identity and self.headers.get("Authorization") != "Bearer access":
            return self.refuse(401, ("WWW-Authenticate", f'Bearer realm="http://{self.headers["Host"]}/token",service="test"'))
        if fake.credentials and self.headers.get("Authorization") != fake.credentials:
            return self.refuse(401, ("WWW-Authenticate", 'Basic realm="test"'))
        if self.path == "/v2/":
            return self.reply(b"{}", "application/json")
        if self.path.endswith("/tags/list"):
            name = self.path.removeprefix("/v2/").removesuffix("/tags/list")
            tags = [image.rpartition(":")[2] if ":" in image else "latest" for image in fake.layouts if image.partition(":")[0] == name]
            return self.reply(json.dumps({"name": name, "tags": tags}).encode(), "application/json") if tags else self.refuse(404)
        name, _, rest = self.path.removeprefix("/v2/").rpartition("/manifests/")
        if name:
            return self.manifest(fake, name, rest)
        digest = self.path.rpartition("/")[2]
        body = fake.blob(digest)
        if body is None:
            return self.refuse(404)
        if self.command == "GET":
            fake.gets[digest] += 1
        lie = fake.lies.get(digest)
        return getattr(self, "lie_" + lie)(fake, body) if lie else self.reply(body)

    do_HEAD = do_GET

    def do_POST(self):
        """An access token, for the identity token that `docker login` has got."""
        fake = self.server.fake
        # In chunks, as skopeo sends it.
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size + 2)[:size]
        asked = urllib.parse.parse_qs(body.decode())
        if self.path != "/token" or asked.get("grant_type") != ["refresh_token"] or asked.get("refresh_token") != [fake.identity]:
            return self.refuse(401)
        return self.reply(b'{"access_token":"access","expires_in":300}', "application/json")

    def manifest(self, fake, name, reference):
        if f"{name}:{reference}" in fake.layouts:
            name = f"{name}:{reference}"
        elif name not in fake.layouts and not reference.startswith("sha256:"):
            return self.refuse(404)
        if not reference.startswith("sha256:"):
            reference = fake.digest(name)
        elif "manifest" in fake.lies:
            return self.reply(fake.blob(reference) + b" ", MEDIA + "manifest.v1+json")
        body = fake.blob(reference)
        if body is None:
            return self.refuse(404)
        return self.reply(body, json.loads(body).get("mediaType", MEDIA + "manifest.v1+json"), digest=fake.lies.get("digest", reference))

    def lie_zeroes(self, _, body):
        self.reply(body[:2] + bytes(len(body) - 2))

    def lie_short(self, _, body):
        self.reply(body[:-9], length=len(body))

    def lie_long(self, _, body):
        self.reply(body + bytes(100000))

    def lie_endless(self, *_):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(1 << 20))
        except OSError:
            pass

    def lie_stall(self, fake, body):
        """Half of it, and then nothing until the other end has gone."""
        self.reply(body[:len(body) // 2], length=len(body))
        self.wfile.flush()
        fake.stalled.set()
        fake.over.wait()

    def lie_missing(self, *_):
        self.refuse(404)

    def lie_loop(self, *_):
        self.refuse(307, ("Location", self.path))

    def lie_elsewhere(self, fake, _):
        self.refuse(307, ("Location", fake.elsewhere.address() + self.path))


class Fake:
    """Of images NAME (its tag is latest) or NAME:TAG, each a layout. It counts who gets what."""

    def __init__(self, credentials=None, certificate=None, identity=None):
        self.layouts = {}
        self.files = {}  # others, by their paths
        self.credentials = credentials  # an Authorization that it wants
        self.identity = identity  # or an identity token
        self.is_public = False  # it has a token for whoever asks
        self.gets = collections.Counter()  # of a blob's digest
        self.asked = []  # (method, path, Authorization)
        self.lies = {}  # of a blob's digest, of "manifest", what it says is a manifest's "digest", or the "reason" of a refusal
        self.stalled, self.over = threading.Event(), threading.Event()
        self.elsewhere = None  # another one, which it sends people to
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeHandler)
        self.server.daemon_threads = True
        self.server.fake = self
        self.server.handle_error = lambda *_: None  # who does not trust its certificate
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def address(self):
        """By another name of the host than `name`."""
        return f"http://localhost:{self.server.server_port}"

    def name(self, image):
        return f"127.0.0.1:{self.server.server_port}/{image}"

    def add(self, image, layout):
        self.layouts[image] = layout
        return self.name(image) + ("" if ":" in image else ":latest")

    def digest(self, image):
        return json.loads((self.layouts[image].path / "index.json").read_text())["manifests"][0]["digest"]

    def blob(self, digest):
        for layout in self.layouts.values():
            path = layout.blob_path(digest) if digest.startswith("sha256:") else None
            if path and path.exists():
                return path.read_bytes()
        return None

    def layers(self, image):
        """The digests of its layers."""
        return [layer["digest"] for layer in json.loads(self.blob(self.digest(image)))["layers"]]


def make_certificate(path, *hosts):
    """A certificate of `hosts` that it has signed itself, and its key, in one file."""
    names = ",".join(f"DNS:{host}" for host in hosts)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={hosts[0]}", "-addext", f"subjectAltName={names}",
                    "-keyout", f"{path}.key", "-out", f"{path}.crt"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    Path(path).write_bytes(Path(f"{path}.key").read_bytes() + Path(f"{path}.crt").read_bytes())
    return Path(path), Path(f"{path}.crt")


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.server.asked.append(self.path)
        with socket.create_connection(("127.0.0.1", self.server.target)) as target:
            self.send_response(200)
            self.end_headers()
            client = self.connection
            back = threading.Thread(target=relay, args=(target, client), daemon=True)
            back.start()
            relay(client, target)
            back.join()


def relay(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Proxy:
    """A proxy through which all names lead to one port of ours."""

    def __init__(self, target):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ProxyHandler)
        self.server.daemon_threads = True
        self.server.target, self.server.asked = target, []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
