#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py [PART-OF-A-NAME...]: tests of the web page in Chromium, with a made-up system. BUILD names the build directory."""

import os
import sys

sys.dont_write_bytecode = True

import suite  # noqa: E402  pylint: disable=wrong-import-position
import test_page  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import test_shell  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import


def main():
    """The command."""
    chosen = [each for each in suite.tests if not sys.argv[1:] or any(part in each.__name__ for part in sys.argv[1:])]
    build = os.environ.get("BUILD", "build")
    passed, failed = suite.run_all(chosen, lambda: suite.MadeUp(build))
    print(f"web: {passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
