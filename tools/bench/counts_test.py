#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of the comparison in counts.py, as the gate calls it: two files in, lines and an exit status out."""
import json
import os
import subprocess
import sys
import tempfile

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.py")
VERSIONS = {"gcc": "12", "qemu": "7.2", "opensbi": "1.1"}
COMMITTED = {"versions": VERSIONS, "counts": {"small": 59, "large": 10000}, "ceilings": {"small": 60}}
GROWING = {"versions": VERSIONS, "counts": {"image_bytes": 500}, "ceilings": {"image_bytes": 1000}}


def run(measured, *options, versions=None, committed=None):
    """Exit status, output and the counts file afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        paths = []
        for tree in (committed or COMMITTED, {"versions": versions or VERSIONS, "counts": measured}):
            paths.append(os.path.join(scratch, str(len(paths))))
            with open(paths[-1], "w", encoding="utf-8") as file:
                json.dump(tree, file)
        done = subprocess.run([TOOL, "--counts", paths[0], "--measured", paths[1], *options], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with open(paths[0], encoding="utf-8") as file:
            return done.returncode, done.stdout, json.load(file)


def fails(measured, *texts, **more):
    status, output, _ = run(measured, **more)
    return status == 1 and all(text in output for text in texts)


def passes(measured, *texts, **more):
    status, output, _ = run(measured, **more)
    return status == 0 and "0 failed" in output and all(text in output for text in texts)


def updates():
    """The new counts and versions are there, the ceilings still are."""
    status, output, after = run({"small": 58, "large": 20000}, "--update", versions={**VERSIONS, "gcc": "14"})
    return (status == 0 and "large: 10000, now 20000" in output and after["counts"] == {"small": 58, "large": 20000} and
            after["versions"]["gcc"] == "14" and after["ceilings"] == COMMITTED["ceilings"])


TESTS = {
    "the same counts pass": lambda: passes({"small": 59, "large": 10000}, "2 passed"),
    "fewer instructions pass": lambda: passes({"small": 10, "large": 5000}),
    "3 % more pass": lambda: passes({"small": 59, "large": 10300}),
    "more than 3 % fail, with name and figures":
        lambda: fails({"small": 59, "large": 10301}, "large 10,301 was 10,000", "1 passed, 1 failed"),
    "4 more of few pass": lambda: passes({"small": 63, "large": 10000}, committed={**COMMITTED, "ceilings": {}}),
    "5 more of few fail": lambda: fails({"small": 64, "large": 10000}, "small 64", committed={**COMMITTED, "ceilings": {}}),
    "above the ceiling fails within the slack": lambda: fails({"small": 61, "large": 10000}, "small 61", "above 60"),
    "a count that is gone fails": lambda: fails({"small": 59}, "large", "not measured"),
    "a count that is new fails": lambda: fails({"small": 59, "large": 10000, "more": 1}, "more 1 is new"),
    "the image may grow": lambda: passes({"image_bytes": 999}, committed=GROWING),
    "the image may not grow above its ceiling": lambda: fails({"image_bytes": 1001}, "above 1,000", committed=GROWING),
    "other versions print and do not fail":
        lambda: passes({"small": 59, "large": 20000}, "large 20,000", "qemu is 10.0", "are of 7.2", "1 counts would have",
                       versions={**VERSIONS, "qemu": "10.0"}),
    "an unknown version is another one": lambda: passes({"small": 59, "large": 20000}, "opensbi is unknown",
                                                        versions={"gcc": "12", "qemu": "7.2"}),
    "--update writes counts and versions": updates,
}


def main():
    failed = [name for name, holds in TESTS.items() if not holds()]
    for name in failed:
        print("counts_test: FAILED: " + name)
    print("counts_test: %d passed, %d failed" % (len(TESTS) - len(failed), len(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
