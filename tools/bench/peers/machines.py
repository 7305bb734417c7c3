# SPDX-License-Identifier: MIT
"""The machines that are compared: all are the same emulator with the same options, and differ in what they boot."""

import os
import re
import subprocess
import sys
import time

import initramfs
import running
import served

HERE = os.path.dirname(os.path.abspath(__file__))
ICOUNT = running.ICOUNT.split()
GUEST_KERNEL = os.path.join(running.ROOT, "third_party/guest-kernel/Image")
ADDRESS, GUEST_ADDRESS = "10.0.2.15", "10.0.2.16"

START = """#!/usr/bin/busybox sh
export PATH=/usr/sbin:/usr/bin
busybox mount -t proc proc /proc; busybox --install -s /usr/bin; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for m in $(cat /mod/order); do insmod /mod/$m; done
ip link set lo up
"""
NGINX_CONF = """daemon off; worker_processes 1; user root; pid /run/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
  server { listen 80; root /srv; }
}
"""
# The default container's devices: a console with four ports, a disk, a network card, an entropy source.
VMM = "qemu-system-riscv64 -nodefaults -no-user-config -no-reboot -M virt,accel=kvm -cpu host -smp 1 -m 128M -display none " \
      "-monitor none -serial stdio -global virtio-mmio.force-legacy=false -kernel /guest/Image -initrd /guest/initramfs.cpio "
DEVICES = "-device virtio-serial-device,max_ports=5 " + \
    "".join("-chardev null,id=p%d -device virtserialport,chardev=p%d,nr=%d " % (n, n, n + 1) for n in range(4)) + \
    "-drive if=none,id=root,driver=null-co,size=64M,read-zeroes=on -device virtio-blk-device,drive=root " \
    "-netdev {net},id=net -device virtio-net-device,netdev=net,mac=52:54:00:12:34:99 " \
    "-object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-device,rng=rng "


def program(name):
    with open(os.path.join(running.BUILD, "peers", name), "rb") as file:
        return file.read()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def nginx_files():
    return [("etc/nginx/nginx.conf", NGINX_CONF, 0o644), ("srv/bytes/1024", b"x" * 1024, 0o644),
            ("srv/bytes/%d" % served.BULK, b"\0" * served.BULK, 0o644)]


