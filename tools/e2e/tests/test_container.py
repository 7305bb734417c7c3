# SPDX-License-Identifier: MIT
"""Containers as a user runs them: ./run.sh boots the OS, the OS a VM, the VM the image. A small static program."""

import gzip
import hashlib
import signal
import subprocess
import threading
import time

from harness import PATIENCE, check, check_equal, test
from oci import Layer, write_layout
from probe import probe_image, run_probe
from registry import Registry

HELLO = b"hello from a static program\n"


def check_run(result, status, stdout=None):
    check(result.status == status and (stdout is None or result.stdout == stdout), result)


def start_probe(context, *args, **settings):
    write_layout(context.scratch / "image", probe_image(context, *args))
    return context.start(LINUXRUN_IMAGE="oci://image", **settings)


@test
def image_from_registry(context):
    registry = context.once("registry", lambda directory: Registry(directory).start())
    other = probe_image(context, "exit", "99", architecture="amd64")
    layout = write_layout(context.scratch / "multi", other, probe_image(context, "hello"))
    check_run(context.run(LINUXRUN_IMAGE=registry.push(layout, "probe:1")), 0, HELLO)


@test
def image_from_files(context):
    write_layout(context.scratch / "layout", probe_image(context, "hello"))
    subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--override-arch=riscv64",
                    f"oci:{context.scratch}/layout:latest", f"docker-archive:{context.scratch}/docker.tar:p:1"],
                   check=True, stdout=subprocess.DEVNULL)
    (context.scratch / "docker.tar.gz").write_bytes(gzip.compress((context.scratch / "docker.tar").read_bytes()))
    subprocess.run(["tar", "-C", context.scratch / "layout", "-cf", context.scratch / "oci.tar", "."], check=True)
    for reference in ("oci://layout", "oci://oci.tar", "file://docker.tar", "file://docker.tar.gz"):
        check_run(context.run(LINUXRUN_IMAGE=reference), 0, HELLO)


@test
def exit_statuses(context):
    for number in (0, 7, 255):
        check_run(run_probe(context, "exit", number), number, b"")


@test
def death_by_a_signal(context):
    check_run(run_probe(context, "crash"), 139, b"")


@test
def entrypoint_not_found(context):
    result = run_probe(context, LINUXRUN_ENTRYPOINT="/nowhere")
    check_run(result, 127, b"")
    check("/nowhere" in result.errors() and "no such file" in result.errors(), result)
    result = run_probe(context, LINUXRUN_ENTRYPOINT="nowhere")
    check_run(result, 127, b"")
    check('"nowhere"' in result.errors() and "$PATH" in result.errors(), result)


@test
def entrypoint_not_executable(context):
    result = run_probe(context, LINUXRUN_ENTRYPOINT="/data")
    check_run(result, 126, b"")
    check('"/data"' in result.errors() and "ermission denied" in result.errors(), result)
    result = run_probe(context, LINUXRUN_ENTRYPOINT="/srv")
    check_run(result, 126, b"")
    check('"/srv"' in result.errors() and "is a directory" in result.errors(), result)


@test
def entrypoint_and_arguments(context):
    result = run_probe(context, "args", "two words", 'q"uote', "", "caf\u00e9")
    check_run(result, 0, '0: /probe\n1: args\n2: two words\n3: q"uote\n4: \n5: caf\u00e9\n'.encode())
    result = run_probe(context, "exit", 9, LINUXRUN_ENTRYPOINT="/probe args 'a b'")
    check_run(result, 0, b"0: /probe\n1: args\n2: a b\n")
    result = run_probe(context, "exit", 9, LINUXRUN_ARGS='["args", "x"]')
    check_run(result, 0, b"0: /probe\n1: args\n2: x\n")


@test
def environment_directory_and_user(context):
    config = {"Env": ["A=b c", "PATH=/x"], "WorkingDir": "/srv", "User": "web"}
    lines = run_probe(context, "env", config=config).stdout.decode().splitlines()
    check_equal(set(lines), {"A=b c", "PATH=/x", "HOSTNAME=starina", "HOME=/srv", "cwd=/srv", "uid=33", "gid=34"})
    settings = {"LINUXRUN_ENV": "A=2,TOKEN", "TOKEN": "t", "LINUXRUN_USER": "1000:7", "LINUXRUN_WORKDIR": "/new/dir",
                "LINUXRUN_HOSTNAME": "box"}
    lines = run_probe(context, "env", config=config, **settings).stdout.decode().splitlines()
    check_equal(set(lines), {"A=2", "TOKEN=t", "PATH=/x", "HOSTNAME=box", "HOME=/", "cwd=/new/dir", "uid=1000",
                             "gid=7"})


