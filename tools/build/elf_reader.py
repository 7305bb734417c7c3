# SPDX-License-Identifier: MIT
"""Reads what a linked RISC-V program is made of: its segments and symbols. System V ABI, "Object Files" and "Program
Loading"; RISC-V ELF psABI."""

import struct
from dataclasses import dataclass

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
SHDR = struct.Struct("<IIQQQQIIQQ")
SYM = struct.Struct("<IBBHQQ")
IDENT = b"\x7fELF\x02\x01\x01"  # 64 bit, little-endian, version 1
ET_EXEC, EM_RISCV = 2, 243
PT_LOAD, PT_TLS = 1, 7
PF_X, PF_W, PF_R = 1, 2, 4
SHT_SYMTAB = 2
SHN_UNDEF, SHN_ABS = 0, 0xFFF1
STT_NOTYPE, STT_FUNC = 0, 2


class ElfError(Exception):
    """What is wrong with a file, in words."""


@dataclass
class Segment:
    """A part of the program in memory: `data`, and zeros up to `size`."""

    flags: int
    address: int
    offset: int
    data: bytes
    size: int

    @property
    def end(self):
        return self.address + self.size


@dataclass
class Symbol:
    name: str
    kind: int
    section: int
    value: int


def cut(data, offset, size, what):
    if offset + size > len(data):
        raise ElfError(f"{what} is at {offset:#x} to {offset + size:#x}, and the file has {len(data):#x} bytes")
    return data[offset:offset + size]


def text_at(data, offset, what):
    """The string at `offset`, as bytes."""
    end = data.find(b"\0", offset)
    if offset >= len(data) or end < 0:
        raise ElfError(f"{what} does not end")
    return data[offset:end]


class Elf:
    """The file `data`, which is a static program for RV64."""

    def __init__(self, data):
        self.data = data
        (ident, kind, machine, _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, _) = \
            EHDR.unpack(cut(data, 0, EHDR.size, "its header"))
        if not ident.startswith(IDENT):
            raise ElfError("it is not a little-endian ELF file of 64 bits")
        if kind != ET_EXEC or machine != EM_RISCV:
            raise ElfError(f"it is not a linked RISC-V program (type {kind}, machine {machine})")
        if phnum > 0 and phentsize != PHDR.size or shnum > 0 and shentsize != SHDR.size:
            raise ElfError("its tables have entries of an unknown size")
        self.segments = list(self.read_segments(phoff, phnum))
        self.symbols = list(self.read_symbols(shoff, shnum))

    def read_segments(self, phoff, phnum):
        table = cut(self.data, phoff, phnum * PHDR.size, "its table of segments")
        for kind, flags, offset, address, _, file_size, size, _ in PHDR.iter_unpack(table):
            if kind == PT_TLS:
                raise ElfError("it has thread-local storage, which apps cannot have: use plain variables")
            if kind == PT_LOAD and size > 0:
                if file_size > size:
                    raise ElfError(f"the segment at {address:#x} has more bytes in the file than in memory")
                yield Segment(flags, address, offset, cut(self.data, offset, file_size, "a segment"), size)

    def read_symbols(self, shoff, shnum):
        table = cut(self.data, shoff, shnum * SHDR.size, "its table of sections")
        sections = list(SHDR.iter_unpack(table))
        for _, kind, _, _, offset, size, link, _, _, _ in sections:
            if kind != SHT_SYMTAB:
                continue
            if link >= len(sections):
                raise ElfError("its symbols have no names")
            names = cut(self.data, sections[link][4], sections[link][5], "the names of its symbols")
            entries = cut(self.data, offset, size // SYM.size * SYM.size, "its table of symbols")
            for name, info, _, section, value, _ in SYM.iter_unpack(entries):
                yield Symbol(text_at(names, name, "a symbol's name").decode(), info & 15, section, value)

    def address_of(self, name):
        """The value of the symbol `name`; None when it is not defined."""
        for symbol in self.symbols:
            if symbol.name == name and symbol.section != SHN_UNDEF:
                return symbol.value
        return None

    def find(self, address, size, what):
        """The segment that has all of [address, address + size) in the file, and where in it that begins."""
        for segment in self.segments:
            if segment.address <= address and address + size <= segment.address + len(segment.data):
                return segment, address - segment.address
        raise ElfError(f"{what} points to {address:#x}, where the program has nothing")

    def read(self, address, size, what):
        segment, start = self.find(address, size, what)
        return segment.data[start:start + size]

    def read_text(self, address, what):
        """The string at `address`, as bytes."""
        segment, start = self.find(address, 1, what)
        return text_at(segment.data, start, what)
