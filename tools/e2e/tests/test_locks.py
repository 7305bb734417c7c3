# SPDX-License-Identifier: MIT
"""Locks of a container's files against the host's and another container's."""

import fcntl
import os
import struct

import debian
from harness import Log, check, check_equal, test
from oci import write_layout

# Does what the lines of its input say, and answers each with a line.
WORKER = """
import fcntl, os, signal, sys
files, handler = {}, lambda *_: (_ for _ in ()).throw(InterruptedError())
signal.signal(signal.SIGALRM, handler)
def file(name): return files.setdefault(name, open('/src/' + name, 'r+'))
def do(word, name, *rest):
    if 'alarm' in rest: signal.setitimer(signal.ITIMER_REAL, 0.5)
    if word == 'flock': fcntl.flock(file(name), {'ex': fcntl.LOCK_EX, 'sh': fcntl.LOCK_SH, 'un': fcntl.LOCK_UN}[rest[0]] | (fcntl.LOCK_NB if 'try' in rest else 0))
    if word == 'range': fcntl.lockf(file(name), {'ex': fcntl.LOCK_EX, 'sh': fcntl.LOCK_SH, 'un': fcntl.LOCK_UN}[rest[0]] | (fcntl.LOCK_NB if 'try' in rest else 0), int(rest[1]), int(rest[2]))
    if word == 'child':
        if os.fork() == 0: fcntl.flock(file(name), fcntl.LOCK_EX); os._exit(0)
        os.wait()
    if word == 'read': return open('/src/' + name).read()
    if word == 'close': files.pop(name).close()
    return 'done'
for line in sys.stdin:
    print('waits', flush=True)
    try: print(do(*line.split()), flush=True)
    except BlockingIOError: print('busy', flush=True)
    except InterruptedError: print('interrupted', flush=True)
"""


def image(context):
    path = context.once("locks-image", lambda directory: write_layout(directory, debian.image())).path
    return f"oci://{path}"


class Worker:
    def __init__(self, context, share):
        self.process = context.start("-i", "-v", f"{share}:/src", image(context), "python3", "-c", WORKER)
        self.log = Log(self.process.stderr)

    def begin(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        check_equal(self.process.stdout.readline(), b"waits\n", self.log.lines)

    def end(self):
        return self.process.stdout.readline().decode().strip()

    def do(self, line):
        self.begin(line)
        return self.end()

    def close(self):
        self.process.stdin.close()
        check_equal(self.process.wait(), 0, self.log.lines)


def host_flock(file, kind=fcntl.LOCK_EX):
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def host_range(file, start, length):
    """As a process that knows nothing of open file descriptions does it."""
    try:
        fcntl.fcntl(file, fcntl.F_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, length, 0))
        return True
    except BlockingIOError:
        return False


def make_share(context):
    share = context.scratch / "share"
    share.mkdir()
    for name in ("file", "other"):
        (share / name).write_text("0")
    return share


@test
def a_container_and_the_host(context):
    share = make_share(context)
    worker = Worker(context, share)
    with open(share / "file", "r+") as file, open(share / "other", "r+") as other:
        check_equal(worker.do("flock file ex"), "done")
        check(not host_flock(file) and not host_flock(file, fcntl.LOCK_SH))
        check_equal(worker.do("range other ex 10 5"), "done")
        check(not host_range(other, 14, 1) and host_range(other, 15, 1))
        check_equal(worker.do("range other ex 1 15 try"), "busy")
        check_equal(worker.do("flock file un"), "done")
        check(host_flock(file))
        check_equal(worker.do("flock file ex try"), "busy")
        check_equal(worker.do("read file"), "0")
        # It waits, but hears its alarm.
        check_equal(worker.do("flock file ex alarm"), "interrupted")
        worker.begin("flock file ex")
        file.write("1")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_UN)
        check_equal(worker.end(), "done")
        # What was written under the lock is seen, however young the other file's attributes are.
        check_equal(worker.do("read file"), "1")
        check(not host_flock(file))
        # It belongs to the open file, not to the process.
        check_equal(worker.do("flock file un"), "done")
        check_equal(worker.do("read other"), "0")
        check_equal(worker.do("child file"), "done")
        check(not host_flock(file))
        # A close is enough.
        check_equal(worker.do("close file"), "done")
        check_equal(worker.do("close other"), "done")
        check(host_flock(file) and host_range(other, 10, 5))
    worker.close()


@test
def two_containers(context):
    """In two systems, which have the folder in common; one of them is killed."""
    share = make_share(context)
    one, two = Worker(context, share), Worker(context, share)
    check_equal(one.do("flock file ex"), "done")
    check_equal(one.do("range other sh 0 0"), "done")
    check_equal(two.do("flock file sh try"), "busy")
    check_equal(two.do("range other sh 0 0"), "done")
    two.begin("flock file ex")
    context.stop(one.process, 9)
    check_equal(two.end(), "done")
    two.close()
