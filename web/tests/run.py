#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py [PART-OF-A-NAME...]: tests of the web page in Chromium, with a made-up system. BUILD names the build directory."""

import os
import shutil
import sys

sys.dont_write_bytecode = True

import suite  # noqa: E402  pylint: disable=wrong-import-position
import test_containers  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import test_page  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import test_scripts  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
import test_shell  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import


def what_is_missing():
    """What could not be fetched that the tests need; None: nothing."""
    if not (suite.ROOT / "third_party/web/.stamp").exists():
        return "third_party/web could not be filled"
    if not shutil.which("chromium"):
        return "there is no chromium"
    return None


def main():
    """The command."""
    missing = what_is_missing()
    if missing:
        print(f"web: the tests did not run: {missing}; ./setup.sh says why")
        return False
    chosen = [each for each in suite.tests if not sys.argv[1:] or any(part in each.__name__ for part in sys.argv[1:])]
    build = os.environ.get("BUILD", "build")
    passed, failed = suite.run_all(chosen, lambda: suite.MadeUp(build))
    print(f"web: {passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
