#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the service table of an image: which app provides what to whom, what else each app needs, and whether it has an
address space of its own (`user`; a thick frame in the formats that are drawn)."""

import argparse
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATUS_UNUSABLE = 1


def read_table(elf, gdb):
    """The app table of the image `elf`, as read_specs.py prints it."""
    if not Path(elf).is_file():
        sys.exit(f"services: there is no {elf}; to build it, run: make")
    command = [gdb, "-nx", "-q", "-batch", "-x", str(HERE / "read_specs.py"), elf]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        sys.exit(f"services: cannot run {gdb}: {error.strerror}; ./setup.sh installs it")
    for line in result.stdout.splitlines():
        if line.startswith("["):
            return json.loads(line)
    sys.exit(f"services: {elf} holds no app table that gdb can read:\n{result.stderr.strip()}")


def providers_in_tree(root):
    """Which app of the tree provides which service: {service: app}, as the specs in apps/*/main.c say."""
    providers = {}
    for path in sorted(Path(root).glob("apps/*/main.c")):
        for names in re.findall(r"\.provides\s*=\s*\{([^}]*)\}", path.read_text(encoding="utf-8")):
            for service in re.findall(r'"([^"]+)"', names):
                providers.setdefault(service, path.parent.name)
    return providers


class Table:
    """The apps with their wiring resolved as kernel/startup/services_plan.c does it. `known` is what
    providers_in_tree() gives."""

    def __init__(self, apps, known=None):
        self.apps = apps
        self.known = known or {}
        self.by_name = {app["name"]: app for app in apps}
        self.fatal = []     # the image does not boot
        self.problems = []  # an app lacks something
        self.unmet = []     # those of them that keep an app from starting
        self.providers = {}
        self.order = []
        self.find_providers()
        self.find_order()
        self.find_unmet()

    def find_providers(self):
        for app in self.apps:
            for service in app["provides"]:
                first = self.providers.setdefault(service, app["name"])
                if first != app["name"]:
                    self.fatal.append(f"the apps '{first}' and '{app['name']}' both provide the service '{service}'")

    def services_of(self, app):
        return [need for need in app["needs"] if need["kind"] == "service"]

    def find_order(self):
        done, path = set(), []

        def visit(name):
            if name in done:
                return
            if name in path:
                cycle = path[path.index(name):] + [name]
                self.fatal.append("apps need each other in a cycle: " + " -> ".join(cycle))
                return
            path.append(name)
            for need in self.services_of(self.by_name[name]):
                if need["name"] in self.providers:
                    visit(self.providers[need["name"]])
            path.pop()
            done.add(name)
            self.order.append(name)

        for app in self.apps:
            visit(app["name"])

    def find_unmet(self):
        for app in self.apps:
            runtime = app.get("runtime")
            if runtime and not self.by_name.get(runtime, {}).get("is_runtime"):
                self.unmet.append(f"'{app['name']}' is a script for the runtime '{runtime}', which this image does not have: "
                                  "it is not started; add it to APPS")
                self.problems.append(self.unmet[-1])
            for need in self.services_of(app):
                if need["name"] not in self.providers:
                    end = "starts without it" if need["optional"] else "is not started"
                    problem = (f"'{app['name']}' needs the service '{need['name']}', which no app of this image "
                               f"provides: it {end}{self.advice(need['name'])}")
                    self.problems.append(problem)
                    if not need["optional"]:
                        self.unmet.append(problem)

    def advice(self, service):
        if service in self.known:
            return f"; {self.known[service]} provides it: add it to APPS"
        close = difflib.get_close_matches(service, list(self.providers) + list(self.known), 1)
        return f"; did you mean '{close[0]}'?" if close else ""

    def edges(self, name):
        """(service, user) of all that the app provides, users in the order of the image."""
        return [(service, app["name"], need["optional"])
                for service in self.by_name[name]["provides"]
                for app in self.apps for need in self.services_of(app)
                if need["name"] == service and self.providers[service] == name]

    def roots(self):
        """Apps that use no service of the image."""
        return [app["name"] for app in self.apps
                if not any(need["name"] in self.providers for need in self.services_of(app))]


def draw_from(table, name, drawn, path):
    """The lines that show `name` and all that uses it, directly or not."""
    edges = table.edges(name)
    if not edges:
        unused = table.by_name[name]["provides"]
        return [name + "".join(f" -- {service} --" for service in unused) + (" (nobody)" if unused else "")]
    if name in drawn or name in path:
        return [name + " (see above)"]
    drawn.add(name)
    lines = []
    for i, (service, user, optional) in enumerate(edges):
        arrow = f" {'--' if len(edges) == 1 else '+-'} {service} {'..' if optional else '--'}> "
        bar = " " if i == len(edges) - 1 else "|"
        block = draw_from(table, user, drawn, path + [name])
        lead = name if i == 0 else " " * len(name)
        lines.append(lead + arrow + block[0])
        lines += [" " * len(name) + f" {bar}" + " " * (len(arrow) - 2) + line for line in block[1:]]
    return lines


