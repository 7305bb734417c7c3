// SPDX-License-Identifier: MIT
//
// What the boot disk has for this app: the list of images that the host has packed (images.json).
#include "apps/images/images.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void open_boot_disk(struct images *images);

static void host_known(struct images *images)
{
	images->knows_host = true;
	images_begin(images);
}

static void index_read(void *context, error_t status)
{
	struct images *images = context;
	struct span text = { .data = images->index_data, .len = (size_t)images->boot.images.size };
	error_t err = status;

	if (!images->disk.ready)
		return;  // disk_has_failed comes
	if (err == 0)
		err = catalog_add_host(images, text);
	heap_free(images->index_data);
	images->index_data = NULL;
	if (err < 0)
		log_error("the list of images (images.json) on the boot disk cannot be used (%s)",
		          error_text(err));
	host_known(images);
}

// Without the app of virtual machines run.sh serves no engine, and nothing is to be kept.
static void leave_without_engine(const char *why)
{
	log_debug("run.sh serves no engine (%s)", why);
	process_exit(0);
}

static void directory_read(void *context, const char *error)
{
	struct images *images = context;
	error_t err;

	if (!images->disk.ready)
		return;  // disk_has_failed comes
	if (error != NULL || images->boot.vmm.size == 0)
		leave_without_engine(error != NULL ? error : "no vmm.app on the boot disk");
	err = boot_disk_read_file(&images->boot, &images->boot.images, IMAGE_INDEX_MAX_BYTES,
	                          &images->index_data, index_read, images);
	if (err < 0)
		host_known(images);
}

static void disk_is_ready(void *context)
{
	struct images *images = context;

	if (!images->knows_host)
		boot_disk_read(&images->boot, &images->disk, directory_read, images);
}

static void disk_has_failed(void *context, error_t error)
{
	struct images *images = context;

	heap_free(images->index_data);
	images->index_data = NULL;
	if (error == ERR_PEER_CLOSED && !images->knows_host)
		open_boot_disk(images);
}

static const struct disk_ops disk_callbacks = { .ready = disk_is_ready, .failed = disk_has_failed };

static void boot_disk_opened(struct opener *opener, handle_t channel, error_t error,
                             const char *text)
{
	struct images *images = opener->context;

	if (channel != HANDLE_NONE &&
	    disk_init(&images->disk, &images->loop, channel, &disk_callbacks, images) == 0)
		return;
	if (channel != HANDLE_NONE)
		handle_close(channel);
	(void)error;
	leave_without_engine(text);
}

static void open_boot_disk(struct images *images)
{
	opener_start(&images->opener, &images->loop, environ_connector(images->env, "blkdev"),
	             "blk:boot", boot_disk_opened, images);
}

void boot_start(struct images *images)
{
	if (environ_connector(images->env, "blkdev") != HANDLE_NONE)
		open_boot_disk(images);
	else
		leave_without_engine("no disks");
}
