# SPDX-License-Identifier: MIT
"""Networks of containers through ./run.sh --engine, by docker's client."""

import json
import shutil
import subprocess

from debian import cache_directory
from harness import ROOT, Skip, check, check_equal, test
from test_engine import PATIENCE, Engine
from test_engine_containers import Docker, request

IMAGE = "net:1"
TOOLS = ("sh", "echo", "cat", "sleep", "ping", "wget", "httpd", "nslookup", "ifconfig", "route", "hostname", "nc", "grep", "mkdir", "true")


def make_image(context):
    """A shell and tools of the network, as an OCI layout."""
    layout = context.scratch / "net"
    if layout.exists():
        return layout
    root = context.scratch / "net-root"
    (root / "bin").mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "bin/busybox").write_bytes((ROOT / "third_party/busybox/busybox").read_bytes())
    (root / "bin/busybox").chmod(0o755)
    for name in TOOLS:
        (root / "bin" / name).symlink_to("busybox")
    subprocess.run([ROOT / "tools/image/mklayout.sh", root, layout, '["sh"]', '["PATH=/bin"]'], check=True)
    return layout


def start(context, **settings):
    return Engine(context, LINUXRUN_IMAGES=f"{IMAGE}=oci://{make_image(context)}", STARINA_MEMORY="3G", **settings)


# A server that says its name.
SERVE = "mkdir -p /tmp/www; echo $NAME > /tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www"


MAC = "02:42:ac:12:00:05"


class Net:
    def __init__(self, context, engine):
        self.docker = Docker(context, engine)

    def service(self, name, *args):
        self.docker("run", "-d", "--name", name, "-e", f"NAME={name}", *args, IMAGE, "sh", "-c", SERVE)
        self.inside(name, "sh", "-c", "until wget -q -O /dev/null http://127.0.0.1/; do sleep 0.1; done")

    def address(self, name, network):
        return self.docker.text("inspect", "-f", f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}', name)

    def inside(self, name, *command, status=0):
        return self.docker.text("exec", name, *command, status=status)

    def says(self, name, address):
        """What a server says, asked from within a container."""
        return self.inside(name, "wget", "-q", "-T", "100", "-O", "-", f"http://{address}/")

    def lookup(self, name, wanted):
        """The address of a name, asked from within a container; "" when there is none."""
        done = self.docker("exec", name, "nslookup", "-type=a", wanted, status=None)
        answer = done.stdout.decode().partition("\n\n")[2]
        return next((line.split()[-1] for line in answer.split("\n") if line.startswith("Address")), "")

    def silent(self, name, address):
        self.inside(name, "wget", "-q", "-T", "2", "-O", "-", f"http://{address}/", status=1)


