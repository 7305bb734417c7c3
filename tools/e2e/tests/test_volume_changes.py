# SPDX-License-Identifier: MIT
"""What the host changes in a folder raises the events of inotify in the container."""

import json
import os
import shutil

import software
from harness import ROOT, check, check_equal, test


def watch(context, share, *paths, **settings):
    """A container that prints what it hears; it has said that it listens."""
    shutil.copy(ROOT / "tools/e2e/programs/watch.py", context.scratch / "watch.py")
    process = context.start(**software.settings(context, software.PYTHON), LINUXRUN_ENTRYPOINT=json.dumps(["python3", "/watch.py", *paths]),
                            LINUXRUN_VOLUMES=f"{context.scratch}/watch.py:/watch.py:ro,{share}:/src", **settings)
    check_equal(process.stdout.readline(), b"ready\n")
    return process


def expect(process, *wanted):
    """Reads what is heard until it has all of that, in any order."""
    missing, lines = set(wanted), []
    while missing:
        line = process.stdout.readline().decode()
        check(line != "", (missing, lines, process.stderr.read() if line == "" else ""))
        lines.append(" ".join(line.split()))
        missing.discard(lines[-1])
    return lines


@test
def events_of_the_host(context):
    """An editor's ways to save, a folder that is made, moved and removed, and what the container then reads."""
    share = context.scratch / "share"
    share.mkdir()
    (share / "a").write_text("1")
    (share / "b").write_text("1")
    process = watch(context, share, "/src", "/src/a")
    (share / "a").write_text("written")
    expect(process, "/src/a MODIFY", "/src/a CLOSE_WRITE 7")
    (share / "new").write_text("replaces")
    expect(process, "/src/new CREATE", "/src/new CLOSE_WRITE 8")
    os.rename(share / "new", share / "a")
    expect(process, "/src/new DELETE", "/src/a DELETE", "/src/a DELETE_SELF", "/src/a CREATE", "/src/a CLOSE_WRITE 8")
    (share / "d").mkdir()
    expect(process, "/src/d/ CREATE")
    os.rename(share / "d", share / "e")
    expect(process, "/src/d/ DELETE", "/src/e/ CREATE")
    (share / "b").chmod(0o600)
    expect(process, "/src/b ATTRIB")
    (share / "e").rmdir()
    expect(process, "/src/e/ DELETE")
    (share / "link").symlink_to("a")
    expect(process, "/src/link CREATE")
    (share / "b").unlink()
    expect(process, "/src/b DELETE")
    (share / "end").write_text("")
    expect(process, "/src/end CREATE", "/src/end CLOSE_WRITE 0")
    process.communicate()
    check_equal(process.returncode, 0)
    check_equal(sorted(path.name for path in share.iterdir()), ["a", "end", "link"])
