# SPDX-License-Identifier: MIT
"""Initial RAM file systems of Debian's programs and kernel modules, made without running or unpacking anything of theirs."""

import lzma
import os
import re
import struct
import subprocess
import tarfile
import tempfile


class Cpio:
    """An archive in the kernel's "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.parts, self.inodes, self.known = [], 0, {""}

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.inodes += 1
        path = name.encode() + b"\0"
        head = "070701" + "".join("%08x" % n for n in (
            self.inodes, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0))
        head = head.encode() + path
        self.parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def dir(self, name):
        if name not in self.known:
            self.dir(os.path.dirname(name))
            self.known.add(name)
            self.add(name, 0o40755)

    def file(self, name, data, mode=0o644):
        self.dir(os.path.dirname(name))
        self.known.add(name)
        self.add(name, 0o100000 | mode, data if isinstance(data, bytes) else data.encode())

    def link(self, name, target):
        self.dir(os.path.dirname(name))
        self.known.add(name)
        self.add(name, 0o120777, target.encode())

    def consoles(self):
        """What PID 1 needs before anything is mounted."""
        self.dir("dev")
        self.add("dev/console", 0o20600, device=(5, 1))
        self.add("dev/null", 0o20666, device=(1, 3))

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


class Packages:
    """The files of a tar of Debian packages."""

    def __init__(self, path):
        self.tar = tarfile.open(path)
        self.members = {m.name.removeprefix("./").rstrip("/"): m for m in self.tar}

    def find(self, pattern):
        """The one path that matches."""
        found = [name for name in self.members if re.fullmatch(pattern, name)]
        if len(found) != 1:
            raise SystemExit("bench-peers: %d files of the Debian packages match %s" % (len(found), pattern))
        return found[0]

    def read(self, name):
        for _ in range(8):
            member = self.members[name]
            if not member.issym():
                return self.tar.extractfile(member).read()
            target = member.linkname
            name = target.lstrip("/") if target.startswith("/") else os.path.join(os.path.dirname(name), target)
            name = os.path.normpath(name)
            if name not in self.members and "usr/" + name in self.members:
                name = "usr/" + name
        raise SystemExit("bench-peers: too many symbolic links at " + name)

    def programs(self, names):
        """(path, bytes) of the programs and of the libraries that they need, and of those again."""
        queue, seen = list(names), {}
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen[name] = self.read(name)
            for library in needed_libraries(seen[name]):
                queue.append(next(n for n in ("usr/lib/riscv64-linux-gnu/" + library, "usr/lib/" + library)
                                  if n in self.members))
        return seen.items()

    def modules(self, names):
        """(name, bytes) of kernel modules, each after those that it depends on."""
        where = {}
        for path in self.members:
            found = re.fullmatch(r"usr/lib/modules/.*/([^/]+)\.ko\.xz", path)
            if found:
                where[found.group(1).replace("-", "_")] = path
        done = {}

        def visit(name):
            name = name.replace("-", "_")
            if name in done:
                return
            data = lzma.decompress(self.read(where[name]))
            for entry in data.split(b"\0"):
                if entry.startswith(b"depends="):
                    for other in filter(None, entry[8:].decode().split(",")):
                        visit(other)
            done[name] = data

        for name in names:
            visit(name)
        return done.items()


def needed_libraries(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        text = subprocess.run([os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-") + "readelf", "-d", file.name], check=True,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def system(packages, init, programs, modules=(), files=()):
    """An initramfs with a shell (busybox), `programs` of the packages, /mod with `modules` in order, and `files` (name, bytes, mode)."""
    cpio = Cpio()
    cpio.consoles()
    for name in ("bin", "sbin", "lib"):
        cpio.link(name, "usr/" + name)
    for name in ("proc", "sys", "tmp", "run", "root", "var/log/nginx", "var/lib/nginx"):
        cpio.dir(name)
    for name, data in packages.programs(["usr/bin/busybox", *programs]):
        cpio.file(name, data, 0o755)
    loader = "usr/lib/ld-linux-riscv64-lp64d.so.1"
    if loader not in cpio.known:
        cpio.file(loader, packages.read(loader), 0o755)
    order = list(packages.modules(modules))
    for name, data in order:
        cpio.file("mod/" + name, data)
    cpio.file("mod/order", "".join(name + "\n" for name, _ in order))
    for name, data, mode in files:
        cpio.file(name, data, mode)
    cpio.file("init", init, 0o755)
    return cpio.bytes()


def far_jump(at, to):
    """auipc t0; jalr zero, t0."""
    high = (to - at + 0x800) >> 12
    return struct.pack("<II", (high & 0xfffff) << 12 | 5 << 7 | 0x17, (to - at - (high << 12) & 0xfff) << 20 | 5 << 15 | 0x67)


def with_counters(image):
    """The kernel image with a first act: scounteren = 7.

    QEMU as a VMM on KVM starts a guest with scounteren 0, so a program that reads the time in the vDSO dies of SIGILL: our guest
    kernel, which has no PMU driver, leaves the register as firmware set it."""
    first = struct.unpack_from("<H", image)[0]
    if first & 0xe003 != 0xa001:
        raise SystemExit("bench-peers: the guest kernel does not begin with c.j")

    def bits(low, count, to):
        return (first >> low & (1 << count) - 1) << to
    target = (bits(11, 1, 4) | bits(9, 2, 8) | bits(8, 1, 10) | bits(7, 1, 6) | bits(6, 1, 7) | bits(3, 3, 1) | bits(2, 1, 5)) - \
        bits(12, 1, 11)
    stub = len(image) + -len(image) % 4
    set_it = struct.pack("<II", 0x00700293, 0x10629073)  # li t0, 7; csrw scounteren, t0
    return far_jump(0, stub) + image[8:].ljust(stub - 8, b"\0") + set_it + far_jump(stub + 8, target)
