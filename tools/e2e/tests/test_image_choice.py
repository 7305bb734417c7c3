# SPDX-License-Identifier: MIT
"""Which image is meant: of several in one layout, archive or registry. Nothing is booted."""

import hashlib
import io
import itertools
import json
import subprocess
import tarfile

from harness import check_equal, check_refused, test
from oci import MEDIA, Image, Layer, Layout, digest
from test_image_sources import content, registry

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


def one(layout, text, architecture="riscv64", variant=None, **more):
    """The descriptor of a small image, without a platform unless `more` has one."""
    descriptor = layout.image(Image(Layer().file("motd", text), architecture=architecture, Cmd=["/x"]))
    if variant is not None:
        manifest = json.loads(layout.blob_path(descriptor["digest"]).read_text())
        config = json.loads(layout.blob_path(manifest["config"]["digest"]).read_text())
        manifest["config"] = layout.blob({**config, "variant": variant}, MEDIA + "config.v1+json")
        descriptor = layout.blob(manifest, descriptor["mediaType"])
    descriptor.pop("platform", None)
    return {**descriptor, **more}


def platform(architecture, **more):
    return {"platform": {"architecture": architecture, "os": "linux", **more}}


def artifact(layout, config_type, config, layer_type, **more):
    manifest = {"schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json", "config": layout.blob(config, config_type),
                "layers": [layout.blob(b"{}", layer_type)]}
    return {**layout.blob(manifest, manifest["mediaType"]), **more}


