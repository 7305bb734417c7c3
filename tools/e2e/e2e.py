#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""End-to-end tests: e2e.py [--list] [--times] [PART-OF-A-NAME...]. BUILD names the build directory to test;
E2E_JOBS how many tests run at a time (3: each waits for much; --times: one, and what each takes of the CPU); E2E_ISOLATION, "kernel" or "user", has all apps of its images run so that can."""

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE / "tests"), str(HERE.parent / "test")]
sys.dont_write_bytecode = True

import harness  # noqa: E402

# Each takes a minute or more. They begin first, so that no core waits for one of them at the end.
LONGEST = ("engine_kills.", "engine_images.image_l", "engine_crowd.", "software.postgres", "engine_commit.",
           "engine_policy.restart", "volumes.git", "console.console_takes", "engine_logs.docker_logs", "engine_containers.docker_run")

for path in sorted(HERE.glob("tests/test_*.py")):
    importlib.import_module(path.stem)
sys.exit(harness.main(sys.argv, LONGEST))
