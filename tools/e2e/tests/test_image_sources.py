# SPDX-License-Identifier: MIT
"""Where images come from, and what is said when one cannot be had. Nothing is booted."""

import base64
import gzip
import json
import os
import shutil
import subprocess
import tarfile
import threading

from harness import Skip, check, check_equal, check_refused, test
from oci import Image, Layer, write_layout
from registry import Registry


def small(architecture="riscv64", text="hi", compression="gzip"):
    return Image(Layer(compression).dir("etc").file("etc/motd", text), architecture=architecture, Cmd=["/x"])


def registry(context):
    return context.once("registry", lambda directory: Registry(directory).start())


def content(context, image, path):
    return subprocess.run(["rdsquashfs", "-c", "/rootfs" + path, image / "root.squashfs"], check=True,
                          stdout=subprocess.PIPE).stdout


def docker_archive(context, layout, path):
    subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--override-arch=riscv64", f"oci:{layout.path}:latest",
                    f"docker-archive:{path}:test:latest"], check=True, stdout=subprocess.DEVNULL)


@test
def unknown_scheme(context):
    check_refused(context.run(LINUXRUN_IMAGE="ftp://x/y"), '"ftp://x/y"', "docker://", "file://", "oci://")
    check_refused(context.run(LINUXRUN_IMAGE="hello-world"), '"hello-world"', "docker://")


@test
def missing_file(context):
    check_refused(context.run(LINUXRUN_IMAGE="file:///no/such.tar"), "/no/such.tar", "No such file")
    check_refused(context.run(LINUXRUN_IMAGE="oci://nowhere"), "nowhere", "No such file")


@test
def file_that_is_no_archive(context):
    (context.scratch / "x").write_bytes(b"not a tar\n" * 200)
    check_refused(context.run(LINUXRUN_IMAGE="file://x"), "file://x", "tar archive")
    with tarfile.open(context.scratch / "y.tar", "w") as tar:
        tar.add(context.scratch / "x", "x")
    check_refused(context.run(LINUXRUN_IMAGE="file://y.tar"), "file://y.tar", "manifest.json")
    check_equal(context.cache_leftovers(), [])


@test
def no_riscv64_in_layout(context):
    write_layout(context.scratch / "amd64", small("amd64"))
    check_refused(context.run(LINUXRUN_IMAGE="oci://amd64"), "oci://amd64", "linux/riscv64", "linux/amd64")
    write_layout(context.scratch / "many", small("amd64"), small("arm64"))
    check_refused(context.run(LINUXRUN_IMAGE="oci://many"), "linux/amd64, linux/arm64")


@test
def no_riscv64_in_registry(context):
    layout = write_layout(context.scratch / "many", small("amd64"), small("arm64"))
    reference = registry(context).push(layout, "noriscv:1")
    check_refused(context.run(LINUXRUN_IMAGE=reference), reference, "linux/riscv64", "linux/amd64, linux/arm64")
    layout = write_layout(context.scratch / "one", small("amd64"))
    reference = registry(context).push(layout, "noriscv:2")
    check_refused(context.run(LINUXRUN_IMAGE=reference), reference, "linux/riscv64", "linux/amd64")
    check_equal(context.cache_leftovers(), [])


@test
def no_riscv64_in_docker_archive(context):
    layout = write_layout(context.scratch / "amd64", small("amd64"))
    subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--override-arch=amd64",
                    f"oci:{layout.path}:latest", f"docker-archive:{context.scratch}/a.tar:x:1"], check=True,
                   stdout=subprocess.DEVNULL)
    check_refused(context.run(LINUXRUN_IMAGE="file://a.tar"), "file://a.tar", "linux/riscv64", "linux/amd64")


@test
def registry_without_the_image(context):
    reference = "docker://" + registry(context).name("nothing:here")
    check_refused(context.run(LINUXRUN_IMAGE=reference), reference, "manifest unknown")


