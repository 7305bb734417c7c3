# SPDX-License-Identifier: MIT
"""-v, --mount and LINUXRUN_VOLUMES: folders and files of the host in a container."""

import hashlib
import os
import re
import shutil
import socket
import subprocess

import debian
import software
from harness import ROOT, check, check_equal, check_refused, test
from oci import write_layout


def image(context):
    """Debian: what it is asked to do is a shell script."""
    path = context.once("volumes-image", lambda directory: write_layout(directory, debian.image())).path
    return f"oci://{path}"


def shell(context, script, *flags, **settings):
    return context.run(*flags, image(context), "sh", "-c", script, **settings)


def folder(context, name="share"):
    path = context.scratch / name
    path.mkdir()
    path.chmod(0o755)
    return path


@test
def files_go_both_ways(context):
    share = folder(context)
    (share / "in").write_text("from the host\n")
    (context.scratch / "config").write_text("one\n")
    result = shell(context, "cat /src/in; id -u; stat -c '%u %a' /src /src/in; mkdir -p /src/a/b; echo out > /src/a/b/c; chmod 640 /src/a/b/c; "
                            "ln -s /etc/debian_version /src/link; cat /src/link > /src/version; mv /src/in /src/moved; "
                            "cat /etc/x.conf; echo two > /etc/x.conf; mv /src/moved /etc/x.conf 2>&1; touch -d @86400 /src/version; sync",
                   "-v", f"{share}:/src", "--mount", f"type=bind,source={context.scratch}/config,target=/etc/x.conf")
    lines = result.stdout.decode().splitlines()
    check_equal(lines[:5], ["from the host", "0", "0 755", "0 644", "one"], result)
    check("busy" in lines[5].lower(), lines)
    check_equal((share / "a/b/c").read_text(), "out\n")
    check_equal(os.stat(share / "a/b/c").st_mode & 0o7777, 0o640)
    check_equal(os.stat(share / "a/b/c").st_uid, os.getuid())
    check_equal(os.readlink(share / "link"), "/etc/debian_version")
    # The container's own, not the host's.
    check((share / "version").read_text() != "" and os.stat(share / "version").st_mtime == 86400)
    check_equal((share / "moved").read_text(), "from the host\n")
    check_equal((context.scratch / "config").read_text(), "two\n")


@test
def read_only(context):
    """Not by the guest alone: what the host serves takes no change (tools/run/hostfs/hostfs_test.c)."""
    share = folder(context)
    (share / "file").write_text("kept\n")
    result = shell(context, "cat /src/file; for c in 'echo > /src/file' 'echo > /src/new' 'rm /src/file' 'mv /src/file /src/b' 'chmod 0 /src/file' "
                            "'mkdir /src/d' 'mount -o remount,rw /src'; do sh -c \"$c\" 2>/dev/null && echo \"$c\"; done; true",
                   LINUXRUN_VOLUMES=f"{share}:/src:ro")
    check_equal((result.status, result.stdout), (0, b"kept\n"), result)
    check_equal([path.name for path in share.iterdir()], ["file"])
    check_equal((share / "file").read_text(), "kept\n")


@test
def links_do_not_lead_out(context):
    """A link that the container makes is one of its own file system, however it is reached."""
    share = folder(context)
    (context.scratch / "secret").write_text("secret\n")
    result = shell(context, "cd /src; ln -s ../secret a; ln -s / b; ln -s .. c; ln -s /proc/1/root d; cat a c/secret d/secret; "
                            f"cat b{context.scratch}/secret c/../../..{context.scratch}/secret; test -e c/secret || echo none; "
                            "echo mine > /secret; cat c/secret; echo overwritten > a; cat /secret",
                   "-v", f"{share}:/src")
    check_equal(result.stdout, b"none\nmine\noverwritten\n", result)
    check_equal((context.scratch / "secret").read_text(), "secret\n")


@test
def nested_and_made(context):
    """A folder that is missing is made, as by docker; one in another is mounted after it."""
    (context.scratch / "here").mkdir()
    result = shell(context, "echo a > /x/y/file; echo b > /x/file; ls /x", "-v", "./made/deep:/x/y", "-v", "./here:/x", cwd=context.scratch)
    check_equal((result.status, result.stdout), (0, b"file\ny\n"), result)
    check_equal((context.scratch / "made/deep/file").read_text(), "a\n")
    check_equal((context.scratch / "here/file").read_text(), "b\n")


@test
def owners_of_the_container(context):
    """Users other than root own what they make, as far as the container sees; on the host it is the user's."""
    share = folder(context)
    share.chmod(0o777)
    script = "echo x > /src/file; chmod 4711 /src/file; stat -c '%U %a' /src/file; ln /src/file /src/b; chown root /src/file 2>/dev/null || echo refused"
    result = shell(context, script, "-v", f"{share}:/src", "-u", "www-data")
    check_equal((result.status, result.stdout), (0, b"www-data 4711\nrefused\n"), result)
    check_equal(os.stat(share / "file").st_mode & 0o7000, 0)
    if os.getuid() != 0:
        check_equal(os.stat(share / "file").st_uid, os.getuid())
    again = shell(context, "stat -c '%U %a' /src/b", "-v", f"{share}:/src")
    check_equal(again.stdout, b"www-data 4711\n", again)


