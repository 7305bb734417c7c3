# SPDX-License-Identifier: MIT
"""Signals to ./run.sh: all that can be handled reach the container's process, and no end leaves anything behind."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from harness import ROOT, check, check_equal, test
from oci import write_layout
from probe import probe_image
from test_machine import Machine, qemu_of

# What ends a process that does not handle it, but for the two that cannot be handled.
ENDING = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGTERM, 32,
          signal.SIGRTMIN, signal.SIGRTMAX]


def start(context, *args, **settings):
    """./run.sh of the probe, once it says that it waits."""
    if not (context.scratch / "image").exists():
        write_layout(context.scratch / "image", probe_image(context, *args))
    process = context.start(LINUXRUN_IMAGE="oci://image", **settings)
    check_equal(process.stdout.readline(), b"waiting\n")
    return process


def leftovers(context):
    return [path.name for path in (context.build / "run").glob("run.*")]


@test
def all_reach_the_container(context):
    """More of them than force an end, and none begins its time but SIGTERM, which is the last."""
    context.own_build()
    process = start(context, "signals", LINUXRUN_STOP_TIMEOUT=0)
    for number in range(1, 65):
        if number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGTERM):
            continue
        process.send_signal(number)
        check_equal(process.stdout.readline(), b"signal %d\n" % number)
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)
    check_equal(process.stdout.readline(), b"signal %d\n" % signal.SIGCONT)
    # It handles the signal, too: 55, if it is quicker than its end by force.
    check(context.stop(process, signal.SIGTERM).status in (55, 137))
    check_equal(leftovers(context), [])


@test
def ignored_ones_stay_ignored(context):
    """As nohup and a shell's `&` have it."""
    write_layout(context.scratch / "image", probe_image(context, "signals"))
    process = context.popen("sh", "-c", "trap '' HUP INT CHLD; exec \"$0\" oci://image", ROOT / "run.sh")
    check_equal(process.stdout.readline(), b"waiting\n")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGUSR1)
    result = context.stop(process, signal.SIGTERM)
    check_equal((result.status, result.stdout), (55, b"signal 10\nsignal 15\n"), result)


@test
def before_the_container(context):
    """While the image is fetched, from a server that never answers: the status is the signal's, at once."""
    context.own_build()
    fetcher = context.scratch / "skopeo"
    fetcher.write_text("#!/bin/sh\necho $$ > fetching\nexec sleep 1000\n")
    fetcher.chmod(0o755)
    for number in ENDING:
        process = context.start("localhost:1/x", PATH=f"{context.scratch}:{os.environ['PATH']}")
        wait_for(process, context.scratch / "fetching")
        process.send_signal(signal.SIGWINCH)  # which ends nothing
        result = context.stop(process, number)
        check_equal(result.status, 128 + int(number), result)
        check(f"stopped by signal {int(number)}" in result.stderr, result)
        (context.scratch / "fetching").unlink()
        check_equal((leftovers(context), context.cache_leftovers()), ([], []))


def wait_for(process, path):
    while not path.exists() or not path.read_text():
        check(process.poll() is None, f"{path} does not come")
        time.sleep(0.02)


@test
def while_the_os_boots(context):
    context.own_build()
    write_layout(context.scratch / "image", probe_image(context, "hello"))
    for number in ENDING:
        # An emulator that says one thing and boots nothing.
        emulator, booting = (context.scratch / f"{name}.{int(number)}" for name in ("emulator", "booting"))
        emulator.write_text("#!/bin/sh\n[ \"$1\" != --version ] || exec echo QEMU emulator version 10.0.0\n"
                            f"echo > {booting}\nexec sleep 1000\n")
        emulator.chmod(0o755)
        process = context.start("oci://image", QEMU=emulator)
        wait_for(process, booting)
        result = context.stop(process, number)
        check_equal(result.status, 128 + int(number), result)
        check_equal(leftovers(context), [])


@test
def qemu_is_killed(context):
    for number in (signal.SIGKILL, signal.SIGSEGV):
        process = start(context, "wait")
        os.kill(qemu_of(process), number)
        result = context.end_of(process)
        check_equal((result.status, result.stdout), (125, b""), result)
        check(re.search(rf"ERROR  QEMU was ended by signal {int(number)} \(.*\) before the container's end", result.stderr), result)


@test
def qemu_is_killed_after_the_container(context):
    """The built-in container's end is not the OS's."""
    machine = Machine(context)
    try:
        machine.wait_for("container ended with status 0")
        os.kill(qemu_of(machine.process), signal.SIGKILL)
        check_equal(machine.end(), 125, machine.output)
        # "after", unless it was killed between the log's line and the control port's.
        check(b"QEMU was ended by signal 9 (Killed)" in machine.output, machine.output)
    finally:
        machine.kill()


CLOSED = """
"$0" --disk 64M --disk-file d oci://image sh -c 'echo precious > /keep' || exit 1
"$0" --disk-file d oci://image wc -c <&- > count || exit 2
"$0" --disk-file d oci://image seq 1 300000 >&- || exit 3
"$0" --disk-file d oci://image sh -c 'seq 1 300000 >&2' 2>&- || exit 4
"$0" --disk-file d oci://image cat /keep > kept || exit 5
"$0" oci://image sh -c 'exit 7' <&- >&- 2>&-
"""


@test
def standard_streams_that_are_closed(context):
    """They do not become the files that are opened next: least of all the disk that is kept."""
    layout = ROOT / context.build / "image/userland-layout"
    (context.scratch / "image").symlink_to(layout)
    result = context.end_of(context.popen("sh", "-c", CLOSED, ROOT / "run.sh"))
    check_equal(result.status, 7, result)
    check_equal((context.scratch / "count").read_text().strip(), "0")
    check_equal((context.scratch / "kept").read_text(), "precious\n")
    fsck = subprocess.run(["/usr/sbin/e2fsck", "-fn", context.scratch / "d"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    check(fsck.returncode in (0, 4), fsck.stdout.decode())
    # The image tool by itself, too.
    tool = context.build / "host/starina-image"
    done = subprocess.run(["sh", "-c", f"'{tool}' resolve oci://image >&- && '{tool}' resolve oci://image <&-"], cwd=context.scratch,
                          env=context.environment({}), check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check_equal(done.returncode, 0, done.stderr)
    check(Path(done.stdout.decode().strip(), "root.squashfs").exists(), done)
