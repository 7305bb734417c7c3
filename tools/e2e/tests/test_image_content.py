# SPDX-License-Identifier: MIT
"""What is in the root image and in config.json, looked at from outside. Nothing is booted."""

import json
import os
import random
import re
import subprocess
import tarfile

from harness import Skip, check, check_equal, check_refused, test
from oci import Image, Layer, write_layout

# VFS_CAP_REVISION_2, effective, cap_net_raw (linux/capability.h)
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def listing(image):
    """{path: (mode, owner, rest of the line)} of the root image."""
    lines = subprocess.run(["unsquashfs", "-lln", image / "root.squashfs"], stdout=subprocess.PIPE, check=True,
                           env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}).stdout.decode()
    files = {}
    for line in lines.splitlines():
        match = re.match(r"(\S+) (\S+) +(.+?) (\S+ \S+) squashfs-root(?:/rootfs)?(/.*|)$", line)
        path, _, target = match[5].partition(" -> ")
        files[path or "/"] = (match[1], match[2], target or match[3].replace(" ", ""))
    return files


def packed(context, *layers, name="layout", **config):
    config.setdefault("Cmd", ["/x"])
    write_layout(context.scratch / name, Image(*layers, **config))
    return context.resolve(f"oci://{name}")


def config_of(context, image, *options):
    result = context.image_tool("config", *options, image, "out.json")
    check(result.status == 0, result)
    return json.loads((context.scratch / "out.json").read_text())


def stat_times(context, image):
    """{name: mtime} of the root's entries."""
    target = context.scratch / (image.name + "-files")
    if os.geteuid() != 0:
        raise Skip("devices can be unpacked by root only")
    subprocess.run(["unsquashfs", "-q", "-n", "-d", target, image / "root.squashfs"], stdout=subprocess.PIPE, check=True)
    return {path.name: int(path.lstat().st_mtime) for path in (target / "rootfs").iterdir()}


@test
def whiteouts(context):
    lower = Layer().dir("a").file("a/old", "1").file("gone").dir("d").file("d/x").dir("d/sub").file("d/sub/y")
    lower.dir("e").file("e/hidden")
    upper = Layer("zstd").file("d/new").opaque("d").whiteout("gone").whiteout("a/old").file("a/fresh")
    # In one layer, before and after what it does not hide.
    upper.file("e/hidden2").whiteout("e").whiteout("e/hidden2").whiteout("nothing/there")
    files = listing(packed(context, lower, upper))
    check_equal(set(files), {"/", "/a", "/a/fresh", "/d", "/d/new", "/e", "/e/hidden2"})


@test
def whiteout_then_new_entry(context):
    lower = Layer().file("f", "old").dir("d", mode=0o700).file("d/x")
    upper = Layer("none").whiteout("f").file("f", "newer").whiteout("d").symlink("d", "f")
    files = listing(packed(context, lower, upper))
    check_equal(files["/f"][2], "5")
    check_equal(files["/d"][2], "f")
    check("/d/x" not in files, files)


@test
def attributes_survive(context):
    layer = Layer().dir(".", mode=0o750, uid=3, gid=4)
    layer.file("su", "s", mode=0o4755, uid=70000, gid=80000, xattrs={"security.capability": CAPABILITY, "user.k": b"v"})
    layer.char_device("null", 1, 3, mode=0o666).add("fifo", tarfile.FIFOTYPE, mode=0o600)
    layer.dir("sticky", mode=0o1777).symlink("link", "su").hardlink("hard", "su")
    layer.file("caf\u00e9 e\u0301", "utf8").file("n" * 255, "long").file("sparse", b"\0" * 5000000 + b"x")
    image = packed(context, layer)
    files = listing(image)
    check_equal(files["/"][:2], ("drwxr-x---", "3/4"))
    check_equal(files["/su"][:2], ("-rwsr-xr-x", "70000/80000"))
    check_equal(files["/hard"][:2], files["/su"][:2])
    check_equal(files["/null"][0] + files["/null"][2], "crw-rw-rw-1,3")
    check_equal(files["/fifo"][0], "prw-------")
    check_equal(files["/sticky"][0], "drwxrwxrwt")
    check_equal(files["/link"][2], "su")
    check_equal(files["/sparse"][2], "5000001")
    check("/caf\u00e9 e\u0301" in files and "/" + "n" * 255 in files, files)
    check((image / "root.squashfs").stat().st_size < 100000, "holes are stored")
    xattrs = subprocess.run(["rdsquashfs", "-x", "/rootfs/hard", image / "root.squashfs"], stdout=subprocess.PIPE,
                            check=True).stdout.decode()
    check(f"security.capability=0x{CAPABILITY.hex()}" in xattrs and "user.k=v" in xattrs, xattrs)


