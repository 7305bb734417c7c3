# SPDX-License-Identifier: MIT
"""Real work on a volume: git, npm, compilers, and programs that compare all with a model; then e2fsck looks at the disk."""

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import debian
import file_programs
import software
from harness import ROOT, Skip, check, check_equal, test
from oci import write_layout
from test_named_volumes import check_disk, disk
from test_state_disk import check_disk as check_state_disk
from test_volume_work import GCC, made, write_c_program

# `make test-volume-work` runs all in full, and the programs with a model for so many seconds.
FULL = "VOLUME_STRESS_SECONDS" in os.environ
STRESS_SECONDS = int(os.environ.get("VOLUME_STRESS_SECONDS", "0"))
C_FILES = 200 if FULL else 8
PACKAGES = 40
STATE_FEATURES = ("none,has_journal,ext_attr,dir_index,filetype,extent,64bit,metadata_csum,sparse_super,large_file,huge_file,dir_nlink,"
                  "extra_isize,flex_bg")


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
    check_state_disk(context)
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


@test
def make_of_a_c_program(context):
    """By gcc and make -j2, from sources of the host that lie beside; the objects are on the volume, where a later run has nothing left to do."""
    share = context.scratch / "share"
    share.mkdir()
    write_c_program(share, C_FILES)
    check_run(context, GCC, "cp -p /src/* /data; cd /data; make -s -j2 && ./program && make -q && touch f7.c && make -n | wc -l", made(C_FILES),
              f"{share}:/src:ro", LINUXRUN_CPUS="2")
    check_state_disk(context)
    check_run(context, GCC, "cd /data; make -q || make -s; make -q && ./program; ls *.o | wc -l", f"{C_FILES * (C_FILES - 1) // 2}\n{C_FILES + 1}\n")


# What says of a full disk what it should, and how many bytes are there then.
FULL_DISK = """
import errno, os
os.chdir('/data')

def until_full(step):
    for i in range(100000):
        try:
            step(i)
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
            return i
    raise AssertionError(f'{step} never fails')

def write(i):
    with open(f'big{i}', 'wb', buffering=0) as file:
        for _ in range(16):
            assert file.write(b'b' * 262144) == 262144 or file.write(b'b')

def small(i):
    with open(f's{i}', 'xb', buffering=0) as file: file.write(b's' * 100)

bigs = until_full(write)
assert os.statvfs('.').f_bavail == 0
for step in (small, lambda i: os.mkdir(f'd{i}'), lambda i: os.symlink('x' * 200, f'l{i}'), lambda i: os.setxattr('big0', f'user.a{i}', b'x' * 1000)):
    until_full(step)
with open('big0', 'r+b') as file: file.write(b'B' * 100000)  # what is there can be changed
for i in range(bigs): assert open(f'big{i}', 'rb').read() == (b'B' * 100000 if i == 0 else b'') + b'b' * ((4 << 20) - (100000 if i == 0 else 0))
for _ in range(3):
    os.unlink('big1')
    os.sync()
    with open('big1', 'wb', buffering=0) as file: assert file.write(b'1' * 500000) == 500000
print('full', bigs, flush=True)
"""


@test
def full_disk(context):
    """ENOSPC, what can be done then, room again after a removal, and the next run."""
    with open(context.scratch / "state.img", "xb") as file:
        file.truncate(64 << 20)
    # As starina-run makes one (tools/run/qemu/state_disk.c), but smaller.
    subprocess.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-I", "256", "-J", "size=8", "-L", "starina-state", "-O", STATE_FEATURES, disk(context)], check=True)
    image = f"oci://{context.once('full-disk-image', lambda directory: write_layout(directory, debian.image())).path}"
    result = context.run("-v", "work:/data", image, "python3", "-c", FULL_DISK)
    check(result.status == 0 and re.fullmatch(rb"full 1[0-9]\n", result.stdout), result)
    check_disk(context)
    result = context.run("-v", "work:/data", image, "sh", "-c", "rm -r /data/*; cp -r /usr/bin /data; sha256sum < /data/bin/busybox; sha256sum < /usr/bin/busybox; rm -r /data/bin")
    check(result.status == 0 and len(set(result.stdout.split(b"\n")[:2])) == 1, result)
    check_disk(context)


