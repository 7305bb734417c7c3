# SPDX-License-Identifier: MIT
"""The made-up system's engine: containers that are made, started, stopped, attached to, and that say back what they are told."""

import json
import struct

STATES = {"running": "Up 3 minutes", "exited": "Exited (1) 2 minutes ago", "created": "Created"}
LINES = [("stdout", "listening on port 80\n"), ("stderr", "warning: <b>no</b> certificate\n")]


class Missing(Exception):
    """There is no such container or image."""


class Containers:
    """The containers, and the images that there are."""

    def __init__(self):
        self.images = {"nginx:alpine", "debian:trixie", "alpine"}
        self.listed = [self.make("4f1d" * 16, "web-1", "nginx:alpine", ["nginx"], "running", False),
                       self.make("9b2c" * 16, "<i>job</i>", "debian:trixie", ["sh", "-c", "exit 1"], "exited", False)]
        self.execs = []

    @staticmethod
    def make(number, name, image, command, state, tty):
        """A container, as it is kept here."""
        return {"Id": number, "name": name, "Image": image, "command": command, "State": state, "tty": tty}

    def list(self):
        """GET containers."""
        return [{"Id": each["Id"], "Names": ["/" + each["name"]], "Image": each["Image"], "Command": " ".join(each["command"]),
                 "State": each["State"], "Status": STATES[each["State"]]} for each in self.listed]

    def find(self, name):
        """The container of a number, or the beginning of one, or a name."""
        for each in self.listed:
            if each["name"] == name or each["Id"].startswith(name):
                return each
        raise Missing(f"No such container: {name}")

    def create(self, body):
        """POST containers/create."""
        if body["Image"] not in self.images:
            raise Missing(f"No such image: {body['Image']}")
        number = f"{len(self.listed) + 1:064x}"[::-1]
        self.listed.append(self.make(number, f"made-{len(self.listed)}", body["Image"], body.get("Cmd", []), "created",
                                     body.get("Tty", False)))
        return {"Id": number}

    def exec(self, name, body):
        """POST containers/NAME/exec."""
        self.execs.append(f"{' '.join(body['Cmd'])} in {self.find(name)['name']} # ")
        return {"Id": str(len(self.execs) - 1)}

    def answer(self, call, query, body):
        """A call of docker's API: the type, the status and the bytes of its answer."""
        method, path = call.split(" ", 1)
        kind, name, action = (path.split("/") + ["", ""])[:3]
        result, content_type, status = {}, "application/json", 200
        if path == "containers/create":
            result, status = self.create(json.loads(body)), 201
        elif path == "images/create":
            result = self.pull(query["fromImage"])
        elif action == "resize":
            pass
        elif kind == "exec":
            result = {"ExitCode": 3}
        elif action == "exec":
            result, status = self.exec(name, json.loads(body)), 201
        elif action == "json":
            result = {"State": {"Running": False, "ExitCode": 3}}
        elif action == "logs":
            result, content_type = self.log(), "application/vnd.docker.multiplexed-stream"
        elif action in ("start", "stop"):
            self.find(name)["State"] = "running" if action == "start" else "exited"
        elif method == "DELETE":
            self.listed.remove(self.find(name))
        else:
            raise Missing(f"page not found: {path}")
        return content_type, status, result if isinstance(result, bytes) else json.dumps(result).encode()

    def pull(self, image):
        """POST images/create: what it says."""
        if image.startswith("missing"):
            said = [{"error": f"{image} is in no registry"}]
        else:
            self.images.add(image)
            said = [{"status": "Pulling fs layer", "id": "aa11"}, {"status": "Pull complete", "id": "aa11"}, {"status": "Downloaded"}]
        return "".join(json.dumps(each) + "\r\n" for each in said).encode()

    @staticmethod
    def log():
        """GET containers/NAME/logs: pieces with heads, as docker sends them."""
        return b"".join(frames(2 if name == "stderr" else 1, text.encode()) for name, text in LINES)


def frames(number, data):
    """A piece of a stream, as docker sends it."""
    return struct.pack(">BxxxI", number, len(data)) + data


def talk(socket, tty, prompt):
    """A program at the end of a WebSocket, until it ends or the client leaves: it says back each line."""
    socket.send(json.dumps({"tty": tty}))

    def say(data, number=1):
        # In pieces that are cut anywhere.
        whole = data if tty else frames(number, data)
        socket.send(whole[:5])
        socket.send(whole[5:])

    say(prompt)
    for message in iter(socket.receive, None):
        if message == b"\x04" or (isinstance(message, str) and "eof" in json.loads(message)):
            return
        if isinstance(message, bytes):
            say(message.replace(b"\r", b"\r\n" + prompt) if tty else b"you said " + message)
            if not tty:
                say(b"and this is an error\n", 2)
