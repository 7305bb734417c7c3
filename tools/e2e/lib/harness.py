# SPDX-License-Identifier: MIT
"""What end-to-end tests stand on: run.sh as a user calls it, scratch directories, and the list of tests."""

import concurrent.futures
import contextlib
import ctypes
import itertools
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import patience

ROOT = Path(__file__).resolve().parents[3]
# Nothing is asserted by the clock: these only end what hangs. The longest run takes some 60 s on two quiet cores; the
# seconds of a busy machine count less (patience.py).
RUN_LIMIT = int(os.environ.get("E2E_RUN_LIMIT", "300"))
GRACE = 30
# Of waits for what a run has to do: when the run is ended, they end, too.
RUN_TIMEOUT = 7200
# LINUXRUN_STOP_TIMEOUT where a container has to end by itself.
PATIENCE = 200
ERROR_STATUS = 125
# <linux/prctl.h>
PR_SET_CHILD_SUBREAPER = 36

# Below the ports that Linux takes by itself: nobody takes one of these between the look and its use.
PORTS = range(20000, 32000)

_tests = []
_ports = itertools.cycle(PORTS)
_ports_lock = threading.Lock()
for _ in range(random.randrange(len(PORTS))):  # tests of other checkouts begin elsewhere
    next(_ports)


class Skip(Exception):
    """Raised by a test that cannot run here; says what is missing."""


def free_port():
    """A port of 127.0.0.1 that nobody listens at, TCP or UDP. A run of tests gets each only once."""
    with _ports_lock:
        for _ in PORTS:
            port = next(_ports)
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                try:
                    tcp.bind(("127.0.0.1", port))
                    udp.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
    raise RuntimeError("all ports are in use")


def test(function):
    """Marks a function of one argument, the Context, as a test."""
    _tests.append(function)
    return function


def tests():
    return _tests


def kill_all(pid):
    """Kills a process and those that it has started, which may hold the ends of pipes."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text(encoding="ascii").split():
                kill_all(int(child))
        except OSError:  # it has ended
            pass
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def has_ended(pid):
    """Whether a process is there no more, or only its status, which nobody has taken yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Watchdog:
    """Ends processes that run for too long. Whoever waits for their output goes on then, and fails."""

    def __init__(self):
        self.lock = threading.Lock()
        self.left = {}
        self.ended = set()
        threading.Thread(target=self._watch, daemon=True).start()

    def add(self, process):
        with self.lock:
            self.left[process] = RUN_LIMIT

    def _watch(self):
        while True:
            time.sleep(1)
            second = patience.second()
            with self.lock:
                self.left = {process: left - second for process, left in self.left.items() if process.poll() is None}
                for process, left in self.left.items():
                    if left < -GRACE:
                        kill_all(process.pid)
                    elif left < 0 and process not in self.ended:
                        self.ended.add(process)
                        process.terminate()


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


class Log:
    """The lines of a stream as they come. All is taken, so that whoever writes never waits."""

    def __init__(self, stream):
        self.lines = []
        self.stream = stream
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.stream:
            self.lines.append(line.decode(errors="replace").rstrip())

    def wait_for(self, pattern, count=1):
        """Waits until `count` lines have the pattern; returns the match in the last of them."""
        while True:
            ended = not self.reader.is_alive()
            found = [match for match in (re.search(pattern, line) for line in list(self.lines)) if match]
            if len(found) >= count:
                return found[count - 1]
            check(not ended, f"{len(found)} lines have {pattern!r}:\n" + "\n".join(self.lines[-30:]))
            time.sleep(0.05)

    def whole(self):
        """All lines, once there is nobody left who could write more."""
        self.reader.join()
        return "\n".join(self.lines) + "\n"


BUILD_FOLDERS = ("host", "guest", "image", "apps")


def build_of_isolation(build, isolation, directory):
    """`directory`, made to have what `build` has, but in place of each image the one whose apps are in `isolation`."""
    directory.mkdir()
    for name in BUILD_FOLDERS:
        (directory / name).symlink_to(build / name)
    for path in build.glob(f"starina*-{isolation}.elf"):
        (directory / path.name.replace(f"-{isolation}", "")).symlink_to(path)
    return directory


