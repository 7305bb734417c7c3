# SPDX-License-Identifier: MIT
"""Suites of docker's API that others have written, out of Debian's source packages (tools/e2e/suites/sources.lock), and what they need:
images by their own names of the world's registries, which a proxy leads to one of ours, and a podman that is docker."""

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from debian import cache_directory, cache_lock, file_digest, mirror
from harness import ROOT, Skip, check, free_port
from oci import Image, Layer, write_layout
from registry import Fake, Proxy, make_certificate
from test_engine import Engine
from test_engine_containers import Docker

SUITES = ROOT / "tools/e2e/suites"
HOSTS = ("quay.io", "registry-1.docker.io", "index.docker.io", "docker.io")
APPLETS = ("ash base64 basename cat chmod chown cp cut date dd df dirname du echo env expr false find free grep gzip head hostname id ifconfig ip kill "
           "killall ln ls md5sum mkdir mknod mount mv nc nslookup ping printenv printf ps pwd readlink rm rmdir sed seq sh sha256sum sleep sort stat "
           "stty sync tail tar tee test top touch tr true tty umount uname uniq usleep vi wc wget which whoami xargs yes").split()
PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
# What stands for an image: a shell, and a file that makes it another image than the others.
IMAGES = {"libpod/alpine": {}, "libpod/alpine_labels": {"PODMAN": "labels"}, "libpod/busybox": {}, "libpod/testimage:20200929": {},
          "libpod/testimage:20210610": {}, "library/alpine": {}, "library/alpine:3.10": {}, "library/busybox": {}, "library/hello-world": {}}
PATIENCE = 2400
UNTAR = {".xz": "xJf", ".gz": "xzf"}


def source(name):
    """The unpacked source package, in the cache. Skips the test when the mirror has it no more."""
    line = next(line for line in (SUITES / "sources.lock").read_text().splitlines() if line.startswith(name + " "))
    _, digest, path = line.split()
    directory = cache_directory() / "suites" / digest
    with cache_lock():
        if not (directory / "done").exists():
            fetch(directory, digest, path)
    return next(entry for entry in directory.iterdir() if entry.is_dir())


def fetch(directory, digest, path):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    archive = directory / Path(path).name
    try:
        with urllib.request.urlopen(f"{mirror().rstrip('/')}/{path}", timeout=300) as answer:
            archive.write_bytes(answer.read())
    except urllib.error.HTTPError as error:
        raise Skip(f"the mirror has no {path}: {error}") from error
    check(file_digest(archive) == digest, f"{archive.name} is not what is pinned")
    subprocess.run(["tar", UNTAR[archive.suffix], archive, "-C", directory], check=True)
    archive.unlink()
    (directory / "done").touch()


def image_layout(context, name, labels):
    shell = Layer().dir("bin").dir("etc").dir("home").dir("mnt").dir("root").dir("tmp", mode=0o1777).dir("var").dir("workspace")
    shell.file("bin/busybox", (ROOT / "third_party/busybox/busybox").read_bytes(), mode=0o755)
    for applet in APPLETS:
        shell.symlink("bin/" + applet, "busybox")
    shell.file("etc/passwd", PASSWD).file("etc/group", "root:x:0:\nnogroup:x:65534:\n")
    command = ["echo", "Hello from Docker!"] if "hello" in name else ["/bin/sh"]
    image = Image(shell, Layer().file("etc/image", name), Cmd=command, Env=["PATH=/usr/local/bin:/usr/bin:/bin"], Labels=labels)
    return write_layout(context.scratch / name.replace("/", "_").replace(":", "_"), image)