class Qemu:
    """One machine and its log. `counter`: count instructions (served.py)."""

    def __init__(self, scratch, *args, smp=1, memory="1G", icount=False, counter=False, ports=()):
        self.log_path = os.path.join(scratch, "log")
        self.counter = os.path.join(scratch, "executed") if counter else None
        self.urls = {}
        command = [running.QEMU, *"-nodefaults -no-reboot -M virt -cpu rv64 -display none -monitor none -serial stdio "
                   "-global virtio-mmio.force-legacy=false".split(), "-smp", str(smp), "-m", memory, *args]
        if icount:
            command += ICOUNT
        if counter:
            command += ["-plugin", served.plugin(self.counter)]
        net = "user,id=net"
        for address, port in ports:
            host_port = running.free_port()
            self.urls[address, port] = host_port
            net += ",hostfwd=tcp:127.0.0.1:%d-%s:%d" % (host_port, address, port)
        if ports:
            command += ["-netdev", net, "-device", "virtio-net-device,netdev=net,mac=52:54:00:12:34:56"]
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for(self, pattern, timeout=300):
        deadline = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.text())
            if found:
                return found
            if time.monotonic() > deadline or self.process.poll() is not None:
                found = re.search(pattern, self.text())
                if found:
                    return found
                self.stop()
                sys.exit("bench-peers: the machine did not say %s:\n%s" % (pattern, self.text()[-4000:]))
            time.sleep(0.1)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Debian:
    """What is booted of Debian: its kernel, with initramfs of its programs."""

    def __init__(self, packages, scratch):
        self.packages, self.scratch = packages, scratch
        self.kernel = os.path.join(scratch, "vmlinux")
        with open(self.kernel, "wb") as file:
            file.write(packages.read(packages.find(r"boot/vmlinu[xz]-.*-riscv64")))

    def boot(self, name, init, programs=(), modules=(), files=(), **options):
        directory = os.path.join(self.scratch, name)
        os.makedirs(directory, exist_ok=True)
        initrd = os.path.join(directory, "initramfs")
        with open(initrd, "wb") as file:
            file.write(initramfs.system(self.packages, START + init + "\npoweroff -f\n", programs,
                                        ["virtio_mmio", "virtio_net", *modules], files))
        # Debian's PMU driver stops the instruction counter, which user programs are to read.
        return Qemu(directory, "-kernel", self.kernel, "-initrd", initrd, "-append",
                    "console=ttyS0 panic=-1 quiet initcall_blacklist=pmu_sbi_devinit", **options)

    def ipc(self):
        return self.boot("ipc", "echo 2 > /proc/sys/kernel/perf_user_access; ipc", files=[("usr/bin/ipc", program("ipc"), 0o755)],
                         icount=True)

    def servers(self, name="linux", **options):
        """nginx on port 80, busybox httpd on port 8080."""
        init = "ip addr add %s/24 dev eth0; ip link set eth0 up; busybox httpd -p 8080 -h /srv; nginx & sleep 1; echo ready; wait" % ADDRESS
        return self.boot(name, init, ["usr/sbin/nginx"], files=nginx_files() + accounts(),
                         ports=[(ADDRESS, 80), (ADDRESS, 8080)], **options)

    def guest_files(self, initrd):
        return [("guest/Image", initramfs.with_counters(read(GUEST_KERNEL)), 0o644), ("guest/initramfs.cpio", initrd, 0o644),
                ("usr/bin/stopwatch", program("stopwatch"), 0o755)]

    def vmm_start(self, name, **options):
        """KVM: the time from the VMM's start to the guest's init, three times."""
        command = "stopwatch 'guest init' timeout 100 %s %s -append 'quiet panic=-1'" % (VMM, DEVICES.format(net="hubport,hubid=0"))
        return self.boot(name, "for i in 1 2 3; do %s; done; echo done" % command, ["usr/bin/qemu-system-riscv64"], ["kvm"],
                         self.guest_files(measured_guest()), **options)

    def vmm_nginx(self, name, **options):
        """KVM: nginx in a guest, behind a bridge."""
        guest_init = START + "ip addr add %s/24 dev eth0; ip link set eth0 up; nginx & sleep 1; echo ready; wait" % GUEST_ADDRESS
        guest = initramfs.system(self.packages, guest_init, ["usr/sbin/nginx"], files=nginx_files() + accounts())
        # busybox has an ip of its own, which its shell prefers.
        init = "I=/usr/bin/ip; $I link add br0 type bridge; $I link set br0 up; mkdir -p /dev/net; " \
               "$I tuntap add dev tap0 mode tap; $I link set tap0 master br0 up; $I link set eth0 master br0 up; " \
               "%s %s -append 'quiet panic=-1'" % (VMM, DEVICES.format(net="tap,ifname=tap0,script=no,downscript=no"))
        return self.boot(name, init, ["usr/bin/qemu-system-riscv64", "usr/bin/ip"], ["kvm", "tun", "bridge"],
                         self.guest_files(guest), ports=[(GUEST_ADDRESS, 80)], **options)


def accounts():
    return [("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644), ("etc/group", "root:x:0:\n", 0o644)]


def measured_guest():
    cpio = initramfs.Cpio()
    cpio.consoles()
    cpio.file("init", program("init"), 0o755)
    return cpio.bytes()


def bare_guest(scratch, **options):
    """The guest kernel without a VM, with the same devices."""
    os.makedirs(scratch, exist_ok=True)
    initrd = os.path.join(scratch, "initramfs")
    with open(initrd, "wb") as file:
        file.write(measured_guest())
    devices = DEVICES.format(net="hubport,hubid=0").split()
    return Qemu(scratch, "-kernel", GUEST_KERNEL, "-initrd", initrd, "-append", "quiet panic=-1", *devices, memory="128M", **options)
