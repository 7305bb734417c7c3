#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Message numbers are unique over all services: check_messages.py HEADER...

Each header has one table of X(NAME, name, number, handles) rows and possibly single `#define MSG_NAME number`.
The numbers of a header form a range; ranges may not overlap.
"""
import re
import sys

ROW = re.compile(r"X\((\w+),\s*\w+,\s*(\d+),")
SINGLE = re.compile(r"^#define MSG_(\w+) (\d+)$", re.M)


def main():
    ranges = []
    problems = []
    for path in sys.argv[1:]:
        text = open(path, encoding="utf-8").read()
        numbers = [int(n) for _, n in ROW.findall(text) + SINGLE.findall(text)]
        if len(set(numbers)) != len(numbers):
            problems.append(f"{path}: a message number is used twice")
        if numbers:
            ranges.append((min(numbers), max(numbers), path))
    ranges.sort()
    for (_, end, first), (start, _, second) in zip(ranges, ranges[1:]):
        if start <= end:
            problems.append(f"{second}: message number {start} lies in the range of {first}")
    print("\n".join(problems)) if problems else None
    return 1 if problems or not ranges else 0


if __name__ == "__main__":
    sys.exit(main())
