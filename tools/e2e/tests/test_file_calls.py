# SPDX-License-Identifier: MIT
"""Calls on files (programs/calls), each with what came of it: a volume and a folder of the host say what the guest's own ext4 says, but for what
docs/files.md names."""

import os
import re
import subprocess

import debian
from harness import ROOT, check, check_equal, test
from oci import Layer, write_layout
from test_named_volumes import check_disk

# `make test-file-calls` runs all; the gate has what takes few calls.
PARTS = os.environ.get("FILE_CALLS", "times attributes locks memory nameless").split()
PLACES = ("/own", "/volume", "/folder")
# What is otherwise by intent: the beginnings of lines, by what docs/files.md says of them.
KNOWN = {
    "setuid and setgid, by those that neither own nor are root": [r"chown (to -1,|-1) -1 (of \d+ )?by (member|other): EPERM"],
    "with fallocate and copy_file_range also when root does it": [r"(fallocate|punch|copy) of \d+ by root"],
    "setgid without execution by the group": [r"[a-zA-Z ]+ of 2767 by other"],
    "the layer is an overlay, and allows no devices": [r"(open|creat)\b.* device ", r"creat x of a device", r"its inode number", r"256 bytes: access: ENOENT"],
}


def image(context):
    def make(directory):
        binary = directory.parent / "calls"
        subprocess.run(["riscv64-linux-gnu-gcc", "-D_GNU_SOURCE", "-std=gnu11", "-O1", "-static", "-Wall", "-Wextra", "-Werror", "-o", binary,
                        *sorted((ROOT / "tools/e2e/programs/calls").glob("*.c"))], check=True)
        return write_layout(directory, debian.image(Layer().file("bin/calls", binary.read_bytes(), 0o755)))
    return f"oci://{context.once('calls-image', make).path}"


def is_known(line):
    return any(re.match(pattern, line) for patterns in KNOWN.values() for pattern in patterns)


def compare(result, least):
    """`result`: for each place, its name, a status and lines; each place's are the first one's."""
    check_equal(result.status, 0, result)
    sections = [text.splitlines() for text in result.stdout.decode(errors="replace").split("== ")[1:]]
    check_equal([lines[:2] for lines in sections], [[place, "status 0"] for place in PLACES])
    own, *others = [lines[2:] for lines in sections]
    check(len(own) > least, own)
    for place, lines in zip(PLACES[1:], others):
        differ = [f"{mine}\n  {place}: {line}" for mine, line in zip(own, lines) if mine != line and not is_known(mine)]
        check(len(own) == len(lines) and not differ, f"{len(differ)} of {len(own)} lines differ:\n" + "\n".join(differ[:40]))


@test
def as_the_guests_ext4(context):
    """In one machine, whose own layer is on a disk."""
    script = f"mkdir -p {' '.join(PLACES)}; for place in {' '.join(PLACES)}; do chmod 755 $place; echo == $place; calls $place {' '.join(PARTS)} > /tmp/out; echo status $?; cat /tmp/out; done"
    share = context.scratch / "share"
    share.mkdir()
    compare(context.run("--disk", "256M", "-v", "work:/volume", "-v", f"{share}:/folder", image(context), "sh", "-c", script), 100)
    check_disk(context)


@test
def opens_of_what_another_machine_made(context):
    """Linux has a file made before it looks whether there is one."""
    share = context.scratch / "share"
    share.mkdir()
    places = ["--disk", "256M", "-v", "work:/volume", "-v", f"{share}:/folder", image(context), "sh", "-c"]
    result = context.run(*places, f"for place in {' '.join(PLACES[1:])}; do chmod 755 $place; calls $place strangers-made || exit; done")
    check_equal(result.status, 0, result)
    compare(context.run(*places, f"mkdir /own; calls /own strangers-made; for place in {' '.join(PLACES)}; do echo == $place; "
                                 "calls $place strangers > /tmp/out; echo status $?; cat /tmp/out; done"), 250)
    check_disk(context)
