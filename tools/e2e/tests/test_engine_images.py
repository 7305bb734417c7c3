# SPDX-License-Identifier: MIT
"""Images through ./run.sh --engine, by docker's client."""

import base64
import io
import json
import shutil
import subprocess
import tarfile
import urllib.parse

from harness import ROOT, check, check_equal, test
from oci import Image, Layer, Layout, write_layout
from registry import Fake, Proxy, Registry, make_certificate
from test_engine import Engine
from test_engine_containers import IMAGE, Docker, make_image, request, start


def refused(docker, says, *args):
    done = docker(*args, status=1)
    check(says in done.stderr.decode(), f"docker {args}: {done.stderr!r}")


def names(docker):
    return sorted(docker.text("images", "--format", "{{.Repository}}:{{.Tag}}").split())


@test
def image_names(context):
    """tag, ls, inspect, history, rm, prune: of what the host has packed."""
    engine = start(context)
    docker = Docker(context, engine)
    check_equal(names(docker), [IMAGE])
    identity = docker.text("inspect", "-f", "{{.Id}}", IMAGE)
    docker("tag", IMAGE, "me/other:2")
    docker("tag", identity[7:19], "localhost:5000/third")
    check_equal(names(docker), sorted([IMAGE, "me/other:2", "localhost:5000/third:latest"]))
    check_equal(docker.text("run", "--rm", "me/other:2"), "from the image")
    image = json.loads(docker.text("inspect", "me/other:2"))[0]
    check_equal((image["Id"], sorted(image["RepoTags"])), (identity, sorted([IMAGE, "me/other:2", "localhost:5000/third:latest"])))
    check_equal(image["Config"]["Cmd"], ["echo", "from the image"])
    check_equal(docker.text("images", "-q", "--no-trunc", "me/*"), identity)
    check_equal(docker.text("images", "-q", "-f", "dangling=true"), "")
    check_equal(len(docker.text("history", "-q", IMAGE).split()), 1)
    refused(docker, "invalid reference format", "tag", IMAGE, "me/Upper")
    refused(docker, "No such image", "tag", "nosuch", "x")
    refused(docker, "the host has packed it", "rmi", IMAGE)
    check_equal(docker.text("rmi", "me/other:2"), "Untagged: me/other:2")
    refused(docker, "No such image", "rmi", "me/other:2")
    check_equal(names(docker), sorted([IMAGE, "localhost:5000/third:latest"]))
    docker("image", "prune", "-af")
    for filters, count in (('{"until":["1h"]}', 1), ('{"until":["0"]}', 0), ('{"label!":["nosuch"]}', 1)):
        status, answer = request(engine, "GET", "/images/json?filters=" + urllib.parse.quote(filters))
        check_equal((status, len(answer)), (200, count), filters)
    for method, path, status in (
            ("GET", "/images/json?filters=%7B%22nosuch%22%3A%5B%22x%22%5D%7D", 400), ("GET", "/images/json?filters=%5B", 400),
            ("GET", "/images/json?filters=%7B%22before%22%3A%5B%22nosuch%22%5D%7D", 404), ("POST", f"/images/{IMAGE}/tag", 400),
            ("POST", f"/images/{IMAGE}/tag?repo=a&tag=%2Fb", 400), ("GET", "/images/nosuch/history", 404), ("DELETE", "/images/" + "a" * 200, 400),
            ("POST", "/images/prune?filters=%7B%22dangling%22%3A%5B%22maybe%22%5D%7D", 400), ("DELETE", "/images/sha256:", 404),
            ("GET", f"/images/{IMAGE}/json?platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22riscv64%22%7D", 200),
            ("GET", f"/images/{IMAGE}/json?platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22amd64%22%7D", 404),
            ("GET", f"/images/{IMAGE}/json?platform=linux", 404)):
        check_equal(request(engine, method, path)[0], status, f"{method} {path}")
    engine.stop()


