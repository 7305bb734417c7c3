# SPDX-License-Identifier: MIT
"""Tests of bootd: processes that are added to the container that runs."""
import re
import struct

from bootd_cases import SLOW, check, config, test
from bootd_process_tests import random_bytes
from bootd_vmm import EXITED, FAILED, REPLY, RESIZE, SIGNAL, START, STARTED, STDOUT, STREAM_DATA, WINDOW


def begin(guest, **more):
    """A container that waits for a signal."""
    guest.start(config("probe", "signal", **more))
    guest.wait(lambda: b"ready\n" in guest.output[STDOUT], "the container")


def finish(guest):
    guest.send(SIGNAL, struct.pack("<I", 15), 1)
    check(guest.end()[0], 3)


def expect_added(process, status, stdout=b"", stderr=b""):
    check(process.end(), (status, stdout, stderr, ""))


@test()
def added_process(guest):
    begin(guest)
    process = guest.add("probe", "hello")
    expect_added(process, 0, b"hello\n")
    check(guest.reply(process.start), (0, ""))
    check([f[0] for f in guest.frames if f[1] == 2], [REPLY, STARTED, EXITED])
    expect_added(guest.add("/bin/probe", "exit", "7"), 7)
    expect_added(guest.add("probe", "both"), 0, b"to stdout\n", b"to stderr\n")
    expect_added(guest.add("probe", "raise"), 139)
    finish(guest)


