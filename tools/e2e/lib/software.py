# SPDX-License-Identifier: MIT
"""Images of real software: Debian's packages for riscv64 and what their maintainer scripts would have added. They are
packed into a cache outside the checkout, where the next run finds them."""

import base64
import json
import os
import random
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import debian
from harness import Skip, check
from oci import Image, Layer, TarLayer, write_layout

# A static Go program.
ESBUILD = "@esbuild/linux-riscv64@0.25.5"
ESBUILD_INTEGRITY = "sha512-kTxwu4mLyeOlsVIFPfQo+fQJAV9mh24xL+y+Bm6ej067sYANjyEw1dNHmvoqxJUCMnkBdKpvOn0Ahql6+4VyeA=="
PROGRAMS = Path(__file__).resolve().parents[1] / "programs"


class Software:
    """An image: `packages` unpacked, `layer` on top of them, `config` as in a Dockerfile."""

    def __init__(self, name, packages, layer=None, passwd="", group="", **config):
        self.name = name
        self.packages = packages and ["base-files", "dash", "coreutils", *packages]
        self.layer, self.passwd, self.group = layer, passwd, group
        self.config = config

    def layers(self):
        if self.packages:
            yield TarLayer(debian.root_tar(self.packages))
            yield debian.fixes(self.passwd, self.group)
        if self.layer:
            yield self.layer()


def store():
    """The cache of packed images, as run.sh's STARINA_CACHE."""
    return debian.cache_directory() / "packed"


def check_packed(directory):
    """Compares a packed image with what is recorded of it, or records it. Returns False when it is damaged."""
    sums = "".join(f"{debian.file_digest(path)}  {path.name}\n" for path in sorted(directory.iterdir()))
    record = store() / "sums" / directory.name
    record.parent.mkdir(exist_ok=True)
    if not record.exists():
        record.write_text(sums)
    return record.read_text() == sums


def pack(context, reference):
    """The directory in the store where the image is packed and whole."""
    with debian.cache_lock():
        for _ in range(2):
            result = context.image_tool("resolve", reference, STARINA_CACHE=store())
            check(result.status == 0, result)
            directory = store() / "images" / result.stdout.decode().strip().rpartition("/")[2]
            if check_packed(directory):
                os.utime(directory)  # debian.prune() looks
                return directory
            print(f"      e2e {directory} is damaged; making it again", flush=True)
            shutil.rmtree(directory)
            (store() / "sums" / directory.name).unlink()
        raise RuntimeError(f"{directory} is not what was packed")


def settings(context, software):
    """The settings of a run of this image."""
    def make(directory):
        write_layout(directory, Image(*software.layers(), **software.config))
        pack(context, f"oci://{directory}")
        return directory
    return {"LINUXRUN_IMAGE": f"oci://{context.once(software.name, make)}", "STARINA_CACHE": store()}


def run(context, software, *argv, **more):
    """Runs a command in the image (its own, if none is given)."""
    if argv:
        more["LINUXRUN_ENTRYPOINT"] = json.dumps(list(argv))
    return context.run(**settings(context, software), **more)


def npm_package(spec, integrity):
    """The path of a package's tarball from the npm registry, which must have this integrity; cached."""
    algorithm, _, wanted = integrity.partition("-")
    path = debian.cache_directory() / "npm" / (base64.b64decode(wanted).hex()[:32] + ".tgz")

    def is_right(file):
        return base64.b64encode(bytes.fromhex(debian.file_digest(file, algorithm))).decode() == wanted
    with debian.cache_lock():
        if path.exists() and is_right(path):
            return path
        if not shutil.which("npm"):
            raise Skip(f"npm is not there to fetch {spec}")
        path.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            subprocess.run(["npm", "pack", "--silent", spec], cwd=scratch, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
            made = next(Path(scratch).iterdir())
            check(is_right(made), f"{spec} from the npm registry has not the integrity {integrity}")
            made.rename(path)
    return path


def esbuild_layer():
    layer = Layer()
    with tarfile.open(npm_package(ESBUILD, ESBUILD_INTEGRITY)) as package:
        layer.file("bin/esbuild", package.extractfile("package/bin/esbuild").read(), mode=0o755)
    layer.file("src/main.ts", 'import { twice } from "./twice";\nconsole.log("bundled", twice(21 as number));\n')
    return layer.file("src/twice.ts", "export const twice = (n: number): number => n * 2;\n"
                                      "export const unused = 'shaken out';\n")


def program_layer(*names):
    """A layer with files of tools/e2e/programs in /app."""
    layer = Layer().dir("app")
    for name in names:
        layer.file(f"app/{name}", (PROGRAMS / name).read_bytes(), mode=0o755)
    return layer


NGINX_FILE_SIZE = 50_000_000


def nginx_file():
    """What compression cannot shrink, the same in each run."""
    return random.Random("nginx").randbytes(NGINX_FILE_SIZE)


def nginx_layer():
    """What nginx-common's postinst does, and a large file."""
    layer = program_layer("nginx.sh").symlink("etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default")
    layer.dir("var/www/html").file("var/www/html/index.nginx-debian.html", "<title>Welcome to nginx!</title>\n")
    return layer.file("var/www/html/large", nginx_file())


PYTHON = Software("python", ["python3", "openssl"], lambda: program_layer("batteries.py"), Cmd=["python3"])
NODE = Software("node", ["nodejs"], lambda: program_layer("server.js"), Entrypoint=["node"])
REDIS = Software("redis", ["redis-server", "redis-tools"], lambda: program_layer("redis.sh"),
                 passwd="redis:x:100:100::/var/lib/redis:/usr/sbin/nologin\n", group="redis:x:100:\n",
                 Entrypoint=["redis-server"])
# Without it initdb looks at each file of all time zones: 13 of 90 seconds of CPU.
TZ = "TZ=UTC"
POSTGRES = Software("postgres", ["postgresql-17"],
                    lambda: program_layer("postgres.sh").dir("var/lib/postgresql", uid=100, gid=100)
                    .dir("var/run/postgresql", uid=100, gid=100),
                    passwd="postgres:x:100:100::/var/lib/postgresql:/bin/bash\n", group="postgres:x:100:\n",
                    User="postgres", Env=["PATH=/usr/lib/postgresql/17/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"])
NGINX = Software("nginx", ["nginx", "wget"], nginx_layer, Entrypoint=["nginx"], Cmd=["-g", "daemon off;"])
TOOLS = Software("tools", ["bash", "iputils-ping", "wget", "procps", "grep"], Cmd=["bash"])
TRIO = Software("trio", ["bash", "redis-server", "redis-tools", "nodejs", "wget", "iputils-ping"],
                lambda: program_layer("trio.sh", "counter.js"), Entrypoint=["/app/trio.sh"])
GIT = Software("git", ["git"], Cmd=["git"])
STRESS = Software("stress-ng", ["stress-ng"], Entrypoint=["stress-ng"])
ESBUILD_IMAGE = Software("esbuild", [], esbuild_layer, Entrypoint=["/bin/esbuild"], WorkingDir="/src")