def work_digest(share):
    digest = hashlib.sha256()
    files = sorted(path.relative_to(share) for path in share.rglob("*") if path.is_file())
    for name in files:
        os.chmod(share / name, 0o600)
        digest.update(str(name).encode() + b"\0" + (share / name).read_bytes())
    return digest.hexdigest()


@test
def random_work(context):
    """1,500 steps of all kinds, compared with a model in the container and by the host."""
    share = folder(context)
    (share / "work").mkdir()
    shutil.copy(ROOT / "tools/e2e/programs/file_work.py", share / "file_work.py")
    result = software.run(context, software.PYTHON, "python3", "/src/file_work.py", "/src/work", "1", "1500", LINUXRUN_VOLUMES=f"{share}:/src")
    check_equal(result.status, 0, result)
    check_equal(result.stdout.decode(), f"ok {work_digest(share / 'work')}\n")


@test
def large_file(context):
    """More than the guest's memory, there and back."""
    share = folder(context)
    block = os.urandom(1 << 20)
    with open(share / "in", "wb") as file:
        for i in range(160):
            file.write(bytes([i]) + block[1:])
    result = shell(context, "cp /src/in /src/out; sha256sum < /src/out; truncate -s 10G /src/sparse; stat -c %b /src/sparse",
                   "-v", f"{share}:/src", "-m", "64M")
    digest = hashlib.sha256((share / "in").read_bytes()).hexdigest()
    check_equal(result.stdout.decode(), f"{digest}  -\n0\n", result)
    check_equal(hashlib.sha256((share / "out").read_bytes()).hexdigest(), digest)


@test
def many_files(context):
    share = folder(context)
    script = "import os\nfor i in range(600):\n d = f'/src/{i % 20}'\n os.makedirs(d, exist_ok=True)\n open(f'{d}/{i}', 'w').write(str(i))\n" \
             "print(sum(len(f) for _, _, f in os.walk('/src')), sum(int(open(os.path.join(r, n)).read()) for r, _, f in os.walk('/src') for n in f))"
    result = context.run("-v", f"{share}:/src", image(context), "python3", "-c", script)
    check_equal((result.status, result.stdout), (0, b"600 179700\n"), result)
    check_equal(len([path for path in share.rglob("*") if path.is_file()]), 600)


@test
def sqlite_in_a_folder(context):
    """A database of which the host sees what was committed, and the other way round."""
    share = folder(context)
    script = "import sqlite3\nc = sqlite3.connect('/src/db')\nc.execute('pragma journal_mode=%s')\n" \
             "c.execute('create table if not exists t(x)')\nfor i in range(50):\n with c: c.execute('insert into t values(?)', (i,))\n" \
             "print(c.execute('select count(*), sum(x) from t').fetchone(), c.execute('pragma integrity_check').fetchone())"
    for mode, rows in (("delete", 50), ("wal", 100)):
        result = software.run(context, software.PYTHON, "python3", "-c", script % mode, LINUXRUN_VOLUMES=f"{share}:/src")
        check_equal((result.status, result.stdout.decode()), (0, f"({rows}, {rows // 50 * 1225}) ('ok',)\n"), result)


@test
def git_in_a_folder(context):
    """A repository of the host: cloned, committed to, packed and checked in the container, and then looked at by the host."""
    share = folder(context)
    def git(*args):
        return subprocess.run(["git", "-c", "safe.directory=*", "-c", "user.name=a", "-c", "user.email=a@b", *args], cwd=share, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
    git("init", "-q", "-b", "main", "repo")
    for i in range(100):
        path = share / f"repo/d{i % 10}/file{i}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{i}\n" * (i + 1))
    git("-C", "repo", "add", "-A")
    git("-C", "repo", "commit", "-q", "-m", "first")
    script = "set -e; export HOME=/tmp; git config --global user.name c; git config --global user.email c@d; " \
             "git clone -q /src/repo /src/work; cd /src/work; git status --porcelain; for i in 1 2; do echo $i >> d1/file1.txt; " \
             "git mv d2/file2.txt d2/moved$i.txt; git mv d2/moved$i.txt d2/file2.txt; git commit -qam $i; done; git checkout -q -b other HEAD~1; " \
             "echo x > new; git add new; git commit -qm other; git checkout -q main; git merge -q -m merged other; git gc -q; git fsck --full; " \
             "git status --porcelain; git rev-parse HEAD^{tree}; git push -q origin main:pushed"
    result = software.run(context, software.GIT, "sh", "-c", script, LINUXRUN_VOLUMES=f"{share}:/src", LINUXRUN_MEMORY="256M")
    check_equal(result.status, 0, result)
    check_equal(git("-C", "work", "status", "--porcelain"), "")
    check_equal(git("-C", "work", "rev-parse", "HEAD^{tree}"), result.stdout.decode())
    git("-C", "work", "fsck", "--full")
    check_equal(git("-C", "repo", "rev-parse", "pushed^{tree}"), result.stdout.decode())


