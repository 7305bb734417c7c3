#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""web_index.py METAFILE INDEX OUTPUT: writes the web page's index.html with a hint for each script that main.js needs before it
runs, so that the browser asks for them at once, and not when it has read main.js. METAFILE is esbuild's account of what it made."""

import json
import sys
from pathlib import Path

MAIN = '<script type="module" src="main.js"></script>'


def needed(outputs, name):
    """The scripts that a script imports before it runs, whatever imports them."""
    found = []
    for entry in outputs[name]["imports"]:
        script = Path(entry["path"]).name
        if entry["kind"] == "import-statement" and script not in found:
            found += [script, *(each for each in needed(outputs, script) if each not in found)]
    return found


def main():
    """The command."""
    metafile, index, output = (Path(name) for name in sys.argv[1:])
    outputs = {Path(path).name: entry for path, entry in json.loads(metafile.read_text("utf-8"))["outputs"].items()}
    page = index.read_text("utf-8")
    if MAIN not in page:
        sys.exit(f"web_index.py: {index} has no {MAIN}")
    hints = "".join(f'<link rel="modulepreload" href="{script}">\n\t\t' for script in needed(outputs, "main.js"))
    output.write_text(page.replace(MAIN, hints + MAIN), "utf-8")


main()
