# SPDX-License-Identifier: MIT
"""Tests of bootd: the container's process, its settings, streams, signals and end."""
import json
import os
import re
import selectors
import socket
import struct

from bootd_cases import SLOW, check, config, expect_failure, expect_run, test
from bootd_vmm import (CONFIGURE, CREATE, EXITED, HEADER, MAGIC, MOUNT, NETWORK, READY, REPLY, RESIZE, SIGNAL, START, STARTED, STDERR,
                       STDIN, STDOUT, VERSION, network_body)


@test()
def hello(guest):
    requests = guest.start(config("/bin/probe", "hello"))
    check(guest.end(), (0, b"hello\n", b"", None))
    for number in requests:
        check(guest.reply(number), (0, ""))
    order = [f[0] for f in guest.frames]
    check(order, [READY, REPLY, REPLY, REPLY, REPLY, STARTED, EXITED])


@test()
def asked_behind_the_start(guest):
    """Replies come in the order of the requests, though it is the container's process that writes those before its start."""
    guest.frame(READY)
    first, *rest = [guest.request + 1 + i for i in range(8)]
    # That process gets little of the processor, so that bootd is quicker.
    text = json.dumps(config("probe", "signal", linux=SLOW)).encode()
    frames = [(CONFIGURE, struct.pack("<Q32s", 0, os.urandom(32)) + text, 0),
              (MOUNT, struct.pack("<IIQ", 0, 0, 0), 0), (CREATE, b"", 0), (START, b"", 1), (NETWORK, network_body(), 0),
              *[(RESIZE, struct.pack("<HH", 1, 1), 1)] * 3]
    guest.raw(b"".join(HEADER.pack(MAGIC, VERSION, kind, process, first + i, len(body), 0) + body
                       for i, (kind, body, process) in enumerate(frames)))
    guest.reply(rest[-1])
    check([f[2] for f in guest.frames if f[0] == REPLY], [first, *rest])
    guest.wait(lambda: b"ready\n" in guest.output[STDOUT], "the container")
    guest.raw(HEADER.pack(MAGIC, VERSION, SIGNAL, 1, rest[-1] + 1, 4, 0) + struct.pack("<I", 15))
    check(guest.end()[0], 3)


@test()
def path_search(guest):
    expect_run(guest, config("probe", "hello"), 0, b"hello\n")


@test()
def exit_status_7(guest):
    expect_run(guest, config("probe", "exit", "7"), 7, b"")


@test()
def segmentation_fault(guest):
    expect_run(guest, config("probe", "raise"), 139, b"")


@test()
def not_found_in_path(guest):
    expect_failure(guest, config("foo"), 127, r'^exec: "foo": executable file not found in \$PATH$')
    assert not any(f[0] == STARTED for f in guest.frames)


@test()
def not_found(guest):
    expect_failure(guest, config("/bin/foo"), 127,
                   r'^exec: "/bin/foo": stat /bin/foo: no such file or directory$')


@test()
def not_executable(guest):
    expect_failure(guest, config("/noexec"), 126, r'^exec: "/noexec": permission denied$')


@test()
def entrypoint_is_directory(guest):
    expect_failure(guest, config("/etc"), 126, r'^exec: "/etc": is a directory$')


@test()
def exec_format_error(guest):
    expect_failure(guest, config("/garbage"), 126, r"^exec /garbage: exec format error$")


@test()
def missing_interpreter(guest):
    expect_failure(guest, config("/script"), 127, r"^exec /script: no such file or directory$")


@test()
def long_arguments(guest):
    args = ["x" * 1000 for _ in range(100)]
    expect_run(guest, config("probe", "exit", "5", *args,
                             process={"env": ["PATH=/bin", "BIG=" + "y" * 100000]}), 5, b"")


