# SPDX-License-Identifier: MIT
"""./run.sh with the flags of `docker run`."""

import os
import shutil
import signal

from harness import ROOT, Skip, check, check_equal, check_refused, test
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
def another_kernel(context):
    shutil.copy(ROOT / "third_party/guest-kernel/Image", context.scratch / "my kernel")
    result = context.run("--kernel", "my kernel", image(context, "exit", "5"))
    check_equal(result.status, 5, result)
    check_refused(context.run("--kernel", ROOT / "third_party/guest-kernel/vmlinux"), "--kernel", "ELF", "boot/Image")
    check_refused(context.run(LINUXRUN_KERNEL="/dev/null"), "LINUXRUN_KERNEL", "/dev/null")


def userland(context):
    """A shell and busybox's commands: the built-in userland."""
    return f"oci://{context.build.resolve()}/image/userland-layout"


@test
def name_service(context):
    result = context.run("--dns", "9.9.9.9", "--dns=10.0.2.3", "--dns-search", "a.example", "--dns-option=ndots:3", "-h", "my_box.",
                         "--add-host", "db:10.1.2.3", "--add-host=host:host-gateway", userland(context), "sh", "-c",
                         "cat /etc/resolv.conf; tail -3 /etc/hosts; hostname; cat /etc/hostname")
    check_equal((result.status, result.stdout.decode()), (0, """nameserver 9.9.9.9
nameserver 10.0.2.3
search a.example
options ndots:3
10.0.2.100\tmy_box. my_box
10.1.2.3\tdb
10.0.2.2\thost
my_box.
my_box.
"""), result)


@test
def name_service_of_the_host(context):
    """With another resolv.conf over the host's, in a mount namespace of its own."""
    if os.geteuid() != 0:
        raise Skip("needs root")
    (context.scratch / "resolv.conf").write_text("nameserver 127.0.0.1\nnameserver 192.0.2.1\nsearch corp.example\noptions timeout:1\n")
    command = "mount --bind resolv.conf /etc/resolv.conf && exec \"$@\""
    result = context.end_of(context.popen("unshare", "--mount", "sh", "-c", command, "sh", ROOT / "run.sh", userland(context), "cat",
                                          "/etc/resolv.conf"))
    check_equal((result.status, result.stdout), (0, b"nameserver 10.0.2.3\nnameserver 192.0.2.1\nsearch corp.example\n"
                                                    b"options timeout:1\n"), result)


@test
def no_network(context):
    result = context.run("--network=none", "--add-host", "db:10.1.2.3", "-h", "box", userland(context), "sh", "-c",
                         "cat /sys/class/net/eth0/operstate; tail -2 /etc/hosts")
    check_equal((result.status, result.stdout), (0, b"down\n127.0.1.1\tbox\n10.1.2.3\tdb\n"), result)


@test
def canonical_line_of_a_ci_job(context):
    """Flags that say what is so anyway, and such as work, all in one line."""
    result = context.run("--rm=true", "--platform", "linux/riscv64", "--pull=always", "--init", "--name", "job-1", "--restart=no",
                         "--net=bridge", "--security-opt", "no-new-privileges", "-l", "a=b", "--cidfile", "id", "-q",
                         "--pids-limit=8", "--cap-drop=ALL", "--cap-add", "NET_BIND_SERVICE", "--ulimit", "nofile=100:200", "--ulimit=core=0", "--oom-score-adj", "7", "--domainname", "x.example", "-m", "0.25g", "--cpus", "0",
                         "-w", "/src", "-it=false", userland(context), "sh", "-c",
                         "grep -E 'CapEff|NoNewPrivs' /proc/self/status; cat /sys/fs/cgroup/pids.max /proc/self/oom_score_adj; pwd; "
                         "cat /proc/sys/kernel/domainname; ulimit -n; ulimit -Hn; ulimit -c; grep -c 'Max processes *unlimited' /proc/self/limits")
    check_equal((result.status, result.stdout.decode()), (0, "CapEff:\t0000000000000400\nNoNewPrivs:\t1\n8\n7\n/src\nx.example\n100\n200\n0\n1\n"), result)
    check_equal(result.stderr, "")
    check_equal(len((context.scratch / "id").read_text()), 64)
    check_refused(context.run("--cidfile", "id", "x"), "--cidfile id", "the file is there")


@test
def init(context):
    """The command is not the namespace's first process: signals end it, orphans go, and its end is the container's."""
    process = context.start("--init", userland(context), "sh", "-c", "echo ready; exec sleep 1000")
    check_equal(process.stdout.readline(), b"ready\n")
    check_equal(context.stop(process, signal.SIGTERM).status, 143)
    script = "cat /proc/1/comm; (true & true) & wait; while grep -q '(zombie)' /proc/[0-9]*/status; do sleep 0.1; done; ls /proc/1/fd | wc -l; exit 7"
    result = context.run("--init", userland(context), "sh", "-c", script)
    check_equal((result.status, result.stdout), (7, b"init\n3\n"), result)
    result = context.run("--init", userland(context), "nosuchcommand")
    check(result.status == 127 and "nosuchcommand" in result.errors(), result)


@test
def quiet(context):
    """What goes wrong is said all the same, and --log has everything."""
    result = context.run("--quiet", "--log", "log", image(context, "exit", "3"))
    check_equal((result.status, result.stderr), (3, ""), result)
    check("Booting Starina" in (context.scratch / "log").read_text())
    result = context.run(userland(context), "nosuchcommand", STARINA_QUIET=1)
    check_equal(result.status, 127)
    check(result.stderr and all(" ERROR " in line or " WARN " in line for line in result.stderr.splitlines()), result)


@test
def attached_streams(context):
    result = context.run("-a", "stderr", userland(context), "sh", "-c", "echo out; echo err >&2; wc -c", stdin=b"in")
    check((result.status, result.stdout) == (0, b"") and "err\n" in result.stderr, result)
    result = context.run("-q", "-a", "STDOUT", "-a", "stdin", userland(context), "sh", "-c", "echo err >&2; wc -c", stdin=b"in")
    check_equal((result.status, result.stdout, result.stderr), (0, b"2\n", ""), result)


@test
def flags_that_docker_has_and_we_do_not(context):
    check_refused(context.run("-v", "d!:/b", "x"), "--volume", "invalid characters")
    check_refused(context.run("-d", "x"), "--detach")
    check_refused(context.run("run", "alpine"), '"run" is not an image', "leave the word out")
    check_refused(context.run("--platform", "linux/amd64", "alpine"), "--platform linux/amd64", "linux/riscv64")
    check_refused(context.run("x", STARINA_MEMROY="1G"), "STARINA_MEMROY is not a setting", "did you mean STARINA_MEMORY?")
