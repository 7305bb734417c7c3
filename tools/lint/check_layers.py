#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that no file includes a header of a layer above its own: check_layers.py [ROOT]

tools/lint/layers.txt says the layers. Tests, fuzzers and fakes stand beside what they test, and may
include more. An app includes no header of another app, but for those that layers.txt names."""

import os
import re
import subprocess
import sys

LAYERS = "tools/lint/layers.txt"
# What these folders may include besides themselves, whatever is below them.
ONLY = {
    "kernel": ("libs/abi", "libs/base"),
    "boot": ("kernel", "libs/abi", "libs/base"),
    "guest": ("libs/linux/vm/bootd_protocol.h", "libs/ext4/make.h", "libs/abi", "libs/base"),
    "tools/common": ("libs/base",),
    "tools/image": ("tools/common", "libs/linux/vm/bootd_protocol.h", "libs/abi", "libs/base"),
    "tools/push": ("tools/common", "libs/loader", "libs/abi", "libs/base"),
    "tools/run": ("tools/common", "tools/image", "tools/push/app_bytes.h", "libs/loader", "libs/locks", "libs/abi", "libs/base"),
}
# Each folder in these is on its own.
SEPARATE = ("apps",)
TEST = re.compile(r"(_(test|fuzz|fake)\.[ch]$|_test_\w+\.h$|/test_\w+\.h$|/(host|all|device)_(kernel|test|fuzz)\.[ch]$|/arch/host/)")


def read_layers(path):
    """{folder: (its rank, its group)}. Folders of one group know each other."""
    ranks = {}
    with open(path, encoding="utf-8") as file:
        for rank, line in enumerate(file):
            for group in line.split("#")[0].split():
                for folder in group.split("+"):
                    ranks[folder] = (rank, group)
    return ranks


def layer_of(path, ranks):
    """What of layers.txt the path is: a file, or in a folder, the longest. "" if it is in none."""
    folder, ending = os.path.splitext(path)
    while folder and folder not in ranks:
        folder = os.path.dirname(folder)
        if ending != ".h" and folder + ":c" in ranks:
            return folder + ":c"
    return folder


def check(path, header, ranks):
    """Why `path` may not include `header`; None if it may."""
    own, other = layer_of(path, ranks), layer_of(header, ranks)
    if not other:
        return f"{LAYERS} does not name the layer of {header}"
    top = next((folder for folder in ONLY if path.startswith(folder + "/")), None)
    if own == other:
        if own in SEPARATE and os.path.dirname(path) != os.path.dirname(header) and \
                path.split("/")[1] != header.split("/")[1]:
            return f"{header} is another app's"
        return None
    if top and not header.startswith(ONLY[top] + (top + "/",)):
        return f"{own} includes nothing of {other}"
    if ranks[other][1] == ranks[own][1]:
        return None
    if ranks[other][0] == ranks[own][0]:
        return f"{own} and {other} do not know each other"
    if ranks[other][0] > ranks[own][0]:
        return f"{other} is above {own}"
    return None


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    ranks = read_layers(os.path.join(root, LAYERS))
    listed = subprocess.run(["find", "boot", "kernel", "libs", "apps", "guest", "tools", "-name", "*.[chS]"], cwd=root,
                            capture_output=True, text=True, check=True).stdout
    bad = 0
    for path in sorted(listed.split()):
        if TEST.search(path):
            continue
        if not layer_of(path, ranks):
            print(f"{path}: {LAYERS} does not name its layer")
            bad += 1
            continue
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                found = re.match(r'#include "([^"]+)"', line)
                if not found or not os.path.isfile(os.path.join(root, found[1])):
                    continue
                why = check(path, found[1], ranks)
                if why:
                    print(f"{path}:{number}: #include \"{found[1]}\": {why}")
                    bad += 1
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
