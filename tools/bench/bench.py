#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures Starina: prints a table and writes $BUILD/bench.json.

bench.py [PART ...], all of: calls boot container pool tcp idle http ratios

Counts of instructions are exact: QEMU's -icount shift=0 with a clock and a seed of its own, so they are the same in each run of
the same files. What is measured by the clock depends on the machine and what else it does; nothing here fails because of it.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import moments
import ratios
import served
from running import BUILD, ICOUNT, QEMU, Machine, ab, build_with, first_output, run_container, say, server_in_container

PARTS = ("calls", "boot", "container", "pool", "tcp", "idle", "http", "ratios")
IDLE_SECONDS = 30
RUNS = 5

# name: (what it is, unit, target or None). A target is "at most" unless it begins with ">".
FIGURES = {
    "null_call": ("null system call", "insns", 60),
    "send_recv_0": ("channel send + receive, one thread, 0 bytes", "insns", 250),
    "send_recv_64": ("the same, 64 bytes", "insns", None),
    "send_recv_256": ("the same, 256 bytes", "insns", None),
    "round_trip_0": ("round trip between two apps, one hart, send and poll_recv, 0 bytes", "insns", 900),
    "round_trip_64": ("the same, 64 bytes", "insns", None),
    "round_trip_4096": ("the same, 4096 bytes (a folio moves)", "insns", None),
    "round_trip_0_handle": ("0 bytes and a handle", "insns", None),
    "round_trip_64_handle": ("64 bytes and a handle", "insns", None),
    "round_trip_4096_handle": ("4096 bytes and a handle", "insns", None),
    "mapped_trip_4096": ("4096 bytes that each side maps and writes a word of", "insns", None),
    "loop_trip_0": ("round trip between two apps' event loops, 0 bytes", "insns", None),
    "loop_trip_64": ("the same, 64 bytes", "insns", None),
    "plain_trip_0": ("round trip by send, poll_wait, channel_recv, 0 bytes", "insns", None),
    "plain_trip_64": ("the same, 64 bytes", "insns", None),
    "plain_trip_4096": ("the same, 4096 bytes (a folio moves)", "insns", None),
    "plain_trip_0_handle": ("0 bytes and a handle", "insns", None),
    "plain_trip_64_handle": ("64 bytes and a handle", "insns", None),
    "plain_trip_4096_handle": ("4096 bytes and a handle", "insns", None),
    "poll_wake_up": ("event_signal to the return of another thread's poll_wait", "insns", None),
    "thread_switch": ("thread_yield to another thread", "insns", None),
    "timer_to_app": ("timer's deadline to the app, from idle", "insns", None),
    "interrupt_to_app": ("device interrupt to the app, from idle", "insns", None),
    "folio_alloc_free": ("folio of a page: create and close", "insns", None),
    "process_start": ("process made at run time, to its first instruction", "insns", 150_000),
    "ts_request_0": ("request of an app in TypeScript to one in C, and its answer, 0 bytes", "insns", 50_000),
    "ts_recv_0": ("the same by send and recv", "insns", None),
    "ts_next_0": ("the same by send and next", "insns", None),
    "ts_start": ("start of an app in TypeScript, by another one, to its main", "insns", 8_000_000),
    "ts_memory_bytes": ("what a minimal app in TypeScript takes, its stack of 1 MiB with it", "bytes", 2 << 20),
    "js_bytes": ("the runtime of apps in TypeScript, once in the image", "bytes", 900 << 10),
    "ts_await": ("an await in TypeScript of what is there", "insns", None),
    "exit_sbi": ("VM exit: SBI call served in the kernel", "insns", 400),
    "exit_notify": ("VM exit: queue notification to an event", "insns", None),
    "exit_mmio_write": ("VM exit: MMIO write to the VMM and back", "insns", 900),
    "exit_mmio_read": ("VM exit: MMIO read to the VMM and back", "insns", 900),
    "vmm_mmio_write": ("VM exit: register write to a device of libs/linux and back", "insns", None),
    "vmm_mmio_read": ("VM exit: PLIC claim, served by libs/linux", "insns", None),
    "notify_to_thread": ("queue notification to the I/O thread's poll_wait, guest in wfi", "insns", None),
    "interrupt_to_guest": ("vcpu_set_irq + vcpu_run to the guest's handler", "insns", None),
    "power_on_to_first_app": ("power-on (firmware included) to the first app's main", "insns", 20_000_000),
    "image_bytes": ("image without guest, as loaded", "bytes", 1 << 20),
    "boot_exits": ("VM exits until the container started, 1 hart, icount", "", 600),
    "boot_accesses": ("of them register accesses, notifications and page faults", "", None),
    "volume_mount_exits": ("VM exits that the first volume of a machine adds to them", "", 15),
    "folder_mount_exits": ("VM exits that a folder of the host adds to them", "", 15),
    "guest_clock_to_init": ("the guest's clock when its init (bootd) is up, 1 hart, icount", "insns", None),
    "vm_to_init": ("first entry of the guest to its init's main, 1 hart, icount", "insns", 18_300_000),
    "create_to_init": ("VM creation, kernel not yet read, to the guest's init", "insns", None),
    "create_to_program": ("VM creation to the first instruction of the container's program", "insns", None),
    "loopback_request": ("httpd to a client in the OS, 1 KB, keep-alive: a request", "insns", None),
    "loopback_1000_bytes": ("the same, 1 MB: 1000 bytes of TCP", "insns", None),
    "flushes_100_requests": ("httpd, 1 KB, keep-alive, one connection: TLB flushes of 100 requests", "", 500),
    "httpd_keepalive_insns": ("httpd, 1 KB, keep-alive: a request", "insns", None),
    "httpd_connection_insns": ("httpd, 1 KB, a connection each: a request", "insns", None),
    "httpd_bulk_insns": ("httpd, 20 MB: a byte of TCP", "insns", None),
    "guest_connection_insns": ("busybox httpd in a container, 1 KB, a connection each: a request", "insns", None),
    "guest_bulk_insns": ("the same, 20 MB: a byte of TCP", "insns", None),
    "container_start_ms": ("run call to execve by the clock, median of %d" % RUNS, "ms", 1500),
    "first_output_ms": ("run call to the container's first output by the clock, median of %d" % RUNS, "ms", 900),
    "first_output_wall_ms": ("run.sh's start to that output, median of %d" % RUNS, "ms", None),
    "pool_command_ms": ("command_output(\"true\") from a filled pool by the clock, median of %d" % (3 * RUNS), "ms", 50),
    "idle_cpu_percent": ("host CPU of QEMU, idle container, %d s" % IDLE_SECONDS, "%", 2),
    "idle_wakeups_per_s": ("wake-ups a second, all harts, idle container", "/s", 20),
    "http_requests_per_s": ("1 KB, ab -c 8, a connection each", "/s", None),
    "http_keepalive_per_s": ("1 KB, ab -c 16 -k", "/s", None),
    "http_mb_per_s": ("download of 20 MB", "MB/s", None),
}


