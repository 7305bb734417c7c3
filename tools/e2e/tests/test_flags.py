# SPDX-License-Identifier: MIT
"""./run.sh with the flags of `docker run`."""

import shutil
import signal

from harness import ROOT, check, check_equal, check_refused, test
from oci import write_layout
from probe import probe_image


def image(context, *args, **config):
    write_layout(context.scratch / "image", probe_image(context, *args, **config))
    return "oci://image"


@test
def environment_directory_and_user(context):
    reference = image(context, "exit", "9", Env=["A=image", "B=image", "C=image"], User="web")
    (context.scratch / "env").write_text("# of the file\nA=file\nFILE=1,2 \"3\"\nHERE\nNOT_HERE\n")
    result = context.run("--rm", "-i", "--env-file", "env", "-e", "B=x,y\nz", "--env=HERE", "-e", "C", "-u", "1000:7",
                         "-w/new/dir", "-h", "box", "-m", "64m", "--cpus=2", reference, "env",
                         HERE="here", LINUXRUN_ENV="A=variable,B=variable", LINUXRUN_USER="web",
                         LINUXRUN_ARGS="exit 8", LINUXRUN_IMAGE="oci://nowhere")
    check_equal(result.status, 0, result)
    # The file of the command line wins over the variable; C has no value here, so it goes.
    expected = {"A=file", "FILE=1,2 \"3\"", "HERE=here", "B=x,y", "z", "HOSTNAME=box", "HOME=/", "cwd=/new/dir",
                "uid=1000", "gid=7"}
    check_equal({line for line in result.stdout.decode().splitlines() if not line.startswith("PATH=")}, expected)


@test
def command_and_entrypoint(context):
    reference = image(context, "exit", "9", Entrypoint=["/probe", "args"])
    result = context.run(reference, "a b", "--help", "-e", "x")
    check_equal((result.status, result.stdout), (0, b"0: /probe\n1: args\n2: a b\n3: --help\n4: -e\n5: x\n"), result)
    result = context.run("--entrypoint", "/probe", reference, "exit", "7")
    check_equal(result.status, 7, result)
    # One word, as docker's.
    result = context.run("--entrypoint", "/probe exit 7", reference)
    check_equal(result.status, 127, result)
    check("/probe exit 7" in result.errors(), result)


@test
def long_arguments(context):
    words = ["w" * 1000] * 100
    result = context.run(image(context), "args", *words)
    check_equal((result.status, len(result.stdout.splitlines())), (0, 102), result.stderr)


@test
def stop_timeout(context):
    process = context.start("--stop-timeout", "1", image(context, "stubborn"))
    check_equal(process.stdout.readline(), b"waiting\n")
    result = context.stop(process, signal.SIGTERM)
    check_equal(result.status, 137, result)
    check("did not end within 1 s" in result.stderr, result)


@test
def another_kernel(context):
    shutil.copy(ROOT / "third_party/guest-kernel/Image", context.scratch / "my kernel")
    result = context.run("--kernel", "my kernel", image(context, "exit", "5"))
    check_equal(result.status, 5, result)
    check_refused(context.run("--kernel", ROOT / "third_party/guest-kernel/vmlinux"), "--kernel", "ELF", "boot/Image")
    check_refused(context.run(LINUXRUN_KERNEL="/dev/null"), "LINUXRUN_KERNEL", "/dev/null")


@test
def flags_that_docker_has_and_we_do_not(context):
    check_refused(context.run("-v", "/a:/b", "x"), "--volume", "shared folders")
    check_refused(context.run("-d", "x"), "--detach")
