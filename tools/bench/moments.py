# SPDX-License-Identifier: MIT
"""Moments of a container's start, each by the first execution of one instruction, which the plugin insn_count.c watches for: what the whole
machine executes between two of them, whatever it runs, sleep not counted."""
import os
import re
import struct
import subprocess
import tempfile

import running
import served

# What a moment's instruction is: a function's first in an ELF file of the build, a program's first (None), or the one sret of a function.
MOMENTS = {
    "create": ("starina.elf", "sys_hvspace_create"),
    "entry": ("starina.elf", "hv_switch sret"),
    "init": ("guest/bootd.elf", "main"),
    "program": ("image/demo/demo", None),
}
ROUNDS = 8  # on a busy host the disk answers late in most of them


class Elf:
    """The loaded bytes of a 64-bit little-endian ELF file."""

    def __init__(self, path):
        self.path = os.path.join(running.BUILD, path)
        with open(self.path, "rb") as file:
            self.bytes = file.read()
        self.entry, headers = struct.unpack_from("<QQ", self.bytes, 24)
        count = struct.unpack_from("<H", self.bytes, 56)[0]
        self.loads = []
        for i in range(count):
            kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", self.bytes, headers + 56 * i)
            if kind == 1:
                self.loads.append((address, offset, size))

    def word(self, address):
        """The instruction there, None when nothing is loaded there."""
        for start, offset, size in self.loads:
            if start <= address < start + size:
                word = struct.unpack_from("<I", self.bytes, offset + address - start)[0]
                return word if word & 3 == 3 else word & 0xffff
        return None

    def text_of(self, tool, *options):
        return subprocess.run([os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-") + tool, *options, self.path], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def function(self, name):
        return self.only(name, re.findall(r"^([0-9a-f]+) [tT] %s$" % name, self.text_of("nm"), re.MULTILINE))

    def sret(self, function):
        text = self.text_of("objdump", "-d", "--disassemble=" + function)
        return self.only("sret in " + function, re.findall(r"^([0-9a-f]{16}):\t[0-9a-f ]+\tsret", text, re.MULTILINE))

    def only(self, what, addresses):
        if len(addresses) != 1:
            raise SystemExit("bench: there is not one %s in %s but %d" % (what, self.path, len(addresses)))
        return int(addresses[0], 16)


def mark(moment):
    """Address and instruction."""
    path, what = MOMENTS[moment]
    elf = Elf(path)
    if what is None:
        address = elf.entry
    elif what.endswith(" sret"):
        address = elf.sret(what.split()[0])
    else:
        address = elf.function(what)
    return address, elf.word(address)


def marks():
    found = {moment: mark(moment) for moment in MOMENTS}
    # Programs of the guest lie at the same addresses: none may be taken for another.
    for moment, (address, word) in found.items():
        for other, (path, _) in MOMENTS.items():
            if other != moment and path != MOMENTS[moment][0] and Elf(path).word(address) == word:
                raise SystemExit("bench: %s has the instruction of moment %s too" % (path, moment))
    return found


def available():
    """The plugin is for this emulator."""
    version = subprocess.run([running.QEMU, "--version"], text=True, stdout=subprocess.PIPE, check=True).stdout
    return "QEMU emulator version 7.2" in version


def run_once(**settings):
    """A run of the built-in container on one hart, with these settings: its log; by moment the machine's count at its first time and how often it came."""
    found = marks()
    with tempfile.TemporaryDirectory() as scratch:
        counter = os.path.join(scratch, "executed")
        plugin = served.plugin(counter) + "".join(",mark=%#x:%#x" % place for place in found.values())
        log = running.run_container(append="kernel.log=debug", STARINA_SMP="1",
                                    STARINA_QEMU_ARGS="%s -plugin %s" % (running.ICOUNT, plugin), **settings)
        with open(counter, "rb") as file:
            numbers = struct.unpack("<%dQ" % (2 + 2 * len(found)), file.read(8 * (2 + 2 * len(found))))
    counts = {moment: (numbers[2 + 2 * i], numbers[3 + 2 * i]) for i, moment in enumerate(found)}
    missing = [moment for moment, (_, times) in counts.items() if times == 0]
    if missing:
        raise SystemExit("bench: the container ran, but these moments never came: " + " ".join(missing))
    return log, counts


def measure():
    """The least of some rounds: when the disk answers, and with how many interrupts, depends on the host."""
    spans = {"vm_to_init": ("entry", "init"), "create_to_init": ("create", "init"), "create_to_program": ("create", "program")}
    least = {}
    for _ in range(ROUNDS):
        _, counts = run_once()
        for name, (begin, end) in spans.items():
            span = counts[end][0] - counts[begin][0]
            least[name] = min(span, least.get(name, span))
    return least
