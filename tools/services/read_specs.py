# SPDX-License-Identifier: MIT
"""Runs inside gdb: prints the app table of an image that is not running as JSON, on a line of its own.

The specs are read with the image's debug information, so nothing here knows how a struct is laid out.
"""

import json

import gdb

NEED_KINDS = {1: "service", 2: "device", 3: "config", 4: "system", 5: "launcher", 6: "kept"}
RESTARTS = {0: "never", 1: "on fault", 2: "always"}


def text(pointer):
    return None if int(pointer) == 0 else pointer.string()


def elements(array):
    low, high = array.type.range()
    return [array[i] for i in range(low, high + 1)]


def read_needs(spec):
    needs = []
    for need in elements(spec["needs"]):
        if int(need["kind"]) == 0:
            break
        needs.append({
            "kind": NEED_KINDS.get(int(need["kind"]), "unknown"),
            "name": text(need["name"]),
            "fallback": text(need["fallback"]),
            "optional": int(need["optional"]) != 0,
            "size": int(need["size"]),
        })
    return needs


def read_provides(spec):
    names = []
    for pointer in elements(spec["provides"]):
        if int(pointer) == 0:
            break
        names.append(text(pointer))
    return names


def read_spec(image):
    spec = image["spec"].dereference()
    return {
        "name": text(spec["name"]),
        "runtime": text(spec["runtime"]),
        "is_runtime": int(spec["is_runtime"]) != 0,
        "isolation": "user" if int(image["user"]) != 0 else "kernel",
        "abi_version": int(spec["abi_version"]),
        "restart": RESTARTS.get(int(spec["restart"]), "unknown"),
        "memory_limit": int(spec["memory_limit"]),
        "stack_size": int(spec["stack_size"]),
        "handle_limit": int(spec["handle_limit"]),
        "needs": read_needs(spec),
        "provides": read_provides(spec),
    }


table = gdb.parse_and_eval("app_images")
count = int(gdb.parse_and_eval("num_app_images"))
print(json.dumps([read_spec(table[i]) for i in range(count)]))
