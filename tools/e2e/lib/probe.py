# SPDX-License-Identifier: MIT
"""Images of the static test program, probe.c."""

import subprocess

from harness import ROOT
from oci import Image, Layer, write_layout


def probe(context):
    """The program's bytes; it is built once."""
    def build(directory):
        directory.mkdir()
        subprocess.run(["riscv64-linux-gnu-gcc", "-std=gnu11", "-Os", "-static", "-Wall", "-Wextra", "-Werror",
                        "-o", directory / "probe", ROOT / "tools/e2e/lib/probe.c"], check=True)
        return (directory / "probe").read_bytes()
    return context.once("probe", build)


def probe_image(context, *args, layers=(), **config):
    layer = Layer().file("probe", probe(context), mode=0o755).file("data", "no program", mode=0o644)
    layer.dir("srv").dir("etc").file("etc/passwd", "web:x:33:34::/srv:/bin/false\n")
    config.setdefault("Entrypoint", ["/probe"])
    return Image(layer, *layers, Cmd=[str(arg) for arg in args], **config)


def run_probe(context, *args, stdin=b"", config=None, layers=(), **settings):
    """Runs `probe ARGS` in a container; returns the Result. May be called again and again."""
    number = len(list(context.scratch.glob("probe.*")))
    write_layout(context.scratch / f"probe.{number}", probe_image(context, *args, layers=layers, **(config or {})))
    return context.run(LINUXRUN_IMAGE=f"oci://probe.{number}", stdin=stdin, **settings)