# The calls' costs that are also counted with both apps in user mode.
USER_FIGURES = ("null_call", "send_recv_0", "round_trip_0", "round_trip_64", "round_trip_0_handle", "round_trip_4096",
                "mapped_trip_4096", "loop_trip_0", "thread_switch", "folio_alloc_free", "process_start", "exit_mmio_write",
                "exit_mmio_read", "vmm_mmio_write")
# And with one app in the kernel, the other one in user mode.
MIXED_FIGURES = ("round_trip_0", "loop_trip_0")


def measure_within(out, image):
    """The figures that an image of the OS counts for itself. Returns its log."""
    command = [QEMU, *"-nodefaults -no-reboot -M virt -cpu rv64 -smp 1 -m 256M -display none -monitor none -serial stdio "
               "-global virtio-mmio.force-legacy=false".split(), *ICOUNT.split(), "-kernel", os.path.join(BUILD, image)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True, errors="replace", stdout=subprocess.PIPE, timeout=300,
                          check=False)
    if "bench: done" not in done.stdout:
        sys.exit("bench: the benchmark image did not come to its end:\n" + done.stdout)
    for name, value in re.findall(r"figure (\w+) (\d+)", done.stdout):
        out[name] = int(value)
    return done.stdout


def measure_calls(out):
    say("calls, counted inside the OS")
    log = measure_within(out, "starina-bench.elf")
    out["versions"]["opensbi"] = re.search(r"OpenSBI v(\S+)", log).group(1)
    user = {}
    measure_within(user, "starina-bench-user.elf")
    for name in USER_FIGURES:
        out["user_" + name] = user[name]
    mixed = {}
    measure_within(mixed, "starina-bench-mixed.elf")
    for name in MIXED_FIGURES:
        out["mixed_" + name] = mixed[name]


def measure_loopback(out):
    say("TCP within the OS")
    measure_within(out, "starina-bench-tcp.elf")


