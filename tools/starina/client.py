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
    """Host, port and token of the newest run, as run.sh has written them."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url.strip())
        token = urllib.parse.parse_qs(parts.fragment).get("token", [""])[0]
        if parts.scheme != "http" or not parts.hostname or not parts.port or not token:
            raise Failure(f"{url.strip()!r} is not an address as http://127.0.0.1:30080/#token=...")
        self.host = parts.hostname
        self.port = parts.port
        self.token = token

    @classmethod
    def find(cls, build):
        """Of the system that was started last in this build directory."""
        path = Path(build) / "run" / "web.addr"
        try:
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            raise Failure(f"nothing runs here: {path} is not there; start the system with ./run.sh") from None
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"cannot read {path}: {error}") from error
        return cls(text)


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
        return json.loads(text) if text else None

    def get(self, path, **query):
        """The document at a path."""
        query = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def lines(self, method, path, body=None):
        """The documents of an answer that has one a line, as they come."""
        with self.open(method, path, body, timeout=None) as answer:
            while line := answer.readline():
                yield json.loads(line)


def read_all(answer):
    """The body; what breaks off is a Failure."""
    try:
        return answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"the answer broke off: {error}") from error


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
