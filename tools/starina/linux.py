# SPDX-License-Identifier: MIT
"""Linux programs: run, and those in a terminal."""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import sys
import termios
import tty
import urllib.parse

from .client import Failure, document
from .text import clean
from .websocket import BINARY, TEXT, WebSocket

FAILED = 125
END_OF_INPUT = b"\x04"
# Typed bytes that wait for the system; more is read once it has taken them.
UNSENT_MAX = 64 << 10


def words(options):
    """The program and its arguments, without the "--" that may stand before them."""
    return options.argv[1:] if options.argv[:1] == ["--"] else options.argv


def input_text():
    """What standard input has. The API takes text."""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise Failure(f"run -i: standard input is not text in UTF-8: {error.reason} at byte {error.start}; "
                      "encode it (base64), or put it into a volume") from error


def run(client, options):
    """A program with its output; the status is the program's."""
    if not words(options):
        raise Failure("run: say what is to be run")
    body = {"argv": words(options), "env": options.env}
    for name in ("image", "cwd"):
        if getattr(options, name):
            body[name] = getattr(options, name)
    if not sys.stdin.isatty() and options.input:
        body["stdin"] = input_text()
    with contextlib.closing(client.lines("POST", "/commands", body)) as lines:
        for line in lines:
            if "exit" in line:
                if line.get("error"):
                    print(f"starina: {clean(line['error'])}", file=sys.stderr)
                return line["exit"]
            out = sys.stdout if line["stream"] == "stdout" else sys.stderr
            out.buffer.write(base64.b64decode(line["data"]))
            out.buffer.flush()
    raise Failure("the system went away before the program's end")


class Terminal:
    """Between this terminal and a program's in the system."""

    def __init__(self, client, options):
        columns, rows = shutil.get_terminal_size()
        query = [("argv", word) for word in words(options)] + [("rows", rows), ("cols", columns)]
        query += [(name, getattr(options, name)) for name in ("image", "cwd") if getattr(options, name)]
        self.socket = WebSocket(client.address, "/terminal?" + urllib.parse.urlencode(query))

        # What SIGWINCH wakes the relay with: a frame that its handler sent could fall into the midst of another.
        self.woken, self.waker = os.pipe()
        os.set_blocking(self.waker, False)
        self.at_line_start = True

    def resized(self, _number, _frame):
        """The size of this terminal has changed."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.waker, b"w")

    def tell_size(self):
        """Says the size of this terminal."""
        os.read(self.woken, 4096)
        columns, rows = shutil.get_terminal_size()
        self.socket.queue(TEXT, json.dumps({"resize": [rows, columns]}).encode())

    def type(self, typed):
        """What was typed; b"": the input has ended, which the program's terminal is told as ^D, twice within a line."""
        if typed:
            self.at_line_start = typed[-1:] in b"\r\n"
        self.socket.queue(BINARY, typed or (END_OF_INPUT if self.at_line_start else 2 * END_OF_INPUT))

    def relay(self):
        """Bytes both ways, to the program's end. Returns its status. Input waits here while the program does not take it:
        it may do so because its output is to be read first."""
        keyboard = sys.stdin.fileno()
        ended = False
        while True:
            inputs = [self.socket, self.woken]
            if not ended and len(self.socket.unsent) < UNSENT_MAX:
                inputs.append(keyboard)
            outputs = [self.socket] if self.socket.unsent else []
            ready = select.select(inputs, outputs, [], 0 if self.socket.pending() else None)[0]
            if self.woken in ready:
                self.tell_size()
            if keyboard in ready:
                typed = os.read(keyboard, 4096)
                ended = not typed
                self.type(typed)
            try:
                self.socket.flush()
            except Failure:  # how the program ended may be there to be read
                ended = True
                self.socket.unsent.clear()
            if self.socket in ready or self.socket.pending():
                message = self.socket.recv()
                if message is None:
                    raise Failure("the system closed the terminal")
                opcode, data = message
                if opcode == TEXT:
                    return document(data)
                os.write(sys.stdout.fileno(), data)

    def close(self):
        """Leaves the program."""
        self.socket.close()
        os.close(self.woken)
        os.close(self.waker)


def terminal_run(client, options):
    """A program in a terminal."""
    terminal = Terminal(client, options)
    saved = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    try:
        if saved:
            signal.signal(signal.SIGWINCH, terminal.resized)
            tty.setraw(sys.stdin)
        end = terminal.relay()
    finally:
        if saved:
            signal.signal(signal.SIGWINCH, signal.SIG_DFL)
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
        terminal.close()
    if end.get("error"):
        print(f"starina: {clean(end['error'])}", file=sys.stderr)
    return end.get("exit", FAILED)
