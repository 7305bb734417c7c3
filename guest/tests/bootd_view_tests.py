# SPDX-License-Identifier: MIT
"""Tests of bootd: what a container sees around it, whatever its image holds."""
import re

from bootd_cases import check, config, expect_failure, expect_run, test


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
    check(re.sub(rb"^[1-9]\d*:(devices)?:/\n", b"", stdout), b"0::/\n33554432\n99\n150000 100000\n")


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
def only_cgroup_v2(guest):
    """The hierarchy that bootd decides of devices with is unmounted by now, and takes some ticks to go."""
    expect_run(guest, config("probe", "show", "/proc/self/cgroup"), 0, b"0::/\n")


@test()
def wall_clock(guest):
    guest.start(config("probe", "clock"), wall_time=1700000000 * 10**9)
    _, stdout, _, _ = guest.end()
    seconds = int(stdout.split()[1])
    assert 1700000000 <= seconds < 1700000600, seconds


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
    """The control port: its name is not made either."""
    expect_failure(guest, config("/bin/probe", process={"cwd": "/proc/self/fd/3"}), 125,
                   "^make the working directory /proc/self/fd/3: Permission denied$")


@test("hostile_dev")
def workdir_is_a_file(guest):
    expect_failure(guest, config("/bin/probe", process={"cwd": "/victim"}), 125,
                   'chdir to cwd \\("/victim"\\) .* not a directory')


@test("scratch")
def image_without_directories(guest):
    # As hello-world: one file.
    expect_run(guest, config("/probe", "hello"), 0, b"hello\n")
