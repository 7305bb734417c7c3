#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks SPECIFICATION.md: each promise has a test that exists or says that it has none, and its figure is that of the constant or
ceiling that it names.

check_specification.py [FILE]

The last cell of a table's row is "not enforced...", or "`PATH`: TEXT; `PATH`: TEXT ..." where each file has that text. A constant
in the first cell, `LIKE_THIS`, has the value of the cell's first number. For tools/bench/counts.json the text is the name of a
count; the cell's first number after "at most" is its ceiling.
"""
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COUNTS = "tools/bench/counts.json"
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
NUMBER = r"(\d[\d,]*)(?: (KiB|MiB|GiB))?\b"


def number(text):
    found = re.search(NUMBER, text)
    return int(found.group(1).replace(",", "")) * UNITS.get(found.group(2), 1) if found else None


def constants():
    """The #defines of all headers whose value is a number or a product of numbers."""
    values = {}
    for folder in ("kernel", "libs", "apps", "guest"):
        for directory, _, files in os.walk(os.path.join(ROOT, folder)):
            for name in files:
                if not name.endswith(".h"):
                    continue
                with open(os.path.join(directory, name), encoding="utf-8") as file:
                    for key, text in re.findall(r"^#define ([A-Z][A-Z0-9_]+) ([^\n/]+)", file.read(), re.MULTILINE):
                        text = re.sub(r"(?<=\d)[ul]+", "", text.strip())
                        if re.fullmatch(r"[\d\s*()]+", text):
                            values[key] = eval(text)  # digits, products and parentheses only
    return values


def check_reference(promise, path, text):
    full = os.path.join(ROOT, path)
    if not os.path.isfile(full):
        return "there is no file " + path
    with open(full, encoding="utf-8") as file:
        content = file.read()
    if path != COUNTS:
        return None if text in content else "%s does not have: %s" % (path, text)
    ceiling = json.loads(content)["ceilings"].get(text)
    if ceiling is None:
        return "%s has no ceiling for %s" % (path, text)
    if "at most" not in promise or number(promise.split("at most", 1)[1]) != ceiling:
        return "the ceiling of %s is %d" % (text, ceiling)
    return None


def check_row(promise, enforced, values):
    for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", promise):
        if values.get(name) != number(promise):
            yield "%s is %s" % (name, values.get(name))
    if enforced.startswith("not enforced"):
        return
    references = re.findall(r"`([^`]+)`: ([^;]+)(?:; |$)", enforced)
    if not references or "; ".join("`%s`: %s" % r for r in references) != enforced:
        yield "the last cell is not like: `PATH`: TEXT; `PATH`: TEXT"
    for path, text in references:
        problem = check_reference(promise, path, text)
        if problem:
            yield problem


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "SPECIFICATION.md")
    values, bad, rows = constants(), 0, 0
    with open(path, encoding="utf-8") as file:
        for line_number, line in enumerate(file, 1):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            if not line.startswith("| ") or cells[0] in ("Promise", "---"):
                continue
            rows += 1
            problems = list(check_row(cells[0], cells[-1], values)) if len(cells) == 2 else ["a row has two cells"]
            for problem in problems:
                print("%s:%d: %s" % (os.path.relpath(path), line_number, problem))
                bad += 1
    if rows == 0:
        print("%s: no promise found" % os.path.relpath(path))
    return 1 if bad or rows == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
