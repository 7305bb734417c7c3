# SPDX-License-Identifier: MIT
"""Tests of bootd: archives of what the container sees, and a container that does nothing."""
import base64
import io
import json
import tarfile

from bootd_added_tests import begin, expect_added, finish
from bootd_cases import check, config, test
from bootd_vmm import STARTED

BUILTIN = "org.starina.builtin"


def archive(guest, *words, data=None):
    process = guest.add(*words, **{BUILTIN: "archive"})
    if data is not None:
        process.write(data)
    process.close()
    return process.end()


def get(guest, path):
    """What docker wants to know of it, and the archive's members by name."""
    status, stdout, stderr, message = archive(guest, "get", path)
    check((status, stderr, message), (0, b"", ""))
    line, rest = stdout.split(b"\n", 1)
    with tarfile.open(fileobj=io.BytesIO(rest)) as tar:
        return json.loads(base64.b64decode(line)), {m.name: (m, tar.extractfile(m).read() if m.isfile() else m.linkname) for m in tar}


def make(*members):
    """An archive of (name, type, content, further attributes)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, content, more in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = content if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            data = content if kind == tarfile.REGTYPE else b""
            info.size = len(data)
            for key, value in more.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@test()
def archives(guest):
    begin(guest)
    long = "n" * 150
    data = make(("d", tarfile.DIRTYPE, b"", {"mode": 0o1750, "uid": 5, "gid": 6}), ("d/file", tarfile.REGTYPE, b"text\n", {"mode": 0o4711, "mtime": 1000000000}),
                (f"d/{long}", tarfile.REGTYPE, b"", {}), ("d/hard", tarfile.LNKTYPE, "d/file", {}), ("d/out", tarfile.SYMTYPE, "/proc/1/environ", {}))
    check(archive(guest, "put", "/tmp", "k", data=data), (0, b"", b"", ""))
    stat, members = get(guest, "/tmp/d")
    check((stat["name"], stat["mode"], stat["linkTarget"]), ("d", 1 << 31 | 1 << 20 | 0o750, ""))
    check(sorted(members), sorted(["d", "d/file", "d/hard", "d/out", f"d/{long}"]))
    folder, file, out = members["d"][0], members["d/file"], members["d/out"]
    check((folder.mode, folder.uid, folder.gid), (0o1750, 5, 6))
    # Whichever of its two names comes first has the bytes.
    check({members["d/file"][1], members["d/hard"][1]} - {b"text\n"} <= {"d/file", "d/hard"}, True)
    check((file[0].mode, file[0].mtime), (0o4711, 1000000000))
    check(out[1], "/proc/1/environ")
    # Where it leads is said, and it is not followed.
    check(get(guest, "/tmp/d/out")[0]["mode"] & 1 << 27, 1 << 27)
    check(archive(guest, "stat", "/nowhere")[0], 2)
    check(archive(guest, "put", "/bin/probe", "k", data=data)[0], 3)
    check(archive(guest, "put", "/tmp", "k", data=make(("d/file/x", tarfile.REGTYPE, b"", {})))[0], 3)
    check(archive(guest, "put", "/tmp", "k", data=make(("d", tarfile.REGTYPE, b"", {})))[0], 5)
    check(archive(guest, "put", "/tmp", "k", data=make(("../x", tarfile.REGTYPE, b"", {})))[0], 7)
    check(archive(guest, "put", "/tmp", "k", data=b"nonsense" * 100)[0], 7)
    # As the image's user, and on the disk.
    check(archive(guest, "put", "/tmp", "kos", "web", data=make(("mine", tarfile.REGTYPE, b"", {"uid": 7})))[0], 0)
    mine = get(guest, "/tmp/mine")[1]["mine"][0]
    check((mine.uid, mine.gid), (33, 34))
    # What the kernel makes up is left out.
    check(sorted(get(guest, "/proc")[1]), ["proc"])
    expect_added(guest.add("probe", "hello"), 0, b"hello\n")
    finish(guest)


@test()
def unknown_builtin(guest):
    begin(guest)
    process = guest.add("probe", **{BUILTIN: "dance"})
    check(guest.reply(process.start)[0], -22)
    del guest.added[process.number]
    finish(guest)


@test()
def pause(guest):
    """A container in which nothing runs, to look at."""
    guest.start(config("any", process={BUILTIN: "pause"}))
    guest.wait(lambda: any(f[0] == STARTED for f in guest.frames), "the start")
    check(sorted(get(guest, "/noexec")[1]), ["noexec"])
