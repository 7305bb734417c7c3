# SPDX-License-Identifier: MIT
"""Images whose configuration is hostile, and settings that are extreme: a clear error or right behaviour."""

import json

from harness import check, check_equal, check_refused, test
from oci import Image, Layer, MEDIA, Layout, write_layout
from probe import probe, probe_image, run_probe


def refused_directory(result, path):
    check_equal((result.status, result.stdout), (125, b""), result)
    check(path in result.errors(), result)


def directory(result):
    """The working directory that `probe env` tells."""
    check_equal(result.status, 0, result)
    return [line[4:] for line in result.stdout.decode().splitlines() if line.startswith("cwd=")][0]


@test
def working_directories(context):
    refused_directory(run_probe(context, "env", LINUXRUN_WORKDIR="/data"), "/data")
    # Nothing of bootd's is open in there, whatever the number.
    for number in (3, 8):
        refused_directory(run_probe(context, "env", config={"WorkingDir": f"/proc/self/fd/{number}"}),
                          f"/proc/self/fd/{number}")
    check_equal(directory(run_probe(context, "env", config={"WorkingDir": "/../../srv/../../etc"})), "/etc")
    refused_directory(run_probe(context, "env", config={"WorkingDir": "/proc/self/root/srv"}), "/proc/self/root/srv")
    # As docker, which takes ".." out first.
    check_equal(directory(run_probe(context, "env", config={"WorkingDir": "/proc/self/root/../.."})), "/proc")
    check_equal(directory(run_probe(context, "env", config={"WorkingDir": "/new/\u00e4 b/../c d"})), "/new/c d")


@test
def spaces_in_the_entrypoint(context):
    layer = Layer().file("my prog; reboot", probe(context), mode=0o755)
    result = run_probe(context, "$HOME", "`x`", config={"Entrypoint": ["/my prog; reboot", "args", " "]}, layers=[layer])
    check_equal((result.status, result.stdout), (0, b"0: /my prog; reboot\n1: args\n2:  \n3: $HOME\n4: `x`\n"), result)
    result = run_probe(context, config={"Entrypoint": ["", ""]})
    check_equal((result.status, result.stdout), (127, b""), result)
    # Docker's way to say that there is none.
    check_refused(run_probe(context, config={"Entrypoint": [""]}), "there is nothing to run")


@test
def nothing_reaches_the_kernel_command_line(context):
    """What the guest kernel is told is the same whatever the container is."""
    plain = run_probe(context, "show", "/proc/cmdline")
    check_equal(plain.status, 0, plain)
    word = " init=/bin/sh panic=0 \n"
    strange = run_probe(context, "show", "/proc/cmdline", "x" + word, config={
        "Env": ["A=x" + word], "WorkingDir": "/" + word.strip(), "Labels": {"a": word}, "StopSignal": word},
        LINUXRUN_ENV="B=" + word, LINUXRUN_HOSTNAME="init", LINUXRUN_USER="0:0")
    check(strange.stdout.startswith(plain.stdout) and b"init=" not in plain.stdout, strange)


@test
def users(context):
    for user, said in (("nobody", '"nobody"'), ("0:wheel", '"wheel"'), ("4294967295", "4294967295"), ("web:../x", '"../x"'),
                       ("0:0:0", '"0:0"')):
        write_layout(context.scratch / ("layout" + user.replace("/", "")), probe_image(context, User=user))
        result = context.run(LINUXRUN_IMAGE="oci://layout" + user.replace("/", ""))
        check_refused(result, said, "number")
    check_refused(run_probe(context, LINUXRUN_USER="nemo"), '"nemo"', "/etc/passwd")


@test
def huge_configurations(context):
    write_layout(context.scratch / "env", probe_image(context, Env=["A=" + "x" * (2 << 20)]))
    check_refused(context.run(LINUXRUN_IMAGE="oci://env"), "too large")
    write_layout(context.scratch / "many", probe_image(context, Env=[f"V{i}=" for i in range(20000)]))
    check_refused(context.run(LINUXRUN_IMAGE="oci://many"), "more than 10000")
    layout = write_layout(context.scratch / "json", Image(Layer().file("x"), Cmd=["/x"], Labels={"a": "x" * (5 << 20)}))
    check_refused(context.run(LINUXRUN_IMAGE=f"oci://{layout.path}"), "larger than 4 MiB")
    # Deeper than any parser's stack should follow.
    layout = Layout(context.scratch / "deep")
    layer = layout.blob(*Layer().file("x").blob())
    config = layout.blob(b'{"config":' + b"[" * 100000 + b"]" * 100000 + b"}", MEDIA + "config.v1+json")
    manifest = layout.blob({"schemaVersion": 2, "config": config, "layers": [layer]}, MEDIA + "manifest.v1+json",
                           platform={"architecture": "riscv64", "os": "linux"})
    layout.index([manifest])
    check_refused(context.run(LINUXRUN_IMAGE="oci://deep"), "oci://deep")


@test
def wrong_types(context):
    for key, value in (("Entrypoint", 5), ("Entrypoint", ["a", None]), ("Cmd", {"a": 1}), ("Cmd", [["x"]])):
        layout = write_layout(context.scratch / f"{key}{len(json.dumps(value))}", Image(Layer().file("x"), **{key: value}))
        check_refused(context.run(LINUXRUN_IMAGE=f"oci://{layout.path}"), key, "not a list of strings")
    # What we have no use for may be anything.
    result = run_probe(context, "exit", 3, config={"Volumes": 7, "ExposedPorts": [], "Healthcheck": "x", "Labels": None,
                                                   "User": 5, "WorkingDir": [], "StopSignal": {}})
    check_equal(result.status, 3, result)


@test
def long_words(context):
    result = run_probe(context, "args", "w" * 100000)
    check_equal((result.status, len(result.stdout)), (0, len("0: /probe\n1: args\n2: \n") + 100000), result.stderr)
    # Longer than Linux lets a word be (MAX_ARG_STRLEN).
    result = run_probe(context, "args", "w" * 140000)
    check_equal((result.status, result.stdout), (126, b""), result)
    check("argument list too long" in result.errors(), result)
