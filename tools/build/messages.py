#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The messages of libs/abi for apps in TypeScript: messages.py [--check] C_TABLE TYPES HEADER...

Writes the table that the native codec works by (C) and the types of the messages (TypeScript), both from the headers. With --check
it writes nothing, and fails when one of them is not what the headers say.
"""
import argparse
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from message_tables import INTEGERS, Refused, read

MADE = "Made by `make messages` from the tables of libs/abi: do not edit."


def reserved(member):
    return member.name.startswith("reserved")


def nested(member):
    """The name of the struct that the member is, or None."""
    return member.type.removeprefix("struct ") if member.type.startswith("struct ") else None


def used_structs(tables, name, found):
    """The structs of a message, those that others have as members first."""
    if name in found:
        return
    for member in tables[name].members:
        if nested(member):
            used_structs(tables, nested(member), found)
    found.append(name)


# --- C ---

C_MACROS = """
#define MEMBER(s, m) .name = #m, .offset = offsetof(struct s, m), .size = sizeof(((struct s *)NULL)->m)
#define INTEGER(s, m, type, is_signed) \\
	{ MEMBER(s, m), .kind = (is_signed) ? FIELD_SIGNED : FIELD_UNSIGNED, .element_size = sizeof(type) }
#define INTEGERS(s, m, type, is_signed) \\
	{ MEMBER(s, m), .kind = (is_signed) ? FIELD_SIGNED : FIELD_UNSIGNED, .element_size = sizeof(type), .is_array = true }
#define TEXT(s, m) { MEMBER(s, m), .kind = FIELD_TEXT, .element_size = 1 }
#define STRUCT(s, m, type, first, count) \\
	{ MEMBER(s, m), .kind = FIELD_STRUCT, .element_size = sizeof(struct type), .layout = { first, count, sizeof(struct type) } }
#define STRUCTS(s, m, type, first, count) \\
	{ MEMBER(s, m), .kind = FIELD_STRUCT, .element_size = sizeof(struct type), .layout = { first, count, sizeof(struct type) }, \\
	  .is_array = true }
#define ROW(text, NAME, type, first, count, handles, tail_kind, id_field) \\
	{ #text, MSG_##NAME, { first, count, sizeof(struct type) }, handles, MESSAGE_TAIL_##tail_kind, id_field }
"""


def c_member(struct, member, ranges):
    many = "S" if member.dimensions else ""
    of = f"{struct}, {member.name}"
    if nested(member):
        first, count = ranges[nested(member)]
        return f"STRUCT{many}({of}, {nested(member)}, {first}, {count})"
    if member.type == "char":
        return f"TEXT({of})"
    return f"INTEGER{many}({of}, {member.type}, {str(INTEGERS[member.type][1]).lower()})"


def c_row(row, tables, ranges):
    first, count = ranges["msg_" + row.layout]
    names = [member.name for member in tables["msg_" + row.layout].members if not reserved(member)]
    which = names.index("id") + 1 if "id" in names else 0
    return f"ROW({row.name.lower()}, {row.name}, msg_{row.layout}, {first}, {count}, {row.max_handles}, {row.tail}, {which})"


def c_table(rows, tables, order):
    out = ["// SPDX-License-Identifier: MIT", "//", f"// {MADE}", "// clang-format off"]
    out += [f'#include "{header}"' for header in ["apps/js/native/message_fields.h", *sorted({row.header for row in rows})]]
    out += [C_MACROS, "const struct message_field message_fields[] = {"]
    ranges, total = {}, 0
    for name in order:
        shown = [member for member in tables[name].members if not reserved(member)]
        ranges[name] = (total, len(shown))
        total += len(shown)
        out += [f"\t{c_member(name, member, ranges)}," for member in shown]
    out += ["};", "", "const struct message_row message_rows[] = {"]
    out += [f"\t{c_row(row, tables, ranges)}," for row in rows]
    out += ["};", "", "const size_t num_message_fields = sizeof(message_fields) / sizeof(message_fields[0]);",
            "const size_t num_message_rows = sizeof(message_rows) / sizeof(message_rows[0]);",
            '_Static_assert(sizeof(message_fields) / sizeof(message_fields[0]) <= MESSAGE_FIELDS_MAX, "fields");',
            '_Static_assert(sizeof(message_rows) / sizeof(message_rows[0]) <= MESSAGE_ROWS_MAX, "rows");', ""]
    return "\n".join(out)


# --- TypeScript ---

def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def ts_type(member):
    struct = nested(member)
    if struct:
        return camel(struct) + ("[]" if member.dimensions else "")
    if member.type == "char":
        return "string"
    bits, is_signed = INTEGERS[member.type]
    if member.dimensions:
        return ("Big" if bits == 64 else "") + ("Int" if is_signed else "Uint") + str(bits) + "Array"
    return "bigint" if bits == 64 else "number"


def ts_comment(text, indent):
    if not text:
        return []
    text = text.replace("*/", "* /")
    if len(text) + len(indent) <= 110:
        return [f"{indent}/** {text} */"]
    lines = textwrap.wrap(text, 110 - len(indent))
    return [f"{indent}/**"] + [f"{indent} * {line}" for line in lines] + [f"{indent} */"]


def ts_members(struct):
    out = []
    for member in struct.members:
        if reserved(member):
            continue
        text = member.text
        if member.dimensions and member.type != "char":
            length = " * ".join(member.dimensions)
            text = (text + " " if text else "") + f"[{length} elements]"
        out += ts_comment(text, "\t") + [f"\t{member.name}: {ts_type(member)};"]
    return out


def ts_message(row, tables):
    struct = tables["msg_" + row.layout]
    out = ts_comment(struct.text, "")
    out += [f"export interface {camel(row.name.lower())}Message {{", f'\ttype: "{row.name.lower()}";']
    out += ts_members(struct)
    if row.tail != "NONE":
        out += ts_comment(struct.tail_text, "\t")
        out.append(f"\ttail: {'string' if row.tail == 'UTF8' else 'Uint8Array'};")
    if row.max_handles:
        out += [f"\t/** At most {row.max_handles}. */", "\thandles: Handle[];"]
    return out + ["}", ""]


def ts_types(rows, tables, order):
    out = ["// SPDX-License-Identifier: MIT", "//", f"// {MADE}", "", 'declare module "starina" {']
    body = []
    for name in order:
        if not name.startswith("msg_"):
            struct = tables[name]
            body += ts_comment(struct.text, "") + [f"export interface {camel(name)} {{"] + ts_members(struct) + ["}", ""]
    for row in rows:
        body += ts_message(row, tables)
    body += ["/** All messages of the tables, told apart by `type`. */", "export type TableMessage ="]
    body += [f"\t| {camel(row.name.lower())}Message" for row in rows]
    body[-1] += ";"
    return "\n".join(out + ["\t" + line if line else "" for line in body] + ["}", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("c_table", type=Path)
    parser.add_argument("types", type=Path)
    parser.add_argument("headers", nargs="+")
    args = parser.parse_args()
    try:
        rows, tables = read(args.headers)
    except Refused as refusal:
        return str(refusal)
    rows.sort(key=lambda row: row.number)
    order = []
    for row in rows:
        used_structs(tables, "msg_" + row.layout, order)
    for path, text in ((args.c_table, c_table(rows, tables, order)), (args.types, ts_types(rows, tables, order))):
        if args.check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            return f"{path} is not what the headers of libs/abi say: make messages"
        if not args.check:
            path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
