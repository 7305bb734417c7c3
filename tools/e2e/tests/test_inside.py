# SPDX-License-Identifier: MIT
"""What a container's processes see: Docker's default view, point by point."""

import ast
import json
import re
import time

import debian
from harness import check, check_equal, test
from oci import Layer, write_layout

DEFAULT_CAPS = 0xa80425fb  # the 14 of Docker
MIB = 1 << 20

# Each prints one literal.
LOOK = """
import os, stat
def text(path):
    try:
        with open(path, 'rb') as file: return file.read(1 << 20).decode()
    except OSError as error: return -error.errno
def write(path):
    try: os.close(os.open(path, os.O_WRONLY)); return 0
    except OSError as error: return error.errno
"""


def run_debian(context, *argv, **settings):
    """Runs a command in a Debian image with users of ours, which is made and packed once."""
    def build(directory):
        accounts = Layer().file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/srv:/bin/sh\n")
        accounts.file("etc/group", "root:x:0:\nweb:x:33:\nmedia:x:50:web\n")
        write_layout(directory / "layout", debian.image(accounts))
        return directory
    directory = context.once("inside", build)
    return context.run(LINUXRUN_IMAGE=f"oci://{directory}/layout", LINUXRUN_ENTRYPOINT=json.dumps(list(argv)),
                       STARINA_CACHE=directory / "cache", **settings)


def look(context, script, **settings):
    """Runs a Python script in the container; returns what it printed as a literal."""
    result = run_debian(context, "/usr/bin/python3", "-c", LOOK + script, **settings)
    check_equal(result.status, 0, result)
    return ast.literal_eval(result.stdout.decode())


def proc_status(text):
    return dict(re.findall(r"^(\w+):\s*(.*?)\s*$", text, re.MULTILINE))


@test
def device_nodes(context):
    """Exactly these; /dev/console comes with a terminal only."""
    found = look(context, """
entries = {}
for name in os.listdir('/dev'):
    path = '/dev/' + name
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode): entries[name] = os.readlink(path)
    elif stat.S_ISDIR(status.st_mode): entries[name] = 'directory'
    else: entries[name] = (stat.S_IFMT(status.st_mode), os.major(status.st_rdev), os.minor(status.st_rdev),
                           status.st_mode & 0o7777, status.st_uid, status.st_gid)
print(entries)""")
    node = 0o020000
    check_equal(found, {
        **{name: (node, major, minor, 0o666, 0, 0) for name, major, minor in
           (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0))},
        "ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
        "stderr": "/proc/self/fd/2", "core": "/proc/kcore", "pts": "directory", "shm": "directory",
        "mqueue": "directory"})


@test
def no_other_device_opens(context):
    """A node of the root disk, of the kernel's log, of bootd's control port: all may be made, none opened."""
    found = look(context, """
numbers = {}
for line in text('/proc/devices').splitlines():
    if line[:3].strip().isdigit(): numbers[line[4:]] = int(line[:3])
results = []
for name, kind, major, minor in (('kmsg', stat.S_IFCHR, 1, 11), ('mem', stat.S_IFCHR, 1, 1),
                                 ('vda', stat.S_IFBLK, numbers['virtblk'], 0),
                                 ('control', stat.S_IFCHR, numbers['virtio-portsdev'], 3)):
    os.mknod('/dev/' + name, kind | 0o600, os.makedev(major, minor))
    try: os.close(os.open('/dev/' + name, os.O_RDONLY)); results.append(0)
    except OSError as error: results.append(error.errno)
os.mknod('/dev/zero2', stat.S_IFCHR | 0o600, os.makedev(1, 5))
with open('/dev/zero2', 'rb') as zero: print((results, zero.read(2)))""")
    results, zeros = found
    check_equal(results[:3], [1, 1, 1], "EPERM")
    check(results[3] in (1, 16), "the control port can be opened by a container")  # EPERM, EBUSY
    check_equal(zeros, b"\0\0")


