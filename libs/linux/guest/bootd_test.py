#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests bootd in a plain QEMU machine: this script plays the VMM on the control port.

usage: bootd_test.py --kernel IMAGE --build DIR [-v] [--measure] [NAME...]

DIR is the BUILD directory that holds guest/initramfs.cpio (made by guest.mk). Prints `N passed, N failed`.
"""
import argparse
import json
import os
import re
import select
import selectors
import socket
import struct
import subprocess
import sys
import tempfile

from bootd_vmm import (CONFIGURE, CREATE, EXITED, FAILED, HEADER, MAGIC, MOUNT, NETWORK, READY, RELEASE, REPLY,
                       RESIZE, SIGNAL, START, STARTED, STDERR, STDIN, STDOUT, VERSION, Guest, make_root,
                       network_body)

HERE = os.path.dirname(os.path.abspath(__file__))
CMDLINE = "loglevel=1 earlycon=sbi keep_bootcon panic=-1"
DEFAULT_CAPS = 0x00000000a80425fb


def config(*args, **more):
    """A config.json like the one our image tool writes."""
    process = {"args": list(args), "env": ["PATH=/bin", "HOME=/root"], "cwd": "/",
               "user": {"uid": 0, "gid": 0}}
    process.update(more.pop("process", {}))
    return {"ociVersion": "1.0.2", "process": process, "hostname": "box", **more}


TESTS = []


def test(root="plain"):
    """Marks a test, which gets (options, guest)."""
    def mark(function):
        TESTS.append((function.__name__, root, function))
        return function
    return mark


def check(actual, expected):
    """Fails with both values."""
    assert actual == expected, f"expected {expected!r}, got {actual!r}"


def expect_run(guest, wanted, status, stdout=None, stderr=b"", **more):
    """Runs to the end and compares."""
    guest.start(wanted, **more)
    actual = guest.end()
    check((actual[0], actual[3]), (status, None))
    if stdout is not None:
        check(actual[1], stdout)
    check(actual[2], stderr)
    return actual


@test()
def hello(guest):
    requests = guest.start(config("/bin/probe", "hello"))
    check(guest.end(), (0, b"hello\n", b"", None))
    for number in requests:
        check(guest.reply(number), (0, ""))
    order = [f[0] for f in guest.frames]
    check(order, [READY, REPLY, REPLY, REPLY, REPLY, STARTED, EXITED])


@test()
def path_search(guest):
    expect_run(guest, config("probe", "hello"), 0, b"hello\n")


@test()
def exit_status_7(guest):
    expect_run(guest, config("probe", "exit", "7"), 7, b"")


@test()
def segmentation_fault(guest):
    expect_run(guest, config("probe", "raise"), 139, b"")


def expect_failure(guest, wanted, status, pattern, **more):
    guest.start(wanted, **more)
    actual = guest.end()
    check(actual[0], status)
    assert actual[3] is not None and re.search(pattern, actual[3]), f"message {actual[3]!r}"
    check(actual[1], b"")


@test()
def not_found_in_path(guest):
    expect_failure(guest, config("foo"), 127, r'^exec: "foo": executable file not found in \$PATH$')
    assert not any(f[0] == STARTED for f in guest.frames)


@test()
def not_found(guest):
    expect_failure(guest, config("/bin/foo"), 127,
                   r'^exec: "/bin/foo": stat /bin/foo: No such file or directory$')


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
    expect_failure(guest, config("/script"), 127, r"^exec /script: No such file or directory$")


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
    while len(guest.output[STDOUT]) < size:
        guest.pump(0)
        select.select([guest.ports[STDOUT]], [], [], 5)
        guest.output[STDOUT] += guest.ports[STDOUT].recv(65536)
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


@test()
def limits(guest):
    guest.start(config("probe", "show", "/proc/self/limits", process={"rlimits": [
        {"type": "RLIMIT_NOFILE", "soft": 123, "hard": 456},
        {"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615}]}))
    _, stdout, _, _ = guest.end()
    assert re.search(rb"Max open files +123 +456", stdout), stdout
    assert re.search(rb"Max core file size +0 +unlimited", stdout), stdout


@test()
def default_limits(guest):
    guest.start(config("probe", "show", "/proc/self/limits", "/proc/sys/net/ipv4/ip_unprivileged_port_start"))
    _, stdout, _, _ = guest.end()
    assert re.search(rb"Max open files +1048576 +1048576", stdout), stdout
    assert re.search(rb"Max processes +unlimited +unlimited", stdout), stdout
    check(stdout.splitlines()[-1], b"0")


@test()
def resources(guest):
    """Its group is the root of what it sees, with the limits asked for."""
    wanted = config("probe", "show", "/proc/self/cgroup", *("/sys/fs/cgroup/" + name for name in
                                                            ("memory.max", "pids.max", "cpu.max")),
                    linux={"resources": {"memory": {"limit": 32 << 20}, "pids": {"limit": 99},
                                         "cpu": {"quota": 150000}}})
    guest.start(wanted)
    status, stdout, _, _ = guest.end()
    check(status, 0)
    # The hierarchy that the device rules came by may still be on its way out.
    check(stdout.removeprefix(b"1:devices:/\n"), b"0::/\n33554432\n99\n150000 100000\n")


@test()
def dev_nodes(guest):
    expect_run(guest, config("probe", "ls", "/dev"), 0,
               b"core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \n")


@test()
def console_of_a_terminal(guest):
    expect_run(guest, config("probe", "ls", "/dev", process={"terminal": True}), 0,
               b"console core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \r\n")


@test()
def only_its_processes(guest):
    guest.start(config("probe", "ls", "/proc"))
    _, stdout, _, _ = guest.end()
    check([n for n in stdout.split() if n.isdigit()], [b"1"])


@test()
def mounts(guest):
    guest.start(config("probe", "show", "/proc/self/mounts"))
    _, stdout, _, _ = guest.end()
    lines = [line.split() for line in stdout.decode().splitlines()]
    check([line[1] for line in lines if line[2] == "devtmpfs"], [])
    table = {line[1]: line for line in lines}
    check(table["/"][2], "overlay")
    assert table["/sys"][3].startswith("ro,"), table["/sys"]
    for path in ("/proc/sys", "/proc/irq"):
        assert table[path][3].startswith("ro,"), table[path]


@test()
def masked_paths(guest):
    guest.start(config("probe", "show", "/proc/timer_list", "/proc/interrupts", "/masked",
                       linux={"maskedPaths": ["/proc/timer_list", "/proc/interrupts", "/masked",
                                              "/none", "/etc"]}))
    _, stdout, _, _ = guest.end()
    check(stdout, b"")


@test()
def masked_directory(guest):
    expect_run(guest, config("probe", "ls", "/etc", linux={"maskedPaths": ["/etc"]}), 0, b"\n")


@test()
def readonly_paths(guest):
    expect_run(guest, config("probe", "write", "/proc/sys/kernel/panic", "/sys/x", "/tmp/f"), 1,
               b"/proc/sys/kernel/panic: Read-only file system\n/sys/x: Read-only file system\n"
               b"/tmp/f: written\n")


@test()
def readonly_root(guest):
    expect_run(guest, config("probe", "write", "/tmp/f", "/dev/shm/f"), 1,
               b"/tmp/f: Read-only file system\n/dev/shm/f: written\n", flags=1)


@test()
def readonly_root_by_config(guest):
    expect_run(guest, config("probe", "write", "/tmp/f", root={"path": "rootfs", "readonly": True}),
               1, b"/tmp/f: Read-only file system\n")


@test()
def runtime_files(guest):
    files = {"dev.starina.file:/etc/resolv.conf": "nameserver 10.0.2.3\n",
             "dev.starina.file:/etc/hosts": "127.0.0.1 localhost\n", "other": "x"}
    expect_run(guest, config("probe", "show", "/etc/resolv.conf", "/etc/hosts", annotations=files),
               0, b"nameserver 10.0.2.3\n127.0.0.1 localhost\n")


@test()
def reopened_stdout(guest):
    guest.start(config("probe", "reopen", process={"user": {"uid": 7, "gid": 7}}))
    status, stdout, _, _ = guest.end()
    check((status, stdout), (0, b"x/dev/stdout: written\n"))


@test()
def cgroup_mount(guest):
    """As tools/image writes it: Docker's list has cgroups, read-only."""
    plain = ["nosuid", "noexec", "nodev"]
    wanted = config("probe", "ls", "/sys/fs/cgroup", mounts=[
        {"destination": "/proc", "type": "proc", "source": "proc", "options": plain},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": plain + ["ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
         "options": ["ro"] + plain}])
    guest.start(wanted)
    status, stdout, _, _ = guest.end()
    assert status == 0 and b"cgroup.controllers" in stdout, (status, stdout)


