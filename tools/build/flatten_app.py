#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the part of the kernel image that an app in user mode is: flatten_app.py NAME NAME.elf OUTPUT.c

The C file holds the app's segments in whole pages, its function names for backtraces, the table entry that finds them
(struct user_image), and the app's spec: a copy of the one in the ELF file, whose strings the kernel can read. So the
kernel parses no ELF.
"""

import hashlib
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from elf_reader import PF_R, PF_W, PF_X, SHN_ABS, SHN_UNDEF, STT_FUNC, STT_NOTYPE, Elf, ElfError  # noqa: E402

PAGE = 4096
# The fields of libs/abi/app.h as they lie in memory: name, offset, format. The C file checks them.
NEED_SIZE, MAX_NEEDS, MAX_PROVIDES, SPEC_SIZE = 32, 16, 4, 600
NEEDS_AT, PROVIDES_AT, RUNTIME_AT = 48, 560, 592
NUMBERS = [("abi_version", 0, "<I"), ("restart", 4, "<I"), ("memory_limit", 24, "<Q"), ("stack_size", 32, "<Q"),
           ("handle_limit", 40, "<I"), ("is_runtime", 44, "<I")]
NAME_AT, MAIN_AT = 8, 16
NEED_FIELDS = [("kind", 0), ("name", 8), ("fallback", 16), ("optional", 24), ("size", 28)]
SCRIPT_ADDRESS = 0x10000000
SEGMENTS = {PF_R | PF_X: "text", PF_R: "rodata", PF_R | PF_W: "data"}


def c_string(value):
    """A string literal, or NULL. Octal escapes end after three digits, whatever follows."""
    if value is None:
        return "NULL"
    def escape(byte):
        if byte in b'"\\':
            return "\\" + chr(byte)
        return chr(byte) if 32 <= byte < 127 and byte != ord("?") else f"\\{byte:03o}"  # no trigraphs
    return '"' + "".join(map(escape, value)) + '"'


def whole_pages(size):
    return (size + PAGE - 1) // PAGE * PAGE


def sort_segments(elf):
    """{"text": segment, "rodata": ..., "data": ...}; what is not there is not in it."""
    found, last = {}, None
    for segment in sorted(elf.segments, key=lambda s: s.address):
        if segment.flags & PF_W and segment.flags & PF_X:
            raise ElfError(f"the segment at {segment.address:#x} is writable and executable")
        kind = SEGMENTS.get(segment.flags)
        if kind is None:
            raise ElfError(f"the segment at {segment.address:#x} has permissions {segment.flags:#x}: it is neither text, nor "
                           "read-only data, nor data")
        if kind in found:
            raise ElfError(f"it has {kind} twice, at {found[kind].address:#x} and {segment.address:#x}")
        if segment.address == 0 or segment.address % PAGE != 0:
            raise ElfError(f"its {kind} begins at {segment.address:#x}: it is to be on a page, and not on the first")
        if last is not None and segment.address < whole_pages(last.end):
            raise ElfError(f"its {kind} at {segment.address:#x} shares a page with what ends at {last.end:#x}")
        if kind != "data" and len(segment.data) != segment.size:
            raise ElfError(f"its {kind} is not in the file as a whole")
        found[kind] = last = segment
    if "text" not in found:
        raise ElfError("it has no text")
    return found


def in_text(segments, address, what):
    text = segments["text"]
    if address is None or not text.address <= address < text.end:
        raise ElfError(f"{what} is not in its text")
    return address


def function_names(elf, text):
    """(offset from the start of the text, name), in ascending order, one for each address. As tools/build/symbols.sh."""
    names = {}
    for symbol in elf.symbols:
        if symbol.kind in (STT_FUNC, STT_NOTYPE) and symbol.section not in (SHN_UNDEF, SHN_ABS) and \
                text.address <= symbol.value < text.end and symbol.name and symbol.name[0] not in ".$":
            names.setdefault(symbol.value - text.address, []).append(symbol.name)
    return [(offset, min(names[offset])) for offset in sorted(names)]


class Spec:
    """The app's spec as the ELF file has it."""

    def __init__(self, elf, name):
        self.elf = elf
        address = elf.address_of(f"app_spec_{name}")
        if address is None:
            raise ElfError(f"it defines no app_spec_{name}")
        self.data = elf.read(address, SPEC_SIZE, f"app_spec_{name}")

    def number(self, offset, form="<Q"):
        return struct.unpack_from(form, self.data, offset)[0]

    def is_runtime(self):
        return self.number(dict((name, at) for name, at, _ in NUMBERS)["is_runtime"], "<I") != 0

    def text(self, offset, what):
        pointer = self.number(offset)
        return None if pointer == 0 else self.elf.read_text(pointer, f"{what} of its spec")

    def need_values(self):
        """(kind, name, fallback, optional) of what the app needs, up to the end of the list."""
        for i in range(MAX_NEEDS):
            at = NEEDS_AT + i * NEED_SIZE
            kind = self.number(at, "<I")
            if kind == 0:
                return
            yield kind, self.text(at + 8, "a need"), self.text(at + 16, "a fallback"), self.number(at + 24, "<i")

    def needs(self):
        """The C initialisers of these."""
        for i, (kind, name, fallback, optional) in enumerate(self.need_values()):
            size = self.number(NEEDS_AT + i * NEED_SIZE + 28, "<I")
            yield (f"{{ .kind = {kind}, .name = {c_string(name)}, .fallback = {c_string(fallback)}, "
                   f".optional = {optional}, .size = {size} }}")

    def provided(self):
        for i in range(MAX_PROVIDES):
            name = self.text(PROVIDES_AT + 8 * i, "a provided service")
            if name is None:
                return
            yield name

    def provides(self):
        return map(c_string, self.provided())


