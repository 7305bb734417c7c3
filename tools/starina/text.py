# SPDX-License-Identifier: MIT
"""How things are shown: tables, sizes, times."""

import re
import sys

# What an editor finds: FILE:LINE:COLUMN.
FILE_LINE = re.compile(r"\S+:\d+:\d+: ")


def clean(text):
    """Without what a terminal would obey: others have written it."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def failure_print(failure):
    """Says what has failed: in a line with who says it, or as its own lines where it has several, which name files then."""
    lines = str(failure).splitlines()
    for line in lines:
        print(clean(line) if len(lines) > 1 or FILE_LINE.match(line) else f"starina: {clean(line)}", file=sys.stderr, flush=True)


def size(count):
    """1536 is "1.5K"."""
    value = float(count)
    for unit in "BKMGT":
        if value < 1024 or unit == "T":
            return f"{value:.0f}{unit if unit != 'B' else ''}" if value >= 10 or unit == "B" else f"{value:.1f}{unit}"
        value /= 1024
    return ""


def duration(nanoseconds):
    """In seconds, or minutes and seconds."""
    seconds = nanoseconds / 1e9
    return f"{seconds:.2f}" if seconds < 60 else f"{seconds // 60:.0f}:{seconds % 60:04.1f}"


def table(head, rows, out=None):
    """Prints columns; those whose head begins with "<" are on the left."""
    rows = [[clean(cell) for cell in row] for row in rows]
    left = [name.startswith("<") for name in head]
    head = [name.lstrip("<") for name in head]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [cell.ljust(width) if is_left else cell.rjust(width)
                 for cell, width, is_left in zip(row, widths, left)]
        print("  ".join(cells).rstrip(), file=out or sys.stdout)
