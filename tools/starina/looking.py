# SPDX-License-Identifier: MIT
"""Commands that look: ps, top, logs, services, disks, trace, status."""

import contextlib
import json
import sys
import time
import urllib.parse
from pathlib import Path

from . import text
from .client import Failure, document, read_all
from .websocket import TEXT, WebSocket

CLEAR = "\x1b[H\x1b[J"


def ps(client, _options):
    """Processes."""
    rows = []
    for process in client.get("/processes"):
        rows.append([process["id"], process["name"], process["mode"], process["state"],
                     text.duration(process["cpu_ns"]), text.size(process["memory"]),
                     text.size(process["kernel_memory"]), process["handles"], process["threads"],
                     process["restarts"]])
    text.table(["ID", "<NAME", "<MODE", "<STATE", "CPU", "MEMORY", "KERNEL", "HANDLES", "THREADS", "RESTARTS"], rows)
    return 0


def shares(before, after):
    """CPU time of each process between two views, as a part of the time that passed."""
    passed = max(1, after["time_ns"] - before["time_ns"])
    used = {process["id"]: process["cpu_ns"] for process in before["processes"]}
    return {process["id"]: 100 * (process["cpu_ns"] - used.get(process["id"], process["cpu_ns"])) / passed
            for process in after["processes"]}


def busy_harts(before, after):
    """The same of each hart: how busy it was."""
    passed = max(1, after["time_ns"] - before["time_ns"])
    idle = {hart["id"]: hart["idle_ns"] for hart in before["harts"]}
    return [max(0.0, min(100.0, 100 - 100 * (hart["idle_ns"] - idle[hart["id"]]) / passed)) for hart in after["harts"]]


def top_view(before, after, lines=40):
    """One screen of top, as lines."""
    share = shares(before, after)
    memory = after["memory"]
    harts = "  ".join(f"hart {i}: {busy:5.1f} %" for i, busy in enumerate(busy_harts(before, after)))
    yield f"{harts}   memory: {text.size(memory['total'] - memory['free'])} of {text.size(memory['total'])} used"
    yield f"{'ID':>6}  {'CPU %':>6}  {'MEMORY':>7}  NAME"
    processes = sorted(after["processes"], key=lambda process: -share[process["id"]])
    for process in processes[:lines]:
        yield (f"{process['id']:>6}  {share[process['id']]:>6.1f}  {text.size(process['memory']):>7}  "
               f"{text.clean(process['name'])}")


def top(client, options):
    """Processes by CPU time, again and again."""
    with contextlib.closing(WebSocket(client.address, "/live")) as socket:
        top_follow(socket, options)
    return 0


def top_follow(socket, options):
    """Views of the live stream, until there were as many as are wanted."""
    ask = {"interval_ms": int(options.interval * 1000), "what": ["processes", "harts", "memory"]}
    socket.send(TEXT, json.dumps(ask).encode())
    before = None
    shown = 0
    while (message := socket.recv()) is not None:
        after = document(message[1])
        if before is not None:
            print(CLEAR if sys.stdout.isatty() else "", end="")
            print("\n".join(top_view(before, after)), flush=True)
            shown += 1
            if shown == options.count:
                return
        before = after
    raise Failure("the system went away")


def log_line(line):
    """A line of the log, or of what was lost of it."""
    if "lost" in line and "seq" not in line:
        return f"... {line['lost']} lines were overwritten before they could be read"
    return f"{line['time_ns'] / 1e9:10.3f} {line['level'].upper():5} [{text.clean(line['app'])}] {text.clean(line['text'])}"


def logs(client, options):
    """The log."""
    query = {"app": options.app, "level": options.level, "limit": options.lines}
    if not options.follow:
        for line in client.get("/logs", **query)["lines"]:
            print(log_line(line))
        return 0
    query = {name: value for name, value in query.items() if value is not None}
    for line in client.lines("GET", "/logs?" + urllib.parse.urlencode({**query, "follow": 1})):
        print(log_line(line), flush=True)
    raise Failure("the system went away")


def services(client, _options):
    """Who provides what, and to whom."""
    rows = []
    for service in client.get("/services"):
        provider = service["provider"]
        clients = ", ".join(one["name"] + (f" x{one['channels']}" if one["channels"] > 1 else "")
                            for one in service["clients"])
        rows.append([service["name"], provider["name"] if provider else "-", service["state"], clients])
    text.table(["<SERVICE", "<PROVIDER", "<STATE", "<CLIENTS"], rows)
    return 0


def disks(client, _options):
    """Disks, and the file system of the volumes."""
    state = client.get("/disks")
    rows = [[disk["name"], text.size(disk["bytes"]), disk["reads"], text.size(disk["read_bytes"]), disk["writes"],
             text.size(disk["written_bytes"]), disk["flushes"], ", ".join(disk["users"])] for disk in state["disks"]]
    text.table(["<NAME", "SIZE", "READS", "READ", "WRITES", "WRITTEN", "FLUSHES", "<USERS"], rows)
    if state["volumes"]:
        print(f"volumes: {text.size(state['volumes']['free'])} of {text.size(state['volumes']['total'])} free")
    return 0


def trace(client, options):
    """What the harts did, for Chrome or Perfetto."""
    with client.open("GET", f"/trace?ms={options.ms}", timeout=options.ms / 1000 + 60) as answer:
        data = read_all(answer)
    path = options.output or time.strftime("trace-%H%M%S.json")
    if path == "-":
        sys.stdout.buffer.write(data)
        return 0
    count = len(document(data)["traceEvents"])
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from error
    print(f"{path}: {count} events; open it at ui.perfetto.dev or chrome://tracing")
    return 0


def status(client, _options):
    """The system in a few lines."""
    state = client.get("/status")
    memory = state["memory"]
    print(f"Starina {text.clean(state['version'])}, up {state['uptime_ms'] / 1000:.0f} s, {state['harts']} harts, "
          f"{state['processes']} processes, {text.size(memory['free'])} of {text.size(memory['total'])} free")
    return 0