@test
def few_requests(context):
    """What a shell makes and removes costs a creation and a removal, and on a folder of the host a release. The folder's mode and owner are not asked for
    anew, nor is what is known; FLUSH is refused once. Who only reads a volume's file costs a look-up and a read."""
    share = folder(context)
    count = 100
    result = shell(context, f"for d in /src /v; do mkdir $d/d; cd $d/d; i=0; while [ $i -lt {count} ]; do : > f$i; i=$((i + 1)); done; "
                            "stat f* f* > /dev/null; cat f* > /dev/null; rm f*; done", "-v", f"{share}:/src", "-v", "/v", STARINA_APPEND="kernel.log=debug")
    check_equal(result.status, 0, result)
    asked = {uri: dict(re.findall(r"(\d+):(\d+)", numbers))
             for uri, numbers in re.findall(r"requests to (\S+), by FUSE opcode:([ :\d]+)", result.stderr)}
    check_equal(sorted(asked), ["files:host", "volumes:all"], result)
    for uri, counts in asked.items():
        lookup, getattr_, unlink, open_, release, flush, opendir, create = (int(counts.get(str(opcode), 0)) for opcode in (1, 3, 10, 14, 18, 25, 27, 35))
        check_equal((create, unlink), (count, count), uri)
        check(flush <= 1, (uri, counts))
        if uri == "volumes:all":
            check(lookup < 10 and getattr_ < 10, (uri, counts))
            check_equal((open_, release, opendir), (0, 0, 0), counts)
        else:
            # What was looked up is good for a second.
            check(getattr_ < count // 2 and release <= 2 * count + 10, (uri, counts))


@test
def much_is_read_ahead(context):
    """bootd tells Linux so, through a sysfs that the container cannot write to."""
    share = folder(context)
    result = shell(context, "echo $(sort -n /sys/class/bdi/*/read_ahead_kb | tail -n 1); for f in /sys/class/bdi/*/read_ahead_kb; do echo 1 > $f; done",
                   "-v", f"{share}:/src")
    check_equal(result.stdout, b"1024\n", result)
    check("Read-only file system" in result.stderr, result)


@test
def large_pieces_without_a_cache(context):
    """O_DIRECT: a read or write of several requests at a time, also over a file's end."""
    share = folder(context)
    (share / "file").write_bytes(os.urandom((3 << 20) + 512))
    result = shell(context, "cd /src; for d in /src /v; do dd if=file of=$d/copy bs=3M oflag=direct 2>/dev/null || true; "
                            "dd if=file of=$d/whole bs=1M count=3 oflag=direct 2>/dev/null; dd if=$d/whole of=/dev/stdout bs=2M iflag=direct 2>/dev/null | sha256sum; "
                            "dd if=file of=$d/whole bs=1M count=2 seek=5 oflag=direct,append conv=notrunc 2>/dev/null; sha256sum < $d/whole; done",
                   "-v", f"{share}:/src", "-v", "/v")
    data = (share / "file").read_bytes()[:3 << 20]
    sums = [hashlib.sha256(part).hexdigest() for part in (data, data + data[:2 << 20])]
    check_equal([line.split()[0] for line in result.stdout.decode().splitlines()], sums * 2, result)


@test
def the_server_dies(context):
    """The container gets errors for its files, and goes on."""
    share = folder(context)
    process = context.start("-v", f"{share}:/src", image(context), "sh", "-c",
                            "echo a > /src/a && echo ready; cat; cat /src/a; echo b > /src/b; echo ended")
    check_equal(process.stdout.readline(), b"ready\n")
    children = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(process.pid)], stdout=subprocess.PIPE, check=True).stdout.decode()
    servers = [line.split()[0] for line in children.splitlines() if "qemu" not in line and "ps" not in line.split()[1]]
    check_equal(len(servers), 1, children)
    os.kill(int(servers[0]), 9)
    stdout, stderr = process.communicate()
    check_equal((process.returncode, stdout), (0, b"ended\n"), stderr)
    check_equal([(path.name, path.read_text()) for path in share.iterdir()], [("a", "a\n")])


@test
def refused(context):
    """Before anything is booted, in docker's words where it has some."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(context.scratch / "docker.sock"))
    check_refused(context.run("-v", "/a:b", "x"), "--volume", "'b' mount path must be absolute")
    check_refused(context.run("-v", f"{context.scratch}/docker.sock:/var/run/docker.sock", image(context), "true"), "a socket of this host")
    check_refused(context.run("--mount", "type=bind,source=/no/such,target=/x", image(context), "true"), "bind source path does not exist: /no/such")
    check_refused(context.run("-v", "/tmp:/x", "-v", "/:/x", "x"), "Duplicate mount point: /x")
    check_refused(context.run(image(context), "true", LINUXRUN_VOLUMES="d!:/x"), "LINUXRUN_VOLUMES", "invalid characters")
    # What only the image can tell.
    (context.scratch / "folder").mkdir()
    result = shell(context, "true", "-v", f"{context.scratch}/folder:/etc/passwd")
    check(result.status == 125 and "not a directory" in result.errors(), result)