@test()
def stdin_to_stdout(guest):
    guest.start(config("probe", "cat"))
    guest.frame(STARTED)
    data = bytes(range(256)) * 1024
    guest.pending = data
    guest.wait(lambda: not guest.pending, "stdin to go out")
    guest.ports[STDIN].shutdown(socket.SHUT_WR)
    status, stdout, stderr, _ = guest.end()
    check((status, len(stdout), stderr), (0, len(data), b""))
    assert stdout == data


@test()
def stderr_apart(guest):
    expect_run(guest, config("probe", "both"), 0, b"to stdout\n", b"to stderr\n")


def random_bytes(size):
    """What `probe random` writes, up to 1 MB; then it starts again."""
    state, expected = 2463534242, bytearray()
    for _ in range(size):
        state ^= (state << 13) & 0xffffffff
        state ^= state >> 17
        state ^= (state << 5) & 0xffffffff
        expected.append(state & 0xff)
    return bytes(expected)


@test()
def slow_reader(guest):
    """With nobody reading, first the driver's queue fills, then the pipe; nothing is lost."""
    size = 40 << 20
    guest.start(config("probe", "random", str(size)))
    guest.selector.unregister(guest.ports[STDOUT])
    guest.frame(STARTED)
    for _ in range(30):
        guest.pump(0.1)
    ended = [f for f in guest.frames if f[0] == EXITED]
    assert not ended, f"EXITED before the output was taken: {ended}"
    guest.selector.register(guest.ports[STDOUT], selectors.EVENT_READ, STDOUT)
    guest.wait(lambda: len(guest.output[STDOUT]) >= size, "all output")
    guest.frame(EXITED)
    assert guest.output[STDOUT] == random_bytes(1 << 20) * 40, "the bytes differ"


@test()
def output_precedes_exited(guest):
    """The process has ended, its output has not been taken: EXITED has to wait for that."""
    guest.start(config("/bin/probe", "fill"))
    guest.selector.unregister(guest.ports[STDOUT])
    guest.frame(STARTED)
    guest.wait(lambda: guest.output[STDERR].endswith(b"\n"), "the process to be stuck and end")
    for _ in range(20):
        guest.pump(0.1)
    assert not [f for f in guest.frames if f[0] == EXITED], "EXITED came before the output"
    guest.selector.register(guest.ports[STDOUT], selectors.EVENT_READ, STDOUT)
    size = int(guest.output[STDERR])
    guest.frame(EXITED)
    guest.wait(lambda: len(guest.output[STDOUT]) >= size, "all output")
    check(len(guest.output[STDOUT]), size)


@test()
def megabyte(guest):
    expected = random_bytes(1 << 20)
    guest.start(config("probe", "random", str(1 << 20)))
    guest.frame(EXITED)
    guest.wait(lambda: len(guest.output[STDOUT]) >= 1 << 20, "all output")
    assert guest.output[STDOUT] == expected, "the bytes differ"


