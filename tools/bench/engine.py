#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What docker's client waits for with ./run.sh --engine: a run, an exec, output, a pull, 32 containers at once."""
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import running

sys.path[:0] = [os.path.join(running.ROOT, "tools/e2e/lib"), os.path.join(running.ROOT, "tools/test")]
# pylint: disable=wrong-import-position
import debian  # noqa: E402
from oci import write_layout  # noqa: E402
from registry import Registry  # noqa: E402

ROUNDS = 15
MEGABYTES = 64
CROWD = 32
IMAGE = "bench:1"


class Engine:
    def __init__(self, scratch, layout, **settings):
        self.log_path = os.path.join(scratch, "log")
        self.log = open(self.log_path, "w", encoding="utf-8")  # pylint: disable=consider-using-with
        env = running.run_env(LINUXRUN_IMAGES=f"{IMAGE}=oci://{layout}", STARINA_MEMORY="3G", STARINA_DISK=os.path.join(scratch, "state.img"),
                              **settings)
        self.process = subprocess.Popen([os.path.join(running.ROOT, "run.sh"), "--engine"], env=env, stdin=subprocess.DEVNULL,  # pylint: disable=consider-using-with
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        self.env = {**os.environ, "DOCKER_HOST": line.strip().split("=", 1)[1], "DOCKER_CONFIG": os.path.join(scratch, "config")}

    def docker(self, *args, **more):
        return subprocess.run(["docker", *args], env=self.env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more).stdout

    def times(self, *args, rounds=ROUNDS, pause=0.0):
        """Milliseconds of each round."""
        out = []
        for _ in range(rounds):
            time.sleep(pause)
            begin = time.monotonic()
            self.docker(*args)
            out.append((time.monotonic() - begin) * 1000)
        return sorted(out)

    def free_mib(self):
        with open(self.log_path, encoding="utf-8") as log:
            page = re.search(r"http://127\.0\.0\.1:\d+/", log.read())[0]
        with urllib.request.urlopen(page + "status.json") as answer:
            return json.load(answer)["free_pages"] * 4096 / (1 << 20)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def row(what, samples, wanted=""):
    print(f"| {what} | {statistics.median(samples):.0f} | {samples[0]:.0f} to {samples[-1]:.0f} | {wanted} |", flush=True)


def measure_runs(engine):
    row("`docker version`", engine.times("version"))
    # A virtual machine waits again by then.
    row(f"`docker run --rm {IMAGE} true`", engine.times("run", "--rm", IMAGE, "true", pause=3), "250")
    engine.docker("run", "-d", "--name", "web", IMAGE, "sleep", "100000")
    time.sleep(3)
    row("`docker exec web true`", engine.times("exec", "web", "true"), "100")
    engine.docker("rm", "-f", "web")


def measure_output(engine, layout):
    script = f"dd if=/dev/zero bs=64k count={MEGABYTES * 16} 2>/dev/null"
    rates = {"docker": [], "run.sh": []}
    for _ in range(3):
        time.sleep(3)
        begin = time.monotonic()
        engine.docker("run", "--rm", "--log-driver", "none", IMAGE, "sh", "-c", script)
        rates["docker"].append(time.monotonic() - begin)
        begin = time.monotonic()
        subprocess.run([os.path.join(running.ROOT, "run.sh"), "-q", "oci://" + layout, "sh", "-c", script], env=running.run_env(), check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        rates["run.sh"].append(time.monotonic() - begin)
    for name, samples in rates.items():
        row(f"{MEGABYTES} MiB of output, {name}", sorted(1000 * sample for sample in samples))


def measure_pull(engine, scratch, layout):
    registry = Registry(os.path.join(scratch, "registry")).start()
    try:
        name = f"localhost:{registry.port}/debian:1"
        subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}", f"docker://127.0.0.1:{registry.port}/debian:1"], check=True)
        size = sum(entry.stat().st_size for entry in os.scandir(os.path.join(layout, "blobs/sha256"))) >> 20
        for what in (f"`docker pull`, {size} MiB", "`docker pull`, unchanged"):
            time.sleep(3)
            row(what, engine.times("pull", name, rounds=1))
    finally:
        registry.stop()


def measure_crowd(engine):
    before = engine.free_mib()
    begin = time.monotonic()
    for number in range(CROWD):
        engine.docker("run", "-d", "-m", "64m", "--name", f"c{number}", IMAGE, "sleep", "100000")
    seconds = time.monotonic() - begin
    running_now = len(engine.docker("ps", "-q").split())
    print(f"| {CROWD} containers of 64 MiB, one after the other | {seconds * 1000:.0f} | {running_now} run, {before - engine.free_mib():.0f} MiB | |", flush=True)
    engine.docker("rm", "-f", *(f"c{number}" for number in range(CROWD)))


def make_layout(scratch):
    layout = os.path.join(scratch, "image")
    os.mkdir(layout)
    write_layout(layout, debian.image())
    return layout


def main():
    with tempfile.TemporaryDirectory() as scratch:
        layout = make_layout(scratch)
        engine = Engine(scratch, layout)
        try:
            print("| | median, ms | least to most | wanted |\n|---|---|---|---|")
            measure_runs(engine)
            measure_output(engine, layout)
            measure_pull(engine, scratch, layout)
            measure_crowd(engine)
        finally:
            engine.stop()


if __name__ == "__main__":
    main()
