# SPDX-License-Identifier: MIT
"""LINUXRUN_DISK and LINUXRUN_DISK_FILE: the writable layer on a disk, of one run or kept."""

import os
import signal
import subprocess

import debian
from harness import Log, check, check_equal, check_refused, test
from oci import write_layout


def image(context):
    """Debian: what it is asked to do is a shell script."""
    path = context.once("disk-image", lambda directory: write_layout(directory, debian.image())).path
    return f"oci://{path}"


def shell(context, script, *flags, **settings):
    return context.run(*flags, image(context), "sh", "-c", script, **settings)


@test
def larger_than_memory(context):
    context.own_build()
    # Other bytes at other places, so that one in the wrong place is seen; more than the guest has memory.
    result = shell(context, "for i in 1 2 3 4 5 6 7 8; do head -c 9M /dev/zero | tr '\\0' $i; done > /file; ls -l /file; "
                            "for i in 1 2 3 4 5 6 7 8; do head -c 9M | tr -d $i | wc -c; done < /file; df -k / | tail -1",
                   "--disk", "512M", "-m", "64M")
    lines = result.stdout.decode().splitlines()
    check(result.status == 0 and str(72 << 20) in lines[0], result)
    check_equal(lines[1:9], ["0"] * 8)
    check(450000 < int(lines[9].split()[1]) < 524288, lines)
    # Of this run only.
    check_equal([path.name for path in (context.build / "run").rglob("*") if "ext4" in path.name], [])


@test
def kept_across_runs(context):
    first = shell(context, "mkdir -p /data && echo one > /data/file && chmod 600 /data/file && rm /etc/hostname; rm /etc/debian_version",
                  LINUXRUN_DISK="64M", LINUXRUN_DISK_FILE="my disk,1.img")
    check_equal(first.status, 0, first)
    # Written last, and not synced by anybody but bootd.
    second = shell(context, "cat /data/file; stat -c %a /data/file; ls /etc/debian_version; echo two >> /data/file",
                   "--disk-file", "my disk,1.img")
    check_equal((second.status, second.stdout), (0, b"one\n600\n"), second)
    third = shell(context, "cat /data/file", "--disk-file", "my disk,1.img", "--read-only")
    check_equal((third.status, third.stdout), (0, b"one\ntwo\n"), third)
    check_equal(os.stat(context.scratch / "my disk,1.img").st_size, 64 << 20)
    done = subprocess.run(["/usr/sbin/e2fsck", "-fn", context.scratch / "my disk,1.img"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    # -n replays no journal, so the worst it may find is what a replay would mend.
    check(done.returncode in (0, 4), done.stdout.decode())


@test
def power_cut(context):
    """What the container has synced is there after everything was killed at once."""
    process = context.start("--disk-file", "d", image(context), "sh", "-c",
                            "echo kept > /kept; sync; echo ready; while :; do date > /busy; done")
    check_equal(process.stdout.readline(), b"ready\n")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    result = shell(context, "cat /kept", "--disk-file", "d")
    check_equal((result.status, result.stdout), (0, b"kept\n"), result)


@test
def in_use(context):
    process = context.start("--disk-file", "d", image(context), "sh", "-c", "echo ready; cat")
    check_equal(process.stdout.readline(), b"ready\n")
    check_refused(context.run("--disk-file", "d", image(context), "true"), "--disk-file", "in use")
    stdout, stderr = process.communicate()
    check_equal((process.returncode, stdout), (0, b""), stderr)


def use_reaper(context):
    """Runs the image with apps/reaper."""
    context.boot_image("starina-reaper")


@test
def driver_is_killed_at_the_start(context):
    """While kernel and initramfs are read, and what comes before: all is read again."""
    use_reaper(context)
    for pause in (1, 20, 60):
        result = context.run(image(context), "echo", "up", STARINA_APPEND=f"reaper.target=virtio_blk reaper.count=12 reaper.pause={pause}")
        check_equal((result.status, result.stdout), (0, b"up\n"), result)
        check("the boot disk is gone" in result.stderr, result)


@test
def driver_is_killed(context):
    """While the container writes and reads, and to its end: requests are made again, in the right places."""
    use_reaper(context)
    rounds = ("until [ -e /stop ]; do for i in 1 2 3 4; do head -c 6M /dev/zero | tr '\\0' $i; done > /file; sync; "
              "for i in 1 2 3 4; do head -c 6M | tr -d $i; done < /file; done")
    process = context.start("--disk-file", "d", "-m", "64M", image(context), "sh", "-c",
                            f"exec 3<&0; (read line <&3; : > /stop) & {rounds}; echo end",
                            STARINA_APPEND="reaper.target=virtio_blk reaper.count=100000 reaper.pause=1500")
    log = Log(process.stderr)
    log.wait_for("the container's writable disk is back", 3)
    process.stdin.write(b"enough\n")
    process.stdin.flush()
    check_equal((process.stdout.read(), process.wait()), (b"end\n", 0), log.whole())
    check_equal(shell(context, "cat /file | wc -c", "--disk-file", "d").stdout, str(24 << 20).encode() + b"\n")


@test
def full(context):
    result = shell(context, "dd if=/dev/zero of=/file bs=1M count=100; rm /file; echo on > /file; cat /file", "--disk", "16M")
    check_equal((result.status, result.stdout), (0, b"on\n"), result)
    check("No space left on device" in result.stderr, result)


@test
def refused_files(context):
    (context.scratch / "text").write_text("not a disk\n" * 1000)
    check_refused(context.run("--disk-file", "text", image(context)), "--disk-file", "text", "something else")
    other = context.scratch / "other"
    subprocess.run(["truncate", "-s", "32M", other], check=True)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", other], check=True, stdout=subprocess.DEVNULL)
    check_refused(context.run("--disk-file", "other", image(context)), "something else")
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-b", "4096", "-L", "starina", other], check=True, stdout=subprocess.DEVNULL)
    check_refused(context.run("--disk-file", "other", "--disk", "1G", image(context)), "32 MiB", "1024")
    os.truncate(other, 16 << 20)
    check_refused(context.run("--disk-file", "other", image(context)), "damaged")
    check_refused(context.run(LINUXRUN_DISK_FILE="/no/such/place", LINUXRUN_IMAGE=image(context)), "LINUXRUN_DISK_FILE",
                  "/no/such/place")
    check_refused(context.run("--disk-file", ".", image(context)), "--disk-file")
    # A run that cannot be leaves none behind.
    check_refused(context.run("--disk-file", "new", "file:///no/such/image"), "/no/such/image")
    check(not (context.scratch / "new").exists())
