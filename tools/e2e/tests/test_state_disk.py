# SPDX-License-Identifier: MIT
"""-v NAME:/path: volumes on the state disk, which apps/fs provides."""

import json
import os
import shutil
import signal
import subprocess

import debian
import software
from harness import ROOT, Skip, check, check_equal, test
from oci import write_layout


def image(context):
    path = context.once("volumes-image", lambda directory: write_layout(directory, debian.image())).path
    return f"oci://{path}"


def shell(context, script, *flags, **settings):
    disk = context.scratch / "state.img"
    return context.run(*flags, image(context), "sh", "-c", script, STARINA_DISK=str(disk), **settings)


def check_disk(context, clean=True):
    """e2fsck finds nothing, also before anybody replays the journal if the disk should be clean."""
    disk = context.scratch / "state.img"
    if not clean:
        subprocess.run(["/sbin/e2fsck", "-fy", "-E", "journal_only", str(disk)],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    result = subprocess.run(["/sbin/e2fsck", "-fn", str(disk)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    check_equal(result.returncode, 0, result.stdout)


@test
def volume_keeps_what_it_has(context):
    result = shell(context, "set -e; mkdir -p /data/a/b; echo kept > /data/a/b/c; ln -s a/b/c /data/link; ln /data/a/b/c /data/hard; "
                            "chown 12:34 /data/a/b/c; chmod 4750 /data/a/b/c; mknod /data/null c 1 3; "
                            "dd if=/dev/zero of=/data/big bs=64k count=100 2>/dev/null; seq 1 200000 > /data/seq; "
                            "i=0; while [ $i -lt 300 ]; do echo $i > /data/a/f$i; i=$((i+1)); done; rm /data/a/f1*; sync; echo written", "-v", "vol:/data")
    check_equal(result.stdout.decode(), "written\n", result)
    check_disk(context)
    result = shell(context, "cat /data/link; stat -c '%u %g %a %h' /data/hard; stat -c '%F %t %T' /data/null; cksum < /data/seq; seq 1 200000 | cksum; "
                            "stat -c '%s %b' /data/big; ls /data/a | wc -l", "-v", "vol:/data")
    lines = result.stdout.decode().splitlines()
    check_equal(lines[:3], ["kept", "12 34 4750 2", "character special file 1 3"], result)
    check(lines[3] == lines[4], lines)
    check_equal(lines[5:], ["6553600 12800", "190"], result)
    check_disk(context)


# Each step looks at what it did; at the end all is looked at once more.
WORK = """set -e; cd /data; mkdir -p t; exec 3> held; rm held
i=0; while [ $i -lt {steps} ]; do
  echo "content $i" > t/new$i; mv t/new$i t/f$i; ln t/f$i t/l$i; rm t/f$i; echo "more $i" >> t/l$i; mkdir t/d$i; rmdir t/d$i; echo $i >> log; echo $i >&3
  i=$((i + 1)); done
[ "$(seq 0 $(({steps} - 1)))" = "$(cat log)" ]; [ "$(wc -l < /proc/self/fd/3)" = {steps} ]
"""
CHECK = """cd /data; i=0; while [ $i -lt {steps} ]; do [ "$(cat t/l$i)" = "content $i
more $i" ] || echo "bad: l$i"; i=$((i + 1)); done; [ "$(ls t | wc -l)" = {steps} ] && echo whole"""


def kills(context, count, steps):
    context.boot_image("starina-reaper")
    result = shell(context, WORK.format(steps=steps) + CHECK.format(steps=steps), "-v", "vol:/data",
                   STARINA_APPEND=f"reaper.target=fs reaper.count={count} reaper.pause=300")
    check_equal(result.stdout.decode(), "whole\n", result)
    check(result.stderr.count("fs: killed") >= steps // 4, result)
    # The last of them may have been just before the end.
    check_disk(context, clean=False)
    check_equal(shell(context, CHECK.format(steps=steps), "-v", "vol:/data").stdout.decode(), "whole\n")


@test
def the_server_dies(context):
    """fs is killed again and again: what was answered is there, and the container sees nothing of it."""
    kills(context, 100000, int(os.environ.get("KILL_STEPS", "16")))


@test
def end_without_sync(context):
    """What a container has written is there when it has ended, and nobody asked for that."""
    result = shell(context, "i=0; while [ $i -lt 50 ]; do echo $i > /data/f$i; i=$((i+1)); done; echo made", "-v", "vol:/data")
    check_equal(result.stdout.decode(), "made\n", result)
    check_disk(context)
    check_equal(shell(context, "cat /data/f* | sort -n | tail -n 1; ls /data | wc -l", "-v", "vol:/data").stdout.decode(), "49\n50\n")


STUBBORN = "trap 'echo asked' TERM INT; echo {n} > /data/f{n}; echo made; while :; do sleep 0.1; done"


@test
def killed_without_sync(context):
    """What a container has written is there when it had to be killed: for its time was over, or at the third signal."""
    for n, timeout, signals in ((1, "1", 1), (2, "-1", 3)):
        process = context.start("-v", "vol:/data", "--stop-timeout", timeout, image(context), "sh", "-c", STUBBORN.format(n=n),
                                STARINA_DISK=str(context.scratch / "state.img"))
        check_equal(process.stdout.readline(), b"made\n")
        for _ in range(signals - 1):
            process.send_signal(signal.SIGTERM)
            check_equal(process.stdout.readline(), b"asked\n")
        result = context.stop(process, signal.SIGTERM)
        check_equal(result.status, 137, result)
        check_equal("did not end within 1 s of the signal; killing it" in result.stderr, timeout == "1", result)
        check_disk(context)
        kept = subprocess.run(["/sbin/debugfs", "-R", f"cat /volumes/vol/f{n}", context.scratch / "state.img"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True)
        check_equal(kept.stdout.decode(), f"{n}\n")


@test
def random_work(context):
    """1,000 steps of all kinds, compared with a model, while the server is killed again and again."""
    context.boot_image("starina-reaper")
    share = context.scratch / "share"
    share.mkdir()
    shutil.copy(ROOT / "tools/e2e/programs/file_work.py", share / "file_work.py")
    result = software.run(context, software.PYTHON, "python3", "/src/file_work.py", "/data", "3", "1000", LINUXRUN_VOLUMES=f"{share}:/src,work:/data",
                          STARINA_DISK=str(context.scratch / "state.img"), STARINA_APPEND="reaper.target=fs reaper.count=100000 reaper.pause=1000")
    check(result.status == 0 and result.stdout.startswith(b"ok "), result)
    check_disk(context, clean=False)


# One row a commit, each told once it is on the disk.
ROWS = """
import sqlite3
c = sqlite3.connect('/data/db')
c.execute('pragma journal_mode=wal'); c.execute('pragma synchronous=full')
c.execute('create table if not exists t(x)'); c.commit()
print('had', c.execute('select count(*) from t').fetchone()[0], c.execute('pragma integrity_check').fetchone()[0], flush=True)
for i in range(100000):
    with c: c.execute('insert into t values(?)', (i,))
    print(i + 1, flush=True)
"""


@test
def database_and_power_cuts(context):
    """The machine goes off in the midst of sqlite's commits: those that it had told are there."""
    more = {"LINUXRUN_VOLUMES": "db:/data", "STARINA_DISK": str(context.scratch / "state.img")}
    told = 0
    for cut in range(3):
        process = context.start(**software.settings(context, software.PYTHON), LINUXRUN_ENTRYPOINT=json.dumps(["python3", "-c", ROWS]), **more)
        had = process.stdout.readline().split()
        check(len(had) == 3 and had[0] == b"had" and had[2] == b"ok" and int(had[1]) >= told, (had, told))
        for _ in range(20 + 7 * cut):
            told = int(had[1]) + int(process.stdout.readline())
        context.stop(process, signal.SIGKILL)
        check_disk(context, clean=False)
    result = software.run(context, software.PYTHON, "python3", "-c", ROWS.replace("100000", "1"), **more)
    check(int(result.stdout.split()[1]) >= told, (result, told))


@test
def the_host_is_full(context):
    """The state disk's file cannot grow: the container hears of it and ends; the machine stood still once. With room again, the disk is sound."""
    mount = context.scratch / "small"
    mount.mkdir()
    more = image(context)
    command = f"mount -t tmpfs -o size=24m none {mount} && STARINA_DISK={mount}/state.img \"$@\"; echo status $?; cp --sparse=always {mount}/state.img ."
    script = "echo kept > /data/kept; sync; dd if=/dev/zero of=/data/big bs=1M count=40 conv=fsync 2>&1; cat /data/kept"
    process = context.popen("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command, "sh", ROOT / "run.sh", "-v", "vol:/data", more, "sh", "-c", script)
    result = context.end_of(process)
    if b"status" not in result.stdout:
        raise Skip(f"no rights to mount a small file system: {result.stderr}")
    check(b"Input/output error" in result.stdout and result.stdout.endswith(b"kept\nstatus 0\n"), result)
    check("the state disk: a write" in result.stderr, result.stderr)
    check_equal(shell(context, "cat /data/kept; dd if=/dev/zero of=/data/big bs=1M count=40 conv=fsync 2>&1 | tail -n 1 | cut -d' ' -f1-2", "-v", "vol:/data").stdout,
                b"kept\n41943040 bytes\n")
    check_disk(context)
