#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares a volume and a folder of the host with the ext4 disk of LINUXRUN_DISK in one virtual machine, in turns: what else the host does
meets all alike."""
import os
import re
import statistics
import subprocess
import sys
import tempfile

import running

sys.path[:0] = [os.path.join(running.ROOT, "tools/e2e/lib"), os.path.join(running.ROOT, "tools/test")]
# pylint: disable=wrong-import-position
import debian  # noqa: E402
from oci import write_layout  # noqa: E402

ROUNDS = 5
MEGABYTES = 32
FILES = 500
# name: (what it is, what of the disk's speed is wanted of a volume and of a folder of the host)
FIGURES = {
    "write": ("buffered write and fsync, 1 MiB a call", 0.8, 0.7),
    "read": ("buffered read of what is in no cache", 0.8, 0.7),
    "direct_read": ("O_DIRECT read, 1 MiB a call", 0.7, 0.4),
    "direct_write": ("O_DIRECT write, 1 MiB a call", 0.7, 0.4),
    "files": ("%d files made and removed" % FILES, 0.25, 0.15),
}
WHERE = {"volume": 1, "host": 2}
SCRIPT = """set -e
now() { date +%%s%%N; }
took() { echo "$name $1 $(($(now) - t))"; }
one() {
  name=$2; cd $1
  t=$(now); dd if=/dev/zero of=b bs=1M count=%(mb)d conv=fsync 2>/dev/null; took write
  dd of=b oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null </dev/null
  t=$(now); dd if=b of=/dev/null bs=1M 2>/dev/null; took read
  t=$(now); dd if=b of=/dev/null bs=1M iflag=direct 2>/dev/null; took direct_read
  t=$(now); dd if=/dev/zero of=b bs=1M count=%(mb)d oflag=direct conv=notrunc 2>/dev/null; took direct_write
  rm b; mkdir d; cd d
  t=$(now); i=0; while [ $i -lt %(files)d ]; do : > f$i; i=$((i + 1)); done; rm f*; took files
  cd ..; rmdir d
}
round=0; while [ $round -lt %(rounds)d ]; do one /root disk; one /%(where)s %(where)s; round=$((round + 1)); done
"""


def measure(scratch, where):
    """Samples of a run: with both, the machine has no place for the disk that folders of the host come by."""
    layout = os.path.join(scratch, "image")
    if not os.path.exists(layout):
        os.mkdir(layout)
        write_layout(layout, debian.image())
    host = os.path.join(scratch, "folder")
    os.makedirs(host, exist_ok=True)
    source = {"volume": "bench", "host": host}[where]
    script = SCRIPT % {"mb": MEGABYTES, "files": FILES, "rounds": ROUNDS, "where": where}
    env = running.run_env(STARINA_DISK=os.path.join(scratch, "state.img"), LINUXRUN_MEMORY="256M", LINUXRUN_DISK="1G")
    done = subprocess.run([os.path.join(running.ROOT, "run.sh"), "-q", "-v", "%s:/%s" % (source, where), "oci://" + layout, "sh", "-c", script], env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, timeout=1500)
    samples = {}
    for one, what, ns in re.findall(r"^(\w+) (\w+) (\d+)$", done.stdout, re.MULTILINE):
        samples.setdefault((one, what), []).append(int(ns))
    return samples


def show(where, column, samples):
    for name, figure in FIGURES.items():
        disk, this = samples["disk", name], samples[where, name]
        ratios = sorted(d / t for d, t in zip(disk, this))
        print("| %s | %s | %.0f | %.0f | %.2f (%.2f to %.2f) | %.2f |" % (where, figure[0], statistics.median(disk) / 1e6,
                                                                         statistics.median(this) / 1e6, statistics.median(ratios),
                                                                         ratios[0], ratios[-1], figure[column]), flush=True)


def main():
    print("| | | disk, ms | this, ms | of the disk's speed: median (least to most) | wanted |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for where in sys.argv[1:] or WHERE:
            show(where, WHERE[where], measure(scratch, where))


if __name__ == "__main__":
    main()
