# SPDX-License-Identifier: MIT
"""The API of the web shell and ./starina: every route, who may ask and who may not, what is malformed, and clients that do not read."""

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import struct
import subprocess
import sys

from harness import ROOT, check, check_equal, test
from test_engine import Engine

sys.path.insert(0, str(ROOT / "tools"))
from starina.client import PREFIX, Address, Client, Failure  # noqa: E402  pylint: disable=wrong-import-position
from starina.websocket import BINARY, CLOSE, TEXT, WebSocket  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = 240
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
DOCUMENTS = ("status", "processes", "threads", "harts", "memory", "interrupts", "services", "channels", "vms", "network", "disks")


class Shell:
    """The API of a running system."""

    def __init__(self, context, start=Engine):
        self.context = context
        self.engine = start(context)
        path = context.build / "run/web.addr"
        check_equal(os.stat(path).st_mode & 0o777, 0o600, "web.addr is this user's only")
        self.address = Address.read(path)
        self.client = Client(self.address)
        self.engine.log.wait_for("serving tcp-listen:0.0.0.0:80")
        while self.ask("GET", PREFIX + "/processes")[0] == 503:  # it reads the boot disk
            pass

    def ask(self, method, path, body=None, token=True, **fields):
        """A request's status, fields and body."""
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=PATIENCE)
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        if token:
            fields["Authorization"] = f"Bearer {self.address.token if token is True else token}"
        connection.request(method, path, body=body, headers=fields)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def starina(self, *words):
        """Output and status of ./starina."""
        done = subprocess.run([ROOT / "starina", *words], env={**os.environ, "BUILD": str(self.context.build)}, timeout=PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        return done.returncode, done.stdout.decode()

    def routes(self):
        """Method and path of all routes of the description, with "x" for names."""
        paths = self.client.get("/openapi.json")["paths"]
        return [(method.upper(), PREFIX + path.replace("{name}", "x")) for path, methods in paths.items() for method in methods]


def check_error(answer, status, code=None):
    """An error as all are told."""
    check_equal(answer[0], status, str(answer[2]))
    error = json.loads(answer[2])["error"]
    check(error["message"] and (code is None or error["code"] == code), str(error))


def check_who_may_ask(shell):
    """Nothing but the status is told without the token, and nothing to a page of others."""
    token = shell.address.token
    others = [{"token": False}, {"token": "A" * 43}, {"token": token[:-1]}, {"token": token + "A"},
              {"token": False, "Cookie": f"token={token}"}, {"token": False, "Authorization": f"Basic {token}"},
              {"token": False, "Sec_WebSocket_Protocol": f"starina.v1, token.{token}"}]
    for method, path in [*shell.routes(), ("GET", "/metrics"), ("GET", "/engine/version"), ("GET", PREFIX + "/nothing")]:
        if path != PREFIX + "/status":
            for fields in others:
                check_error(shell.ask(method, path, **fields), 401, "unauthorized")
            check_error(shell.ask(method, path + f"?token={token}", token=False), 401, "unauthorized")
        for fields in ({"Host": "evil.example"}, {"Host": f"127.0.0.1.evil.example:{shell.address.port}"},
                       {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"https://127.0.0.1:{shell.address.port}"},
                       {"Origin": "http://127.0.0.1:1"}, {"Sec_Fetch_Site": "cross-site"}):
            answer = shell.ask(method, path, **fields)
            check_error(answer, 403, "foreign")
            check(not [name for name in answer[1] if name.lower().startswith("access-control")], str(answer[1]))
    check_equal(shell.ask("OPTIONS", PREFIX + "/processes", token=False, Origin="http://evil.example")[0], 403)
    status, fields, body = shell.ask("GET", PREFIX + "/status", token=False)
    check_equal(status, 200)
    check(fields["X-Content-Type-Options"] == "nosniff" and "frame-ancestors 'none'" in fields["Content-Security-Policy"] and
          fields["Cache-Control"] == "no-store", str(fields))
    check(not re.search(rb"httpd|tcpip", body), "the status has names")
    # Of the server itself, by the host's names.
    for host in (f"localhost:{shell.address.port}", f"[::1]:{shell.address.port}", "10.0.2.15"):
        check_equal(shell.ask("GET", PREFIX + "/processes", Host=host, Origin=f"http://{host}")[0], 200, host)


def check_documents(shell):
    """What is told of the system, and that it is told alike in the live view."""
    documents = {name: shell.client.get("/" + name) for name in DOCUMENTS}
    names = {process["name"]: process for process in documents["processes"]}
    network = shell.client.get("/network")
    check_equal(network["interfaces"][0]["name"], "uplink")
    check(network["interfaces"][0]["rx_packets"] > 0 and network["ports"][0]["app"] == "tcpip", str(network))
    check("httpd" in names and names["httpd"]["mode"] == "user" and names["httpd"]["memory"] > 0, str(names))
    check_equal(shell.client.get("/processes/httpd")["id"], names["httpd"]["id"])
    check_equal(shell.client.get(f"/processes/{names['httpd']['id']}")["name"], "httpd")
    handles = shell.client.get("/processes/httpd/handles")
    check({"channel", "system", "poll"} <= {handle["type"] for handle in handles}, str(handles))
    services = {service["name"]: service for service in documents["services"]}
    check(services["tcpip"]["provider"]["name"] == "tcpip" and
          "httpd" in [client["name"] for client in services["tcpip"]["clients"]], str(services["tcpip"]))
    check(any(channel["service"] == "tcpip" for channel in documents["channels"]), "no channel to tcpip")
    apps = {}
    while "vmm" not in apps:  # `containers` has it loaded from the boot disk
        apps = {app["name"]: app for app in shell.client.get("/apps")}
    check(apps["httpd"]["origin"] == "image" and apps["httpd"]["state"] == "running" and apps["vmm"]["origin"] == "loaded", str(apps))
    check_equal(set(shell.client.get("/metrics")), {"status", "memory", "harts", "processes"})
    text = shell.ask("GET", "/metrics")[2].decode()
    check(re.search(r'^starina_process_memory_bytes\{process="httpd",id="\d+"\} \d+$', text, re.M), text)
    check_disks(shell)
    trace = shell.client.get("/trace", ms=50)
    check({"M", "X", "i"} <= {event["ph"] for event in trace["traceEvents"]} and "lost" in trace["otherData"], "a trace without events")
    live = WebSocket(shell.address, "/live", timeout=PATIENCE)
    live.send(TEXT, json.dumps({"interval_ms": 100, "what": [*DOCUMENTS, "logs", "what there is not"]}).encode())
    first, second = (json.loads(live.recv()[1]) for _ in range(2))
    check(set(DOCUMENTS) | {"time_ns", "logs"} == set(first) and second["time_ns"] > first["time_ns"], str(set(first)))
    check(first["logs"]["lines"] and first["logs"]["next"] <= second["logs"]["next"], "the log of the live view")
    live.close()


def check_disks(shell):
    """The disks: what goes through the state disk is counted, and how full it is."""
    before = shell.client.get("/disks")
    disks = {disk["name"]: disk for disk in before["disks"]}
    check(disks["boot"]["read_only"] and disks["boot"]["read_bytes"] >= 512 and disks["boot"]["written_bytes"] == 0, str(disks["boot"]))
    check(disks["state"]["users"] == ["fs"] and not disks["state"]["read_only"], str(disks["state"]))
    check(0 < before["volumes"]["free"] < before["volumes"]["total"] <= disks["state"]["bytes"], str(before))
    check_equal(shell.ask("POST", "/engine/volumes/create", b'{"Name":"disks"}', Content_Type="application/json")[0], 201)
    check_equal(shell.ask("PUT", PREFIX + "/files/content?path=/disks/a", b"x" * 5000000)[0], 204)
    after = shell.client.get("/disks")
    state = {disk["name"]: disk for disk in after["disks"]}["state"]
    check(state["written_bytes"] >= disks["state"]["written_bytes"] + 5000000 and state["flushes"] > disks["state"]["flushes"], str(state))
    check(after["volumes"]["free"] <= before["volumes"]["free"] - 5000000, str(after))


def check_log(shell):
    """The log: its parts, and what follows."""
    lines = shell.client.get("/logs", limit=2000)
    check(any("serving tcp-listen" in line["text"] and line["app"] == "httpd" for line in lines["lines"]), "no line of httpd's")
    check_equal(len(shell.client.get("/logs", limit=3)["lines"]), 3)
    check_equal({line["app"] for line in shell.client.get("/logs", app="httpd")["lines"]}, {"httpd"})
    check_equal(shell.client.get("/logs", since=lines["next"], level="error")["lines"], [])
    follower = shell.client.lines("GET", f"/logs?follow=1&since={lines['next']}&app=kernel")
    check_equal(shell.client.call("POST", "/apps/hello/start")["name"], "hello")
    check("hello" in next(follower)["text"], "what comes is not told")
    follower.close()


def check_malformed(shell):
    """Requests that are none have an answer of their own, and httpd goes on."""
    for path in ("/logs?limit=x", "/logs?since=-1", "/logs?level=loud", "/logs?app=" + "a" * 99, "/metrics?format=xml"):
        check_error(shell.ask("GET", PREFIX + path), 400)
    for body in (b"", b"{", b"[]", b'{"argv":[]}', b'{"argv":"ls"}', b'{"argv":["\\u0000"]}', b'{"argv":["a"],"env":["b"]}', b"\xff" * 99,
                 b"[" * 5000, json.dumps({"argv": ["a"] * 600}).encode(), json.dumps({"argv": ["a" * 70000]}).encode()):
        check(400 <= shell.ask("POST", PREFIX + "/commands", body)[0] < 500, str(body[:40]))
    for name, status in (("x" * 99, 404), ("%00", 400), ("nobody", 404), ("%2e%2e%2fhttpd", 404), ("18446744073709551617", 404)):
        check_equal(shell.ask("POST", PREFIX + f"/processes/{name}/kill")[0], status, name)
    check(400 <= shell.ask("PUT", PREFIX + "/apps/vmm", b"\x7fELF" + b"x" * 5000)[0] < 500, "a file that is no app")
    check(400 <= shell.ask("POST", PREFIX + "/apps/hello/start", b'{"config":5}')[0] < 500, "a configuration that is none")
    check_error(shell.ask("POST", PREFIX + "/processes"), 405)
    check_error(shell.ask("GET", PREFIX + "/nothing"), 404)
    check_error(shell.ask("GET", PREFIX + "/live"), 426)
    answer = shell.ask("GET", PREFIX + "/live", **{**UPGRADE, "Sec-WebSocket-Version": "8"})
    check_error(answer, 426)
    check_equal(answer[1]["Sec-WebSocket-Version"], "13")
    # Names and output of others are text, whatever is in them.
    end = list(shell.client.lines("POST", "/commands", {"argv": ["<script>\x1b[2J"]}))[-1]
    check(end["exit"] in (125, 126, 127), str(end))


def raw_socket(shell):
    """A WebSocket whose frames are the test's."""
    made = WebSocket(shell.address, "/live", timeout=PATIENCE)
    made.socket.settimeout(PATIENCE)
    return made.socket


def check_frames(shell):
    """Frames that are none close the WebSocket with the code that says so."""
    mask = b"\0\0\0\0"
    for frame, code in ((b"\x81\x05Hello", 1002), (b"\xc1\x80" + mask, 1002), (b"\x83\x80" + mask, 1002), (b"\x80\x80" + mask, 1002),
                        (b"\x81\xff" + struct.pack(">Q", 1 << 40) + mask, 1009), (b"\x81\x82" + mask + b"\xc3\x28", 1007),
                        (b"\x82\x81" + mask + b"x", 1008), (b"\x81\x82" + mask + b"{]", 1008)):
        with raw_socket(shell) as sock:
            sock.sendall(frame)
            answer = sock.recv(4)
            check_equal((answer[0], struct.unpack(">H", answer[2:4])[0]), (0x80 | CLOSE, code), str(frame))
    with raw_socket(shell) as sock:  # a message that never ends
        sock.sendall(b"\x01\x80" + mask)
        try:
            for _ in range(200):
                sock.sendall(b"\x00\xfd" + mask + b"x" * 125)
        except OSError:
            pass
        check_equal(sock.recv(4)[2:4], struct.pack(">H", 1009))


def check_slow_readers(shell):
    """Who asks for much and reads nothing costs no more than a window."""
    before = shell.client.get("/processes/httpd")["memory"]
    sockets = []
    for _ in range(8):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((shell.address.host, shell.address.port))
        sock.sendall((f"GET {PREFIX}/live HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items()) +
                      f"Sec-WebSocket-Protocol: starina.v1, token.{shell.address.token}\r\n\r\n").encode())
        ask = json.dumps({"interval_ms": 100, "what": [*DOCUMENTS, "logs"]}).encode()
        sock.sendall(b"\x81\xfe" + struct.pack(">H", len(ask)) + b"\0\0\0\0" + ask)
        sockets.append(sock)
    for _ in range(100):
        shell.client.get("/channels")
    after = shell.client.get("/processes/httpd")["memory"]
    check(after - before < 16 << 20, f"httpd has {after} bytes, {before} before")
    for sock in sockets:
        sock.close()


def check_linux(shell):
    """Programs and terminals."""
    lines = list(shell.client.lines("POST", "/commands", {"argv": ["sh", "-c", "cat; echo $A >&2; exit 3"], "env": ["A=b c"],
                                                          "stdin": "hello \x1b<"}))
    said = {stream: b"".join(base64.b64decode(line["data"]) for line in lines if line.get("stream") == stream)
            for stream in ("stdout", "stderr")}
    check_equal((said["stdout"], said["stderr"], lines[-1]), (b"hello \x1b<", b"b c\n", {"exit": 3}))
    end = list(shell.client.lines("POST", "/commands", {"argv": ["ls"], "image": "nosuch"}))[-1]
    check(end["exit"] == 125 and "nosuch" in end["error"], str(end))
    lines = list(shell.client.lines("POST", "/commands", {"argv": ["head", "-c", "3000000", "/dev/zero"]}))
    check_equal(sum(len(base64.b64decode(line["data"])) for line in lines if "stream" in line), 3000000)
    terminal = WebSocket(shell.address, "/terminal?rows=7&cols=33", timeout=PATIENCE)
    terminal.send(BINARY, b"stty size; tty\n")
    output = b""
    while b"/dev/" not in output:
        output += terminal.recv()[1]
    check(b"7 33" in output, str(output))
    terminal.send(TEXT, b'{"resize":[9,44]}')
    # What is typed may overtake the size, which goes another way in the machine.
    terminal.send(BINARY, b"until [ \"$(stty size)\" = '9 44' ]; do sleep 0.1; done; stty size; exit 5\n")
    opcode, data = terminal.recv()
    while opcode == BINARY:
        output += data
        opcode, data = terminal.recv()
    check_equal(json.loads(data), {"exit": 5})
    check(b"\n9 44\r\n" in output, str(output))


def check_written_when_killed(shell, content):
    """httpd, or fs, is killed while a file is written anew: it is the old one or the new one, and the new one for who was told so."""
    def written():
        return next(disk["written_bytes"] for disk in shell.client.get("/disks")["disks"] if disk["name"] == "state")

    old = b"0" * (8 << 20)
    check_equal(content("PUT", "/web/a", old)[0], 204)
    for turn in range(1, 7):
        new = b"%x" % turn * len(old)
        with socket.create_connection((shell.address.host, shell.address.port), timeout=PATIENCE) as sock:
            sock.sendall((f"PUT {PREFIX}/files/content?path=/web/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                          f"Authorization: Bearer {shell.address.token}\r\nContent-Length: {len(new)}\r\n\r\n").encode() + new[1:])
            before = written()
            sock.sendall(new[:1])
            while turn % 3 and written() == before:
                pass
            if turn % 4 == 0:
                httpd_kill(shell)
                told = None
            else:
                shell.client.call("POST", "/processes/fs/kill")
                with sock.makefile("rb") as answer:
                    head, _, body = answer.read().partition(b"\r\n\r\n")
                told = int(head.split()[1])
                check(told == 204 or (told >= 500 and json.loads(body)["error"]["message"]), str((head, body)))
        while (found := content("GET", "/web/a"))[0] == 503:  # fs is on its way
            pass
        check_equal(found[0], 200, str(found[2][:200]))
        check(found[2] == new or (found[2] == old and told != 204), f"told {told}; {len(found[2])} bytes, {found[2][:1]} of {turn}")
        old = found[2]


def check_written_files(shell, content):
    """A file that is written anew keeps whose it is, and is the old one or the new one if httpd ends meanwhile."""
    def names():
        return sorted(entry["name"] for entry in shell.client.get("/files?path=/web")["entries"])

    check_equal(names(), ["a"])
    for path in ("/web/nosuch/a", "/web/a/b", "/web/b/", "/web/" + "n" * 300, "/web"):
        check(400 <= content("PUT", path, b"x")[0] < 500, path)
    check_equal(names(), ["a"], "something is left of what was refused")
    check_written_when_killed(shell, content)
    for name in set(names()) - {"a"}:
        check(name.startswith(".new-"), name)
        check_equal(content("DELETE", "/web/" + name)[0], 204)
    check_equal(content("PUT", "/web/a", b"short")[0], 204)


def check_volumes(shell):
    """Files of a volume: written, cut, and what is refused."""
    def content(method, path, body=None):
        return shell.ask(method, PREFIX + "/files/content?path=" + path, body)

    for name in ("web", "other"):
        check_equal(shell.ask("POST", "/engine/volumes/create", json.dumps({"Name": name}).encode(), Content_Type="application/json")[0], 201)
    for text in (b"x" * 600000, b"y" * 700000, b"short"):
        check_equal(content("PUT", "/web/a", text)[0], 204)
        check_equal(content("GET", "/web/a")[2], text)
    for method, path in (("DELETE", "/web/a%zz"), ("DELETE", "/web/a%00"), ("PUT", "/web/a%zz"), ("PUT", "/web/a%00x")):
        check_error(content(method, path, b"other" if method == "PUT" else None), 400)
        check_equal(content("GET", "/web/a")[2], b"short", "what was refused was carried out")
    check_written_files(shell, content)
    check_equal(content("PUT", "/other/secret", b"secret")[0], 204)
    check_equal(content("GET", "/web/../other/secret")[2], b"secret")
    check_equal(content("DELETE", "/web/a")[0], 204)
    check_error(content("GET", "/web/a"), 404)


def check_clients_that_go(shell):
    """A command ends with its client, and what a terminal is told arrives whole."""
    limit = 16  # commands at a time
    for _ in range(limit + 4):
        body = json.dumps({"argv": ["sleep", "100000"]}).encode()
        with socket.create_connection((shell.address.host, shell.address.port), timeout=PATIENCE) as sock:
            sock.sendall((f"POST {PREFIX}/commands HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {shell.address.token}\r\n"
                          f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
            check(sock.recv(12) == b"HTTP/1.1 200", "the command does not begin")
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):  # httpd gives it up
                pass
    check_equal(list(shell.client.lines("POST", "/commands", {"argv": ["true"]}))[-1], {"exit": 0})
    terminal = WebSocket(shell.address, "/terminal?" + "&".join(f"argv={word}" for word in (
        "sh", "-c", "stty%20raw%20-echo;%20echo%20ready;%20sleep%201;%20head%20-c%201000000%20|%20md5sum")), timeout=PATIENCE)
    output = b""
    while b"ready" not in output:
        output += terminal.recv()[1]
    text = bytes(i * 7 % 251 for i in range(1000000))
    for at in range(0, len(text), 4096):
        terminal.send(BINARY, text[at:at + 4096])
    message = terminal.recv()
    while message is not None and message[0] == BINARY:
        output += message[1]
        message = terminal.recv()
    check(hashlib.md5(text).hexdigest().encode() in output, f"the input of a terminal came changed: {output}")


def check_command(shell):
    """./starina."""
    for words, pattern in ((("status",), "Starina .* harts"), (("ps",), r"httpd +user"), (("top", "-n", "1", "-d", "0.1"), "CPU %"),
                           (("services",), "tcpip"), (("logs", "httpd"), "serving"), (("start", "hello"), "hello"),
                           (("run", "echo", "hi"), "^hi$")):
        status, output = shell.starina(*words)
        check(status == 0 and re.search(pattern, output, re.M), f"{words}: {status} {output}")
    for words, pattern in ((("kill", "nobody"), "no process nobody"), (("push", "nosuch"), "cannot read"), (("stop", "httpd"), "starina: "),
                           (("--address", "http://127.0.0.1:1/#token=x", "ps"), "takes a file")):
        status, output = shell.starina(*words)
        check(status == 1 and re.search(pattern, output), f"{words}: {status} {output}")
    check_equal(shell.starina("run", "sh", "-c", "exit 9")[0], 9)


def check_engine(shell):
    """Docker's API behind the token."""
    check_equal(shell.client.get("/containers"), [])
    check_equal(json.loads(shell.ask("GET", "/engine/v1.45/version")[2])["ApiVersion"], "1.50")
    check_equal(shell.ask("GET", "/engine/containers/nosuch/json")[0], 404)


def httpd_kill(shell):
    """Ends httpd, and waits until it serves again. Returns what is told of it then."""
    before = shell.client.get("/processes/httpd")["id"]
    check_equal(shell.starina("kill", "httpd")[0], 0)
    while True:
        try:
            state = shell.client.get("/processes/httpd")
        except Failure:  # it starts, or reads the boot disk
            continue
        if state["id"] != before:
            return state


def check_restart(shell):
    """httpd is killed: the same token serves on, and it is the same boot."""
    boot = shell.client.get("/status")["boot_id"]
    restarts = shell.client.get("/processes/httpd")["restarts"]
    state = httpd_kill(shell)
    check(state["restarts"] == restarts + 1 and state["last_end"]["how"] == "killed", str(state))
    check_equal(shell.client.get("/status")["boot_id"], boot)


@test
def web_api(context):
    shell = Shell(context)
    for part in (check_who_may_ask, check_documents, check_log, check_malformed, check_frames, check_slow_readers, check_engine,
                 check_linux, check_volumes, check_clients_that_go, check_command, check_restart):
        part(shell)
    context.stop(shell.engine.process)
    check(not (context.build / "run/web.addr").exists(), "web.addr is left")
