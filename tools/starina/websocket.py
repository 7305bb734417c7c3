# SPDX-License-Identifier: MIT
"""A WebSocket's client (RFC 6455), as much as the API needs of it."""

import base64
import hashlib
import os
import socket
import struct

from .client import PREFIX, Failure, error_text

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """A connection; recv() gives (opcode, bytes) of whole messages, or None at its end."""

    def __init__(self, address, path, timeout=30):
        self.socket = socket.create_connection((address.host, address.port), timeout=timeout)
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {PREFIX}{path} HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
                             "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: {key}\r\n"
                             f"Sec-WebSocket-Protocol: starina.v1, token.{address.token}\r\n\r\n").encode())
        self._check(self._head(), key)
        self.socket.settimeout(None)

    def _head(self):
        while b"\r\n\r\n" not in self.buffer:
            piece = self.socket.recv(65536)
            if not piece:
                raise Failure("the system closed the connection")
            self.buffer += piece
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head.decode("latin-1").split("\r\n")

    def _check(self, head, key):
        status = int(head[0].split()[1])
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        if status != 101:
            length = int(fields.get("content-length", 0))
            raise Failure(error_text(status, self._take(length)))
        if fields.get("sec-websocket-accept") != accept:
            raise Failure("the answer is no WebSocket's")

    def fileno(self):
        """For select; `pending` says what was read already."""
        return self.socket.fileno()

    def pending(self):
        """Whether bytes wait that select does not see."""
        return bool(self.buffer)

    def _take(self, count):
        while len(self.buffer) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError
            self.buffer += piece
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def send(self, opcode, data):
        """One frame, masked."""
        mask = os.urandom(4)
        length = len(data)
        if length < 126:
            head = bytes((0x80 | opcode, 0x80 | length))
        elif length < 65536:
            head = bytes((0x80 | opcode, 0xfe)) + struct.pack(">H", length)
        else:
            head = bytes((0x80 | opcode, 0xff)) + struct.pack(">Q", length)
        self.socket.sendall(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def recv(self):
        """The next message; pings are answered."""
        while True:
            try:
                first, length = self._take(2)
                if length == 126:
                    length = struct.unpack(">H", self._take(2))[0]
                elif length == 127:
                    length = struct.unpack(">Q", self._take(8))[0]
                data = self._take(length)
            except (EOFError, OSError):
                return None
            opcode = first & 15
            if opcode in (TEXT, BINARY):
                return opcode, data
            if opcode == PING:
                self.send(PONG, data)
            elif opcode == CLOSE:
                return None

    def close(self):
        """Says so, and leaves."""
        try:
            self.send(CLOSE, struct.pack(">H", 1000))
        except OSError:
            pass
        self.socket.close()
