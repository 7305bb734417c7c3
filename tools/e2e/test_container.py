# SPDX-License-Identifier: MIT
"""Containers as a user runs them: ./run.sh boots the OS, the OS a VM, the VM the image."""

import hashlib
import signal
import subprocess
import time

import debian
from harness import ROOT, check, check_equal, test
from oci import Image, Layer, write_layout
from registry import Registry

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw=ep


def probe(context):
    """The test program, built once."""
    def build(directory):
        directory.mkdir()
        subprocess.run(["riscv64-linux-gnu-gcc", "-std=gnu11", "-Os", "-static", "-Wall", "-Werror",
                        "-o", directory / "probe", ROOT / "tools/e2e/probe.c"], check=True)
        return (directory / "probe").read_bytes()
    return context.once("probe", build)


def probe_image(context, *args, **config):
    layer = Layer().file("probe", probe(context), mode=0o755).file("data", "no program", mode=0o644)
    layer.dir("srv").dir("etc").file("etc/passwd", "web:x:33:34::/srv:/bin/false\n")
    config.setdefault("Entrypoint", ["/probe"])
    return Image(layer, Cmd=list(args), **config)


def run_probe(context, *args, name="image", stdin=b"", config=None, **settings):
    write_layout(context.scratch / name, probe_image(context, *args, **(config or {})))
    return context.run(LINUXRUN_IMAGE=f"oci://{name}", stdin=stdin, **settings)


def run_debian(context, script, *layers, name="debian", **settings):
    write_layout(context.scratch / name, debian.image(*layers, Cmd=["/bin/sh", "-c", script]))
    return context.run(LINUXRUN_IMAGE=f"oci://{name}", **settings)


def check_run(result, status, stdout=None):
    check(result.status == status and (stdout is None or result.stdout == stdout), result)


@test
def default_image_greets(context):
    process = context.start()
    try:
        output = b""
        deadline = time.monotonic() + 120
        while b"LINUXRUN_IMAGE=" not in output and time.monotonic() < deadline and process.poll() is None:
            output += process.stdout.readline()
        check(b"Hello from a Linux container on Starina!" in output, output)
        time.sleep(1)
        check_equal(process.poll(), None, "the OS should stay up")
    finally:
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    check(b"container started in" in stderr, stderr)
    check_equal(process.returncode, 130)


@test
def static_binary_from_registry(context):
    registry = context.once("registry", lambda directory: Registry(directory).start())
    other = probe_image(context, "exit", "99", architecture="amd64")
    layout = write_layout(context.scratch / "multi", other, probe_image(context, "hello"))
    result = context.run(LINUXRUN_IMAGE=registry.push(layout, "probe:1"))
    check_run(result, 0, b"hello from a static program\n")


@test
def docker_archive_gzipped(context):
    write_layout(context.scratch / "layout", probe_image(context, "hello"))
    subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--override-arch=riscv64",
                    f"oci:{context.scratch}/layout:latest", f"docker-archive:{context.scratch}/a.tar:p:1"], check=True)
    subprocess.run(["gzip", context.scratch / "a.tar"], check=True)
    check_run(context.run(LINUXRUN_IMAGE="file://a.tar.gz"), 0, b"hello from a static program\n")


@test
def exit_statuses(context):
    check_run(run_probe(context, "exit", "0", name="zero"), 0)
    check_run(run_probe(context, "exit", "7", name="seven"), 7)
    check_run(run_probe(context, "crash", name="crash"), 139)


@test
def entrypoint_missing_or_not_executable(context):
    result = run_probe(context, LINUXRUN_ENTRYPOINT="/nowhere", name="a")
    check_run(result, 127)
    check("/nowhere" in result.stderr, result)
    result = run_probe(context, LINUXRUN_ENTRYPOINT="/data", name="b")
    check_run(result, 126)
    check("/data" in result.stderr, result)


