#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the test image in QEMU with test disks, console ports and a host server, and tells how its autotest went.

The machine has what apps/autotest/devices/devices.h says: disk "test" (read-only, known content), disk "scratch" (writable),
console ports that answer, and an echo server that the machine reaches over TCP. All files and sockets are in a directory of
its own that goes away, ports are the host's choice: many may run side by side.
"""

import argparse
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import patience

TEST_DISK_BYTES = 8 << 20
SCRATCH_DISK_BYTES = 4 << 20
PATTERN_FACTOR = 0x9E3779B97F4A7C15
ECHO_PORTS = ["org.starina.test.echo0", "org.starina.test.echo1"]
BULK_PORT = "org.starina.test.bulk"

RESULT = re.compile(r"^\[(?:autotest|adversary_test|apps_test|js_test|ts_test) *\] \S+ +(ok|FAIL|skip) (.*)$")
SUM = re.compile(r"^\[(?:autotest|adversary_test|apps_test|js_test|ts_test) *\] \S+ +autotest: (\d+) passed, (\d+) failed")


def make_test_disk(path):
    """Each 8-byte word, little-endian, is a function of its index."""
    with open(path, "wb") as disk:
        chunk = 1 << 16
        for start in range(0, TEST_DISK_BYTES // 8, chunk):
            words = [(i * PATTERN_FACTOR + 1) & 0xFFFFFFFFFFFFFFFF for i in range(start, start + chunk)]
            disk.write(struct.pack(f"<{chunk}Q", *words))


def bulk_bytes(count):
    return bytes((i * 7 + (i >> 8)) & 0xFF for i in range(count))


class HostSide:
    """All that answers the machine: a thread for each connection, so that one which nobody reads holds up no other."""

    def __init__(self, directory):
        self.paths = {name: os.path.join(directory, name) for name in ECHO_PORTS + [BULK_PORT]}
        for name, path in self.paths.items():
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            self.serve(listener, self.bulk if name == BULK_PORT else self.echo)
        tcp = socket.socket()
        tcp.bind(("127.0.0.1", 0))
        self.tcp_port = tcp.getsockname()[1]
        self.serve(tcp, self.echo)
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        self.udp_port = udp.getsockname()[1]
        threading.Thread(target=self.echo_datagrams, args=(udp,), daemon=True).start()

    def serve(self, listener, answer):
        listener.listen()
        threading.Thread(target=self.accept, args=(listener, answer), daemon=True).start()

    def accept(self, listener, answer):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self.guard, args=(connection, answer), daemon=True).start()

    @staticmethod
    def guard(connection, answer):
        with connection:
            try:
                answer(connection)
            except OSError:
                pass  # the machine is gone, or its driver

    @staticmethod
    def echo(connection):
        while data := connection.recv(65536):
            connection.sendall(data)

    @staticmethod
    def echo_datagrams(udp):
        while True:
            data, peer = udp.recvfrom(65536)
            udp.sendto(data, peer)

    @staticmethod
    def bulk(connection):
        """Lines: a number asks for so many bytes, `sync N` for the byte N, `close` for the end of the connection."""
        for line in connection.makefile("rb"):
            words = line.split()
            if words == [b"close"]:
                return
            if len(words) == 2 and words[0] == b"sync" and words[1].isdigit():
                connection.sendall(bytes([int(words[1])]))
            elif len(words) == 1 and words[0].isdigit():
                connection.sendall(bulk_bytes(int(words[0])))


def qemu_command(args, directory, host):
    devices = "0" if args.quick else "only" if args.drivers else "1"
    stress = 0 if args.quick else args.rounds
    append = (f"autotest.devices={devices} autotest.stress={stress} autotest.host_port={host.tcp_port} autotest.udp_port={host.udp_port} "
              "linuxrun.poweroff=0 netswitch.pool=100-115")
    if args.only:
        append += f' autotest.only="{args.only}"'
    if args.append:
        append += f" {args.append}"
    command = [
        args.qemu, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
        "-serial", "stdio", "-M", args.machine, "-cpu", args.cpu, "-smp", str(args.smp), "-m", args.memory, "-bios", "default",
        "-global", "virtio-mmio.force-legacy=false", "-kernel", args.elf, "-append", append,
        "-drive", f"file={directory}/test.img,format=raw,if=none,readonly=on,id=test",
        "-device", "virtio-blk-device,drive=test,serial=test",
        "-drive", f"file={directory}/scratch.img,format=raw,if=none,id=scratch",
        "-device", "virtio-blk-device,drive=scratch,serial=scratch",
        "-netdev", "user,id=net0", "-device", "virtio-net-device,netdev=net0", "-device", "virtio-rng-device",
        "-device", "virtio-serial-device,id=ports",
    ]
    for i, (name, path) in enumerate(host.paths.items()):
        command += ["-chardev", f"socket,id=port{i},path={path},reconnect=1",
                    "-device", f"virtserialport,bus=ports.0,nr={i + 1},chardev=port{i},name={name}"]
    return command + args.qemu_args.split()


def watch(process, args, log):
    """Prints results as they come; returns (passed, failed) or None when the machine did not get to the sum."""
    left = args.timeout
    sums = None
    pending = b""
    os.set_blocking(process.stdout.fileno(), False)
    while True:
        if left <= 0:
            print(f"autotest ({args.smp} harts): nothing was heard for {args.timeout} s", flush=True)
            return None
        if not select.select([process.stdout], [], [], 1)[0]:
            left -= patience.second()
            continue
        left = args.timeout
        data = process.stdout.read()
        if not data:
            return sums
        *lines, pending = (pending + data).split(b"\n")
        for raw in lines:
            line = raw.decode(errors="replace").rstrip("\r")
            log.append(line)
            result, total = RESULT.match(line), SUM.match(line)
            if args.verbose:
                print(line, flush=True)
            elif result:
                print(f"  {result[1]:<4} {result[2]}", flush=True)
            if total:
                sums = int(total[1]), int(total[2])


def run(args, directory):
    make_test_disk(f"{directory}/test.img")
    with open(f"{directory}/scratch.img", "wb") as disk:
        disk.truncate(SCRATCH_DISK_BYTES)
    host = HostSide(directory)
    log = []
    process = subprocess.Popen(qemu_command(args, directory, host), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        sums = watch(process, args, log)
    finally:
        process.kill()
        process.wait()
    if args.log:
        with open(args.log, "w", encoding="utf-8") as out:
            out.write("\n".join(log) + "\n")
    return sums, log


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("elf", help="the test image: build/starina-test.elf")
    parser.add_argument("--smp", type=int, default=1, help="harts (default 1)")
    parser.add_argument("--timeout", type=int, default=300,
                        help="seconds without a line until it counts as hung, of a machine that is not busy (default 300)")
    parser.add_argument("--quick", action="store_true", help="leave out the tests of the devices and what takes most of the time, and do little very often")
    parser.add_argument("--drivers", action="store_true", help="run only the tests of the devices and of who serves them")
    parser.add_argument("--rounds", type=int, default=100, help="per cent of the rounds of what is done very often (default 100)")
    parser.add_argument("--only", default="", help="run the tests with this text, or one of several separated by |, in their name")
    parser.add_argument("--log", help="write the machine's whole log to this file")
    parser.add_argument("--verbose", action="store_true", help="show the machine's whole log")
    parser.add_argument("--machine", default=os.environ.get("STARINA_MACHINE", "virt"), help="QEMU's -M (default virt)")
    parser.add_argument("--cpu", default=os.environ.get("STARINA_CPU", "rv64"), help="QEMU's -cpu (default rv64)")
    parser.add_argument("--memory", default="256M", help="QEMU's -m (default 256M)")
    parser.add_argument("--append", default="", help="further boot arguments")
    parser.add_argument("--qemu-args", default="", help="further arguments for QEMU, split at blanks")
    parser.add_argument("--qemu", default=os.environ.get("QEMU", "qemu-system-riscv64"))
    args = parser.parse_args()
    if not 1 <= args.rounds <= 100:
        parser.error(f"--rounds is a percentage, from 1 to 100, not {args.rounds}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not os.path.isfile(args.elf):
        sys.exit(f"run_autotest: there is no {args.elf}: run `make {args.elf}`")
    directory = tempfile.mkdtemp(prefix="starina-autotest.")
    try:
        sums, log = run(args, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if (sums is None or sums[1] > 0) and not args.verbose:
        print("--- what failed", *(line for line in log if re.search(r"\[(autotest|adversary\w*|apps_test|app_manager) *\] ERROR", line)), sep="\n")
        print("--- the end of the machine's log", *log[-60:], "---", sep="\n")
    if sums is None:
        print(f"autotest ({args.smp} harts): 0 passed, 1 failed (the machine did not finish)")
        sys.exit(1)
    print(f"autotest ({args.smp} harts): {sums[0]} passed, {sums[1]} failed")
    sys.exit(0 if sums[1] == 0 else 1)


if __name__ == "__main__":
    main()
