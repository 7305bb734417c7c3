# SPDX-License-Identifier: MIT
"""Clients of docker's API that others have written: the host's Debian's, unpacked, and run against an engine."""

import os
import subprocess

from debian import cache_directory
from harness import check_equal

PACKAGES = ("python3-docker python3-requests python3-urllib3 python3-websocket python3-six python3-idna python3-chardet python3-certifi "
            "python3-charset-normalizer python3-distutils python3-packaging").split()
PATIENCE = 240

# As a user of python3-docker would: what it returns is what it knows of the answers.
PYTHON = """
import docker, io, tarfile
client = docker.from_env()
assert client.ping() and client.version()["ApiVersion"] and client.info()["Name"] == "starina" and "Volumes" in client.df()
assert client.containers.run(IMAGE, "echo hello", remove=True) == b"hello\\n"
try:
    client.containers.run(IMAGE, ["sh", "-c", "echo e >&2; exit 3"], remove=True)
    raise SystemExit("it did not fail")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3 and error.stderr == b"e\\n", error
command = ["sh", "-c", "trap 'exit 4' TERM; echo up; while :; do sleep 0.2; done"]
c = client.containers.run(IMAGE, command, detach=True, name="of-python", labels={"a": "b"}, ports={"80/tcp": None}, mem_limit="256m",
                          restart_policy={"Name": "on-failure", "MaximumRetryCount": 3}, environment={"A": "b"}, extra_hosts={"x": "1.2.3.4"})
for line in c.logs(stream=True):
    assert line == b"up\\n", line
    break
c.reload()
assert c.status == "running" and c.labels == {"a": "b"} and int(c.ports["80/tcp"][0]["HostPort"]) > 0, c.attrs
assert client.containers.list(filters={"label": "a=b"}) == [c]
assert c.exec_run(["sh", "-c", "echo o; echo e >&2; exit 2"], demux=True) == (2, (b"o\\n", b"e\\n"))
assert b"".join(c.exec_run("seq 3", stream=True).output) == b"1\\n2\\n3\\n"
assert c.top(ps_args="aux")["Titles"][:2] == ["USER", "PID"]
# The start says whether the output has frames, not the terminal.
assert client.api.exec_start(client.api.exec_create(c.id, "echo x", tty=True)) == b"x\\r\\n"
assert c.attrs["HostConfig"]["ShmSize"] == 64 << 20 and "PATH=/bin" in c.attrs["Config"]["Env"] and c.attrs["Config"]["Cmd"] == command
linked = client.containers.run(IMAGE, ["sh", "-c", "echo $STORE_NAME $STORE_ENV_A"], links={"of-python": "store"}, remove=True).split()
assert linked[0].endswith(b"/store") and linked[1] == b"b", linked
typed = client.containers.run(IMAGE, "cat", detach=True, tty=True, stdin_open=True)
stream = client.api.attach_socket(typed.id, {"stdin": 1, "stdout": 1, "stream": 1, "detachKeys": "ctrl-x,a"})._sock
for key in (b"\\x18", b"a"):
    stream.sendall(key)
while stream.recv(4096):
    pass
typed.reload(); assert typed.status == "running"; typed.remove(force=True)
assert c.top()["Processes"] and c.stats(stream=False)["pids_stats"]["current"] >= 1
c.pause(); c.reload(); assert c.status == "paused"
c.unpause()
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    entry = tarfile.TarInfo("f"); entry.size = 3
    tar.addfile(entry, io.BytesIO(b"abc"))
assert c.put_archive("/tmp", archive.getvalue()) and c.exec_run("cat /tmp/f").output == b"abc"
assert c.get_archive("/tmp/f")[1]["size"] == 3
c.rename("renamed"); c.update(restart_policy={"Name": "no"}); c.stop(timeout=100)
assert c.wait()["StatusCode"] == 4
c.start(); c.restart(timeout=0); c.kill()
assert c.wait()["StatusCode"] == 137
c.remove()
volume = client.volumes.create("of-python", labels={"a": "b"})
assert client.containers.run(IMAGE, "sh -c 'echo a > /v/x; cat /v/x'", volumes={"of-python": {"bind": "/v"}}, remove=True) == b"a\\n"
volume.remove()
network = client.networks.create("of-python")
assert client.networks.list(names=["of-python"]) == [network]
network.remove()
for call, status in ((lambda: client.containers.get("nosuch"), 404), (lambda: client.containers.run(IMAGE, devices=["/dev/kvm"]), 400), (client.services.list, 503),
                     (lambda: client.images.pull("nosuch", platform="foobar"), 400), (lambda: client.images.remove("nosuch"), 404)):
    try:
        call()
        raise SystemExit("it did not fail")
    except docker.errors.APIError as error:
        assert error.status_code == status, error
assert client.containers.list(all=True, filters={"name": "of-python|renamed"}) == []
"""


def unpacked():
    """The packages' files, in one folder; None when they cannot be had."""
    directory = cache_directory() / "engine-clients"
    done = directory / "done"
    if done.exists():
        return directory / "root"
    directory.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        # Another Debian has not all of them, and needs not all.
        subprocess.run(["apt-get", "download", package], cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    for deb in directory.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, directory / "root"], check=True)
    if not (directory / "root/usr/lib/python3/dist-packages/docker").exists():
        return None
    done.touch()
    return directory / "root"


def run_others(context, engine, image):
    """python3-docker does what its users ask for."""
    root = unpacked()
    if root is None:
        print("      python3-docker is not to be had here")
        return
    environment = {**os.environ, "PYTHONPATH": str(root / "usr/lib/python3/dist-packages"), "DOCKER_HOST": f"unix://{engine.socket}",
                   "DOCKER_CONFIG": str(context.scratch / "config")}
    done = subprocess.run(["/usr/bin/python3", "-c", f"IMAGE = {image!r}\n{PYTHON}"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PATIENCE, check=False)
    check_equal(done.returncode, 0, done.stdout.decode())
