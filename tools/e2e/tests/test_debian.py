# SPDX-License-Identifier: MIT
"""A Debian riscv64 image with more layers on top: programs as they come, and what is seen of the layers inside."""

import json

import debian
from harness import check, check_equal, test
from oci import Layer, write_layout

# VFS_CAP_REVISION_2, effective, cap_net_raw (linux/capability.h)
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def layers():
    lower = Layer().dir("t").file("t/gone").file("t/kept", "kept").dir("t/opaque").file("t/opaque/old")
    lower.dir("t/removed").file("t/removed/file").file("t/replaced", "old")
    upper = Layer("zstd").whiteout("t/gone").opaque("t/opaque").file("t/opaque/new").whiteout("t/removed")
    upper.whiteout("t/replaced").dir("t/replaced", mode=0o700).file("t/replaced/new")
    upper.dir("data", mode=0o1777).char_device("data/null", 1, 3, mode=0o666)
    upper.file("data/su", "s", mode=0o4755, uid=70000, gid=80000,
               xattrs={"security.capability": CAPABILITY, "user.key": b"v\0\xff", "user.empty": b""})
    upper.file("data/sg", mode=0o2640, gid=33).symlink("data/link", "su", uid=5).hardlink("data/hard", "data/su")
    upper.dir(".", mode=0o711, uid=0, gid=4)
    return lower, upper


def run_debian(context, *argv, **settings):
    """Runs a command in the Debian image, which is made and packed once."""
    def build(directory):
        write_layout(directory / "layout", debian.image(*layers()))
        return directory
    directory = context.once("debian", build)
    return context.run(LINUXRUN_IMAGE=f"oci://{directory}/layout", LINUXRUN_ENTRYPOINT=json.dumps(list(argv)),
                       STARINA_CACHE=directory / "cache", **settings)


def run_script(context, script, **settings):
    return run_debian(context, "/bin/sh", "-c", script, **settings)


def check_script(context, script, stdout, status=0, **settings):
    result = run_script(context, script, **settings)
    check_equal(result.stdout.decode(errors="replace"), stdout, result)
    check_equal(result.status, status, result)
    return result


@test
def shell_busybox_python(context):
    script = """
        echo from sh; busybox echo from busybox
        python3 -c 'import sys; print("from", "python", sum(range(1000))); print("to stderr", file=sys.stderr)'
        seq 1 5 | while read n; do echo $((n * n)); done | tail -1
        exit 5"""
    result = check_script(context, script, "from sh\nfrom busybox\nfrom python 499500\n25\n", 5)
    check("to stderr" in result.stderr, result)


@test
def as_many_cpus_as_asked_for(context):
    script = "import os, socket; s = socket.create_server(('127.0.0.1', 0)); " \
             "socket.create_connection(s.getsockname()).sendall(b'x'); print(os.cpu_count(), s.accept()[0].recv(1))"
    result = run_debian(context, "/usr/bin/python3", "-c", script, LINUXRUN_CPUS="2")
    check_equal(result.stdout, b"2 b'x'\n", result)


@test
def all_the_memory_asked_for(context):
    result = run_debian(context, "/bin/sh", "-c", "head -n 1 /proc/meminfo", LINUXRUN_MEMORY="8G")
    kib = int(result.stdout.split()[1])
    check(7.5 * (1 << 20) < kib < 8 << 20, result)


@test
def part_of_a_cpu(context):
    result = run_debian(context, "/usr/bin/python3", "-c", "import os; print(os.cpu_count(), open('/sys/fs/cgroup/cpu.max').read())",
                        LINUXRUN_CPUS="1.5")
    check_equal(result.stdout.split(), [b"2", b"150000", b"100000"], result)


@test
def default_command_is_a_shell(context):
    directory = run_script(context, "exit 0") and context.once("debian", None)
    result = context.run(LINUXRUN_IMAGE=f"oci://{directory}/layout", STARINA_CACHE=directory / "cache",
                         stdin=b"word=stdin\necho from $word\nexit 6\n")
    check_equal((result.status, result.stdout), (6, b"from stdin\n"), result)


@test
def deaths(context):
    script = """
        sh -c 'kill -9 $$'; echo $?; sh -c 'kill -SEGV $$'; echo $?; /nowhere; echo $?; /etc/passwd; echo $?
        (sleep 1000; echo orphan) & exit 0"""
    result = run_script(context, script)
    check_equal((result.status, result.stdout), (0, b"137\n139\n127\n126\n"), result)


@test
def identity_and_processes(context):
    script = """
        id -u; id -g; echo $$; pwd; hostname 2>/dev/null || cat /proc/sys/kernel/hostname
        ls /dev | busybox tr '\\n' ' '; echo; busybox grep -c . /proc/1/cmdline; test -w /tmp && echo writable"""
    result = run_script(context, script)
    lines = result.stdout.decode().splitlines()
    check_equal(lines[:5], ["0", "0", "1", "/", "starina"], result)
    check({"null", "zero", "full", "random", "urandom", "tty", "stdin", "stdout", "stderr", "fd", "pts", "shm"}
          <= set(lines[5].split()), result)
    check_equal(lines[-1], "writable", result)
    check_script(context, "id", "uid=33(www-data) gid=33(www-data) groups=33(www-data),50(media)\n",
                 LINUXRUN_USER="www-data")


@test
def attributes_inside(context):
    script = "stat -c '%n %a %u:%g %F %t,%T' / /data /data/null /data/su /data/hard /data/sg; " \
             "stat -c '%n %u %F' /data/link; getcap /data/su"
    check_script(context, script,
                 "/ 711 0:4 directory 0,0\n"
                 "/data 1777 0:0 directory 0,0\n"
                 "/data/null 666 0:0 character special file 1,3\n"
                 "/data/su 4755 70000:80000 regular file 0,0\n"
                 "/data/hard 4755 70000:80000 regular file 0,0\n"
                 "/data/sg 2640 0:33 regular empty file 0,0\n"
                 "/data/link 5 symbolic link\n"
                 "/data/su cap_net_raw=ep\n")
    program = "import os; print(sorted(os.listxattr('/data/hard')), os.getxattr('/data/su', 'user.key'), " \
              "os.getxattr('/data/su', 'user.empty'))"
    result = run_debian(context, "python3", "-c", program)
    check_equal(result.stdout, b"['security.capability', 'user.empty', 'user.key'] b'v\\x00\\xff' b''\n", result)


@test
def whiteouts_inside(context):
    script = "cd /t; busybox find . | sort; echo written > gone; mkdir removed; echo again > removed/file; " \
             "cat kept gone removed/file"
    check_script(context, script, ".\n./kept\n./opaque\n./opaque/new\n./replaced\n./replaced/new\n"
                                  "keptwritten\nagain\n")