@test
def attribute_names_survive(context):
    names = ["user.with blanks", "user.100%", "user.a%20b", "user.caf\u00e9", "security.x y"]
    layer = Layer().file("f", xattrs={name: b"v" for name in names}).dir("d", xattrs={"user.a b": b"v"})
    image = packed(context, layer)
    for path, expected in (("f", names), ("d", ["user.a b"])):
        lines = subprocess.run(["rdsquashfs", "-x", "/rootfs/" + path, image / "root.squashfs"],
                               stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
        check_equal(sorted(lines), sorted(name + "=v" for name in expected), path)


@test
def times_are_kept_or_clamped(context):
    times = {0: 0, -1: 0, -2**40: 0, 1.9: 1, 2**31 - 2: 2**31 - 2, 2**31 - 1: 2**31 - 1, 2**31: 2**31, 2**32 - 1: 2**32 - 1,
             2**32: 2**32 - 1, 2**33: 2**32 - 1, 2**62: 2**32 - 1, 10**30: 2**32 - 1}
    for kind in (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        layer = Layer()
        for number, time in enumerate(times):
            layer.add(f"{number}", kind, link="x", mtime=time)
        stamps = stat_times(context, packed(context, layer, name=f"kind-{kind[0]}"))
        check_equal(stamps, {f"{number}": kept for number, kept in enumerate(times.values())}, kind)


@test
def paths_stay_inside(context):
    lower = Layer().symlink("up", "../../..").symlink("abs", "/etc").dir("etc").symlink("loop", "loop")
    upper = Layer().file("up/escaped", "1").file("/absolute", "2").file("abs/through", "3")
    files = listing(packed(context, lower, upper))
    check_equal(set(files), {"/", "/up", "/abs", "/etc", "/loop", "/escaped", "/absolute", "/etc/through"})


@test
def bad_paths_are_refused(context):
    cases = {
        "dotdot": (Layer().file("a/../../b"), ".."),
        "dots": (Layer().dir(".."), ".."),
        "hardlink": (Layer().hardlink("passwd", "../../etc/passwd"), ".."),
        "absent": (Layer().hardlink("x", "/etc/passwd"), "/etc/passwd"),
        "loop": (Layer().symlink("l", "l").file("l/x"), "symbolic links"),
        "through": (Layer().file("f").file("f/x"), "file"),
        "whiteout": (Layer().file("d/.wh..."), ""),
        "long": (Layer().file("n" * 256), "255"),
    }
    for name, (layer, part) in cases.items():
        write_layout(context.scratch / name, Image(layer, Cmd=["/x"]))
        check_refused(context.image_tool("resolve", f"oci://{name}"), f"oci://{name}", "layer 1", part)
    check_equal(context.cache_leftovers(), [])


@test
def two_runs_are_byte_identical(context):
    layer = Layer().dir("z").dir("a").file("z/1", "x" * 300000).file("a/2", xattrs={"user.b": b"1", "user.a": b"2"})
    write_layout(context.scratch / "layout", Image(layer, Cmd=["/x"]))
    outputs = []
    for name in ("one", "two"):
        result = context.image_tool("pack", "layout", name)
        check(result.status == 0, result)
        outputs.append({path.name: path.read_bytes() for path in (context.scratch / name).iterdir()})
    check_equal(outputs[0] == outputs[1], True)
    check_equal(set(outputs[0]), {"root.squashfs", "image.json"})


@test
def entrypoint_rules(context):
    image = packed(context, Layer().file("x"), Entrypoint=["/e", "1"], Cmd=["c d"])

    def args(*options):
        return config_of(context, image, *options)["process"]["args"]

    check_equal(args(), ["/e", "1", "c d"])
    check_equal(args("--entrypoint=/bin/sh -c 'echo \"a b\"' x\\ y"), ["/bin/sh", "-c", 'echo "a b"', "x y"])
    check_equal(args('--entrypoint=["/bin/sh", "-c", "a  b"]'), ["/bin/sh", "-c", "a  b"])
    check_equal(args("--args=-g 'daemon off;'"), ["/e", "1", "-g", "daemon off;"])
    check_equal(args("--entrypoint=/s", "--args=t"), ["/s", "t"])
    check_refused(context.image_tool("config", "--entrypoint='x", image, "o"), "LINUXRUN_ENTRYPOINT", "quote")
    check_refused(context.image_tool("config", "--args=[1]", image, "o"), "LINUXRUN_ARGS", "strings")


@test
def environment_rules(context):
    image = packed(context, Layer().file("x"), Env=["A=1", "PATH=/p", "B=x=y"])
    env = config_of(context, image)["process"]["env"]
    check_equal(env, ["PATH=/p", "HOSTNAME=starina", "A=1", "B=x=y", "HOME=/"])
    env = config_of(context, image, "--env=A=2,C=3,NOT_SET_HERE")["process"]["env"]
    check_equal(env, ["PATH=/p", "HOSTNAME=starina", "A=2", "B=x=y", "C=3", "HOME=/"])
    env = config_of(context, packed(context, Layer().file("x"), name="plain"))["process"]["env"]
    check_equal(env[0], "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


@test
def user_rules(context):
    accounts = Layer().dir("etc").file("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/false\n")
    accounts.file("etc/group", "root:x:0:\nweb:x:34:\nmedia:x:50:web,root\nstaff:x:51:\n")
    image = packed(context, accounts, User="web")

    def user(*options):
        process = config_of(context, image, *options)["process"]
        home = [entry for entry in process["env"] if entry.startswith("HOME=")][0]
        return process["user"]["uid"], process["user"]["gid"], process["user"]["additionalGids"], home

    check_equal(user(), (33, 34, [34, 50], "HOME=/srv"))
    check_equal(user("--user=33"), (33, 34, [34, 50], "HOME=/srv"))
    check_equal(user("--user=web:staff"), (33, 51, [51], "HOME=/srv"))
    check_equal(user("--user=1000"), (1000, 0, [0], "HOME=/"))
    check_equal(user("--user=1000:77"), (1000, 77, [77], "HOME=/"))
    check_equal(user("--user=0"), (0, 0, [0, 50], "HOME=/root"))
    check_refused(context.image_tool("config", "--user=nemo", image, "o"), '"nemo"')
    check_refused(context.image_tool("config", "--user=web:nobody", image, "o"), '"nobody"')
    check_refused(context.image_tool("config", "--user=4294967295", image, "o"), "4294967295")


@test
def accounts_through_symlinks(context):
    # As usr-merged and immutable systems have it; an absolute target means the image's root.
    layer = Layer().dir("usr").file("usr/passwd", "web:x:33:34::/srv:/bin/false\n").symlink("etc", "/usr")
    image = packed(context, layer, User="web")
    check_equal(config_of(context, image)["process"]["user"]["uid"], 33)


@test
def rest_of_the_configuration(context):
    image = packed(context, Layer().file("x"), WorkingDir="/w", StopSignal="SIGQUIT")
    config = config_of(context, image)
    check_equal(config["process"]["cwd"], "/w")
    check_equal(config["root"]["readonly"], False)
    check_equal(config["annotations"]["org.opencontainers.image.stopSignal"], "SIGQUIT")
    # bootd knows docker's defaults, and who the user is.
    check_equal({"capabilities", "rlimits", "noNewPrivileges"} & set(config["process"]), set())
    check_equal({"maskedPaths", "readonlyPaths"} & set(config["linux"]) | {"mounts"} & set(config), set())
    config = config_of(context, image, "--workdir=/v", "--hostname=h1", "--readonly")
    check_equal((config["process"]["cwd"], config["hostname"], config["root"]["readonly"]), ("/v", "h1", True))
    config = config_of(context, image, "--cpu-share=0.250")
    check_equal(config["linux"]["resources"]["cpu"], {"quota": 25000, "period": 100000})
    check_refused(context.image_tool("config", "--workdir=v", image, "o"), '"v"', "absolute")
    check_refused(context.image_tool("config", "--hostname=a b", image, "o"), '"a b"')


def random_layer(chance, count):
    """A layer and {path: (line's mode, owner, content or None)} of what is in it."""
    block = 128 << 10
    layer, tree, directories, files = Layer(), {}, [""], []
    for number in range(count):
        path = f"{chance.choice(directories[:3] + directories[-9:])}{chance.choice('a b%-')}{number}"
        owner = {"uid": chance.choice([0, 65535, 65536, 2**32 - 2, number]), "gid": chance.randrange(2**32 - 1)}
        names = f"{owner['uid']}/{owner['gid']}"
        xattrs = {f"user.{number}": b"v" * chance.choice([0, 1, 9000])} if chance.random() < 0.1 else None
        kind = chance.random()
        if kind < 0.2:
            layer.dir(path, xattrs=xattrs, **owner)
            tree[path] = ("drwxr-xr-x", names, None)
            directories.append(path + "/")
        elif kind < 0.3:
            layer.symlink(path, "t" * chance.choice([1, 255, 4095]), **owner)
            tree[path] = ("lrwxrwxrwx", names, None)
        elif kind < 0.4 and files:
            target = chance.choice(files)
            layer.hardlink(path, target)
            tree[path] = tree[target]
        else:
            size = chance.choice([0, 1, 9, block - 1, block, block + 1, 3 * block]) if kind < 0.5 else 3
            data = (chance.choice([b"", bytes(block)]) + chance.randbytes(size) + bytes(2 * block))[:size]
            layer.file(path, data, xattrs=xattrs, **owner)
            tree[path] = ("-rw-r--r--", names, data)
            files.append(path)
    return layer, tree


@test
def random_trees(context):
    for count in (0, 10, 400, 6000):
        seed = random.randrange(2**32)
        layer, tree = random_layer(random.Random(seed), count)
        image = packed(context, layer, name=f"random{count}")
        found = {path[1:]: line[:2] for path, line in listing(image).items() if path != "/"}
        check_equal(found, {path: line[:2] for path, line in tree.items()}, f"seed {seed}, {count} files")
        chance = random.Random(seed)
        for path in chance.sample(sorted(path for path in tree if tree[path][2]), min(count // 10, 30)):
            shown = subprocess.run(["unsquashfs", "-cat", image / "root.squashfs", "rootfs/" + path],
                                   stdout=subprocess.PIPE, check=True).stdout
            check(shown == tree[path][2], f"seed {seed}, {count} files: {path}")
