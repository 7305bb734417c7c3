# SPDX-License-Identifier: MIT
"""A system that is made up: what the API would tell of it. It moves with the clock, and does what it is asked."""

import math
import random
import threading
import time

from containers import Containers

APPS = {
    # name: (mode, memory in KiB, share of a hart in percent, services that it needs, services that it provides)
    "virtio_net": ("user", 640, 3, [], ["netdev"]),
    "virtio_blk": ("user", 512, 1, [], ["block"]),
    "virtio_console": ("user", 128, 0, [], ["console"]),
    "virtio_rng": ("user", 96, 0, [], ["random"]),
    "rtc": ("user", 64, 0, [], ["clock"]),
    "netswitch": ("user", 420, 2, ["netdev"], ["switch"]),
    "tcpip": ("user", 2300, 6, ["switch", "random"], ["tcp"]),
    "dns": ("user", 180, 1, ["tcp"], ["names"]),
    "httpd": ("user", 1500, 4, ["tcp", "files", "clock"], ["http"]),
    "fs": ("user", 5200, 2, ["block", "clock"], ["files"]),
    "hostfs": ("user", 900, 1, ["files"], []),
    "images": ("user", 2100, 0, ["files", "tcp"], ["images"]),
    "containers": ("user", 1800, 2, ["images", "switch", "files", "names"], ["containers"]),
    "engine": ("user", 2600, 1, ["containers", "tcp"], ["docker"]),
    "linuxrun": ("user", 131072, 24, ["switch", "console"], []),
    "app_manager": ("kernel", 210, 0, [], ["apps"]),
    "hello": ("kernel", 40, 0, ["console"], []),
    "<img src=x onerror=alert(1)>": ("user", 40, 0, ["clock"], []),
}
# Those that the app manager loaded; the others are of the image.
LOADED = {"dns", "hello", "rtc"}
# The process of a trace that harts are threads of.
HARTS = 1000000
LOG_TEXTS = [
    ("info", "tcpip", "eth0: 10.0.2.15/24, gateway 10.0.2.2"),
    ("info", "httpd", "listens on port 80"),
    ("debug", "fs", "journal: 3 blocks committed"),
    ("warn", "netswitch", "port 3 sends faster than its reader takes"),
    ("info", "containers", "web-1 started"),
    ("error", "virtio_blk", "request 812: the device answered with status 1"),
    ("info", "<img src=x onerror=alert(1)>", "<script>document.title = 'owned'</script> \u202egnihton \x1b[2J"),
]


