# SPDX-License-Identifier: MIT
"""Suites of docker's API that nobody here wrote, against ./run.sh --engine: `make test-engine-suites`. The gate runs it without.

What they say must be what tools/e2e/suites/*.expected says: neither another failure, nor one less."""

import os

import suites
from harness import check, check_equal, test

CHOSEN = test if os.environ.get("ENGINE_SUITES") else lambda function: function
# Files of podman's whose failures are all known. ENGINE_APIV2 names others.
APIV2 = os.environ.get("ENGINE_APIV2", "01-basic 20-containers 22-stop 23-containersArchive 25-containersMore 26-containersWait 27-containersEvents "
                       "30-volumes 35-networks 44-mounts 45-system").split()


def logs(context):
    directory = context.suite.build / "test-logs"
    directory.mkdir(exist_ok=True)
    return directory


def conclude(context, name, expected, results, unknown, all_ran=True):
    print(f"      {name}: {results[False]} passed, {results[True]} failed")
    check(not unknown, f"{name}: failures that nobody expects:\n" + "\n".join(unknown))
    if all_ran:
        check_equal([rule for rule in expected.rules if rule not in expected.used], [], f"{name}: expected failures that are none")


@CHOSEN
def suites_podman_apiv2(context):
    """podman's tests of the API with curl and jq."""
    suites.source("libpod")
    world = suites.World(context)
    expected = suites.Expected("apiv2.expected")
    results, unknown = {False: 0, True: 0}, []
    for name in APIV2:
        world.clean()
        said = suites.run_apiv2(world, name)
        (logs(context) / f"suites-{name}.log").write_text(said)
        unknown += suites.judge(expected, said, results)
    conclude(context, "apiv2", expected, results, unknown, "ENGINE_APIV2" not in os.environ)
    world.stop()
