# SPDX-License-Identifier: MIT
"""What a container has of the host, by docker's client: folders, volumes, published ports."""

import io
import json
import re
import socket
import sys
import tarfile
import time
import urllib.error
import urllib.request

import software
from harness import PATIENCE, ROOT, check, check_equal, free_port, test
from oci import Image, Layer, write_layout
from test_engine import Engine, port_is_free
from test_engine_containers import Docker
from test_volume_work import GCC

sys.path.insert(0, str(ROOT / "tools"))
from starina.client import Address, Client  # noqa: E402  pylint: disable=wrong-import-position

IMAGE = "web:1"
PROGRAMS = ("sh", "echo", "cat", "ln", "ls", "mkdir", "touch", "rm", "mount", "grep", "httpd", "sleep", "id", "true", "dd")


def web_image(directory):
    """A web server that says so, with a volume that has something in it."""
    layer = Layer().dir("bin").file("bin/busybox", (ROOT / "third_party/busybox/busybox").read_bytes(), 0o755)
    for name in PROGRAMS:
        layer.symlink(f"bin/{name}", "busybox")
    layer.dir("www").file("www/index.html", "from the image\n").dir("data").file("data/seed", "seed\n", uid=5, gid=6)
    write_layout(directory, Image(layer, Cmd=["httpd", "-f", "-p", "80", "-h", "/www"], Env=["PATH=/bin"],
                                  ExposedPorts={"80/tcp": {}, "81/udp": {}}, Volumes={"/data": {}}))
    return directory


def start(context, share):
    share.mkdir(exist_ok=True)
    image = context.once("engine-web", web_image)
    return Engine(context, "--share", str(share), LINUXRUN_IMAGES=f"{IMAGE}=oci://{image}", STARINA_MEMORY="2G",
                  STARINA_DISK=str(context.scratch / "state.img"))


