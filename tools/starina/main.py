# SPDX-License-Identifier: MIT
"""The command line."""

import argparse
import os
import sys

from . import doing, linux, looking
from .prompt import prompt
from .scripts import make_new
from .client import Address, Client, Failure
from .text import failure_print


def setting(text):
    """NAME=VALUE."""
    if "=" not in text.lstrip("="):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return text


def shell(client, options):
    """These commands, or a Linux program."""
    if options.argv or options.image or options.cwd:
        return linux.terminal_run(client, options)
    return prompt(client, parser_make())


def new(_client, options):
    """A new app, for which no system has to run."""
    print(f"made {make_new(options.name)}/main.ts; ./starina push --watch {options.name} runs it")
    return 0


def parser_make():
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="./starina", allow_abbrev=False, description="Looks at the system that ./run.sh runs, and changes it.")
    parser.add_argument("--address", metavar="FILE", help="a file with the address, http://127.0.0.1:PORT/#token=...; without it, "
                        "the variable STARINA_ADDRESS has the address, or build/run/web.addr, that of the newest run")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, function, text):
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(function=function)
        return command

    add("status", looking.status, "the system in a line")
    add("ps", looking.ps, "processes: CPU time, memory, handles")
    command = add("top", looking.top, "processes by CPU time, again and again; Ctrl-C ends it")
    command.add_argument("-d", "--interval", type=float, default=2.0, metavar="SECONDS", help="0.1 to 60, usually 2")
    command.add_argument("-n", "--count", type=int, default=0, help="end after so many views")
    command = add("logs", looking.logs, "the log")
    command.add_argument("app", nargs="?", help="of this app only")
    command.add_argument("-f", "--follow", action="store_true", help="and what comes, until Ctrl-C")
    command.add_argument("-n", "--lines", type=int, help="how many at most")
    command.add_argument("--level", choices=("error", "warn", "info", "debug"), help="these and more severe ones")
    add("disks", looking.disks, "disks, what went through them, and who uses them")
    add("services", looking.services, "services, who provides them, and who uses them")
    command = add("trace", looking.trace, "what the harts do for a while, for ui.perfetto.dev")
    command.add_argument("-o", "--output", metavar="FILE", help='"-": standard output')
    command.add_argument("--ms", type=int, default=500, help="for how long, usually 500")
    command = add("start", doing.start, "start an app of the image, or one that was loaded")
    command.add_argument("app")
    command.add_argument("config", nargs="*", type=setting, metavar="NAME=VALUE", help="its configuration")
    command.add_argument("--instance", action="store_true", help="another one of it")
    command = add("stop", doing.stop, "stop a loaded app or an instance")
    command.add_argument("app")
    command = add("kill", doing.kill, "end a process, by its name or number; the system starts it again if its spec says so")
    command.add_argument("process")
    command = add("push", doing.push, "replace an app while the system runs, or start it")
    command.add_argument("file", help="an app in TypeScript: FILE.ts or a folder with a main.ts; or NAME.app, or the NAME of one in build/apps")
    command.add_argument("--watch", action="store_true", help="and again each time that a source is saved, until Ctrl-C; in TypeScript only")
    command = add("new", new, "make a folder with a new app in TypeScript")
    command.add_argument("name", help="of the folder, and of the app")
    for name, function, text in (("run", linux.run, "a Linux program in a virtual machine; its status is this command's"),
                                 ("shell", shell, "these commands, one a line; with words (sh) a Linux program in this terminal")):
        command = add(name, function, text)
        command.add_argument("--image", help="in place of the built-in userland: one that run.sh packed (LINUXRUN_IMAGES)")
        command.add_argument("-w", "--cwd", metavar="FOLDER", help="where it begins")
        if name == "run":
            command.add_argument("-e", "--env", action="append", default=[], type=setting, metavar="NAME=VALUE")
            command.add_argument("-i", "--input", action="store_true", help="standard input is the program's")
        command.add_argument("argv", nargs=argparse.REMAINDER, metavar="WORD")
    return parser


def main(arguments):
    """Returns the exit status."""
    options = parser_make().parse_args(arguments)
    try:
        return options.function(None if options.function is new else Client(Address.find(options.address)), options)
    except Failure as failure:
        failure_print(failure)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
