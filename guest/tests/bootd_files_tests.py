# SPDX-License-Identifier: MIT
"""Tests of bootd: what files of the image and of the writable layer can do."""
from bootd_cases import check, config, expect_run, test

# vfs_cap_data, revision 2: CAP_NET_RAW, permitted and effective.
NET_RAW = "\x01\0\0\x02\0\x20" + 14 * "\0"


def entries(program):
    """Of the image "attributes"."""
    return {"ping": ("file", program, {"security.capability": NET_RAW}),
            "noted": ("file", b"x" * 8192, {"user.note": "of the image"})}


@test("attributes")
def attributes_of_the_image(guest):
    expect_run(guest, config("/bin/probe", "attributes", "/noted"), 0, f"user.note={b'of the image'.hex()}\n".encode())


@test("attributes")
def attributes_of_the_layer(guest):
    """In a file of the image, which is copied, and in a new one; who has not CAP_SYS_ADMIN has no trusted.*."""
    names = ("user.a b", "trusted.x")
    guest.start(config("/bin/probe", "set-attributes", "/noted", *names))
    status, stdout, _, _ = guest.end()
    check((status, stdout.splitlines()[:2]), (0, [b"user.a b: ok", b"trusted.x: Operation not permitted"]))
    check(sorted(stdout.splitlines()[2:]), [f"user.a b={b'set'.hex()}".encode(), f"user.note={b'of the image'.hex()}".encode()])


@test("attributes")
def capabilities_of_a_file(guest):
    """Of a program that root's child executes as somebody else."""
    guest.start(config("/bin/probe", "become", "7", "/ping", "show", "/proc/self/status"))
    lines = guest.end()[1].decode().splitlines()
    check([line.split()[1] for line in lines if line.startswith(("CapPrm", "CapEff"))], ["0000000000002000"] * 2)


@test("attributes")
def direct_io(guest):
    """O_DIRECT, in a file of the image, in its copy, and in a new one."""
    expect_run(guest, config("/bin/probe", "direct", "/noted"), 0,
               b"read /noted: ok\nwrite /noted: ok\nread /noted: ok\n")


@test("attributes")
def core_file(guest):
    """As on Linux with its own core_pattern: in the working directory."""
    expect_run(guest, config("/bin/probe", "crash", "/tmp"), 0, b"signal 11, dumped\ncore: ok\n")


@test("attributes")
def no_core_file(guest):
    expect_run(guest, config("/bin/probe", "crash", "/tmp", process={"rlimits": [
        {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]}), 0,
        b"signal 11, no core\ncore: No such file or directory\n")
