#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a mount adds to a container's start in instructions of the whole machine, on one hart under icount, counted from outside: the clock does
not tell a few milliseconds apart. mounts.py [ROUNDS]: the least of so many rounds."""
import os
import sys
import tempfile

import moments
import running

# Of what a machine mounts; the first volume needs a state disk that is made for it.
KINDS = ("nothing", "a folder of the host", "a volume", "the first volume")


def settings(kind, scratch):
    if kind == "nothing":
        return {}
    if kind == "a folder of the host":
        return {"LINUXRUN_VOLUMES": scratch + ":/folder"}
    return {"LINUXRUN_VOLUMES": "bench:/volume", "STARINA_DISK": os.path.join(scratch, "state.img")}


def measure(kind, rounds):
    """Least counts: VM creation to bootd's main, and from there to the container's program."""
    found = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as scratch:
            if kind == "a volume":
                running.run_container(**settings(kind, scratch))
            _, counts = moments.run_once(**settings(kind, scratch))
            found.append((counts["init"][0] - counts["create"][0], counts["program"][0] - counts["init"][0]))
    return tuple(min(column) for column in zip(*found))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    if not moments.available():
        sys.exit("mounts: the plugin is for QEMU 7.2")
    base = None
    print("%-22s %15s %15s" % ("mounts", "to bootd", "to the program"))
    for kind in KINDS:
        counts = measure(kind, rounds)
        base = base or counts
        print("%-22s %15s %15s   +%s" % (kind, *("{:,}".format(n) for n in counts), "{:,}".format(sum(counts) - sum(base))), flush=True)


if __name__ == "__main__":
    main()
