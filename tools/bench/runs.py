#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a `docker run` costs the whole machine, from the client's start to its end: instructions, and blocks of code that the emulator translated
for them, on one hart. The clock does not tell so little apart. runs.py [ROUNDS]"""
import os
import sys
import tempfile
import time

import engine
import profile_reader

KINDS = {
    "run --rm IMAGE true": [],
    "with -v NAME:/v": ["-v", "name:/v"],
    "with --tmpfs /v": ["--tmpfs", "/v"],
}
PAUSE = 6  # seconds: a virtual machine waits again by then


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as scratch:
        counts = os.path.join(scratch, "blocks")
        machine = engine.Engine(scratch, engine.make_layout(scratch), STARINA_SMP="1", STARINA_QEMU_ARGS="-plugin " + profile_reader.plugin(counts))
        try:
            machine.docker("volume", "create", "name")
            print("%-22s %15s %10s" % ("", "instructions", "blocks"))
            # What runs for the first time in the machine, or the second, is not counted.
            for round_number in range(-2, rounds):
                for kind, options in KINDS.items():
                    time.sleep(PAUSE)
                    before = profile_reader.totals(counts)
                    machine.docker("run", "--rm", *options, engine.IMAGE, "true")
                    after = profile_reader.totals(counts)
                    if round_number >= 0:
                        print("%-22s %15s %10s" % (kind, *("{:,}".format(b - a) for a, b in zip(before, after))), flush=True)
        finally:
            machine.stop()


if __name__ == "__main__":
    main()
