# SPDX-License-Identifier: MIT
"""hostfs is killed while a container works in a folder of the host: it goes on, and nothing is lost or done twice."""

import os

import debian
from harness import Log, check, check_equal, test
from oci import write_layout

# In the gate; `make test-hostfs-kills` takes more.
KILLS = int(os.environ.get("HOSTFS_KILLS", "4"))

# Appends, new files, renames over others, links, folders and removals, each of which would be noticed if it was done twice or not at all.
WORK = """
import os, sys
os.chdir('/src')
log = os.open('log', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
kept = os.open('kept', os.O_RDWR | os.O_CREAT)
print('ready', flush=True)
i = 0
while not os.path.exists('stop'):
    assert os.write(log, b'%d\\n' % i) > 0
    with open(f'n{i % 7}', 'x') as file: file.write(str(i) * 100)
    os.rename(f'n{i % 7}', f'm{i % 3}')
    os.link(f'm{i % 3}', f'l{i % 5}')
    assert open(f'l{i % 5}').read() == str(i) * 100
    os.mkdir(f'd{i % 11}')
    os.rmdir(f'd{i % 11}')
    os.unlink(f'l{i % 5}')
    os.pwrite(kept, bytes([i % 251]) * 70000, i % 4 * 70000)
    assert os.pread(kept, 70000, i % 4 * 70000) == bytes([i % 251]) * 70000
    i += 1
print(i, flush=True)
"""


def image(context):
    path = context.once("restarts-image", lambda directory: write_layout(directory, debian.image())).path
    return f"oci://{path}"


def work(context, target, told):
    """Kills `target` until the log has told so KILLS times."""
    context.boot_image("starina-reaper")
    share = context.scratch / "share"
    share.mkdir()
    process = context.start("-v", f"{share}:/src", image(context), "python3", "-c", WORK,
                            STARINA_APPEND=f"reaper.target={target} reaper.count=100000 reaper.pause=1000")
    log = Log(process.stderr)
    check_equal(process.stdout.readline(), b"ready\n", log.lines)
    log.wait_for(told, KILLS)
    (share / "stop").touch()
    rounds, status = process.stdout.read(), process.wait()
    check_equal(status, 0, log.whole())
    count = int(rounds)
    check_equal((share / "log").read_text(), "".join(f"{i}\n" for i in range(count)), log.whole())
    check_equal(sorted(path.name for path in share.iterdir()), sorted(["kept", "log", "stop", *[f"m{i}" for i in range(min(3, count))]]))
    check((share / "kept").read_bytes() == b"".join(bytes([max(i for i in range(count) if i % 4 == part) % 251]) * 70000 for part in range(min(4, count))))


@test
def hostfs_is_killed(context):
    work(context, "hostfs", r"what provides them has ended")


@test
def the_disk_driver_is_killed(context):
    """Long reads and writes come by a disk."""
    work(context, "virtio_blk", r'the disk "files" is gone')


# Says how far it is, and works in the folder of the host meanwhile.
TICKS = """
import os, time
os.chdir('/src')
i = 0
while not os.path.exists('stop'):
    with open('tick', 'w') as file: file.write(str(i))
    print(i, flush=True)
    i += 1
    time.sleep(0.05)
"""


@test
def the_console_driver_is_killed(context):
    """It has the container's streams and the host's folders on its ports. What it had to write is lost, and said so; all goes on."""
    context.boot_image("starina-reaper")
    share = context.scratch / "share"
    share.mkdir()
    process = context.start("-v", f"{share}:/src", image(context), "python3", "-c", TICKS,
                            STARINA_APPEND=f"reaper.target=virtio_console reaper.count={KILLS} reaper.pause=3000")
    log = Log(process.stderr)
    log.wait_for(r"done: httpd answered each time")
    log.wait_for(r"stdout: its driver has ended")
    before, last = int((share / "tick").read_text() or "0"), b""
    while True:
        line = process.stdout.readline()
        check(line != b"", log.lines)
        if line.strip().isdigit() and last.strip().isdigit() and before < int(last) == int(line) - 1:
            break
        last = line
    (share / "stop").touch()
    process.stdout.read()
    check_equal(process.wait(), 0, log.whole())
