# SPDX-License-Identifier: MIT
"""Images through ./run.sh --engine, by docker's client."""

import json

from harness import check, check_equal, test
from test_engine_containers import IMAGE, Docker, request, start


def refused(docker, says, *args):
    done = docker(*args, status=1)
    check(says in done.stderr.decode(), f"docker {args}: {done.stderr!r}")


def names(docker):
    return sorted(docker.text("images", "--format", "{{.Repository}}:{{.Tag}}").split())


@test
def image_names(context):
    """tag, ls, inspect, history, rm, prune: of what the host has packed."""
    engine = start(context)
    docker = Docker(context, engine)
    check_equal(names(docker), [IMAGE])
    identity = docker.text("inspect", "-f", "{{.Id}}", IMAGE)
    docker("tag", IMAGE, "me/other:2")
    docker("tag", identity[7:19], "localhost:5000/third")
    check_equal(names(docker), sorted([IMAGE, "me/other:2", "localhost:5000/third:latest"]))
    check_equal(docker.text("run", "--rm", "me/other:2"), "from the image")
    image = json.loads(docker.text("inspect", "me/other:2"))[0]
    check_equal((image["Id"], sorted(image["RepoTags"])), (identity, sorted([IMAGE, "me/other:2", "localhost:5000/third:latest"])))
    check_equal(image["Config"]["Cmd"], ["echo", "from the image"])
    check_equal(docker.text("images", "-q", "--no-trunc", "me/*"), identity)
    check_equal(docker.text("images", "-q", "-f", "dangling=true"), "")
    check_equal(len(docker.text("history", "-q", IMAGE).split()), 1)
    refused(docker, "invalid reference format", "tag", IMAGE, "me/Upper")
    refused(docker, "No such image", "tag", "nosuch", "x")
    refused(docker, "the host has packed it", "rmi", IMAGE)
    check_equal(docker.text("rmi", "me/other:2"), "Untagged: me/other:2")
    refused(docker, "No such image", "rmi", "me/other:2")
    check_equal(names(docker), sorted([IMAGE, "localhost:5000/third:latest"]))
    docker("image", "prune", "-af")
    for method, path, status in (
            ("GET", "/images/json?filters=%7B%22nosuch%22%3A%5B%22x%22%5D%7D", 400), ("GET", "/images/json?filters=%5B", 400),
            ("GET", "/images/json?filters=%7B%22before%22%3A%5B%22nosuch%22%5D%7D", 400), ("POST", f"/images/{IMAGE}/tag", 400),
            ("POST", f"/images/{IMAGE}/tag?repo=a&tag=%2Fb", 400), ("GET", "/images/nosuch/history", 404), ("DELETE", "/images/" + "a" * 200, 400),
            ("POST", "/images/prune?filters=%7B%22dangling%22%3A%5B%22maybe%22%5D%7D", 400), ("DELETE", "/images/sha256:", 404)):
        check_equal(request(engine, method, path)[0], status, f"{method} {path}")
    engine.stop()
