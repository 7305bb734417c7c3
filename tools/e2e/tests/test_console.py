# SPDX-License-Identifier: MIT
"""The shell of the OS's console: commands that are typed at the UART of a running system."""

import json
import os
import re

from harness import Skip, check, check_equal, test
from terminal import Terminal
from test_web_api import Address, Client

PROMPT = "starina> "


class Console:
    """A system and who types at it."""

    def __init__(self, context, *args, **settings):
        context.own_build()
        self.terminal = Terminal(context, *args, all_of_it=True, **settings)
        self.terminal.expect("Hello from a Linux container")
        self.terminal.type("\r")
        self.terminal.expect(PROMPT)
        self.terminal.expect(PROMPT)
        while "starts" in self.answer("ps"):  # it reads the boot disk
            pass

    def answer(self, line, key="\r"):
        """What is shown of a line that was typed, behind its echo, into which lines of the log may come."""
        self.terminal.type(line + key)
        return self.terminal.expect(PROMPT).partition("\n")[2]


def check_commands(console, client):
    """Each command, beside what the API tells."""
    check(re.search(r"^ *\d+ +httpd +user +running ", console.answer("ps").replace("\r", ""), re.M), "no httpd")
    check_equal(console.answer("status").count("Starina "), 1)
    for line, *parts in (("help", "kill PROCESS", "disks"), ("services", "PROVIDER", "blkdev"), ("disks", "state", "volumes: "),
                         ("logs httpd", "<httpd> serving"), ("start hello", "hello"), ("run sh -c 'echo $((6 * 7)); exit 3'", "42", "exit status 3"),
                         ("run nosuch-program", "exit status 127"), ("kill nobody", "no process nobody"), ("stop httpd", "httpd"),
                         ("start hello what", "usage: start APP"), ("nosuch", "no such command"), ("'", "a quote is left open"),
                         ("kill", "usage: kill PROCESS"), ("push x", "no such command"), ("kill " + "%" * 400, "")):
        said = console.answer(line)
        check(all(part in said for part in parts), f"{line}: {said!r}")
    # The server of its own calls.
    console.answer("kill httpd")
    while "httpd" not in console.answer("ps"):
        pass


def check_what_goes_on(console):
    """Commands that end when they are told to."""
    terminal = console.terminal
    for line, seen in (("logs -f hello", ""), ("top", "CPU %"), ("run sleep 100000", ""), ("logs -f", "<kernel>")):
        terminal.type(line + "\r")
        terminal.expect(seen)
        terminal.type("xyz\rq")
        terminal.expect(PROMPT)
    check("hello" in console.answer("start hello"), "it takes no line")


def check_keys(console):
    """A line is edited, lines come back, and what is no key is passed over."""
    terminal = console.terminal
    terminal.type("stax\x7ftus\r")
    terminal.expect("Starina ")
    terminal.expect(PROMPT)
    terminal.type("\x1b[A\r")
    terminal.expect("Starina ")
    terminal.expect(PROMPT)
    terminal.type("x" * 2000 + "\x15")
    terminal.type("\xff\x1b[999;999z\x1b\x1b")
    check("Starina " in console.answer("[status".replace("[", "")), "keys that are none")


@test
def console_takes_commands(context):
    # The kernel's log comes between the letters of an answer: a busy system can break what is waited for.
    if not os.environ.get("E2E_CONSOLE"):
        raise Skip("E2E_CONSOLE=1 runs it, on a machine that is quiet")
    console = Console(context)
    client = Client(Address.read(context.build / "run/web.addr"))
    for part in (lambda: check_commands(console, client), lambda: check_what_goes_on(console), lambda: check_keys(console)):
        part()
    check_equal(json.dumps(client.get("/processes/shell")["restarts"]), "0")
    console.terminal.type("\x01x")
    check_equal(console.terminal.wait(), 0)
    console.terminal.close()


@test
def console_answers_when_quiet(context):
    console = Console(context, "-q")
    check("Starina " in console.answer("status"), "a quiet log keeps the answer")
    console.terminal.type("\x03")
    check_equal(console.terminal.wait(), 130)
    console.terminal.close()