@test()
def added_process_settings(guest):
    # The folder is made for the container.
    begin(guest, process={"cwd": "/new/work dir"})
    process = guest.add("probe", "info", cwd="/new/work dir", env=["PATH=/bin", "A=b c"],
                        user={"uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 0o27})
    status, stdout, stderr, _ = process.end()
    check((status, stderr), (0, b""))
    first, rest = stdout.split(b"\n", 1)
    pid = int(re.fullmatch(rb"pid=(\d+) ppid=0 sid=(\d+)", first)[1])
    # Of the container's namespace.
    assert 1 < pid < 20, first
    check(rest, b"uid=1000 gid=1001 groups=5,6\ncwd=/new/work dir\nhostname=box\numask=0027\nenv PATH=/bin\nenv A=b c\nenv HOME=/\n")
    status, stdout, _, _ = guest.add("probe", "info", user={"username": "web"}, env=["PATH=/bin"]).end()
    assert b"uid=33 gid=34 groups=34,50\n" in stdout and b"env HOME=/var/www\n" in stdout, stdout
    stdout = guest.add("probe", "show", "/proc/self/status", "/proc/self/cgroup", "/proc/self/limits").end()[1]
    assert b"CapEff:\t00000000a80425fb" in stdout and b"\n0::/\n" in stdout, stdout
    assert re.search(rb"Max open files +1048576 +1048576", stdout), stdout
    finish(guest)


@test()
def added_process_fails(guest):
    begin(guest)
    for args, more, status, message in [
            (["foo"], {}, 127, 'exec: "foo": executable file not found in $PATH'),
            (["/bin/foo"], {}, 127, 'exec: "/bin/foo": stat /bin/foo: no such file or directory'),
            (["/noexec"], {}, 126, 'exec: "/noexec": permission denied'),
            (["/garbage"], {}, 126, "exec /garbage: exec format error"),
            # The container's own would have it made.
            (["probe"], {"cwd": "/new"}, 126, 'chdir to cwd ("/new") set in config.json failed: no such file or directory'),
            (["probe"], {"user": {"username": "nobody-such"}}, 126,
             "unable to find user nobody-such: no matching entries in passwd file")]:
        check(guest.add(*args, **more).end(), (status, b"", b"", message))
    # What is wrong in itself, and what comes at the wrong time: the reply says so, and that is all.
    for number, body, status in [(90, b"{", -22), (90, b'{"args":[]}', -22), (90, b"", -22), (1, b"{}", -22)]:
        check(guest.reply(guest.send(START, body, number))[0], status)
    process = guest.add("probe", "signal")
    guest.wait(lambda: b"ready\n" in process.output[1], "the process")
    check(guest.reply(guest.send(START, b'{"args":["probe"]}', process.number))[0], -17)
    check(guest.reply(guest.send(SIGNAL, struct.pack("<I", 15), 90))[0], -3)
    check(guest.reply(guest.send(RESIZE, struct.pack("<HH", 1, 1), process.number))[0], -25)
    check(guest.reply(guest.send(SIGNAL, struct.pack("<I", 15), process.number))[0], 0)
    expect_added(process, 3, b"ready\ncaught 15\n")
    finish(guest)
    check(guest.reply(guest.send(START, b'{"args":["probe"]}', 91))[0], -3)


@test()
def added_process_fails_with_input(guest):
    """Its pipe is full, and a window besides: nothing is said of them once its failure was."""
    begin(guest, linux=SLOW)
    process = guest.add("foo")
    process.write(bytes(WINDOW))
    guest.wait(lambda: process.credit > 0, "its pipe to be full")
    process.write(bytes(process.credit))
    check(process.end()[0], 127)
    while guest.reply(guest.send(SIGNAL, struct.pack("<I", 9), process.number))[0] != -3:
        pass
    finish(guest)


@test()
def added_before_the_start(guest):
    process = guest.add("probe", "hello")
    check(guest.reply(process.start)[0], -3)
    del guest.added[process.number]
    begin(guest)
    finish(guest)


@test()
def added_stdin(guest):
    begin(guest)
    process = guest.add("probe", "cat")
    process.write(b"a line\n")
    guest.wait(lambda: process.output[1] == b"a line\n", "the line")
    process.close()
    expect_added(process, 0, b"a line\n")
    # More than all windows and pipes hold, to one that reads nothing until it is told to go on.
    data = random_bytes(1 << 20)
    process = guest.add("probe", "cat")
    process.slow = True
    sent = 0
    while guest.pump(0.5) or sent == 0:
        if process.credit > 0:
            piece = min(process.credit, len(data) - sent)
            process.write(data[sent:sent + piece])
            sent += piece
    guest.wait(lambda: len(process.output[1]) == WINDOW, "all that there is room for")
    # The others go on.
    expect_added(guest.add("probe", "hello"), 0, b"hello\n")
    process.slow = False
    process.widen(1)
    process.write(data[sent:])
    process.close()
    expect_added(process, 0, data)
    finish(guest)


@test()
def added_output_is_not_read(guest):
    """Its end waits for the reader; with nobody to read there is a signal."""
    begin(guest)
    process = guest.add("probe", "fill")
    process.slow = True
    guest.wait(lambda: process.output[2].endswith(b"\n"), "the process to be stuck and end")
    while guest.pump(0.5):
        pass
    check(process.status, None)
    process.slow = False
    process.widen(1)
    status, stdout, stderr, _ = process.end()
    check((status, len(stdout)), (0, int(stderr)))
    process = guest.add("probe", "random", str(1 << 30))
    guest.wait(lambda: process.output[1], "its output")
    process.close(1)
    check(process.end()[0], 141)
    finish(guest)


@test()
def added_terminal(guest):
    begin(guest)
    process = guest.add("probe", "tty", terminal=True, consoleSize={"height": 30, "width": 100})
    guest.wait(lambda: b"\n" in process.output[1], "the first line")
    check(guest.reply(guest.send(RESIZE, struct.pack("<HH", 40, 90), process.number)), (0, ""))
    process.write(b"abc\n")
    expect_added(process, 0, b"tty=111 /dev/pts/0 30x100\r\nabc\r\ngot abc\r\nnow 40x90\r\n")
    # Two at once, one of which has a size and input before it is there.
    first = guest.add("probe", "tty", terminal=True)
    second = guest.add("probe", "tty", terminal=True)
    resized = guest.send(RESIZE, struct.pack("<HH", 7, 8), second.number)
    second.write(b"def\n")
    guest.wait(lambda: b"\n" in first.output[1], "the first line")
    check(guest.reply(guest.send(RESIZE, struct.pack("<HH", 1, 2), first.number)), (0, ""))
    first.write(b"ghi\n")
    assert first.end()[0] == 0 and b"got ghi" in first.output[1], first.output
    check(second.end()[0], 0)
    assert b"now 7x8" in second.output[1], second.output
    check(guest.reply(resized), (0, ""))
    finish(guest)


@test()
def many_added(guest):
    begin(guest)
    waiting = [guest.add("probe", "cat") for _ in range(64)]
    guest.wait(lambda: all(process.started for process in waiting), "all of them")
    status, message = guest.reply(guest.send(START, b'{"args":["probe"]}', 1000))
    assert status == -11 and "64" in message, (status, message)
    for process in waiting[1::2]:
        process.write(b"x%d" % process.number)
        process.close()
    for process in waiting[1::2]:
        expect_added(process, 0, b"x%d" % process.number)
    expect_added(guest.add("probe", "hello"), 0, b"hello\n")
    finish(guest)
    for process in waiting[0::2]:
        check(process.status, 137)


@test()
def added_end_with_the_first(guest):
    """A stuck one does not keep the container, and is told of before it."""
    begin(guest)
    stuck = guest.add("probe", "random", str(1 << 30))
    stuck.slow = True
    busy = guest.add("probe", "random", str(1 << 30))
    guest.wait(lambda: len(stuck.output[1]) == WINDOW and len(busy.output[1]) > 1 << 20, "output")
    finish(guest)
    check((stuck.status, busy.status), (137, 137))
    check([f[1] for f in guest.frames if f[0] == EXITED][-1], 1)
    check(busy.output[1][:1 << 20], random_bytes(1 << 20))


@test()
def added_leaves_others_behind(guest):
    """Its end is its own, though others have its output open; what it wrote is there."""
    begin(guest)
    process = guest.add("probe", "orphan")
    expect_added(process, 0, b"leaving\n")
    finish(guest)


@test()
def hostile_streams(guest):
    begin(guest)
    process = guest.add("probe", "signal")
    guest.wait(lambda: b"ready\n" in process.output[1], "the process")
    # Of a process that is not there.
    guest.send(STREAM_DATA, struct.pack("<I", 0) + b"x", 77, answered=False)
    # Each is answered with an error, which repeats the number.
    for kind, body in [(STREAM_DATA, struct.pack("<I", 1) + b"x"), (STREAM_DATA, struct.pack("<I", 7)), (STREAM_DATA, b""),
                       (97, struct.pack("<I", 3)), (98, struct.pack("<II", 0, 1)), (98, struct.pack("<II", 2, 1)),
                       (98, struct.pack("<II", 2, 0xffffffff)), (STREAM_DATA, struct.pack("<I", 0) + bytes(WINDOW + 1))]:
        check(guest.reply(guest.send(kind, body, process.number))[0], -22)
    check([f for f in guest.frames if f[0] == FAILED], [])
    finish(guest)


@test()
def added_is_killed_at_once(guest):
    """A signal may come before execve has happened."""
    begin(guest)
    for number, status in [(9, 137), (15, 143)]:
        processes = [guest.add("probe", "cat") for _ in range(3)]
        for process in processes:
            guest.send(SIGNAL, struct.pack("<I", number), process.number)
        for process in processes:
            check(process.end()[0], status)
    finish(guest)
