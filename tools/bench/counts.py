#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the exact counts of this build with the committed ones, or commits them anew.

counts.py [--update] [--counts FILE] [--measured FILE]

FILE of --counts, tools/bench/counts.json, has the counts, the ceilings that SPECIFICATION.md promises, and the versions of
compiler, emulator and firmware that they hold for. A count that is larger by more than max(3 %, 4 instructions) fails, and so does
one above its ceiling. With other versions the comparison is printed and nothing fails. Without --measured the benchmark image
of $BUILD is run.
"""
import argparse
import json
import os
import sys

import bench

COUNTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.json")
SLACK_PERCENT = 3
SLACK_INSTRUCTIONS = 4
UPDATE = "make bench-counts"
# Only their ceilings hold: the first three grow with each feature, and the others depend a little on when the disk or the client answers.
CEILING_ONLY = {"image_bytes", "js_bytes", "ts_start", "boot_exits", "boot_accesses", "volume_mount_exits", "folder_mount_exits",
                "guest_clock_to_init", "flushes_100_requests"}


def slack(count):
    return max(count * SLACK_PERCENT // 100, SLACK_INSTRUCTIONS)


def compare_one(name, before, now, ceiling):
    """A problem as a text, or None."""
    if now is None:
        return "is not measured any more; if that is meant: " + UPDATE
    if ceiling is not None and now > ceiling:
        return "is above %s, which SPECIFICATION.md promises" % "{:,}".format(ceiling)
    if name in CEILING_ONLY:
        return None
    if before is None:
        return "is new: " + UPDATE
    if now > before + slack(before):
        return "was {:,}: find out why, or say in docs/benchmarks.md which and why, and: {}".format(before, UPDATE)
    return None


def compare(committed, measured):
    """Both are trees as in counts.json. Returns lines to print, and how many counts passed and failed."""
    lines, passed, failed = [], 0, 0
    others = sorted(what for what in committed["versions"].keys() | measured["versions"].keys()
                    if committed["versions"].get(what) != measured["versions"].get(what))
    ceilings = committed.get("ceilings", {})
    for name in sorted(committed["counts"].keys() | measured["counts"].keys() | ceilings.keys()):
        before, now = committed["counts"].get(name), measured["counts"].get(name)
        problem = compare_one(name, before, now, ceilings.get(name))
        if problem is None:
            passed += 1
        else:
            failed += 1
            lines.append("counts: %s %s %s" % (name, "" if now is None else "{:,}".format(now), problem))
    if others:
        for what in others:
            lines.append("counts: %s is %s, the committed counts are of %s" % (
                what, measured["versions"].get(what, "unknown"), committed["versions"].get(what, "none")))
        lines.append("counts: with other versions nothing fails; %d counts would have" % failed)
        passed, failed = passed + failed, 0
    return lines, passed, failed


def measure():
    out = {"versions": bench.versions()}
    bench.measure_calls(out)
    bench.measure_loopback(out)
    bench.measure_typescript(out)
    bench.measure_boot(out)
    bench.measure_exits(out)
    bench.measure_mounts(out)
    bench.measure_flushes(out)
    versions = out.pop("versions")
    return {"versions": versions, "counts": {name: value for name, value in out.items() if isinstance(value, int)}}


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--update", action="store_true")
    options.add_argument("--counts", default=COUNTS)
    options.add_argument("--measured")
    options = options.parse_args()
    measured = load(options.measured) if options.measured else measure()
    committed = load(options.counts)
    lines, passed, failed = compare(committed, measured)
    if options.update:
        measured["ceilings"] = committed.get("ceilings", {})
        for name in sorted(measured["counts"].keys() | committed["counts"].keys()):
            before, now = committed["counts"].get(name), measured["counts"].get(name)
            if before != now:
                print("counts: %s: %s, now %s" % (name, before, now))
        with open(options.counts, "w", encoding="utf-8") as file:
            json.dump(measured, file, indent=1, sort_keys=True)
            file.write("\n")
        return 0
    for line in lines:
        print(line)
    print("counts: %d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
