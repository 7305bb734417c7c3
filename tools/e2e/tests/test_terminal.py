# SPDX-License-Identifier: MIT
"""docker run -it: bash of Debian through a pseudo-terminal."""

import signal

import debian
from harness import check, check_equal, check_refused, test
from oci import Image, TarLayer, write_layout
from probe import run_probe
from terminal import Terminal

CTRL_C, CTRL_P, CTRL_Q = "\x03", "\x10", "\x11"
PROMPT = "ready# "


def bash_image(context):
    def make(directory):
        tar = debian.root_tar(["base-files", "bash", "coreutils", "procps", "ncurses-base"])
        return write_layout(directory, Image(TarLayer(tar), debian.fixes(), Cmd=["/bin/bash", "--norc"],
                                             Env=["PS1=" + PROMPT, "PATH=/usr/bin:/bin"]))
    return f"oci://{context.once('bash-image', make).path}"


def ask(terminal, command):
    """The output of a command, typed at the prompt."""
    terminal.type(command + "\r")
    terminal.expect("\n")  # of the echo
    return terminal.expect(PROMPT).replace("\x1b[?2004l\r", "").replace("\x1b[?2004h", "").replace("\r\n", "\n")


@test
def bash(context):
    terminal = Terminal(context, "-it", "-m", "256M", bash_image(context), rows=33, columns=101)
    try:
        terminal.expect(PROMPT)
        check_equal(ask(terminal, "tty; stty size; echo $TERM"), "/dev/pts/0\n33 101\nxterm\n")
        check_equal(ask(terminal, "test -t 0 && test -t 1 && test -t 2 && echo all"), "all\n")
        check(terminal.modes()[3] != terminal.before[3], "the terminal is not raw")
        terminal.resize(40, 120)
        terminal.process.send_signal(signal.SIGWINCH)
        # Bash hears of it in its own time.
        check_equal(ask(terminal, "until [ \"$(stty size)\" = '40 120' ]; do sleep 0.1; done; stty size"), "40 120\n")
        # stderr is the terminal's, too.
        check_equal(ask(terminal, "echo to stderr >&2"), "to stderr\n")
        # It is the job that says that it has begun: before, the terminal may still be the shell's.
        terminal.type("bash -c 'echo begin; exec sleep 1000'; echo not reached\r")
        terminal.expect("\rbegin\r\n")
        terminal.type(CTRL_C)
        terminal.expect("^C")
        terminal.expect(PROMPT)
        check_equal(ask(terminal, "echo status $?"), "status 130\n")
        # Job control, and a Ctrl-P that is not an escape: it fetches the last command.
        check("1" in ask(terminal, "sleep 1000 & jobs -r | wc -l; kill %1").splitlines(), "no job is running")
        terminal.type("echo again\r")
        terminal.expect("\ragain\r\n")
        terminal.type(CTRL_P + "\r")
        terminal.expect("\ragain\r\n")
        terminal.type("exit 7\r")
        check_equal(terminal.wait(), 7)
        check_equal(terminal.modes(), terminal.before, "the terminal's modes")
    finally:
        terminal.close()


@test
def escape(context):
    terminal = Terminal(context, bash_image(context), LINUXRUN_TTY=1)
    try:
        terminal.expect(PROMPT)
        # Bash ends when its terminal goes.
        terminal.type(CTRL_P + CTRL_Q)
        check(terminal.wait() != 0)
        check_equal(terminal.modes(), terminal.before)
    finally:
        terminal.close()
    terminal = Terminal(context, "-it", "--stop-timeout", "-1", bash_image(context), "bash", "-c", "trap '' HUP; echo go; while :; do sleep 1; done")
    try:
        terminal.expect("go\r\n")
        terminal.type(CTRL_P + CTRL_Q)
        terminal.type(CTRL_P + CTRL_Q)
        check_equal(terminal.wait(), 137)
        check_equal(terminal.modes(), terminal.before)
    finally:
        terminal.close()


@test
def terminal_is_restored_after_signals(context):
    terminal = Terminal(context, "-it", "--stop-timeout", "1", bash_image(context), all_of_it=True)
    try:
        terminal.expect(PROMPT)
        check(terminal.modes() != terminal.before, "the terminal is not raw")
        # The OS's log is not written over the container's screen.
        check("] INFO" not in ask(terminal, "echo quiet; sleep 1"))
        terminal.process.send_signal(signal.SIGTERM)  # which an interactive bash ignores
        check_equal(terminal.wait(), 137)
        check_equal(terminal.modes(), terminal.before)
    finally:
        terminal.close()


# An OS that begins to boot, and takes its time.
SLOW_EMULATOR = """#!/usr/bin/env python3
import os, re, sys, time
if "--version" in sys.argv:
    print("QEMU emulator version 10.0.0")
    sys.exit()
os.write(int(re.search(r"id=uart,fd=(\\d+)", " ".join(sys.argv))[1]), b"[kernel      ] INFO   Booting Starina...\\n")
time.sleep(1000)
"""


@test
def ctrl_c_before_the_start(context):
    emulator = context.scratch / "emulator"
    emulator.write_text(SLOW_EMULATOR)
    emulator.chmod(0o755)
    terminal = Terminal(context, "-it", bash_image(context), all_of_it=True, QEMU=emulator)
    try:
        terminal.expect("Booting Starina")
        terminal.type(CTRL_C)
        check_equal(terminal.wait(), 130)
        check_equal(terminal.modes(), terminal.before)
    finally:
        terminal.close()


@test
def no_terminal(context):
    check_refused(context.run("-it", bash_image(context)), "--tty: ", "the input device is not a TTY")
    check_refused(context.run(LINUXRUN_TTY=1, LINUXRUN_IMAGE=bash_image(context)), "LINUXRUN_TTY=1", "not a TTY")
    check_refused(context.run("-t"), "--tty: ", "no image")
    # As docker's: -t alone needs none here.
    result = context.run("-t", bash_image(context), "bash", "-c", "tty; echo to stderr >&2")
    check_equal((result.status, result.stdout), (0, b"/dev/pts/0\r\nto stderr\r\n"), result)
    check_equal(run_probe(context, "env", LINUXRUN_TTY=0).status, 0)


@test
def job_control_with_an_init(context):
    """The keys are for the command's group, not for the process before it."""
    terminal = Terminal(context, "--init", "-it", f"oci://{context.build.resolve()}/image/userland-layout", "sh")
    try:
        terminal.expect("# ")
        terminal.type("sh -c 'echo go; exec sleep 1000'\n")
        terminal.expect("\r\ngo\r\n")
        terminal.type("\x03")
        terminal.expect("# ")
        terminal.type("echo ba$((1 + 1))ck; cat /proc/1/comm\n")
        terminal.expect("ba2ck\r\ninit\r\n")
        terminal.type("exit 3\n")
        check_equal(terminal.wait(), 3)
    finally:
        terminal.close()
