#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the listings of documents: check_listings.py FILE.md...

A paragraph with a link and the word "whole", such as `[apps/hello](../apps/hello/main.c), whole:`,
promises that the listing below it is that file, but for its first comment."""

import os
import re
import sys


def without_header(text):
    """The file without the comment that it begins with."""
    return re.sub(r"\A(//[^\n]*\n)+", "", text).strip()


def check(path):
    """The number of listings that are not what they say."""
    bad = 0
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for found in re.finditer(r"\]\(([^)\s]+\.(?:[ch]|ts))\)[^\n]*\bwhole\b[^\n]*\n\n```(?:c|ts)\n(.*?)```", text, re.DOTALL):
        name = os.path.join(os.path.dirname(path), found[1])
        try:
            with open(name, encoding="utf-8") as file:
                source = file.read()
        except OSError as error:
            print(f"{path}: {found[1]}: {error.strerror}")
            bad += 1
            continue
        if without_header(source) != without_header(found[2]):
            print(f"{path}: the listing of {found[1]} is not that file; copy it anew")
            bad += 1
    return bad


if __name__ == "__main__":
    sys.exit(1 if sum(check(path) for path in sys.argv[1:]) else 0)
