# SPDX-License-Identifier: MIT
"""Commands that change the system: start, stop, kill, push."""

import time
from pathlib import Path

from . import scripts
from .client import Failure, build_folder, quote
from .text import clean, failure_print


def start(client, options):
    """Starts an app of the image, or a loaded one."""
    body = {"config": dict(setting.split("=", 1) for setting in options.config)} if options.config else {}
    if options.instance:
        body["instance"] = True
    answer = client.call("POST", f"/apps/{quote(options.app)}/start", body)
    print(clean(answer["name"]) if answer else options.app)
    return 0


def stop(client, options):
    """Stops a loaded app or instance."""
    client.call("POST", f"/apps/{quote(options.app)}/stop")
    return 0


def kill(client, options):
    """Ends a process, by its name or number."""
    client.call("POST", f"/processes/{quote(options.process)}/kill")
    return 0


def app_file(name):
    """The file of an app: a path, or the name of one that was built."""
    path = Path(name)
    if path.suffix != ".app" and not path.exists():
        path = build_folder() / "apps" / f"{name}.app"
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}; `make {path}` builds it") from error


def push_source(client, source):
    """Builds it, and pushes what came out."""
    begin = time.monotonic()
    source.build()
    client.call("PUT", f"/apps/{quote(source.name)}", source.app)
    print(f"{source.name}: runs, after {time.monotonic() - begin:.2f} s", flush=True)


def watch(client, source):
    """Pushes it each time that it is saved, until Ctrl-C."""
    while True:
        before = source.state()
        try:
            push_source(client, source)
        except Failure as failure:
            failure_print(failure)
        # A change while it was built counts; what it is made of is known by now.
        source.wait_for_change({**source.state(), **before})


def push(client, options):
    """Replaces an app by a file, or starts it."""
    path = Path(options.file)
    if path.exists() and scripts.is_source(path):
        source = scripts.Source(path)
        if options.watch:
            watch(client, source)
        push_source(client, source)
        return 0
    if options.watch:
        raise Failure(f"--watch is for apps in TypeScript, a FILE.ts or a folder: {options.file} is none")
    name = Path(options.file).stem
    client.call("PUT", f"/apps/{quote(name)}", app_file(options.file))
    print(f"{name}: runs")
    return 0
