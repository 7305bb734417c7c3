# SPDX-License-Identifier: MIT
"""32 containers of 64 MiB at once in a machine of 3 GiB, and what the apps of the engine take for them. In `make soak-engine`."""

import os
import subprocess
import sys

from harness import check, check_equal, test
from reaper import ARGUMENTS, Reaper
from test_engine import Engine
from test_engine_containers import IMAGE, Docker, make_image

# At most as many as the switch has ports for (MAX_VM_PORTS).
COUNT = int(os.environ.get("ENGINE_CROWD", "0"))
CHOSEN = test if COUNT else lambda function: function
MIB = 1 << 20
APPS_MOST = 8 * MIB  # engine, containers and images together
VMM_MOST = 5 * MIB   # besides its guest's memory, all of which is counted
GUEST, WAITING_GUEST = 64 * MIB, 512 * MIB


def static_bytes(context, app):
    """Code and data of an app that runs in user mode."""
    line = subprocess.run(["riscv64-linux-gnu-size", context.suite.build / f"apps/{app}.elf"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return sum(int(number) for number in line.splitlines()[1].split()[:3])


@CHOSEN
def many_at_once(context):
    context.boot_image("starina-reaper")
    engine = Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="3G", STARINA_APPEND=ARGUMENTS)
    docker, reaper = Docker(context, engine), Reaper(engine.log)
    names = [f"c{number}" for number in range(COUNT)]
    for name in names:
        docker("run", "-d", "-m", "64m", "--name", name, IMAGE, "sleep", "100000")
    check_equal(len(docker.text("ps", "-q").split()), COUNT)
    check_equal(docker.text("exec", names[-1], "echo", "here"), "here")
    # The machine that waited has given its port to the last one.
    addresses = docker.text("inspect", "-f", "{{.NetworkSettings.IPAddress}}", *names).split()
    check_equal(len(set(addresses)), COUNT, addresses)
    apps = {app: {**reaper.process(app), "static": static_bytes(context, app)} for app in ("engine", "containers", "images")}
    vmms = {name: memory - (WAITING_GUEST if memory > WAITING_GUEST else GUEST) for name, memory in reaper.instances().items() if name.startswith("vmm.")}
    print(f"{apps}\n{sorted(vmms.values())}", file=sys.stderr, flush=True)
    taken = sum(app["memory"] + app["kernel_memory"] + app["static"] for app in apps.values())
    check(taken <= APPS_MOST, f"{taken / MIB:.1f} MiB: {apps}")
    check(len(vmms) >= COUNT and max(vmms.values()) <= VMM_MOST, vmms)
    docker("rm", "-f", *names)
    check_equal(docker.text("ps", "-aq"), "")
    engine.stop()
