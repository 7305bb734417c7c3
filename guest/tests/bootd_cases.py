# SPDX-License-Identifier: MIT
"""What the tests of bootd are written with."""
import re


def config(*args, **more):
    """A config.json like the one our image tool writes."""
    process = {"args": list(args), "env": ["PATH=/bin", "HOME=/root"], "cwd": "/",
               "user": {"uid": 0, "gid": 0}}
    process.update(more.pop("process", {}))
    return {"ociVersion": "1.0.2", "process": process, "hostname": "box", **more}


# A container that gets little of the processor, so that bootd is quicker than its processes.
SLOW = {"resources": {"cpu": {"quota": 2000, "period": 100000}}}

TESTS = []


def test(root="plain"):
    """Marks a test, which gets a guest whose root disk is the image of this name."""
    def mark(function):
        TESTS.append((function.__name__, root, function))
        return function
    return mark


def check(actual, expected):
    """Fails with both values."""
    assert actual == expected, f"expected {expected!r}, got {actual!r}"


def expect_run(guest, wanted, status, stdout=None, stderr=b"", **more):
    """Runs to the end and compares."""
    guest.start(wanted, **more)
    actual = guest.end()
    check((actual[0], actual[3]), (status, None))
    if stdout is not None:
        check(actual[1], stdout)
    check(actual[2], stderr)
    return actual


def expect_failure(guest, wanted, status, pattern, **more):
    guest.start(wanted, **more)
    actual = guest.end()
    check(actual[0], status)
    assert actual[3] is not None and re.search(pattern, actual[3]), f"message {actual[3]!r}"
    check(actual[1], b"")