@test
def networks_of_containers(context):
    """Made, joined, left and removed; who is not in one does not reach it."""
    engine = start(context)
    net = Net(context, engine)
    docker = net.docker
    check_equal(docker.text("network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}").split("\n"), ["bridge bridge local", "host host local", "none null local"])
    front = docker.text("network", "create", "--label", "a=b", "front")
    docker("network", "create", "--subnet", "10.9.0.0/24", "--gateway", "10.9.0.9", "--internal", "back")
    for args, says in ((("front",), "already exists"), (("bridge",), "predefined"), (("--subnet", "10.0.2.0/25", "x"), "Pool overlaps"),
                       (("--driver", "overlay", "x"), "overlay"), (("--subnet", "1.2.3.4/33", "x"), "1.2.3.4/33"), (("--ipv6", "x"), "Cannot read IPv6 setup for bridge")):
        done = docker("network", "create", *args, status=1)
        check(says in done.stderr.decode(), f"{args}: {done.stderr}")
    check_equal(docker.text("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}} {{.Labels.a}}", "front"), "172.18.0.0/16 b")
    check_equal(docker.text("network", "ls", "-q", "--no-trunc", "--filter", "label=a"), front)

    net.service("web", "--network", "front", "--mac-address", MAC)
    net.service("both", "--network", "front", "--ip", "172.18.0.77")
    net.service("data", "--network", "back")
    docker("network", "connect", "back", "both")
    check_equal([net.address("web", "front"), net.address("both", "front"), net.address("data", "back"), net.address("both", "back")],
                ["172.18.0.2", "172.18.0.77", "10.9.0.1", "10.9.0.2"])
    check_equal(net.says("both", "172.18.0.2"), "web")
    check_equal(net.says("web", "172.18.0.77"), "both")
    check_equal(net.says("data", "10.9.0.2"), "both")
    # A MAC address of its own: its card has it, others see it, and nobody else gets it.
    check_equal([net.inside("web", "cat", "/sys/class/net/eth0/address"), docker.text("inspect", "-f", "{{.NetworkSettings.Networks.front.MacAddress}}", "web")], [MAC, MAC])
    check(MAC in net.inside("both", "cat", "/proc/net/arp"))
    for args, says in (((), "already in use by container web"), (("--network", "back", "--mac-address", "03:42:ac:12:00:05"), "invalid MAC address")):
        done = docker("run", "--rm", "--network", "front", "--mac-address", MAC, *args, IMAGE, "true", status=125)
        check(says in done.stderr.decode(), done.stderr)
    # The same by names, in the networks that one is in.
    docker("run", "-d", "--name", "alias", "--network", "back", "--network-alias", "store", "--hostname", "site.example", "--add-host", "other:1.2.3.4",
           IMAGE, "sleep", "1000")
    check("10.9.0.3\tsite.example site\n1.2.3.4\tother" in net.inside("alias", "cat", "/etc/hosts"))
    check_equal([net.says("web", "both"), net.says("data", "BOTH"), net.says("both", "data"), net.says("both", docker.text("inspect", "-f", "{{slice .Id 0 12}}", "web"))],
                ["both", "both", "data", "web"])
    check_equal(net.lookup("both", "store"), net.address("alias", "back"))
    check_equal([net.lookup("web", "data"), net.lookup("web", "store"), net.lookup("data", "web")], [""] * 3)
    # Before 1.45 the API has the short id among them.
    seen = [request(engine, "GET", f"{version}/containers/alias/json")[1] for version in ("/v1.44", "/v1.45")]
    check_equal([one["NetworkSettings"]["Networks"]["back"]["Aliases"] for one in seen], [["store", seen[0]["Id"][:12]], ["store"]])
    # Before 1.44 it is created in one network.
    several = {"Image": IMAGE, "NetworkingConfig": {"EndpointsConfig": {"back": {}, "front": {}}}}
    check_equal(request(engine, "POST", "/v1.43/containers/create?name=many", several),
                (400, {"message": "Container cannot be connected to network endpoints: back, front"}))
    check_equal(request(engine, "POST", "/v1.44/containers/create?name=many", several)[0], 201)
    # Who says which networks it is in is not on the bridge besides.
    check_equal(sorted(request(engine, "GET", "/containers/many/json")[1]["NetworkSettings"]["Networks"]), ["back", "front"])
    check_equal(request(engine, "DELETE", "/containers/many")[0], 204)
    docker("rm", "-f", "alias")
    check_equal(net.lookup("data", "store"), "")
    # Neither through who is in both, nor by the address of the uplink.
    net.silent("web", "10.9.0.1")
    net.silent("web", "10.9.0.2")
    uplink = next(word.split(":")[1] for word in net.inside("both", "ifconfig", "eth0").split() if word.startswith("addr:10.0.2."))
    net.silent("web", uplink)
    # What is internal has no way out.
    net.inside("web", "ping", "-c", "1", "-W", "100", "10.0.2.2")
    net.inside("data", "ping", "-c", "1", "-W", "2", "10.0.2.2", status=1)
    check_equal(docker("network", "rm", "front", status=1).stderr.decode().count("has active endpoints"), 1)

    docker("network", "disconnect", "front", "both")
    net.silent("web", "172.18.0.77")
    docker("network", "disconnect", "front", "both", status=1)
    docker("network", "connect", "--ip", "172.18.0.78", "front", "both")
    check_equal(net.says("web", "172.18.0.78"), "both")
    check_equal(docker.text("network", "inspect", "-f", "{{range .Containers}}{{.Name}} {{.IPv4Address}},{{end}}", "front").count(","), 2)

    # The default network, by address; and none.
    net.service("one")
    net.service("two")
    check_equal(net.says("one", net.address("two", "bridge")), "two")
    net.silent("one", "172.18.0.2")
    docker("network", "connect", "front", "one")
    check_equal([net.says("one", "172.18.0.2"), net.says("one", "web"), net.says("web", "one")], ["web", "web", "one"])
    docker("rename", "one", "first")
    check_equal([net.lookup("web", "first"), net.lookup("web", "one")], [net.address("first", "front"), ""])
    docker("run", "--rm", "--network", "none", IMAGE, "ping", "-c", "1", "-W", "1", "10.0.2.2", status=1)
    done = docker("run", "--rm", "--network", "host", IMAGE, "true", status=125)
    check(b"network mode host is not supported" in done.stderr, done.stderr)
    done = docker("run", "--rm", "--network", "nosuch", IMAGE, "true", status=125)
    check(b"network nosuch not found" in done.stderr, done.stderr)
    names = docker.text("ps", "-aq").split()
    docker("rm", "-f", *names)
    docker("network", "rm", "front")
    check_equal(docker.text("network", "prune", "-f", "--filter", "until=1h"), "")
    check_equal(docker.text("network", "prune", "-f"), "Deleted Networks:\nback")
    for name, status in (("bridge", 403), ("nosuch", 404)):
        check_equal(request(engine, "DELETE", f"/networks/{name}")[0], status)
    engine.stop()
    check("panic" not in engine.log.whole())


