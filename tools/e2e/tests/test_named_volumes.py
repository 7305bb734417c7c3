# SPDX-License-Identifier: MIT
"""What users type for volumes of the state disk: `-v NAME:/path`, `-v /path`, `--mount type=volume` and `./run.sh volume`."""

import os
import re
import subprocess

import debian
from harness import Skip, check, check_equal, check_refused, test
from oci import Layer, write_layout

E2FSCK = "/usr/sbin/e2fsck"
DEBUGFS = "/usr/sbin/debugfs"


def image(context):
    """Debian with a folder that volumes are filled from."""
    def make(directory):
        layer = Layer()
        layer.dir("data", mode=0o750, uid=5, gid=6).file("data/file", b"of the image\n", mode=0o640, uid=7, gid=8)
        layer.file("data/setuid", b"x", mode=0o4755).symlink("data/link", "/etc/passwd").dir("data/deep/er").hardlink("data/deep/again", "data/file")
        return write_layout(directory, debian.image(layer))
    return f"oci://{context.once('named-volumes-image', make).path}"


def disk(context):
    """The state disk that the harness gives a test."""
    return context.scratch / "state.img"


def shell(context, script, *flags):
    return context.run(*flags, image(context), "sh", "-c", script)


def check_shell(context, script, expected, *flags):
    result = shell(context, script, *flags)
    check_equal((result.status, result.stdout.decode()), (0, expected), result)


def volume(context, *words):
    return context.run("volume", *words)


def check_volumes(context, *names):
    result = volume(context, "ls", "-q")
    check_equal((result.status, sorted(result.stdout.decode().split())), (0, sorted(names)), result)


