#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what others need for the same work, in the same emulator, beside Starina: prints a table and writes
$BUILD/bench-peers.json.

peers.py [PART ...], all of: ipc boot http clock isolation

Linux is Debian's kernel for riscv64, its programs are Debian's, and Linux+KVM is that kernel with Debian's QEMU as VMM in the
emulated machine. The parts ipc, boot and http count instructions. `clock` compares rates within this run, one machine after the
other, several rounds; its figures are worth something only on a machine that does nothing else. So does `isolation`, in which both
are Starina: the usual image, and the one with all apps in the kernel.
"""
import json
import os
import re
import resource
import statistics
import sys
import tempfile

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), up) for up in ("", "..", "../../e2e/lib", "../../test")]
# pylint: disable=wrong-import-position
import bench  # noqa: E402
import debian  # noqa: E402
import initramfs  # noqa: E402
import machines  # noqa: E402
import moments  # noqa: E402
import oci  # noqa: E402
import running  # noqa: E402
import served  # noqa: E402

PARTS = ("ipc", "boot", "http", "clock", "isolation")
PACKAGES = ["busybox-static", "iproute2", "linux-image-riscv64", "nginx", "qemu-system-riscv"]
ROUNDS = 3
ISOLATION_ROUNDS = 5
# What is measured, its unit and name, and what makes the unit of it.
ISOLATION_ROWS = [
    ("httpd, 1 KB, keep-alive, 16 at a time", "/s", "httpd_keepalive", 1),
    ("the same, a request", "ms of CPU", "httpd_keepalive_cpu", 1),
    ("httpd, 20 MB", "MB/s", "httpd_bulk", served.BULK / 1e6),
    ("the same", "ms of CPU", "httpd_bulk_cpu", 1),
    ("run call to the container's start", "ms", "start", 1),
    ("a whole run of a small container", "ms of CPU", "start_cpu", 1),
    ("nginx in a container, 1 KB, keep-alive, 16 at a time", "/s", "nginx_keepalive", 1),
    ("the same, a request", "ms of CPU", "nginx_keepalive_cpu", 1),
    ("nginx in a container, 20 MB", "MB/s", "nginx_bulk", served.BULK / 1e6),
    ("the same", "ms of CPU", "nginx_bulk_cpu", 1),
]
# What Starina does, and what of Linux is nearest: the figure of tools/bench/peers/ipc.c.
PAIRS = [
    ("null system call", "null_call", "null_call"),
    ("round trip of two processes, 64 bytes, each waits in its poll: channel; seqpacket socket", "round_trip_64",
     "seqpacket_epoll_64"),
    ("the same, 4096 bytes", "round_trip_4096", "seqpacket_epoll_4096"),
    ("the same by pipe, 64 bytes, epoll", "round_trip_64", "pipe_epoll_processes_64"),
    ("the same by pipe, blocking read, 1 byte", "round_trip_0", "pipe_processes_1"),
    ("pipe, blocking read, 4096 bytes", "round_trip_4096", "pipe_processes_4096"),
    ("pipe between threads, 1 byte", "round_trip_0", "pipe_threads_1"),
    ("eventfd between threads", "round_trip_0", "eventfd_threads"),
    ("eventfd between processes", "round_trip_0", "eventfd_processes"),
    ("thread switch by yield", "thread_switch", "thread_switch"),
    ("a page: folio; mmap, touch, munmap", "folio_alloc_free", "page"),
    ("timer to the app, from idle", "timer_to_app", "timer_to_app"),
]


class Peers:
    def __init__(self, scratch):
        self.scratch = scratch
        self.out = {"versions": bench.versions(), "rows": []}
        self.debian_ = None

    def debian(self):
        if self.debian_ is None:
            running.say("packages of Debian")
            packages = initramfs.Packages(debian.root_tar(PACKAGES))
            self.out["versions"]["linux"] = packages.find(r"boot/vmlinu[xz]-.*-riscv64")
            self.debian_ = machines.Debian(packages, self.scratch)
        return self.debian_

    def row(self, what, unit, starina, peer, value_starina, value_peer, less_is_better=True):
        """`peer` and `starina` say who; a value may be None."""
        self.out["rows"].append({"what": what, "unit": unit, "starina": starina, "peer": peer, "value_starina": value_starina,
                                 "value_peer": value_peer, "less_is_better": less_is_better})

    # --- The parts ---

    def measure_ipc(self):
        ours = {"versions": {}}
        bench.measure_calls(ours)
        running.say("calls on Linux")
        machine = self.debian().ipc()
        machine.wait_for("figures done")
        machine.stop()
        theirs = {name: int(value) for name, value in re.findall(r"figure (\w+) (\d+)", machine.text())}
        for what, own, other in PAIRS:
            self.row(what, "insns", "apps", "Linux", ours[own], theirs[other])

    def measure_boot(self):
        running.say("boot of the guest kernel without a VM")
        bare = machines.bare_guest(os.path.join(self.scratch, "bare"), icount=True)
        bare_clock = int(bare.wait_for(r"guest init after (\d+) ns").group(1))
        bare.stop()
        running.say("boot of the guest kernel in Linux+KVM")
        kvm = self.debian().vmm_start("kvm-boot", icount=True)
        kvm.wait_for(r"done\r?\n")
        kvm.stop()
        clocks = [int(n) for n in re.findall(r"guest init after (\d+) ns", kvm.text())]
        starts = [int(n) for n in re.findall(r"stopwatch (\d+) ns", kvm.text())]
        running.say("boot of the guest kernel in Starina")
        log = running.run_container(STARINA_SMP="1", STARINA_QEMU_ARGS=running.ICOUNT, append="kernel.log=debug")
        up = re.search(r"bootd is up after (\d+) ns of guest time", log)
        self.row("guest's clock at its init; bare: %s" % "{:,}".format(bare_clock), "insns", "VM", "Linux+KVM, QEMU",
                 int(up.group(1)), min(clocks))
        if moments.available():
            self.row("VMM's start (Starina: VM creation) to the guest's init", "insns", "VM", "Linux+KVM, QEMU",
                     moments.measure()["create_to_init"], min(starts))
        self.out["bare_guest_clock"] = bare_clock

    def measure_http(self):
        counts = {}
        running.say("HTTP: httpd")
        counts["httpd"] = self.starina_http("httpd")
        running.say("HTTP: nginx in a VM of Starina")
        counts["nginx in VM"] = self.starina_http("nginx")
        running.say("HTTP: nginx and busybox httpd on Linux")
        machine = self.debian().servers(counter=True)
        self.wait(machine, (machines.ADDRESS, 80), (machines.ADDRESS, 8080))
        counts["nginx"] = served.count(machine.counter, machine.urls[machines.ADDRESS, 80])
        counts["busybox"] = served.count(machine.counter, machine.urls[machines.ADDRESS, 8080], keepalive=False)
        machine.stop()
        running.say("HTTP: nginx in Linux+KVM")
        machine = self.debian().vmm_nginx("kvm-nginx", counter=True)
        self.wait(machine, (machines.GUEST_ADDRESS, 80))
        counts["nginx in KVM"] = served.count(machine.counter, machine.urls[machines.GUEST_ADDRESS, 80])
        machine.stop()
        for starina, peer in (("httpd", "nginx"), ("httpd", "busybox"), ("nginx in VM", "nginx in KVM")):
            for kind, what, divisor in (("keepalive", "1 KB, keep-alive, 16 at a time: a request", 1),
                                        ("connection", "1 KB, a connection each, 8 at a time: a request", 1),
                                        ("bulk", "20 MB: a byte", served.BULK)):
                ours, theirs = counts[starina][kind], counts[peer][kind]
                if theirs is not None:
                    self.row(what, "insns", starina, peer, ours and round(ours / divisor, 2), round(theirs / divisor, 2))

    @staticmethod
    def wait(machine, *servers):
        machine.wait_for("ready")
        for server in servers:
            running.wait_for_server(machine.urls[server], served.BULK)

    def starina(self, server, **env):
        """A running Starina, and the port of its server."""
        if server == "httpd":
            machine = running.Machine("container ended", **env)
            return machine, machine.port
        port = running.free_port()
        machine = running.Machine("container started", LINUXRUN_IMAGE="oci://" + self.nginx_image(),
                                  LINUXRUN_PORTS="%d:80" % port, **env)
        running.wait_for_server(port, served.BULK)
        return machine, port

    def starina_http(self, server):
        counter = os.path.join(self.scratch, "executed-" + server)
        machine, port = self.starina(server, STARINA_SMP="1", STARINA_QEMU_ARGS="-plugin " + served.plugin(counter))
        try:
            return served.count(counter, port)
        finally:
            machine.stop()

    def nginx_image(self):
        path = os.path.join(self.scratch, "nginx-layout")
        if not os.path.exists(path):
            layer = oci.Layer()
            for name, data in self.debian().packages.programs(["usr/sbin/nginx"]):
                layer.file(name, data, mode=0o755)
            loader = "usr/lib/ld-linux-riscv64-lp64d.so.1"
            layer.file(loader, self.debian().packages.read(loader), mode=0o755)
            layer.symlink("lib", "usr/lib").dir("var/log/nginx").dir("var/lib/nginx").dir("run")
            for name, data, mode in machines.nginx_files() + machines.accounts():
                layer.file(name, data, mode=mode)
            oci.write_layout(oci.Path(path), oci.Image(layer, Cmd=["/usr/sbin/nginx"]))
        return path

    @staticmethod
    def ask(rates, name, port):
        """Adds a rate of each kind to the lists of `rates`."""
        for kind, path, options in (("keepalive", "/bytes/1024", ("-k", "-c", "16", "-n", "1500")),
                                    ("bulk", "/bytes/%d" % served.BULK, ("-c", "1", "-n", "2"))):
            rate = running.ab(port, path, *options)
            if rate is not None:
                rates.setdefault((name, kind), []).append(rate)

    def measure_clock(self):
        """Rates, in rounds: every round asks each machine in turn, so that what else the host does meets all alike."""
        rates = {}
        for number in range(ROUNDS):
            running.say("rates, round %d of %d" % (number + 1, ROUNDS))
            for server in ("httpd", "nginx"):
                machine, port = self.starina(server, STARINA_SMP="2", STARINA_MEMORY="1G")
                try:
                    self.ask(rates, server + " on Starina", port)
                finally:
                    machine.stop()
            for name, machine, address in (
                    ("nginx on Linux", self.debian().servers("linux-clock", smp=2), machines.ADDRESS),
                    ("nginx in KVM", None, machines.GUEST_ADDRESS)):
                machine = machine or self.debian().vmm_nginx("kvm-clock", smp=2)
                self.wait(machine, (address, 80))
                self.ask(rates, name, machine.urls[address, 80])
                machine.stop()
        for ours, theirs in (("httpd on Starina", "nginx on Linux"), ("nginx on Starina", "nginx in KVM")):
            for kind, what, unit, factor in (("keepalive", "1 KB, keep-alive, 16 at a time", "/s", 1),
                                             ("bulk", "20 MB", "MB/s", served.BULK / 1e6)):
                values = [round(statistics.median(rates[who, kind]) * factor, 1) if (who, kind) in rates else None
                          for who in (ours, theirs)]
                self.row(what, unit, ours, theirs, *values, less_is_better=False)

    def measure_isolation(self):
        """What it costs that apps are in user mode, in rounds as measure_clock(): by the clock, and in the emulator's CPU time, which
        says more on a host that does other things, too."""
        images, measured = {"usual image": "starina", "all in the kernel": "starina-kernel"}, {}

        def note(name, what, value):
            measured.setdefault((name, what), []).append(value)

        for number in range(ISOLATION_ROUNDS):
            for name, image in images.items():
                running.say("isolation, round %d of %d: %s" % (number + 1, ISOLATION_ROUNDS, name))
                build = running.build_with(image, os.path.join(self.scratch, "%s-%d" % (image, number)))
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                log = running.run_container(BUILD=build)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                note(name, "start", int(re.search(r"container started in (\d+) ms", log).group(1)))
                note(name, "start_cpu", 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
                for server in ("httpd", "nginx"):
                    machine, port = self.starina(server, STARINA_SMP="2", STARINA_MEMORY="1G", BUILD=build)
                    try:
                        for kind, path, options, requests in (("keepalive", "/bytes/1024", ("-k", "-c", "16"), 1500),
                                                              ("bulk", "/bytes/%d" % served.BULK, ("-c", "1"), 2)):
                            cpu = machine.cpu_seconds()
                            rate = running.ab(port, path, *options, "-n", str(requests))
                            cpu = machine.cpu_seconds() - cpu
                            if rate is not None:
                                note(name, "%s_%s" % (server, kind), rate)
                                note(name, "%s_%s_cpu" % (server, kind), 1000 * cpu / requests)
                    finally:
                        machine.stop()
        self.out["isolation"] = {" ".join(key): values for key, values in measured.items()}
        for what, unit, key, factor in ISOLATION_ROWS:
            values = [round(statistics.median(measured[name, key]) * factor, 2) for name in images]
            self.row(what, unit, *images, *values, less_is_better="ms" in unit)


def table(rows):
    print("%-88s %-16s %14s   %-17s %14s  %6s" % ("", "Starina", "", "peer", "", "ratio"))
    for row in rows:
        ours, theirs = row["value_starina"], row["value_peer"]
        ratio = "" if not ours or not theirs else "%.2f" % (theirs / ours if row["less_is_better"] else ours / theirs)
        print("%-88s %-16s %14s   %-17s %14s  %6s" % ("%s, %s" % (row["what"], row["unit"]), row["starina"], "{:,}".format(ours) if ours else "-",
                                                      row["peer"], "{:,}".format(theirs) if theirs else "-", ratio))
    print("ratio: how many times better Starina is")


def main():
    parts = sys.argv[1:] or list(PARTS)
    if set(parts) - set(PARTS):
        sys.exit("bench-peers: parts are: " + " ".join(PARTS))
    with tempfile.TemporaryDirectory(prefix="starina-peers.") as scratch:
        peers = Peers(scratch)
        for part in parts:
            getattr(peers, "measure_" + part)()
    peers.out["load"] = os.getloadavg()
    table(peers.out["rows"])
    path = os.path.join(running.BUILD, "bench-peers.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(peers.out, file, indent=1)
        file.write("\n")
    running.say("written to " + path)


if __name__ == "__main__":
    main()