@test()
def wall_clock(guest):
    guest.start(config("probe", "clock"), wall_time=1700000000 * 10**9)
    _, stdout, _, _ = guest.end()
    seconds = int(stdout.split()[1])
    assert 1700000000 <= seconds < 1700000600, seconds


@test()
def signal_is_delivered(guest):
    guest.start(config("probe", "signal"))
    guest.wait(lambda: b"ready\n" in guest.output[STDOUT], "the handler")
    number = guest.send(SIGNAL, struct.pack("<I", 15), 1)
    check(guest.reply(number), (0, ""))
    check(guest.end(), (3, b"ready\ncaught 15\n", b"", None))


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
          (0, b"tty=111 /dev/pts/0 30x100\r\nabc\r\ngot abc\r\n", b""))


@test()
def shutdown_while_running(guest):
    guest.start(config("probe", "signal"))
    guest.frame(STARTED)
    assert guest.close(), "the guest did not power off"


@test()
def hostile_config(guest):
    guest.frame(READY)
    deep = b'{"process":' + b"[" * 200000
    bad = [b"", b"{", b"[]", b"null", deep, b'{"process":{"args":["a\\u0000b"]}}', b"\0" * 100,
           b'{"process":{"args":"x"}}', b'{"process":{"args":[1]}}', b'{"process":{"args":[]}}',
           b'{"process":{"args":["x"],"cwd":"a"}}', b'{"process":{"args":["x"],"user":{"uid":-1}}}',
           b'{"process":{"args":["x"],"user":{"uid":1e99}}}', b"\xff\xfe" * 50,
           b'{"process":{"args":["x"]},"mounts":[{"destination":"/a","options":["bind"]}]}']
    for number, text in enumerate(bad, 1):
        status, message = guest.reply(guest.send(CONFIGURE, bytes(40) + text))
        assert status < 0 and "config.json" in message, (text[:50], status, message)
        events = [f for f in guest.frames if f[0] == FAILED]
        check(len(events), number)
        check(struct.unpack_from("<I", events[-1][3])[0], 125)
    # It still works.
    guest.start(config("probe", "hello"))
    guest.frame(EXITED)


