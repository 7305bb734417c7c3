#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy on files of C: tidy.py "FLAGS" FILE...

A file that passed is not analysed again. What passed is remembered in the cache, so that a fresh clone profits as well, by two
hashes, both with the flags, the checks and the tool's version: of the file and all that it includes, which is quick to look
up, and of the preprocessed source, which stays the same when a header changes in what the file does not use. To the first
belong the names of all headers that could be found in the place of one that is included."""

import concurrent.futures
import functools
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("STARINA_CACHE") or Path(base) / "starina") / "lint"


@functools.cache
def content_hash(path):
    """Of a file; "" if there is none, which no file has."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


@functools.cache
def headers_of_name():
    """The paths of the tree's headers, by their last parts."""
    found = {}
    for directory, folders, files in os.walk("."):
        folders[:] = [name for name in folders if not name.startswith((".", "build")) and name not in ("third_party", "node_modules")]
        for name in files:
            if name.endswith(".h"):
                found.setdefault(name, []).append(os.path.join(directory, name))
    return {name: " ".join(sorted(paths)) for name, paths in found.items()}


def dependencies(text):
    """The files that a rule of make names, as the preprocessor writes it."""
    return shlex.split(text.partition(":")[2].replace("\\\n", " "))


class Tidy:
    def __init__(self, flags):
        self.flags = flags.split()
        self.cache = cache_directory()
        self.cache.mkdir(parents=True, exist_ok=True)
        version = subprocess.run(["clang-tidy", "--version"], stdout=subprocess.PIPE, check=True).stdout.strip()
        self.base = version + b" " + flags.encode() + b"\n" + Path(".clang-tidy").read_bytes()

    def key_of_files(self, file, included):
        """Of the names and the content of all that is read, and what could be read in its place."""
        same = headers_of_name()
        names = "".join(f"{name} {content_hash(name)} {same.get(os.path.basename(name), '')}\n" for name in [file, *included])
        return self.cache / hashlib.sha256(self.base + names.encode()).hexdigest()

    def key_of_source(self, file, source):
        return self.cache / hashlib.sha256(self.base + source + Path(file).read_bytes()).hexdigest()

    def list_of_included(self, file):
        """Where it is kept which files this one included when it passed last."""
        name = " ".join([file, *self.flags])
        return self.cache / (hashlib.sha256(name.encode()).hexdigest() + ".includes")

    def passed_before(self, file):
        try:
            included = self.list_of_included(file).read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return self.key_of_files(file, included).exists()

    def preprocess(self, file):
        """Returns the preprocessed source and the files that are included."""
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as rule:
            done = subprocess.run(["clang", "-E", "-MD", "-MF", rule.name, *self.flags, file], stdout=subprocess.PIPE, check=False)
            return done.stdout, dependencies(rule.read())[1:]

    def analyse(self, file):
        """Returns what is wrong with the file, "" if nothing is."""
        done = subprocess.run(["clang-tidy", "--quiet", file, "--", *self.flags],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode == 0:
            return ""
        lines = done.stdout.decode(errors="replace").splitlines()
        return "\n".join(line for line in lines if "warnings generated" not in line) or f"{file}: clang-tidy failed"

    def remember(self, file, included, key):
        """The list is replaced in one step: others may do the same."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.cache, delete=False) as written:
            written.write("\n".join(included))
        os.replace(written.name, self.list_of_included(file))
        key.touch()
        self.key_of_files(file, included).touch()

    def check(self, file):
        """As analyse(), unless it is known."""
        if self.passed_before(file):
            return ""
        source, included = self.preprocess(file)
        key = self.key_of_source(file, source)
        wrong = "" if key.exists() else self.analyse(file)
        if not wrong:
            self.remember(file, included, key)
        return wrong


def main(flags, *files):
    tidy = Tidy(flags)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = [text for text in pool.map(tidy.check, files) if text]
    for text in wrong:
        print(text, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
