# SPDX-License-Identifier: MIT
"""Tests of bootd: a container's memory is all that limits what it may have of most things."""
from bootd_cases import check, config, expect_run, test


def many_of(kinds):
    """Tests that take more of a kind than Linux would give to a machine of 128 MiB."""
    for kind, count in kinds.items():
        def run(guest, kind=kind, count=count):
            expect_run(guest, config("probe", "take", kind, str(count)), 0, f"{count} {kind}\n".encode())
        run.__name__ = "many_" + kind
        test()(run)


many_of({"threads": 2000, "descriptors": 20000, "signals": 3000, "watches": 10000, "files": 40000, "gibibytes": 4})


@test()
def threads_of_a_user(guest):
    expect_run(guest, config("probe", "take", "threads", "1500", process={"user": {"uid": 5, "gid": 5}}), 0,
               b"1500 threads\n")


@test()
def too_many_files(guest):
    """The layer is full before the memory is: the program is told so, and lives."""
    status, stdout, _, _ = expect_run(guest, config("probe", "take", "files", "200000"), 1)
    count, _, reason = stdout.decode().partition(" files: ")
    check((status, reason), (1, "No space left on device\n"))
    assert 40000 < int(count) < 80000, count