def loaded_bytes(path):
    """What a file of BUILD has of its segments. Zeroed memory comes on top."""
    readelf = os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-") + "readelf"
    text = subprocess.run([readelf, "-lW", os.path.join(BUILD, path)], text=True, stdout=subprocess.PIPE, check=True).stdout
    return sum(int(m, 16) for m in re.findall(r"LOAD\s+\S+\s+\S+\s+\S+\s+(0x[0-9a-f]+)", text))


def measure_typescript(out):
    say("an app in TypeScript")
    measure_within(out, "starina-bench-ts.elf")
    out["js_bytes"] = loaded_bytes("apps/js.elf")


def measure_boot(out):
    say("size of the image")
    # What a boot loader reads.
    out["image_bytes"] = loaded_bytes("starina.elf")


def start_container(**extra):
    """The log of a run under icount, and what it has of the exits until the container started."""
    log = run_container(STARINA_SMP="1", STARINA_QEMU_ARGS=ICOUNT, append="kernel.log=debug", **extra)
    return log, re.search(r"VM exits until the start: (\d+) total, (.*)", log)


def accesses(exits):
    """Of exits by cause, those that are the guest's doing. How often one that waits wakes up depends on the host, whose disk it waits for."""
    return sum(int(n) for n, what in re.findall(r"(\d+) ([^,\n]+)", exits) if what.strip() in ("mmio read", "mmio write", "notify", "page fault"))


def measure_mounts(out):
    """How many exits a mount adds to a container's start, the least of two rounds: what else is on its way then depends on the host. The
    volume is the first of a machine whose state disk is new."""
    say("exits of a mount")
    counts = {"volume": [], "folder": []}
    for name in list(counts) * 2:
        with tempfile.TemporaryDirectory() as scratch:
            folder = os.path.join(scratch, "folder")  # without the disk, whose changes would be told of
            os.mkdir(folder)
            mounts = {"volume": "bench:/volume", "folder": folder + ":/folder"}
            _, exits = start_container(STARINA_DISK=os.path.join(scratch, "state.img"), LINUXRUN_VOLUMES=mounts[name])
            counts[name].append(int(exits.group(1)))
    for name, found in counts.items():
        out[name + "_mount_exits"] = min(found) - out["boot_exits"]


def measure_exits(out):
    say("container start under icount")
    log, exits = start_container()
    out["guest_clock_to_init"] = int(re.search(r"bootd is up after (\d+) ns of guest time", log).group(1))
    out["boot_exits"] = int(exits.group(1))
    out["boot_accesses"] = accesses(exits.group(2))
    out["boot_exits_by_cause"] = {what.strip(): int(n) for n, what in re.findall(r"(\d+) ([^,\n]+)", exits.group(2))}
    if moments.available():
        say("container start counted from outside, %d rounds" % moments.ROUNDS)
        out.update(moments.measure())


def measure_flushes(out):
    """Writes of satp and fences, counted by the plugin, while the usual image serves."""
    if not moments.available():
        return
    say("TLB flushes of a request")
    with tempfile.TemporaryDirectory() as scratch:
        counter = os.path.join(scratch, "flushes")
        machine = Machine("container ended", STARINA_SMP="1", STARINA_QEMU_ARGS="-plugin " + served.plugin(counter))
        try:
            count = served.flushes(counter, machine.port, 500)
        finally:
            machine.stop()
    if count is not None:
        out["flushes_100_requests"] = count // 5


def measure_container(out):
    measure_exits(out)
    measure_mounts(out)
    runs = []
    for i in range(RUNS):
        say("container start by the clock, run %d of %d" % (i + 1, RUNS))
        runs.append(first_output())
    for i, name in enumerate(("container_start", "first_output", "first_output_wall")):
        out[name + "_runs_ms"] = [run[i] for run in runs]
        out[name + "_ms"] = statistics.median(out[name + "_runs_ms"])
    out["container_start_load"] = os.getloadavg()[0]


def measure_pool(out):
    """command_output("true") of apps/linux_test, from a filled pool, in an image where nothing else runs Linux."""
    took = []
    with tempfile.TemporaryDirectory() as scratch:
        build = build_with("starina-linux-test", os.path.join(scratch, "build"))
        for i in range(RUNS):
            say("commands from a pool, run %d of %d" % (i + 1, RUNS))
            machine = Machine("linux_test: 1 passed", BUILD=build, STARINA_MEMORY="1G", STARINA_APPEND="linux_test.only=vms.warm_start",
                              LINUXRUN_IMAGES="idle=oci://" + os.path.join(BUILD, "image/idle-layout"))
            took += [int(ms) for ms in re.findall(r"from the pool: (\d+) ms", machine.text())]
            machine.stop()
    out["pool_command_runs_ms"] = took
    out["pool_command_ms"] = statistics.median(took)


