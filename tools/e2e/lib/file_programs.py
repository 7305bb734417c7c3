# SPDX-License-Identifier: MIT
"""Programs that try a file system, and an image for them: static ones, so that nothing else is in it."""

import random
import subprocess
import time

from harness import ROOT, check_equal
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


def stress(context, program, source, steps, seconds):
    """Runs one in `source`, what -v takes: once with a seed that is always the same, or with others for so many seconds."""
    seed = random.SystemRandom().randrange(10**9) if seconds else 1
    end, runs = time.monotonic() + seconds, 0
    while runs == 0 or time.monotonic() < end:
        result = context.run("-v", f"{source}:/src", image(context), f"/bin/{program}", f"/src/{seed}", str(seed), str(steps))
        check_equal((result.status, result.stdout), (0, b"ok\n"), f"{program} with seed {seed} for {steps} steps: {result}")
        seed, runs = seed + 1, runs + 1
    if seconds:
        print(f"      {program}: {runs} runs of {steps} steps")
