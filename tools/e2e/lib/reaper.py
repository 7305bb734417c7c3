# SPDX-License-Identifier: MIT
"""apps/reaper of a running OS (the image starina-reaper with reaper.orders=1): kills by order, and what a process has."""

import http.client
import json
import time

from harness import check

ARGUMENTS = "reaper.orders=1"
PATIENCE = 240


class Reaper:
    def __init__(self, log):
        self.port = int(log.wait_for(r"orders are taken at http://127\.0\.0\.1:([0-9]+)")[1])
        self.carried_out = 0

    def ask(self, method, path):
        """(status, document); asked again while its connections do not come through: a network stack that has died tells nobody."""
        until, patience = time.monotonic() + PATIENCE, 2
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
            try:
                connection.request(method, path)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())
            except (OSError, http.client.HTTPException) as error:
                check(time.monotonic() < until, f"the reaper does not answer: {error}")
                patience *= 2
                time.sleep(0.05)
            finally:
                connection.close()

    def order(self, name, after):
        """The process is killed when the machine has switched threads so often from now on."""
        status, answer = self.ask("POST", f"/kill/{name}?after={after}&number={self.carried_out}")
        check(status == 202, answer)

    def wait(self):
        """Until the order is carried out. Whether the process was there."""
        while True:
            kills = self.ask("GET", "/kills")[1]
            if kills["kills"] + kills["failed"] > self.carried_out:
                break
            time.sleep(0.02)
        check(kills["kills"] + kills["failed"] == self.carried_out + 1, kills)
        self.carried_out += 1
        return kills

    def process(self, name):
        """Its memory and handles; None: there is none of this name."""
        status, answer = self.ask("GET", f"/processes/{name}")
        return answer if status == 200 else None

    def instances(self):
        """What the app manager has started, each with the bytes of its memory."""
        return self.ask("GET", "/instances")[1]