def archive(context, name, tag, text):
    """What `docker save` writes of an image with a shell that says `text`."""
    layout = Layout(context.scratch / name)
    shell = Layer().dir("bin").dir("tmp").file("bin/busybox", (ROOT / "third_party/busybox/busybox").read_bytes(), mode=0o755)
    for program in ("sh", "echo", "cat", "true"):
        shell.symlink("bin/" + program, "busybox")
    image = Image(shell, Layer().file("text", text), Cmd=["cat", "/text"], Env=["PATH=/bin"], Labels={"made": "here"})
    layout.index([layout.image(image)])
    index = json.loads((layout.path / "index.json").read_text())
    manifest = json.loads(layout.blob_path(index["manifests"][0]["digest"]).read_text())

    def path(descriptor):
        return "blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")

    (layout.path / "manifest.json").write_text(json.dumps([
        {"Config": path(manifest["config"]), "RepoTags": [tag] if tag else None, "Layers": [path(layer) for layer in manifest["layers"]]}]))
    file = context.scratch / f"{name}.tar"
    with tarfile.open(file, "w") as tar:
        for item in ("manifest.json", "blobs"):
            tar.add(layout.path / item, item)
    return file, manifest["config"]["digest"], layout


@test
def image_life(context):
    """load and pull, run, rm, prune; over a restart of the machine."""
    engine = start(context)
    docker = Docker(context, engine)
    file, identity, layout = archive(context, "first", "first:1", "one")
    check_equal(docker.text("load", "-i", file), "Loaded image: first:1")
    check_equal(docker.text("run", "--rm", "first:1"), "one")
    check_equal(docker.text("inspect", "-f", "{{.Id}} {{.Config.Labels.made}} {{len .RootFS.Layers}}", "first:1"), f"{identity} here 2")
    check_equal(docker.text("images", "-q", "--no-trunc", "-f", "label=made=here"), identity)
    # What it replaces has no name any more.
    file, other, _ = archive(context, "second", "first:1", "two")
    check_equal(docker.text("load", "-q", "-i", file), "Loaded image: first:1")
    check_equal(docker.text("images", "-q", "--no-trunc", "-f", "dangling=true"), identity)
    check_equal(docker.text("run", "--rm", identity[7:20]), "one")
    check_equal(docker.text("run", "-d", "--name", "user", "first:1", "/bin/busybox", "sleep", "100000")[:0], "")
    refused(docker, "is using its referenced image", "rmi", "first:1")
    refused(docker, "cannot be forced", "rmi", "-f", other)
    check(f"Deleted: {identity}" in docker.text("image", "prune", "-f").lower().replace("deleted", "Deleted"))
    refused(docker, "No such object", "inspect", identity)
    done = docker("load", stdin=b"not an archive", status=1)
    check(b"archive" in done.stderr, done.stderr)
    imported(context, engine, docker)
    pulled(context, docker, layout, identity)
    logged_in(docker)
    third, _, _ = archive(context, "third", "third:1", "three")
    engine.stop()

    # It is killed again and again, also in the midst of loads, some of which fail then.
    context.build = context.suite.build
    shutil.rmtree(context.scratch / "build")
    context.boot_image("starina-reaper")
    engine = Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="2G",
                    STARINA_APPEND="reaper.target=images reaper.count=3 reaper.pause=3000")
    docker = Docker(context, engine)
    while not any("done: httpd answered each time" in line for line in engine.log.lines):
        docker("load", "-i", third, status=None)
    check_equal(docker.text("load", "-i", third), "Loaded image: third:1")
    check_equal(docker.text("run", "--rm", "third:1"), "three")
    docker("rmi", "third:1")
    check("first:1" in names(docker), names(docker))
    check_equal(docker.text("run", "--rm", "first:1"), "two")
    docker("rm", "user")
    check_equal(docker.text("rmi", "first:1").split("\n"), ["Untagged: first:1", f"Deleted: {other}"])
    docker("image", "prune", "-af")
    check_equal(names(docker), [IMAGE])
    engine.stop()