class Suite:
    """What tests share: the build, and things that are made at the first use."""

    def __init__(self, build, isolation=""):
        self.build = Path(build).resolve()
        self.directory = Path(tempfile.mkdtemp(prefix="starina-e2e."))
        if isolation:
            self.build = build_of_isolation(self.build, isolation, self.directory / "build")
        self.lock = threading.Lock()
        self.watchdog = Watchdog()
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
        self.processes = []

    def watch(self, process):
        """The process ends with the test, or when it runs for too long; returns it."""
        self.processes.append(process)
        self.suite.watchdog.add(process)
        return process

    def close(self):
        """Ends what still runs. Returns what of it nobody has read: something for whom a test that failed puzzles."""
        texts = []
        for process in self.processes:
            if process in self.suite.watchdog.ended:
                texts.append(f"{process.args} was ended: it ran for more than {RUN_LIMIT} s")
            if process.poll() is None:
                kill_all(process.pid)
                process.wait()
            if process.stderr and not process.stderr.closed:
                os.set_blocking(process.stderr.fileno(), False)
                text = process.stderr.read() or b""
                texts.append(f"{process.args}, stderr not read yet:\n{text[-4000:].decode(errors='replace')}")
        shutil.rmtree(self.scratch, ignore_errors=True)
        return "\n".join(texts)

    def once(self, name, make):
        """What `make(directory)` returns, made at the first use by any test; its stop() is called at the end."""
        return self.suite.once(name, make)

    def own_build(self):
        """From now on BUILD is a directory of this test's own, with the same files in it."""
        self.build = self.scratch / "build"
        self.build.mkdir()
        for name in ("starina.elf", *BUILD_FOLDERS):
            (self.build / name).symlink_to(self.suite.build / name)
        if (self.suite.build / "web.img").exists():  # where the page can be built
            (self.build / "web.img").symlink_to(self.suite.build / "web.img")

    def boot_image(self, name):
        """From now on run.sh boots this image of the build in place of the usual one, in a directory as of own_build()."""
        image = self.suite.build / f"{name}.elf"
        check(image.exists(), f"there is no {image}: make test-e2e builds it")
        self.own_build()
        (self.build / "starina.elf").unlink()
        (self.build / "starina.elf").symlink_to(image)

    def environment(self, settings):
        env = {key: value for key, value in os.environ.items()
               if not key.startswith(("LINUXRUN_", "STARINA_")) and key != "QEMU"}
        env.update(BUILD=str(self.build), STARINA_NO_BUILD="1", STARINA_CACHE=str(self.cache),
                   STARINA_HTTP_PORT="0", STARINA_DISK=str(self.scratch / "state.img"))
        env.update({key: str(value) for key, value in settings.items()})
        return env

    def run(self, *args, stdin=b"", cwd=None, **settings):
        """./run.sh ARGS with the settings as environment. Waits for its end."""
        return self.end_of(self.start(*args, cwd=cwd, **settings), stdin)

    def start(self, *args, cwd=None, **settings):
        """As run(), but returns the Popen at once."""
        return self.popen(ROOT / "run.sh", *args, stdin=subprocess.PIPE, cwd=cwd, **settings)

    def popen(self, *command, stdin=subprocess.DEVNULL, cwd=None, **settings):
        """Another command in run.sh's place."""
        return self.watch(subprocess.Popen(command, env=self.environment(settings), cwd=cwd or self.scratch, stdin=stdin,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE))

    def end_of(self, process, stdin=None):
        """Waits for the end of what start() or popen() began; returns its Result."""
        stdout, stderr = process.communicate(stdin)
        result = Result(process.returncode, stdout, stderr)
        check(process not in self.suite.watchdog.ended, f"it ran for more than {RUN_LIMIT} s\n{result}")
        return result

    def stop(self, process, number=signal.SIGTERM):
        """Ends what start() began, if it has not ended; returns its Result."""
        if process.poll() is None:
            process.send_signal(number)
        return self.end_of(process)

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


class Started(subprocess.Popen):
    """In Popen's place where orphans are adopted: knows which children are none."""

    pids = set()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pids.add(self.pid)


def adopt_orphans():
    """From now on what outlives its parent is this program's child, whose CPU time counts when it is waited for."""
    subprocess.Popen = Started
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans():
    """Waits for adopted children that have ended: all that a test has started is killed by then. The others' statuses are
    for those who started them."""
    for children in Path("/proc/self/task").glob("*/children"):
        for child in map(int, children.read_text(encoding="ascii").split()):
            if child not in Started.pids:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child, os.WNOHANG)


