# SPDX-License-Identifier: MIT
"""How long to wait for what may hang."""

import os


def second():
    """What a second counts: on a machine where more than two threads a core want to run, as much less as they are more."""
    return min(1, 2 * os.cpu_count() / max(os.getloadavg()[0], 1))
