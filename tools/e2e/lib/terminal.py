# SPDX-License-Identifier: MIT
"""run.sh with a pseudo-terminal of our own as its terminal, as a person has it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

from harness import ROOT


class Screen:
    """What is on a terminal that has no end of rows and columns, of all that was written to it: its lines."""

    def __init__(self):
        self.lines = [""]
        self.column = 0
        self.rest = ""  # the beginning of an escape sequence

    def write(self, text):
        text, self.rest = self.rest + text, ""
        for piece in re.findall(r"\x1b\[[0-9;]*[@-~]|\x1b.?.?$|[\s\S]", text):
            self.put(piece)

    def put(self, piece):
        line = self.lines[-1]
        if piece == "\n":
            self.lines.append("")
        elif piece == "\r":
            self.column = 0
        elif piece == "\b":
            self.column = max(self.column - 1, 0)
        elif piece == "\x1b[K":
            self.lines[-1] = line[:self.column]
        elif piece[0] == "\x1b":
            self.rest = "" if piece[-1].isalpha() else piece
        else:
            self.lines[-1] = line[:self.column].ljust(self.column) + piece + line[self.column + 1:]
            self.column += 1


class Terminal:
    """`args` of run.sh; stdin and stdout are the terminal, stderr is the file `log` unless `all_of_it`."""

    def __init__(self, context, *args, rows=24, columns=80, all_of_it=False, **settings):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.slave = slave  # kept open, so that its modes can be looked at afterwards
        self.log = context.scratch / "log"
        self.text = b""
        self.seen = b""
        with open(self.log, "wb") as log:
            self.process = context.watch(subprocess.Popen(
                [ROOT / "run.sh", *args], env=context.environment(settings), cwd=context.scratch, stdin=slave, stdout=slave,
                stderr=slave if all_of_it else log, start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)))

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self):
        piece = os.read(self.master, 4096)
        self.text += piece
        self.seen += piece

    def read_some(self, awaited):
        """Reads what comes within a second; fails when nothing more can come."""
        ready, _, _ = select.select([self.master], [], [], 1)
        if ready:
            self.read()
        elif self.process.poll() is not None:
            raise AssertionError(f"{awaited!r} did not come; last of all: {self.seen[-500:]!r}; not expected yet: "
                                 f"{self.text!r}\n{self.log.read_text()[-3000:]}")

    def expect(self, text):
        """Reads on until `text` comes; returns what came before it."""
        return self.expect_pattern(re.escape(text.encode()))

    def expect_pattern(self, pattern):
        """The same with a regular expression (of bytes)."""
        while not (found := re.search(pattern, self.text)):
            self.read_some(pattern)
        before, self.text = self.text[:found.start()], self.text[found.end():]
        return before.decode(errors="replace")

    def modes(self):
        return termios.tcgetattr(self.slave)

    def wait(self):
        """Waits for the end; returns the exit status."""
        while self.process.poll() is None:
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready:
                self.read()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
