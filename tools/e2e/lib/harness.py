# SPDX-License-Identifier: MIT
"""What end-to-end tests stand on: run.sh as a user calls it, scratch directories, and the list of tests."""

import concurrent.futures
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# A boot takes 3 s, and a minute on a busy machine. Nothing is asserted by the clock: this only ends what hangs.
RUN_TIMEOUT = 900
STOP_TIMEOUT = 300
# LINUXRUN_STOP_TIMEOUT where a container has to end by itself.
PATIENCE = 200
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

    def errors(self):
        """The error lines on stderr."""
        return "\n".join(line for line in self.stderr.splitlines() if " ERROR " in line)

    def __str__(self):
        return f"status {self.status}\nstdout: {self.stdout[-2000:]!r}\nstderr:\n{self.stderr[-4000:]}"


class Suite:
    """What tests share: the build, and things that are made at the first use."""

    def __init__(self, build):
        self.build = Path(build).resolve()
        self.directory = Path(tempfile.mkdtemp(prefix="starina-e2e."))
        self.lock = threading.Lock()
        self.made = {}

    def once(self, name, make):
        with self.lock:
            if name not in self.made:
                directory = self.directory / ("shared." + name)
                shutil.rmtree(directory, ignore_errors=True)
                self.made[name] = make(directory)
            return self.made[name]

    def close(self):
        for item in self.made.values():
            stop = getattr(item, "stop", None)
            if stop:
                stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Context:
    """One per test: `scratch` is a fresh directory of its own, `cache` its image cache."""

    def __init__(self, suite, name):
        self.suite = suite
        self.build = suite.build
        self.scratch = suite.directory / name
        self.scratch.mkdir()
        self.cache = self.scratch / "cache"

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def once(self, name, make):
        """What `make(directory)` returns, made at the first use by any test; its stop() is called at the end."""
        return self.suite.once(name, make)

    def own_build(self):
        """From now on BUILD is a directory of this test's own, with the same files in it."""
        self.build = self.scratch / "build"
        self.build.mkdir()
        for name in ("starina.elf", "host", "guest", "image"):
            (self.build / name).symlink_to(self.suite.build / name)

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
                stdout, stderr = process.communicate(timeout=STOP_TIMEOUT)
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

    def stop(self, process, number=signal.SIGTERM):
        """Ends what start() began, if it has not ended; returns its Result."""
        if process.poll() is None:
            process.send_signal(number)
        stdout, stderr = process.communicate(timeout=STOP_TIMEOUT)
        return Result(process.returncode, stdout, stderr)

    def image_tool(self, *args, **settings):
        """starina-image itself, for tests that need no boot."""
        done = subprocess.run([self.build / "host/starina-image", *args], env=self.environment(settings),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=self.scratch, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def resolve(self, reference):
        """The directory of the packed image."""
        result = self.image_tool("resolve", reference)
        check(result.status == 0, result)
        return Path(result.stdout.decode().strip())

    def cache_clear(self):
        """Forgets all packed images."""
        shutil.rmtree(self.cache / "images", ignore_errors=True)

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
    lines = result.errors().splitlines()
    check(result.status == ERROR_STATUS and result.stdout == b"", result)
    check(any(all(part in line for part in parts) for line in lines),
          f"no error line has all of {parts}\n{result}")


def run_one(suite, name, function):
    """Runs one test; returns "ok", "skip" or "FAIL" and prints it."""
    context = Context(suite, name)
    started = time.monotonic()
    try:
        function(context)
        verdict, reason = "ok", ""
    except Skip as skip:
        verdict, reason = "skip", f": {skip}"
    except Exception as error:  # a test may fail in any way
        verdict, reason = "FAIL", f": {type(error).__name__}: {error}"
    context.close()
    print(f"{verdict:5} e2e {name} ({time.monotonic() - started:.1f} s){reason}", flush=True)
    return verdict


def run_all(build, wanted, jobs):
    """Runs the tests whose names hold one of `wanted` (all, if none), `jobs` at a time; returns how many failed."""
    suite = Suite(build)
    chosen = [(test_name(function), function) for function in tests()]
    chosen = [item for item in chosen if not wanted or any(part in item[0] for part in wanted)]
    try:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            verdicts = list(pool.map(lambda item: run_one(suite, *item), chosen))
    finally:
        suite.close()
    skipped = verdicts.count("skip")
    note = f", {skipped} skipped" if skipped else ""
    print(f"e2e: {verdicts.count('ok')} passed, {verdicts.count('FAIL')} failed{note}", flush=True)
    return verdicts.count("FAIL") if chosen else 1


def test_name(function):
    return function.__module__.removeprefix("test_") + "." + function.__name__


def main(argv):
    args = list(argv[1:])
    build = os.environ.get("BUILD", str(ROOT / "build"))
    jobs = int(os.environ.get("E2E_JOBS", "2"))
    if "--list" in args:
        for function in tests():
            print(test_name(function))
        return 0
    return 1 if run_all(build, args, jobs) else 0


if __name__ == "__main__":
    sys.exit("run e2e.py instead")
