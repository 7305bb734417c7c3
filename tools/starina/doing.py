# SPDX-License-Identifier: MIT
"""Commands that change the system: start, stop, kill, push."""

from pathlib import Path

from .client import Failure, build_folder, quote
from .text import clean


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


def push(client, options):
    """Replaces an app by a file, or starts it."""
    name = Path(options.file).stem
    client.call("PUT", f"/apps/{quote(name)}", app_file(options.file))
    print(f"{name}: runs")
    return 0