def draw_picture(table):
    drawn, lines, alone = set(), [], []
    for name in table.roots():
        if table.edges(name) or table.by_name[name]["provides"]:
            lines += draw_from(table, name, drawn, [])
        else:
            alone.append(name)
    if alone:
        lines.append("neither use nor provide a service: " + ", ".join(alone))
    return lines


def describe_need(app, need):
    optional = ", optional" if need["optional"] else ""
    if need["kind"] == "service":
        return f"service {need['name']}{optional}"
    if need["kind"] == "device":
        return f"device {need['name']}{optional}"
    if need["kind"] == "config":
        default = "required" if need["fallback"] is None else f"default {need['fallback']}"
        return f"boot argument {app['name']}.{need['name']} ({'optional' if need['optional'] else default})"
    if need["kind"] == "kept":
        return f"kept memory {need['name']}, {need['size']} bytes{optional}"
    return f"the {'launcher' if need['kind'] == 'launcher' else 'system handle'}{optional}"


def describe_app(app, position):
    limits = ""
    if app["memory_limit"]:
        limits += f", at most {app['memory_limit'] >> 20} MiB"
    if app["handle_limit"]:
        limits += f", {app['handle_limit']} handles"
    if app.get("is_runtime"):
        return [f"{position:2}. {app['name']}  (a runtime of scripts; not started by itself)"]
    script = f", a script of {app['runtime']}" if app.get("runtime") else ""
    lines = [f"{position:2}. {app['name']}  ({app['isolation']}{script}; restart: {app['restart']}{limits})"]
    lines += [f"      needs     {describe_need(app, need)}" for need in app["needs"]]
    lines += [f"      provides  {service}" for service in app["provides"]]
    return lines


def counted(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def render_text(table, title):
    isolated = sum(app["isolation"] == "user" for app in table.apps)
    lines = [f"Service table of {title}: {counted(len(table.apps), 'app')}, {counted(len(table.providers), 'service')}.",
             f"Apps in user mode: {isolated}; in the kernel: {len(table.apps) - isolated}.",
             "provider -- service --> user;  ..> is a need that the user can do without.", ""]
    lines += ["  " + line for line in draw_picture(table)]
    lines += ["", "In the order in which they are started:", ""]
    for i, name in enumerate(table.order):
        lines += describe_app(table.by_name[name], i + 1)
    return lines


def render_mermaid(table, _title):
    lines = ["graph LR"] + [f"  {app['name']}" for app in table.apps]
    lines += [f"  style {app['name']} stroke-width:3px" for app in table.apps if app["isolation"] == "user"]
    for name in table.order:
        lines += [f"  {name} {'-.' if optional else '--'} {service} {'.->' if optional else '-->'} {user}"
                  for service, user, optional in table.edges(name)]
    return lines


def render_dot(table, title):
    lines = [f'digraph "{title}" {{', "  rankdir=LR; node [shape=box];"]
    lines += [f'  "{app["name"]}"{" [style=bold]" if app["isolation"] == "user" else ""};' for app in table.apps]
    for name in table.order:
        lines += [f'  "{name}" -> "{user}" [label="{service}"{", style=dashed" if optional else ""}];'
                  for service, user, optional in table.edges(name)]
    return lines + ["}"]


RENDERERS = {"text": render_text, "mermaid": render_mermaid, "dot": render_dot}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("elf", help="the image, such as build/starina.elf")
    parser.add_argument("--check", action="store_true", help="draw nothing; say which apps the image will not start")
    parser.add_argument("--format", choices=sorted(RENDERERS), default="text")
    parser.add_argument("--gdb", default=os.environ.get("GDB", "gdb-multiarch"))
    args = parser.parse_args()
    if args.check and not shutil.which(args.gdb):
        return 0
    table = Table(read_table(args.elf, args.gdb), providers_in_tree(HERE.parents[1]))
    if args.check:
        for line in table.fatal + table.unmet:
            print(f"warning: {line}", file=sys.stderr)
        return 0
    print("\n".join(RENDERERS[args.format](table, os.path.relpath(args.elf))))
    for line in table.fatal:
        print(f"services: this image does not boot: {line}", file=sys.stderr)
    for line in table.problems:
        print(f"services: {line}", file=sys.stderr)
    return STATUS_UNUSABLE if table.fatal else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(0)
