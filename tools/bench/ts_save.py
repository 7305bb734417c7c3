#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ts_save.py [ROUNDS]: what who writes an app in TypeScript waits for, with `./starina push --watch` in another terminal: from the moment
that a source is saved to the first line of the new version in the log. Median and extremes of ROUNDS (10); the load of the machine."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import running

ROUNDS = 10
PATIENCE_S = 120
SOURCE = """import { app, log } from "starina";

export default app({
	name: "saved",
	main() {
		log.info("version VERSION");
		setInterval(() => {}, 60000);
	},
});
"""


def save(path, version):
    """As an editor does: all of the file or none."""
    new = path.with_suffix(".new")
    new.write_text(SOURCE.replace("VERSION", str(version)), encoding="utf-8")
    new.replace(path)


def wait_for(machine, version):
    """Until the log has the line of the version."""
    deadline = time.monotonic() + PATIENCE_S
    while f"INFO   version {version}\n" not in machine.text():
        if time.monotonic() > deadline:
            sys.exit(f"bench: version {version} does not come:\n{machine.text()}")
        time.sleep(0.005)


def measure(machine, folder, rounds):
    """Seconds of each round."""
    path, times = Path(folder, "main.ts"), []
    save(path, 0)
    watching = subprocess.Popen([Path(running.ROOT, "starina"), "push", "--watch", folder], env={**os.environ, "BUILD": running.BUILD},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        wait_for(machine, 0)
        for version in range(1, rounds + 1):
            watching.stdout.readline()  # it has said that the one before runs, and waits
            begin = time.monotonic()
            save(path, version)
            wait_for(machine, version)
            times.append(time.monotonic() - begin)
    finally:
        watching.terminate()
        watching.wait()
    return times


def main():
    """The command."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    machine = running.Machine("serving tcp-listen:0.0.0.0:80")
    try:
        with tempfile.TemporaryDirectory(prefix="starina-save.") as folder:
            times = measure(machine, folder, rounds)
    finally:
        machine.stop()
    print(f"save to running:  median {statistics.median(times):.2f} s, {min(times):.2f} to {max(times):.2f} s, of {len(times)}")
    print("load of the host: " + " ".join(f"{value:.1f}" for value in os.getloadavg()))


if __name__ == "__main__":
    main()