def imported(context, engine, docker):
    archive = busybox_layer().file("text", "four").blob()[0]
    identity = docker.text("import", "-m", "by hand", "-", "me/imported:1", stdin=archive)
    check_equal(docker.text("run", "--rm", "me/imported:1", "/bin/cat", "/text"), "four")
    check_equal(docker.text("inspect", "-f", "{{.Id}}", "me/imported:1"), identity)
    check("by hand" in docker.text("history", "me/imported:1"))
    check_equal(docker.text("inspect", "-f", "{{.Comment}}", "me/imported:1"), "by hand")
    for words in (("UPPER/case",), ("-c", "RUN x", "-", "a"), ("ftp://127.0.0.1/x", "a")):
        check_equal(docker("import", *words, status=1).stdout, b"")
    refused(docker, 'Get "https://127.0.0.1/x"', "import", "https://127.0.0.1/x", "a")
    docker("rmi", "me/imported:1")
    # From an address.
    fake = Fake()
    fake.files["/a.tar.gz"], fake.files["/text"] = archive, b"no archive"
    address = fake.address().removeprefix("http://")
    # docker's client takes a scheme in capitals for a file, other clients do not.
    url = f"http://localhost/images/create?fromSrc=HTTP://{address}/a.tar.gz&repo=me/far&tag=1"
    said = subprocess.run(["curl", "-s", "-X", "POST", "--unix-socket", engine.socket, url], stdout=subprocess.PIPE, check=True).stdout
    check(b"error" not in said, said)
    check_equal(docker.text("run", "--rm", "me/far:1", "/bin/cat", "/text"), "four")
    check(f"Imported from HTTP://{address}/a.tar.gz" in docker.text("history", "--no-trunc", "me/far:1"))
    refused(docker, "404", "import", f"http://{address}/nothing")
    refused(docker, "the archive", "import", f"http://{address}/text")
    docker("rmi", "me/far:1")
    fake.stop()


