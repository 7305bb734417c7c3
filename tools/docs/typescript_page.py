#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""typescript_page.py [--check] PAGE TYPES...: writes docs/typescript-api.md from the .d.ts files of ts/, or checks that it is what would be
written."""

import re
import sys
import textwrap
from pathlib import Path

HEAD = """# The API of apps in TypeScript

<!-- Written by tools/docs/typescript_page.py from ts/*.d.ts: `make typescript-page`. -->

What an app imports from `"starina"`, and what is there without an import. [typescript.md](typescript.md) is the way in. Functions that reject
or throw with `ERR_...` do so with a `StarinaError` whose `code` is that name. The messages themselves are listed at the end.
"""
BLOCK = re.compile(r'^declare module "starina" \{\n(.*?)^\}', re.M | re.S)
NAME = re.compile(r"^(?:export |declare )*(interface|type|function|const|class) (\w+)")


def header(text):
    """What the comment at the file's beginning says."""
    lines = []
    for line in text.split("\n"):
        if not line.startswith("//"):
            break
        lines.append(line.removeprefix("//").strip())
    return " ".join(line for line in lines if line and not line.startswith("SPDX"))


def declarations(body):
    """(comment, declaration) for each of the lines, which are not indented."""
    comment, lines, in_comment = [], [], False
    for line in body.split("\n"):
        if not lines and (in_comment or line.startswith("/**")):
            comment.append(line)
            in_comment = "*/" not in line
            continue
        if not lines and not line.strip():
            comment = []
            continue
        lines.append(line)
        if re.match(r"^[\]})|].*;?$", line) and line.rstrip().endswith((";", "}")) or (len(lines) == 1 and line.endswith(";")) \
                or (line.startswith("\t|") and line.endswith(";")) or (line.startswith("\t:") and line.endswith(";")):
            yield comment, lines
            comment, lines = [], []


def prose(comment):
    text = " ".join(re.sub(r"^\s*(/\*\*|\*/|\*)?\s?|\s*\*/$", "", line).strip() for line in comment)
    return re.sub(r"\s+", " ", text).strip()


def section(path):
    text = path.read_text(encoding="utf-8")
    out = [f"## {path.name}", "", header(text), ""]
    bodies = [textwrap.dedent(body) for body in BLOCK.findall(text)]
    bodies.append(BLOCK.sub("", text).split("\n\n", 1)[-1])
    for body in bodies:
        for comment, lines in declarations(body):
            match = NAME.match(lines[0])
            if match is None:
                continue
            out += [f"### {match[2]}", ""]
            if comment:
                out += [prose(comment), ""]
            out += ["```ts", *lines, "```", ""]
    return out


def messages(path):
    text = path.read_text(encoding="utf-8")
    out = [f"## {path.name}", "", "Made from the headers of libs/abi, with what these say of each.", "", "| `type` | Interface |", "|---|---|"]
    for name, kind in re.findall(r'export interface (\w+) \{\n\t\ttype: "(\w+)"', text):
        out.append(f"| `{kind}` | `{name}` |")
    return out + [""]


def page(paths):
    out = [HEAD]
    for path in sorted(paths, key=lambda path: (path.name == "messages.d.ts", path.name != "starina.d.ts", path.name)):
        out += messages(path) if path.name == "messages.d.ts" else section(path)
    return "\n".join(out).rstrip() + "\n"


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    target, text = Path(arguments[0]), page([Path(argument) for argument in arguments[1:]])
    if "--check" not in sys.argv:
        target.write_text(text, encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != text:
        return f"{target} is not what ts/*.d.ts say: make typescript-page"
    return 0


if __name__ == "__main__":
    sys.exit(main())
