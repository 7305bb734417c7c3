# SPDX-License-Identifier: MIT
"""Tests of bootd: users and groups, by the image's own files."""
from bootd_cases import check, config, expect_failure, test

# 3,000 groups in more than a megabyte, of which 100 list the user; and files that are none.
MANY = "".join(f"g{n}:x:{n}:{'web' if n % 30 == 0 else ''},{'u' * 400}\n" for n in range(1000, 4000)).encode()
ROOTS = {"many_groups": {"etc/passwd": b"web:x:33:34::/" + b"h" * 300 + b":\n", "etc/group": MANY},
         "passwd_is_a_pipe": {"etc/passwd": ("fifo", 0)}}


def user(name, **more):
    return config("/bin/probe", "info", process={"user": {"username": name}, "env": ["PATH=/bin"], **more})


def line_of(guest, wanted):
    """What `probe info` says of the user, and its HOME."""
    guest.start(wanted)
    status, stdout, _, message = guest.end()
    check((status, message), (0, None))
    lines = stdout.decode().splitlines()
    return lines[1], lines[-1]


@test()
def group_alone(guest):
    check(line_of(guest, user(":staff")), ("uid=0 gid=50 groups=50", "env HOME=/root"))


@test()
def group_number_alone(guest):
    check(line_of(guest, user(":77")), ("uid=0 gid=77 groups=77", "env HOME=/root"))


@test()
def user_number_without_a_line(guest):
    check(line_of(guest, user("4711:4712")), ("uid=4711 gid=4712 groups=4712", "env HOME=/"))


@test()
def user_beyond_the_range(guest):
    expect_failure(guest, user("4294967296"), 125, "^uids and gids must be in range 0-2147483647$")


@test()
def group_beyond_the_range(guest):
    expect_failure(guest, user("web:4294967296"), 125, "^uids and gids must be in range 0-2147483647$")


@test("many_groups")
def many_groups(guest):
    groups = ",".join(["34"] + [str(n) for n in range(1000, 4000) if n % 30 == 0])
    check(line_of(guest, user("web")), (f"uid=33 gid=34 groups={groups}", "env HOME=/" + "h" * 300))


@test("passwd_is_a_pipe")
def passwd_is_a_pipe(guest):
    expect_failure(guest, user("web"), 125, "^read the image's /etc/passwd: Invalid argument$")


@test()
def empty_home(guest):
    wanted = config("/bin/probe", "info", process={"user": {"uid": 33, "gid": 34}, "env": ["A=1", "HOME=", "B=2"]})
    guest.start(wanted)
    check(guest.end()[1].decode().splitlines()[-3:], ["env A=1", "env HOME=/var/www", "env B=2"])
