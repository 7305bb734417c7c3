# SPDX-License-Identifier: MIT
"""Tests of bootd: a container that was prepared before it was asked for."""
import json
import struct

from bootd_cases import check, config, expect_run, test
from bootd_network_tests import interface_state, network_files
from bootd_process_tests import (READS_LOG, default_capabilities, default_limits, exec_format_error, not_found, process_settings,
                                 stdin_to_stdout, unknown_user, user_by_name)
from bootd_view_tests import (console_of_a_terminal, dev_nodes, masked_paths, mounts, only_its_processes,
                              readonly_paths, readonly_root, readonly_root_by_config, resources, runtime_files)
from bootd_vmm import CONFIGURE, CREATE, MOUNT, RELEASE, START, network_body

REHEARSE = 1


@test()
def prepared(guest):
    """A container that was prepared is what one is that was made when it was asked for."""
    check(guest.prepare(), (0, ""))
    requests = guest.start(config("probe", "net"), network=network_body())
    state = interface_state(guest.end()[1])
    check((state["address"], state["ping"], state["low port"]), ("10.0.2.100", "yes", "yes"))
    for number in requests:
        check(guest.reply(number), (0, ""))


PREPARED = (process_settings, user_by_name, unknown_user, default_capabilities, default_limits, dev_nodes, console_of_a_terminal,
            resources, only_its_processes, mounts, masked_paths, readonly_paths, readonly_root, readonly_root_by_config,
            runtime_files, not_found, exec_format_error, stdin_to_stdout, network_files)


def prepared_as(function):
    """The same expectation of a prepared guest: by the prepared container, or by another in its place."""
    def run(guest):
        check(guest.prepare(), (0, ""))
        function(guest)
    run.__name__ = "prepared_" + function.__name__
    test()(run)


for expectation in PREPARED:
    prepared_as(expectation)


@test()
def released(guest):
    """Nothing of the root disk is in use; what comes next is a container as ever."""
    check(guest.prepare(), (0, ""))
    check(guest.reply(guest.send(RELEASE)), (0, ""))
    check(guest.reply(guest.send(RELEASE))[0], -22)
    expect_run(guest, config("probe", "ls", "/dev"), 0,
               b"core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \n")


@test()
def rehearsed(guest):
    """Nothing is kept of a rehearsal, nor its disk: there is nothing to release, and what comes next is a container as ever."""
    check(guest.prepare(REHEARSE), (0, ""))
    check(guest.reply(guest.send(RELEASE))[0], -22)
    expect_run(guest, config("probe", "ls", "/dev", "/sys/block"), 0,
               b"core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \nvda \n")


@test()
def rehearsed_on_a_disk(guest):
    """Without a disk bootd goes on, with the layer in memory, and says so in the kernel's log."""
    check(guest.prepare(REHEARSE), (0, ""))
    requests = guest.start(config("probe", "log", "EXT4-fs (loop0): mounted", "bootd:", process=READS_LOG))
    _, seen, _, _ = guest.end()
    check((seen.count(b"EXT4-fs (loop0): mounted"), seen.count(b"bootd:")), (1, 0))
    check([guest.reply(number) for number in requests], [(0, "")] * len(requests))


@test()
def prepared_at_the_wrong_time(guest):
    check(guest.prepare(), (0, ""))
    check(guest.prepare()[0], -114)
    guest.send(CONFIGURE, bytes(40) + json.dumps(config("probe", "hello")).encode())
    guest.send(MOUNT, struct.pack("<IIQ", 0, 1, 0))
    check(guest.end()[3], "mount: a prepared container has its writable layer: release it first")


@test()
def release_after_mount(guest):
    """The prepared root is the container's then."""
    check(guest.prepare(), (0, ""))
    guest.send(CONFIGURE, bytes(40) + json.dumps(config("probe", "hello")).encode())
    guest.send(MOUNT, struct.pack("<IIQ", 0, 0, 0))
    check(guest.reply(guest.send(RELEASE))[0], -22)
    guest.send(CREATE)
    guest.send(START)
    check(guest.end(), (0, b"hello\n", b"", None))
