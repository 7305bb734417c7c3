# SPDX-License-Identifier: MIT
"""The VMM's side of bootd's tests: a QEMU machine, the control protocol, root images."""
import io
import json
import os
import selectors
import socket
import struct
import subprocess
import tarfile
import tempfile
import time

HEADER = struct.Struct("<IHHIIII")
MAGIC, VERSION = 0x52544353, 5
CONFIGURE, MOUNT, CREATE, START, SIGNAL, RESIZE, SHUTDOWN, NETWORK, PREPARE, RELEASE, STATS, FREEZE, TOP, LIMIT = range(1, 15)
REPLY, READY, STARTED, FAILED, EXITED = 32, 64, 65, 66, 67
STREAM_DATA, STREAM_END, STREAM_WINDOW = 96, 97, 98
WINDOW = 65536
STDIN, STDOUT, STDERR, CONTROL = 0, 1, 2, 3
# Each wait is for some seconds of work on a quiet machine.
TIMEOUT = 300


class Guest:
    """A QEMU machine with bootd in it."""

    def __init__(self, options, root, icount=False):
        self.dir = tempfile.mkdtemp(dir=options.scratch)
        command = [options.qemu, "-M", "virt", "-m", "128M", "-nographic", "-no-reboot",
                   "-monitor", "none", "-serial", "file:" + os.path.join(self.dir, "serial"),
                   "-global", "virtio-mmio.force-legacy=false",
                   "-kernel", options.kernel, "-append", options.cmdline + " BOOTD_FIRST_PORT=1",
                   "-initrd", os.path.join(options.build, "guest/initramfs.cpio"),
                   "-drive", f"if=none,id=root,file={root},format=raw,readonly=on",
                   "-device", "virtio-blk-device,drive=root",
                   "-device", "virtio-serial-device,max_ports=5",
                   "-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"]
        if icount:
            command += ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm,base=2024-01-01",
                        "-seed", "1"]
        listeners = []
        for port in range(4):
            path = os.path.join(self.dir, f"port{port}")
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen(1)
            listeners.append(listener)
            command += ["-chardev", f"socket,id=c{port},path={path}",
                        "-device", f"virtserialport,chardev=c{port},nr={port + 1}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.ports = []
        self.selector = selectors.DefaultSelector()
        self.output = [b"", b"", b"", b""]
        for port, listener in enumerate(listeners):
            listener.settimeout(TIMEOUT)
            connection, _ = listener.accept()
            listener.close()
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ, port)
            self.ports.append(connection)
        self.frames = []
        self.request = 0
        self.pending = b""
        self.closed = set()
        self.added = {}

    def pump(self, seconds):
        """Takes in what comes; sends stdin that is pending. Returns whether anything came."""
        if self.pending:
            try:
                sent = self.ports[STDIN].send(self.pending)
                self.pending = self.pending[sent:]
            except BlockingIOError:
                pass
            seconds = min(seconds, 0.02)
        ready = self.selector.select(seconds)
        for key, _ in ready:
            try:
                data = key.fileobj.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                self.selector.unregister(key.fileobj)
                self.closed.add(key.data)
            self.output[key.data] += data
        control = self.output[CONTROL]
        while len(control) >= HEADER.size:
            magic, version, kind, process, request, length, _ = HEADER.unpack_from(control)
            assert magic == MAGIC and version == VERSION, "bootd sent no frame"
            if len(control) < HEADER.size + length:
                break
            self.take(kind, process, request, control[HEADER.size:HEADER.size + length])
            control = control[HEADER.size + length:]
        self.output[CONTROL] = control
        return bool(ready)

    def take(self, kind, process, request, body):
        """A frame has come: it is kept, or is an added process's."""
        self.frames.append((kind, process, request, body))
        if kind in (STREAM_DATA, STREAM_WINDOW):
            self.frames.pop()
            self.added[process].take(kind, body)
        elif process in self.added:
            self.added[process].hear(kind, body)

    def wait(self, condition, what):
        """Pumps until the condition holds."""
        end = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"timed out waiting for {what}; frames {self.frames}")
            if CONTROL in self.closed:
                raise AssertionError(f"the guest ended before {what}; frames {self.frames}")
            self.pump(0.5)

    def frame(self, *kinds):
        """Waits for an event of one of these kinds."""
        def find():
            return next((f for f in self.frames if f[0] in kinds), None)
        self.wait(find, f"event {kinds}")
        return find()

    def add(self, *args, **process):
        """Starts a process in the container that runs."""
        number = 2 + len(self.added)
        self.added[number] = Added(self, number)
        body = {"args": list(args), "env": ["PATH=/bin", "HOME=/root"], "cwd": "/", **process}
        self.added[number].start = self.send(START, json.dumps(body).encode(), number)
        return self.added[number]

    def raw(self, data):
        """Sends bytes on the control port."""
        self.ports[CONTROL].setblocking(True)
        self.ports[CONTROL].sendall(data)
        self.ports[CONTROL].setblocking(False)

    def send(self, kind, body=b"", process=0, answered=True):
        """Sends a frame and returns its number: that of a request, 0 of others."""
        self.request += answered
        number = self.request if answered else 0
        self.raw(HEADER.pack(MAGIC, VERSION, kind, process, number, len(body), 0) + body)
        return number

    def reply(self, number):
        """Waits for the reply to a request: (status, message)."""
        def find():
            return next((f for f in self.frames if f[0] == REPLY and f[2] == number), None)
        self.wait(find, f"reply {number}")
        body = find()[3]
        return struct.unpack_from("<i", body)[0], body[4:].decode()

    def prepare(self, flags=0):
        """Has a container prepared: the reply."""
        self.frame(READY)
        return self.reply(self.send(PREPARE, struct.pack("<QQII", 0, 0, flags, 0)))

    def start(self, config, flags=0, wall_time=0, network=None):
        """Sends all that a run needs, at once."""
        text = config if isinstance(config, bytes) else json.dumps(config).encode()
        self.frame(READY)
        return [self.send(CONFIGURE, struct.pack("<Q32s", wall_time, os.urandom(32)) + text),
                self.send(MOUNT, struct.pack("<IIQ", flags, 0, 0)),
                *([self.send(NETWORK, network)] if network else []),
                self.send(CREATE), self.send(START)]

    def end(self):
        """Waits for the end: (status, stdout, stderr, message)."""
        def find():
            return next((f for f in self.frames if f[0] in (EXITED, FAILED) and f[1] == 1), None)
        self.wait(find, "the end")
        kind, _, _, body = find()
        # All output is in the sockets when EXITED comes (output_precedes_exited), but in no order among them.
        while self.pump(0):
            pass
        return (struct.unpack_from("<I", body)[0], self.output[STDOUT], self.output[STDERR],
                body[4:].decode() if kind == FAILED else None)

    def close(self):
        """Powers off; returns whether the guest did so by itself."""
        if not self.ports:
            return True
        clean = True
        try:
            if CONTROL not in self.closed:
                self.send(SHUTDOWN)
            self.process.wait(TIMEOUT)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            clean = self.process.poll() is not None
            self.process.kill()
            self.process.wait()
        for connection in self.ports:
            connection.close()
        self.ports = []
        return clean


