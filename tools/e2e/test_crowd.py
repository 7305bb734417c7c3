# SPDX-License-Identifier: MIT
"""Many containers at once: apps/vm_crowd in the place of linuxrun runs the same one several times over."""

import re

import debian
from harness import check, check_equal, test
from oci import write_layout
from probe import probe_image

VMM_MAX_KIB = 5 * 1024
CACHE_KIB = 4 * 1024  # libs/linux/disk_cache.h


def run_crowd(context, image, count, memory="128M", **settings):
    context.own_build()
    (context.build / "starina.elf").unlink()
    (context.build / "starina.elf").symlink_to(context.suite.build / "starina-crowd.elf")
    write_layout(context.scratch / "image", image)
    return context.run(LINUXRUN_IMAGE="oci://image", STARINA_APPEND=f"vm_crowd.count={count} vm_crowd.memory={memory}",
                       **settings)


@test
def eight_containers_in_a_gigabyte(context):
    """Each of 128 MiB, as by default; all run until the last has started. None costs more than 5 MiB beside its guest's memory."""
    result = run_crowd(context, probe_image(context, "step", "1"), count=8, STARINA_MEMORY="1G")
    check_equal(result.status, 0, result)
    costs = re.search(r"8 run: their guests use (\d+) KiB, each VM costs (\d+) KiB more", result.stderr)
    check(costs and int(costs[2]) <= VMM_MAX_KIB, result)
    check_equal(len(re.findall(r"\d ended with status 1\n", result.stderr)), 8, result)


@test
def all_caches_full(context):
    """The same when a VMM has read much of its image, which it caches."""
    read_all = "busybox cat /usr/bin/* /usr/lib/*/*.so* | busybox wc -c; exec busybox cat"
    result = run_crowd(context, debian.image(Entrypoint=["/bin/sh", "-c", read_all]), count=1)
    check_equal(result.status, 0, result)
    costs = re.search(r"1 run: .* each VM costs (\d+) KiB more", result.stderr)
    # That it is more than a cache is what makes the test one.
    check(costs and CACHE_KIB <= int(costs[1]) <= VMM_MAX_KIB, result)


@test
def too_many_guests(context):
    """Guests that take all they were promised, more than there is: some find no memory and end, and nothing else does."""
    result = run_crowd(context, probe_image(context, "hold", "200"), count=4, memory="256M", STARINA_MEMORY="512M")
    check_equal(result.status, 0, result)
    ends = re.findall(r"\d ended with status (\d+)(.*)\n", result.stderr)
    check_equal(len(ends), 4, result)
    check(any(status == "125" and "the machine has no memory left for this guest of 256 MiB" in text for status, text in ends),
          result)
    # The others keep theirs to the end.
    check({status for status, _ in ends} == {"0", "125"}, result)
    check(" faulted" not in result.stderr and "restart" not in result.stderr, result)
