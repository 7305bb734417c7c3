# SPDX-License-Identifier: MIT
"""What containers have written, and images of it: docker diff, commit, save and load, export and import."""

import gzip
import io
import json
import tarfile

from harness import check, check_equal, test
from test_engine_containers import IMAGE, Docker, start

# Made in a container; `b` is busybox.
SCRIPT = r"""
b() { /bin/busybox "$@"; }
cd /; b mkdir -p tree/empty tree/owned; echo one > tree/one; b ln tree/one tree/two; b ln -s ../bin tree/link
b mknod tree/null c 1 3; b mkfifo -m 600 tree/fifo; echo s > tree/owned/suid; b chown 5:6 tree/owned/suid; b chmod 4755 tree/owned/suid
b chmod 1777 tree/owned; echo n > "tree/new
line"; echo w > tree/.wh.tree; seq 60000 > tree/big; b touch -d '2001-02-03 04:05:06' tree/one tree/empty
b rm /bin/tty; b rm -r /tmp; b mkdir /tmp; echo t > /tmp/again; b chmod 700 /tmp
"""


def archive_of(docker, container):
    return tarfile.open(fileobj=io.BytesIO(docker("export", container).stdout))


def contents(archive):
    """What an archive of a container's files has, but for what the engine writes into each."""
    found, links = {}, {}
    for entry in archive:
        name = entry.name.rstrip("/")
        if name.split("/")[0] in ("dev", "proc", "sys", "etc"):
            continue
        if entry.islnk():
            links.setdefault(entry.linkname, []).append(name)
            continue
        data = archive.extractfile(entry).read() if entry.isreg() else b""
        attributes = {key: value for key, value in entry.pax_headers.items() if key.startswith("SCHILY.xattr.")}
        found[name] = (entry.type, oct(entry.mode), entry.uid, entry.gid, entry.linkname, entry.mtime, entry.devmajor, entry.devminor, data, attributes)
    # Which name of a file comes first is the folder's own affair.
    for name, others in links.items():
        names = sorted([name, *others])
        found.update({each: (*found[name], names) for each in names})
    return found


