# SPDX-License-Identifier: MIT
"""What containers write, through ./run.sh --engine: kept until they are removed."""

import io
import os
import re
import signal
import subprocess
import tarfile
import time
from pathlib import Path

from harness import check, check_equal, test
from test_engine import PATIENCE, Engine
from test_engine_containers import IMAGE, Docker, make_image, start

STORE = "/engine/layers"


def layers(context):
    """The files of layers on the state disk of a machine that was stopped, which is clean: the journal has nothing to be done again."""
    disk = context.scratch / "state.img"
    shown = subprocess.run(["/sbin/dumpe2fs", "-h", disk], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    check("needs_recovery" not in shown and re.search(r"Filesystem state: *clean\n", shown), shown)
    fsck = subprocess.run(["/sbin/e2fsck", "-fn", disk], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    check_equal(fsck.returncode, 0, fsck.stdout)
    listing = subprocess.run(["/sbin/debugfs", "-R", f"ls -p {STORE}", disk], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return [line.split("/")[5] for line in listing.stdout.splitlines() if line and line.split("/")[5] not in (".", "..")]


def cut_off(engine):
    """The machine's end, as at a power cut."""
    children = Path(f"/proc/{engine.process.pid}/task/{engine.process.pid}/children").read_text(encoding="ascii").split()
    for child in children:
        if b"-kernel" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
    engine.process.wait()


@test
def layers_are_kept(context):
    """Over stop and start, a restart, kills of fs, and a machine that is cut off; `rm` removes them."""
    context.boot_image("starina-reaper")
    engine = start(context)
    docker = Docker(context, engine)
    loop = "date() { cat /count 2>/dev/null || echo 0; }; echo $(($(date) + 1)) > /count; cat /count; exec sleep 1000"
    first = docker.text("run", "-d", "--name", "kept", IMAGE, "sh", "-c", loop)
    docker("restart", "-t", "0", "kept")
    docker("stop", "-t", "0", "kept")
    attached = docker.text("run", "--rm", IMAGE, "sh", "-c", "seq 100000 > /big; wc -c < /big")
    check_equal(attached, "588895")
    small = docker("run", "--rm", "--storage-opt", "size=32m", IMAGE, "sh", "-c", "while cat /bin/busybox; do :; done > /full")
    check(b"No space left on device" in small.stderr, small.stderr)
    refused = docker("create", "--storage-opt", "size=1k", IMAGE, status=1)
    check(b"16m to 256g" in refused.stderr, refused.stderr)
    # The layer of one that never ran is not made, and those of --rm are gone.
    never = docker.text("create", "--name", "never", IMAGE, "true")
    docker("start", "kept")
    engine.stop()
    check_equal(layers(context), [first])
    engine = start(context)
    docker = Docker(context, engine)
    check_equal(docker.text("ps", "-aq", "--no-trunc", "--filter", "status=created"), never)
    check_equal(docker.text("start", "-a", "never"), "")
    # Cut off while it runs: what was synced before is there, and the next start finds it.
    script = "cat /a 2>/dev/null | wc -c; seq 50000 > /a; sync; while seq 20000 > /b && sync && [ $(cat /b | wc -c) = 108894 ]; do echo synced; done"
    running = subprocess.Popen([docker.program, "run", "--name", "written", IMAGE, "sh", "-c", script], env=docker.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    check_equal([running.stdout.readline() for _ in range(2)], [b"0\n", b"synced\n"])
    cut_off(engine)
    running.wait()
    # fs is killed meanwhile: the disk is back soon, and the container goes on.
    engine = Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="2G",
                    STARINA_APPEND="reaper.target=fs reaper.count=3 reaper.pause=2000")
    docker = Docker(context, engine)
    check_equal(docker.text("inspect", "-f", "{{.State.ExitCode}}", "written"), "255")
    running = subprocess.Popen([docker.program, "start", "-a", "written"], env=docker.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    check_equal([running.stdout.readline() for _ in range(2)], [b"288894\n", b"synced\n"])
    engine.log.wait_for("done: httpd answered each time")
    docker("exec", "written", "sh", "-c", "seq 1000 > /c && sync && cat /c | wc -c")
    docker("kill", "written")
    check(running.stdout.read().count(b"synced\n") > 0, "the container's disk is gone")
    running.wait()
    docker("rm", "kept", "never", "written")
    engine.stop()
    check_equal(layers(context), [])


def tree(path):
    """What is below a folder: kinds, modes, contents."""
    found = {}
    for entry in sorted(path.rglob("*")):
        name = str(entry.relative_to(path))
        if entry.is_symlink():
            found[name] = os.readlink(entry)
        else:
            found[name] = (oct(entry.stat().st_mode), entry.read_bytes() if entry.is_file() else None)
    return found


@test
def files_are_copied(context):
    """docker cp out of a container, and into it, while it runs and when it does not."""
    engine = start(context)
    docker = Docker(context, engine)
    there = context.scratch / "there"
    (there / "sub/deep").mkdir(parents=True)
    (there / "sub/file").write_bytes(b"content\n" * 50000)
    (there / "sub/file").chmod(0o640)
    (there / "sub/deep" / ("n" * 200)).write_bytes(b"")
    (there / "sub/link").symlink_to("deep")
    docker("run", "-d", "--name", "box", IMAGE, "sh", "-c", "echo here > /tmp/one; ln -s /tmp/one /link; exec sleep 1000")
    while docker("cp", "box:/link", "-", status=None).returncode != 0:
        pass
    check_equal(docker("exec", "box", "cat", "/link").stdout, b"here\n")
    copies_both_ways(context, docker, there)
    refusals(context, docker)
    stopped(context, docker, there)
    docker("rm", "-f", "box")
    engine.stop()


def copies_both_ways(context, docker, there):
    back = context.scratch / "back"
    docker("cp", there, "box:/tmp/new")
    docker("cp", there, "box:/tmp")
    docker("cp", f"{there}/.", "box:/tmp/there/again", status=None)
    docker("cp", there / "sub/file", "box:/tmp/renamed")
    back.mkdir()
    docker("cp", "box:/tmp/new", back / "new")
    check_equal(tree(back / "new"), tree(there))
    docker("cp", "box:/tmp/there/.", back)
    check_equal((back / "sub/file").read_bytes(), (there / "sub/file").read_bytes())
    docker("cp", "box:/tmp/renamed", back / "single")
    check_equal((back / "single").read_bytes(), (there / "sub/file").read_bytes())
    # A link is copied as one, and followed when that is asked for.
    docker("cp", "box:/link", back / "link")
    check_equal(os.readlink(back / "link"), "/tmp/one")
    docker("cp", "-L", "box:/link", back / "followed")
    check_equal((back / "followed").read_bytes(), b"here\n")
    # By stdin and stdout, as an archive.
    with tarfile.open(fileobj=io.BytesIO(docker("export", "box").stdout)) as tar:
        check_equal(tar.extractfile("tmp/new/sub/file").read(), (there / "sub/file").read_bytes())
        check(not [name for name in tar.getnames() if name.startswith(("proc/", "sys/", "dev/"))], tar.getnames())
    archive = docker("cp", "box:/tmp/new", "-").stdout
    docker("cp", "-", "box:/tmp/there", stdin=archive)
    docker("cp", "box:/tmp/there/new", back / "third")
    check_equal(tree(back / "third"), tree(there))


def refusals(context, docker):
    for args, says in ((("box:/nothing", "-"), "Could not find the file /nothing in container box"),
                       ((context.scratch / "there", "box:/tmp/one"), "cannot copy directory"),
                       ((context.scratch / "there/sub/file", "box:/none/x"), "Could not find the file /none")):
        done = docker("cp", *args, status=1)
        check(says in done.stderr.decode(), (args, done.stderr))


def room_is_given_back(docker):
    """What a container has removed does not take up room for ever: its file system's discards reach the state disk."""
    def size():
        return int(docker.text("inspect", "-s", "-f", "{{.SizeRw}}", "box"))

    docker("exec", "box", "busybox", "dd", "if=/dev/zero", "of=/blob", "bs=1M", "count=64")
    docker("exec", "box", "busybox", "sync")
    check(size() > 64 << 20, size())
    docker("exec", "box", "busybox", "rm", "/blob")
    docker("exec", "box", "busybox", "sync")
    deadline = time.monotonic() + PATIENCE
    while size() > 32 << 20:
        check(time.monotonic() < deadline, size())
        time.sleep(0.2)


def stopped(context, docker, there):
    room_is_given_back(docker)
    docker("stop", "-t", "0", "box")
    size = int(docker.text("inspect", "-s", "-f", "{{.SizeRw}}", "box"))
    check(2 * 400000 < size < 32 << 20, size)
    docker("cp", there / "sub/file", "box:/tmp/late")
    docker("cp", "box:/tmp/new", context.scratch / "back/fourth")
    check_equal(tree(context.scratch / "back/fourth"), tree(there))
    # A start waits for the end of who looks at the files.
    docker("start", "box")
    check_equal(docker("exec", "box", "cat", "/tmp/late").stdout, (there / "sub/file").read_bytes())
    docker("create", "--name", "fresh", IMAGE, "cat", "/tmp/given")
    (context.scratch / "given").write_bytes(b"given\n")
    docker("cp", context.scratch / "given", "fresh:/tmp/given")
    check_equal(docker.text("start", "-a", "fresh"), "given")
    docker("cp", "fresh:/tmp/given", context.scratch / "taken")
    docker("rm", "fresh")
    docker("create", "--name", "sealed", "--read-only", IMAGE)
    done = docker("cp", context.scratch / "given", "sealed:/tmp/given", status=1)
    check(b"read-only" in done.stderr, done.stderr)
    docker("rm", "sealed")
