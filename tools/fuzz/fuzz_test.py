#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of fuzz.py and of the replay in run_host_tests.sh, with fuzzers of a few lines: one finds nothing, one a fault."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(HERE, "fuzz.py")
HOST_TESTS = os.path.join(HERE, "..", "build", "run_host_tests.sh")

# With FAULT it dies of inputs that begin with "FU".
HOST_FUZZER = r"""
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 && data[0] == 'F' && data[1] == 'U' && FAULT)
		abort();
	return 0;
}
"""

# What a program of --os is: it finds nothing.
OS_FUZZER = """#!/bin/sh
[ "$1 $3 $5 $7" = "--build --seconds --seed --keep" ] || exit 2
echo 'stat::number_of_executed_units: 1234'
"""

# And one that finds a fault, and keeps what repeats it.
BAD_OS_FUZZER = OS_FUZZER + """
echo "seed $6" >"$8"found
echo "repeat: boot it with $6"
exit 1
"""


# And one that has two parts.
PARTS_OS_FUZZER = OS_FUZZER + """
echo 'stat::part small: 1000 60 0'
echo 'stat::part large: 234 30 0'
"""


class Scratch:
    """A directory that is the root of a tree: two host fuzzers, two others."""

    def __init__(self, root):
        self.root = root
        os.makedirs(f"{root}/build/host-tests")
        for name, fault in (("good_fuzz", 0), ("bad_fuzz", 1)):
            subprocess.run(["clang", "-fsanitize=fuzzer", f"-DFAULT={fault}", "-x", "c", "-o",
                            f"{root}/build/host-tests/{name}", "-"], input=HOST_FUZZER.encode(), check=True)
        for name, text in (("good_os", OS_FUZZER), ("bad_os", BAD_OS_FUZZER), ("parts_os", PARTS_OS_FUZZER)):
            self.write(name, text)
            os.chmod(f"{root}/{name}", 0o755)

    def write(self, path, text):
        os.makedirs(os.path.dirname(f"{self.root}/{path}"), exist_ok=True)
        with open(f"{self.root}/{path}", "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, *command):
        done = subprocess.run(command, cwd=self.root, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def fuzz(self, *options):
        return self.run(TOOL, "--build", "build", "--state", "state", "--minutes", "0.05", *options)

    def gate(self, name):
        return self.run(HOST_TESTS, "build", "", f"{name}=2", "20")


def nothing_found(tree):
    """Nothing is found by either kind; the log has both."""
    status, output = tree.fuzz("--host", "good_fuzz", "--os", "./good_os")
    return (status == 0 and output.endswith("fuzz: 2 passed, 0 failed\n") and "ok   good_fuzz: " in output and
            "./good_os: 1,234 executions" in output and "in all so far: " in output)


def fault_of_a_host_fuzzer(tree):
    """The input is kept, and the command that is printed repeats the fault. The gate finds it, too, once it is in the tree."""
    # It ends with what it finds; a busy machine may take its time for that.
    status, output = tree.fuzz("--host", "bad_fuzz", "--minutes", "5")
    repeat = [line.split(": ", 1)[1] for line in output.splitlines() if line.startswith("repeat: ")]
    if status != 1 or len(repeat) != 1 or not output.endswith("fuzz: 0 passed, 1 failed\n"):
        return False
    again, _ = tree.run(*repeat[0].split())
    clean, _ = tree.gate("bad_fuzz")
    with open(f"{tree.root}/{repeat[0].split()[1]}", encoding="utf-8", errors="surrogateescape") as file:
        tree.write("bad_fuzz.corpus/found", file.read()[:2])
    found, text = tree.gate("bad_fuzz")
    return again != 0 and clean == 0 and found == 1 and "FAIL bad_fuzz" in text


def fault_of_another(tree):
    status, output = tree.fuzz("--os", "./bad_os")
    return status == 1 and "repeat: boot it with " in output and os.path.isfile(f"{tree.root}/build/fuzz/.-bad_os.found")


def kept_inputs_pass(tree):
    tree.write("good_fuzz.corpus/one", "FU")
    status, output = tree.gate("good_fuzz")
    return status == 0 and "(10 runs, 1 kept)" in output and "1 passed, 0 failed" in output


def sums_of_two_runs(tree):
    tree.fuzz("--os", "./good_os")
    tree.fuzz("--os", "./good_os")
    status, output = tree.fuzz("--report")
    return status == 0 and "./good_os: 2,468 executions" in output


def parts_apart(tree):
    tree.fuzz("--os", "./parts_os")
    status, output = tree.fuzz("--report")
    return (status == 0 and "./parts_os small: 1,000 executions, 0.02 CPU-hours" in output and
            "./parts_os large: 234 executions" in output and "in all so far: 1,234 executions" in output)


def some_only(tree):
    status, output = tree.fuzz("--os", "./good_os ./bad_os", "--only", "good")
    nobody, text = tree.fuzz("--os", "./good_os", "--only", "other")
    return status == 0 and "fuzz: 1 passed, 0 failed" in output and nobody == 1 and "./good_os" in text


TESTS = {
    "nothing found": nothing_found,
    "a fault of a host fuzzer is kept and can be repeated, by the gate, too": fault_of_a_host_fuzzer,
    "a fault of another fuzzer is kept": fault_of_another,
    "inputs of the tree are run in the gate": kept_inputs_pass,
    "the log adds up": sums_of_two_runs,
    "parts of a fuzzer are apart in the log": parts_apart,
    "some only; a name that nobody has is an error": some_only,
}


def main():
    failed = 0
    for name, test in TESTS.items():
        with tempfile.TemporaryDirectory() as root:
            passed = test(Scratch(root))
        print(f"  {'ok  ' if passed else 'FAIL'} {name}")
        failed += not passed
    print(f"fuzz: {len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