def pulled(context, docker, layout, identity):
    registry = Registry(context.scratch / "registry").start()
    registry.push(layout, "some/thing:1")
    name = registry.name("some/thing:1")
    # Three at once are one job as a rule; one that comes late finds the image there.
    pulls = [subprocess.Popen([docker.program, "pull", name], env=docker.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    said = [pull.communicate() for pull in pulls]
    check(all(pull.returncode == 0 for pull in pulls), said)
    check(any(f"Status: Downloaded newer image for {name}" in output.decode() for output, _ in said), said)
    check_equal(docker.text("inspect", "-f", "{{.Id}}", name), identity)
    check_equal(docker.text("run", "--rm", name), "one")
    said = docker.text("pull", name)
    check(f"Status: Image is up to date for {name}" in said, said)
    digest = docker.text("inspect", "-f", "{{index .RepoDigests 0}}", name)
    check_equal(docker.text("run", "--rm", digest), "one")
    refused(docker, "not found", "pull", registry.name("some/thing:2"))
    refused(docker, "invalid reference format", "pull", "UPPER/case:1:2")
    check_equal(docker.text("rmi", name).split("\n"), [f"Untagged: {name}", f"Untagged: {digest}", f"Deleted: {identity}"])
    # Without being asked, as it is not there.
    check_equal(docker.text("run", "--rm", name), "one")
    registry.stop()


def logged_in(docker):
    """The registry says whether a password is right."""
    fake = Fake(credentials="Basic " + base64.b64encode(b"ann:sesam").decode())
    host = fake.name("").rstrip("/")
    check("Login Succeeded" in docker.text("login", "-u", "ann", "-p", "sesam", host))
    docker("logout", host)
    refused(docker, f"login attempt to http://{host}/v2/ failed with status: 401 Unauthorized", "login", "-u", "ann", "-p", "other", host)
    fake.stop()
    refused(docker, "connection refused", "login", "-u", "ann", "-p", "sesam", host)


def busybox_layer():
    layer = Layer().dir("bin").dir("tmp").file("bin/busybox", (ROOT / "third_party/busybox/busybox").read_bytes(), mode=0o755)
    for program in ("sh", "cat"):
        layer.symlink("bin/" + program, "busybox")
    return layer


def layered(context, fake, name, *layers):
    """An image of these layers, and a last one with a file that has its name."""
    image = Image(*layers, Layer().file("text", name), Cmd=["cat", "/text"], Env=["PATH=/bin"])
    return fake.add(name, write_layout(context.scratch / name, image))


def layers_size(engine):
    return request(engine, "GET", "/system/df")[1]["LayersSize"]


def pull(docker, name):
    return subprocess.Popen([docker.program, "pull", name], env=docker.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@test
def image_layers(context):
    """A layer is fetched once, by whichever pulls need it, and stays as long as an image does; a pull that breaks off goes on."""
    certificate, authority = make_certificate(context.scratch / "certificate", "registry.test")
    fake, secure = Fake(), Fake(certificate=certificate)
    proxy = Proxy(secure.server.server_port)
    engine = start(context, HTTPS_PROXY=proxy.address, STARINA_CA=str(authority))
    docker = Docker(context, engine)
    empty = layers_size(engine)
    base, shared, last = busybox_layer(), Layer().file("shared", b"s" * 100000), Layer().file("last", b"l" * 100000)
    one, two = layered(context, fake, "one", base), layered(context, fake, "two", base)
    said = docker.text("pull", one)
    check_equal((said.count(": Pulling fs layer"), said.count(": Pull complete"), said.count("Already exists")), (2, 2, 0), said)
    check(f"Digest: {fake.digest('one')}\nStatus: Downloaded newer image for {one}" in said, said)
    said = docker.text("pull", two)
    check_equal((said.count(": Already exists"), said.count(": Pull complete")), (1, 1), said)
    check_equal([fake.gets[layer] for layer in fake.layers("one") + fake.layers("two")], [1, 1, 1, 1])
    check_equal(docker.text("run", "--rm", two), "two")
    saved_as_pulled(context, docker, fake, one, two)
    # Two at a time.
    pulls = [pull(docker, layered(context, fake, name, base, shared)) for name in ("three", "four")]
    said = [process.communicate() for process in pulls]
    check(all(process.returncode == 0 for process in pulls), said)
    check_equal([fake.gets[layer] for layer in fake.layers("three")[:2]], [1, 1])
    check_equal([docker.text("run", "--rm", fake.name(name)) for name in ("three", "four")], ["three", "four"])
    broken_pull(context, engine, docker, fake, last)
    # What others have stays.
    before = layers_size(engine)
    docker("rmi", one, fake.name("three"))
    check(layers_size(engine) < before)
    docker("pull", one)
    check_equal([fake.gets[layer] for layer in fake.layers("one")], [1, 2])
    lies(context, engine, docker, fake)
    for tag in "ab":
        layered(context, fake, f"tags:{tag}", base)
    said = docker.text("pull", "-a", fake.name("tags"))
    check(f"Status: Downloaded newer image for {fake.name('tags')}" in said, said)
    check({fake.name("tags:a"), fake.name("tags:b")} <= set(names(docker)), names(docker))
    # By a proxy, and a certificate of the host's user.
    layered(context, secure, "safe", base)
    said = docker.text("pull", "registry.test/safe")
    check_equal((said.count(": Already exists"), proxy.server.asked[0]), (1, "registry.test:443"), said)
    check_equal(docker.text("run", "--rm", "registry.test/safe"), "safe")
    secure.files["/a.tar.gz"] = busybox_layer().file("text", "far").blob()[0]
    docker("import", "https://registry.test/a.tar.gz", "far:1")
    check_equal(docker.text("run", "--rm", "far:1", "/bin/cat", "/text"), "far")
    # The host's loopback, without the proxy, by a name that the certificate is not of.
    refused(docker, "does not match hostname '10.0.2.2'", "import", f"https://localhost:{secure.server.server_port}/a.tar.gz")
    docker("image", "prune", "-af")
    check_equal((names(docker), layers_size(engine)), ([IMAGE], empty))
    for server in (fake, secure, proxy, engine):
        server.stop()


def read_by_skopeo(context, docker, fake, name):
    """As an OCI archive, and as docker's: each blob is what its digest says."""
    path = context.scratch / "saved.tar"
    path.write_bytes(docker("save", name).stdout)
    for number, kind in enumerate(("oci-archive", "docker-archive")):
        source = f"{kind}:{path}"
        seen = json.loads(subprocess.run(["skopeo", "inspect", "--override-arch=riscv64", source], check=True, capture_output=True).stdout)
        check_equal((seen["Architecture"], seen["Os"]), ("riscv64", "linux"))
        if kind == "oci-archive":
            check_equal(seen["Layers"], fake.layers("one"))
        subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--override-arch=riscv64", source, f"dir:{context.scratch}/copied{number}"], check=True)
    with tarfile.open(path) as files:
        entry = json.loads(files.extractfile("index.json").read())["manifests"][0]
        check_equal(entry["annotations"], {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": "latest"})
        check_equal(json.loads(files.extractfile("oci-layout").read()), {"imageLayoutVersion": "1.0.0"})
    path.unlink()


def saved_as_pulled(context, docker, fake, one, two):
    """What the registry has goes into the archive as it is, what two images share once; loaded, they are the same images."""
    archive = docker("save", one, two).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        blobs = [f"blobs/sha256/{layer[7:]}" for image in ("one", "two") for layer in fake.layers(image)]
        inside = files.getnames()
        check_equal([inside.count(blob) for blob in blobs], [1] * len(blobs))
        for blob in blobs:
            check_equal(files.extractfile(blob).read(), fake.blob("sha256:" + blob.rpartition("/")[2]))
        manifest = json.loads(files.extractfile("manifest.json").read())
    check_equal(["blobs/sha256/" + docker.text("inspect", "-f", "{{.Id}}", name)[7:] for name in (one, two)], [item["Config"] for item in manifest])
    check_equal([item["RepoTags"] for item in manifest], [[one], [two]])
    read_by_skopeo(context, docker, fake, one)
    identities = docker.text("inspect", "-f", "{{.Id}}", one, two)
    docker("rmi", one, two)
    docker("load", stdin=archive)
    check_equal(docker.text("inspect", "-f", "{{.Id}}", one, two), identities)
    check_equal(docker.text("run", "--rm", two), "two")


def broken_pull(context, engine, docker, fake, last):
    """Its client goes in the midst of a layer: those before it need not be fetched again."""
    other = Layer().file("other", b"o" * 100000)
    name = layered(context, fake, "broken", other, last)
    fake.lies = {fake.layers("broken")[1]: "stall"}
    process = pull(docker, name)
    fake.stalled.wait()
    process.kill()
    process.communicate()
    fake.lies = {}
    said = docker.text("pull", name)
    check_equal((said.count(": Already exists"), said.count(": Pull complete")), (1, 2), said)
    check_equal([fake.gets[layer] for layer in fake.layers("broken")], [1, 2, 1])
    check_equal(layers_size(engine) > 0, True)


def lies(context, engine, docker, fake):
    """Of what a registry lied about nothing stays; which lies are seen through, test_system.py asks of the same program."""
    name = layered(context, fake, "lies", Layer().file("only", "here"))
    before = layers_size(engine)
    fake.lies = {fake.layers("lies")[0]: "zeroes"}
    refused(docker, "sha256:", "pull", name)
    fake.lies = {}
    check_equal(layers_size(engine), before)
