# SPDX-License-Identifier: MIT
"""Reads the tables of messages and the structs that they name from the headers of libs/abi.

It knows the little of C that these headers are written in, and refuses the rest, so that nothing is overlooked. What needs a compiler
(offsets, sizes) is left to one.
"""
import re
from dataclasses import dataclass, field

ROW = re.compile(r"\bX\((\w+),\s*(\w+),\s*(\d+),\s*(\w+)(?:,\s*(\w+))?\)")
TABLE = re.compile(r"^#define \w+_(?:MESSAGES|ALIASES)\(X\)((?:[^\n]*\\\n)*[^\n]*)", re.M)
NUMBER = re.compile(r"^#define MSG_(\w+) +(\d+)$", re.M)
STRUCT = re.compile(r"((?:^//[^\n]*\n)*)^struct (\w+) \{\n(.*?)^\}( __\w+)?;", re.M | re.S)
MEMBER = re.compile(r"(struct \w+|\w+)\s+(\w+(?:\[\w+\])*(?:,\s*\w+(?:\[\w+\])*)*)")
TAILS = ("NONE", "BYTES", "UTF8")
MAX_HANDLES = 4
# Bits, and whether it is signed. (Of int64_t there is none yet.)
INTEGERS = {f"{sign}int{bits}_t": (bits, sign == "") for sign, bits in
            (("u", 8), ("u", 16), ("u", 32), ("u", 64), ("", 8), ("", 16), ("", 32))}
# Names that a message of TypeScript has beside its fields.
TAKEN = ("type", "tail", "handles")


@dataclass
class Row:
    name: str  # as in MSG_NAME
    layout: str  # of struct msg_LAYOUT
    number: int
    max_handles: int
    tail: str
    header: str


@dataclass
class Member:
    type: str  # "uint32_t", "char" or "struct NAME"
    name: str
    dimensions: list
    text: str


@dataclass
class Struct:
    name: str
    text: str
    tail_text: str
    members: list = field(default_factory=list)


class Refused(Exception):
    """Something in a header that this reader does not take."""


def rows(path, text):
    """The rows of the header's tables. Raises Refused."""
    found = []
    for table in TABLE.findall(text):
        if len(ROW.findall(table)) != len(re.findall(r"\bX\(", table)):
            raise Refused(f"{path}: a row is not X(NAME, name, number, handles, tail)")
    for name, layout, number, handles, tail in ROW.findall(text):
        most = MAX_HANDLES if handles == "MESSAGE_MAX_HANDLES" else int(handles) if handles.isdigit() else -1
        if not 0 <= most <= MAX_HANDLES:
            raise Refused(f"{path}: {name}: at most {MAX_HANDLES} handles, not {handles}")
        if tail not in TAILS:
            raise Refused(f"{path}: {name}: its tail is one of {', '.join(TAILS)}, not '{tail}'")
        found.append(Row(name, layout, int(number), most, tail, path))
    for name, _ in NUMBER.findall(text):
        raise Refused(f"{path}: MSG_{name} has no row in a table")
    return found


def comment(lines):
    return " ".join(line.strip().removeprefix("//").strip() for line in lines).strip()


def members(path, struct, body):
    """Fills in the struct's members from the text between its braces."""
    above, last = [], None
    # What a formatter has put on a line of its own belongs to the line before.
    body = re.sub(r"^(\s*\w+)\n\s+(\w+;)", r"\1 \2", body, flags=re.M)
    for line in body.split("\n"):
        code, _, beside = line.partition("//")
        code = code.strip()
        if not code:
            if "//" in line and last is not None and line.index("//") > 8 + line.count("\t"):
                last.text += " " + beside.strip()  # goes on beside a member
            elif "//" in line:
                above.append(beside)
            else:
                above = above if not line and above and comment(above).startswith("tail:") else []
            continue
        match = MEMBER.fullmatch(code.removesuffix(";"))
        if match is None or not code.endswith(";"):
            raise Refused(f"{path}: struct {struct.name}: '{code}' is not understood")
        text = comment(above + ([beside] if beside else []))
        above = []
        for declared in re.split(r",\s*", match[2]):
            last = Member(match[1], declared.split("[")[0], re.findall(r"\[(\w+)\]", declared), text)
            struct.members.append(last)
    rest = comment(above)
    if rest.lower().startswith("tail:"):
        struct.tail_text = rest[5:].strip()


def structs(path, text):
    """All structs of the header, by name."""
    found = {}
    for above, name, body, _ in STRUCT.findall(text):
        struct = Struct(name, comment(above.strip().split("\n")) if above else "", "")
        try:
            members(path, struct, body)
        except Refused as refusal:
            struct.members = refusal  # told when a message is made of it
        found[name] = struct
    return found


def checked(tables, of):
    """The members of a struct that messages are made of. Raises Refused."""
    struct = tables.get(of)
    if struct is None:
        raise Refused(f"there is no struct {of}")
    if isinstance(struct.members, Refused):
        raise struct.members
    for member in struct.members:
        nested = member.type.removeprefix("struct ")
        if nested != member.type:
            checked(tables, nested)
        elif member.type != "char" and member.type not in INTEGERS:
            raise Refused(f"struct {of}: {member.name}: {member.type} cannot be told to TypeScript")
        if member.type == "char" and len(member.dimensions) != 1:
            raise Refused(f"struct {of}: {member.name}: a char is one of a text")
    return struct.members


def read(paths):
    """The rows and the structs of all headers."""
    all_rows, all_structs = [], {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        all_rows += rows(path, text)
        all_structs.update(structs(path, text))
    for row in all_rows:
        for member in checked(all_structs, "msg_" + row.layout):
            if member.name in TAKEN:
                raise Refused(f"{row.header}: msg_{row.layout}: the name {member.name} is taken")
    return all_rows, all_structs
