#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the test image on machines that differ from the usual one: machines_test.py BUILD [WORD]

Interrupt controllers, extensions that harts have or lack, where the image lies, and device trees that say other things
than QEMU's own. With WORD, only those with it in their names. QEMU=... chooses the emulator.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
QEMU = os.environ.get("QEMU", "qemu-system-riscv64")
OBJCOPY = os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-") + "objcopy"
# A device's interrupt, and a guest's timer, interrupts, second vCPU and memory.
TESTS = "a disk has what|a guest's timer|an interrupt line wakes|a second vCPU|loads and stores reach"
MOVED_BY = 64 << 20


class Failure(Exception):
    pass


class Machine:
    """What a machine is made of, and the scratch directory of its files."""

    def __init__(self, build, scratch):
        self.elf = os.path.join(build, "starina-test.elf")
        self.scratch = scratch

    def path(self, name):
        return os.path.join(self.scratch, name)

    def autotest(self, *options, only=TESTS, expect=()):
        """Runs these tests there; all pass, and the log has a line with each of `expect`."""
        log = self.path("log")
        command = [os.path.join(HERE, "run_autotest.py"), "--qemu", QEMU, "--only", only, "--log", log, *options, self.elf]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0 or not re.search(r"[1-9]\d* passed, 0 failed", done.stdout):
            raise Failure(done.stdout)
        with open(log, encoding="utf-8") as file:
            text = file.read()
        for pattern in expect:
            if not re.search(pattern, text):
                raise Failure(f"the log lacks {pattern!r}:\n{text}")
        return text

    def device_tree(self, edit, *options, machine="virt"):
        """Arguments for QEMU that give it its own device tree, with the source changed by `edit`."""
        binary, source = self.path("tree.dtb"), self.path("tree.dts")
        subprocess.run([QEMU, "-M", f"{machine},dumpdtb={binary}", "-display", "none", "-m", "256M", *options],
                       check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", "-o", source, binary], check=True)
        with open(source, encoding="utf-8") as file:
            text = file.read()
        changed = edit(text)
        if changed == text:
            raise Failure("the device tree is not as this test expects:\n" + text)
        with open(source, "w", encoding="utf-8") as file:
            file.write(changed)
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", binary, source], check=True)
        return f"-dtb {binary}"


def aplic_in_direct_mode(machine):
    machine.autotest("--machine", "virt,aia=aplic", "--smp", "3")


def aplic_with_imsics(machine):
    machine.autotest("--machine", "virt,aia=aplic-imsic", "--smp", "2")


def imsics_with_guest_files(machine):
    machine.autotest("--machine", "virt,aia=aplic-imsic,aia-guests=3", "--smp", "2", only="a disk has what")


def timer_of_the_firmware(machine):
    machine.autotest("--cpu", "rv64,sstc=false", "--smp", "1", expect=["timer by SBI"])


def no_hypervisor_extension(machine):
    machine.autotest("--cpu", "rv64,h=false", "--smp", "2", only="a disk has what", expect=["no hypervisor extension"])


def registers_mapped_as_io(machine):
    machine.autotest("--cpu", "rv64,svpbmt=true", "--smp", "2", only="a disk has what")


def guests_with_four_levels(machine):
    machine.autotest("--append", "kernel.gstage=sv48x4 kernel.log=debug", "--smp", "2", expect=["hypervisor: Sv48x4"])


def seven_harts(machine):
    machine.autotest("--smp", "7", expect=["7 harts"])


def all_extensions(machine):
    """Those that this emulator has; Smstateen, Svadu and vectors among them from QEMU 8 on."""
    models = subprocess.run([QEMU, "-cpu", "help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    machine.autotest("--cpu", "max" if re.search(r"\bmax\b", models) else "rv64", "--smp", "2")


def image_at_another_address(machine):
    moved = machine.path("moved.elf")
    subprocess.run([OBJCOPY, "--change-section-lma", f"*+{MOVED_BY}", machine.elf, moved], check=True)
    machine.elf = moved
    machine.autotest("--smp", "2")


def image_off_a_block(machine):
    moved = machine.path("moved.elf")
    subprocess.run([OBJCOPY, "--change-section-lma", f"*+{MOVED_BY + 4096}", machine.elf, moved], check=True)
    command = [QEMU, "-M", "virt", "-display", "none", "-nodefaults", "-serial", "stdio", "-kernel", moved]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        said = any(b"must be loaded at a multiple of 2 MiB" in line for line in process.stdout)
        process.kill()
    if not said:
        raise Failure("it does not say where the image may be")


def hide_uart(text):
    """The UART to a node that passes no addresses on. The firmware does not mind."""
    node = re.search(r"serial@10000000 \{.*?\};", text, re.S)[0]
    hidden = f"hidden {{ #address-cells = <2>; #size-cells = <2>; {node} }};"
    text = text.replace(node, "").replace("/soc/serial@10000000", "/hidden/serial@10000000")
    return text.rstrip().removesuffix("};") + hidden + "};\n"


def console_of_the_firmware(machine):
    machine.autotest("--qemu-args", machine.device_tree(hide_uart), only="a disk has what")


def harts_with_a_hole(machine):
    tree = machine.device_tree(lambda text: re.sub(r'(cpu@1 \{.*?)status = "okay"', r'\1status = "disabled"', text, count=1,
                                                   flags=re.S), "-smp", "3")
    machine.autotest("--smp", "3", "--qemu-args", tree, expect=[r"\b2 harts"])


def hart_that_never_comes(machine):
    tree = machine.device_tree(lambda text: text + "\n", "-smp", "3")
    machine.autotest("--smp", "2", "--qemu-args", tree, only="a disk has what",
                     expect=["hart . was started and has not come", "only 2 of 3 harts", r"\b2 harts"])


def device_past_the_caches(machine):
    tree = machine.device_tree(lambda text: text.replace('compatible = "virtio,mmio";',
                                                         'compatible = "virtio,mmio"; dma-noncoherent;'))
    machine.autotest("--quick", "--qemu-args", tree, only="a channel keeps", expect=["is not used: it reaches memory past"])


def move_to_a_bus(text):
    """All virtio devices to a bus at the root, which counts from 0 and has cells of its own."""
    parent = re.search(r"virtio_mmio@[^}]*interrupt-parent = <(\w+)>", text, re.S)[1]
    nodes = re.findall(r"virtio_mmio@(1000\w000) \{.*?interrupts = <([^>]*)>.*?\};", text, re.S)
    text = re.sub(r"virtio_mmio@1000\w000 \{.*?\};", "", text, flags=re.S)
    children = "".join(f'virtio_mmio@{int(at, 16) - 0x10000000:x} {{ compatible = "virtio,mmio"; interrupts = <{irq}>;'
                       f' reg = <{int(at, 16) - 0x10000000:#x} 0x1000>; }};' for at, irq in nodes)
    bus = (f'bus@10000000 {{ compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>; '
           f'interrupt-parent = <{parent}>; ranges = <0x1000 0x0 0x10001000 0x8000>; {children} }};')
    return text.rstrip().removesuffix("};") + bus + "};\n"


def devices_behind_a_bus(machine):
    machine.autotest("--smp", "2", "--qemu-args", machine.device_tree(move_to_a_bus, "-smp", "2"), only="a disk has what")


TESTS_OF_MACHINES = [
    aplic_in_direct_mode, aplic_with_imsics, imsics_with_guest_files, timer_of_the_firmware, no_hypervisor_extension,
    registers_mapped_as_io, guests_with_four_levels, seven_harts, all_extensions, image_at_another_address, image_off_a_block,
    console_of_the_firmware, harts_with_a_hole, hart_that_never_comes, device_past_the_caches, devices_behind_a_bus,
]


def main():
    failed = 0
    chosen = [test for test in TESTS_OF_MACHINES if len(sys.argv) < 3 or sys.argv[2] in test.__name__]
    for test in chosen:
        scratch = tempfile.mkdtemp(prefix="starina-machines.")
        try:
            test(Machine(sys.argv[1], scratch))
            print(f"  ok   {test.__name__}", flush=True)
        except (Failure, OSError, subprocess.CalledProcessError) as failure:
            print(f"  FAIL {test.__name__}: {failure}", flush=True)
            failed += 1
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    print(f"machines_test: {len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
