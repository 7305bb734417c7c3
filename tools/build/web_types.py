#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""web_types.py LIBRARY CONFIG OUTPUT FILE.d.ts...: writes what the page checks the types of apps with as JSON: the options of
CONFIG, and the declarations, by name: FILE.d.ts..., and those of the language, out of the folder LIBRARY. Without comments."""

import json
import re
import sys
from pathlib import Path

REFERENCE = re.compile(r'^/// <reference lib="([^"]+)" />$', re.M)


def stripped(text):
    """Declarations without their comments, but for references to others."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line and (REFERENCE.match(line) or not line.startswith("//")))


def library(folder, names):
    """The declarations of the language that `names` need, by the name of their file."""
    found, todo = {}, list(names)
    while todo:
        name = f"lib.{todo.pop()}.d.ts"
        if name not in found:
            found[name] = stripped((folder / name).read_text("utf-8"))
            todo += REFERENCE.findall(found[name])
    return found


def main():
    """The command."""
    folder, config, output, *files = (Path(name) for name in sys.argv[1:])
    options = json.loads(config.read_text("utf-8"))["compilerOptions"]
    types = {"options": options, "library": library(folder, options["lib"]),
             "declarations": {path.name: stripped(path.read_text("utf-8")) for path in files}}
    output.write_text(json.dumps(types), "utf-8")


main()
