# SPDX-License-Identifier: MIT
"""What becomes of containers by themselves, what lists let through, and what each route says of nonsense."""

import calendar
import concurrent.futures
import json
import re
import shutil
import time
import urllib.parse

from engine_clients import run_others
from harness import ROOT, check, check_equal, test
from test_engine import PATIENCE, Engine, UnixConnection, connect, read_all
from test_engine_containers import IMAGE, Docker, create, make_image, patient, request


def until(what, *args):
    """Waits until what(*args) is true, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while not (value := what(*args)):
        check(time.monotonic() < deadline, f"{what.__name__} {args} is never true")
        time.sleep(0.1)
    return value


def inspect(engine, name):
    return patient(engine, "GET", f"/containers/{name}/json", 200)


def start(context, **settings):
    return Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="2G", **settings)


def policy(name, count=0, **more):
    return {"HostConfig": {"RestartPolicy": {"Name": name, "MaximumRetryCount": count}, **more}}


def run(engine, name, command, **settings):
    # 409 and 304: it was made or started, and who was to say so was killed.
    patient(engine, "POST", f"/containers/create?name={name}", 201, 409, body={"Image": IMAGE, "Cmd": ["sh", "-c", command], **settings})
    patient(engine, "POST", f"/containers/{name}/start", 204, 304)


def restarted(engine, name, count):
    return inspect(engine, name)["RestartCount"] >= count


def has_status(engine, name, status):
    """Its state, if that is its status."""
    state = inspect(engine, name)["State"]
    return state if state["Status"] == status else None


def restart_by_hand(engine):
    """Of one that waits for its next start, and of what is asked for and is none."""
    for body, says in ((policy("often"), "unknown policy 'often'"), (policy("always", 3), "can only be used with 'on-failure'"),
                       (policy("on-failure", -1), "cannot be negative"), (policy("always", AutoRemove=True), "can't create 'AutoRemove' container")):
        status, answer = request(engine, "POST", "/containers/create", {"Image": IMAGE, **body})
        check_equal(status, 400, answer)
        check(says in answer["message"], answer)
    # Its next start comes later and later, so that it is found waiting.
    run(engine, "waits", "exit 3", **policy("always"))
    check(until(has_status, engine, "waits", "restarting")["Restarting"])
    patient(engine, "POST", "/containers/waits/stop?t=0", 204)
    check_equal(inspect(engine, "waits")["State"]["Status"], "exited")
    # A start by hand counts anew.
    patient(engine, "POST", "/containers/waits/update", 200, body={"RestartPolicy": {"Name": "no"}})
    patient(engine, "POST", "/containers/waits/start", 204)
    until(has_status, engine, "waits", "exited")
    check_equal(inspect(engine, "waits")["RestartCount"], 0)
    patient(engine, "POST", "/containers/waits/update", 200, body={"RestartPolicy": {"Name": "always"}})
    patient(engine, "POST", "/containers/waits/start", 204)
    until(restarted, engine, "waits", 1)
    patient(engine, "POST", "/containers/waits/update", 200, body={"RestartPolicy": {"Name": "no"}})
    until(has_status, engine, "waits", "exited")
    run(engine, "rm", "sleep 1000", HostConfig={"AutoRemove": True})
    check_equal(request(engine, "POST", "/containers/rm/update", {"RestartPolicy": {"Name": "always"}})[0], 409)
    check_equal(request(engine, "POST", "/containers/rm/update", {"Memory": 1 << 30})[0], 409)
    check_equal(request(engine, "POST", "/containers/waits/update", {"Memory": 1})[0], 400)
    patient(engine, "POST", "/containers/waits/update", 200, body={"Memory": 1 << 28})
    check_equal(inspect(engine, "waits")["HostConfig"]["Memory"], 1 << 28)


@test
def restart_policies(context):
    """They hold over kills of `containers`, a power cut and an orderly end."""
    shutil.rmtree(context.scratch / "build", ignore_errors=True)
    context.boot_image("starina-reaper")
    engine = start(context, STARINA_APPEND="reaper.target=containers reaper.count=2 reaper.pause=3000")
    run(engine, "always", "exit 3", **policy("always"))
    run(engine, "twice", "exit 4", **policy("on-failure", 2))
    run(engine, "good", "true", **policy("on-failure"))
    run(engine, "stopped", "sleep 1000", **policy("unless-stopped"))
    run(engine, "runs", "sleep 1000", **policy("unless-stopped"))
    # What goes with its end outlives `containers`, and not the machine.
    patient(engine, "POST", "/containers/create?name=passing", 201, 409, body={"Image": IMAGE, "HostConfig": {"AutoRemove": True}})
    patient(engine, "POST", "/containers/stopped/stop?t=0", 204, 304)
    engine.log.wait_for("done: httpd answered each time")
    until(restarted, engine, "always", inspect(engine, "always")["RestartCount"] + 1)
    until(restarted, engine, "twice", 2)
    until(has_status, engine, "twice", "exited")
    until(has_status, engine, "good", "exited")
    check_equal([inspect(engine, name)["State"]["Status"] for name in ("good", "stopped", "runs", "passing")],
                ["exited", "exited", "running", "created"])
    restart_by_hand(engine)
    engine.kill()

    context.build = context.suite.build
    shutil.rmtree(context.scratch / "build", ignore_errors=True)
    engine = start(context)
    until(has_status, engine, "runs", "running")
    until(restarted, engine, "always", inspect(engine, "always")["RestartCount"] + 1)
    check_equal({name: (inspect(engine, name)["State"]["Status"], inspect(engine, name)["RestartCount"]) for name in ("good", "stopped", "twice")},
                {"good": ("exited", 0), "stopped": ("exited", 0), "twice": ("exited", 2)})
    check_equal(inspect(engine, "waits")["HostConfig"]["RestartPolicy"]["Name"], "no")
    for name in ("rm", "passing"):
        check_equal(request(engine, "GET", f"/containers/{name}/json")[0], 404)
    patient(engine, "POST", "/containers/always/update", 200, body={"RestartPolicy": {"Name": "no"}})
    engine.stop()

    context.build = context.suite.build
    shutil.rmtree(context.scratch / "build", ignore_errors=True)
    engine = start(context)
    until(has_status, engine, "runs", "running")
    check_equal([c["Names"] for c in patient(engine, "GET", "/containers/json", 200)], [["/runs"]])
    engine.stop()


def names(engine, **filters):
    query = urllib.parse.urlencode({"all": 1, "filters": json.dumps(filters)})
    return sorted(c["Names"][0][1:] for c in patient(engine, "GET", f"/containers/json?{query}", 200))


def lists(engine):
    create(engine, Labels={"a": "b", "c": ""}, ExposedPorts={"80/tcp": {}})
    listed = patient(engine, "GET", "/containers/json?all=1", 200)[0]["Names"][0]
    patient(engine, "POST", f"/containers{listed}/rename?name=web-1", 204)
    patient(engine, "POST", "/containers/create?name=web-2", 201, body={"Image": IMAGE, "Labels": {"a": "c"}})
    run(engine, "db", "exit 5")
    check_equal(patient(engine, "POST", "/containers/db/wait", 200)["StatusCode"], 5)
    for filters, wanted in (
            ({"name": ["web"]}, "web-1 web-2"), ({"name": {"^/web-1$": True}}, "web-1"), ({"name": ["^(db|web-2)$"]}, "db web-2"),
            ({"label": ["a"]}, "web-1 web-2"), ({"label": {"a=b": True, "c": True}}, "web-1"), ({"label": ["a=b", "d"]}, ""),
            ({"status": ["exited"]}, "db"), ({"status": ["created", "exited"]}, "db web-1 web-2"), ({"exited": ["5"]}, "db"), ({"exited": ["0"]}, ""),
            ({"before": ["db"]}, "web-1 web-2"), ({"since": ["web-1"]}, "db web-2"), ({"ancestor": [IMAGE]}, "db web-1 web-2"), ({"ancestor": ["x"]}, ""),
            ({"expose": ["70-90/tcp"]}, "web-1"), ({"network": ["bridge"]}, "db web-1 web-2"), ({"network": ["none"]}, ""), ({"is-task": ["true"]}, "")):
        check_equal(names(engine, **filters), wanted.split(), filters)
    check_equal([c["Names"][0] for c in patient(engine, "GET", "/containers/json?limit=2", 200)], ["/db", "/web-2"])
    for filters, says in (({"color": ["red"]}, "invalid filter 'color'"), ({"status": ["x"]}, "Unrecognised filter value for status: x"),
                          ({"exited": ["x"]}, "invalid filter 'exited=[x]'"), ({"publish": ["x"]}, "invalid filter 'publish=[x]'"), ([], "invalid filter")):
        status, answer = request(engine, "GET", "/containers/json?filters=" + urllib.parse.quote(json.dumps(filters)))
        check_equal(status, 400, filters)
        check(says in answer["message"], answer)
    check_equal(request(engine, "GET", "/containers/json?filters=" + urllib.parse.quote('{"before":["x"]}'))[0], 404)


def usage(engine):
    """Of the types that are asked for; the rest is null."""
    def told(query):
        return {key for key, value in patient(engine, "GET", "/system/df" + query, 200).items() if value not in (None, 0)}
    everything = {"Images", "LayersSize", "Containers", "Volumes", "BuildCache"}
    for query, wanted in (("", everything), ("?type=image", {"Images", "LayersSize"}), ("?type=container&type=volume", {"Containers", "Volumes"}),
                          ("?type=build-cache", {"BuildCache"})):
        check_equal(told(query), wanted, query)
    check_equal(request(engine, "GET", "/system/df?type=nonsense")[0], 400)


def again(engine):
    """A container that runs is made anew of what inspect says of it, as tools do that bring containers up to date."""
    limits = {"Memory": 64 << 20, "NanoCpus": 10 ** 9, "Tmpfs": {"/t": "size=1m"}, "Ulimits": [{"Name": "nofile", "Soft": 100, "Hard": 200}], "Binds": ["again:/v:ro"]}
    first = create(engine, Cmd=["sleep", "1000"], HostConfig=limits)
    patient(engine, "POST", f"/containers/{first}/start", 204)
    for version in ("1.41", "1.44", "1.50"):
        shown = patient(engine, "GET", f"/v{version}/containers/{first}/json", 200)
        body = {**shown["Config"], "HostConfig": shown["HostConfig"], "NetworkingConfig": {"EndpointsConfig": shown["NetworkSettings"]["Networks"]}}
        second = patient(engine, "POST", f"/v{version}/containers/create", 201, body=body)["Id"]
        check_equal(patient(engine, "GET", f"/v{version}/containers/{second}/json", 200)["HostConfig"], shown["HostConfig"], version)
        patient(engine, "DELETE", f"/containers/{second}", 204)
    patient(engine, "DELETE", f"/containers/{first}?force=1", 204)
    sizes = [volume["UsageData"] for volume in patient(engine, "GET", "/system/df", 200)["Volumes"] if volume["Name"] == "again"]
    check_equal(sizes, [{"Size": 0, "RefCount": 0}])
    patient(engine, "DELETE", "/volumes/again", 204)


def older_clients(engine):
    """What the version of the API decides on, and what a name may be that an id is, too."""
    nameless = [patient(engine, "POST", "/volumes/create", 201, body={})["Name"] for _ in range(2)]
    patient(engine, "POST", "/volumes/create", 201, body={"Name": "kept"})
    check_equal(sorted(patient(engine, "POST", "/v1.42/volumes/prune", 200)["VolumesDeleted"]), sorted(nameless))
    part = {"Image": IMAGE, "HostConfig": {"Mounts": [{"Type": "volume", "Source": "kept", "Target": "/v", "VolumeOptions": {"Subpath": "none"}}]}}
    for version, status in (("1.44", 204), ("1.45", 500)):
        patient(engine, "POST", f"/v{version}/containers/create?name=part", 201, body=part)
        patient(engine, "POST", "/containers/part/start", status)
        patient(engine, "DELETE", "/containers/part?force=1", 204)
    check_equal(patient(engine, "POST", "/v1.41/volumes/prune", 200)["VolumesDeleted"], ["kept"])
    ids = [patient(engine, "POST", "/networks/create", 201, body={"Name": "first"})["Id"]]
    ids += [patient(engine, "POST", "/networks/create", 201, body={"Name": ids[0][:length]})["Id"] for length in (12, 64)]
    for name, gone in ((ids[0][:12], ids[1]), (ids[0], ids[0]), (ids[0], ids[2])):
        patient(engine, "DELETE", f"/networks/{name}", 204)
        check(gone not in [network["Id"] for network in patient(engine, "GET", "/networks", 200)], (name, gone))
    for body, kind, says in ((b"{}", "text/plain", "unsupported Content-Type header (text/plain): must be 'application/json'"),
                             (b"{x", "application/json", "invalid JSON"), (b"{} x", "application/json; charset=utf-8", "unexpected content after JSON")):
        connection = UnixConnection(engine.socket)
        connection.request("POST", "/volumes/create", body, {"Content-Type": kind})
        response = connection.getresponse()
        check_equal(response.status, 400, says)
        check(says in json.loads(response.read())["message"], says)
    # None of these reads what a client may send along.
    connection = UnixConnection(engine.socket)
    connection.request("POST", "/containers/nosuch/stop", b"x=y", {"Content-Type": "application/x-www-form-urlencoded"})
    check_equal(connection.getresponse().status, 404)


def oldest_clients(engine):
    """What the API was before 1.41. `db` has ended with 5, `web-1` does not run."""
    def listed(version, query=""):
        return [image for image in patient(engine, "GET", f"/v{version}/images/json{query}", 200) if "VirtualSize" not in image or image["VirtualSize"] == image["Size"]]

    check_equal(len(listed("1.40", f"?filter={IMAGE.partition(':')[0]}")), 1)
    check_equal((listed("1.40", "?filter=nosuch"), len(listed("1.41", "?filter=nosuch"))), ([], len(listed("1.24"))))
    check_equal(["VirtualSize" in patient(engine, "GET", f"/v{version}/images/{IMAGE}/json", 200) for version in ("1.43", "1.44")], [True, False])
    for version, query, status, wanted in (("1.29", "?condition=nonsense", 200, {"StatusCode": 5, "Error": None}), ("1.30", "?condition=nonsense", 400, None),
                                           ("1.41", "", 200, {"StatusCode": 5, "Error": None}), ("1.42", "", 200, {"StatusCode": 5})):
        answer = patient(engine, "POST", f"/v{version}/containers/db/wait{query}", status)
        check_equal(answer, wanted or answer, version)
    run(engine, "old", "read a; exit 3", OpenStdin=True)
    check_equal([bool(network["Containers"]) for version in ("1.27", "1.28") for network in patient(engine, "GET", f"/v{version}/networks", 200)
                 if network["Name"] == "bridge"], [True, False])
    patient(engine, "POST", "/v1.39/containers/old/update", 200, body={"PidsLimit": 50})
    check(not inspect(engine, "old")["HostConfig"]["PidsLimit"])
    with connect(engine.socket) as waiting:
        waiting.sendall(b"POST /v1.29/containers/old/wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        patient(engine, "POST", "/containers/old/kill", 204)
        check(b'{"StatusCode":137,"Error":null}' in read_all(waiting))
    patient(engine, "DELETE", "/containers/old", 204)
    for version, status in (("1.40", 201), ("1.41", 404)):
        patient(engine, "POST", f"/v{version}/containers/create?name=old&platform=linux/amd64", status, body={"Image": IMAGE})
    patient(engine, "DELETE", "/containers/old", 204)


def told(engine, since):
    """The types and actions of events since a time, and what was freed of prunings."""
    response, body = engine.get(f"/events?since={since}&until={int(time.time()) + 1}")
    check_equal(response.status, 200)
    return [(event["Type"], event["Action"].partition(":")[0]) for event in map(json.loads, body.splitlines())]


def events_of_all(engine, docker):
    since = int(time.time()) - 1
    docker("run", "-d", "--rm", "--name", "told", "-v", "told:/v", IMAGE, "sleep", "1000")
    docker("cp", "told:/bin/busybox", "-")
    docker("cp", "-", "told:/tmp", stdin=b"")
    docker("export", "told")
    docker("top", "told")
    # It is there again afterwards, and goes with its end only.
    docker("exec", "told", "sh", "-c", "echo kept >/file")
    docker("restart", "-t", "0", "told")
    check_equal(docker.text("exec", "told", "cat", "/file"), "kept")
    check_equal(docker.text("ps", "--format", "{{.Names}} {{.Command}}", "--no-trunc"), 'told "sleep 1000"')
    docker("stop", "-t", "0", "told")
    docker("volume", "prune", "-af")
    docker("save", IMAGE)
    seen = told(engine, since)
    wanted = [("volume", "create"), ("container", "create"), ("volume", "mount"), ("container", "start"), ("container", "archive-path"), ("container", "extract-to-dir"),
              ("container", "export"), ("container", "top"), ("container", "die"), ("volume", "unmount"), ("volume", "mount"), ("container", "start"),
              ("container", "restart"), ("container", "die"), ("volume", "unmount"), ("container", "destroy"), ("volume", "destroy"), ("volume", "prune"), ("image", "save")]
    for event in seen:
        if wanted and event == wanted[0]:
            wanted.pop(0)
    check_equal(wanted, [], seen)


SURROUNDINGS = """cat /etc/hosts /etc/resolv.conf | tail -n 5; id; sed -n 's/^CapBnd:\t//p' /proc/self/status; ulimit -n
cat /proc/sys/net/core/somaxconn /proc/self/oom_score_adj /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max /proc/sys/kernel/domainname /proc/1/comm"""
SEEN = """1.2.3.4\ta
10.0.2.2\tg
nameserver 9.9.9.9
search x.y
options ndots:2
uid=0 gid=0 groups=0,99,1234
0000000000000001
100
77
5
50
150000 100000
d.e
init"""


def surroundings(docker):
    """Limits, names and privileges reach the process; what has no effect is a warning, and what cannot be is refused."""
    flags = """--domainname d.e --init --add-host a:1.2.3.4 --add-host g:host-gateway --dns 9.9.9.9 --dns-search x.y --dns-option ndots:2 --group-add 1234
        --group-add 99 --cap-drop ALL --cap-add CHOWN --ulimit nofile=100:200 --sysctl net.core.somaxconn=77 --security-opt no-new-privileges --pids-limit 50
        --cpus 1.5 --oom-score-adj 5 --annotation a=b --cpu-shares 7"""
    done = docker("run", "--rm", *flags.split(), IMAGE, "sh", "-c", SURROUNDINGS)
    check_equal(done.stdout.decode().strip(), SEEN)
    check(b"CpuShares has no effect" in done.stderr, done.stderr)
    docker("run", "--name", "hungry", "-m", "64m", IMAGE, "tail", "/dev/zero", status=137)
    check_equal(docker.text("inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "hungry"), "true 137")
    done = docker("run", "--rm", "--group-add", "nosuch", IMAGE, "true", status=125)
    check(b"unable to find group nosuch" in done.stderr, done.stderr)
    check(b"HostConfig.IpcMode host has no effect" in docker("run", "--rm", "--ipc", "host", IMAGE, "true").stderr)


def routes():
    """(method, path) of all that the engine serves or refuses."""
    text = "".join((ROOT / "apps/engine" / name).read_text() for name in ("router.c", "refusals.c"))
    found = re.findall(r'X\("([A-Z]+)", "([^"]+)"', text) + re.findall(r'{ { "([A-Z]+)", "([^"]+)", NULL }', text)
    check(len(found) > 50, found)
    return found


NAMES = ("nosuch", "a%2Fb", "..", "%2e%2e%2f", "x" * 150, "x" * 3000, "%zz", "a%00b", "%F0%9F%92%A9")
BODIES = (b"", b"{", b"null", b"[" * 5000, b'{"a":' * 5000, b'{"Image":{},"Cmd":7,"name":[],"Tty":"x","HostConfig":[]}', b'{"Memory":1e999,"h":-1}',
          b'{"Image":"' + b"x" * 60000 + b'"}', b"\xff\xfe\x00", b'{"Image":"x"} trailing')


# An engine that is in no swarm refuses these with 503, as dockerd does.
SWARM = re.compile(r"/(swarm|nodes|services|tasks|secrets|configs)\b")


def nonsense(engine):
    """Each route, of things that are not there, with bodies that are none: refused with words, and nothing is done."""
    asked = []
    for method, path in routes():
        if path in ("/_ping", "/version", "/events"):
            continue
        for name in NAMES if "{" in path else ("",) if path != "/images/load" else ():
            target = path.replace("{*}", name).replace("{}", name)
            asked.append((method, path, target, b"" if method == "POST" else None))
        # A load is looked at by a virtual machine.
        for body in BODIES[1:2] if path == "/images/load" else BODIES if method in ("POST", "PUT") else ():
            asked.append((method, path, path.replace("{*}", "nosuch").replace("{}", "nosuch"), body))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda what: request(engine, what[0], what[2], what[3]), asked))
    for (method, path, target, body), (status, answer) in zip(asked, answers):
        what = f"{method} {target[:80]} {body and body[:40]}: {status} {answer}"
        if status >= 400:
            check(isinstance(answer, dict) and answer.get("message"), what)
        if "{" in path:
            check(status in (400, 404, 409, 413, 414, 431, 501) or status == 503 and SWARM.match(path), what)
        else:
            check(status < 500 or status == 501 or status == 503 and SWARM.match(path) or path == "/images/load", what)


def prefixes_and_bodies_without_end(engine):
    """Ids that are two containers', a body that goes on for ever, and one that never comes."""
    ids = [create(engine) for _ in range(17)]
    first = next(i[0] for i in ids if sum(other[0] == i[0] for other in ids) > 1)
    status, answer = request(engine, "GET", f"/containers/{first}/json")
    check_equal(status, 400)
    check("Multiple IDs found with provided prefix" in answer["message"], answer)
    with connect(engine.socket) as waits, connect(engine.socket) as endless:
        waits.sendall(b"POST /containers/create HTTP/1.1\r\nHost:\r\nContent-Length: 1000\r\n\r\n{")
        endless.sendall(b"POST /containers/create HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(4096):
                endless.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
        except OSError:
            pass
        try:
            answer = endless.recv(12)
        except ConnectionResetError:
            answer = b""
        check(answer in (b"HTTP/1.1 413", b""), answer)
        status, answer = request(engine, "POST", "/containers/prune?filters=" + urllib.parse.quote('{"label":["nosuch"]}'), b"")
        check_equal((status, answer["ContainersDeleted"]), (200, []))
    status, answer = request(engine, "POST", "/containers/prune", b"")
    check_equal(status, 200)
    check_equal(sorted(set(ids) - set(answer["ContainersDeleted"])), [])


def is_not_behind(engine):
    """What a client finds out after it has looked at its clock is later in the OS, too, to the microsecond."""
    before = time.time_ns() // 1000
    seconds, fraction = patient(engine, "GET", "/info", 200)["SystemTime"].removesuffix("Z").split(".")
    now = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 10**6 + int(fraction[:6])
    check(before <= now, f"{before} was the time here, and {now} in the OS after it")


@test
def lists_and_nonsense(context):
    engine = start(context)
    docker = Docker(context, engine)
    lists(engine)
    surroundings(docker)
    usage(engine)
    again(engine)
    older_clients(engine)
    oldest_clients(engine)
    events_of_all(engine, docker)
    run_others(context, engine, IMAGE)
    nonsense(engine)
    prefixes_and_bodies_without_end(engine)
    check("Server Version" in docker.text("info"))
    is_not_behind(engine)
    check_equal(docker.text("system", "df", "--format", "{{.Type}}").split("\n")[0], "Images")
    check_equal(docker.text("ps", "-aq", "-f", "name=none"), "")
    engine.stop()