def measure_tcp(out):
    """Instructions of the whole machine, one hart, for what a client on the host asks."""
    measure_loopback(out)
    measure_typescript(out)
    measure_flushes(out)
    say("instructions of TCP: httpd")
    with tempfile.TemporaryDirectory() as scratch:
        counter = os.path.join(scratch, "httpd")
        machine = Machine("container ended", STARINA_SMP="1", STARINA_QEMU_ARGS="-plugin " + served.plugin(counter))
        try:
            keep_counts(out, "httpd_", served.count(counter, machine.port))
        finally:
            machine.stop()
        say("instructions of TCP: a server in a container")
        counter = os.path.join(scratch, "guest")
        machine, port = server_in_container(served.BULK, STARINA_SMP="1",
                                            STARINA_QEMU_ARGS="-plugin " + served.plugin(counter))
        try:
            keep_counts(out, "guest_", served.count(counter, port, keepalive=False))
        finally:
            machine.stop()


def keep_counts(out, prefix, counts):
    for kind, value in counts.items():
        if value is not None:
            out[prefix + kind + "_insns"] = round(value / served.BULK, 2) if kind == "bulk" else value


def find(tree, key):
    """The first value of `key` anywhere in a tree of JSON."""
    if isinstance(tree, dict):
        if key in tree:
            return tree[key]
        tree = list(tree.values())
    for item in tree if isinstance(tree, list) else []:
        value = find(item, key)
        if value is not None:
            return value
    return None


def measure_idle(out):
    say("an idle container for %d s" % IDLE_SECONDS)
    machine = Machine("container started in", LINUXRUN_IMAGE="oci://" + os.path.join(BUILD, "image/idle-layout"))
    try:
        time.sleep(3)
        wakeups, begin, cpu = find(machine.status(), "idle_wakeups"), time.monotonic(), machine.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        seconds = time.monotonic() - begin
        out["idle_cpu_percent"] = round(100 * (machine.cpu_seconds() - cpu) / seconds, 2)
        if wakeups is not None:
            out["idle_wakeups_per_s"] = round((find(machine.status(), "idle_wakeups") - wakeups) / seconds, 1)
    finally:
        machine.stop()


def measure_http(out):
    say("HTTP requests")
    machine = Machine("container ended")
    try:
        machine.status()
        out["http_requests_per_s"] = ab(machine.port, "/bytes/1024", "-c", "8", "-n", "1000")
        out["http_keepalive_per_s"] = ab(machine.port, "/bytes/1024", "-k", "-c", "16", "-n", "4000")
        begin, size = time.monotonic(), 20_000_000
        with urllib.request.urlopen("http://127.0.0.1:%d/bytes/%d" % (machine.port, size), timeout=300) as reply:
            got = sum(len(piece) for piece in iter(lambda: reply.read(1 << 16), b""))
        if got == size:
            out["http_mb_per_s"] = round(size / 1e6 / (time.monotonic() - begin), 1)
    finally:
        machine.stop()


def measure_ratios(out):
    out["by_the_clock"] = ratios.measure()


def versions():
    def first_line(*command):
        return subprocess.run(command, text=True, stdout=subprocess.PIPE, check=False).stdout.split("\n")[0]
    return {"gcc": first_line(os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-") + "gcc", "--version"),
            "qemu": first_line(QEMU, "--version")}


def table(out):
    print("%-60s %14s %-6s %12s" % ("", "measured", "", "target"))
    for name, (what, unit, target) in FIGURES.items():
        value = out.get(name)
        if value is None:
            continue
        verdict = "" if target is None else "%12s %s" % ("{:,}".format(target), "" if value <= target else "missed")
        print("%-60s %14s %-6s %s" % (what, "{:,}".format(value), unit, verdict))
    if "boot_exits_by_cause" in out:
        print("exits by cause: " + ", ".join("%d %s" % (n, what) for what, n in out["boot_exits_by_cause"].items()))
    if "by_the_clock" in out:
        ratios.table(out["by_the_clock"])


def main():
    parts = sys.argv[1:] or list(PARTS)
    if set(parts) - set(PARTS):
        sys.exit("bench: parts are: " + " ".join(PARTS))
    out = {"versions": versions()}
    for part in parts:
        globals()["measure_" + part](out)
    table(out)
    path = os.path.join(BUILD, "bench.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
        file.write("\n")
    say("written to " + path)


if __name__ == "__main__":
    main()