@test()
def hostile_frames(guest):
    guest.frame(READY)
    check(guest.reply(guest.send(77, b"abc"))[0], -38)
    check(guest.reply(guest.send(MOUNT, b"abc"))[0], -22)
    check(guest.reply(guest.send(START))[0], -22)
    check(guest.reply(guest.send(CREATE))[0], -22)
    check(guest.reply(guest.send(MOUNT, struct.pack("<II", 8, 0)))[0], -22)
    guest.raw(HEADER.pack(MAGIC, VERSION, MOUNT, 0, 1000, (1 << 20) + 1, 0) + bytes((1 << 20) + 1))
    check(guest.reply(1000)[0], -90)
    guest.raw(HEADER.pack(MAGIC, VERSION + 1, MOUNT, 0, 1001, 4, 0) + bytes(4))
    check(guest.reply(1001)[0], -93)
    guest.start(config("probe", "hello"))
    guest.wait(lambda: guest.output[STDOUT] == b"hello\n", "output after all that")
    guest.raw(b"garbage" * 10)
    guest.process.wait(20)


@test()
def long_arguments(guest):
    args = ["x" * 1000 for _ in range(100)]
    expect_run(guest, config("probe", "exit", "5", *args,
                             process={"env": ["PATH=/bin", "BIG=" + "y" * 100000]}), 5, b"")


@test("hostile_proc")
def proc_is_a_link(guest):
    expect_failure(guest, config("/bin/probe"), 125, "mount proc: .* other than a directory at /proc")


@test("hostile_dev")
def dev_and_etc_are_links(guest):
    # Resolved within the image: nothing of the guest's own root appears.
    files = {"dev.starina.file:/etc/hosts": "127.0.0.1 localhost\n"}
    guest.start(config("/bin/probe", "stat", "/other/null", "/target/hosts", "/init",
                       annotations=files))
    status, stdout, _, _ = guest.end()
    check((status, stdout), (1, b"/other/null: 20666 0:0\n/target/hosts: 100644 0:0\n"
                                b"/init: No such file or directory\n"))


@test("hostile_dev")
def links_of_files_are_replaced(guest):
    files = {"dev.starina.file:/etc/resolv.conf": "new\n", "dev.starina.file:/etc/fifo": "f\n"}
    guest.start(config("/bin/probe", "show", "/etc/resolv.conf", "/victim", "/etc/fifo",
                       annotations=files))
    check(guest.end()[1], b"new\nuntouched\nf\n")


@test("hostile_dev")
def workdir_through_proc(guest):
    for path in ("/proc/self/fd/8",):
        expect_failure(guest, config("/bin/probe", process={"cwd": path}), 125,
                       "(mkdir|chdir).*/proc/self/fd/8")


