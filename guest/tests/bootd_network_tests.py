# SPDX-License-Identifier: MIT
"""Tests of bootd: the network's interface and its files."""
import json

from bootd_cases import check, config, test
from bootd_vmm import CONFIGURE, NETWORK, READY, STARTED, STDIN, network_body


def interface_state(stdout):
    """What `probe net` prints, as a dictionary."""
    return dict(line.split("=", 1) for line in stdout.decode().splitlines())


@test()
def network(guest):
    """eth0 as the VMM wants it, and the files that tell of it."""
    guest.start(config("probe", "net"), network=network_body(mtu=1400))
    state = interface_state(guest.end()[1])
    check(state, {"flags": "up", "mac": "02:00:0a:00:02:64", "address": "10.0.2.100", "mask": "255.255.255.0",
                  "broadcast": "10.0.2.255", "mtu": "1400", "gateway": "10.0.2.2", "lo": "up", "ping": "yes",
                  "low port": "yes"})


@test()
def network_files(guest):
    files = {"dev.starina.file:/etc/hosts": "127.0.1.1 box\n"}
    guest.start(config("probe", "show", "/etc/hosts", "/etc/resolv.conf", hostname="box.example",
                       annotations=files), network=network_body(dns=("10.0.2.3", "1.1.1.1")))
    stdout = guest.end()[1]
    assert stdout.startswith(b"127.0.0.1\tlocalhost\n::1\tlocalhost"), stdout
    assert stdout.endswith(b"10.0.2.100\tbox.example box\nnameserver 10.0.2.3\nnameserver 1.1.1.1\n"), stdout


@test()
def network_files_of_the_configuration(guest):
    """A resolv.conf of its own wins over the network's; lines for the hosts file come behind the container's own."""
    files = {"dev.starina.file:/etc/resolv.conf": "nameserver 9.9.9.9\nsearch a.example\n",
             "dev.starina.hosts": "10.0.2.2\tdb\n" + "1.2.3.4\tother\n" * 100}
    guest.start(config("probe", "show", "/etc/hosts", "/etc/resolv.conf", hostname="box", annotations=files),
                network=network_body())
    stdout = guest.end()[1]
    assert b"10.0.2.100\tbox\n10.0.2.2\tdb\n" + b"1.2.3.4\tother\n" * 100 + b"nameserver 9.9.9.9\nsearch a.example\n" in stdout, stdout


@test()
def whole_hosts_file(guest):
    """Of who knows more addresses of the container than the network tells."""
    files = {"dev.starina.file:/etc/hosts": "127.0.1.1 box\n", "dev.starina.hosts": "10.0.2.2\tdb\n", "dev.starina.hosts.whole": "10.9.0.2\tbox\n"}
    guest.start(config("probe", "show", "/etc/hosts", hostname="box", annotations=files), network=network_body())
    check(guest.end()[1], b"10.9.0.2\tbox\n")


@test("hostile_dev")
def network_files_stay_inside(guest):
    """/etc/resolv.conf of this image is a link to /victim."""
    guest.start(config("/bin/probe", "show", "/victim", "/etc/resolv.conf"), network=network_body())
    check(guest.end()[1], b"untouched\nnameserver 10.0.2.3\n")


@test()
def no_name_server(guest):
    guest.start(config("probe", "show", "/etc/resolv.conf"), network=network_body(dns=()))
    check(guest.end()[1], b"old\n")


@test()
def no_network(guest):
    """With the loopback interface alone; ping and low ports work there, too."""
    guest.start(config("probe", "net"))
    state = interface_state(guest.end()[1])
    check((state["flags"], state["lo"], state["ping"], state["low port"]), ("down", "up", "yes", "yes"))


@test()
def bad_network(guest):
    guest.frame(READY)
    guest.send(CONFIGURE, bytes(40) + json.dumps(config("probe", "hello")).encode())
    short = guest.send(NETWORK, bytes(10))
    wrong = guest.send(NETWORK, network_body(prefix_len=33))
    check(guest.reply(short)[0], -22)
    check(guest.reply(wrong), (-22, "network: socket eth0: Invalid argument"))
    check(guest.end()[3], "network: socket eth0: Invalid argument")


@test()
def network_changes(guest):
    """The switch came back and gave another address to a container that runs."""
    guest.start(config("probe", "net", "wait"), network=network_body())
    guest.frame(STARTED)
    again = guest.send(NETWORK, network_body("192.168.7.9", 16, "192.168.0.1", mac=b"\x02\x01\x02\x03\x04\x05"))
    check(guest.reply(again), (0, ""))
    guest.ports[STDIN].sendall(b"\n")
    state = interface_state(guest.end()[1])
    check([state[key] for key in ("mac", "address", "mask", "gateway")],
          ["02:01:02:03:04:05", "192.168.7.9", "255.255.0.0", "192.168.0.1"])
