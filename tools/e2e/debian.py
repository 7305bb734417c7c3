# SPDX-License-Identifier: MIT
"""A Debian root file system for riscv64 as an image layer, from the machine's package mirror, cached."""

import os
import subprocess
import tempfile
from pathlib import Path

from harness import ROOT
from oci import Image, Layer, TarLayer

SUITE = "trixie"
PACKAGES = ["base-files", "dash", "coreutils", "busybox-static", "python3-minimal", "libcap2-bin"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror():
    """The mirror that the machine's apt is set up with, as setup.sh finds it."""
    script = '. "$ROOT/tools/setup/common.sh"; . "$ROOT/tools/setup/sources.sh"; find_mirror'
    done = subprocess.run(["bash", "-c", script], env={**os.environ, "ROOT": str(ROOT)}, check=True,
                          stdout=subprocess.PIPE)
    return done.stdout.decode().strip()


def cache_directory():
    base = os.environ.get("STARINA_TEST_CACHE") or os.environ.get("STARINA_CACHE")
    if not base:
        base = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")) + "/starina"
    return Path(base) / "test-images"


def root_tar(packages=None):
    """The path of a tar with these packages unpacked. Maintainer scripts do not run: it is riscv64."""
    packages = packages or PACKAGES
    path = cache_directory() / f"{SUITE}-{'-'.join(packages)}.tar"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    print(f"      e2e making a Debian {SUITE} riscv64 root file system (once)", flush=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        made = Path(scratch) / "root.tar"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=extract", "--architectures=riscv64",
                        "--skip=check/qemu", "--mode=unshare" if os.geteuid() else "--mode=root",
                        f"--keyring={KEYRING}", "--include=" + ",".join(packages),
                        # What an image has no use for.
                        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
                        "--dpkgopt=path-exclude=/usr/share/locale/*",
                        SUITE, str(made), mirror()], check=True, stdin=subprocess.DEVNULL)
        made.rename(path)
    return path


def fixes():
    """What maintainer scripts would have done, as a layer of its own."""
    layer = Layer()
    layer.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
                             "web:x:33:33::/srv:/bin/sh\n")
    layer.file("etc/group", "root:x:0:\nnogroup:x:65534:\nweb:x:33:\nmedia:x:50:web\n")
    layer.symlink("usr/bin/sh", "dash")
    return layer


def image(*layers, **config):
    """A Debian image with more layers on top."""
    config.setdefault("Cmd", ["/bin/sh"])
    return Image(TarLayer(root_tar(), "none"), fixes(), *layers, **config)
