# SPDX-License-Identifier: MIT
"""What pulls images in the system container (tools/system), built for the host: with a registry, and with ones that lie. Nothing is booted."""

import base64
import http.server
import json
import os
import subprocess
import threading
from pathlib import Path

from harness import check, check_equal, test
from oci import MEDIA, Image, Layer, digest, write_layout
from registry import Registry

PATIENCE = 240


def image(text="hi", architecture="riscv64"):
    return Image(Layer().dir("etc").file("etc/motd", text), architecture=architecture, Cmd=["/x"], Labels={"a": "b"})


class Folder:
    """Where /system puts images, and what it said."""

    def __init__(self, context, name):
        self.program = Path(context.build) / "host/system"
        self.path = context.scratch / name
        self.path.mkdir()
        self.lines = []

    def run(self, *args, stdin=b"{}"):
        done = subprocess.run([self.program, *args], env={**os.environ, "SYSTEM_INCOMING": str(self.path)}, input=stdin, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
        check_equal(done.stderr, b"")
        self.lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode

    def images(self):
        return [line["image"] for line in self.lines if "image" in line]

    def refused(self, *args, words, stdin=b"{}"):
        check_equal(self.run(*args, stdin=stdin), 1, self.lines)
        check(all(word in self.lines[-1]["error"] for word in words), self.lines[-1])
        check_equal((self.images(), list(self.path.iterdir())), ([], []))


class Liar(http.server.BaseHTTPRequestHandler):
    """A registry of one image, whose blobs are not what they should be."""

    lie = None
    layout = None

    def log_message(self, *_):
        pass

    def reply(self, body, kind, length=None):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        if self.path == "/v2/":
            return self.reply(b"{}", "application/json")
        if "/manifests/" in self.path:
            end = b" " if self.lie == "manifest" and name.startswith("sha256:") else b""
            if not name.startswith("sha256:"):
                name = json.loads((self.layout.path / "index.json").read_text())["manifests"][0]["digest"]
            return self.reply(self.layout.blob_path(name).read_bytes() + end, MEDIA + "manifest.v1+json")
        body = self.layout.blob_path(name).read_bytes()
        is_layer = body[:2] == b"\x1f\x8b"
        if self.lie == "layer" and is_layer:
            body = b"\x1f\x8b" + bytes(len(body) - 2)
        if self.lie == "short" and is_layer:
            return self.reply(body[:-9], "application/octet-stream", len(body))
        if self.lie == "long" and is_layer:
            body += bytes(100000)
        if self.lie == "endless" and is_layer:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(1 << 20))
            except OSError:
                return None
        return self.reply(body, "application/octet-stream")

    do_HEAD = do_GET


@test
def pulls_of_the_system_container(context):
    """An image of a registry, one of several platforms, an unchanged one, a login; and what cannot be had."""
    registry = Registry(context.scratch / "registry").start()
    registry.push(write_layout(context.scratch / "a", image("amd", "amd64"), image("one")), "some/thing:1")
    registry.push(write_layout(context.scratch / "b", image("two", "amd64")), "others:1")
    name = registry.name("some/thing:1")
    folder = Folder(context, "incoming")
    check_equal(folder.run("pull", name, "linux/riscv64"), 0, folder.lines)
    (made,) = folder.images()
    check_equal(made["references"], [name])
    check_equal(sorted(path.name for path in folder.path.iterdir()), sorted([made["file"], made["config"]]))
    check_equal((folder.path / made["file"]).stat().st_size, made["size"])
    entry = json.loads((folder.path / made["config"]).read_text())
    check_equal((entry["id"], entry["first_sector"], entry["num_sectors"] * 512), (made["id"], 0, made["size"]))
    check_equal((entry["config"]["Cmd"], entry["config"]["Labels"], entry["architecture"]), (["/x"], {"a": "b"}, "riscv64"))
    content = subprocess.run(["rdsquashfs", "-c", "/rootfs/etc/motd", folder.path / made["file"]], stdout=subprocess.PIPE, check=True)
    check_equal(content.stdout, b"one")
    for status in ("Pulling fs layer", "Download complete", "Pull complete"):
        check(any(line.get("status") == status and len(line["id"]) == 12 for line in folder.lines), status)
    check(folder.lines[-1] == {"status": "Digest: " + made["digest"]}, folder.lines[-1])

    again = Folder(context, "again")
    check_equal(again.run("pull", name, "", "sha256:" + 64 * "0", made["digest"]), 0, again.lines)
    check_equal(again.images(), [{"references": [name], "digest": made["digest"], "unchanged": True}])
    again.refused("pull", registry.name("some/thing:2"), "", words=["manifest for", ":2 not found", "manifest unknown"])
    again.refused("pull", registry.name("nothing"), "", words=["not found"])
    again.refused("pull", registry.name("others:1"), "", words=["no match for platform in manifest", "linux/amd64"])
    again.refused("pull", name, "linux/amd64", words=["no match for platform in manifest"])
    again.refused("pull", "A B", "", words=["invalid reference format"])
    again.refused("pull", name, "", words=["credentials"], stdin=b"[")
    registry.stop()
    again.refused("pull", name, "", words=["connection refused"])


@test
def logins_of_the_system_container(context):
    registry = Registry(context.scratch / "registry", "ann", "sesam:1").start()
    registry.push(write_layout(context.scratch / "a", image()), "own:1")
    folder = Folder(context, "incoming")
    denied = ["pull access denied for", "repository does not exist or may require 'docker login'"]
    folder.refused("pull", registry.name("own:1"), "", words=denied)
    folder.refused("pull", registry.name("own:1"), "", words=denied, stdin=b'{"username":"ann","password":"wrong"}')
    check_equal(folder.run("pull", registry.name("own:1"), "", stdin=b'{"username":"ann","password":"sesam:1"}\n'), 0, folder.lines)
    check_equal(len(folder.images()), 1)
    check(not [path for path in Path("/tmp").glob("auth.*") if base64.b64encode(b"ann:sesam:1") in path.read_bytes()])
    registry.stop()


@test
def registries_that_lie(context):
    """Digest or length wrong, or a configuration that does not go with the layers: an error, and nothing in the folder."""
    layout = write_layout(context.scratch / "a", image())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name = f"127.0.0.1:{server.server_port}/x:1"
    Liar.layout = layout
    folder = Folder(context, "incoming")
    for lie, words in (("manifest", ["digest"]), ("layer", ["sha256:"]), ("short", ["EOF"]), ("long", ["sha256:"]), ("endless", ["more than the manifest says"])):
        Liar.lie = lie
        folder.refused("pull", name, "", words=words)
    # Of the layer's own bytes all digests are right.
    Liar.lie = None
    manifest = layout.image(image("other"))
    bad = json.loads(layout.blob_path(manifest["digest"]).read_text())
    bad["layers"] = json.loads(layout.blob_path(json.loads((layout.path / "index.json").read_text())["manifests"][0]["digest"]).read_text())["layers"]
    layout.index([layout.blob(bad, MEDIA + "manifest.v1+json")])
    folder.refused("pull", name, "", words=["corrupt", digest(image().layers[0].raw())])
    server.shutdown()
