#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every fuzzer with a fresh seed for a share of the time, several at once, and adds up what they did.

    fuzz.py --build build --minutes 30 --host "libs/http/http_fuzz ..." --os "tools/fuzz/syscalls.py ..."

One of --host is a libFuzzer program in BUILD/host-tests. It begins with the inputs that earlier runs kept (in --state) and
with those of the tree (NAME.corpus/, and the words of NAME.dict). One of --os is a program that is called with
--build BUILD --seconds N --seed N --keep PREFIX. It prints `stat::number_of_executed_units: N` as libFuzzer does, exits with 0
if it found nothing, and otherwise keeps what repeats the fault in files whose names begin with PREFIX, and prints a line
`repeat: COMMAND`. Lines `stat::part NAME: EXECUTIONS CPU-SECONDS CRASHES` divide the sum among its parts, which the log has
apart from each other.

What was run is added to a log in --state; --report prints its sums.
"""

import argparse
import collections
import concurrent.futures
import glob
import os
import random
import re
import signal
import subprocess
import sys
import time

# What a program of --os says of one of its parts: executions, seconds of CPU, crashes.
PART = re.compile(r"^stat::part (\S+): (\d+) (\d+) (\d+)$", re.MULTILINE)
COVERAGE = re.compile(r"^#\d+\s+(INITED|NEW|REDUCE|pulse|RELOAD|DONE)\s+cov: (\d+)", re.MULTILINE)
INPUT_TIMEOUT = 120  # seconds for one input: a hang, on a busy machine too
GRACE = 300  # seconds after its share of the time, until a fuzzer is ended

Result = collections.namedtuple("Result", "name executions coverage new_coverage new_inputs cpu crashes repeat output")


def statistic(output, name):
    found = re.findall(rf"^stat::{name}: *(\d+)", output, re.MULTILINE)
    return int(found[-1]) if found else 0


def coverage_of(output):
    """Edges reached at the end, and how many of them the inputs of earlier runs do not reach."""
    seen = COVERAGE.findall(output)
    if not seen:
        return 0, 0
    initial = next((int(count) for kind, count in seen if kind == "INITED"), int(seen[0][1]))
    final = max(int(count) for _, count in seen)
    return final, final - initial


class Fuzzers:
    """The fuzzers of one call, and their running processes."""

    def __init__(self, args):
        self.args = args
        self.running = set()
        self.keep = os.path.join(args.build, "fuzz")
        os.makedirs(self.keep, exist_ok=True)

    def host_command(self, name, seed, seconds, prefix):
        corpora = [os.path.join(self.args.state, name)]
        os.makedirs(corpora[0], exist_ok=True)
        if os.path.isdir(f"{name}.corpus"):
            corpora.append(f"{name}.corpus")
        dictionary = [f"-dict={name}.dict"] if os.path.isfile(f"{name}.dict") else []
        return [f"{self.args.build}/host-tests/{name}", f"-seed={seed}", f"-max_total_time={seconds}",
                f"-timeout={INPUT_TIMEOUT}", "-print_final_stats=1", f"-artifact_prefix={prefix}", *dictionary, *corpora]

    def os_command(self, name, seed, seconds, prefix):
        return [name, "--build", self.args.build, "--seconds", str(seconds), "--seed", str(seed), "--keep", prefix]

    def call(self, command, log, seconds):
        """Runs to the end, or is ended long after its time. Returns (exit status, seconds of CPU)."""
        with open(log, "wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.running.add(process.pid)
        deadline = time.monotonic() + seconds + GRACE
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid != 0:
                break
            if time.monotonic() > deadline:
                os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.2)
        self.running.discard(process.pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_utime + usage.ru_stime

    def run(self, name, seconds):
        is_host = name in self.args.host.split()
        seed = random.SystemRandom().randrange(1, 1 << 31)
        prefix = os.path.join(self.keep, re.sub(r"[^\w.-]+", "-", name) + ".")
        before = set(glob.glob(glob.escape(prefix) + "*"))
        command = (self.host_command if is_host else self.os_command)(name, seed, seconds, prefix)
        status, cpu = self.call(command, f"{prefix}log", seconds)
        with open(f"{prefix}log", encoding="utf-8", errors="replace") as file:
            output = file.read()
        kept = sorted(set(glob.glob(glob.escape(prefix) + "*")) - before - {f"{prefix}log"})
        coverage, new = coverage_of(output)
        repeat = re.findall(r"^repeat: (.*)$", output, re.MULTILINE)
        if is_host:
            repeat = [f"{self.args.build}/host-tests/{name} {path}" for path in kept]
        if status != 0 and not repeat:
            repeat = [f"it left no input; exit status {status}, seed {seed}"]
        result = Result(name, statistic(output, "number_of_executed_units"), coverage, new, statistic(output, "new_units_added"),
                        cpu, len(repeat) if status != 0 else 0, repeat if status != 0 else [], output)
        self.record(result)
        return result

    def record(self, result):
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True, check=False).stdout.strip() or "-"
        rows = [(f"{result.name} {part}", executions, cpu, "0", crashes)
                for part, executions, cpu, crashes in PART.findall(result.output)]
        if not rows or (result.crashes and all(row[-1] == "0" for row in rows)):
            rows = [(result.name, str(result.executions), f"{result.cpu:.0f}", str(result.new_coverage), str(result.crashes))]
        with open(log_path(self.args.state), "a", encoding="utf-8") as log:
            for row in rows:
                log.write("\t".join([time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), commit, *row]) + "\n")

    def end_all(self):
        for pid in list(self.running):
            os.kill(pid, signal.SIGTERM)


def log_path(state):
    return os.path.join(state, "log")


def show(result):
    word = "FAIL" if result.crashes else "ok  "
    rate = result.executions / result.cpu if result.cpu > 0 else 0
    print(f"{word} {result.name}: {result.executions:,} executions ({rate:,.0f} a second of CPU), coverage {result.coverage:,} "
          f"({result.new_coverage:+,}), {result.new_inputs} new inputs, {result.crashes} crashes", flush=True)
    if result.crashes:
        print(*result.output.splitlines()[-60:], *(f"repeat: {line}" for line in result.repeat), sep="\n", flush=True)


def report(state):
    """The sums of the log, one line a fuzzer, the whole in the last."""
    sums = collections.defaultdict(lambda: [0, 0, 0])
    try:
        with open(log_path(state), encoding="utf-8") as log:
            for line in log:
                _, _, name, executions, cpu, _, crashes = line.rstrip("\n").split("\t")
                for key in (name, None):
                    for i, value in enumerate((executions, cpu, crashes)):
                        sums[key][i] += int(value)
    except FileNotFoundError:
        pass
    for name in sorted(key for key in sums if key is not None):
        executions, cpu, crashes = sums[name]
        print(f"  {name}: {executions:,} executions, {cpu / 3600:.2f} CPU-hours, {crashes} crashes")
    executions, cpu, crashes = sums[None]
    print(f"in all so far: {executions:,} executions, {cpu / 3600:.2f} CPU-hours, {crashes} crashes (log: {log_path(state)})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default build)")
    parser.add_argument("--state", required=True, help="directory of the corpora and the log")
    parser.add_argument("--minutes", type=float, default=30, help="time for all of them (default 30)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many run at once (default: one a core)")
    parser.add_argument("--host", default="", help="libFuzzer programs, separated by blanks")
    parser.add_argument("--os", default="", help="other programs, separated by blanks")
    parser.add_argument("--only", default="", help="those with one of these words in their names")
    parser.add_argument("--report", action="store_true", help="print the sums of the log and do nothing else")
    args = parser.parse_args()
    if args.report:
        report(args.state)
        return 0
    os.makedirs(args.state, exist_ok=True)
    names = [name for name in args.host.split() + args.os.split() if not args.only or any(word in name for word in args.only.split())]
    if not names:
        sys.exit(f"fuzz: no fuzzer has any of {args.only!r} in its name; there are: {' '.join(args.host.split() + args.os.split())}")
    fuzzers = Fuzzers(args)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rounds = -(-len(names) // args.jobs)
    seconds = max(1, int(args.minutes * 60 / rounds))
    print(f"fuzz: {len(names)} fuzzers, {seconds} s each, {args.jobs} at once; logs and crashes go to {fuzzers.keep}", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for future in concurrent.futures.as_completed([pool.submit(fuzzers.run, name, seconds) for name in names]):
                show(future.result())
                failed += future.result().crashes > 0
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            fuzzers.end_all()
            raise
    report(args.state)
    print(f"fuzz: {len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
