# SPDX-License-Identifier: MIT
"""Random work on files in a directory, each result compared with a model in memory: file_work.py DIR SEED STEPS.
Says "ok" and a digest of all that is there at the end."""

import errno
import hashlib
import mmap
import os
import random
import sys

DIR, SEED, STEPS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(SEED)
model = {}  # name: bytes, or a list of one for what has several names
NAMES = [f"f{i}" for i in range(12)] + [f"d{i}/g{j}" for i in range(3) for j in range(4)]


def path(name):
    return os.path.join(DIR, name)


def expect(error, function, *args):
    try:
        function(*args)
    except OSError as e:
        assert e.errno == error, (function, args, e)
        return
    raise AssertionError(f"{function} {args} works")


def any_bytes():
    return rng.randbytes(rng.choice([0, 1, 100, 4095, 4096, 5000, 70000, 300000]))


def create(name):
    if name in model:
        expect(errno.EEXIST, os.open, path(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        return
    data = any_bytes()
    with open(path(name), "xb") as file:
        file.write(data)
    model[name] = [bytearray(data)]


def write(name):
    if name not in model:
        expect(errno.ENOENT, os.open, path(name), os.O_WRONLY)
        return
    data, offset = any_bytes(), rng.choice([0, 1, 4096, 10000, 400000])
    fd = os.open(path(name), os.O_RDWR)
    assert os.pwrite(fd, data, offset) == len(data)
    if rng.random() < 0.2:
        os.fsync(fd)
    os.close(fd)
    content = model[name][0]
    if data and len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def append(name):
    if name not in model:
        return
    data = any_bytes()
    with open(path(name), "ab") as file:
        file.write(data)
    model[name][0].extend(data)


def truncate(name):
    if name not in model:
        expect(errno.ENOENT, os.truncate, path(name), 5)
        return
    size = rng.choice([0, 1, 4096, 5000, 500000])
    os.truncate(path(name), size)
    content = model[name][0]
    del content[size:]
    content.extend(bytes(size - len(content)))


def map_write(name):
    if name not in model or not model[name][0]:
        return
    content = model[name][0]
    with open(path(name), "r+b") as file, mmap.mmap(file.fileno(), 0) as mapping:
        assert mapping[:] == content, name
        at = rng.randrange(len(content))
        mapping[at:at + 1] = b"M"
        content[at:at + 1] = b"M"


def read(name):
    if name not in model:
        expect(errno.ENOENT, os.stat, path(name))
        return
    with open(path(name), "rb") as file:
        data = file.read()
    assert data == model[name][0], (name, len(data), len(model[name][0]))
    assert os.stat(path(name)).st_size == len(data)


def unlink(name):
    if name not in model:
        expect(errno.ENOENT, os.unlink, path(name))
        return
    with open(path(name), "rb") as file:
        os.unlink(path(name))
        assert file.read() == model[name][0]  # it is there as long as it is open
    del model[name]


def rename(name):
    to = rng.choice(NAMES)
    if name not in model:
        expect(errno.ENOENT, os.rename, path(name), path(to))
        return
    os.rename(path(name), path(to))
    # Of two names of one file, both stay.
    if to not in model or model[to] is not model[name]:
        model[to] = model.pop(name)


def link(name):
    to = rng.choice(NAMES)
    if name not in model:
        expect(errno.ENOENT, os.link, path(name), path(to))
    elif to in model:
        expect(errno.EEXIST, os.link, path(name), path(to))
    else:
        os.link(path(name), path(to))
        model[to] = model[name]
        assert os.path.samefile(path(name), path(to))


def mode(name):
    if name in model:
        wanted = rng.choice([0o644, 0o600, 0o444, 0o755, 0])
        os.chmod(path(name), wanted)
        assert os.stat(path(name)).st_mode & 0o7777 == wanted


for i in range(3):
    os.mkdir(path(f"d{i}"))
for step in range(STEPS):
    rng.choice([create, create, write, write, append, truncate, map_write, read, read, unlink, rename, link, mode])(rng.choice(NAMES))
for name in NAMES:
    read(name)
expect(errno.ENOTEMPTY if any(name.startswith("d0/") for name in model) else errno.EISDIR,
       os.rmdir if any(name.startswith("d0/") for name in model) else os.unlink, path("d0"))
listed = {os.path.relpath(os.path.join(root, file), DIR) for root, _, files in os.walk(DIR) for file in files}
assert listed == set(model), listed ^ set(model)
digest = hashlib.sha256()
for name in sorted(model):
    digest.update(name.encode() + b"\0" + bytes(model[name][0]))
print("ok", digest.hexdigest())
