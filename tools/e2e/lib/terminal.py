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

    def expect(self, text):
        """Reads on until `text` comes; returns what came before it."""
        return self.expect_pattern(re.escape(text.encode()))

    def expect_pattern(self, pattern):
        """The same with a regular expression (of bytes)."""
        while not (found := re.search(pattern, self.text)):
            ready, _, _ = select.select([self.master], [], [], 1)
            if ready:
                self.read()
            elif self.process.poll() is not None:
                raise AssertionError(f"{pattern!r} did not come; last of all: {self.seen[-500:]!r}; not expected yet: "
                                     f"{self.text!r}\n{self.log.read_text()[-3000:]}")
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