def check_disk(context):
    """Linux's own judgement: an orderly end leaves nothing to replay, and counts that are right."""
    if not os.path.exists(E2FSCK):
        raise Skip("there is no e2fsck")
    done = subprocess.run([E2FSCK, "-fn", disk(context)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    check_equal(done.returncode, 0, done.stdout.decode())
    with open(disk(context), "rb") as image_file:
        image_file.seek(1024 + 0x60)
        check_equal(image_file.read(1)[0] & 4, 0, "the journal has to be replayed")


@test
def kept_from_run_to_run(context):
    check_shell(context, "mkdir -p /v/a; echo kept > /v/a/f; ln -s f /v/a/l; ls -A /v", "a\n", "-v", "things:/v")
    check_shell(context, "cat /w/a/l; stat -c '%u %a' /w /w/a/f; rm -r /w/a; ls -A /w", "kept\n0 755\n0 644\n", "-v", "things:/w")
    check_disk(context)
    check_volumes(context, "things")
    check_disk(context)
    check_equal(volume(context, "create", "more").status, 0)
    check_disk(context)


@test
def filled_from_the_image(context):
    """At its first use only, with owners, modes and links; not with nocopy, and not when it has something."""
    look = "cd /data; stat -c '%n %u %g %a' . file setuid deep; readlink link; cat file; stat -c %h deep/again; ls /data | wc -l"
    whole = ". 5 6 750\nfile 7 8 640\nsetuid 0 0 4755\ndeep 0 0 755\n/etc/passwd\nof the image\n2\n4\n"
    check_shell(context, f"{look}; rm /data/file; echo new > /data/new", whole, "-v", "one:/data")
    check_shell(context, "ls /data", "deep\nlink\nnew\nsetuid\n", "-v", "one:/data")
    # As if the machine had gone off while it was filled.
    if os.path.exists(DEBUGFS):
        subprocess.run([DEBUGFS, "-w", "-R", "ea_set /volumes/one trusted.starina.filling x", disk(context)], check=True, stderr=subprocess.PIPE)
        check_shell(context, "ls /data", "deep\nfile\nlink\nnew\nsetuid\n", "-v", "one:/data")
    check_shell(context, "ls -A /data", "", "-v", "two:/data:nocopy")
    check_shell(context, "ls -A /data", "", "--mount", "source=three,target=/data,volume-nocopy")
    check_shell(context, look, whole, "--mount", "source=three,target=/data,readonly")
    check_volumes(context, "one", "two", "three")
    check_disk(context)


@test
def read_only(context):
    check_shell(context, "echo x > /v/file", "", "-v", "data:/v")
    check_shell(context, "cat /v/file; for c in 'echo > /v/file' 'touch /v/new' 'rm /v/file' 'mount -o remount,rw /v'; do "
                         "sh -c \"$c\" 2>/dev/null && echo \"$c\"; done; true", "x\n", "-v", "data:/v:ro,nocopy")
    check_shell(context, "cat /v/file; touch /v/new 2>/dev/null || echo refused", "x\nrefused\n", "--mount", "source=data,target=/v,readonly")


@test
def several(context):
    """Two volumes, a folder of the host and a tmpfs, in each other."""
    share = context.scratch / "share"
    (share / "in").mkdir(parents=True)
    flags = ("-v", f"{share}:/a", "-v", "one:/a/in", "--tmpfs", "/a/in/t", "-v", "two:/a/in/two")
    check_shell(context, "echo host > /a/f; echo one > /a/in/f; echo gone > /a/in/t/f; echo two > /a/in/two/f", "", *flags)
    check_shell(context, "cat /a/f /a/in/f /a/in/two/f; ls -A /a/in/t", "host\none\ntwo\n", *flags)
    check_equal((share / "f").read_text(), "host\n")
    check_equal(list((share / "in").iterdir()), [])
    check_volumes(context, "one", "two")


# Makes, links and looks up more files than the server lets it know; then holds as many open as it can.
MANY_FILES = """
import errno, os
os.chdir('/v')
for i in range(600):
    open(f'f{i}', 'w').close()
for i in range(150):
    os.mkdir(f'd{i}')
    os.symlink('f0', f's{i}')
    os.link(f'f{i}', f'h{i}')
print(len(os.listdir()), sum(os.stat(name).st_nlink for name in os.listdir() if name[0] in 'fh'))
held = []
try:
    for i in range(600):
        held.append(open(f'f{i}'))
except OSError as error:
    print(errno.errorcode[error.errno], 150 < len(held) < 200)
held.clear()
print(os.stat('f599').st_size)
"""


@test
def more_files_than_are_known(context):
    """Linux may know 200 of them, and forgets those that nobody uses."""
    result = context.run("-v", "many:/v", image(context), "python3", "-c", MANY_FILES, STARINA_APPEND="fs.nodes=400")
    check_equal((result.status, result.stdout.decode()), (0, "1050 1050\nENFILE True\n0\n"), result)
    check_disk(context)


@test
def without_a_name(context):
    """Kept without --rm, gone with it."""
    check_shell(context, "cat /data/file; echo x > /data/x", "of the image\n", "-v", "/data")
    name = volume(context, "ls", "-q").stdout.decode().strip()
    check(re.fullmatch("[0-9a-f]{64}", name), name)
    check_shell(context, "cat /v/x", "x\n", "-v", f"{name}:/v")
    check_shell(context, "mkdir -p /v/a/b/c; echo x > /v/a/b/c/d; ls /v", "a\n", "--rm", "-v", "/v", "-v", "named:/w")
    check_volumes(context, name, "named")
    check_disk(context)


@test
def commands(context):
    check_equal(volume(context, "ls").stdout, b"DRIVER    VOLUME NAME\n")
    check(not disk(context).exists(), "listing made a disk")
    result = volume(context, "rm", "none")
    check((result.status, result.stdout) == (1, b"") and "get none: no such volume" in result.stderr, result)
    check_equal(volume(context, "create", "made").stdout, b"made\n")
    check_equal(volume(context, "create", "made").stdout, b"made\n")
    name = volume(context, "create").stdout.decode().strip()
    check_shell(context, "for i in $(seq 300); do mkdir -p /v/$((i % 7))/$i; echo $i > /v/$((i % 7))/$i/f; done; ln /v/1/1/f /v/link; echo ok", "ok\n",
                "-v", "full:/v")
    check_equal(volume(context, "ls").stdout.decode().splitlines()[0], "DRIVER    VOLUME NAME")
    check_volumes(context, "made", "full", name)
    result = volume(context, "inspect", "full", "none")
    check(result.status == 1 and b'"Name": "full"' in result.stdout and "get none: no such volume" in result.stderr, result)
    result = volume(context, "rm", "full", "none", "made")
    check((result.status, result.stdout) == (1, b"full\nmade\n") and "get none: no such volume" in result.stderr, result)
    for words in (["rm"], ["foo"], ["create", "a"], ["create", "a/b"], ["create", "one", "two"], ["rm", "../x"], ["ls", "-x"]):
        result = volume(context, *words)
        check((result.status, result.stdout) == (1, b"") and result.errors() != "", result)
    result = volume(context, "rm", "-f", "none")
    check_equal((result.status, result.stdout), (0, b""), result)
    check_volumes(context, name)
    volume(context, "create", "named")
    check_equal(volume(context, "prune").stdout, b"")
    result = volume(context, "prune", "-f")
    check_equal((result.status, result.stdout.decode().splitlines()[:2]), (0, ["Deleted Volumes:", name]), result)
    check_volumes(context, "named")
    result = volume(context, "prune", "--all", "--force")
    check_equal(result.stdout.decode().splitlines()[:2], ["Deleted Volumes:", "named"], result)
    check_volumes(context)
    check_disk(context)


@test
def in_use_by_another_run(context):
    process = context.start("-v", "data:/v", image(context), "sh", "-c", "echo ready; cat")
    check_equal(process.stdout.readline(), b"ready\n")
    check_refused(shell(context, "true", "-v", "other:/v"), "in use by another run", f"(process {process.pid})")
    for words in (["ls"], ["rm", "data"]):
        result = volume(context, *words)
        check(result.status == 1 and f"in use by another run (process {process.pid})" in result.errors(), result)
    # Who has no volume does not need it.
    check_shell(context, "echo fine", "fine\n")
    process.communicate(b"")
    check_equal(process.returncode, 0)
    check_volumes(context, "data")


@test
def over_a_file(context):
    """What only the image can tell."""
    result = shell(context, "true", "-v", "data:/etc/passwd")
    check(result.status == 125 and "not a directory" in result.errors(), result)


@test
def not_ours(context):
    """A file that is something else is not touched."""
    path = disk(context)
    path.write_bytes(b"x" * 1000000)
    check_refused(shell(context, "true", "-v", "data:/v"), "the state disk", "holds something else than a state disk")
    check_equal(path.read_bytes(), b"x" * 1000000)
    check_refused(context.run("-v", "data:/v", image(context), "true", STARINA_DISK="none"), "STARINA_DISK=none")