@test
def mounts(context):
    lines = look(context, "print(repr(text('/proc/self/mounts')))").splitlines()
    table = {}
    for line in lines:
        _, path, kind, options = line.split()[:4]
        check(path not in table, f"{path} is mounted twice: {lines}")
        table[path] = (kind, set(options.split(",")))

    def has(path, kind, *options):
        check(path in table and table[path][0] == kind and set(options) <= table[path][1], f"{path}: {lines}")
        del table[path]

    safe = ("nosuid", "nodev", "noexec")
    has("/", "overlay", "rw")
    has("/proc", "proc", "rw", *safe)
    has("/dev", "tmpfs", "rw", "nosuid", "size=65536k", "mode=755")
    has("/dev/pts", "devpts", "rw", "nosuid", "noexec", "gid=5", "mode=620", "ptmxmode=666")
    has("/dev/shm", "tmpfs", "rw", "size=65536k", *safe)
    has("/dev/mqueue", "mqueue", "rw", *safe)
    has("/sys", "sysfs", "ro", *safe)
    has("/sys/fs/cgroup", "cgroup2", "ro", *safe)
    for path in ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"):
        if path in table:
            has(path, "proc", "ro", *safe)
    for path in list(table):
        check(path in MASKED, f"{path} is not masked by docker: {lines}")
        has(path, "tmpfs")
    check_equal(table, {})


MASKED = ("/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
          "/sys/devices/virtual/powercap")


@test
def masked_and_read_only_paths(context):
    found = look(context, f"""
import errno
masked = {{}}
for path in {MASKED}:
    if os.path.isdir(path): masked[path] = os.listdir(path)
    elif os.path.exists(path): masked[path] = text(path)
sealed = [write(path) for path in ('/proc/sys/kernel/hostname', '/proc/sys/vm/drop_caches', '/proc/sysrq-trigger',
                                   '/sys/class', '/sys/fs/cgroup/cgroup.procs', '/sys/kernel/profiling')
          if os.path.exists(path)]
print((masked, sealed, write('/proc/self/oom_score_adj')))""")
    masked, sealed, writable = found
    check({"/proc/interrupts", "/sys/firmware"} <= set(masked), masked)
    check(not any(masked.values()), masked)
    # EROFS, or EISDIR for a directory.
    check(len(sealed) >= 4 and set(sealed) <= {30, 21}, sealed)
    check_equal(writable, 0)


@test
def privileges_of_root(context):
    status = proc_status(look(context, "print(repr(text('/proc/self/status')))"))
    check_equal({name: int(status["Cap" + name], 16) for name in ("Bnd", "Prm", "Eff", "Inh", "Amb")},
                {"Bnd": DEFAULT_CAPS, "Prm": DEFAULT_CAPS, "Eff": DEFAULT_CAPS, "Inh": 0, "Amb": 0})
    check_equal((status["NoNewPrivs"], status["Uid"], status["Gid"], status["Groups"], status["Umask"]),
                ("0", "0\t0\t0\t0", "0\t0\t0\t0", "0", "0022"))
    for name in ("SigBlk", "SigIgn"):
        # Python ignores SIGPIPE and SIGXFSZ.
        check_equal(int(status[name], 16) & ~(1 << 12 | 1 << 24), 0, status)


@test
def privileges_of_others(context):
    """Nothing but the bounding set, no way to more, and the groups that /etc/group has for the user."""
    script = "print(repr(text('/proc/self/status')))"
    for user, uid, groups in (("web", 33, "33 50"), ("web:media", 33, "50"), ("1234:77", 1234, "77")):
        status = proc_status(look(context, script, LINUXRUN_USER=user))
        check_equal({name: int(status["Cap" + name], 16) for name in ("Bnd", "Prm", "Eff", "Inh", "Amb")},
                    {"Bnd": DEFAULT_CAPS, "Prm": 0, "Eff": 0, "Inh": 0, "Amb": 0}, user)
        check_equal((status["NoNewPrivs"], status["Uid"].split()[0], status["Groups"]), ("1", str(uid), groups), user)


@test
def namespaces_and_pid_1(context):
    """Its own processes only; an orphan becomes PID 1's child, which may reap it; PID 1 is deaf to what it does not handle."""
    script = """
        echo $$ $PPID; echo /proc/[0-9]*; busybox cat /proc/self/cgroup | tail -1
        hostname other 2>/dev/null || busybox hostname other 2>/dev/null || echo no sethostname
        kill -TERM $$; kill -KILL $$; kill -STOP $$; echo alive
        (busybox sh -c ': > /tmp/gone' & exec busybox sh -c 'exit 0')
        until [ -e /tmp/gone ]; do sleep 0.1; done
        states() { for p in /proc/[0-9]*/stat; do read -r pid name state ppid rest < $p && echo "$ppid" "$state"; done 2>/dev/null; }
        while states | busybox grep -q Z; do sleep 0.1; done
        echo no zombie
        (sh -c 'sleep 1000 & echo $! > /tmp/orphan'); read -r o < /tmp/orphan
        while read -r key value; do [ "$key" = PPid: ] && echo orphan of $value; done < /proc/$o/status
        mount -t tmpfs x /mnt 2>/dev/null || busybox mount -t tmpfs x /mnt 2>/dev/null || echo no mount"""
    result = run_debian(context, "/bin/sh", "-c", script)
    lines = result.stdout.decode().splitlines()
    check_equal(lines[0], "1 0", result)
    check("/proc/1" in lines[1] and len(lines[1].split()) <= 2, result)
    check_equal(lines[2:], ["0::/", "no sethostname", "alive", "no zombie", "orphan of 1", "no mount"], result)


