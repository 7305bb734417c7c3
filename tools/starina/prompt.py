# SPDX-License-Identifier: MIT
"""The shell without words: this command's commands, one a line, as the OS's own console takes them."""

import contextlib
import shlex
import sys

from .client import Failure
from .text import failure_print

PROMPT = "starina> "
HELP = ("ps, top, services, disks, logs, status, start, stop, kill, push, run, trace, as ./starina has them: NAME --help tells more. "
        "shell sh: Linux in this terminal. Ctrl-D ends.")


def lines():
    """What is typed, or what standard input has."""
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
    while True:
        try:
            yield input(PROMPT)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()


def carry_out(client, parser, line):
    """The status of a line's command; None: it has none."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        print(f"starina: {error}", file=sys.stderr)
        return 1
    if not words:
        return None
    if words == ["help"]:
        print(HELP)
        return 0
    if words in (["exit"], ["quit"]):
        raise EOFError
    if words == ["shell"]:
        print("starina: this is the shell; shell sh is one of Linux", file=sys.stderr)
        return 1
    try:
        options = parser.parse_args(words)
        return options.function(client, options)
    except SystemExit as end:  # the parser has said why
        return end.code
    except Failure as failure:
        failure_print(failure)
        return 1
    except KeyboardInterrupt:
        print()
        return 130


def prompt(client, parser):
    """Carries out lines until their end. Returns the last one's status."""
    status = 0
    with contextlib.suppress(EOFError):
        for line in lines():
            done = carry_out(client, parser, line)
            status = status if done is None else done
    return status
