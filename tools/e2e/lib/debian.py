# SPDX-License-Identifier: MIT
"""Root file systems of Debian packages for riscv64 as image layers, from the machine's package mirror.

They are cached outside the checkout. An entry's name holds a digest of what is in it, packages with their versions and the way
they are unpacked, and its SHA-256 is kept beside it: a damaged entry is seen and made again."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path

from harness import ROOT
from oci import Image, Layer, TarLayer

SUITE = "trixie"
# Change this when root_tar() makes something else of the same packages.
RECIPE = 1
PACKAGES = ["base-files", "dash", "coreutils", "busybox-static", "python3-minimal", "libcap2-bin"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PRUNE_DAYS = 30
# What an image has no use for.
EXCLUDED = ("usr/share/doc/", "usr/share/man/", "usr/share/locale/", "usr/share/info/", "usr/share/lintian/")
PASSWD = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\ndaemon:x:1:\nadm:x:4:\ntty:x:5:\nwww-data:x:33:\nnogroup:x:65534:\n"


def mirror():
    """The mirror that the machine's apt is set up with, as setup.sh finds it."""
    script = '. "$ROOT/tools/setup/common.sh"; . "$ROOT/tools/setup/sources.sh"; find_mirror'
    done = subprocess.run(["bash", "-c", script], env={**os.environ, "ROOT": str(ROOT)}, check=True,
                          stdout=subprocess.PIPE)
    return done.stdout.decode().strip()


def cache_directory():
    base = os.environ.get("STARINA_TEST_CACHE") or os.environ.get("STARINA_CACHE")
    if not base:
        base = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")) + "/starina"
    path = Path(base) / "test-images"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def cache_lock():
    """Held while the cache is written; a run in another checkout waits here."""
    with open(cache_directory() / "lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def file_digest(path, algorithm="sha256"):
    state = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


class Apt:
    """apt for riscv64 with a configuration, lists and downloads of its own. It installs nothing."""

    def __init__(self, directory):
        self.directory = directory
        self.archives = directory / "cache/archives"
        (directory / "lists/partial").mkdir(parents=True, exist_ok=True)
        (self.archives / "partial").mkdir(parents=True, exist_ok=True)
        (directory / "empty/partial").mkdir(parents=True, exist_ok=True)
        (directory / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {SUITE} main\n")
        settings = {
            "Dir::Etc::SourceList": directory / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null", "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::Etc::Parts": "/dev/null", "Dir::State::Lists": directory / "lists",
            "Dir::State::status": "/dev/null", "Dir::Cache": directory / "cache",
            "APT::Architecture": "riscv64", "APT::Architectures": "riscv64", "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false", "Acquire::Languages": "none", "Acquire::Retries": "5", "Debug::NoLocking": "true",
            # An image needs no working package management.
            "pkgCacheGen::ForceEssential": "none",
        }
        (directory / "apt.conf").write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()))
        if self.run("update", check=False).returncode:
            # Good enough for images that are in the cache; for others the download says what is wrong.
            print("      e2e the package lists could not be updated; using those from last time", flush=True)

    def run(self, *args, check=True):
        return subprocess.run(["apt-get", "-q", "-y", *args], env={**os.environ, "APT_CONFIG": self.directory / "apt.conf"},
                              check=check, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def needed(self, packages):
        """(file name, MD5) of each package that these need, themselves among them."""
        # apt leaves out what it finds among the downloads: let it find none.
        option = f"Dir::Cache::Archives={self.directory}/empty"
        output = self.run("-o", option, "--print-uris", "install", *packages).stdout.decode()
        rows = [line.split() for line in output.splitlines() if line.startswith("'")]
        return sorted((row[1], row[3].removeprefix("MD5Sum:")) for row in rows)

    def download(self, packages, needed):
        """Has the files of `needed` in self.archives. apt checks what it fetches by the mirror's signature, but of
        what was there before just the size."""
        for name, md5 in needed:
            path = self.archives / name
            if path.exists() and file_digest(path, "md5") != md5:
                path.unlink()
        done = self.run("--download-only", "install", *packages, check=False)
        if done.returncode:
            raise RuntimeError("cannot download packages: " + done.stdout.decode(errors="replace")[-1500:])


_apt = []


def apt():
    if not _apt:
        _apt.append(Apt(cache_directory() / "apt"))
    return _apt[0]


def copy_package(deb, output, directories):
    """Appends a package's files to a tar. A directory that several packages have is taken once."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as data:
            for member in data:
                member.name = member.name.removeprefix("./").rstrip("/")
                if member.name in ("", ".") or member.name.startswith(EXCLUDED):
                    continue
                if member.isdir():
                    if member.name in directories:
                        continue
                    directories.add(member.name)
                if member.islnk():
                    member.linkname = member.linkname.removeprefix("./")
                output.addfile(member, data.extractfile(member) if member.isreg() else None)
        process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"{deb} is not a good package")


def is_whole(path):
    """Whether a file of the cache is what it was when it was made."""
    record = path.with_suffix(".sha256")
    if not path.exists() or not record.exists():
        return False
    if file_digest(path) == record.read_text().strip():
        return True
    print(f"      e2e {path} is damaged; making it again", flush=True)
    return False


def prune(directory):
    """Removes what no test has used for a month: mostly of package versions that are gone."""
    oldest = time.time() - PRUNE_DAYS * 24 * 3600
    for path in [*directory.glob("*.tar"), *directory.glob("packed/images/*"), *directory.glob("apt/cache/archives/*.deb")]:
        if path.stat().st_mtime < oldest:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def root_tar(packages=None):
    """The path of a tar with these packages and what they need, unpacked; its SHA-256 is beside it. Maintainer scripts do not
    run: it is riscv64."""
    packages = packages or PACKAGES
    with cache_lock():
        needed = apt().needed(packages)
        key = hashlib.sha256(repr((RECIPE, EXCLUDED, needed)).encode()).hexdigest()[:32]
        path = cache_directory() / f"{SUITE}-{key}.tar"
        if is_whole(path):
            path.touch()
            return path
        prune(cache_directory())
        print(f"      e2e making a Debian {SUITE} riscv64 root file system of {len(needed)} packages (once)",
              flush=True)
        apt().download(packages, needed)
        made = path.with_suffix(".tmp")
        directories = set()
        with tarfile.open(made, "w", format=tarfile.PAX_FORMAT) as output:
            # base-files has the links of a merged /usr, which what follows writes through.
            for name, _ in sorted(needed, key=lambda item: not item[0].startswith("base-files_")):
                copy_package(apt().archives / name, output, directories)
        path.with_suffix(".sha256").write_text(file_digest(made) + "\n")
        made.rename(path)
    return path


def fixes(passwd="", group=""):
    """What maintainer scripts would have done, as a layer of its own."""
    layer = Layer()
    layer.file("etc/passwd", PASSWD + passwd).file("etc/group", GROUP + group)
    layer.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    layer.symlink("usr/bin/sh", "dash")
    return layer


def image(*layers, **config):
    """A Debian image with more layers on top."""
    config.setdefault("Cmd", ["/bin/sh"])
    return Image(TarLayer(root_tar()), fixes(group="media:x:50:www-data\n"), *layers, **config)
