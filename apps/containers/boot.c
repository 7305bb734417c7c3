// SPDX-License-Identifier: MIT
//
// What the boot disk has for this app: the app of virtual machines (vmm.app), which goes to the app
// manager.
#include "apps/containers/containers.h"
#include "libs/abi/apps.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define APP_MAX_BYTES (4u * 1024 * 1024)

static void open_boot_disk(struct containers *all);

static void app_read(void *context, error_t status)
{
	struct containers *all = context;
	size_t size = (size_t)all->boot.vmm.size;

	if (!all->disk.ready)
		return;  // disk_has_failed comes
	if (status == 0)
		status = payload_copy(all->app_data, size, &all->app_file);
	heap_free(all->app_data);
	all->app_data = NULL;
	all->app_size = size;
	if (status < 0)
		log_error("the app of virtual machines cannot be read (%s)", error_text(status));
	else
		vmms_load(all);
}

static void read_app(struct containers *all)
{
	error_t err = boot_disk_read_file(&all->boot, &all->boot.vmm, APP_MAX_BYTES, &all->app_data,
	                                  app_read, all);

	if (err < 0)
		log_error("vmm.app on the boot disk cannot be read (%s)", error_text(err));
}

// Only then processes from before a restart of this app are known.
static void records_known(struct containers *all)
{
	error_t err;

	if (all->knows_records)
		return;
	all->knows_records = true;
	store_read(all);
	names_changed(all);
	if (!all->lacks_records) {
		layers_sweep(all);
		logs_sweep(all);
	}
	err = vmms_listen(all);
	if (err == 0)
		err = grants_listen(all);
	assert(err == 0);
}

// Without the app of virtual machines run.sh serves no engine, and nothing is to be kept.
static void leave_without_engine(const char *why)
{
	log_debug("run.sh serves no engine (%s)", why);
	process_exit(0);
}

static void directory_read(void *context, const char *error)
{
	struct containers *all = context;

	if (!all->disk.ready)
		return;  // disk_has_failed comes
	if (error != NULL || all->boot.vmm.size == 0)
		leave_without_engine(error != NULL ? error : "no vmm.app on the boot disk");
	all->guest_sector = all->boot.kernel.offset / BLKDEV_SECTOR_SIZE - 1;
	records_known(all);
	images_follow(all);
	read_app(all);
}

static void disk_is_ready(void *context)
{
	struct containers *all = context;

	if (all->app_size == 0)
		boot_disk_read(&all->boot, &all->disk, directory_read, all);
}

static void disk_has_failed(void *context, error_t error)
{
	struct containers *all = context;

	heap_free(all->app_data);
	all->app_data = NULL;
	if (error == ERR_PEER_CLOSED && all->app_size == 0)
		open_boot_disk(all);
}

static const struct disk_ops disk_callbacks = { .ready = disk_is_ready, .failed = disk_has_failed };

static void boot_disk_opened(struct opener *opener, handle_t channel, error_t error,
                             const char *text)
{
	struct containers *all = opener->context;

	if (channel != HANDLE_NONE &&
	    disk_init(&all->disk, &all->loop, channel, &disk_callbacks, all) == 0)
		return;
	if (channel != HANDLE_NONE)
		handle_close(channel);
	(void)error;
	leave_without_engine(text);
}

static void open_boot_disk(struct containers *all)
{
	opener_start(&all->opener, &all->loop, environ_connector(all->env, "blkdev"), "blk:boot",
	             boot_disk_opened, all);
}

void boot_start(struct containers *all)
{
	if (environ_connector(all->env, "blkdev") != HANDLE_NONE)
		open_boot_disk(all);
	else
		leave_without_engine("no disks");
}
