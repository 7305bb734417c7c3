#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""api_page.py [--check] ROUTES PAGE: writes docs/api.md, or checks that it is what would be written. ROUTES is apps/httpd/api/routes.h, the
table that the router and the OpenAPI document are made of."""

import re
import sys
from pathlib import Path

STRING = r'"((?:[^"\\]|\\.)*)"'
TYPE = r'(TYPE_[A-Z]+|"")'
ROW = re.compile(rf"X\(\s*{STRING},\s*{STRING},\s*(\w+),\s*{STRING},\s*{STRING},\s*{TYPE},\s*{TYPE}\s*\)")

HEAD = """# The API of the system

<!-- Written by tools/docs/api_page.py from apps/httpd/api/routes.h: `make api-page`. -->

The system is an HTTP API on port 80 (`http://127.0.0.1:30080/` of the host), of which the web page and `./starina` are clients. `GET
/api/v1/openapi.json` describes it for machines (OpenAPI 3.1).

```
U=$(cat build/run/web.addr); curl -H "Authorization: Bearer ${U##*=}" ${U%%#*}api/v1/processes
```

## Who may ask

- `run.sh` makes a token at each boot. It is in the address that it prints for a person (`http://127.0.0.1:30080/#token=...`) and in
  `build/run/web.addr`, which only this user can read; it reaches the system on its boot disk, and is on no command line.
- All but `GET /api/v1/status` needs `Authorization: Bearer TOKEN`. A WebSocket has it among its subprotocols: `starina.v1, token.TOKEN`. It is taken
  from no query and no cookie. 401 with a token means another boot.
- `Host` has to be `localhost` or an address, and `Origin`, if there is one, this server: other pages get 403. There are no CORS fields.
- Errors are `{"error":{"code":"not_found","message":"what, where, and what to do"}}` with the status that fits.
- Names and output of others are strings with their bytes escaped; what is no UTF-8 is U+FFFD.
- Who reads slowly is told less: the live view leaves out what the client has not read, `logs` says how many lines were lost.

## Routes

Below `/api/v1`:

| Method and path | Does | Query | Body | Answer |
|---|---|---|---|---|
"""

TAIL = """
`GET /metrics` is `metrics?format=prometheus`. `/engine/...` is docker's API of the [engine](engine.md), if `run.sh --engine` serves one.

## The live view

A WebSocket. The client says `{"interval_ms":1000,"what":["processes","harts"]}`, and may say something else at any time: the names are those of the
documents above (`status`, `processes`, `threads`, `harts`, `memory`, `interrupts`, `services`, `channels`, `vms`, `network`, `disks`), and `logs`. The system answers at once,
and then once in that time (100 to 60,000 ms), with an object of these and `time_ns`. While the client does not read, nothing is made. `logs` are those since the last
message, as `GET logs` has them, and at first the last 500 or, with `"logs_since":N`, those from the number `N` on (`next` of the answer before).

## The log, traces and apps

`GET logs`: at most `limit` lines (500; 2000 at most) from the number `since` on, or the last ones, of the app `app`, and of `level` (`error`, `warn`, `info`, `debug`) or graver.
`GET trace` records for `ms` milliseconds (500; 10,000 at most) and answers then. A file of an app has at most 4 MiB; the answer tells the `name` that it runs by.

## Commands and terminals

`POST commands`: `argv` is needed, `env` has strings `NAME=VALUE`, `stdin` is text, `memory` is bytes of the virtual machine. It answers with a line for each piece of
output, `{"stream":"stdout","data":"base64"}`, and ends with `{"exit":N}`, with an `"error"` beside it if the program could not be run. `GET terminal` is a WebSocket whose
binary messages are the terminal's bytes, both ways; a text message is `{"resize":[rows,cols]}`, and the last one of the system `{"exit":N}`. Each program
has a virtual machine of its own, which ends when the client leaves.

## Containers' streams

`GET containers/ID/attach` and `GET exec/ID/start` are WebSockets for what docker's clients do with an upgraded connection. The system's first message is a text,
`{"tty":true}` or `false`. Binary messages are bytes, both ways: as they are with a terminal; without one, what the container writes comes in docker's frames (8 bytes:
1 for stdout or 2 for stderr, three zeroes, a length in big-endian; then so many bytes), which messages may cut anywhere. `{"eof":true}` of the client ends the
input. When the streams end, so does the WebSocket (1000); when the engine refuses, `{"error":"...","status":404}` comes and then the end (1008). What is to run is made by
`POST /engine/containers/ID/exec` before, its terminal's size is in `rows` and `cols`, later ones are set by `POST /engine/exec/ID/resize?h=R&w=C`, and the status is in `GET /engine/exec/ID/json`.

## ./starina

The same from a shell: `./starina ps`, `top`, `logs -f [APP]`, `services`, `disks`, `run CMD...`, `start`, `stop`, `kill`, `push`, `trace`, `new`; `./starina --help` tells more. `shell` takes
them one a line, and `shell sh` is a Linux program in this terminal.
It reads `build/run/web.addr` (`BUILD`), or `--address FILE`, or takes the address from the variable `STARINA_ADDRESS`: the token is never on a command line.
"""


def rows(source):
    """The table's rows; the count is checked, so that none is passed over."""
    text = source.replace("\\\n", "\n")
    names = dict(re.findall(r'#define (TYPE_[A-Z]+) "([^"]+)"', text))
    found = ROW.findall(text)
    expected = len(re.findall(r"\bX\(\"", text))
    if len(found) != expected:
        raise SystemExit(f"api_page.py: {len(found)} of {expected} rows of the routes are understood")
    for method, path, _start, summary, query, body, answer in found:
        yield method, path, summary, query, names.get(body, ""), names.get(answer, "")


def page(source):
    """The text of docs/api.md."""
    lines = []
    for method, path, summary, query, body, answer in rows(source):
        path = path.replace("{}", "NAME")
        query = ", ".join(f"`{name}`" for name in query.split())
        lines.append(f"| `{method} {path}` | {summary} | {query} | {body} | {answer} |\n")
    return HEAD + "".join(lines) + TAIL


def main(arguments):
    """Writes or checks."""
    check = arguments[:1] == ["--check"]
    routes, out = map(Path, arguments[1:] if check else arguments)
    text = page(routes.read_text(encoding="utf-8"))
    if not check:
        out.write_text(text, encoding="utf-8")
    elif not out.exists() or out.read_text(encoding="utf-8") != text:
        print(f"{out} is not what {routes} says: run make api-page", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
