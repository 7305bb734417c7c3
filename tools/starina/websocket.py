# SPDX-License-Identifier: MIT
"""A WebSocket's client (RFC 6455), as much as the API needs of it."""

import base64
import contextlib
import hashlib
import os
import re
import socket
import struct

from .client import PREFIX, Failure, error_text

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """A connection; recv() gives (opcode, bytes) of whole messages, or None at its end."""

    def __init__(self, address, path, timeout=30):
        self.buffer = b""
        # Frames, or parts of them, that the system has not taken yet.
        self.unsent = bytearray()
        try:
            self.socket = socket.create_connection((address.host, address.port), timeout=timeout)
        except OSError as error:
            raise Failure(f"the system does not answer at {address.host}:{address.port}: {error}") from error
        with contextlib.ExitStack() as undo:
            undo.callback(self.socket.close)
            try:
                self._open(address, path)
            except (OSError, EOFError) as error:
                raise Failure(f"the system closed the connection: {error}") from error
            undo.pop_all()
        self.socket.settimeout(None)

    def _open(self, address, path):
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {PREFIX}{path} HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
                             "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: {key}\r\n"
                             f"Sec-WebSocket-Protocol: starina.v1, token.{address.token}\r\n\r\n").encode())
        self._check(self._head(), key)

    def _head(self):
        while b"\r\n\r\n" not in self.buffer:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError("its answer broke off")
            self.buffer += piece
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head.decode("latin-1").split("\r\n")

    def _check(self, head, key):
        status = int(head[0].split()[1]) if re.match(r"HTTP/1\.1 \d{3}\b", head[0]) else 0
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        if status != 101:
            length = fields.get("content-length", "")
            raise Failure(error_text(status, self._take(int(length) if length.isdecimal() else 0)))
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
                raise EOFError("its answer broke off")
            self.buffer += piece
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def queue(self, opcode, data):
        """One frame, masked, that is sent by `flush`."""
        mask = os.urandom(4)
        length = len(data)
        if length < 126:
            head = bytes((0x80 | opcode, 0x80 | length))
        elif length < 65536:
            head = bytes((0x80 | opcode, 0xfe)) + struct.pack(">H", length)
        else:
            head = bytes((0x80 | opcode, 0xff)) + struct.pack(">Q", length)
        self.unsent += head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))

    def flush(self, flags=socket.MSG_DONTWAIT):
        """Sends as much of what is queued as the system takes now."""
        try:
            while self.unsent:
                del self.unsent[:self.socket.send(self.unsent, flags)]
        except BlockingIOError:
            pass
        except OSError as error:
            raise Failure(f"the system went away: {error}") from error

    def send(self, opcode, data):
        """Sends one frame, and waits until the system takes it."""
        self.queue(opcode, data)
        self.flush(0)

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
                self.queue(PONG, data)
                self.flush()
            elif opcode == CLOSE:
                return None

    def close(self):
        """Says so, and leaves."""
        try:
            self.queue(CLOSE, struct.pack(">H", 1000))
            self.flush()
        except Failure:
            pass
        self.socket.close()
