#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a container's network costs: `make bench-net`, or container_net.py with BUILD naming the build directory.

Data: bytes per instruction of the whole machine, one hart under QEMU's -icount, in which a nanosecond is an instruction: the host's load
does not matter. Requests: by the clock, so on a quiet host."""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import running  # noqa: E402

SIZE = 20_000_000
REQUESTS = 500
SCRIPT = """
now() { read -r up idle </proc/uptime; echo "$up"; }
took() { begin=$(now); name=$1; shift; "$@" && echo "$name $begin $(now)"; }
cd /tmp || cd /
head -c 20000000 /dev/zero | tr "\\\\0" a >file
echo hello >index.html
took from_os wget -q -O /dev/null http://10.0.2.15/bytes/20000000
took from_host wget -q -O /dev/null http://10.0.2.2:PORT/
took to_os wget -q -O /dev/null --post-file=file http://10.0.2.15/checksum
[ "SERVE" = 0 ] || exec httpd -f -p 80 -h .
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        self.wfile.write(bytes(SIZE))

    def log_message(self, *_):
        pass


def settings(port, serve, **more):
    script = SCRIPT.replace("PORT", str(port)).replace("SERVE", str(int(serve)))
    return running.run_env(STARINA_HTTP_PORT="0", LINUXRUN_IMAGE="oci://" + os.path.join(running.BUILD, "image/userland-layout"),
                         LINUXRUN_ENTRYPOINT=json.dumps(["/bin/sh", "-c", script]), **more)


def measure_data(port):
    done = subprocess.run([os.path.join(running.ROOT, "run.sh")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False,
                          env=settings(port, False, STARINA_SMP="1", STARINA_QEMU_ARGS=running.ICOUNT, STARINA_APPEND="kernel.log=debug"))
    rows = re.findall(r"(\w+) ([\d.]+) ([\d.]+)\n", done.stdout)
    if len(rows) != 3:
        sys.exit("container_net: the container failed:\n" + done.stdout + done.stderr)
    for name, begin, end in rows:
        print(f"{name:12} {SIZE / 1e6 / (float(end) - float(begin)):7.1f} MB per 1e9 instructions")
    print("VM exits", re.search(r"VM exits in all: (.*)", done.stderr)[1])


def measure_requests(port):
    public = running.free_port()
    process = subprocess.Popen([os.path.join(running.ROOT, "run.sh")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=settings(port, True, LINUXRUN_PORTS=f"{public}:80"))
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{public}/", timeout=10).read()
                break
            except OSError:
                time.sleep(1)
        report = subprocess.run(["ab", "-q", "-n", str(REQUESTS), "-c", "8", f"http://127.0.0.1:{public}/"], text=True,
                                stdout=subprocess.PIPE, check=True).stdout
        print(f"requests     {re.search(r'Requests per second: +([0-9.]+)', report)[1]:>7} /s, "
              f"{re.search(r'Failed requests: +([0-9]+)', report)[1]} failed")
        begin = time.monotonic()
        size = len(urllib.request.urlopen(f"http://127.0.0.1:{public}/file", timeout=300).read())
        print(f"to_host      {size / 1e6 / (time.monotonic() - begin):7.1f} MB/s by the clock")
    finally:
        process.terminate()
        process.wait()


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    measure_data(server.server_address[1])
    if shutil.which("ab"):
        measure_requests(server.server_address[1])
    server.shutdown()


if __name__ == "__main__":
    main()