# docker-compose 1 of Debian 12, with what it imports; Debian 13's is one program.
COMPOSE_PACKAGES = ["docker-compose"] + [f"python3-{name}" for name in (
    "docker dockerpty docopt dotenv texttable jsonschema yaml websocket requests urllib3 certifi idna chardet charset-normalizer attr pyrsistent distro "
    "packaging six").split()]


def compose_client():
    """(command, environment) of the host's Debian's docker-compose, unpacked."""
    directory = cache_directory() / "compose"
    root = directory / "root"
    programs = [root / "usr/bin/docker-compose", root / "usr/libexec/docker/cli-plugins/docker-compose"]
    if not any(program.exists() for program in programs):
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", *COMPOSE_PACKAGES], cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        for deb in directory.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    program = next((program for program in programs if program.exists()), None)
    if program is None:
        raise Skip("there is no docker-compose to be had here")
    if program == programs[0]:
        return ["/usr/bin/python3", program], {"PYTHONPATH": str(root / "usr/lib/python3/dist-packages")}
    return [program], {}


COMPOSE_FILE = """version: "2.4"
services:
  web: {image: IMAGE, command: [sh, -c, SERVE], environment: [NAME=web], networks: [front, back], depends_on: [cache]}
  cache: {image: IMAGE, command: [sh, -c, SERVE], environment: [NAME=cache], networks: {back: {aliases: [store]}}, depends_on: [data]}
  data: {image: IMAGE, command: [sh, -c, SERVE], environment: [NAME=data], networks: {back: {ipv4_address: 172.28.0.20}}, volumes: ["kept:/data"]}
networks:
  front: {}
  back: {internal: true, ipam: {config: [{subnet: 172.28.0.0/24}]}}
volumes:
  kept: {}
"""