def fetch(port, path="/"):
    """What is served there, once something is: the emulator accepts before a container listens."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)


def refused(docker, says, *args, status=125):
    done = docker("run", "--rm", *args, status=status)
    check(says in done.stderr.decode(), done.stderr)


def check_folders(docker, share):
    """-v and --mount of folders and files of the host."""
    (share / "src").mkdir()
    (share / "src/file").write_text("of the host\n")
    check_equal(docker.text("run", "--rm", "-v", f"{share}/src:/src", "-w", "/src", IMAGE, "sh", "-c", "cat file; echo back > out"), "of the host")
    check_equal((share / "src/out").read_text(), "back\n")
    check_equal(docker.text("run", "--rm", "-v", f"{share}/src/file:/etc/file:ro", IMAGE, "cat", "/etc/file"), "of the host")
    done = docker("run", "--rm", "-v", f"{share}/made/by/it:/x:ro,Z", IMAGE, "touch", "/x/y", status=1)
    check(b"Read-only" in done.stderr and (share / "made/by/it").is_dir(), done.stderr)
    mount = f"type=bind,source={share}/src,target=/m"
    check_equal(docker.text("run", "--rm", "--mount", mount + ",readonly,bind-propagation=rslave", IMAGE, "ls", "/m"), "file\nout")
    refused(docker, f"bind source path does not exist: {share}/none", "--mount", f"type=bind,source={share}/none,target=/m", IMAGE)
    for verb in ("create", "run"):
        done = docker(verb, "--mount", f"type=bind,source={share}/none,target=/m", "--name", "none", IMAGE, status=None)
        check(b'invalid mount config for type "bind": bind source path does not exist' in done.stderr and done.returncode, done)
    docker("create", "--name", "later", "--mount", f"type=bind,source={share}/src,target=/m", "-v", f"{share}/later:/l", IMAGE, "ls", "/m")
    check(not (share / "later").exists())
    # docker cp sees what is mounted in one that does not run, too.
    with tarfile.open(fileobj=io.BytesIO(docker("cp", "later:/m/out", "-").stdout)) as tar:
        check_equal(tar.extractfile("out").read(), b"back\n")
    docker("cp", share / "src/file", "later:/l/copied")
    check_equal((share / "later/copied").read_text(), "of the host\n")
    docker("cp", share / "src/file", "later:/data/copied")
    (share / "src").rename(share / "gone")
    check(b"bind source path does not exist" in docker("start", "later", status=1).stderr)
    (share / "gone").rename(share / "src")
    check_equal(docker.text("start", "-a", "later"), "file\nout")
    docker("rm", "-v", "later")
    docker("create", "--name", "sealed", "--read-only", "-v", f"{share}/src:/m", "-v", f"{share}/src:/ro:ro", IMAGE, "cat", "/m/put")
    for place, says in (("/www", b"container rootfs is marked read-only"), ("/ro", b"mounted volume is marked read-only")):
        done = docker("cp", share / "src/file", f"sealed:{place}/put", status=1)
        check(says in done.stderr, done.stderr)
    docker("cp", share / "src/file", "sealed:/m/put")
    check_equal(docker.text("start", "-a", "sealed"), "of the host")
    docker("rm", "-v", "sealed")
    (share / "src/put").unlink()
    refused(docker, "is outside of", "-v", "/etc:/x", IMAGE)
    # What spreads does so in the guest.
    done = docker("run", "--rm", "-v", f"{share}:/x:rshared", IMAGE, "sh", "-c", "grep -c ' /x .* shared:' /proc/self/mountinfo")
    check(done.stdout == b"1\n" and b"the host does not see what the container mounts below /x" in done.stderr, done)
    refused(docker, "Duplicate mount point: /x", "-v", "aa:/x", "--tmpfs", "/x", IMAGE)
    check_equal(docker.text("ps", "-aq"), "")


def check_memory(docker):
    lines = docker.text("run", "--rm", "--read-only", "--tmpfs", "/t:size=1m,exec", "--shm-size", "4m", "--mount",
                        "type=tmpfs,target=/u,tmpfs-size=2m,tmpfs-mode=700", IMAGE, "mount").split("\n")
    by_place = {line.split()[2]: line.split()[5] for line in lines}
    check("size=1024k" in by_place["/t"] and "noexec" not in by_place["/t"], by_place["/t"])
    check("size=2048k,mode=700" in by_place["/u"] and "noexec" in by_place["/u"], by_place["/u"])
    check("size=4096k" in by_place["/dev/shm"], by_place["/dev/shm"])


def check_parts(docker):
    """Folders and files of a volume."""
    docker("run", "--rm", "-v", "parts:/www", IMAGE, "sh", "-c", "mkdir -p /www/a/b; ln -s a /www/in; ln -s /etc /www/out")
    part = "type=volume,source=parts,target=/www,volume-subpath="
    # What is empty gets what the image has there.
    check_equal(docker.text("run", "--rm", "--mount", part + "in/b", IMAGE, "ls", "/www"), "index.html")
    check_equal(docker.text("run", "--rm", "--mount", part.replace("/www", "/f") + "a/b/index.html,readonly", IMAGE, "cat", "/f"), "from the image")
    for path, says in (("none/b", "cannot access path none/b: No such file"), ("out", "path concatenation escapes the base directory"), ("../x", "subpath must be a")):
        refused(docker, says, "--mount", part + path, IMAGE)
    docker("volume", "rm", "parts")


def check_what_is_kept(context, docker):
    """At the end of a container with --rm what it wrote to a volume goes to the state disk, and what it wrote beside it does not."""
    def written():
        return next(disk["written_bytes"] for disk in Client(Address.read(context.build / "run/web.addr")).get("/disks")["disks"] if disk["name"] == "state")
    docker("volume", "create", "some")
    amounts = []
    # Linux may write it out by itself after 5 s, which is soon on a busy host.
    while len(amounts) < 5 and min(amounts, default=1 << 30) >= 8 << 20:
        before = written()
        docker("run", "--rm", "-v", "some:/v", IMAGE, "sh", "-c", "echo kept > /v/file; dd if=/dev/zero of=/lost bs=1M count=16 2>/dev/null")
        amounts.append(written() - before)
    check(min(amounts) < 8 << 20, f"{amounts} bytes were written")
    check_equal(docker.text("run", "--rm", "-v", "some:/v", IMAGE, "cat", "/v/file"), "kept")
    docker("volume", "rm", "some")


def check_volumes(docker):
    """Volumes with names, without, and of others; their API."""
    check_equal(docker.text("volume", "create", "--label", "a=b", "kept"), "kept")
    check_equal(docker.text("volume", "create", "kept"), "kept")
    check_equal(docker.text("run", "--rm", "-v", "site:/www", IMAGE, "sh", "-c", "cat /www/index.html; echo more > /www/more"), "from the image")
    check_equal(docker.text("run", "--rm", "-v", "site:/other:ro", IMAGE, "ls", "/other"), "index.html\nmore")
    # A new one is filled although its container may not write to it; or not.
    check_equal(docker.text("run", "--rm", "-v", "fresh:/www:ro", "-v", "empty:/data:nocopy", IMAGE, "ls", "/www", "/data"), "/data:\n\n/www:\nindex.html")
    check_equal(docker.text("run", "--rm", IMAGE, "sh", "-c", "ls -ln /data | grep seed; mount | grep -c virtiofs").split()[2:4], ["5", "6"])
    check_equal(docker.text("volume", "ls", "-q").split(), ["empty", "fresh", "kept", "site"])
    check_equal(docker.text("volume", "ls", "-q", "-f", "label=a=b", "-f", "name=k"), "kept")
    first = docker.text("run", "-d", "--name", "first", "-v", "site:/www", "-v", "/mine", IMAGE)
    mounts = {m["Destination"]: m for m in json.loads(docker.text("inspect", "-f", "{{json .Mounts}}", "first"))}
    check_equal(sorted(mounts), ["/data", "/mine", "/www"])
    check_equal((mounts["/www"]["Type"], mounts["/www"]["Name"], mounts["/www"]["RW"]), ("volume", "site", True))
    check(re.fullmatch("[0-9a-f]{64}", mounts["/mine"]["Name"]), mounts)
    check_equal(docker.text("volume", "ls", "-q", "-f", "dangling=true").split(), ["empty", "fresh", "kept"])
    done = docker("volume", "rm", "site", status=1)
    check(f"remove site: volume is in use - [{first}]" in done.stderr.decode(), done.stderr)
    # What another has by --volumes-from stays when the first goes.
    docker("run", "-d", "--name", "second", "--volumes-from", "first:ro", IMAGE, "sleep", "1000")
    done = docker("exec", "second", "touch", "/mine/x", status=1)
    check(b"Read-only" in done.stderr, done.stderr)
    docker("rm", "-f", "-v", "first")
    check(mounts["/mine"]["Name"] in docker.text("volume", "ls", "-q"))
    docker("exec", "second", "ls", "/mine")
    docker("rm", "-f", "-v", "second")
    check(mounts["/mine"]["Name"] in docker.text("volume", "prune", "-f"))
    check_equal(docker.text("volume", "rm", "fresh", "empty").split(), ["fresh", "empty"])
    check_equal(json.loads(docker.text("volume", "inspect", "kept"))[0]["Labels"], {"a": "b"})
    check(b"no such volume" in docker("volume", "inspect", "fresh", status=1).stderr)
    check(b'plugin "nfs" not found' in docker("volume", "create", "-d", "nfs", "x1", status=1).stderr)


def volume_options(name, **options):
    return ("volume", "create", *(word for key, value in options.items() for word in ("--opt", f"{key}={value}")), name)


def check_options(docker, share):
    """Volumes that are a folder of the host, or memory, by the options of their driver."""
    bound = share / "bound"
    bound.mkdir()
    (bound / "here").write_text("of the host\n")
    options = {"type": "none", "o": "bind", "device": str(bound)}
    docker(*volume_options("folder", **options))
    docker(*volume_options("looked-at", **options | {"o": "bind,ro"}))
    docker(*volume_options("memory", type="tmpfs", device="tmpfs", o="size=1m,uid=7,mode=750"))
    check_equal(json.loads(docker.text("volume", "inspect", "folder"))[0]["Options"], options)
    said = docker.text("run", "--rm", "-v", "folder:/f", "-v", "looked-at:/l", "-v", "memory:/m", "-v", "memory:/n:ro", IMAGE, "sh", "-c",
                       "cat /l/here; echo more > /f/more; touch /l/x || touch /n/x || ls -ldn /m; mount | grep ' /[mn] '; touch /m/x; ls /m")
    check_equal((said.startswith("of the host\ndrwxr-x---"), said.split()[5], said.count("size=1024k"), said.endswith("\nx")), (True, "7", 2, True), said)
    check_equal((bound / "more").read_text(), "more\n")
    # Memory is its container's; what --mount makes is as well.
    check_equal(docker.text("run", "--rm", "-v", "memory:/m", IMAGE, "ls", "/m"), "")
    opts = "".join(f",volume-opt={key}={value}" for key, value in options.items())
    check_equal(docker.text("run", "--rm", "--mount", f"type=volume,source=made,target=/f{opts}", IMAGE, "cat", "/f/more"), "more")
    # An empty one gets what the image has there, as one of the state disk does.
    for name in ("filled", "unfilled"):
        (share / name).mkdir()
        docker(*volume_options(name, **options | {"device": str(share / name)}))
    docker("run", "--rm", "-v", "filled:/www", IMAGE, "true")
    check_equal((share / "filled" / "index.html").read_text(), "from the image\n")
    docker("run", "--rm", "-v", "unfilled:/www:nocopy", "-v", "looked-at:/etc", IMAGE, "true")
    check_equal((list((share / "unfilled").iterdir()), sorted(entry.name for entry in bound.iterdir())), ([], ["here", "more"]))
    docker("volume", "rm", "filled", "unfilled")
    # It is bound at each start.
    docker("run", "-d", "--name", "holder", "-v", "folder:/f", IMAGE, "sleep", "1000")
    check("volume is in use" in docker("volume", "rm", "folder", status=1).stderr.decode())
    docker("restart", "-t", "0", "holder")
    check_equal(docker.text("exec", "holder", "cat", "/f/here"), "of the host")
    docker("rm", "-f", "holder")
    check_equal(docker.text("volume", "rm", "made", "memory", "looked-at").split(), ["made", "memory", "looked-at"])
    check((bound / "more").is_file())
    for wrong, says in (({"device": f"{share}/none"}, "failed to mount local volume"), ({"device": "/etc"}, "failed to mount local volume")):
        docker(*volume_options("wrong", **options | wrong))
        refused(docker, says, "-v", "wrong:/f", IMAGE)
        docker("volume", "rm", "wrong")
    for wrong, says in (({"type": "nfs", "o": "addr=10.0.2.2", "device": ":/x"}, 'type "nfs" is not supported'), ({"type": "none"}, 'missing required option: "device"'),
                        ({"x": "y"}, 'invalid option: "x"'), ({"type": "tmpfs", "device": "tmpfs", "o": "size=foo"}, 'Invalid tmpfs option "size=foo"')):
        check(says in docker(*volume_options("wrong", **wrong), status=1).stderr.decode(), says)
    check_equal(docker.text("volume", "ls", "-q", "-f", "name=wrong"), "")


def check_ports(docker):
    """Ports of the host, one by one, any and all; what is taken fails the start and leaves nothing."""
    port, other = free_port(), free_port()
    docker("run", "-d", "--name", "web", "-p", f"{port}:80", "-v", "site:/www", IMAGE)
    check_equal(fetch(port), "from the image\n")
    check_equal(fetch(port, "/more"), "more\n")
    check(f"0.0.0.0:{port}->80/tcp" in docker.text("ps", "--format", "{{.Ports}}"))
    check_equal(docker.text("port", "web"), f"80/tcp -> 0.0.0.0:{port}")
    address = docker.text("inspect", "-f", "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Gateway}}", "web")
    check(re.fullmatch(r"10\.0\.2\.\d+ 10\.0\.2\.2", address), address)
    done = docker("run", "--name", "late", "-p", f"127.0.0.1:{other}:80", "-p", f"127.0.0.1:{port}:80", IMAGE, status=125)
    check(f"Bind for 127.0.0.1:{port} failed: port is already allocated" in done.stderr.decode(), done.stderr)
    check(port_is_free(other))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        docker("start", "late", status=1)
        refused(docker, f"listen tcp4 127.0.0.1:{number}: bind: address already in use", "-p", f"127.0.0.1:{number}:80", IMAGE)
        # A range goes on behind what is taken.
        docker("run", "-d", "--name", "range", "-p", f"127.0.0.1:{number}-{number + 20}:80", IMAGE)
    found = docker.text("port", "range", "80/tcp")
    check(number < int(found.rpartition(":")[2]) <= number + 20, found)
    docker("run", "-d", "--name", "all", "-P", "-p", "127.0.0.1::53/udp", IMAGE)
    ports = json.loads(docker.text("inspect", "-f", "{{json .NetworkSettings.Ports}}", "all"))
    check_equal(sorted(ports), ["53/udp", "80/tcp", "81/udp"])
    check_equal(fetch(ports["80/tcp"][0]["HostPort"]), "from the image\n")
    docker("restart", "-t", "0", "web")
    check_equal(fetch(port), "from the image\n")
    docker("run", "--rm", "--network", "none", "-p", f"{port}:80", IMAGE, "true")
    docker("rm", "-f", "web", "all", "range", "late")
    docker("run", "-d", "--name", "again", "-p", f"127.0.0.1:{port}:80", "-p", f"127.0.0.1:{other}:80", IMAGE)
    check_equal((fetch(port), fetch(other)), ("from the image\n", "from the image\n"))
    docker("rm", "-f", "again")


@test
def docker_mounts_and_ports(context):
    """All of -v, --mount, --tmpfs, -p and `docker volume`; volumes and their labels are there after a boot."""
    share = context.scratch / "shared"
    engine = start(context, share)
    docker = Docker(context, engine)
    check_folders(docker, share)
    check_memory(docker)
    check_what_is_kept(context, docker)
    check_volumes(docker)
    check_options(docker, share)
    # docker's client knows them since 26.
    if int(docker.text("version", "-f", "{{.Client.Version}}").split(".")[0]) >= 26:
        check_parts(docker)
    check_ports(docker)
    engine.stop()
    engine = start(context, share)
    docker = Docker(context, engine)
    check_equal(docker.text("volume", "ls", "-q", "-f", "label=a").split(), ["kept"])
    check_equal(docker.text("run", "--rm", "-v", "folder:/f", IMAGE, "cat", "/f/more"), "more")
    check_equal(docker.text("volume", "rm", "folder"), "folder")
    check_equal(docker.text("run", "--rm", "-v", "site:/www", IMAGE, "cat", "/www/more"), "more")
    check_equal(sorted(re.findall(r"^[a-z]+$", docker.text("volume", "prune", "-af"), re.MULTILINE)), ["kept", "site"])
    check_equal(docker.text("volume", "ls", "-q"), "")
    engine.stop()


@test
def docker_builds_and_serves(context):
    """A CI job: gcc and make in Debian's image on a folder of the host. A web server on a volume, which another one fills."""
    images = [f"{name}:1=" + software.settings(context, image)["LINUXRUN_IMAGE"] for name, image in (("gcc", GCC), ("nginx", software.NGINX))]
    folder = context.scratch / "project"
    folder.mkdir(exist_ok=True)
    (folder / "main.c").write_text('#include <stdio.h>\nint main(void) { puts("built in a container"); return 0; }\n')
    (folder / "Makefile").write_text("test: program\n\t./program > result\nprogram: main.c\n\tgcc -static -o $@ $<\n")
    engine = Engine(context, "--share", str(folder), LINUXRUN_IMAGES=",".join(images), STARINA_CACHE=software.store(), STARINA_MEMORY="2G",
                    STARINA_DISK=str(context.scratch / "state.img"))
    docker = Docker(context, engine)
    docker("run", "--rm", "-v", f"{folder}:/src", "-w", "/src", "gcc:1", "make")
    check_equal((folder / "result").read_text(), "built in a container\n")
    check((folder / "program").read_bytes().startswith(b"\x7fELF"))
    # Or in a copy of its own, whose artifacts are taken out of the container when it has ended.
    docker("run", "--name", "ci", "-v", f"{folder}:/src:ro", "gcc:1", "sh", "-c", "cp -r /src /work && cd /work && rm program result && make")
    docker("cp", "ci:/work/program", str(folder / "artifact"))
    check_equal((folder / "artifact").read_bytes(), (folder / "program").read_bytes())
    check_equal(docker("cp", "ci:/work/result", "-").stdout.count(b"built in a container"), 1)
    docker("rm", "ci")
    port = free_port()
    docker("run", "-d", "--name", "web", "-p", f"{port}:80", "-v", "site:/var/www/html", "nginx:1")
    check("Welcome to nginx!" in fetch(port))
    docker("run", "--rm", "-v", "site:/site", "-v", f"{folder}:/src:ro", "gcc:1", "cp", "/src/result", "/site/index.nginx-debian.html")
    # A container that was alone with a file looks again after some seconds.
    for _ in range(PATIENCE):
        if fetch(port) == "built in a container\n":
            break
        time.sleep(1)
    check_equal(fetch(port), "built in a container\n")
    docker("rm", "-f", "web")
    engine.stop()
