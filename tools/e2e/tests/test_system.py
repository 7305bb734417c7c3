# SPDX-License-Identifier: MIT
"""What pulls images in the system container (tools/system), built for the host: with a registry, and with ones that lie. Nothing is booted."""

import base64
import json
import os
import subprocess
from pathlib import Path

from harness import check, check_equal, test
from oci import MEDIA, Image, Layer, Layout, digest, write_layout
from registry import Fake, Proxy, Registry, make_certificate

PATIENCE = 240


def image(text="hi", architecture="riscv64"):
    return Image(Layer().dir("etc").file("etc/motd", text), architecture=architecture, Cmd=["/x"], Labels={"a": "b"})


class Folder:
    """Where /system puts images, and what it said."""

    def __init__(self, context, name):
        self.program = Path(context.build) / "host/system"
        self.path = context.scratch / name
        self.path.mkdir()
        # Where credentials are while it runs.
        self.memory = context.scratch / f"{name}.memory"
        self.memory.mkdir()
        self.lines = []
        self.patience = "100"  # seconds
        self.environment = {}

    def run(self, *args, stdin=b"{}"):
        environment = {**os.environ, "SYSTEM_INCOMING": str(self.path), "TMPDIR": str(self.memory), "SYSTEM_PATIENCE": self.patience, **self.environment}
        done = subprocess.run([self.program, *args], env=environment, input=stdin, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
        check_equal(done.stderr, b"")
        check_equal(list(self.memory.iterdir()), [])
        self.lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode

    def images(self):
        return [line["image"] for line in self.lines if "image" in line]

    def refused(self, *args, words, stdin=b"{}"):
        check_equal(self.run(*args, stdin=stdin), 1, self.lines)
        check(all(word in self.lines[-1]["error"] for word in words), self.lines[-1])
        # A configuration may be left: of a run that fails nothing in its folder counts.
        check_equal((self.images(), [path for path in self.path.iterdir() if path.suffix != ".layer"]), ([], []))


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
    check_equal(sorted(path.name for path in folder.path.iterdir()), sorted([made["file"], made["config"], made["id"].removeprefix("sha256:") + ".layer"]))
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
def an_unchanged_image_is_asked_for_once(context):
    """Where the registry says a manifest's digest, nothing else is asked, but for the token that some want; else skopeo finds out."""
    fake = Fake()
    name = fake.add("x", write_layout(context.scratch / "a", image()))
    folder, digest_there = Folder(context, "incoming"), fake.digest("x")

    def pulled(*known, stdin=b"{}"):
        del fake.asked[:]
        check_equal(folder.run("pull", name, "", *known, stdin=stdin), 0, folder.lines)
        check_equal(folder.images()[0].get("unchanged", False), digest_there in known)
        return fake.asked

    asked = ("HEAD", "/v2/x/manifests/latest", None)
    check_equal(pulled(digest_there), [asked])
    check_equal(pulled("sha256:" + 64 * "0", digest_there), [asked])
    # What is not there is fetched, and nobody asks for its digest when nothing is there at all.
    check_equal([pulled("sha256:" + 64 * "0")[0], fake.asked[-1][0]], [asked, "GET"])
    check(asked not in pulled(), fake.asked)
    # What the registry says amiss, or not at all, skopeo finds out.
    for lie in (None, "sha256:" + 64 * "1", "nonsense"):
        fake.lies["digest"] = lie
        check_equal((pulled(digest_there)[0], len(fake.asked) > 1), (asked, True))
    # Whoever names a digest gets that manifest or none: another one that is there is no answer.
    fake.lies["digest"] = old = "sha256:" + 64 * "1"
    check_equal(folder.run("pull", f"{name}@{digest_there}", "", old), 0, folder.lines)
    check_equal([(known["digest"], known.get("unchanged", False)) for known in folder.images()], [(digest_there, False)])
    fake.lies.clear()
    login, basic = b'{"username":"ann","password":"sesam"}', "Basic " + base64.b64encode(b"ann:sesam").decode()
    check_equal(pulled(digest_there, stdin=login), [asked])
    fake.credentials = basic
    check_equal(pulled(digest_there, stdin=login), [asked, (*asked[:2], basic)])
    fake.credentials = None
    fake.identity, fake.is_public = "nobody's", True
    for who, stdin in ((None, b"{}"), (basic, login)):
        check_equal(pulled(digest_there, stdin=stdin), [asked, ("GET", "/token?service=test&scope=repository:x:pull", who), (*asked[:2], "Bearer access")])
    # A token of docker login's is skopeo's.
    fake.identity = "from-login"
    check(asked not in pulled(digest_there, stdin=b'{"username":"<token>","identitytoken":"from-login"}'), fake.asked)
    fake.stop()


@test
def logins_of_the_system_container(context):
    registry = Registry(context.scratch / "registry", "ann", "sesam:1").start()
    registry.push(write_layout(context.scratch / "a", image()), "own:1")
    folder = Folder(context, "incoming")
    denied = ["pull access denied for", "repository does not exist or may require 'docker login'"]
    folder.refused("pull", registry.name("own:1"), "", words=denied)
    folder.refused("pull", registry.name("own:1"), "", words=denied, stdin=b'{"username":"ann","password":"wrong"}')
    # Members count in any case.
    check_equal(folder.run("pull", registry.name("own:1"), "", stdin=b'{"UserName":"ann","PASSWORD":"sesam:1"}\n'), 0, folder.lines)
    check_equal(len(folder.images()), 1)
    # A login alone: the registry is asked, and nothing of it stays.
    host = registry.name("own:1").partition("/")[0]
    check_equal((folder.run("login", host, stdin=b'{"username":"ann","password":"sesam:1"}\n'), folder.lines), (0, []))
    folder = Folder(context, "login")
    folder.refused("login", host, stdin=b'{"username":"ann","password":"wrong"}', words=[f"login attempt to http://{host}/v2/ failed with status: 401 Unauthorized"])
    for stdin in (b'{"password":"x"}', b'{"username":"ann","password":""}'):
        folder.refused("login", host, stdin=stdin, words=["not a name and a password"])
    folder.refused("login", "127.0.0.1:1", stdin=b'{"username":"ann","password":"sesam:1"}', words=['Get "http', "127.0.0.1:1/v2/", "connection refused"])
    fake = Fake(identity="from-login")
    name = fake.add("x", write_layout(context.scratch / "b", image("by token")))
    folder = Folder(context, "token")
    folder.refused("pull", name, "", words=denied)
    folder.refused("pull", name, "", words=denied, stdin=b'{"identitytoken":"other"}')
    check_equal(folder.run("pull", name, "", stdin=b'{"username":"<token>","identitytoken":"from-login"}'), 0, folder.lines)
    fake.stop()
    registry.stop()


@test
def registries_that_lie(context):
    """Digest or length wrong, or a configuration that does not go with the layers: an error, and nothing in the folder."""
    fake = Fake()
    name = fake.add("x", write_layout(context.scratch / "a", image()))
    (layer,) = fake.layers("x")
    folder = Folder(context, "incoming")
    for lie, words in (("zeroes", ["sha256:"]), ("short", ["EOF"]), ("long", ["sha256:"]), ("endless", ["more than the manifest says"]), ("loop", ["redirects"]),
                       ("stall", ["has stopped in the midst"])):
        fake.lies = {layer: lie}
        folder.patience = "4" if lie == "stall" else "100"
        folder.refused("pull", name, "", words=words)
    fake.lies = {"manifest": True}
    folder.refused("pull", name, "", words=["digest"])
    # Of the layer's own bytes all digests are right.
    fake.lies = {}
    layout = fake.layouts["x"]
    manifest = layout.image(image("other"))
    bad = json.loads(layout.blob_path(manifest["digest"]).read_text())
    bad["layers"] = json.loads(fake.blob(fake.digest("x")))["layers"]
    layout.index([layout.blob(bad, MEDIA + "manifest.v1+json")])
    folder.refused("pull", name, "", words=["corrupt", digest(image().layers[0].raw())])
    fake.stop()


def changed(context, fake, name, change, *images):
    """An image whose manifest is another one; its name."""
    layout = Layout(context.scratch / name)
    descriptors = [layout.image(one) for one in images or [image()]]
    if not images:
        manifest = json.loads(layout.blob_path(descriptors[0]["digest"]).read_text())
        change(manifest["layers"])
        descriptors = [layout.blob(manifest, MEDIA + "manifest.v1+json")]
    return fake.add(name, layout.index(descriptors))


@test
def manifests_of_all_kinds(context):
    """Many layers, lengths and digests that are none, types that nobody knows, other platforms; redirects to another host."""
    fake, folder = Fake("Basic " + base64.b64encode(b"ann:sesam").decode()), Folder(context, "incoming")
    login = b'{"username":"ann","password":"sesam"}\n'

    def many(layers):
        layers.extend(layers[:1] * 999)

    def one(**members):
        return lambda layers: layers[0].update(members)

    for name, change, words in (
            ("many", many, ["it has 1000 layers"]), ("negative", one(size=-5), ["more than the manifest says"]), ("small", one(size=5), ["more than the manifest says"]),
            ("large", one(size=5000), ["expected 5000 bytes"]), ("nothing", one(digest="sha256:" + 64 * "0"), ["404"]), ("path", one(digest="../../etc/passwd"), ["has no digest"]),
            ("huge", one(annotations={"a": "x" * (5 << 20)}), ["exceeded maximum allowed size"]),
            ("foreign", one(digest="sha256:" + 64 * "1", urls=["http://localhost:1/x"], mediaType=MEDIA + "layer.nondistributable.v1.tar+gzip"), ["404"])):
        folder.refused("pull", changed(context, fake, name, change), "", words=words, stdin=login)
    others = changed(context, fake, "others", None, image(architecture="amd64"), image(architecture="arm64"))
    folder.refused("pull", others, "", words=["no matching manifest for linux/riscv64", "linux/amd64, linux/arm64"], stdin=login)
    # The bytes say what a layer is compressed with. Who is sent elsewhere does not take the login along.
    fake.elsewhere = Fake()
    fake.elsewhere.layouts = fake.layouts
    zstd = changed(context, fake, "zstd", None, Image(Layer("zstd").file("f", "x"), architecture="riscv64"))
    for number, name in enumerate((zstd, changed(context, fake, "unknown", one(mediaType="application/x-unknown")))):
        for layer in fake.layers(("zstd", "unknown")[number]):
            fake.lies[layer] = "elsewhere"
        check_equal(folder.run("pull", name, "", stdin=login), 0, folder.lines)
    check_equal({authorization for _, _, authorization in fake.elsewhere.asked}, {None})
    check_equal(len(fake.elsewhere.asked), 2)
    fake.elsewhere.stop()
    fake.stop()


@test
def proxies_and_certificates(context):
    """A registry that is reached by a proxy only, and whose certificate only the host's user trusts."""
    certificate, authority = make_certificate(context.scratch / "certificate", "registry.test")
    fake, folder = Fake(certificate=certificate), Folder(context, "incoming")
    fake.add("x", write_layout(context.scratch / "x", image()))
    proxy = Proxy(fake.server.server_port)
    folder.environment = {"HTTPS_PROXY": proxy.address}
    folder.refused("pull", "registry.test/x", "", words=["certificate"])
    folder.environment["SYSTEM_CA"] = authority.read_text()
    check_equal(folder.run("pull", "registry.test/x", ""), 0, folder.lines)
    check_equal(set(proxy.server.asked), {"registry.test:443"})
    del fake.asked[:]
    check_equal(folder.run("pull", "registry.test/x", "", fake.digest("x")), 0, folder.lines)
    check_equal((folder.images()[0]["unchanged"], fake.asked), (True, [("HEAD", "/v2/x/manifests/latest", None)]))
    check_equal(list(Path("/tmp").glob("ca.*/host.crt")), [])
    proxy.stop()
    fake.stop()


@test
def imports_from_an_address(context):
    """The scheme in any case; and a server's words are not taken for those of a wget whose reader has gone."""
    fake, folder = Fake(), Folder(context, "incoming")
    fake.files["/a.tar"] = image().layers[0].raw()
    address = fake.address().removeprefix("http://")
    check_equal(folder.run("import", "a:1", "", f"HTTP://{address}/a.tar", stdin=b""), 0, folder.lines)
    check_equal(len(folder.images()), 1)
    fake.lies["reason"] = "Cannot write to"
    Folder(context, "refused").refused("import", "a:1", "", f"http://{address}/none", words=["404"], stdin=b"")
    fake.stop()


@test
def all_tags(context):
    """Of a repository's tags those that are for this machine."""
    fake, folder = Fake(), Folder(context, "incoming")
    names = [fake.add(f"x:{tag}", write_layout(context.scratch / tag, image(tag))) for tag in ("a", "b")]
    fake.add("x:c", write_layout(context.scratch / "c", image(architecture="amd64")))
    check_equal(folder.run("pull", fake.name("x:*"), ""), 0, folder.lines)
    check_equal([made["references"] for made in folder.images()], [[name] for name in names])
    check({"status": "Not for linux/riscv64: left out", "id": "c"} in folder.lines, folder.lines)
    folder = Folder(context, "again")
    fake.layouts = {"x:c": fake.layouts["x:c"]}
    folder.refused("pull", fake.name("x:*"), "", words=["no match for platform in manifest"])
    folder.refused("pull", fake.name("y:*"), "", words=["404"])
    folder.refused("pull", "x:*:*", "", words=["invalid reference format"])
    folder.refused("pull", ":*", "", words=["invalid reference format"])
    fake.stop()


@test
def layers_that_are_kept(context):
    """A layer that is there is read, and not fetched; a damaged one is found out; one that comes is put into the folder."""
    fake = Fake()
    name = fake.add("x", write_layout(context.scratch / "x", image()))
    (layer,) = fake.layers("x")
    kept = context.scratch / "layers"
    kept.mkdir()
    there = kept / layer.removeprefix("sha256:")

    def pulled(answers):
        folder = Folder(context, f"incoming{len(list(context.scratch.iterdir()))}")
        folder.environment = {"SYSTEM_LAYERS": str(kept)}
        status = folder.run("pull", name, "", stdin=b"{}\n" + answers)
        return status, folder, [line["layer"] for line in folder.lines if line.get("layer", {}).get("digest") == layer], [line["status"] for line in folder.lines if "status" in line]

    def asked(*verbs):
        return [{"digest": layer, "do": verb} for verb in verbs]

    status, folder, said, statuses = pulled(b"none\nfetch\n")
    check_equal((status, said, "Pull complete" in statuses), (0, asked("see", "get", "keep"), True))
    check_equal((folder.path / (there.name + ".layer")).read_bytes(), fake.blob(layer))
    made = folder.images()[0]
    check_equal(json.loads((folder.path / made["config"]).read_text())["blobs"], [layer, made["id"]])
    there.write_bytes(fake.blob(layer))
    status, folder, said, statuses = pulled(b"have\nhave\n")
    check_equal((status, said, statuses.count("Already exists"), fake.gets[layer]), (0, asked("see", "get"), 1, 1))
    # Nobody answers, or it is not where it is said to be: it is fetched.
    status, folder, said, statuses = pulled(b"")
    check_equal((status, said, fake.gets[layer]), (0, asked("see"), 2))
    there.rename(kept / "away")
    status, folder, said, statuses = pulled(b"none\nhave\nfetch\n")
    check_equal((status, said, fake.gets[layer]), (0, asked("see", "get", "drop", "get", "keep"), 3))
    for damage in (b"x", fake.blob(layer)[:-20], fake.blob(layer)[:30] + b"xx" + fake.blob(layer)[32:]):
        there.write_bytes(damage)
        status, folder, said, statuses = pulled(b"have\nhave\n")
        check_equal((status, said), (1, asked("see", "get", "drop")), damage)
        check("damaged on the state disk" in folder.lines[-1]["error"], folder.lines)
    check_equal(fake.gets[layer], 3)
    fake.stop()
