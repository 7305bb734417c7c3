# SPDX-License-Identifier: MIT
"""The API over HTTP: where the system is, requests, and what is said when one fails."""

import http.client
import json
import os
import urllib.parse
from pathlib import Path

PREFIX = "/api/v1"
TIMEOUT = 30


class Failure(Exception):
    """What is told to the user, in place of a backtrace."""


class Address:
    """Host, port and token of a run, as run.sh has written them. The token is a secret: it is read from a file or the
    environment, for each user of the host sees the command line. `source` is where it was."""

    def __init__(self, url, source):
        parts = urllib.parse.urlsplit(url.strip())
        token = urllib.parse.parse_qs(parts.fragment).get("token", [""])[0]
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme != "http" or not parts.hostname or not port or not token:
            raise Failure(f"{source}: this is not an address as http://127.0.0.1:30080/#token=...")
        self.host = parts.hostname
        self.port = port
        self.token = token

    @classmethod
    def read(cls, path):
        """Of a file."""
        try:
            return cls(Path(path).read_text(encoding="ascii"), path)
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"cannot read {path}: {error}") from error

    @classmethod
    def find(cls, file=None):
        """Of `file`; without one, of STARINA_ADDRESS, or of the system that was started last in the build directory."""
        if file:
            if file.startswith("http:"):
                raise Failure("--address takes a file with the address in it: all users of this host see a command line, "
                              "and the token is a secret. The address itself goes into the variable STARINA_ADDRESS.")
            return cls.read(file)
        if os.environ.get("STARINA_ADDRESS"):
            return cls(os.environ["STARINA_ADDRESS"], "STARINA_ADDRESS")
        path = build_folder() / "run" / "web.addr"
        if not path.exists():
            raise Failure(f"nothing runs here: {path} is not there; start the system with ./run.sh")
        return cls.read(path)


def build_folder():
    """BUILD, or the tree's own."""
    root = Path(__file__).resolve().parent.parent.parent
    return Path(os.environ.get("BUILD") or root / "build")


class Client:
    """Requests, one connection each."""

    def __init__(self, address):
        self.address = address

    def open(self, method, path, body=None, timeout=TIMEOUT):
        """The answer of a request, to be read; a Failure if it is an error."""
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=timeout)
        fields = {"Authorization": f"Bearer {self.address.token}", "Connection": "close"}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            fields["Content-Type"] = "application/json"
        try:
            connection.request(method, PREFIX + path, body=body, headers=fields)
            answer = connection.getresponse()
            if connection.sock:
                connection.sock.close()  # it stays open for the answer, and goes with it
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"the system does not answer at {self.address.host}:{self.address.port}: {error}") from error
        if answer.status >= 400:
            with answer:
                text = read_all(answer)
            raise Failure(error_text(answer.status, text))
        return answer

    def call(self, method, path, body=None):
        """The document that a request is answered with; None: there is none."""
        with self.open(method, path, body) as answer:
            text = read_all(answer)
        return document(text) if text else None

    def get(self, path, **query):
        """The document at a path."""
        query = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def lines(self, method, path, body=None):
        """The documents of an answer that has one a line, as they come."""
        with self.open(method, path, body, timeout=None) as answer:
            while line := read_all(answer, answer.readline):
                yield document(line)


def read_all(answer, read=None):
    """The body, or what `read` reads of it; what breaks off is a Failure."""
    try:
        return (read or answer.read)()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"the answer broke off: {error}") from error


def document(text):
    """The value of JSON that the system has sent."""
    try:
        return json.loads(text)
    except ValueError:
        raise Failure("the answer broke off, or is none of this API") from None


def error_text(status, body):
    """What an error says."""
    if status == 401:
        return "the token is of another boot: the system was started anew, or by another run.sh"
    try:
        return json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return f"the system answers with status {status}"


def quote(name):
    """A name as a part of a path."""
    return urllib.parse.quote(name, safe="")
