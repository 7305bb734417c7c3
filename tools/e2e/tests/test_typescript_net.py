# SPDX-License-Identifier: MIT
"""The network of apps in TypeScript: what they serve, asked by clients of the host, good ones and bad ones."""

import http.client

from harness import ROOT, check, check_equal, free_port, test
from test_typescript import Scripts

EXAMPLES = ROOT / "ts/examples"


class Served:
    """An app that serves HTTP, at a port of the host."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        """Status, fields and body of the answer, by a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()


def push(scripts, folder):
    status, output = scripts.starina("push", str(folder))
    check(status == 0, output)


@test
def servers_in_typescript(context):
    hello = Served(free_port())
    with Scripts(context, "--app-ports", f"{hello.port}:8080") as scripts:
        push(scripts, EXAMPLES / "web_hello_ts")
        scripts.log.wait_for(r"\[web_hello_ts\] INFO   serving at port 8080")
        status, fields, body = hello.ask("GET", "/there?x=1")
        check_equal((status, fields["content-type"], body), (200, "text/plain; charset=utf-8", b"Hello, /there\n"))