def cpu_seconds():
    """CPU time of this program and of what it has started and waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def run_one(suite, name, function, times=None):
    """Runs one test; returns "ok", "skip" or "FAIL" and prints it. `times` is given its seconds of CPU: no other test runs then."""
    context = Context(suite, name)
    started, used = time.monotonic(), cpu_seconds()
    try:
        function(context)
        verdict, reason = "ok", ""
    except Skip as skip:
        verdict, reason = "skip", f": {skip}"
    except Exception as error:  # a test may fail in any way
        verdict, reason = "FAIL", f": {type(error).__name__}: {error}"
    rest = context.close()
    if verdict == "FAIL" and rest:
        reason += "\n" + rest
    spent = f"{time.monotonic() - started:.1f} s"
    if times is not None:
        reap_orphans()
        times[name] = cpu_seconds() - used
        spent += f", {times[name]:.1f} s of CPU"
    print(f"{verdict:5} e2e {name} ({spent}){reason}", flush=True)
    return verdict


def run_again(suite, failed):
    """Runs tests that failed once more, one at a time; returns the names of those that failed again and of the others.

    What passes then is flaky: a fault of the product or of the test that is to be found. It is named, with what the first
    run said above, but does not fail the whole run, for which hundreds of machines are started."""
    still, flaky = [], []
    for name, function in failed:
        print(f"      e2e {name} failed and is run again", flush=True)
        (still if run_one(suite, name, function) == "FAIL" else flaky).append(name)
    return still, flaky


def print_times(times):
    """The tests by their CPU time, and the sums of files."""
    files = {}
    for name, seconds in times.items():
        file = name.partition(".")[0]
        files[file] = files.get(file, 0) + seconds
    for title, table in (("of each test", times), ("of each file", files)):
        print(f"seconds of CPU {title}, {sum(table.values()):.1f} in all:")
        for name, seconds in sorted(table.items(), key=lambda item: -item[1]):
            print(f"{seconds:8.1f}  {name}")


def longest_first(names_and_functions, longest):
    """Those whose names begin with one of `longest`, in its order, then all others."""
    def place(item):
        return next((i for i, start in enumerate(longest) if item[0].startswith(start)), len(longest))
    return sorted(names_and_functions, key=place)


def run_all(build, isolation, wanted, jobs, longest=(), with_times=False):
    """Runs the tests whose names hold one of `wanted` (all, if none), `jobs` at a time; returns how many failed twice."""
    times = {} if with_times else None
    if with_times:
        adopt_orphans()
    suite = Suite(build, isolation)
    chosen = [(test_name(function), function) for function in tests()]
    chosen = [item for item in chosen if not wanted or any(part in item[0] for part in wanted)]
    chosen = longest_first(chosen, longest)
    try:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            verdicts = list(pool.map(lambda item: run_one(suite, *item, times), chosen))
        failed = [item for item, verdict in zip(chosen, verdicts) if verdict == "FAIL"]
        failed, flaky = run_again(suite, failed)
    finally:
        suite.close()
    if times:
        print_times(times)
    skipped = verdicts.count("skip")
    note = f", {skipped} skipped" if skipped else ""
    note += f", {len(flaky)} flaky (passed when run again): {' '.join(flaky)}" if flaky else ""
    print(f"e2e{isolation and f', all apps: {isolation}'}: {verdicts.count('ok') + len(flaky)} passed, {len(failed)} failed{note}", flush=True)
    return len(failed) if chosen else 1


def test_name(function):
    return function.__module__.removeprefix("test_") + "." + function.__name__


def main(argv, longest=()):
    """`longest` are beginnings of the names of tests that begin first."""
    args = list(argv[1:])
    build = os.environ.get("BUILD", str(ROOT / "build"))
    jobs = int(os.environ.get("E2E_JOBS", "3"))
    if "--list" in args:
        for function in tests():
            print(test_name(function))
        return 0
    # A shell has its background jobs ignore them, and so would what is run here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    with_times = "--times" in args
    if with_times:  # what several use at a time cannot be told apart
        args.remove("--times")
        jobs = 1
    return 1 if run_all(build, os.environ.get("E2E_ISOLATION", ""), args, jobs, longest, with_times) else 0


if __name__ == "__main__":
    sys.exit("run e2e.py instead")