@test
def compose(context):
    """A web server, a cache and a database with a volume: up, by names, one restarted, ordered stop, down."""
    command, environment = compose_client()
    engine = start(context)
    net = Net(context, engine)
    (context.scratch / "docker-compose.yml").write_text(COMPOSE_FILE.replace("IMAGE", IMAGE).replace("SERVE", json.dumps(SERVE.replace("$", "$$"))), encoding="ascii")

    def run(*args):
        done = subprocess.run([*command, "-p", "app", *args], cwd=context.scratch, env={**net.docker.environment, **environment}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        check_equal(done.returncode, 0, f"compose {args}: {done.stdout.decode()}")
        return done.stdout.decode()

    run("up", "-d")
    names = {name: run("ps", "-q", name).strip() for name in ("web", "cache", "data")}
    ask = "until wget -q -T 5 -O - http://$0/; do sleep 0.2; done"
    for name, other, says in (("web", "cache", "cache"), ("web", "store", "cache"), ("cache", "data", "data"), ("data", "web", "web")):
        check_equal(net.inside(names[name], "sh", "-c", ask, other), says)
    net.inside(names["data"], "sh", "-c", "echo kept > /data/file")
    run("restart", "cache")
    check_equal(net.inside(names["web"], "sh", "-c", ask, "cache"), "cache")
    run("stop", "-t", "1")
    ends = [net.docker.text("inspect", "-f", "{{.State.FinishedAt}}", names[name]) for name in ("web", "cache", "data")]
    check_equal(ends, sorted(ends))
    run("up", "-d")
    check_equal(net.inside(run("ps", "-q", "data").strip(), "cat", "/data/file"), "kept")
    run("down", "-v", "-t", "1")
    check_equal((net.docker.text("ps", "-aq"), net.docker.text("volume", "ls", "-q"), net.docker.text("network", "ls", "-q", "--filter", "type=custom")), ("", "", ""))
    engine.stop()


@test
def three_services(context):
    """As compose makes them, while the server of names and the switch are killed: they find each other all the time, or soon again."""
    for target in ("dns", "netswitch"):
        context.build = context.suite.build
        shutil.rmtree(context.scratch / "build", ignore_errors=True)
        context.boot_image("starina-reaper")
        engine = start(context, STARINA_APPEND=f"reaper.target={target} reaper.count=3 reaper.pause=2000")
        net = Net(context, engine)
        net.docker("network", "create", "app_default")
        for name in ("web", "cache", "data"):
            config = {"Image": IMAGE, "Cmd": ["sh", "-c", SERVE], "Env": [f"NAME={name}"], "HostConfig": {"NetworkMode": "app_default"},
                      "NetworkingConfig": {"EndpointsConfig": {"app_default": {"Aliases": [name], "IPAMConfig": {}}}}}
            status, answer = request(engine, "POST", f"/v1.41/containers/create?name=app_{name}_1", config)
            check_equal(status, 201, answer)
            check_equal(request(engine, "POST", "/networks/app_default/disconnect", {"Container": answer["Id"]})[0], 200)
            connect = {"Container": answer["Id"], "EndpointConfig": {"Aliases": [name, answer["Id"][:12]], "Links": None, "IPAMConfig": {}}}
            check_equal(request(engine, "POST", "/networks/app_default/connect", connect)[0], 200)
            check_equal(request(engine, "POST", f"/containers/{answer['Id']}/start")[0], 204)
        engine.log.wait_for("done: httpd answered each time")
        # What was asked for in the midst of it is asked again.
        ask = "until wget -q -T 5 -O - http://$0/; do sleep 0.2; done"
        for name, other in (("web", "cache"), ("cache", "data"), ("data", "web"), ("web", "app_data_1")):
            check_equal(net.inside(f"app_{name}_1", "sh", "-c", ask, other), other.removeprefix("app_").removesuffix("_1"))
        net.docker("rm", "-f", *net.docker.text("ps", "-aq").split())
        net.docker("network", "rm", "app_default")
        engine.stop()
        check("panic" not in engine.log.whole())