@test
def registry_that_wants_a_login(context):
    private = Registry(context.scratch / "private", "alice", "secret").start()
    try:
        reference = private.push(write_layout(context.scratch / "layout", small(text="private")), "private:1")
        host = f"127.0.0.1:{private.port}"
        home = context.scratch / "home"
        (home / ".docker").mkdir(parents=True)
        check_refused(context.run(LINUXRUN_IMAGE=reference, HOME=home), reference, "log in", f"skopeo login {host}")
        good = {"auths": {host: {"auth": base64.b64encode(b"alice:secret").decode()}}}
        wrong = {"auths": {host: {"auth": base64.b64encode(b"alice:wrong").decode()}}}
        (home / ".docker/config.json").write_text(json.dumps(wrong))
        check_refused(context.run(LINUXRUN_IMAGE=reference, HOME=home), reference, "log in")
        # Where docker and skopeo keep their logins.
        (home / "config.json").write_text(json.dumps(good))
        for settings in ({"DOCKER_CONFIG": home}, {"REGISTRY_AUTH_FILE": home / "config.json"}):
            shutil.rmtree(context.cache)
            result = context.image_tool("resolve", reference, HOME=home, **settings)
            check(result.status == 0, result)
        shutil.rmtree(context.cache)
        (home / ".docker/config.json").write_text(json.dumps(good))
        check(context.image_tool("resolve", reference, HOME=home).status == 0)
    finally:
        private.stop()


@test
def multi_arch_index_from_registry(context):
    layout = write_layout(context.scratch / "many", small("amd64", "amd64"), small("riscv64", "riscv64"))
    reference = registry(context).push(layout, "multi:1")
    image = context.resolve(reference)
    check_equal(content(context, image, "/etc/motd"), b"riscv64")
    digest = json.loads((layout.path / "index.json").read_text())["manifests"][0]["digest"]
    check_equal(context.resolve(reference.replace(":1", "@" + digest)), image, "by digest")


@test
def moved_tag_is_noticed(context):
    first = write_layout(context.scratch / "1", small(text="one"))
    second = write_layout(context.scratch / "2", small(text="two"))
    reference = registry(context).push(first, "moving:latest")
    one = context.resolve(reference)
    registry(context).push(second, "moving:latest")
    two = context.resolve(reference)
    check_equal(content(context, one, "/etc/motd"), b"one")
    check_equal(content(context, two, "/etc/motd"), b"two")


@test
def all_kinds_give_the_same_root_image(context):
    layout = write_layout(context.scratch / "layout", small(text="same"))
    roots = {"oci dir": context.resolve("oci://layout"),
             "oci dir by name": context.resolve("oci://layout:latest"),
             "registry": context.resolve(registry(context).push(layout, "same:1"))}
    subprocess.run(["tar", "-C", layout.path, "-cf", context.scratch / "oci.tar", "."], check=True)
    roots["oci tar"] = context.resolve("oci://oci.tar")
    roots["oci tar as file"] = context.resolve("file://oci.tar")
    docker_archive(context, layout, context.scratch / "docker.tar")
    roots["docker-archive"] = context.resolve("file://docker.tar")
    data = (context.scratch / "docker.tar").read_bytes()
    (context.scratch / "docker.tar.gz").write_bytes(gzip.compress(data))
    roots["docker-archive.gz"] = context.resolve("file://docker.tar.gz")
    expected = (roots["oci dir"] / "root.squashfs").read_bytes()
    for kind, image in roots.items():
        check_equal((image / "root.squashfs").read_bytes() == expected, True, kind)


@test
def second_run_starts_from_the_cache(context):
    layout = write_layout(context.scratch / "layout", small(text="cached"))
    docker_archive(context, layout, context.scratch / "a.tar")
    image = context.resolve("file://a.tar")
    before = os.stat(image / "root.squashfs").st_ino
    check_equal(context.resolve("file://a.tar"), image)
    check_equal(os.stat(image / "root.squashfs").st_ino, before, "packed again")


