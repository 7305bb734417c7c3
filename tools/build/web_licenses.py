#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""web_licenses.py FILE METAFILE...: writes the licences of all libraries that are in the web page into FILE. Each METAFILE is
esbuild's account of what it made."""

import json
import re
import sys
from pathlib import Path

MODULES = Path("third_party/web/node_modules")


def packages(metafiles):
    """The names of the packages of which something is in the page."""
    outputs = [entry for path in metafiles for entry in json.loads(Path(path).read_text("utf-8"))["outputs"].values()]
    inputs = {path for entry in outputs for path in entry["inputs"]}
    return sorted({match[1] for path in inputs if (match := re.search(r"node_modules/((?:@[^/]+/)?[^/]+)/", path))})


def licence(name):
    """Name, version and licence of a package."""
    folder = MODULES / name
    files = sorted(path for path in folder.iterdir() if re.match(r"(licen[cs]e|copying|notice)\b", path.name, re.I))
    if not files:
        sys.exit(f"web_licenses.py: {folder} has no LICENSE: the page may not be given away with it")
    version = json.loads((folder / "package.json").read_text("utf-8"))["version"]
    head = f"{name} {version}"
    return "\n".join([head, "=" * len(head), "", *(path.read_text("utf-8").strip() + "\n" for path in files)])


def main():
    """The command."""
    target, *metafiles = sys.argv[1:]
    Path(target).write_text("This page has parts of the following libraries.\n\n"
                            + "\n".join(licence(name) for name in packages(metafiles)), encoding="utf-8")


main()