@test("hostile_dev")
def workdir_is_a_file(guest):
    expect_failure(guest, config("/bin/probe", process={"cwd": "/victim"}), 125,
                   'chdir to cwd \\("/victim"\\) .* Not a directory')


@test("scratch")
def image_without_directories(guest):
    # As hello-world: one file.
    expect_run(guest, config("/probe", "hello"), 0, b"hello\n")


def interface_state(stdout):
    """What `probe net` prints, as a dictionary."""
    return dict(line.split("=", 1) for line in stdout.decode().splitlines())


@test()
def network(guest):
    """eth0 as the VMM wants it, and the files that tell of it."""
    guest.start(config("probe", "net"), network=network_body(mtu=1400))
    state = interface_state(guest.end()[1])
    check(state, {"flags": "up", "mac": "02:00:0a:00:02:64", "address": "10.0.2.100", "mask": "255.255.255.0",
                  "broadcast": "10.0.2.255", "mtu": "1400", "gateway": "10.0.2.2", "lo": "up", "ping": "yes",
                  "low port": "yes"})


@test()
def network_files(guest):
    files = {"dev.starina.file:/etc/hosts": "127.0.1.1 box\n"}
    guest.start(config("probe", "show", "/etc/hosts", "/etc/resolv.conf", hostname="box.example",
                       annotations=files), network=network_body(dns=("10.0.2.3", "1.1.1.1")))
    stdout = guest.end()[1]
    assert stdout.startswith(b"127.0.0.1\tlocalhost\n::1\tlocalhost"), stdout
    assert stdout.endswith(b"10.0.2.100\tbox.example box\nnameserver 10.0.2.3\nnameserver 1.1.1.1\n"), stdout


@test("hostile_dev")
def network_files_stay_inside(guest):
    """/etc/resolv.conf of this image is a link to /victim."""
    guest.start(config("/bin/probe", "show", "/victim", "/etc/resolv.conf"), network=network_body())
    check(guest.end()[1], b"untouched\nnameserver 10.0.2.3\n")


@test()
def no_name_server(guest):
    guest.start(config("probe", "show", "/etc/resolv.conf"), network=network_body(dns=()))
    check(guest.end()[1], b"old\n")


@test()
def no_network(guest):
    """With the loopback interface alone; ping and low ports work there, too."""
    guest.start(config("probe", "net"))
    state = interface_state(guest.end()[1])
    check((state["flags"], state["lo"], state["ping"], state["low port"]), ("down", "up", "yes", "yes"))


@test()
def bad_network(guest):
    guest.frame(READY)
    guest.send(CONFIGURE, bytes(40) + json.dumps(config("probe", "hello")).encode())
    short = guest.send(NETWORK, bytes(10))
    wrong = guest.send(NETWORK, network_body(prefix_len=33))
    check(guest.reply(short)[0], -22)
    check(guest.reply(wrong), (-22, "network: socket eth0: Invalid argument"))
    check(guest.end()[3], "network: socket eth0: Invalid argument")


@test()
def network_changes(guest):
    """The switch came back and gave another address to a container that runs."""
    guest.start(config("probe", "net", "wait"), network=network_body())
    guest.frame(STARTED)
    again = guest.send(NETWORK, network_body("192.168.7.9", 16, "192.168.0.1", mac=b"\x02\x01\x02\x03\x04\x05"))
    check(guest.reply(again), (0, ""))
    guest.ports[STDIN].sendall(b"\n")
    state = interface_state(guest.end()[1])
    check([state[key] for key in ("mac", "address", "mask", "gateway")],
          ["02:01:02:03:04:05", "192.168.7.9", "255.255.0.0", "192.168.0.1"])


@test()
def prepared(guest):
    """A container that was prepared is what one is that was made when it was asked for."""
    check(guest.prepare(), (0, ""))
    requests = guest.start(config("probe", "net"), network=network_body())
    state = interface_state(guest.end()[1])
    check((state["address"], state["ping"], state["low port"]), ("10.0.2.100", "yes", "yes"))
    for number in requests:
        check(guest.reply(number), (0, ""))


PREPARED = (process_settings, user_by_name, unknown_user, default_capabilities, default_limits, dev_nodes, console_of_a_terminal,
            resources, only_its_processes, mounts, masked_paths, readonly_paths, readonly_root, readonly_root_by_config,
            runtime_files, not_found, exec_format_error, stdin_to_stdout, network_files)


