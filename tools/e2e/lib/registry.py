# SPDX-License-Identifier: MIT
"""A docker-registry of our own on a free port of the loopback interface."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from harness import free_port

START_TIMEOUT = 300


class Registry:
    """`user` and `password`, when given, are the only ones that it lets in."""

    def __init__(self, directory, user=None, password=None):
        self.directory = Path(directory)
        self.user, self.password = user, password
        self.directory.mkdir()
        self.process = None
        self.port = None

    def auth(self):
        if not self.user:
            return ""
        passwords = self.directory / "htpasswd"
        subprocess.run(["htpasswd", "-Bbc", passwords, self.user, self.password], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return f"auth: {{htpasswd: {{realm: test, path: '{passwords}'}}}}\n"

    def start(self):
        # Another program may take the port between the look and the start: then look again.
        for _ in range(5):
            self.port = free_port()
            config = self.directory / "config.yml"
            config.write_text(
                "version: 0.1\n"
                "log: {level: error}\n"
                f"storage: {{filesystem: {{rootdirectory: {self.directory}/data}}}}\n"
                f"http: {{addr: '127.0.0.1:{self.port}'}}\n" + self.auth())
            with open(self.directory / "log", "wb") as log:
                self.process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log,
                                                stdin=subprocess.DEVNULL)
            if self.wait():
                return self
            self.stop()
        raise RuntimeError("docker-registry does not start: " + (self.directory / "log").read_text()[-500:])

    def wait(self):
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/", timeout=60).close()
                return True
            except urllib.error.HTTPError:  # it asks for a login
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
            self.process.wait()
        self.process = None

    def name(self, image):
        return f"127.0.0.1:{self.port}/{image}"

    def push(self, layout, image):
        """Pushes all of an OCI layout as `image` (NAME:TAG); returns the docker:// reference."""
        login = [f"--dest-creds={self.user}:{self.password}"] if self.user else []
        subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--all", "--dest-tls-verify=false", *login,
                        f"oci:{layout.path}:latest", "docker://" + self.name(image)], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return "docker://" + self.name(image)