@test
def files_of_the_runtime(context):
    image_files = Layer().dir("etc").file("etc/hosts", "the image's\n").file("etc/resolv.conf", "the image's\n")
    paths = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc/sys/kernel/hostname"]
    result = run_probe(context, "show", *paths, layers=[image_files], LINUXRUN_HOSTNAME="box.example.org")
    check_run(result, 0, b"box.example.org\n"
                         b"127.0.0.1\tlocalhost\n"
                         b"::1\tlocalhost ip6-localhost ip6-loopback\n"
                         b"fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
                         b"10.0.2.100\tbox.example.org box\n"
                         b"nameserver 10.0.2.3\n"
                         b"box.example.org\n")


@test
def read_only_root(context):
    check_run(run_probe(context, "write", "/file"), 0)
    result = run_probe(context, "write", "/file", LINUXRUN_READONLY=1)
    check_run(result, 1)
    check("Read-only file system" in result.stderr, result)


@test
def volumes_of_a_read_only_root(context):
    """Made, or the image's own; the links that the image leads them by may dangle."""
    config = {"Volumes": {"/srv": {}, "/new/deep": {}, "/link": {}}}
    layer = Layer().dir("srv").symlink("link", "/var/made")
    for path in ("/srv/x", "/new/deep/x", "/var/made/x"):
        check_run(run_probe(context, "write", path, config=config, layers=[layer], LINUXRUN_READONLY=1), 0)
    check_run(run_probe(context, "write", "/new/x", config=config, layers=[layer], LINUXRUN_READONLY=1), 1)


@test
def megabyte_of_bytes(context):
    result = run_probe(context, "bytes", 1000000)
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
    data = bytes(range(256)) * 4000
    result = run_probe(context, "cat", stdin=data)
    check_run(result, 0)
    check_equal(hashlib.sha256(result.stdout).hexdigest(), hashlib.sha256(data).hexdigest())
    check_run(run_probe(context, "cat", stdin=b""), 0, b"")


@test
def conversation(context):
    """Each line comes back before the next one is written: nothing waits for more in between."""
    process = start_probe(context, "cat")
    for line in (b"one\n", b"two\n", b"three\n"):
        process.stdin.write(line)
        process.stdin.flush()
        check_equal(process.stdout.readline(), line)
    process.stdin.close()
    check_equal((process.stdout.read(), process.wait()), (b"", 0))
    process.stderr.close()
    process.stdout.close()


@test
def output_comes_as_it_is_written(context):
    """The container waits for a byte after each line, which we send only once the line is here."""
    process = start_probe(context, "step", 3)
    for number in range(3):
        check_equal(process.stdout.readline(), f"step {number}\n".encode())
        check_equal(process.poll(), None)
        process.stdin.write(b".")
        process.stdin.flush()
    stdout, stderr = process.communicate()
    check_equal((process.returncode, stdout), (0, b""), stderr)


@test
def reader_of_stdout_goes_away(context):
    """As in `run.sh | head -1`: writing fails with EPIPE (no SIGPIPE: the container's process 1 is spared)."""
    process = start_probe(context, "flood")
    check_equal(process.stdout.readline(), b"flood\n")
    process.stdout.close()
    stderr = process.stderr.read().decode(errors="replace")
    check_equal(process.wait(), 65, stderr)
    process.stdin.close()
    process.stderr.close()


def check_signal(context, number):
    process = start_probe(context, "wait", LINUXRUN_STOP_TIMEOUT=PATIENCE)
    check_equal(process.stdout.readline(), b"waiting\n")
    result = context.stop(process, number)
    check_run(result, 40 + number, f"signal {int(number)}\n".encode())


@test
def sigint_is_passed_on(context):
    check_signal(context, signal.SIGINT)


@test
def sigterm_is_passed_on(context):
    check_signal(context, signal.SIGTERM)


@test
def two_runs_side_by_side(context):
    write_layout(context.scratch / "image", probe_image(context, "step", 1))
    processes = [context.start(LINUXRUN_IMAGE="oci://image") for _ in range(2)]
    # Both containers run at this point: neither ends before it gets a byte.
    for process in processes:
        check_equal(process.stdout.readline(), b"step 0\n")
    for process in processes:
        stdout, stderr = process.communicate(b".")
        check_equal((process.returncode, stdout), (0, b""), stderr)


@test
def slow_reader_of_stdout(context):
    """What the host does not read yet waits in the container, and nothing is lost."""
    process = start_probe(context, "bytes", 3000000)
    first = process.stdout.read(1000)
    time.sleep(2)
    rest = []
    reader = threading.Thread(target=lambda: rest.append(process.stdout.read()))
    reader.start()
    stderr = process.stderr.read()
    reader.join()
    check_equal((process.wait(), len(first) + len(rest[0])), (0, 3000000), stderr)
    process.stdin.close()
