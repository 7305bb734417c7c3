# SPDX-License-Identifier: MIT
"""Linux from native apps: the image with apps/linux_test and the examples, booted by run.sh with images for them."""

import concurrent.futures
import re
import shutil
import subprocess
import urllib.error
import urllib.request

from harness import ROOT, RUN_TIMEOUT, check, check_equal, test
from test_state_disk import check_disk

SUM = re.compile(r"^\[linux_test *\] \S+ +linux_test: (\d+) passed, (\d+) failed")


APPLETS = ("sh", "echo", "printf", "nproc", "hostname", "cat", "chmod", "md5sum", "grep", "head", "ln", "ls", "mkdir", "mv", "rm", "rmdir", "seq", "sleep",
           "stat", "tail", "test", "touch", "wc")


def make_image(context):
    """An image "hello": a shell, a volume, and `echo hello` as its entrypoint."""
    root = context.scratch / "hello-root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/busybox").write_bytes((ROOT / "third_party/busybox/busybox").read_bytes())
    (root / "bin/busybox").chmod(0o755)
    for name in APPLETS:
        (root / "bin" / name).symlink_to("busybox")
    shutil.copy(ROOT / "tools/e2e/programs/volume_pair.sh", root)
    subprocess.run(["riscv64-linux-gnu-gcc", "-D_GNU_SOURCE", "-std=gnu11", "-O1", "-static", "-Wall", "-Wextra", "-Werror",
                    "-o", root / "bin/lock_count", ROOT / "tools/e2e/programs/lock_count.c"], check=True)
    layout = context.scratch / "hello"
    subprocess.run([ROOT / "tools/image/mklayout.sh", root, layout, '["world"],"Entrypoint":["/bin/echo","hello"],"Volumes":{"/data":{}}',
                    '["PATH=/bin","IMAGE=hello"]'], check=True)
    return layout


def start(context, append, image="starina-linux", arguments=(), **settings):
    layout = make_image(context)
    context.boot_image(image)
    return context.start(*arguments, LINUXRUN_IMAGES=f"hello:1=oci://{layout},ubuntu:20.04=oci://{layout}",
                         STARINA_MEMORY="1G", STARINA_APPEND=append, **settings)


def read_until(process, wanted):
    """The lines of the log, until each of `wanted` has matched one."""
    wanted = list(wanted)
    lines = []
    pending = b""
    while wanted:
        raw = process.stderr.read1(65536)
        check(raw, f"no line {wanted}\n" + "\n".join(lines[-80:]))
        *complete, pending = (pending + raw).split(b"\n")
        for line in complete:
            lines.append(line.decode(errors="replace").rstrip())
            wanted = [pattern for pattern in wanted if not re.search(pattern, lines[-1])]
    return lines


def run_tests(context, prefix, least, *arguments, **settings):
    # Without the examples, whose guests use more and less memory as it suits them.
    process = start(context, f"linux_test.only={prefix}", image="starina-linux-test", arguments=arguments, **settings)
    try:
        lines = read_until(process, [SUM.pattern])
    finally:
        context.stop(process)
    passed, failed = map(int, next(filter(None, map(SUM.match, lines))).groups())
    log = "\n".join(line for line in lines if line.startswith("[linux_test"))
    check(failed == 0 and passed >= least, log)


@test
def commands(context):
    run_tests(context, "command.", 12)


@test
def containers(context):
    run_tests(context, "container.", 4)


@test
def added_processes(context):
    run_tests(context, "exec.", 4)


@test
def commands_by_a_service(context):
    run_tests(context, "service.", 4)


@test
def shared_folders(context):
    share = context.scratch / "notes"
    share.mkdir()
    run_tests(context, "files.", 2, "--share", f"notes={share}")
    check_equal((share / "from_container").read_text(), "container\n")
    check_equal(sorted(path.name for path in share.iterdir()), ["from_app", "from_container"])


@test
def two_containers_on_a_volume(context):
    """Two VMs of one machine: what one changes the other sees; names and lines at the end are each's once."""
    run_tests(context, "volumes.two", 1, STARINA_KEEP="1")
    # The machine is ended in the midst of its life.
    check_disk(context, clean=False)


@test
def locks_on_a_volume(context):
    """Of two containers, which see what was written under the lock before."""
    run_tests(context, "volumes.locks", 1, STARINA_KEEP="1")


@test
def warm_vms(context):
    run_tests(context, "vms.warm", 2)


@test
def memory_of_vms_comes_back(context):
    run_tests(context, "vms.memory", 1)


@test
def examples(context):
    process = start(context, "")
    try:
        read_until(process, [r"\[linux_ls *\].* bin -> usr/bin$", r"\[container_hello *\].* Hello from container, my_value$"])
    finally:
        context.stop(process)


def fetch(url, data=None, method=None):
    request = urllib.request.Request(url, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=RUN_TIMEOUT) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@test
def gateway(context):
    """A native server whose /api/* is a container."""
    process = start(context, "")
    try:
        lines = read_until(process, [r"http://127.0.0.1:\d+/", r"\[gateway *\].* serving tcp-listen"])
        port = next(filter(None, (re.search(r"http://127.0.0.1:(\d+)/", line) for line in lines)))[1]
        url = f"http://127.0.0.1:{port}"
        check_equal(fetch(url + "/"), (200, b"This page is Starina's own; /api/ is a container's.\n"))
        check_equal(fetch(url + "/api/hello"), (200, b"Hello from Linux\n"))
        check_equal(fetch(url + "/api/hello", method="HEAD"), (200, b""))
        check_equal(fetch(url + "/api/absent")[0], 404)
        check_equal(fetch(url + "/api/large"), (200, bytes(8 << 20)))
        body = bytes(range(256)) * 4096
        check_equal(fetch(url + "/api/echo.sh?a=1", body), (200, b"POST a=1\n" + body))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: fetch(url + "/api/hello"), range(20)))
        check_equal(set(answers), {(200, b"Hello from Linux\n")})
    finally:
        context.stop(process)
