# SPDX-License-Identifier: MIT
"""The network of apps in TypeScript: what they serve, asked by clients of the host, good ones and bad ones."""

import base64
import http.client
import json
import os
import re
import socket
import sys
from urllib.parse import quote

from harness import ROOT, check, check_equal, free_port, test
from test_engine_containers import make_image
from test_typescript import Scripts

sys.path.insert(0, str(ROOT / "web/dev"))
from websocket import TEXT, Socket, accept_key  # noqa: E402  pylint: disable=wrong-import-position

EXAMPLES = ROOT / "ts/examples"
PATIENCE = 300
APPS = ("gateway_ts", "file_browser_ts", "chat_ts")


class Served:
    """An app that serves HTTP, at a port of the host."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, **headers):
        """Status, fields and body of the answer, by a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def status(self, *request, **headers):
        return self.ask(*request, **headers)[0]

    def socket(self, path, **headers):
        """A WebSocket there; the answer's first line, where it is refused."""
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        reader = connection.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        fields = {"Host": f"127.0.0.1:{self.port}", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": 13,
                  "Sec-WebSocket-Key": key, **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        connection.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        first = reader.readline().decode()
        if " 101 " not in first:
            return first
        head = iter(reader.readline, b"\r\n")
        check(f"Sec-WebSocket-Accept: {accept_key(key)}\r\n".encode() in list(head), "the key is answered")
        return Socket(reader, connection.makefile("wb"), client=True)

    def say(self, data):
        """A client that says these bytes, and leaves without a word."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            client.sendall(data)


def push(scripts, folder):
    status, output = scripts.starina("push", str(folder))
    check(status == 0, output)


def check_properties(scripts):
    """Each property once, within the system; what does not hold is an exception."""
    push(scripts, ROOT / "ts/tests/net_ts")
    scripts.log.wait_for("net_ts: ended with status")
    lines = [line for line in scripts.log.lines if "net_ts" in line]
    check(any(re.search(r"INFO   12 passed", line) for line in lines), "\n".join(lines))


def check_gateway(gateway):
    text = "".join(f"{number * 7919 % 10007}\n" for number in range(10007))
    check_equal(gateway.ask("POST", "/count", text)[2].strip(), str(len(text)).encode())
    status, fields, body = gateway.ask("POST", "/sort", text)
    check_equal((status, fields["Transfer-Encoding"], body.decode().split()), (200, "chunked", sorted(text.split())))
    # The system's own page, which is another app's.
    status, fields, body = gateway.ask("GET", "/behind/")
    check(status == 200 and fields["content-type"].startswith("text/html") and b"Starina" in body, body)
    check_equal(gateway.status("GET", "/behind/no/such/page"), 404)
    check_equal(gateway.status("GET", "/nothing"), 404)
    # Clients that go in the midst: of their body, of the answer. Each has a program, of which there are 16 at most.
    for _ in range(20):
        gateway.say(b"POST /sort HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    while gateway.status("POST", "/sort", "") == 503:  # those of the clients that went end
        pass
    check_equal(gateway.ask("POST", "/sort", "b\na\n")[2], b"a\nb\n")


def check_files(browser):
    name = "/<b>&\u00fc.txt"
    data = bytes(range(256)) * 4096
    check_equal(browser.ask("GET", "/")[0], 200)
    check_equal(browser.status("PUT", quote(name), b"hello"), 201)
    check_equal(browser.status("PUT", "/large", data), 201)
    status, fields, body = browser.ask("GET", quote(name))
    check_equal((status, fields["content-type"], fields["Content-Length"], body), (200, "text/plain; charset=utf-8", "5", b"hello"))
    check("sandbox" in fields["content-security-policy"] and fields["x-content-type-options"] == "nosniff", fields)
    check_equal(browser.ask("GET", "/large")[2], data)
    status, fields, body = browser.ask("HEAD", "/large")
    check_equal((status, fields["Content-Length"], body), (200, str(len(data)), b""))
    listed = browser.ask("GET", "/")[2].decode()
    check("&#60;b&#62;&#38;\u00fc.txt" in listed and "<b>&" not in listed and f"<td>{len(data)}" in listed, listed)
    check_equal(browser.ask("GET", "//")[2], browser.ask("GET", "/")[2])
    for path, status in (("/none", 404), ("/../../etc/passwd", 404), ("/large/", 404), ("/%ff", 400), ("/%00", 400), ("/" + 2000 * "x", 400)):
        check_equal(browser.status("GET", path), status, path)
    check_equal(browser.status("POST", "/x", b"y"), 405)
    # One that leaves in the midst of its file leaves nothing of it, one that leaves in the midst of an answer harms nobody.
    browser.say(b"PUT /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    browser.say(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    while b".part" in browser.ask("GET", "/")[2]:
        pass
    check_equal(browser.status("GET", "/cut"), 404)
    check_equal(browser.status("DELETE", "/large"), 204)
    check_equal(browser.status("GET", "/large"), 404)


def hears(client, source, text):
    """Waits until the client is told this."""
    while True:
        message = client.receive()
        check(message is not None, f"{source} does not say {text!r}")
        if json.loads(message) == {"from": source, "text": text}:
            return


def check_chat(chat):
    status, fields, page = chat.ask("GET", "/")
    check_equal((status, fields["content-type"]), (200, "text/html; charset=utf-8"))
    check(b"textContent" in page and b"innerHTML" not in page, "what is said is text")
    one, two = (chat.socket("/chat") for _ in range(2))
    hears(one, "chat", "guest 2 has come")
    for text in ("hello \u00fc", "<script>alert(1)</script>"):
        two.send(text)
        hears(one, "guest 2", text)
        hears(two, "guest 2", text)
    # Who breaks the rules is put out; the others are told.
    two.send(b"\xff", TEXT)
    while two.receive() is not None:
        pass
    hears(one, "chat", "guest 2 has gone")
    check(" 403 " in chat.socket("/chat", Origin="http://elsewhere"), "a page from elsewhere is not let in")
    check_equal(chat.status("GET", "/chat"), 426)
    # Who comes later hears what was said before.
    hears(chat.socket("/chat"), "guest 2", "<script>alert(1)</script>")


def check_bad_clients(served):
    """Garbage, huge heads and silence; the next client is answered all the same."""
    for data in (b"\0" * 100, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000, b"GET / HTTP/9.9\r\n\r\n", b"G"):
        served.say(data)
    waiting = [socket.create_connection(("127.0.0.1", served.port), PATIENCE) for _ in range(20)]
    for client in waiting:
        client.sendall(b"GET / HTTP/1.1\r\n")
    check_equal(served.status("GET", "/"), 200)
    for client in waiting:
        client.close()


@test
def servers_in_typescript(context):
    served = {name: Served(free_port()) for name in APPS}
    ports = ",".join(f"{served[name].port}:{8080 + i}" for i, name in enumerate(APPS))
    with Scripts(context, "--app-ports", ports, STARINA_KEEP="1", STARINA_MEMORY="2G",
                 LINUXRUN_IMAGES=f"alpine=oci://{make_image(context)}") as scripts:
        for name in APPS:
            push(scripts, EXAMPLES / name)
            scripts.log.wait_for(rf"\[{name} *\] INFO   open at port")
        check_properties(scripts)
        check_gateway(served["gateway_ts"])
        check_files(served["file_browser_ts"])
        check_chat(served["chat_ts"])
        for name in APPS:
            check_bad_clients(served[name])
        check(not [line for line in scripts.log.lines if re.search(r"(gateway_ts|file_browser_ts|chat_ts): ended", line)], "all go on")