def artifacts(layout):
    image_config = MEDIA + "config.v1+json"
    signature = {"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(b"{}")]}}
    riscv = {**signature, "architecture": "riscv64", "os": "linux"}
    return [
        artifact(layout, image_config, signature, "application/vnd.dev.cosign.simplesigning.v1+json"),
        artifact(layout, image_config, riscv, "application/vnd.in-toto+json", **platform("unknown", os="unknown")),
        artifact(layout, "application/vnd.cncf.helm.config.v1+json", {"name": "chart"}, MEDIA + "layer.v1.tar+gzip"),
        artifact(layout, "application/vnd.oci.empty.v1+json", {}, "application/spdx+json", **platform("riscv64")),
        layout.blob({"bomFormat": "CycloneDX"}, "application/vnd.cyclonedx+json"),
    ]


def top(layout, descriptors, **more):
    (layout.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": descriptors, **more}))
    return layout


def nested(layout, descriptors, **more):
    index = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": descriptors}
    return {**layout.blob(index, index["mediaType"]), **more}


def motd(context, reference):
    return content(context, context.resolve(reference), "/motd").decode()


def everywhere(context, layout, name):
    """References to the layout's one named image: as directory, archive and in a registry."""
    subprocess.run(["tar", "-C", layout.path, "-cf", context.scratch / f"{name}.tar", "."], check=True)
    return [f"oci://{name}", f"file://{name}.tar", registry(context).push(layout, f"{name}:1")]


@test
def order_does_not_matter(context):
    layout = Layout(context.scratch / "layout")
    entries = [one(layout, "amd", "amd64", **platform("amd64")), one(layout, "riscv"), one(layout, "arm", "arm64"),
               *artifacts(layout)[:2]]
    for order in itertools.permutations(entries, 5):
        top(layout, list(order))
        check_equal(motd(context, "oci://layout"), "riscv")


@test
def artifacts_are_passed_over(context):
    layout = Layout(context.scratch / "layout")
    image = one(layout, "image", **platform("riscv64"))
    for entry in artifacts(layout):
        for order in ([entry, image], [image, entry], [nested(layout, [entry]), nested(layout, [nested(layout, [image])])]):
            top(layout, order)
            check_equal(motd(context, "oci://layout"), "image")
    top(layout, artifacts(layout))
    check_refused(context.image_tool("resolve", "oci://layout"), "artifacts only")


@test
def the_same_answer_everywhere(context):
    cases = {
        "unlabelled": lambda l: [one(l, "amd", "amd64"), one(l, "right")],
        "mislabelled": lambda l: [one(l, "amd", "amd64", **platform("riscv64")), one(l, "right", **platform("amd64"))],
        "first": lambda l: [one(l, "right", **platform("riscv64")), one(l, "second", **platform("riscv64"))],
        "plain": lambda l: [one(l, "high", variant="rva23u64", **platform("riscv64", variant="rva23u64")),
                            one(l, "low", variant="rva20u64", **platform("riscv64", variant="rva20u64")),
                            one(l, "right", **platform("riscv64"))],
        "highest": lambda l: [one(l, "high", variant="rva22u64", **platform("riscv64", variant="rva22u64")),
                              one(l, "right", variant="rva20u64", **platform("riscv64", variant="rva20u64"))],
        "label-only": lambda l: [one(l, "high", **platform("riscv64", variant="rva23u64")),
                                 one(l, "right", **platform("riscv64"))],
    }
    for name, make in cases.items():
        layout = Layout(context.scratch / name)
        top(layout, [nested(layout, make(layout), annotations={REF_NAME: "latest"})])
        references = everywhere(context, layout, name)
        check_equal({reference: motd(context, reference) for reference in references},
                    {reference: "right" for reference in references}, name)


@test
def variants_that_do_not_run(context):
    layout = Layout(context.scratch / "layout")
    top(layout, [nested(layout, [one(layout, "high", variant="rva23u64", **platform("riscv64", variant="rva23u64"))],
                        annotations={REF_NAME: "latest"})])
    for reference in everywhere(context, layout, "layout"):
        check_refused(context.image_tool("resolve", reference), reference, "linux/riscv64/rva23u64", "rva20u64")


@test
def names_of_all_kinds(context):
    layout = Layout(context.scratch / "a:b")
    names = ["1.0", "x:2", "docker.io/library/app:1", "registry.example:5000/team/app:1.2@x", "localhost/mine:latest"]
    entries = [one(layout, name, annotations={REF_NAME: name}) for name in names]
    entries.append(one(layout, "containerd", annotations={CONTAINERD_NAME: "docker.io/library/web:7", REF_NAME: "7"}))
    top(layout, entries)
    subprocess.run(["tar", "-C", layout.path, "-cf", context.scratch / "x.tar", "."], check=True)
    wanted = {name: name for name in names}
    wanted |= {"app:1": "docker.io/library/app:1", "mine": "localhost/mine:latest", "web:7": "containerd", "7": "containerd",
               "docker.io/library/web:7": "containerd", entries[1]["digest"]: "x:2"}
    for name, expected in wanted.items():
        check_equal(motd(context, f"oci://a:b:{name}"), expected)
        check_equal(motd(context, f"file://x.tar:{name}"), expected)
    for reference in ("oci://a:b:none", "file://x.tar:none:1"):
        check_refused(context.image_tool("resolve", reference), "no image called none", "x:2", "docker.io/library/web:7")
    for reference in ("oci://a:b", "file://x.tar"):
        check_refused(context.image_tool("resolve", reference), "several", ":NAME", "x:2", "docker.io/library/web:7")


def docker_save(path, *images):
    """An archive as `docker save` writes it of (tags, text, architecture)."""
    manifest = []
    with tarfile.open(path, "w") as tar:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))

        for tags, text, architecture in images:
            layer = Layer("none").file("motd", text).raw()
            config = json.dumps({"architecture": architecture, "os": "linux", "config": {"Cmd": ["/x"]},
                                 "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}}).encode()
            name = hashlib.sha256(config).hexdigest()
            add(f"{name}/layer.tar", layer)
            add(f"{name}.json", config)
            manifest.append({"Config": f"{name}.json", "RepoTags": tags, "Layers": [f"{name}/layer.tar"]})
        add("manifest.json", json.dumps(manifest).encode())


@test
def docker_archives(context):
    docker_save(context.scratch / "a.tar", (["app:amd"], "amd", "amd64"), (["app:1", "example.org/app:x"], "one", "riscv64"))
    for reference in ("file://a.tar", "file://a.tar:app:1", "file://a.tar:docker.io/library/app:1", "file://a.tar:example.org/app:x"):
        check_equal(motd(context, reference), "one", reference)
    check_refused(context.image_tool("resolve", "file://a.tar:app:amd"), "linux/amd64")
    check_refused(context.image_tool("resolve", "file://a.tar:app:2"), "no image called app:2", "app:1", "example.org/app:x")
    docker_save(context.scratch / "b.tar", (["x:1"], "one", "riscv64"), (["x:2"], "two", "riscv64"))
    check_equal(motd(context, "file://b.tar:x:2"), "two")
    check_refused(context.image_tool("resolve", "file://b.tar"), "several", "x:1, x:2")
    data = (context.scratch / "a.tar").read_bytes()
    for program in ("gzip", "bzip2", "xz", "zstd"):
        done = subprocess.run([program, "-c"], input=data, stdout=subprocess.PIPE, check=True)
        (context.scratch / f"c.{program}").write_bytes(done.stdout)
        check_equal(motd(context, f"file://c.{program}"), "one", program)


@test
def what_cannot_be_read_is_no_hindrance(context):
    layout = Layout(context.scratch / "layout")
    image = one(layout, "image")
    absent = one(layout, "absent")
    layout.blob_path(absent["digest"]).unlink()
    top(layout, [absent, image])
    check_equal(motd(context, "oci://layout"), "image")
    top(layout, [absent])
    check_refused(context.image_tool("resolve", "oci://layout"), absent["digest"][7:], "missing")


@test
def odd_but_legal_documents(context):
    layout = Layout(context.scratch / "layout")
    layer, diff_id = Layer().file("motd", "odd").add_to(layout)
    del layer["size"]
    config = ('\ufeff{"architecture":"amd64","architecture":"riscv64","os":"linux","x":[null],"config":{"Cmd":["/x"]},'
              f'"history":[{{"comment":"a\\u0000b"}}],"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}')
    manifest = {"schemaVersion": 2, "config": layout.blob(config.encode(), "application/vnd.docker.container.image.v1+json"),
                "layers": [layer], "new": {"field": 1}}
    descriptor = layout.blob(manifest, "application/vnd.docker.distribution.manifest.v2+json")
    top(layout, [{"digest": descriptor["digest"]}])
    check_equal(motd(context, "oci://layout"), "odd")


@test
def sha512_digests(context):
    layout = Layout(context.scratch / "layout")
    (layout.path / "blobs/sha512").mkdir()

    def blob(data):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        name = hashlib.sha512(data).hexdigest()
        (layout.path / "blobs/sha512" / name).write_bytes(data)
        return "sha512:" + name

    raw = Layer("none").file("motd", "long").raw()
    config = blob({"architecture": "riscv64", "os": "linux", "config": {"Cmd": ["/x"]},
                   "rootfs": {"type": "layers", "diff_ids": ["sha512:" + hashlib.sha512(raw).hexdigest()]}})
    manifest = {"schemaVersion": 2, "config": {"digest": config}, "layers": [{"digest": blob(raw)}]}
    top(layout, [{"digest": blob(manifest)}])
    subprocess.run(["tar", "-C", layout.path, "-cf", context.scratch / "x.tar", "."], check=True)
    check_equal(motd(context, "oci://layout"), "long")
    check_equal(motd(context, "file://x.tar"), "long")
    (layout.path / "blobs/sha512" / manifest["layers"][0]["digest"][7:]).write_bytes(raw + b"\0")
    context.cache_clear()
    check_refused(context.image_tool("resolve", "oci://layout"), "layer 1", "corrupt")


@test
def blobs_that_are_links(context):
    layout = Layout(context.scratch / "layout")
    top(layout, [one(layout, "linked")])
    blobs = layout.path / "blobs/sha256"
    store = layout.path / "store"
    store.mkdir()
    for path in list(blobs.iterdir()):
        path.rename(store / path.name)
        path.symlink_to("../../store/" + path.name)
    check_equal(motd(context, "oci://layout"), "linked")
    context.cache_clear()
    store.rename(context.scratch / "store")
    store.symlink_to("../store")
    check_refused(context.image_tool("resolve", "oci://layout"), "out of the layout")
    for path in list(blobs.iterdir()):
        path.unlink()
        path.symlink_to(context.scratch / "store" / path.name)
    check_refused(context.image_tool("resolve", "oci://layout"), "out of the layout")


@test
def links_in_an_archive_stay_inside(context):
    layout = Layout(context.scratch / "layout")
    top(layout, [one(layout, "archive")])
    victim = context.scratch / "victim"
    victim.write_text("untouched")
    blobs = sorted((layout.path / "blobs/sha256").iterdir())
    with tarfile.open(context.scratch / "x.tar", "w") as tar:
        for path in blobs:
            link = tarfile.TarInfo("blobs/sha256/" + path.name)
            link.type, link.linkname = tarfile.SYMTYPE, str(victim)
            tar.addfile(link)
        tar.add(layout.path, ".")
    check_equal(motd(context, "file://x.tar"), "archive")
    check_equal(victim.read_text(), "untouched")
    with tarfile.open(context.scratch / "y.tar", "w") as tar:
        tar.add(layout.path / "index.json", "index.json")
        for path in blobs[1:]:
            tar.add(path, "blobs/sha256/" + path.name)
        tar.add(blobs[0], "blobs/sha256/" + "0" * 64)
        link = tarfile.TarInfo("blobs/sha256/" + blobs[0].name)
        link.type, link.linkname = tarfile.SYMTYPE, "0" * 64
        tar.addfile(link)
    check_equal(motd(context, "file://y.tar"), "archive")


@test
def layers_that_nobody_can_read(context):
    layout = Layout(context.scratch / "layout")
    descriptor = one(layout, "x")
    manifest = json.loads(layout.blob_path(descriptor["digest"]).read_text())
    layer = manifest["layers"][0]
    for change, part in (({"mediaType": MEDIA + "layer.v1.tar+gzip+encrypted"}, "encrypted"),
                         ({"mediaType": MEDIA + "layer.nondistributable.v1.tar", "urls": ["https://example.org/x"],
                           "digest": "sha256:" + "0" * 64}, "network")):
        manifest["layers"] = [{**layer, **change}]
        top(layout, [layout.blob(manifest, descriptor["mediaType"])])
        check_refused(context.image_tool("resolve", "oci://layout"), "layer 1", part)
