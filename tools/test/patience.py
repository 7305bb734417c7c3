# SPDX-License-Identifier: MIT
"""How long to wait for what may hang."""

import os
import time


def second():
    """What a second counts: on a machine where more than two threads a core want to run, as much less as they are more."""
    return min(1, 2 * os.cpu_count() / max(os.getloadavg()[0], 1))


class Deadline:
    """The end of a wait: `seconds` of a machine that is not busy."""

    def __init__(self, seconds):
        self.left = seconds
        self.looked = time.monotonic()

    def has_passed(self):
        """Whether they are over; to be asked every second at least."""
        now = time.monotonic()
        self.left -= (now - self.looked) * second()
        self.looked = now
        return self.left < 0
