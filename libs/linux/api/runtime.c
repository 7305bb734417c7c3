// SPDX-License-Identifier: MIT

#include "libs/linux/runtime.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/api/runtime_internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void open_boot_disk(struct linux_runtime *runtime);

static void settle(struct linux_runtime *runtime, enum runtime_state state, const char *error)
{
	struct list *entry;

	runtime->state = state;
	runtime->supply.ready = state == RUNTIME_READY;
	if (error != NULL)
		str_copy(runtime->error, error, sizeof(runtime->error));
	while ((entry = list_pop_front(&runtime->waiting)) != NULL) {
		struct runtime_waiter *waiter = container_of(entry, struct runtime_waiter, entry);

		waiter->waits = false;
		waiter->settled(waiter->context);
	}
	runtime->pool.failed = false;
	pool_turn_later(&runtime->pool);
}

// All images, or, where the disk begins behind their list, the one for commands.
static const struct boot_file *index_file(const struct linux_runtime *runtime)
{
	return runtime->boot.images.size > 0 ? &runtime->boot.images : &runtime->boot.builtin;
}

static void index_read(void *context, error_t status)
{
	struct linux_runtime *runtime = context;
	struct span text = { .data = runtime->index_data,
		             .len = (size_t)index_file(runtime)->size };
	error_t err = status;

	if (!runtime->disk.ready)
		return;  // disk_has_failed comes
	// A second reading, after the disk's driver restarted, changes nothing.
	if (err == 0 && runtime->images.images == NULL)
		err = image_index_parse(&runtime->images, text);
	runtime->supply.builtin = image_index_find(&runtime->images, IMAGE_BUILTIN);
	heap_free(runtime->index_data);
	runtime->index_data = NULL;
	if (err < 0)
		settle(runtime, RUNTIME_FAILED,
		       "the list of images (images.json) on the boot disk cannot be used");
	else
		settle(runtime, RUNTIME_READY, NULL);
}

static void directory_read(void *context, const char *error)
{
	struct linux_runtime *runtime = context;
	error_t err;

	if (!runtime->disk.ready)
		return;  // disk_has_failed comes
	if (error != NULL) {
		settle(runtime, RUNTIME_FAILED, error);
		return;
	}
	runtime->supply.kernel = runtime->boot.kernel;
	runtime->supply.initramfs = runtime->boot.initramfs;
	err = boot_disk_read_file(&runtime->boot, index_file(runtime), IMAGE_INDEX_MAX_BYTES,
	                          &runtime->index_data, index_read, runtime);
	if (err < 0)
		settle(runtime, RUNTIME_FAILED,
		       "the boot disk has no list of images (images.json): boot it with run.sh");
}

static void disk_is_ready(void *context)
{
	struct linux_runtime *runtime = context;

	boot_disk_read(&runtime->boot, &runtime->disk, directory_read, runtime);
}

static void disk_has_failed(void *context, error_t error)
{
	struct linux_runtime *runtime = context;

	log_warn("the boot disk is gone (%s)", error_text(error));
	heap_free(runtime->index_data);
	runtime->index_data = NULL;
	// Its driver restarts: whoever comes meanwhile waits.
	if (error == ERR_PEER_CLOSED) {
		runtime->state = RUNTIME_LOADING;
		runtime->supply.ready = false;
		open_boot_disk(runtime);
	} else {
		settle(runtime, RUNTIME_FAILED, "the boot disk is gone");
	}
}

static const struct disk_ops disk_callbacks = { .ready = disk_is_ready, .failed = disk_has_failed };

static void boot_disk_opened(struct opener *opener, handle_t channel, error_t error,
                             const char *text)
{
	struct linux_runtime *runtime = opener->context;
	char reason[LINUX_ERROR_MAX];

	runtime->opening = false;
	if (channel != HANDLE_NONE &&
	    disk_init(&runtime->disk, runtime->supply.loop, channel, &disk_callbacks, runtime) == 0)
		return;
	if (channel != HANDLE_NONE)
		handle_close(channel);
	fmt_write(reason, sizeof(reason),
	          "there is no boot disk (a disk with serial \"boot\"): %s (%s)", text,
	          error_text(error));
	settle(runtime, RUNTIME_FAILED, reason);
}

