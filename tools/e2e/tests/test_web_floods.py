# SPDX-License-Identifier: MIT
"""The web shell's API while an app logs more than anybody reads."""

import json
import socket

from harness import check, check_equal, test
from test_apps import Tree
from test_web_api import PATIENCE, PREFIX, Shell

LINES = 12000
# What is escaped takes six bytes each on the way: with all of it, buffers on the way are full long before the end.
MARKUP = "<" * 100
FLOOD = """#include "libs/abi/app.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void flood_main(const struct environ *env)
{
	(void)env;
	for (unsigned i = 0; i < %d; i++)
		log_info("line %%u \\x1b[2J %s", i);
	process_exit(0);
}

APP(flood, .main = flood_main);
"""


def follow(shell):
    """A connection that follows the log, of which nothing is read yet."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(PATIENCE)
    sock.connect((shell.address.host, shell.address.port))
    sock.sendall((f"GET {PREFIX}/logs?follow=1&since={shell.client.get('/logs', limit=1)['next']} HTTP/1.0\r\nHost: localhost\r\n"
                  f"Authorization: Bearer {shell.address.token}\r\n\r\n").encode())
    return sock


def followed(sock):
    """Lines, and how many were lost, up to a line of hello's."""
    seen, lost = [], 0
    with sock, sock.makefile("rb") as reader:
        while reader.readline().strip():
            pass
        for text in reader:
            line = json.loads(text)
            if "seq" not in line:
                lost += line["lost"]
                continue
            seen.append(line)
            if line["app"] == "hello":
                return seen, lost
    raise AssertionError(f"the log broke off after {len(seen)} lines")


def check_flood(shell, app):
    """Who follows and reads late is told what is there, in order, and how much is not; httpd holds no more for it."""
    before = shell.client.get("/processes/httpd")["memory"]
    sock = follow(shell)
    shell.client.call("PUT", "/apps/flood", app)
    shell.engine.log.wait_for(f"line {LINES - 1} ")
    after = shell.client.get("/processes/httpd")["memory"]
    check(after - before < 8 << 20, f"httpd has {after} bytes, {before} before")
    shell.client.call("POST", "/apps/hello/start")
    seen, lost = followed(sock)
    numbers = [line["seq"] for line in seen]
    check(all(a < b for a, b in zip(numbers, numbers[1:])), "lines are not in order")
    check_equal(len(seen) + lost, numbers[-1] - numbers[0] + 1, f"{len(seen)} lines were told, {lost} lost")
    check(lost > 1000 and len(seen) > 1000, f"{len(seen)} lines were told, {lost} lost")
    texts = [line["text"] for line in seen if line["app"] == "flood"]
    check(all("\x1b" not in text and MARKUP in text for text in texts), "a line that came changed")


@test
def web_floods(context):
    tree = Tree(context)
    tree.source("flood", FLOOD % (LINES, MARKUP))
    app = tree.app("flood").read_bytes()
    shell = Shell(context)
    check_flood(shell, app)
    context.stop(shell.engine.process)
