# SPDX-License-Identifier: MIT
"""Commands that run Linux programs: run, shell."""

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

from .client import Failure
from .text import clean
from .websocket import BINARY, TEXT, WebSocket

FAILED = 125


def words(options):
    """The program and its arguments, without the "--" that may stand before them."""
    return options.argv[1:] if options.argv[:1] == ["--"] else options.argv


def run(client, options):
    """A program with its output; the status is the program's."""
    if not words(options):
        raise Failure("run: say what is to be run")
    body = {"argv": words(options), "env": options.env}
    for name in ("image", "cwd"):
        if getattr(options, name):
            body[name] = getattr(options, name)
    if not sys.stdin.isatty() and options.input:
        body["stdin"] = sys.stdin.read()
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

    def resized(self, _number, _frame):
        """The size of this terminal has changed."""
        columns, rows = shutil.get_terminal_size()
        self.socket.send(TEXT, json.dumps({"resize": [rows, columns]}).encode())

    def relay(self):
        """Bytes both ways, to the program's end. Returns its status."""
        inputs = [self.socket, sys.stdin.fileno()]
        while True:
            ready = [self.socket] if self.socket.pending() else select.select(inputs, [], [])[0]
            if sys.stdin.fileno() in ready:
                typed = os.read(sys.stdin.fileno(), 4096)
                if typed:
                    self.socket.send(BINARY, typed)
                else:
                    inputs.remove(sys.stdin.fileno())
            if self.socket in ready:
                message = self.socket.recv()
                if message is None:
                    raise Failure("the system closed the terminal")
                opcode, data = message
                if opcode == TEXT:
                    return json.loads(data)
                os.write(sys.stdout.fileno(), data)


def shell(client, options):
    """A program in a terminal; without one, a shell."""
    terminal = Terminal(client, options)
    saved = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    try:
        if saved:
            signal.signal(signal.SIGWINCH, terminal.resized)
            tty.setraw(sys.stdin)
        end = terminal.relay()
    finally:
        if saved:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
        terminal.socket.close()
    if end.get("error"):
        print(f"starina: {clean(end['error'])}", file=sys.stderr)
    return end.get("exit", FAILED)
