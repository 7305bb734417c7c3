// SPDX-License-Identifier: MIT
//
// Which containers there are, what they are to be, and what becomes of them. Each runs in a process
// of its own, with a virtual machine (apps/vmm), which this app has started.
#include "apps/containers/containers.h"
#include "libs/abi/app.h"
#include "libs/abi/folio.h"
#include "libs/files/files.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static struct containers containers_state;

// Kept memory tells a restart of this app from one of the machine.
static bool was_restarted(const struct environ *env)
{
	bool *mark;
	void *base;
	bool restarted;
	error_t err = folio_map(environ_kept(env, "running"), PROT_READ | PROT_WRITE, &base);

	assert(err == 0);
	mark = base;
	restarted = *mark;
	*mark = true;
	return restarted;
}

static void containers_main(const struct environ *env)
{
	struct containers *all = &containers_state;
	struct system_info info;
	error_t err;

	all->env = env;
	all->app_file = HANDLE_NONE;
	list_init(&all->containers);
	networks_init(all);
	list_init(&all->jobs);
	list_init(&all->creations);
	list_init(&all->grants);
	list_init(&all->commits);
	list_init(&all->exports);
	list_init(&all->stats_readers);
	events_init(&all->events);
	layers_init(all);
	volume_sizes_init(all);
	logs_init(all);
	if (environ_config_u64(env, "pool", &all->pool_size) < 0 || all->pool_size > 16) {
		log_error("containers.pool is the number of virtual machines that wait, 0 to 16");
		process_exit(1);
	}
	all->restarted = was_restarted(env);
	err = system_info(environ_system(env), &info);
	assert(err == 0);
	all->has_hypervisor = info.has_hypervisor != 0;
	all->hart_features = info.hart_features;
	all->timebase_hz = info.timebase_hz;
	err = loop_init(&all->loop);
	if (err == 0)
		err = vmms_init(all);
	if (err == 0)
		err = volumes_init(all);
	if (err == 0)
		err = shutdown_init(all);
	if (err == 0)
		err = names_init(all);
	assert(err == 0);
	boot_start(all);
	loop_run(&all->loop);
}

APP(containers, .main = containers_main, .restart = RESTART_ON_FAULT,
    .memory_limit = 32ul * 1024 * 1024, .handle_limit = 8192,
    .needs = {
	    { NEED_SERVICE, "apps", NULL, 0 },
	    { NEED_SERVICE, "blkdev", NULL, 1 },
	    { NEED_SERVICE, "host", NULL, 1 },
	    { NEED_SERVICE, "names", NULL, 1 },
	    { NEED_SERVICE, "images", NULL, 0 },
	    { NEED_SERVICE, "volumes", NULL, 1 },
	    FILES_OWN,
	    { NEED_SERVICE, "store", NULL, 1 },
	    { .kind = NEED_KEPT, .name = "running", .size = PAGE_SIZE },
	    { NEED_SYSTEM, "system", NULL, 0 },
	    { NEED_CONFIG, "pool", "1", 0 },
    },
    .provides = { "containers", "vmm", "grants" });