class System:
    """The made-up system. Its methods are called with the lock held."""

    def __init__(self):
        self.lock = threading.RLock()
        self.silent = False
        self.boot()

    def boot(self):
        """Starts it anew."""
        self.boot_id = f"{random.getrandbits(64):016x}"
        self.began = time.monotonic()
        self.random = random.Random(7)
        self.next_id = 1
        self.running, self.restarts, self.last_end, self.log = {}, {}, {}, []
        self.engine = Containers()
        self.files = {
            "/": {"src": None, "@notes": None},
            "/@notes": {"today.md": b"# Today\n\nA file of the host.\n"},
            "/src": {"main.c": b"#include <stdio.h>\n\nint main(void) {\n\tputs(\"hello\");\n\treturn 0;\n}\n",
                     "notes.txt": b"Things to do:\n- look\n- change\n",
                     "<b>bold.txt": b"<script>alert(1)</script>\n"},
        }
        for name in APPS:
            self.start(name)

    def start(self, name):
        """Starts the app `name`."""
        self.running[name] = {"id": self.next_id, "started": self.now()}
        self.next_id += 1
        self.say("info", "app_manager", f"{name} was started as process {self.running[name]['id']}")

    def load(self, name):
        """Starts the app `name`, which may be a new one."""
        APPS.setdefault(name, ("user", 456, 1, [], []))
        LOADED.add(name)
        self.start(name)

    def end(self, name, how, status, again):
        """Ends it; an app that crashes is started again."""
        del self.running[name]
        self.last_end[name] = {"how": how, "status": status}
        self.say("error" if again else "info", "app_manager", f"{name} ended: {how} ({status})")
        if again:
            self.restarts[name] = self.restarts.get(name, 0) + 1
            self.start(name)

    def now(self):
        """Seconds since the boot."""
        return time.monotonic() - self.began

    def say(self, level, app, text):
        """A line of the log."""
        self.log.append({"seq": len(self.log), "time_ns": int(self.now() * 1e9), "level": level, "app": app, "text": text})

    def name_of(self, number):
        """The app that runs as process `number`, or None."""
        return next((name for name, process in self.running.items() if process["id"] == number), None)

    def wave(self, name):
        """How busy an app is, as a factor around one."""
        return 1 + 0.6 * math.sin(self.now() / 3 + sum(name.encode()) % 7)

    def status(self):
        """GET status."""
        return {"version": "0.9-mock", "boot_id": self.boot_id, "uptime_ms": int(self.now() * 1000), "harts": 4,
                "memory": self.memory(), "processes": len(self.running), "hypervisor": True}

    def processes(self):
        """GET processes."""
        listed = []
        for name, process in self.running.items():
            mode, memory, share, _, _ = APPS[name]
            age = self.now() - process["started"]
            spent = age + 1.8 * (1 - math.cos(self.now() / 3)) if share else 0
            listed.append({
                "id": process["id"], "name": name, "mode": mode, "state": "running" if share > 5 else "waiting",
                "started_ms": int(process["started"] * 1000), "cpu_ns": int(spent * share * 1e7), "memory": memory << 10,
                "memory_limit": max(memory << 11, 1 << 20), "kernel_memory": 48 << 10, "kernel_limit": 256 << 10,
                "handles": 6 + len(name), "handle_limit": 512, "threads": 1 + share // 5,
                "restarts": self.restarts.get(name, 0), "last_end": self.last_end.get(name)})
        return listed

    def services(self):
        """GET services."""
        listed = []
        for name, (_, _, _, _, provides) in APPS.items():
            for service in provides:
                process = self.running.get(name)
                users = [{"id": self.running[app]["id"], "name": app, "channels": 1}
                         for app, entry in APPS.items() if service in entry[3] and app in self.running]
                listed.append({"name": service, "provider": {"id": process["id"], "name": name} if process else None,
                               "state": "ready" if process else "gone", "clients": users if process else []})
        return listed

    def channels(self):
        """GET channels."""
        listed = []
        for service in self.services():
            for user in service["clients"]:
                pace = (APPS[user["name"]][2] + 1) * 9
                sent = int(pace * (self.now() + 1.5 * math.sin(self.now() / 3))) if APPS[user["name"]][2] else 4
                queued = {"linuxrun": 15, "netswitch": 9}.get(user["name"], 0) if service["name"] in ("switch", "netdev") else 0
                listed.append({"id": 100 + user["id"] * 40 + len(listed), "service": service["name"], "ends": [
                    {"process": user["id"], "queued": 0, "capacity": 16, "sent": sent},
                    {"process": service["provider"]["id"], "queued": queued, "capacity": 16, "sent": sent // 2}]})
        return listed

    def harts(self):
        """GET harts."""
        listed = []
        for number in range(4):
            now = self.now()
            busy = now * (0.30 - 0.06 * number) + 0.5 * (1 - math.cos(now / 3 + number))
            listed.append({"id": number, "idle_ns": int((now - busy + 10) * 1e9), "busy_ns": int(busy * 1e9),
                           "switches": int(now * 900), "interrupts": int(now * 210)})
        return listed

    def memory(self):
        """GET memory."""
        used = sum(APPS[name][1] for name in self.running) << 10
        return {"total": 512 << 20, "free": (512 << 20) - used - int(6e6 * (1 + math.sin(self.now() / 5))),
                "kernel": 3 << 20, "folios": 5 << 20}

    def vms(self):
        """GET vms."""
        if "linuxrun" not in self.running:
            return []
        ticks = int(self.now() * 250)
        return [{"process": self.running["linuxrun"]["id"], "memory": 128 << 20, "vcpus": [
            {"cpu_ns": int(self.now() * 2e8), "exits": {"timer": ticks, "mmio": ticks * 3, "wfi": ticks // 2, "page_fault": 812}}]}]

    def network(self):
        """GET network."""
        moved = int(48_000 * (self.now() + 2 * math.sin(self.now() / 3)))
        counts = {"up": True, "rx_bytes": moved, "tx_bytes": moved // 3, "rx_packets": moved // 900, "tx_packets": moved // 1400}
        limits = {"refused": 0, "overflows": 0}
        return {"time_ns": int(self.now() * 1e9),
                "interfaces": [{"name": "uplink", "address": "10.0.2.15", "gateway": "10.0.2.2", **counts}],
                "ports": [{"app": "tcpip", "address": "10.0.2.15", **counts, **limits},
                          {"app": "vmm.1", "address": "10.0.2.101", **counts, **limits}]}

    def disks(self):
        """GET disks."""
        moved = int(90_000 * self.now())
        idle = {"reads": 12, "read_bytes": 49152, "writes": 0, "written_bytes": 0, "flushes": 0}
        busy = {"reads": moved // 4096, "read_bytes": moved, "writes": moved // 9000, "written_bytes": moved // 2, "flushes": 40}
        return {"disks": [{"name": "boot", "bytes": 33 << 20, "read_only": True, "users": [], **idle},
                          {"name": "state", "bytes": 4 << 30, "read_only": False, "users": ["fs"], **busy}],
                "volumes": {"total": 4 << 30, "free": 3 << 30}}

    def containers(self):
        """GET containers."""
        return self.engine.list()

    def logs(self, since):
        """GET logs."""
        while len(self.log) < self.now() * 0.8 + len(APPS):
            self.say(*self.random.choice(LOG_TEXTS))
        return {"next": len(self.log), "lost": 0, "lines": self.log[since:]}

    def threads(self):
        """GET threads."""
        return [{"id": 1000 + process["id"] * 10 + i, "process": process["id"], "name": "main" if not i else f"worker {i}",
                 "state": "waiting", "hart": None, "waits": "poll_wait", "cpu_ns": process["cpu_ns"] // process["threads"]}
                for process in self.processes() for i in range(process["threads"])]

    def handles(self, number):
        """GET processes/ID/handles."""
        held = [{"handle": 1, "type": "folio", "rights": ["map", "read", "write"], "size": 65536}]
        for channel in self.channels():
            ends = [end["process"] for end in channel["ends"]]
            if number in ends:
                held.append({"handle": len(held) + 1, "type": "channel", "rights": ["send", "receive"], "object": channel["id"]})
        return held

    def apps(self):
        """GET apps."""
        return [{"name": name, "origin": "loaded" if name in LOADED else "image", "provides": entry[4],
                 "state": "running" if name in self.running else "loaded"} for name, entry in APPS.items()]

    def trace(self, milliseconds):
        """GET trace: a made-up quarter of a second on two harts."""
        events, at = [], [0, 0]
        names = [name for name in self.running if APPS[name][2]]
        titles = [(HARTS, "harts")] + [(process["id"], process["name"]) for process in self.processes()]
        events += [{"name": "process_name", "ph": "M", "ts": 0, "pid": pid, "tid": 0, "args": {"name": name}} for pid, name in titles]
        events += [{"name": "thread_name", "ph": "M", "ts": 0, "pid": HARTS, "tid": hart, "args": {"name": f"hart {hart}"}}
                   for hart in range(len(at))]
        while min(at) < milliseconds * 1000:
            hart = at.index(min(at))
            name, length = self.random.choice(names), self.random.expovariate(1 / 900) + 20
            number = self.running[name]["id"]
            events.append({"name": name, "ph": "X", "ts": at[hart], "dur": length, "pid": HARTS, "tid": hart,
                           "args": {"thread": number * 10}})
            for _ in range(self.random.randrange(3)):
                events.append({"name": self.random.choice(["send", "receive", "wake", "fault"]), "ph": "i",
                               "ts": at[hart] + self.random.random() * length, "pid": number, "tid": number * 10,
                               "args": {"argument": 0, "hart": hart}})
            at[hart] += length + self.random.expovariate(1 / 1500)
        return {"traceEvents": events, "otherData": {"lost": 0}}