def with_capability():
    """A file with an attribute that only root can set."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("capable")
        entry.mode = 0o755
        entry.mtime = 1000000
        # cap_net_raw+ep (Linux, struct vfs_cap_data of version 2)
        entry.pax_headers = {"SCHILY.xattr.security.capability": b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0".decode("latin-1")}
        archive.addfile(entry)
    return out.getvalue()


def make_tree(docker):
    docker("run", "--name", "box", IMAGE, "sh", "-c", SCRIPT)
    docker("cp", "-", "box:/tree", stdin=with_capability())
    changes = docker("diff", "box").stdout.decode().split("\n")
    for line in ("A /tree", "A /tree/one", "A /tree/two", "A /tree/new", "line", "A /tree/capable", "C /bin", "D /bin/tty", "C /tmp", "A /tmp/again"):
        check(line in changes, f"{line!r} is not in {changes}")
    check(not any("/etc" in line or "/dev" in line for line in changes), changes)
    docker("run", "--name", "idle", "-v", "/volume", IMAGE, "true")
    check_equal(docker.text("diff", "idle"), "")
    return contents(archive_of(docker, "box"))


def same_files(docker, image, wanted):
    docker("create", "--name", "copy", image, "true")
    found = contents(archive_of(docker, "copy"))
    docker("rm", "copy")
    # The root's own time is the layer's.
    check_equal(sorted(found), sorted(wanted), image)
    for name, value in wanted.items():
        check_equal(found[name], value, f"{image}: {name}")


def shown_to(engine, version):
    """Of the container that an image was made of, and the image of that one."""
    shown = json.loads(engine.get(f"/v{version}/images/made:1/json")[1])
    return shown.get("Container"), shown["ContainerConfig"].get("Image"), shown.get("VirtualSize") == shown["Size"]


def committed(engine, docker, wanted):
    image = docker.text("commit", "-m", "why", "-a", "me", "-c", 'CMD ["cat","/tree/one"]', "-c", "ENV X=$IMAGE-y",
                        "-c", "HEALTHCHECK --interval=1h CMD true", "-c", "STOPSIGNAL USR1", "-c", "LABEL of=image own=image", "box", "made:1")
    check_equal(docker.text("run", "--rm", "made:1"), "one")
    check_equal(docker.text("run", "--rm", "made:1", "sh", "-c", "echo $X"), "shell-y")
    # A name as of a whiteout is no file's that an image can have.
    wanted = {name: value for name, value in wanted.items() if "/.wh." not in name}
    same_files(docker, "made:1", wanted)
    shown = json.loads(docker("inspect", "made:1").stdout)[0]
    check_equal(shown["Config"]["Healthcheck"], {"Test": ["CMD-SHELL", "true"], "Interval": 3600 * 10**9})
    check_equal((shown["Id"], shown["Author"], shown["Comment"], len(shown["RootFS"]["Layers"])), (image, "me", "why", 2))
    box = docker.text("inspect", "-f", "{{.Id}}", "box")
    check_equal([shown_to(engine, version) for version in ("1.43", "1.44", "1.45")], [(box, IMAGE, True), (box, IMAGE, False), (None, IMAGE, False)])
    check_equal(shown["Parent"], docker.text("inspect", "-f", "{{.Id}}", IMAGE))
    check_equal(docker.text("history", "--format", "{{.Comment}}", "made:1").split("\n")[0], "why")
    check_equal(docker.text("events", "--since", "0", "--until", "0s", "--filter", "event=commit", "--format", "{{.Actor.Attributes.imageID}}"), image)
    for change, says in (("RUN true", "run is not a valid change command"), ("BOGUS", "unknown instruction: bogus")):
        check(says in docker("commit", "-c", change, "box", status=1).stderr.decode(), change)
    check(b"No such container" in docker("commit", "nosuch", status=1).stderr, "nosuch")
    return wanted


def of_one_that_runs(docker):
    docker("run", "-d", "--name", "runs", "-l", "own=one", "made:1", "sh", "-c", "trap 'exit 7' USR1; while :; do echo x >> /log; done")
    docker("exec", "runs", "sh", "-c", "while [ ! -s /log ]; do :; done")
    docker("pause", "runs")
    docker("commit", "runs", "again:1")
    check_equal(docker.text("inspect", "-f", "{{.State.Status}}", "runs"), "paused")
    docker("unpause", "runs")
    docker("commit", "runs", "again:2")
    check_equal(docker.text("inspect", "-f", "{{.State.Status}}", "runs"), "running")
    docker("exec", "runs", "sh", "-c", "n=$(wc -c < /log); while [ $(wc -c < /log) = $n ]; do :; done")
    check("A /log" in docker.text("diff", "runs").split("\n"), "its log")
    lengths = [int(docker.text("run", "--rm", image, "wc", "-c", "/log").split()[0]) for image in ("again:1", "again:2")]
    check(0 <= lengths[0] <= lengths[1], lengths)
    # The signal that stops it and labels are the image's.
    check_equal(docker.text("ps", "--filter", "label=of=image", "--filter", "label=own=one", "--format", "{{.Names}}"), "runs")
    docker("stop", "runs")
    check_equal(docker.text("inspect", "-f", "{{.State.ExitCode}} {{.Config.StopSignal}} {{.Config.Labels}}", "runs"), "7 USR1 map[of:image own:one]")
    docker("rm", "runs")
    identity = docker.text("inspect", "-f", "{{.Id}}", "made:1")
    check(b"image has dependent child images" in docker("rmi", "-f", identity, status=1).stderr, "made:1 has children")
    docker("rmi", "again:1", "again:2")


def saved(docker, wanted):
    archive = docker("save", "made:1", IMAGE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        manifest = json.loads(files.extractfile("manifest.json").read())
        check_equal([item["RepoTags"] for item in manifest], [["made:1"], [IMAGE]])
        for item in manifest:
            check(len(json.loads(files.extractfile(item["Config"]).read())["rootfs"]["diff_ids"]) == len(item["Layers"]), item)
            with tarfile.open(fileobj=files.extractfile(item["Layers"][0])) as inner:
                check("bin/busybox" in inner.getnames(), item)
    archive = docker("save", "made").stdout
    identity = docker.text("inspect", "-f", "{{.Id}}", "made:1")
    docker("rmi", "made:1")
    check(b"made:1" in docker("load", stdin=archive).stdout, "made:1 is not loaded")
    # What was kept of it is the same image again, of which nothing is known but what the archive has.
    check_equal(docker.text("inspect", "-f", "{{.Id}}/{{.Parent}}", "made:1"), identity + "/")
    check_equal(docker("save", "made").stdout, archive)
    check_equal(docker.text("run", "--rm", "made:1"), "one")
    same_files(docker, "made:1", wanted)
    by_id = docker("save", docker.text("images", "-q", "made:1")).stdout
    with tarfile.open(fileobj=io.BytesIO(by_id)) as files:
        check_equal(json.loads(files.extractfile("manifest.json").read())[0]["RepoTags"], None)
    check(b"No such image" in docker("save", "nosuch:1", status=1).stderr, "nosuch:1")


def imported(docker, wanted):
    docker("create", "--name", "source", "made:1")
    exported = docker("export", "source").stdout
    docker("import", "-", "imported:1", stdin=exported)
    same_files(docker, "imported:1", wanted)
    docker("rm", "source")
    identity = docker.text("import", "-c", 'CMD ["cat","/tree/one"]', "-c", "ENV A=1 B=$A", "-", "imported:2", stdin=gzip.compress(exported))
    check_equal(docker.text("inspect", "-f", "{{.Config.Env}}", "imported:2"), "[A=1 B=]")
    check_equal(docker.text("run", "--rm", "imported:2"), "one")
    archive = docker("save", "imported:2").stdout
    docker("rmi", "imported:2")
    docker("load", stdin=archive)
    check_equal(docker.text("inspect", "-f", "{{.Id}}", "imported:2"), identity)
    docker("rmi", "imported:2")


@test
def images_of_containers(context):
    """Files of all kinds go through diff, commit, save and load, export and import as they are."""
    engine = start(context)
    docker = Docker(context, engine)
    wanted = committed(engine, docker, make_tree(docker))
    of_one_that_runs(docker)
    saved(docker, wanted)
    imported(docker, wanted)
    docker("rm", "box", "idle")
    docker("rmi", "made:1", "imported:1")
    check_equal(docker.text("images", "-a", "--format", "{{.Repository}}"), IMAGE.split(":", maxsplit=1)[0])
    engine.stop()