@test
def limits(context):
    found = look(context, """
names = {}
for line in text('/proc/self/limits').splitlines()[1:]: names[line[:26].strip()] = tuple(line[26:].split()[:2])
print((names, text('/proc/sys/net/ipv4/ip_unprivileged_port_start'), text('/proc/sys/net/ipv4/ping_group_range')))""",
                 LINUXRUN_USER="web")
    names, port, group = found
    unlimited = ("unlimited", "unlimited")
    for name, value in (("Max open files", ("1048576", "1048576")), ("Max processes", unlimited),
                        ("Max core file size", unlimited), ("Max address space", unlimited),
                        ("Max file size", unlimited), ("Max cpu time", unlimited), ("Max data size", unlimited),
                        ("Max stack size", ("8388608", "unlimited")), ("Max locked memory", ("8388608", "8388608")),
                        ("Max msgqueue size", ("819200", "819200")), ("Max nice priority", ("0", "0"))):
        check_equal(names[name], value, name)
    check_equal((port.split(), group.split()), (["0"], ["0", "2147483647"]))


@test
def control_group(context):
    """Memory is limited, to less than there is; the rest is not; nothing can be changed from inside."""
    memory, pids, cpu, total, denied = look(context, """
group = '/sys/fs/cgroup/'
print((text(group + 'memory.max'), text(group + 'pids.max'), text(group + 'cpu.max'), text('/proc/meminfo'),
       write(group + 'memory.max')))""")
    total = int(re.search(r"MemTotal:\s+(\d+)", total)[1]) * 1024
    check(total * 2 // 3 < int(memory) < total, (memory, total))
    check_equal((pids.split(), cpu.split(), denied), (["max"], ["max", "100000"], 30))


@test
def shared_memory_and_queues(context):
    """For everybody: /dev/shm of 64 MiB, System V IPC of the container's own, POSIX message queues."""
    found = look(context, """
status = os.stat('/dev/shm')
space = os.statvfs('/dev/shm')
with open('/dev/shm/file', 'wb') as file: file.write(b'x')
with open('/dev/mqueue/queue', 'wb') as file: pass
print((status.st_mode & 0o7777, space.f_blocks * space.f_frsize, os.listdir('/dev/shm'), os.listdir('/dev/mqueue'),
       [len(text('/proc/sysvipc/' + name).splitlines()) for name in ('msg', 'sem', 'shm')], text('/etc/mtab')[:8]))""",
                 LINUXRUN_USER="web")
    check_equal(found, (0o1777, 64 * MIB, ["file"], ["queue"], [1, 1, 1], "overlay "))


@test
def entropy_at_once(context):
    found = look(context, "a = os.getrandom(32, os.GRND_NONBLOCK); b = os.getrandom(32, os.GRND_NONBLOCK); print((a, b))")
    other = look(context, "a = os.getrandom(32, os.GRND_NONBLOCK); print(a)")
    check(len({*found, other}) == 3 and all(len(set(part)) > 8 for part in (*found, other)), (found, other))


@test
def the_right_time(context):
    """At the start, and later."""
    before = time.time()
    # Both clocks at one moment: of many looks the one with the least time between its ends, for the machine may be busy.
    first, boot_first, second, boot_second = look(context, """
import time
def boot(): return time.clock_gettime(time.CLOCK_BOOTTIME)
def both(): return min(((boot(), time.time(), boot()) for _ in range(100)), key=lambda look: look[2] - look[0])[1::-1]
a = both()
time.sleep(3)
print((*a, *both()))""")
    after = time.time()
    # The clock chip of the emulated machine is read once; the guest's clock is set from it.
    check(before - 1 < first < after + 1, (before, first, after))
    check(first + 3 <= second < after + 1, (before, first, second, after))
    check(abs((second - first) - (boot_second - boot_first)) < 0.1, "the wall clock does not follow the monotonic one")
