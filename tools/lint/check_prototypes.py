#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public prototype is documented: check_prototypes.py HEADER...

A prototype in a header needs a comment right above it, or above the block of prototypes it stands in (no empty line
in between). Prints the ones without, and fails when there are any.
"""
import re
import sys

PROTOTYPE = re.compile(
    r"^(?!typedef|#|static|return|//|\s|enum\s*\{|struct\s+\w+\s*\{)[A-Za-z_][\w\s*]*?[\s*](\w+)\([^;{]*(;|,)\s*$"
)


def undocumented(path):
    documented = False
    pending = False
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        text = line.rstrip("\n")
        if pending:  # the rest of a prototype over several lines
            pending = not text.rstrip().endswith((";", "{"))
            continue
        if text.strip() == "" or text.startswith("#"):
            documented = False
        elif text.lstrip().startswith("//"):
            documented = True
        elif match := PROTOTYPE.match(text):
            if not documented:
                yield f"{path}:{number}: {match.group(1)} has no comment that says what it does"
            pending = not text.rstrip().endswith(";")


def main():
    found = [problem for path in sys.argv[1:] for problem in undocumented(path)]
    print("\n".join(found)) if found else None
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
