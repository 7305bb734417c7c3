# SPDX-License-Identifier: MIT
"""Many containers by docker's client, several at a time: none fails, and nothing of them is left."""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time
import urllib.request

from harness import ROOT, check, check_equal, test
from test_engine import PATIENCE
from test_engine_containers import IMAGE, Docker, start
from test_state_disk import check_disk

sys.path.insert(0, str(ROOT / "tools"))
from starina.client import Address, Client  # noqa: E402  pylint: disable=wrong-import-position

# In the gate; `make soak-engine` takes more.
RUNS = int(os.environ.get("ENGINE_RUNS", "30"))
AT_A_TIME = 8
# What apps may keep for later, however many have run: their heaps are as large as they once had to be, in folios with a handle each,
# and the last 256 events are remembered. The cache of fs fills up, and has a bound of its own (FS_CACHE_BLOCKS).
KEPT_PAGES = 512
KEPT_HANDLES = 24
STILL_PAGES = 16
PAGE_SIZE = 4096
FS_MEMORY = 20 * 1024 * 1024  # 12 MiB are its cache


def status(engine):
    page = next(re.search(r"http://127\.0\.0\.1:\d+/", line)[0] for line in engine.log.lines if "status page" in line)
    with urllib.request.urlopen(page + "status.json", timeout=PATIENCE) as answer:
        return json.load(answer)


def fs_takes(context):
    """Pages and handles of fs."""
    processes = Client(Address.read(context.build / "run/web.addr")).get("/processes")
    fs = next(process for process in processes if process["name"] == "fs")
    return fs["memory"] // PAGE_SIZE, fs["handles"]


def settled(engine):
    """What the operating system has once it stays the same: a virtual machine that waits is made anew after each run, and takes
    pages while its guest boots."""
    last, same, until = None, 0, time.monotonic() + PATIENCE
    while same < 8 and time.monotonic() < until:
        page = status(engine)
        now = {name: page[name] for name in ("processes", "kernel_objects", "handles", "free_pages")}
        still = last and now["handles"] == last["handles"] and abs(now["free_pages"] - last["free_pages"]) <= STILL_PAGES
        same = same + 1 if still else 0
        last = now
        time.sleep(0.5)
    return last


def left_on_disk(context):
    check_disk(context, clean=False)
    found = {}
    for folder in ("layers", "logs"):
        listing = subprocess.run(["/sbin/debugfs", "-R", f"ls -p /engine/{folder}", context.scratch / "state.img"], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True, check=True).stdout
        names = [line.split("/")[5] for line in listing.splitlines() if line.count("/") > 5]
        found[folder] = [name for name in names if name not in (".", "..")]
    return found


@test
def many_runs(context):
    engine = start(context)
    docker = Docker(context, engine)

    def run(number):
        return docker("run", "--rm", IMAGE, "echo", str(number)).stdout == b"%d\n" % number

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        check(all(pool.map(run, range(AT_A_TIME))), "a run before them failed")
        before, (pages, handles) = settled(engine), fs_takes(context)
        check_equal(sum(pool.map(run, range(RUNS))), RUNS, engine.log.lines)
    after, fs = settled(engine), fs_takes(context)
    more_pages, more_handles = max(fs[0] - pages, 0), max(fs[1] - handles, 0)
    counts = f"before: {before}, after {RUNS} runs: {after}, fs took {more_pages} pages and {more_handles} handles more"
    check_equal(after["processes"], before["processes"], counts)
    check(after["handles"] - before["handles"] <= KEPT_HANDLES + more_handles, counts)
    check(after["kernel_objects"] - before["kernel_objects"] <= KEPT_HANDLES + more_handles, counts)
    check(before["free_pages"] - after["free_pages"] <= KEPT_PAGES + more_pages, counts)
    check(fs[0] * PAGE_SIZE <= FS_MEMORY, counts)
    check_equal(docker.text("ps", "-aq"), "")
    engine.stop()
    check("panic" not in engine.log.whole())
    check_equal(left_on_disk(context), {"layers": [], "logs": []})