def prepared_as(function):
    """The same expectation of a prepared guest: by the prepared container, or by another in its place."""
    def run(guest):
        check(guest.prepare(), (0, ""))
        function(guest)
    run.__name__ = "prepared_" + function.__name__
    test()(run)


for expectation in PREPARED:
    prepared_as(expectation)


@test()
def released(guest):
    """Nothing of the root disk is in use; what comes next is a container as ever."""
    check(guest.prepare(), (0, ""))
    check(guest.reply(guest.send(RELEASE)), (0, ""))
    check(guest.reply(guest.send(RELEASE))[0], -22)
    expect_run(guest, config("probe", "ls", "/dev"), 0,
               b"core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \n")


@test()
def prepared_at_the_wrong_time(guest):
    check(guest.prepare(), (0, ""))
    check(guest.prepare()[0], -114)
    guest.send(CONFIGURE, bytes(40) + json.dumps(config("probe", "hello")).encode())
    guest.send(MOUNT, struct.pack("<IIQ", 0, 1, 0))
    check(guest.end()[3], "mount: a prepared container has its writable layer: release it first")


def make_roots(options):
    """The images of the tests."""
    probe = os.path.join(options.scratch, "probe")
    subprocess.run([options.cross + "gcc", "-std=gnu11", "-static", "-O1", "-Wall", "-Wextra", "-o",
                    probe, os.path.join(HERE, "bootd_probe.c")], check=True)
    subprocess.run([options.cross + "strip", probe], check=True)
    with open(probe, "rb") as file:
        program = file.read()
    passwd = b"root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:Web:/var/www:/bin/sh\n"
    plain = {"bin": ("dir", 0o755), "bin/probe": program, "etc": ("dir", 0o755),
             "etc/passwd": passwd, "etc/group": b"root:x:0:\nstaff:x:50:web,root\n",
             "etc/resolv.conf": b"old\n", "tmp": ("dir", 0o777), "noexec": b"#!/bin/probe\n",
             "garbage": b"\x01\x02garbage" * 100, "script": b"#!/nope\n", "masked": b"secret\n",
             "proc": ("dir", 0o755), "sys": ("dir", 0o755), "dev": ("dir", 0o755)}
    hostile = {"bin": ("dir", 0o755), "bin/probe": program, "victim": b"untouched\n",
               "other": ("dir", 0o755), "target": ("dir", 0o755), "dev": ("link", "../../other"),
               "etc": ("link", "/target"), "target/resolv.conf": ("link", "/victim"),
               "target/fifo": ("fifo", 0)}
    return {"plain": make_root(options, "plain", plain),
            "hostile_proc": make_root(options, "hostile_proc",
                                      {**plain, "proc": ("link", "/tmp")}),
            "hostile_dev": make_root(options, "hostile_dev", hostile),
            "scratch": make_root(options, "scratch", {"probe": program})}


def measure(options, root):
    """Prints instructions from power-on to READY, and to the container's main (exact: -icount)."""
    guest = Guest(options, root, icount=True)
    try:
        guest.start(config("/bin/probe", "clock"))
        _, stdout, _, _ = guest.end()
        ready = struct.unpack_from("<IIQ", guest.frame(READY)[3])[2]
        print(f"instructions: {ready} to READY, {int(stdout.split()[0]) - ready} from there to the "
              "container's main (waits for this script included)")
    finally:
        guest.close()


def run_test(options, roots, name, root, function):
    """Runs one test in a guest of its own. Returns whether it passed."""
    guest = Guest(options, roots[root])
    try:
        function(guest)
        passed = guest.close()
        reason = "the guest did not power off"
    except AssertionError as error:
        passed, reason = False, str(error)
        guest.close()
    with open(os.path.join(guest.dir, "serial"), "rb") as file:
        log = file.read()
    if b"Kernel panic" in log:
        passed, reason = False, "the guest's kernel panicked"
    if not passed:
        print(f"FAIL {name}: {reason}")
        print(log.decode(errors="replace")[-3000:])
    elif options.verbose:
        print(f"ok   {name}")
    sys.stdout.flush()
    return passed


def main():
    """Runs the tests named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--cross", default="riscv64-linux-gnu-")
    parser.add_argument("--cmdline", default=CMDLINE)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bootd-test-") as scratch:
        options.scratch = scratch
        roots = make_roots(options)
        if options.measure:
            measure(options, roots["plain"])
            return 0
        results = [run_test(options, roots, *entry) for entry in TESTS
                   if not options.names or entry[0] in options.names]
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed")
    return 0 if passed == len(results) and results else 1


if __name__ == "__main__":
    sys.exit(main())
