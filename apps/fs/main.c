// SPDX-License-Identifier: MIT
#include "apps/fs/fs.h"
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static struct fs fs;

// Fewer nodes than there is memory for, for those who want to see what happens when there are no
// more.
static void limit_nodes(const struct environ *env)
{
	uint64_t nodes;

	if (environ_config_u64(env, "nodes", &nodes) == 0 && nodes < fs.max_refs)
		fs.max_refs = (uint32_t)nodes;
}

static void fs_main(const struct environ *env)
{
	error_t err = loop_init(&fs.loop);

	fs.blkdev = environ_connector(env, "blkdev");
	if (err == 0)
		err = fs_init(&fs, environ_kept(env, "redo"));
	limit_nodes(env);
	if (err == 0)
		err = clients_init(&fs, environ_service(env, "volumes"),
		                   environ_service(env, "own"), environ_service(env, "store"),
		                   environ_service(env, "unmount"));
	if (err != 0) {
		log_error("cannot provide \"volumes\": %s", error_text(err));
		process_exit(1);
	}
	// Sessions of an instance before will come back, and find what was answered.
	if (kept_awaited(&fs) > 0)
		fs_open(&fs);
	else
		fs_open_ahead(&fs);
	loop_run(&fs.loop);
}

APP(fs, .main = fs_main, .restart = RESTART_ON_FAULT,
    .memory_limit = 64ul * 1024 * 1024 + (uint64_t)FS_MAX_REFS * FS_REF_BYTES +
            (uint64_t)EXT4_MAX_ORPHANS * EXT4_ORPHAN_BYTES,
    .provides = { "volumes", "own", "store", "unmount" },
    .needs = { { .kind = NEED_SERVICE, .name = "blkdev" },
               { .kind = NEED_KEPT, .name = "redo", .size = FS_KEPT_BYTES },
               { NEED_CONFIG, "nodes", "2M", 0 } });