def layout_checks():
    """The compiler says whether the offsets above are its own."""
    fields = [(name, offset) for name, offset, _ in NUMBERS] + \
        [("name", NAME_AT), ("main", MAIN_AT), ("needs", NEEDS_AT), ("provides", PROVIDES_AT), ("runtime", RUNTIME_AT)]
    message = '"tools/build/flatten_app.py knows another layout"'
    for struct_name, size, members in (("app_spec", SPEC_SIZE, fields), ("app_need", NEED_SIZE, NEED_FIELDS)):
        yield f"_Static_assert(sizeof(struct {struct_name}) == {size}, {message});"
        for member, offset in members:
            yield f"_Static_assert(offsetof(struct {struct_name}, {member}) == {offset}, {message});"
    yield f"_Static_assert(SCRIPT_ADDRESS == {SCRIPT_ADDRESS:#x}, {message});"
    yield f"_Static_assert(APP_MAX_NEEDS == {MAX_NEEDS} && APP_MAX_PROVIDES == {MAX_PROVIDES}, {message});"


def assembly(lines):
    return ["__asm__("] + ["\t" + c_string(line.encode())[:-1] + '\\n"' for line in lines] + [");"]


def segment_lines(name, path, segments):
    """The segments, in whole pages of their own, so that a page of the app shows nothing of anyone else."""
    lines = [f'.pushsection .user_app.{name}, "a", @progbits']
    for kind, segment in segments.items():
        if segment.data:
            lines += [f".balign {PAGE}", f"user_{name}_{kind}:",
                      f'.incbin "{path}", {segment.offset}, {len(segment.data)}']
    return lines + [f".balign {PAGE}", ".popsection"]


def symbol_lines(name, functions):
    """The layout of kernel/debug/symbols.c."""
    lines = [f'.pushsection .rodata.user_{name}_symbols, "a", @progbits', ".balign 8", f"user_{name}_symbols:",
             f".long {len(functions)}, 0"]
    position = 8 + 8 * len(functions)
    for offset, function in functions:
        lines.append(f".long {offset}, {position}")
        position += len(function.encode()) + 1
    return lines + [f'.asciz "{function}"' for _, function in functions] + [".popsection"]


def image_fields(name, segments):
    for kind in ("text", "rodata", "data"):
        segment = segments.get(kind)
        if segment is None:
            continue
        if segment.data:
            yield f".{kind} = user_{name}_{kind}"
        yield f".{kind}_address = {segment.address:#x}"
        if kind == "data":
            yield f".data_size = {len(segment.data)}"
            yield f".data_total = {whole_pages(segment.size)}"
        else:
            yield f".{kind}_size = {whole_pages(segment.size)}"


def check_room(spec, segments):
    """A runtime's scripts lie behind it."""
    end = max(segment.end for segment in segments.values())
    if spec.is_runtime() and end > SCRIPT_ADDRESS:
        raise ElfError(f"it is a runtime, and ends at {end:#x}: scripts begin at {SCRIPT_ADDRESS:#x}")


def flatten(name, path):
    data = Path(path).read_bytes()
    elf = Elf(data)
    segments = sort_segments(elf)
    spec = Spec(elf, name)
    check_room(spec, segments)
    main_address = in_text(segments, spec.number(MAIN_AT), ".main of its spec")
    thread_return = in_text(segments, elf.address_of("starina_thread_return"), "starina_thread_return")
    parts = [kind for kind, segment in segments.items() if segment.data] + ["symbols"]
    lines = [f"// Made by tools/build/flatten_app.py of {path}, whose SHA-256 is",
             f"// {hashlib.sha256(data).hexdigest()}.",
             "#include <stddef.h>", '#include "kernel/object/app_image.h"',
             f"extern const struct app_spec app_spec_{name};", f"extern const struct user_image user_image_{name};",
             *layout_checks(),
             *assembly(segment_lines(name, path, segments)),
             *assembly(symbol_lines(name, function_names(elf, segments["text"]))),
             *[f"extern const uint8_t user_{name}_{part}[];" for part in parts],
             f"const struct user_image user_image_{name} = {{",
             *[f"\t{field}," for field in image_fields(name, segments)],
             f"\t.thread_return = {thread_return:#x},", f"\t.symbols = user_{name}_symbols,", "};",
             f"const struct app_spec app_spec_{name} = {{",
             *[f"\t.{field} = {spec.number(offset, form)}," for field, offset, form in NUMBERS],
             f"\t.name = {c_string(spec.text(NAME_AT, 'the name'))},",
             f"\t.main = (void (*)(const struct environ *)){main_address:#x},",
             "\t.needs = {", *[f"\t\t{need}," for need in spec.needs()], "\t},",
             f"\t.provides = {{ {', '.join(spec.provides())} }},", "};"]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: flatten_app.py NAME NAME.elf OUTPUT.c")
    name, path, output = sys.argv[1:]
    try:
        text = flatten(name, path)
        Path(output).write_text(text, encoding="utf-8")
    except (ElfError, OSError) as error:
        sys.exit(f"{path}: the app {name} cannot run in user mode: {error}")


if __name__ == "__main__":
    main()
