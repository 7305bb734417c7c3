# SPDX-License-Identifier: MIT
"""Many containers at once: apps/vm_crowd in the place of linuxrun runs the same one several times over."""

import re

import debian
from harness import check, check_equal, test
from oci import write_layout
from probe import probe_image

VMM_MAX_KIB = 5 * 1024
CACHE_KIB = 4 * 1024  # libs/linux/disk/disk_cache.h


def run_crowd(context, image, count, memory="128M", append="", **settings):
    context.boot_image("starina-crowd")
    write_layout(context.scratch / "image", image)
    return context.run(LINUXRUN_IMAGE="oci://image", **settings,
                       STARINA_APPEND=f"vm_crowd.count={count} vm_crowd.memory={memory} {append}")


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
    """Guests that take all they were promised, more than there is: some find no memory and end, and nothing else does. The first has
    its memory before the others begin, so that not all of them find none at the same moment."""
    result = run_crowd(context, probe_image(context, "hold", "200"), count=4, memory="256M", append="vm_crowd.in_turn=1",
                       STARINA_MEMORY="512M")
    check_equal(result.status, 0, result)
    ends = re.findall(r"\d ended with status (\d+)(.*)\n", result.stderr)
    check_equal(len(ends), 4, result)
    check(any(status == "125" and "the machine has no memory left for this guest of 256 MiB" in text for status, text in ends),
          result)
    # The others keep theirs to the end.
    check({status for status, _ in ends} == {"0", "125"}, result)
    check(" faulted" not in result.stderr and "restart" not in result.stderr, result)


# The first of them serves; the others exchange as much with it, both ways at a time, as only large frames make bearable, and go on
# until they have seen their links come and go so many times. A client that ends knows that the server has all.
TALK = """
import fcntl, socket, struct, sys, threading, time
SIZE, SERVER = 10_000_000, "10.0.2.101"
BLOCK = bytes(range(256)) * 256

def changes():
    return int(open("/sys/class/net/eth0/carrier_changes").read())

wanted_changes = changes() + int(sys.argv[1])

def send(connection):
    sent = 0
    while sent < SIZE or changes() < wanted_changes:
        connection.sendall(BLOCK)
        sent += len(BLOCK)
    if own != SERVER:
        connection.shutdown(socket.SHUT_WR)

def exchange(connection):
    sender = threading.Thread(target=send, args=(connection,))
    sender.start()
    count = 0
    while data := connection.recv(1 << 16):
        start = count % 256
        assert (BLOCK + BLOCK)[start:start + len(data)] == data, count
        count += len(data)
    sender.join()
    assert count >= SIZE and count % len(BLOCK) == 0, count
    connection.close()

def connect():
    while True:
        try:
            return socket.create_connection((SERVER, 8000))
        except OSError:
            time.sleep(0.1)

query = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own = socket.inet_ntoa(fcntl.ioctl(query, 0x8915, struct.pack("256s", b"eth0"))[20:24])
if own == SERVER:
    server = socket.create_server((SERVER, 8000))
    threads = [threading.Thread(target=exchange, args=(server.accept()[0],)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
else:
    exchange(connect())
"""


# The server does not look at once, when the other's kernel has more to send than it has room for, and the other has ended.
LAST_WORDS = """
import fcntl, socket, struct, threading, time
SIZE, SERVER = 200_000, "10.0.2.101"

def receive(connection):
    connection.settimeout(1000)
    time.sleep(0.5)
    count = 0
    while data := connection.recv(1 << 16):
        count += len(data)
    assert count == SIZE, count

query = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own = socket.inet_ntoa(fcntl.ioctl(query, 0x8915, struct.pack("256s", b"eth0"))[20:24])
if own == SERVER:
    server = socket.create_server((SERVER, 8000))
    for _ in range(2):
        threading.Thread(target=receive, args=(server.accept()[0],)).start()
else:
    while True:
        try:
            connection = socket.create_connection((SERVER, 8000))
            break
        except OSError:
            time.sleep(0.1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SIZE)
    connection.sendall(bytes(SIZE))
"""


@test
def last_words(context):
    """What a container wrote to a connection arrives, though it has ended."""
    result = run_crowd(context, debian.image(Entrypoint=["/usr/bin/python3", "-c", LAST_WORDS]), count=3, STARINA_MEMORY="768M")
    check_equal(result.status, 0, result)
    check_equal(len(re.findall(r"\d ended with status 0\n", result.stderr)), 3, result)
    check(" wrote: " not in result.stderr, result)


@test
def the_switch_dies(context):
    """Again and again, under containers that talk to each other: no connection ends, and no byte is lost."""
    result = run_crowd(context, debian.image(Entrypoint=["/usr/bin/python3", "-c", TALK, "4"]), count=3, STARINA_MEMORY="768M",
                       append="reaper.target=netswitch reaper.count=1000 reaper.pause=2000")
    check_equal(result.status, 0, result)
    check_equal(sorted(re.findall(r"(\d) ended with status (\d+)", result.stderr)), [("0", "0"), ("1", "0"), ("2", "0")], result)
    check(" wrote: " not in result.stderr, result)
    for address in (101, 102, 103):
        check(f"container address 10.0.2.{address}" in result.stderr, result)
    check("killed netswitch 2 times" in result.stderr and "the container is back on the network" in result.stderr, result)