class Added:
    """An added process, and its streams with their windows."""

    def __init__(self, guest, number):
        self.guest, self.number = guest, number
        self.output = {1: b"", 2: b""}
        self.credit = WINDOW  # of stdin
        self.room = {1: WINDOW, 2: WINDOW}  # that bootd may send
        self.slow = False  # gives no more room
        self.started = False
        self.status = None
        self.message = None

    def take(self, kind, body):
        """A frame of a stream."""
        stream, = struct.unpack_from("<I", body)
        assert self.status is None, "a stream goes on after the end"
        if kind == STREAM_WINDOW:
            assert stream == 0
            self.credit += struct.unpack_from("<I", body, 4)[0]
            assert self.credit <= WINDOW, "more room than there can be"
            return
        data = body[4:]
        assert data and self.started
        self.output[stream] += data
        self.room[stream] -= len(data)
        assert self.room[stream] >= 0, "more than the window"
        if not self.slow and self.room[stream] < WINDOW // 2:
            self.widen(stream)

    def hear(self, kind, body):
        """An event."""
        if kind == STARTED:
            assert not self.started
            self.started = True
        elif kind in (EXITED, FAILED):
            assert self.status is None and self.started == (kind == EXITED)
            self.status = struct.unpack_from("<I", body)[0]
            self.message = body[4:].decode()

    def widen(self, stream):
        """All that came was used up."""
        self.guest.send(STREAM_WINDOW, struct.pack("<II", stream, WINDOW - self.room[stream]), self.number, answered=False)
        self.room[stream] = WINDOW

    def write(self, data):
        """Sends all of it, as the window allows."""
        while data:
            self.guest.wait(lambda: self.credit > 0, "room for input")
            piece = data[:min(self.credit, 10000)]
            data = data[len(piece):]
            self.credit -= len(piece)
            self.guest.send(STREAM_DATA, struct.pack("<I", 0) + piece, self.number, answered=False)

    def close(self, stream=0):
        """The end of stdin, or nobody takes the output."""
        self.guest.send(STREAM_END, struct.pack("<I", stream), self.number, answered=False)

    def end(self):
        """Waits for the end: (status, stdout, stderr, message)."""
        self.guest.wait(lambda: self.status is not None, f"the end of process {self.number}")
        return self.status, self.output[1], self.output[2], self.message


def network_body(address="10.0.2.100", prefix_len=24, gateway="10.0.2.2", dns=("10.0.2.3",), mtu=1500,
                 mac=b"\x02\x00\x0a\x00\x02\x64"):
    """The body of NETWORK."""
    servers = b"".join(socket.inet_aton(server) for server in dns)
    return struct.pack("<6sH4s4s8sB3x", mac, mtu, socket.inet_aton(address), socket.inet_aton(gateway), servers,
                       prefix_len)


def make_root(options, name, entries):
    """Packs {path: bytes | ("link", target) | ("fifo", 0) | ("dir", mode[, uid]) | ("file", bytes, {attribute: value})} into a
    squashfs, as tools/image does."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, value in {"": ("dir", 0o755), **entries}.items():
            member = tarfile.TarInfo("rootfs/" + path)
            member.mode = 0o755
            if isinstance(value, bytes):
                member.size = len(value)
                if path.startswith("etc/") or path.startswith("noexec"):
                    member.mode = 0o644
                tar.addfile(member, io.BytesIO(value))
                continue
            kind, argument, *more = value
            if kind == "file":
                member.size = len(argument)
                member.pax_headers = {"SCHILY.xattr." + name: text for name, text in more[0].items()}
                tar.addfile(member, io.BytesIO(argument))
                continue
            member.uid = member.gid = more[0] if more else 0
            if kind == "link":
                member.type, member.linkname = tarfile.SYMTYPE, argument
            elif kind == "fifo":
                member.type = tarfile.FIFOTYPE
            else:
                member.type, member.mode = tarfile.DIRTYPE, argument
            tar.addfile(member)
    path = os.path.join(options.scratch, name + ".sqfs")
    subprocess.run(["sqfstar", "-quiet", "-no-progress", "-noI", "-noD", "-noF", "-noX", path],
                   input=stream.getvalue(), check=True, stdout=subprocess.DEVNULL)
    return path