@test
def mapped_memory_is_written_back(context):
    """More dirty pages of mapped memory than Linux lets be, with nothing but a volume mounted; they are there in the next run, though nobody asked for that."""
    script = """
import mmap, os
file = os.open('/data/mapped', os.O_RDWR | os.O_CREAT)
os.ftruncate(file, 40 << 20)
memory = mmap.mmap(file, 40 << 20)
for at in range(0, 40 << 20, 4096): memory[at] = 1
print('mapped', flush=True)
"""
    result = software.run(context, software.PYTHON, "python3", "-c", script, LINUXRUN_VOLUMES="work:/data")
    check_equal((result.status, result.stdout), (0, b"mapped\n"), result)
    result = software.run(context, software.PYTHON, "python3", "-c", "print(open('/data/mapped', 'rb').read().count(1))", LINUXRUN_VOLUMES="work:/data")
    check_equal((result.status, result.stdout), (0, b"10240\n"), result)
    check_disk(context)


def npm_packages(folder):
    """Packages of 500 files each, as npm packs them, and a package.json that wants them all."""
    folder.mkdir()
    for p in range(PACKAGES):
        with tarfile.open(folder / f"p{p}.tgz", "w:gz") as tar:
            files = {"package.json": json.dumps({"name": f"p{p}", "version": "1.0.0", "main": "lib/0.js"})}
            files.update({f"lib/{i}.js": f"module.exports = {p * 1000 + i};\n" for i in range(499)})
            for name, text in files.items():
                member = tarfile.TarInfo(f"package/{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
    (folder / "package.json").write_text(json.dumps({"name": "all", "version": "1.0.0",
                                                     "dependencies": {f"p{p}": f"file:/packages/p{p}.tgz" for p in range(PACKAGES)}}))


def npm_install(context):
    """20,000 files by the host's npm in Debian's Node, from packages of the host; no registry is asked. Then all are removed by npm, and installed again."""
    npm = shutil.which("npm")
    if not npm:
        raise Skip("npm is not there")
    npm_packages(context.scratch / "packages")
    volumes = [f"{context.scratch}/packages:/packages:ro", f"{Path(npm).resolve().parents[1]}:/npm:ro"]
    names = f"Array.from({{ length: {PACKAGES} }}, (_, p) => `p${{p}}`)"
    files = f"{names}.reduce((sum, name) => sum + fs.readdirSync(`node_modules/${{name}}/lib`).length, 0)"
    (context.scratch / "packages/count.js").write_text(f"const fs = require('fs'); console.log({files}, require('/data/node_modules/p7'), "
                                                       f"require('/data/node_modules/p{PACKAGES - 1}/lib/498.js'));\n")
    count = "node /packages/count.js"
    flags = "--offline --no-audit --no-fund --no-progress --no-update-notifier --cache /data/cache --loglevel error >/dev/null"
    script = f"set -e; export HOME=/tmp; cd /data; cp /packages/package.json .; node /npm/bin/npm-cli.js install {flags}; {count}"
    expected = f"{PACKAGES * 499} 7000 {(PACKAGES - 1) * 1000 + 498}\n"
    check_run(context, software.NODE, script, expected, *volumes, LINUXRUN_MEMORY="768M")
    check_state_disk(context)
    check_run(context, software.NODE, f"set -e; export HOME=/tmp; cd /data; {count}; node /npm/bin/npm-cli.js ci {flags}; {count}", 2 * expected, *volumes, LINUXRUN_MEMORY="768M")
    check_state_disk(context)


if FULL:  # npm takes minutes in an emulator
    test(npm_install)
