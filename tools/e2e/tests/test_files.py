# SPDX-License-Identifier: MIT
"""Files of native apps: folders of the host by --share, and what httpd shows of one under /files/."""

import http.client
import os
import re

from harness import RUN_TIMEOUT, check, check_equal, check_refused, free_port, test
from net_machine import wait_for_page
from test_machine import Machine
from test_volumes import folder, image


class Shares(Machine):
    """run.sh with the share "notes", which httpd shows."""

    def __init__(self, context, share, *args, append="httpd.files=notes", **settings):
        self.port = free_port()
        super().__init__(context, "--share", f"notes={share}", *args, STARINA_APPEND=append, STARINA_HTTP_PORT=str(self.port), **settings)
        wait_for_page(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def ask(self, path, method="GET", **fields):
        """The response and its body. `fields` has _ for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=RUN_TIMEOUT)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in fields.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def status(self, path, **fields):
        return self.ask(path, **fields)[0].status


@test
def httpd_shows_a_share(context):
    share = folder(context, "notes")
    big = os.urandom(3_000_000)
    (share / "a.txt").write_text("hello\n")
    (share / "big.bin").write_bytes(big)
    (share / "page.html").write_text("<script>alert(1)</script>")
    (share / "sub").mkdir()
    (share / "sub/<b>&'\" %2e").write_text("odd")
    (share / "inside").symlink_to("sub/../a.txt")
    (share / "outside").symlink_to("../../../../../../etc/passwd")
    (context.scratch / "secret").write_text("secret")
    with Shares(context, share) as machine:
        response, body = machine.ask("/files/a.txt")
        check_equal((response.status, body), (200, b"hello\n"))
        check_equal(response.headers["Content-Type"], "text/plain; charset=utf-8")
        check_equal(response.headers["X-Content-Type-Options"], "nosniff")
        check("sandbox" in response.headers["Content-Security-Policy"])
        check(response.headers["Last-Modified"].endswith(" GMT"))
        etag = response.headers["ETag"]
        check_equal(machine.status("/files/a.txt", If_None_Match=f'"x", {etag}'), 304)
        check_equal(machine.status("/files/a.txt", If_Modified_Since=response.headers["Last-Modified"]), 304)

        response, body = machine.ask("/files/big.bin")
        check(body == big, len(body))
        check_equal(response.headers["Content-Disposition"], "attachment")
        response, body = machine.ask("/files/big.bin", method="HEAD")
        check_equal((response.headers["Content-Length"], body), (str(len(big)), b""))
        for text, part in (("bytes=5-9", big[5:10]), ("bytes=2999990-", big[2999990:]), ("bytes=-7", big[-7:]), ("bytes=5-99999999", big[5:])):
            response, body = machine.ask("/files/big.bin", Range=text)
            check_equal(response.status, 206)
            check(body == part, (text, len(body)))
        check_equal(machine.status("/files/big.bin", Range="bytes=3000000-"), 416)
        check_equal(machine.status("/files/big.bin", Range="bytes=1-2,4-5"), 200)
        check_equal(machine.status("/files/big.bin", Range="bytes=1-2", If_Range='"other"'), 200)
        check_equal(machine.ask("/files/page.html")[0].headers["Content-Disposition"], "attachment")

        check_equal(machine.ask("/files/sub")[0].headers["Location"], "./sub/")
        response, body = machine.ask("/files/sub/")
        check(b"&lt;b&gt;&amp;&#39;&quot; %2e</a>" in body and b"<b>" not in body, body)
        link = re.search(r'href="(\./%3C[^"]*)"', body.decode())[1]
        check_equal(machine.ask("/files/sub/" + link)[1], b"odd")
        check(b">a.txt</a><td>6" in machine.ask("/files/")[1])

        # Links and ".." stay in the share.
        check_equal(machine.ask("/files/inside")[1], b"hello\n")
        for path in ("outside", "../secret", "%2e%2e/secret", "..%2fsecret", "sub/../../secret", "a.txt/", "none", "a.txt%00", "%", "%2", "%zz",
                     "x" * 300, "x/" * 900):
            status = machine.status("/files/" + path)
            check(status in (400, 404), (path, status))
        check_equal(machine.status("/files/a.txt", method="PUT"), 405)

        # What the host changes is there at once; a reader that goes takes nothing along.
        (share / "a.txt").write_text("changed\n")
        check_equal(machine.ask("/files/a.txt")[1], b"changed\n")


@test
def httpd_shows_nothing_unasked(context):
    share = folder(context, "notes")
    (share / "a.txt").write_text("hello\n")
    with Shares(context, share, append="") as machine:
        check_equal(machine.status("/files/a.txt"), 404)
    with Shares(context, share, append="httpd.files=other") as machine:
        check_equal(machine.status("/files/a.txt"), 404)


@test
def httpd_and_a_container_share_a_folder(context):
    share = folder(context, "notes")
    script = "echo container > /src/part; mv /src/part /src/new; until [ -e /src/go ]; do sleep 0.1; done; cat /src/go; echo end >> /src/new"
    with Shares(context, share, "-v", f"{share}:/src", image(context), "sh", "-c", script) as machine:
        while machine.status("/files/new") != 200:
            pass
        check_equal(machine.ask("/files/new")[1], b"container\n")
        (share / "go").write_text("go on\n")
        check_equal(machine.end(), 0, machine.output)
        check(b"go on" in machine.output, machine.output)
    check_equal((share / "new").read_text(), "container\nend\n")


@test
def shares_that_are_none(context):
    check_refused(context.run("--share", "notes"), "--share", "NAME=DIR")
    check_refused(context.run(STARINA_SHARES="notes=/nowhere/at/all"), "/nowhere/at/all", "notes")
