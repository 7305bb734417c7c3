// SPDX-License-Identifier: MIT
#include "apps/hostfs/hostfs.h"
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static struct hostfs hostfs;

static void hostfs_main(const struct environ *env)
{
	error_t err = loop_init(&hostfs.loop);

	hostfs.console = environ_connector(env, "console");
	hostfs.blkdev = environ_connector(env, "blkdev");
	list_init(&hostfs.sessions);
	if (err == 0)
		err = clients_init(&hostfs, environ_service(env, "files"));
	if (err != 0) {
		log_error("cannot provide \"files\": %s", error_text(err));
		process_exit(1);
	}
	loop_run(&hostfs.loop);
}

APP(hostfs, .main = hostfs_main, .restart = RESTART_ON_FAULT, .provides = { "files" },
    .needs = { { .kind = NEED_SERVICE, .name = "console" }, { NEED_SERVICE, "blkdev", NULL, 1 } });
