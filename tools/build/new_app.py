#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the folder of a new app: new_app.py NAME [SERVICE...]

`make new-app NAME=x NEEDS="echo"` calls it. The app builds as it is: it logs a line, connects to the services that it
needs, and waits. What provides these is looked up in the specs of the tree's apps.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = re.compile(r"[a-z][a-z0-9_]*")
NAME_MAX, MAX_NEEDS = 23, 15  # libs/abi/app.h; one need is the greeting
PROVIDES = re.compile(r"\.provides\s*=\s*\{([^}]*)\}")
NEEDS = re.compile(r"NEED_SERVICE,\s*(?:\.name\s*=\s*)?\"([^\"]+)\"")
RESERVED = {"kernel": "boot arguments kernel.NAME=VALUE are the kernel's"}

HEAD = """\
// SPDX-License-Identifier: MIT
//
// NAME: what it does, in one or two lines.
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/loop.h"
"""

SERVICE_INCLUDES = """\
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"
"""

SERVICE = """
// --- The service SERVICE ---

static void SERVICE_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	log_info("SERVICE sent a message of type %u", m->type);
	message_discard(m);
}

static void SERVICE_closed(struct loop *loop, struct source *source)
{
	error_t err;

	loop_close(loop, source);
	err = service_client_again(&app.SERVICE_client);
	assert(err == 0);
}

static const struct source_ops SERVICE_ops = {
	.message = SERVICE_message,
	.closed = SERVICE_closed,
};

static void SERVICE_connected(void *context, handle_t channel)
{
	error_t err = loop_add(&app.loop, &app.SERVICE, channel, &SERVICE_ops, NULL);

	(void)context;
	assert(err == 0);
	log_info("connected to SERVICE");
}
"""

START = ["\terr = service_client_start(&app.loop, &app.SERVICE_client,", 'environ_connector(env, "SERVICE"),',
         "SERVICE_connected,", "NULL);"]


def fail(text):
    sys.exit(f"new-app: {text}")


def providers():
    """{service: the app that provides it}."""
    found = {}
    for source in sorted(ROOT.glob("apps/*/*.c")):
        for services in PROVIDES.findall(source.read_text(encoding="utf-8")):
            for service in re.findall(r'"([^"]+)"', services):
                found.setdefault(service, source.parent.name)
    return found


def all_providers(needs, provided):
    """The apps that provide `needs`, and what these need in turn."""
    apps, left = [], list(needs)
    while left:
        app = provided.get(left.pop(0))
        if app and app not in apps:
            apps.append(app)
            for source in sorted((ROOT / "apps" / app).glob("*.c")):
                left += NEEDS.findall(source.read_text(encoding="utf-8"))
    return apps


def check_name(name):
    if not name:
        fail("NAME is not set: make new-app NAME=x")
    if not NAME.fullmatch(name) or len(name) > NAME_MAX:
        fail(f'"{name}" is not a name for an app: use small letters, digits and _, a letter first, at most {NAME_MAX} in all')
    if name in RESERVED:
        fail(f'"{name}" is not a name for an app: {RESERVED[name]}')
    if (ROOT / "apps" / name).exists() or (ROOT / f"tools/test/apps/{name}.c").exists():
        fail(f"there is an app {name} already; choose another name")


def check_needs(needs, provided):
    for service in needs:
        if service not in provided:
            fail(f'no app provides the service "{service}"; there are: {", ".join(sorted(provided))}')
    if len(needs) > MAX_NEEDS:
        fail(f"an app has at most {MAX_NEEDS} needs besides its greeting")


def start(service):
    """The call that connects, laid out as .clang-format says."""
    lines = [""]
    for word in START:
        word = word.replace("SERVICE", service)
        if lines[-1] and len(lines[-1].expandtabs(8)) + 1 + len(word) > 100:
            lines.append("\t" + " " * 27 + word)
        else:
            lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines) + "\n\tassert(err == 0);\n"


def main_c(name, needs):
    text = HEAD + (SERVICE_INCLUDES if needs else "")
    text += f"\nstruct {name}_app {{\n\tstruct loop loop;\n"
    for service in needs:
        text += f"\tstruct service_client {service}_client;\n\tstruct source {service};\n"
    text += f"}};\n\nstatic struct {name}_app app;\n"
    text += "".join(SERVICE.replace("SERVICE", service) for service in needs)
    text += f"\nstatic void {name}_main(const struct environ *env)\n{{\n\terror_t err = loop_init(&app.loop);\n\n\tassert(err == 0);\n"
    text += '\tlog_info("%s", environ_config(env, "greeting"));\n'
    text += "".join(map(start, needs))
    text += f"\tloop_run(&app.loop);\n}}\n\nAPP({name}, .main = {name}_main, .restart = RESTART_ON_FAULT,\n    .needs = {{\n"
    text += '\t    { .kind = NEED_CONFIG, .name = "greeting", .fallback = "good morning" },\n'
    text += "".join(f'\t    {{ .kind = NEED_SERVICE, .name = "{service}" }},\n' for service in needs)
    return text.replace("NAME:", f"{name}:", 1) + "    });\n"


def main():
    name, needs = (sys.argv[1:2] or [""])[0].strip(), list(dict.fromkeys(sys.argv[2:]))
    provided = providers()
    check_name(name)
    check_needs(needs, provided)
    folder = ROOT / "apps" / name
    folder.mkdir()
    (folder / "main.c").write_text(main_c(name, needs), encoding="utf-8")
    apps = " ".join([name, *all_providers(needs, provided)])
    print(f'made apps/{name}/main.c; to run it: APPS="{apps}" ./run.sh')


if __name__ == "__main__":
    main()
