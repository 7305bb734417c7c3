# SPDX-License-Identifier: MIT
"""Wrong settings are refused before anything boots."""

import socket
import stat
import subprocess

from harness import ROOT, check, check_equal, check_refused, test


def fake_qemu(context, output):
    path = context.scratch / "qemu"
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@test
def help_text(context):
    result = context.run("--help")
    check_equal(result.status, 0)
    check(b"LINUXRUN_IMAGE" in result.stdout, result)
    check_equal(context.run("--gdb", "--help").stdout, result.stdout)
    check_equal(context.run("-h").stdout, result.stdout)


@test
def unknown_option(context):
    check_refused(context.run("--frobnicate"), "--frobnicate", "--help")
    check_refused(context.run("./alpine.tar"), '"./alpine.tar"', "file://")
    check_refused(context.run("Alpine"), "docker://Alpine", "lower-case")
    check_refused(context.run("--smp", "0"), "--smp 0")


@test
def unknown_setting(context):
    check_refused(context.run(LINUXRUN_CPU="2"), "LINUXRUN_CPU is not a setting", "--help")


@test
def qemu_missing(context):
    check_refused(context.run(QEMU="/no/such/qemu"), "/no/such/qemu", "setup.sh")


@test
def qemu_too_old(context):
    qemu = fake_qemu(context, "QEMU emulator version 6.2.0 (Debian)")
    check_refused(context.run(QEMU=qemu), "6.2", "too old", "7.2")
    qemu = fake_qemu(context, "hello")
    check_refused(context.run(QEMU=qemu), "is not QEMU")


@test
def port_in_use(context):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        check_refused(context.run(STARINA_HTTP_PORT=port), str(port), "in use", "STARINA_HTTP_PORT")
    check_refused(context.run(STARINA_HTTP_PORT="http"), "STARINA_HTTP_PORT=http")


@test
def too_little_memory(context):
    check_refused(context.run(LINUXRUN_MEMORY="4M"), "LINUXRUN_MEMORY=4M", "32M")
    check_refused(context.run(STARINA_MEMORY="100M"), "STARINA_MEMORY", "192M")
    check_refused(context.run(LINUXRUN_MEMORY="lots"), "LINUXRUN_MEMORY=lots", "256M")


@test
def nothing_is_left_of_a_refused_run(context):
    context.own_build()
    check_refused(context.run(LINUXRUN_IMAGE="file:///nope"), "/nope")
    check_refused(context.run(LINUXRUN_HOSTNAME="a b"), "LINUXRUN_HOSTNAME=a b")
    check_equal(list((context.build / "run").glob("run.*")), [])
    check_equal(context.cache_leftovers(), [])


@test
def through_a_symbolic_link(context):
    """And paths, BUILD's too, are relative to where the user is."""
    (context.scratch / "starina").symlink_to(ROOT / "run.sh")
    (context.scratch / "debug").symlink_to(ROOT / "debug.sh")
    context.own_build()

    def command(*words):
        return subprocess.run(words, env={**context.environment({}), "BUILD": "build"}, cwd=context.scratch, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    done = command("./starina", "--help")
    check(done.returncode == 0 and b"LINUXRUN_IMAGE" in done.stdout, done)
    done = command("./starina", "oci://none")
    check(done.returncode == 125 and b"oci://none" in done.stderr, done)
    done = command("./debug")
    check(f"{context.scratch}/build/run/gdb.addr".encode() in done.stderr, done)
