# SPDX-License-Identifier: MIT
"""Real work on a volume: git, npm, compilers, and programs that compare all with a model; then e2fsck looks at the disk."""

import os
import shutil
import subprocess

import file_programs
import software
from harness import ROOT, check_equal, test
from test_named_volumes import check_disk

# `make test-volume-work` runs all in full, and the programs with a model for so many seconds.
FULL = "VOLUME_STRESS_SECONDS" in os.environ
STRESS_SECONDS = int(os.environ.get("VOLUME_STRESS_SECONDS", "0"))


def run(context, program, script, *volumes, **settings):
    """A shell script in an image, with /data on a volume."""
    more = {"LINUXRUN_MEMORY": "256M", **settings}
    return software.run(context, program, "sh", "-c", script, LINUXRUN_VOLUMES=",".join(["work:/data", *volumes]), **more)


def check_run(context, program, script, expected, *volumes, **settings):
    result = run(context, program, script, *volumes, **settings)
    check_equal((result.status, result.stdout.decode()), (0, expected), result)


def repository(context):
    """This project, bare, and the digest of its tree; in the gate a new one of the kernel's objects only."""
    bare, source = context.scratch / "bare.git", f"file://{ROOT}"

    def git(*words):
        return subprocess.run(["git", "-c", "safe.directory=*", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout.decode()
    if not FULL:
        source = context.scratch / "part"
        shutil.copytree(ROOT / "kernel/object", source / "kernel")
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "part"]):
            git("-C", source, *words)
    git("clone", "-q", "--bare", source, bare)
    return bare, git("-C", bare, "rev-parse", "HEAD^{tree}")


@test
def git_of_this_project(context):
    """Cloned from a folder of the host that lies beside, changed, packed, and checked; a later run finds nothing changed."""
    bare, tree = repository(context)
    script = "set -e; export HOME=/tmp; git config --global user.name c; git config --global user.email c@d; git config --global safe.directory '*'; cd /data; "
    work = script + ("git clone -q file:///bare.git work; cd work; git status --porcelain; git rev-parse HEAD^{tree}; git checkout -q -b other; "
                     "git mv kernel nucleus; git commit -qm moved; git checkout -q -; git merge -q other; git gc -q; git fsck --full --no-progress; "
                     "git revert --no-edit HEAD >/dev/null; git rev-parse HEAD^{tree}; git status --porcelain")
    check_run(context, software.GIT, work, tree + tree, f"{bare}:/bare.git:ro")
    check_disk(context)
    check_run(context, software.GIT, script + "cd work; git status --porcelain; git fsck --full --no-progress; git diff HEAD~2; git rev-parse HEAD^{tree}", tree)


@test
def content_by_a_model(context):
    """Reads, writes, mapped memory, holes and copies in one file, all compared."""
    file_programs.stress(context, "file_content", "work", 20000 if FULL else 600, STRESS_SECONDS)
    check_disk(context)


@test
def tree_by_a_model(context):
    """Names, links, folders, modes and attributes, all compared."""
    file_programs.stress(context, "file_tree", "work", 50000 if FULL else 1500, STRESS_SECONDS)
    check_disk(context)
