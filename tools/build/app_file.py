#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the file that a running system loads an app from: app_file.py OBJCOPY NAME NAME.elf NAME.app

It is the program in NAME.elf without debugging information, with its spec and the names of its functions in sections of
their own. docs/app-format.md says what is in them, libs/loader reads them.
"""

import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import flatten_app  # noqa: E402
from elf_reader import Elf, ElfError  # noqa: E402

SPEC_SECTION, SYMBOLS_SECTION = ".starina.spec", ".starina.symbols"
VERSION = 1
# magic, version, header size, size, ABI version, memory limit, stack size, handle limit, restart, thread return; offsets of name,
# needs, their number, provides, their number, strings, their size; reserved.
HEADER = struct.Struct("<4sHHIIQQIIQIIIIIIII")
NEED = struct.Struct("<IIII")
PROVIDE = struct.Struct("<I")


class Strings:
    """The strings of a spec, each once, at offsets from `start`."""

    def __init__(self, start):
        self.start, self.data, self.known = start, b"", {}

    def add(self, text):
        """The offset of `text`; 0 for None."""
        if text is None:
            return 0
        if text not in self.known:
            self.known[text] = self.start + len(self.data)
            self.data += text + b"\0"
        return self.known[text]


def spec_section(spec, thread_return):
    """The bytes of the section of a flatten_app.Spec."""
    needs, provides = list(spec.need_values()), list(spec.provided())
    needs_at = HEADER.size
    provides_at = needs_at + NEED.size * len(needs)
    strings = Strings(provides_at + PROVIDE.size * len(provides))
    name = strings.add(spec.text(flatten_app.NAME_AT, "the name"))
    tables = b"".join(NEED.pack(kind, strings.add(text), strings.add(fallback), optional)
                      for kind, text, fallback, optional in needs)
    tables += b"".join(PROVIDE.pack(strings.add(text)) for text in provides)
    numbers = {field: spec.number(offset, form) for field, offset, form in flatten_app.NUMBERS}
    header = HEADER.pack(b"AppS", VERSION, HEADER.size, strings.start + len(strings.data), numbers["abi_version"],
                         numbers["memory_limit"], numbers["stack_size"], numbers["handle_limit"], numbers["restart"],
                         thread_return, name, needs_at, len(needs), provides_at, len(provides), strings.start,
                         len(strings.data), 0)
    return header + tables + strings.data


def symbols_section(functions):
    """The bytes of the section of (offset, name) in ascending order."""
    entries, names = b"", b""
    for offset, name in functions:
        entries += struct.pack("<II", offset, 8 + 8 * len(functions) + len(names))
        names += name.encode() + b"\0"
    return struct.pack("<II", len(functions), 0) + entries + names


def run(*command):
    """Runs it. It warns of an app without data, whose segment is empty: only what it says of its end is shown."""
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise ElfError(result.stderr.strip())


def make(objcopy, name, path, output):
    elf = Elf(Path(path).read_bytes())
    segments = flatten_app.sort_segments(elf)
    spec = flatten_app.Spec(elf, name)
    if spec.is_runtime():
        raise ElfError("it is a runtime, which only an image can have")
    entry = flatten_app.in_text(segments, spec.number(flatten_app.MAIN_AT), ".main of its spec")
    thread_return = flatten_app.in_text(segments, elf.address_of("starina_thread_return"), "starina_thread_return")
    sections = {SPEC_SECTION: spec_section(spec, thread_return),
                SYMBOLS_SECTION: symbols_section(flatten_app.function_names(elf, segments["text"]))}
    with tempfile.TemporaryDirectory() as folder:
        command = [*objcopy.split(), "--strip-all", "--remove-section=.riscv.attributes", f"--set-start={entry:#x}"]
        for number, (section, data) in enumerate(sections.items()):
            part = Path(folder) / str(number)
            part.write_bytes(data)
            command.append(f"--add-section={section}={part}")
        # Whoever reads the output sees all of it or none.
        run(*command, path, f"{output}.tmp")
        # Of a section that it adds, objcopy does not heed the alignment.
        run(*objcopy.split(), f"--set-section-alignment={SYMBOLS_SECTION}=8", f"{output}.tmp")
        os.replace(f"{output}.tmp", output)


def main():
    if len(sys.argv) != 5:
        sys.exit("usage: app_file.py OBJCOPY NAME NAME.elf NAME.app")
    objcopy, name, path, output = sys.argv[1:]
    try:
        make(objcopy, name, path, output)
    except (ElfError, OSError) as error:
        sys.exit(f"{path}: no app file can be made of the app {name}: {error}")


if __name__ == "__main__":
    main()
