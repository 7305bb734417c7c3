# SPDX-License-Identifier: MIT
"""A browser without a window: Chromium, over its DevTools protocol."""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

WEB = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(WEB / "dev"), str(WEB.parent / "tools/test")]

from patience import Deadline  # noqa: E402  pylint: disable=wrong-import-position
from websocket import Socket  # noqa: E402  pylint: disable=wrong-import-position

import os  # noqa: E402  pylint: disable=wrong-import-position
import socket as sockets  # noqa: E402  pylint: disable=wrong-import-position

# Longest wait for anything, in seconds that count less on a busy machine.
PATIENCE = float(os.environ.get("WEB_PATIENCE", "60"))
KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), "ArrowDown": (40, ""), "ArrowUp": (38, ""),
        "Backspace": (8, ""), "Home": (36, ""), "End": (35, "")}


class BrowserError(Exception):
    """What the browser did not do."""


def connect(url):
    """A WebSocket to a DevTools address."""
    parts = urlsplit(url)
    connection = sockets.create_connection((parts.hostname, parts.port))
    connection.sendall((f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
    stream = connection.makefile("rwb")
    while stream.readline().strip():
        pass
    return Socket(stream, stream, client=True)


class Browser:
    """A running Chromium with a profile of its own."""

    def __init__(self):
        program = shutil.which("chromium")
        if not program:
            raise BrowserError("there is no chromium: ./setup.sh installs it (Debian: chromium)")
        self.profile = tempfile.mkdtemp(prefix="starina-web.")
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
             "--remote-debugging-port=0", f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file = Path(self.profile) / "DevToolsActivePort"
        end = Deadline(PATIENCE)
        while not port_file.exists() or not port_file.read_text("ascii").strip():
            if self.process.poll() is not None or end.has_passed():
                raise BrowserError("chromium did not start: run `chromium --headless --no-sandbox about:blank` to see why")
            time.sleep(0.05)
        self.port = int(port_file.read_text("ascii").split()[0])

    def tab(self):
        """A new tab."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request) as answer:
            return Tab(json.load(answer)["webSocketDebuggerUrl"])

    def close(self):
        """Ends it."""
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


class Tab:
    """One page. `problems` are its console's errors, and what it failed to load or threw."""

    def __init__(self, url):
        self.socket = connect(url)
        self.answers, self.problems, self.requests = {}, [], []
        self.changed = threading.Condition()
        self.number = 0
        threading.Thread(target=self.listen, daemon=True).start()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def listen(self):
        """Takes what the browser says."""
        for text in iter(self.socket.receive, None):
            message = json.loads(text)
            with self.changed:
                if "id" in message:
                    self.answers[message["id"]] = message
                else:
                    self.note(message["method"], message["params"])
                self.changed.notify_all()

    def note(self, method, params):
        """One event."""
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.problems.append(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def call(self, method, **params):
        """A call of the protocol; its result."""
        with self.changed:
            self.number += 1
            number = self.number
            self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
            end = Deadline(PATIENCE)
            while not self.changed.wait_for(lambda: number in self.answers, 1):
                if end.has_passed():
                    raise BrowserError(f"no answer to {method} in {PATIENCE} s")
            answer = self.answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def run(self, script):
        """The value of a JavaScript expression, which may be a promise."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise BrowserError(f"{script}: {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait(self, script, what=None):
        """Waits until an expression is true, of this document or, when it is just being left, of the next."""
        end = Deadline(PATIENCE)
        while True:
            try:
                if self.run(f"!!({script})"):
                    return
            except BrowserError as error:
                if "target navigated" not in str(error):
                    raise
            if end.has_passed():
                raise BrowserError(f"not in {PATIENCE} s: {what or script}; the page says: {self.run('document.body.innerText')[:1500]}")
            time.sleep(0.05)

    def wait_text(self, text, within="body"):
        """Waits for words on the page."""
        self.wait(f"document.querySelector({json.dumps(within)})?.innerText.includes({json.dumps(text)})", f"'{text}' in {within}")

    def open(self, url):
        """Goes to an address."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def click(self, selector):
        """Clicks on an element once it is there."""
        self.wait(f"document.querySelector({json.dumps(selector)})", selector)
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def click_text(self, text, tag="button"):
        """Clicks on the element of a kind with these words."""
        find = f"[...document.querySelectorAll({json.dumps(tag)})].find((e) => e.innerText.trim() === {json.dumps(text)})"
        self.wait(f"!!{find}", f"a {tag} '{text}'")
        self.run(f"{find}.click()")

    def type(self, text):
        """Types words into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key, control=False):
        """Presses a key: a name of KEYS or a character."""
        code, text = KEYS[key] if key in KEYS else (ord(key.upper()) if key.isalnum() else 0, "" if control else key)
        params = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 2 if control else 0, "text": text}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **params)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{**params, "text": ""})

    def close(self):
        """Closes it."""
        self.call("Page.close")

    def resize(self, width, height):
        """The size of the window's inside."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark(self, dark):
        """What the machine prefers."""
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def picture(self, path):
        """A PNG of what is seen."""
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