@test
def concurrent_runs_share_the_work(context):
    write_layout(context.scratch / "layout", Image(Layer().file("big", os.urandom(8 << 20)), Cmd=["/x"]))
    results = []

    def resolve():
        results.append(context.image_tool("resolve", "oci://layout"))

    threads = [threading.Thread(target=resolve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        check(result.status == 0, result)
    check_equal(len({result.stdout for result in results}), 1)
    check_equal(context.cache_leftovers(), [])


@test
def corrupt_layer(context):
    layout = write_layout(context.scratch / "layout", small(text="to be damaged"))
    manifest = json.loads(layout.blob_path(
        json.loads((layout.path / "index.json").read_text())["manifests"][0]["digest"]).read_text())
    layer = manifest["layers"][0]["digest"]
    blob = bytearray(layout.blob_path(layer).read_bytes())
    blob[len(blob) // 2] ^= 0xff
    layout.blob_path(layer).write_bytes(blob)
    check_refused(context.run(LINUXRUN_IMAGE="oci://layout"), "oci://layout", "layer 1", layer, "corrupt")
    layout.blob_path(layer).write_bytes(blob[:10])
    check_refused(context.run(LINUXRUN_IMAGE="oci://layout"), "layer 1", layer, "corrupt")
    layout.blob_path(layer).unlink()
    check_refused(context.run(LINUXRUN_IMAGE="oci://layout"), "layer 1", "missing")
    check_equal(context.cache_leftovers(), [])


@test
def corrupt_manifest(context):
    layout = write_layout(context.scratch / "layout", small())
    digest = json.loads((layout.path / "index.json").read_text())["manifests"][0]["digest"]
    layout.blob_path(digest).write_text("{}")
    check_refused(context.run(LINUXRUN_IMAGE="oci://layout"), digest, "corrupt")


@test
def corrupt_blob_in_registry(context):
    layout = write_layout(context.scratch / "layout", small(text="registry damage"))
    reference = registry(context).push(layout, "damaged:1")
    manifest = json.loads(layout.blob_path(
        json.loads((layout.path / "index.json").read_text())["manifests"][0]["digest"]).read_text())
    layer = manifest["layers"][0]["digest"].split(":")[1]
    data = registry(context).directory / f"data/docker/registry/v2/blobs/sha256/{layer[:2]}/{layer}/data"
    data.write_bytes(b"X" * data.stat().st_size)
    check_refused(context.run(LINUXRUN_IMAGE=reference), reference, "igest")
    check_equal(context.cache_leftovers(), [])


@test
def wrong_diff_id(context):
    layout = write_layout(context.scratch / "layout", small(text="right"))
    other = Layer().file("etc/motd", "wrong")
    descriptor = json.loads((layout.path / "index.json").read_text())["manifests"][0]
    manifest = json.loads(layout.blob_path(descriptor["digest"]).read_text())
    manifest["layers"] = [layout.blob(*other.blob())]
    layout.index([layout.blob(manifest, descriptor["mediaType"])])
    check_refused(context.run(LINUXRUN_IMAGE="oci://layout"), "layer 1", "corrupt", "uncompressed")


@test
def full_disk_while_caching(context):
    write_layout(context.scratch / "layout", Image(Layer("none").file("big", os.urandom(4 << 20)), Cmd=["/x"]))
    mount = context.scratch / "small"
    mount.mkdir()
    script = (f"mount -t tmpfs -o size=1m none {mount} && "
              f"STARINA_CACHE={mount} {context.build}/host/starina-image resolve oci://{context.scratch}/layout; "
              f"echo status $?; find {mount} -name 'run.*' -o -name root.squashfs")
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if b"status" not in done.stdout:
        raise Skip("no rights to mount a small file system: " + done.stderr.decode().strip())
    check_equal(done.stdout, b"status 125\n", done.stderr)
    check(b"No space left on device" in done.stderr and b"STARINA_CACHE" in done.stderr, done.stderr)


@test
def nothing_to_run(context):
    write_layout(context.scratch / "layout", Image(Layer().file("x")))
    check_refused(context.run(LINUXRUN_IMAGE="oci://layout"), "nothing to run", "LINUXRUN_ENTRYPOINT")


@test
def unknown_user(context):
    write_layout(context.scratch / "layout", Image(Layer().file("x"), Cmd=["/x"], User="nemo"))
    check_refused(context.run(LINUXRUN_IMAGE="oci://layout"), '"nemo"', "/etc/passwd")