class World:
    """An engine whose registries are one of ours."""

    def __init__(self, context):
        self.context = context
        certificate, authority = make_certificate(context.scratch / "certificate", *HOSTS)
        self.fake = Fake(certificate=certificate)
        for name, labels in IMAGES.items():
            self.fake.add(name, image_layout(context, name, labels))
        self.proxy = Proxy(self.fake.server.server_port)
        self.engine = Engine(context, "--share", "/tmp", HTTPS_PROXY=self.proxy.address, STARINA_CA=str(authority), STARINA_MEMORY="3G")
        self.docker = Docker(context, self.engine)
        self.environment = {**self.docker.environment, "DOCKER": str(self.docker.program), "PODMAN": str(SUITES / "podman"),
                            "CONTAINERS_HELPER_BINARY_DIR": str(SUITES), "TMPDIR": str(context.scratch),
                            "PATH": f"{SUITES}:{os.environ['PATH']}"}

    def clean(self):
        """As if nothing had run."""
        for what, removal in (("ps -aq", "rm -f"), ("images -q --no-trunc", "rmi -f"), ("volume ls -q", "volume rm"), ("network ls -q -f type=custom", "network rm")):
            ids = self.docker.text(*what.split()).split()
            if ids:
                self.docker(*removal.split(), *set(ids), status=None)

    def run(self, command, directory, **settings):
        """What it has written."""
        done = subprocess.run(command, cwd=directory, env={**self.environment, **settings}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        return done.stdout.decode(errors="replace")

    def stop(self):
        for server in (self.engine, self.proxy, self.fake):
            server.stop()


# What the tests ask of podman's own API, and docker's has as well: then it is asked of that.
OF_BOTH = ((r"libpod/(images|containers)/json", r"\1/json"),
           (r"libpod/containers/(\S+)/(json|start|stop|pause|unpause)\b", r"containers/\1/\2"),
           (r"DELETE libpod/containers/(\S+) +200.*", r"DELETE containers/\1 204"),
           (r"libpod/images/(\S+)/json", r"images/\1/json"),
           (r"DELETE libpod/images/(\S+) +200$", r"DELETE images/\1 200"),
           # It ends at a time that the client names.
           (r"events\?stream=false", "events?until=$(date +%s)"))


def run_apiv2(world, name):
    """One file of podman's test/apiv2. A command of podman's that fails ends that test alone, not the whole file."""
    tests = world.context.scratch / "apiv2"
    if not tests.exists():
        shutil.copytree(source("libpod") / "test/apiv2", tests)
        for file in tests.glob("*.at"):
            text = file.read_text()
            for theirs, docker in OF_BOTH:
                text = re.sub(theirs, docker, text, flags=re.MULTILINE)
            file.write_text(text)
        program = tests / "test-apiv2"
        program.write_text(program.read_text().replace("trap err_handler ERR\n", ""))
    return world.run([tests / "test-apiv2", name], tests, PODMAN_SERVICE_PORT=str(free_port()))


class Expected:
    """A file of what is known to fail: regular expressions of names, below lines `# reason`. What may pass as well begins with `? `."""

    def __init__(self, name):
        lines = [line for line in (SUITES / name).read_text().splitlines() if line and not line.startswith("#")]
        self.rules = [line.removeprefix("? ") for line in lines]
        self.used = {line.removeprefix("? ") for line in lines if line.startswith("? ")}

    def knows(self, failure):
        matching = [rule for rule in self.rules if re.search(rule, failure)]
        self.used.update(matching)
        return bool(matching)


def judge(expected, said, results):
    """Counts what passed and failed into `results`; returns the failures that nobody expects."""
    unknown, context = [], []
    for line in said.splitlines():
        if re.match(r"(not )?ok ", line):
            failed = line.startswith("not")
            results[failed] += 1
            name = re.sub(r"^(not )?ok (\d+ )?", "", line)
            context = unknown if failed and not expected.knows(name) else []
            context.append(name)
        elif line.startswith("#") and context is unknown:
            context.append("   " + line)
        elif re.match(r"test-apiv2: |Traceback", line):
            results[True] += 1
            if not expected.knows(line):
                unknown.append(line)
    return unknown
