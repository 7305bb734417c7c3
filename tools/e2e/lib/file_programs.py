# SPDX-License-Identifier: MIT
"""Programs that try a file system, and an image for them: static ones, so that nothing else is in it."""

import subprocess

from harness import ROOT
from oci import Image, Layer, write_layout

PROGRAMS = ("file_content", "file_tree")


def image(context):
    """The programs are in /bin by their names: PROGRAM PATH SEED STEPS. Each ends with "ok" or says what differed."""
    def make(directory):
        layer = Layer()
        for name in PROGRAMS:
            binary = directory.parent / name
            subprocess.run(["riscv64-linux-gnu-gcc", "-D_GNU_SOURCE", "-std=gnu11", "-O1", "-static", "-Wall", "-Wextra", "-Werror", "-o", binary,
                            ROOT / f"tools/e2e/programs/{name}.c"], check=True)
            layer.file(f"bin/{name}", binary.read_bytes(), 0o755)
        return write_layout(directory, Image(layer))
    return f"oci://{context.once('file-programs', make).path}"
