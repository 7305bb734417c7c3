#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Message numbers are unique over all services, and each message is in a table: check_messages.py HEADER...

Each header has tables of X(NAME, name, number, handles, tail) rows. The numbers of a header form a range; ranges may not overlap.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "build"))
import message_tables


def main():
    ranges = []
    problems = []
    for path in sys.argv[1:]:
        try:
            with open(path, encoding="utf-8") as file:
                numbers = [row.number for row in message_tables.rows(path, file.read())]
        except message_tables.Refused as refusal:
            problems.append(str(refusal))
            continue
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