@test()
def process_settings(guest):
    wanted = config("probe", "info", process={
        "cwd": "/new/work dir", "env": ["PATH=/bin", "A=b c", "HOME=/x"],
        "user": {"uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 0o27}})
    expect_run(guest, wanted, 0, b"pid=1 ppid=0 sid=1\nuid=1000 gid=1001 groups=5,6\n"
               b"cwd=/new/work dir\nhostname=box\numask=0027\n"
               b"env PATH=/bin\nenv A=b c\nenv HOME=/x\n")


@test()
def user_by_name(guest):
    wanted = config("probe", "info", process={"env": ["PATH=/bin"],
                                              "user": {"username": "web"}})
    guest.start(wanted)
    status, stdout, _, _ = guest.end()
    check(status, 0)
    assert b"uid=33 gid=34 groups=34,50\n" in stdout and b"env HOME=/var/www\n" in stdout, stdout


@test()
def unknown_user(guest):
    expect_failure(guest, config("probe", process={"user": {"username": "nobody-such"}}), 125,
                   "unable to find user nobody-such: no matching entries in passwd file")


def status_fields(stdout):
    return dict(line.split(b":\t", 1) for line in stdout.splitlines() if b":\t" in line)


DEFAULT_CAPS = 0x00000000a80425fb


@test()
def default_capabilities(guest):
    guest.start(config("probe", "show", "/proc/self/status"))
    fields = status_fields(guest.end()[1])
    for name in (b"CapBnd", b"CapEff", b"CapPrm"):
        check(int(fields[name], 16), DEFAULT_CAPS)
    check(int(fields[b"CapInh"], 16), 0)
    check(fields[b"NoNewPrivs"], b"0")
    check(fields[b"SigBlk"], b"0" * 16)
    check(fields[b"SigIgn"], b"0" * 16)


@test()
def default_privileges_of_others(guest):
    """Docker's: the capabilities may be had (by no file, though: no_new_privs), but are not."""
    guest.start(config("probe", "show", "/proc/self/status", process={"user": {"uid": 5, "gid": 5}}))
    fields = status_fields(guest.end()[1])
    check(int(fields[b"CapBnd"], 16), DEFAULT_CAPS)
    for name in (b"CapEff", b"CapPrm", b"CapInh", b"CapAmb"):
        check(int(fields[name], 16), 0)
    check(fields[b"NoNewPrivs"], b"1")


@test()
def root_by_name(guest):
    guest.start(config("probe", "show", "/proc/self/status", process={"user": {"username": "0"}}))
    fields = status_fields(guest.end()[1])
    check(int(fields[b"CapEff"], 16), DEFAULT_CAPS)
    check(fields[b"NoNewPrivs"], b"0")


@test()
def chosen_capabilities(guest):
    kill, net = 1 << 5, 1 << 10
    names = ["CAP_KILL", "CAP_NET_BIND_SERVICE"]
    guest.start(config("probe", "show", "/proc/self/status", "/proc/self/oom_score_adj", process={
        "user": {"uid": 5, "gid": 5}, "noNewPrivileges": True, "oomScoreAdj": 100,
        "capabilities": {"bounding": names, "permitted": names[1:], "effective": names[1:],
                         "inheritable": names[1:], "ambient": names[1:]}}))
    _, stdout, _, _ = guest.end()
    fields = status_fields(stdout)
    check(int(fields[b"CapBnd"], 16), kill | net)
    check(int(fields[b"CapEff"], 16), net)
    check(int(fields[b"CapAmb"], 16), net)
    check(fields[b"NoNewPrivs"], b"1")
    check(stdout.splitlines()[-1], b"100")


READS_LOG = {"capabilities": {kind: ["CAP_SYSLOG"] for kind in ("bounding", "permitted", "effective")}}


@test()
def kernel_log_is_hidden(guest):
    """Root of a container does not read it, as with docker, whose seccomp profile wants CAP_SYSLOG for that."""
    expect_run(guest, config("probe", "log", "Linux version"), 0, b"Operation not permitted\n")


@test()
def kernel_log_with_the_capability(guest):
    guest.start(config("probe", "log", "Linux version", process=READS_LOG))
    check(guest.end()[1][:13], b"Linux version")


@test()
def limits(guest):
    guest.start(config("probe", "show", "/proc/self/limits", process={"rlimits": [
        {"type": "RLIMIT_NOFILE", "soft": 123, "hard": 456},
        {"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615}]}))
    _, stdout, _, _ = guest.end()
    assert re.search(rb"Max open files +123 +456", stdout), stdout
    assert re.search(rb"Max core file size +0 +unlimited", stdout), stdout


@test()
def limit_too_large(guest):
    expect_failure(guest, config("probe", "id", process={"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2000000}]}),
                   125, "RLIMIT_NOFILE of 2000000 .*at most 1048576")


@test()
def limit_of_many(guest):
    expect_failure(guest, config("probe", "id", process={"rlimits": [{"type": "RLIMIT_STACK", "soft": 2, "hard": 1}]}),
                   125, "RLIMIT_STACK to 2:1")


@test()
def default_limits(guest):
    guest.start(config("probe", "show", "/proc/self/limits", "/proc/sys/net/ipv4/ip_unprivileged_port_start"))
    _, stdout, _, _ = guest.end()
    assert re.search(rb"Max open files +1048576 +1048576", stdout), stdout
    assert re.search(rb"Max processes +unlimited +unlimited", stdout), stdout
    check(stdout.splitlines()[-1], b"0")


@test()
def signal_is_delivered(guest):
    guest.start(config("probe", "signal"))
    guest.wait(lambda: b"ready\n" in guest.output[STDOUT], "the handler")
    number = guest.send(SIGNAL, struct.pack("<I", 15), 1)
    check(guest.reply(number), (0, ""))
    check(guest.end(), (3, b"ready\ncaught 15\n", b"", None))


@test()
def all_signals_are_delivered(guest):
    guest.start(config("probe", "signals"))
    guest.wait(lambda: b"ready\n" in guest.output[STDOUT], "the handlers")
    # Without KILL, STOP, TERM, which the process waits for, and two that glibc keeps to itself.
    numbers = [n for n in range(1, 65) if n not in (9, 15, 19, 32, 33)]
    for n in numbers:
        check(guest.reply(guest.send(SIGNAL, struct.pack("<I", n), 1)), (0, ""))
        guest.wait(lambda n=n: guest.output[STDOUT].endswith(b"caught %d\n" % n), f"signal {n}")
    check(guest.reply(guest.send(SIGNAL, struct.pack("<I", 0), 1))[0], -22)
    check(guest.reply(guest.send(SIGNAL, struct.pack("<I", 65), 1))[0], -22)
    guest.send(SIGNAL, struct.pack("<I", 15), 1)
    check(guest.end()[0], 3)


@test()
def kill_is_delivered(guest):
    guest.start(config("probe", "signal"))
    guest.wait(lambda: b"ready\n" in guest.output[STDOUT], "the handler")
    check(guest.reply(guest.send(SIGNAL, struct.pack("<I", 99), 1))[0], -22)
    check(guest.reply(guest.send(SIGNAL, struct.pack("<I", 15), 9))[0], -3)
    guest.send(SIGNAL, struct.pack("<I", 9), 1)
    check(guest.end()[0], 137)
    check(guest.reply(guest.send(SIGNAL, struct.pack("<I", 9), 1))[0], -3)


@test()
def kill_before_start(guest):
    guest.frame(READY)
    guest.send(CONFIGURE, struct.pack("<Q32s", 0, os.urandom(32)) + json.dumps(config("probe", "hello")).encode())
    guest.send(MOUNT, struct.pack("<IIQ", 0, 0, 0))
    check(guest.reply(guest.send(CREATE)), (0, ""))
    check(guest.reply(guest.send(SIGNAL, struct.pack("<I", 9), 1)), (0, ""))
    check(guest.end()[0], 137)


@test()
def all_die_with_the_first(guest):
    expect_run(guest, config("probe", "orphan"), 0, b"leaving\n")


@test()
def terminal(guest):
    guest.start(config("probe", "tty", process={"terminal": True,
                                                "consoleSize": {"height": 30, "width": 100}}))
    guest.wait(lambda: b"\n" in guest.output[STDOUT], "the first line")
    check(guest.reply(guest.send(RESIZE, struct.pack("<HH", 40, 90), 1)), (0, ""))
    guest.pending = b"abc\n"
    status, stdout, stderr, _ = guest.end()
    check((status, stdout, stderr),
          (0, b"tty=111 /dev/pts/0 30x100\r\nabc\r\ngot abc\r\nnow 40x90\r\n", b""))


@test()
def shutdown_while_running(guest):
    guest.start(config("probe", "signal"))
    guest.frame(STARTED)
    assert guest.close(), "the guest did not power off"
