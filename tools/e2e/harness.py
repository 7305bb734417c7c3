# SPDX-License-Identifier: MIT
"""What end-to-end tests stand on: run.sh as a user calls it, scratch directories, and the list of tests."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN_TIMEOUT = 180
ERROR_STATUS = 125

_tests = []


class Skip(Exception):
    """Raised by a test that cannot run here; says what is missing."""


def test(function):
    """Marks a function of one argument, the Context, as a test."""
    _tests.append(function)
    return function


def tests():
    return _tests


class Result:
    def __init__(self, status, stdout, stderr):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr.decode(errors="replace")

    def __str__(self):
        return f"status {self.status}\nstdout: {self.stdout[-2000:]!r}\nstderr:\n{self.stderr[-4000:]}"


class Context:
    """One per test run; `scratch` is fresh for each test, `shared` lives as long as the run."""

    def __init__(self, build):
        self.build = Path(build).resolve()
        self.shared = Path(tempfile.mkdtemp(prefix="starina-e2e."))
        self.cache = self.shared / "cache"
        self.scratch = None
        self.started = {}

    def begin(self, name):
        self.scratch = self.shared / name
        self.scratch.mkdir()

    def end(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def close(self):
        for item in self.started.values():
            stop = getattr(item, "stop", None)
            if stop:
                stop()
        shutil.rmtree(self.shared, ignore_errors=True)

    def once(self, name, make):
        """What `make(directory)` returns, made at the first use; its stop() is called at the end."""
        if name not in self.started:
            self.started[name] = make(self.shared / name)
        return self.started[name]

    def environment(self, settings):
        env = {key: value for key, value in os.environ.items()
               if not key.startswith(("LINUXRUN_", "STARINA_")) and key != "QEMU"}
        env.update(BUILD=str(self.build), STARINA_NO_BUILD="1", STARINA_CACHE=str(self.cache),
                   STARINA_HTTP_PORT="0")
        env.update({key: str(value) for key, value in settings.items()})
        return env

    def run(self, *args, stdin=b"", timeout=RUN_TIMEOUT, cwd=None, **settings):
        """./run.sh ARGS with the settings as environment. Waits for its end."""
        process = self.start(*args, cwd=cwd, **settings)
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            try:
                stdout, stderr = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                stdout, stderr = process.communicate()
            raise AssertionError(f"run.sh had not ended after {timeout} s\n" +
                                 str(Result(process.returncode, stdout, stderr))) from None
        return Result(process.returncode, stdout, stderr)

    def start(self, *args, cwd=None, **settings):
        """As run(), but returns the Popen at once."""
        return subprocess.Popen([ROOT / "run.sh", *args], env=self.environment(settings), cwd=cwd or self.scratch,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def image_tool(self, *args):
        """starina-image itself, for tests that need no boot."""
        done = subprocess.run([self.build / "host/starina-image", *args], env=self.environment({}),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=self.scratch, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def resolve(self, reference):
        """The directory of the packed image."""
        result = self.image_tool("resolve", reference)
        check(result.status == 0, result)
        return Path(result.stdout.decode().strip())

    def cache_leftovers(self):
        """What a failed run left half-done in the cache."""
        staging = self.cache / "images/staging"
        return [path.name for path in staging.glob("*") if path.name != "lock"]


def check(condition, what=""):
    if not condition:
        raise AssertionError(str(what))


def check_equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what}\nexpected: {expected!r}\n     got: {actual!r}")


def check_refused(result, *parts):
    """run.sh said no: status 125, nothing on stdout, and an error line with all of `parts`."""
    lines = [line for line in result.stderr.splitlines() if " ERROR " in line]
    check(result.status == ERROR_STATUS and result.stdout == b"", result)
    check(any(all(part in line for part in parts) for line in lines),
          f"no error line has all of {parts}\n{result}")


def run_all(build, wanted):
    """Runs the tests whose names hold one of `wanted` (all, if none); returns the number that failed."""
    context = Context(build)
    passed = failed = skipped = 0
    try:
        for function in tests():
            name = function.__module__.removeprefix("test_") + "." + function.__name__
            if wanted and not any(part in name for part in wanted):
                continue
            context.begin(name)
            try:
                function(context)
                passed += 1
                print(f"ok    e2e {name}", flush=True)
            except Skip as reason:
                skipped += 1
                print(f"skip  e2e {name}: {reason}", flush=True)
            except Exception as error:  # a test may fail in any way
                failed += 1
                print(f"FAIL  e2e {name}: {type(error).__name__}: {error}", flush=True)
            context.end()
    finally:
        context.close()
    note = f", {skipped} skipped" if skipped else ""
    print(f"e2e: {passed} passed, {failed} failed{note}", flush=True)
    return failed


def main(argv):
    args = list(argv[1:])
    build = os.environ.get("BUILD", str(ROOT / "build"))
    if "--list" in args:
        for function in tests():
            print(function.__module__.removeprefix("test_") + "." + function.__name__)
        return 0
    return 1 if run_all(build, args) else 0


if __name__ == "__main__":
    sys.exit("run e2e.py instead")