static void open_boot_disk(struct linux_runtime *runtime)
{
	runtime->opening = true;
	opener_start(&runtime->opener, runtime->supply.loop, runtime->supply.blkdev, "blk:boot",
	             boot_disk_opened, runtime);
}

// HANDLE_NONE also for what the app does not declare: its containers then do without.
static handle_t connector_of(const struct environ *env, const char *service)
{
	return environ_declares(env, ENV_CONNECTOR, service) ? environ_connector(env, service)
							     : HANDLE_NONE;
}

error_t linux_runtime_open(struct loop *loop, const struct environ *env, struct linux_runtime **out)
{
	struct linux_runtime *runtime = heap_alloc(sizeof(*runtime));
	struct system_info info;
	error_t err;

	if (runtime == NULL)
		return ERR_NO_MEMORY;
	runtime->supply.loop = loop;
	runtime->supply.system = environ_declares(env, ENV_SYSTEM, NULL) ? environ_system(env)
									 : HANDLE_NONE;
	runtime->supply.blkdev = connector_of(env, "blkdev");
	runtime->supply.vmnet = connector_of(env, "vmnet");
	runtime->supply.files = connector_of(env, "files");
	runtime->supply.volumes = connector_of(env, "volumes");
	// Who may open few disks and volumes has them by another service (libs/abi/vmm.h).
	if (runtime->supply.blkdev == HANDLE_NONE)
		runtime->supply.blkdev = connector_of(env, "grants");
	if (runtime->supply.volumes == HANDLE_NONE)
		runtime->supply.volumes = connector_of(env, "grants");
	runtime->tcpip = connector_of(env, "tcpip");
	runtime->supply.boot_disk = &runtime->disk;
	list_init(&runtime->waiting);
	err = pool_init(&runtime->pool, &runtime->supply);
	if (err < 0) {
		heap_free(runtime);
		return err;
	}
	*out = runtime;
	if (runtime->supply.system != HANDLE_NONE &&
	    system_info(runtime->supply.system, &info) == 0) {
		runtime->supply.hart_features = info.hart_features;
		runtime->supply.timebase_hz = info.timebase_hz;
		if (info.has_hypervisor == 0) {
			settle(runtime, RUNTIME_FAILED,
			       "this machine has no hypervisor extension (H), so it cannot run Linux: "
			       "start QEMU with a CPU that has it (-cpu rv64,h=true)");
			return 0;
		}
	}
	open_boot_disk(runtime);
	return 0;
}

void linux_runtime_close(struct linux_runtime *runtime)
{
	assert(runtime->num_owned == 0);
	while (runtime->opening || runtime->num_tasks > 0)
		(void)loop_turn(runtime->supply.loop, NSEC_NEVER);
	pool_deinit(&runtime->pool);
	disk_deinit(&runtime->disk);
	heap_free(runtime->index_data);
	image_index_deinit(&runtime->images);
	heap_free(runtime);
}

void runtime_wait(struct linux_runtime *runtime, struct runtime_waiter *waiter)
{
	assert(runtime->state == RUNTIME_LOADING);
	list_push_back(&runtime->waiting, &waiter->entry);
	waiter->waits = true;
}

void runtime_wait_cancel(struct runtime_waiter *waiter)
{
	if (waiter->waits)
		list_remove(&waiter->entry);
	waiter->waits = false;
}

error_t linux_runtime_keep_warm(struct linux_runtime *runtime, uint64_t memory, uint32_t cpus,
                                uint32_t count)
{
	return pool_keep(&runtime->pool, memory, cpus, count);
}

error_t linux_runtime_wait_warm(struct linux_runtime *runtime, nsec_t deadline)
{
	while (!pool_is_full(&runtime->pool)) {
		error_t err;

		if (runtime->state == RUNTIME_FAILED || runtime->pool.failed)
			return ERR_IO;
		err = loop_turn(runtime->supply.loop, deadline);
		if (err < 0)
			return err;
	}
	return 0;
}

void linux_runtime_stats(const struct linux_runtime *runtime, struct linux_runtime_stats *out)
{
	*out = runtime->stats;
	out->vms_booted += runtime->pool.vms_booted;
	out->warm_starts = runtime->pool.vms_taken;
	out->warm = pool_num_ready(&runtime->pool);
}
