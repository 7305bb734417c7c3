# SPDX-License-Identifier: MIT
"""Real software in a container, without a network but its own loopback. docs/containers.md has a table of these."""

import hashlib
import json
import os
import re
import shutil
import subprocess

import debian
import software
from harness import check, check_equal, test
from oci import Image, Layer, write_layout
from terminal import Terminal
from test_state_disk import check_disk

UP, CTRL_C, CTRL_D, CTRL_Z = "\x1b[A", "\x03", "\x04", "\x1a"


def run(context, image, *argv, **settings):
    result = software.run(context, image, *argv, **settings)
    check_equal(result.status, 0, result)
    return result.stdout.decode(errors="replace")


@test
def python_ssl_sqlite_subprocess(context):
    output = run(context, software.PYTHON, "python3", "/app/batteries.py")
    check_equal(output, "subprocess 0 \nssl TLSv1.3 1048576\nsqlite3 (2000, 2664667000)\n")


@test
def esbuild_bundles(context):
    output = run(context, software.ESBUILD_IMAGE, LINUXRUN_ARGS="--bundle --minify --log-level=warning main.ts")
    check("bundled" in output and "shaken out" not in output, output)
    if shutil.which("node"):
        node = subprocess.run(["node", "-"], input=output.encode(), stdout=subprocess.PIPE, check=True)
        check_equal(node.stdout, b"bundled 42\n")


@test
def node_serves_itself(context):
    output = run(context, software.NODE, LINUXRUN_ARGS="/app/server.js self", LINUXRUN_MEMORY="256M")
    wanted = hashlib.sha256(b"x" * 1000).hexdigest()[:8]
    check_equal(output, f"listening\n/99 100 1000 {wanted} 100000\n")


@test
def redis_benchmark(context):
    output = run(context, software.REDIS, "/app/redis.sh")
    for name in ("PING_INLINE", "SET", "GET", "INCR", "LPUSH", "ZADD", "MSET (10 keys)"):
        match = re.search(rf'^"{re.escape(name)}","([0-9.]+)"', output, re.M)
        check(match and float(match[1]) > 0, f"no {name} in {output}")
    check(output.endswith("value 41 42\ndone\n"), output)


@test
def nginx_listens_on_both_families(context):
    check_equal(run(context, software.NGINX, "/app/nginx.sh"),
                "http://127.0.0.1/ Welcome\nhttp://[::1]/ Welcome\nhttp://[::1]/none 404\nended 0\n")


@test
def postgres_on_a_disk(context):
    """Three machines, one after the other, on one disk; the second one's power is cut. The third's database goes on on a volume."""
    more = {"LINUXRUN_MEMORY": "256M", "LINUXRUN_DISK": "1G", "LINUXRUN_DISK_FILE": context.scratch / "disk", "LINUXRUN_ENV": software.TZ}
    data, other = "/tmp/data", "/var/lib/postgresql/data"
    check_equal(run(context, software.POSTGRES, "/app/postgres.sh", data, "2000", **more), "rows|2000|2000\n")
    command = json.dumps(["/app/postgres.sh", data, "1000", "hold"])
    process = context.start(**software.settings(context, software.POSTGRES), LINUXRUN_ENTRYPOINT=command, **more)
    line = process.stdout.readline()
    process.kill()
    _, errors = process.communicate()
    check_equal(line, b"rows|3000|2000\n", errors)
    script = f"/app/postgres.sh {data} 3000 && cp -a {data} {other} && /app/postgres.sh {other} 2000"
    check_equal(run(context, software.POSTGRES, "sh", "-c", script, LINUXRUN_VOLUMES="pg:/var/lib/postgresql", **{**more, "LINUXRUN_MEMORY": "384M"}),
                "rows|6000|3000\nrows|8000|3000\n")
    check_disk(context)


@test
def stress_ng(context):
    script = "stress() { stress-ng --$1 2 --$1-ops $2 $3 --metrics-brief 2>&1 && echo $1 done; }; " \
             "stress cpu 10 && stress vm 5000 '--vm-bytes 64M' && stress fork 200 && stress pipe 5000"
    output = run(context, software.STRESS, "/bin/sh", "-c", script, LINUXRUN_CPUS="2", LINUXRUN_MEMORY="256M")
    for what in ("cpu", "vm", "fork", "pipe"):
        match = re.search(rf"metrc: \[\d+\] {what} +(\d+)", output)
        check(match and int(match[1]) > 0 and f"{what} done\n" in output, output)
    check_equal(output.count("passed: 2: "), 4, output)


def damage(path):
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))


@test
def bash_job_control(context):
    terminal = Terminal(context, "-it", LINUXRUN_ENTRYPOINT="bash --norc", LINUXRUN_ENV="PS1=ready> ",
                        **software.settings(context, software.TOOLS))
    # What is typed, and what comes then: a pattern for each step, behind the one before.
    steps = (("", b"ready> "),
             # `echo` tells that bash has given its modes of the terminal back: what is typed before has no echo.
             # Each line comes twice, from the terminal and from the program, so that it is the program that has the terminal.
             ("echo started; cat\r", b"\nstarted\r\n"), ("first\r", b"first\r\nfirst\r\n"),
             (CTRL_Z, rb"\[1\]\+ +Stopped +cat(.|\n)*ready> "),
             ("jobs\r", rb"\[1\]\+ +Stopped +cat(.|\n)*ready> "),
             ("fg\r", b"fg\r\n(.|\n)*cat\r\n"), ("second\r", b"second\r\nsecond\r\n"),
             (CTRL_C, b"ready> "), ("echo status $?\r", b"\nstatus 130\r\n(.|\n)*ready> "),
             (UP + "\r", b"\nstatus 0\r\n(.|\n)*ready> "),
             ("sleep 1000 &\r", rb"\[1\] [0-9]+\r\n(.|\n)*ready> "), ("jobs\r", rb"\[1\]\+ +Running +sleep 1000 &(.|\n)*ready> "),
             # An interactive bash ignores SIGTERM, its child too until it has reset it; and bash tells of a job's end
             # before its prompt only if `wait` has not told of it yet. A killed job's status is certain.
             ("kill -KILL %1; wait %1; echo status $?\r", rb"\nstatus 137\r\n(.|\n)*ready> "),
             ("cat /proc/[0-9]*/stat | grep -c ' Z '\r", b"\n0\r\n(.|\n)*ready> "),
             ("(exit 7)\r", b"ready> "), (CTRL_D, b"exit"))
    try:
        for keys, pattern in steps:
            terminal.type(keys)
            terminal.expect_pattern(pattern)
        check_equal(terminal.wait(), 7, terminal.seen)
        check(b"no job control" not in terminal.seen, terminal.seen)
    finally:
        terminal.close()


@test
def damaged_cache_entries_are_made_again(context):
    path = debian.root_tar(["base-files"])
    whole = debian.file_digest(path)
    damage(path)
    check_equal(debian.file_digest(debian.root_tar(["base-files"])), whole)
    # Other content each time: nobody else, in another checkout, has it in the store.
    tiny = software.Software("tiny", [], lambda: Layer().file("data", os.urandom(8) * 9999), Cmd=["/data"])
    layout = context.scratch / "tiny"
    write_layout(layout, Image(*tiny.layers(), **tiny.config))
    packed = software.pack(context, f"oci://{layout}")
    files = {file: debian.file_digest(file) for file in packed.iterdir()}
    for file in files:
        damage(file)
        check_equal(software.pack(context, f"oci://{layout}"), packed)
        check_equal({again: debian.file_digest(again) for again in packed.iterdir()}, files)
    shutil.rmtree(packed)
