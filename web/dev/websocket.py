# SPDX-License-Identifier: MIT
"""WebSockets (RFC 6455), as much of them as the development server and the browser tests need."""

import base64
import hashlib
import os
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept_key(key):
    """What a server answers to Sec-WebSocket-Key (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def masked(data, mask):
    """`data` with `mask` of four bytes over it (section 5.3)."""
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")


class Socket:
    """One end of a WebSocket over files for reading and writing. A client masks what it sends."""

    def __init__(self, reader, writer, client=False):
        self.reader, self.writer, self.client = reader, writer, client

    def send(self, data, opcode=None):
        """Sends text (str) or bytes as one frame."""
        if isinstance(data, str):
            data, opcode = data.encode(), opcode or TEXT
        mask_bit = 0x80 if self.client else 0
        head = bytes([0x80 | (opcode or BINARY)])
        if len(data) < 126:
            head += bytes([mask_bit | len(data)])
        elif len(data) < 0x10000:
            head += struct.pack(">BH", mask_bit | 126, len(data))
        else:
            head += struct.pack(">BQ", mask_bit | 127, len(data))
        if self.client:
            mask = os.urandom(4)
            head, data = head + mask, masked(data, mask)
        self.writer.write(head + data)
        self.writer.flush()

    def exactly(self, size):
        """`size` bytes; EOFError if there are fewer."""
        data = self.reader.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def frame(self):
        """The next frame: whether it ends its message, opcode, data."""
        first, second = self.exactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(self.exactly(2 if size == 126 else 8), "big")
        mask = self.exactly(4) if second & 0x80 else None
        data = self.exactly(size)
        return first & 0x80, first & 0x0F, masked(data, mask) if mask else data

    def receive(self):
        """The next message: str or bytes; None when the other end closed. Answers pings."""
        whole, kind = b"", BINARY
        while True:
            try:
                final, opcode, data = self.frame()
            except (EOFError, OSError):
                return None
            if opcode == CLOSE:
                return None
            if opcode == PING:
                self.send(data, PONG)
            if opcode >= CLOSE:
                continue
            kind = opcode or kind
            whole += data
            if final:
                return whole.decode() if kind == TEXT else whole