@test
def arguments_environment_and_user(context):
    result = run_probe(context, "args", "two words", 'q"uote', "", "caf\u00e9")
    check_run(result, 0, '0: /probe\n1: args\n2: two words\n3: q"uote\n4: \n5: caf\u00e9\n'.encode())
    config = {"Env": ["A=b c", "PATH=/x"], "WorkingDir": "/srv", "User": "web"}
    lines = run_probe(context, "env", name="env", config=config).stdout.decode().splitlines()
    check({"A=b c", "PATH=/x", "HOME=/srv", "cwd=/srv", "uid=33", "gid=34"} <= set(lines), lines)


@test
def megabyte_of_bytes(context):
    result = run_probe(context, "bytes", "1000000")
    check_equal(len(result.stdout), 1000000, result.stderr)
    state, data = 88172645463325252, bytearray()
    for _ in range(1000000):
        state ^= state >> 12
        state ^= state << 25 & 0xffffffffffffffff
        state ^= state >> 27
        data.append((state * 2685821657736338717 & 0xffffffffffffffff) >> 56)
    check_equal(hashlib.sha256(result.stdout).hexdigest(), hashlib.sha256(data).hexdigest())
    check("wrote 1000000 bytes" in result.stderr, result.stderr[-500:])


@test
def stdin_reaches_the_container(context):
    data = bytes(range(256)) * 1000
    result = run_probe(context, "cat", stdin=data)
    check_equal(result.status, 0, result.stderr)
    check_equal(hashlib.sha256(result.stdout).hexdigest(), hashlib.sha256(data).hexdigest())


@test
def output_comes_as_it_is_written(context):
    write_layout(context.scratch / "tick", probe_image(context, "tick", "4"))
    process = context.start(LINUXRUN_IMAGE="oci://tick")
    times = []
    while process.stdout.readline():
        times.append(time.monotonic())
    _, stderr = process.communicate(timeout=60)
    check_equal(len(times), 4, stderr.decode(errors="replace"))
    # Not a question of speed: had it been held back, all lines would have come at once.
    check(times[-1] - times[0] > 0.1, times)


@test
def interrupt_is_passed_on(context):
    write_layout(context.scratch / "wait", probe_image(context, "wait"))
    process = context.start(LINUXRUN_IMAGE="oci://wait")
    check_equal(process.stdout.readline(), b"waiting\n")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    check_equal((process.returncode, stdout), (42, b"signal 2\n"), stderr.decode(errors="replace"))


@test
def debian_shell_busybox_python(context):
    script = ("echo from sh; busybox echo from busybox; python3 -c 'print(\"from python\", sum(range(1000)))'; "
              "echo to stderr >&2; exit 5")
    result = run_debian(context, script)
    check_run(result, 5, b"from sh\nfrom busybox\nfrom python 499500\n")
    check("to stderr" in result.stderr, result)


@test
def attributes_inside(context):
    layer = Layer().dir("data", mode=0o1777)
    layer.file("data/su", "s", mode=0o4755, uid=70000, gid=80000, xattrs={"security.capability": CAPABILITY})
    layer.char_device("data/null", 1, 3, mode=0o666)
    result = run_debian(context, "cd /data; stat -c '%n %a %u:%g %F %t,%T' . null su; getcap su", layer)
    check_run(result, 0, b". 1777 0:0 directory 0,0\nnull 666 0:0 character special file 1,3\n"
                         b"su 4755 70000:80000 regular file 0,0\nsu cap_net_raw=ep\n")


@test
def whiteouts_inside(context):
    lower = Layer().file("t/gone").file("t/kept", "kept").file("t/opaque/old")
    upper = Layer("zstd").whiteout("t/gone").opaque("t/opaque").file("t/opaque/new")
    result = run_debian(context, "cd /t; find . | sort; echo written > gone; cat kept gone", lower, upper)
    check_run(result, 0, b".\n./kept\n./opaque\n./opaque/new\nkeptwritten\n")


@test
def without_hypervisor_extension(context):
    result = run_probe(context, "hello", STARINA_CPU="rv64,h=false")
    check_run(result, 125, b"")
    check("linuxrun" in result.stderr and "H extension" in result.stderr, result)
