#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""web_sizes.py METAFILE PAGE: checks how much a browser has to fetch of the web page, compressed: for the first view, for
all of it, and beside it for the checker of types, which only those fetch who write an app. METAFILE is esbuild's account of what it made."""

import gzip
import json
import sys
from pathlib import Path

FIRST_VIEW_KIB = 60
ALL_KIB = 200
CHECKER = "types_worker.js"
CHECKER_KIB = 1150


def first_view(outputs):
    """The names that the first view needs: the page itself, and what main.js imports before it runs."""
    names, todo = {"index.html", "icon.svg", "main.css"}, ["main.js"]
    while todo:
        name = todo.pop()
        if name in names:
            continue
        names.add(name)
        todo += [Path(entry["path"]).name for entry in outputs[name]["imports"] if entry["kind"] == "import-statement"]
    return names


def main():
    """The command."""
    metafile, page = sys.argv[1:]
    outputs = {Path(path).name: entry for path, entry in json.loads(Path(metafile).read_text("utf-8"))["outputs"].items()}
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in Path(page).iterdir()}
    for what, names, limit in (("first view", first_view(outputs), FIRST_VIEW_KIB), ("whole page", set(sizes) - {CHECKER}, ALL_KIB),
                               ("checker of types", {CHECKER}, CHECKER_KIB)):
        size = sum(sizes[name] for name in names)
        if size > limit * 1024:
            for name in sorted(names, key=sizes.get, reverse=True):
                print(f"{sizes[name]:8} {name}", file=sys.stderr)
            sys.exit(f"web_sizes.py: the web page's {what} is {size} bytes compressed, and may be {limit} KiB: "
                     "load what is seldom needed when it is opened (import()), or leave it out")
        print(f"  web: {what} {size / 1024:.1f} KiB of {limit}")


main()
