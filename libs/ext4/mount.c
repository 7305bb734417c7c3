// SPDX-License-Identifier: MIT
#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/blocking.h"
#include "libs/ext4/internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

int mount_load_super(struct ext4 *fs, char *why, size_t why_size)
{
	struct cached *first;
	int status;

	while ((status = cache_read(&fs->cache, 0, &first)) == UPDATE_WAIT)
		fs->device->wait(fs->device);
	if (status != 0) {
		str_copy(why, "its first block cannot be read", why_size);
		return status;
	}
	return super_load(fs, first->current->bytes, why, why_size);
}

static void wait_for_reads(struct ext4 *fs)
{
	while (fs->cache.num_reading > 0)
		fs->device->wait(fs->device);
}

static void destroy(struct ext4 *fs)
{
	orphans_deinit(fs);
	super_deinit(fs);
	journal_deinit(fs);
	cache_deinit(&fs->cache);
	heap_free(fs);
}

int ext4_mount(const struct ext4_options *options, struct ext4 **out, char *why, size_t why_size)
{
	struct ext4 *fs = heap_alloc(sizeof(*fs));
	int status;

	assert(options->cache_blocks >= EXT4_CACHE_MIN);
	str_copy(why, "there is no memory for it", why_size);
	if (fs == NULL)
		return -LINUX_ENOMEM;
	memset(fs, 0, sizeof(*fs));
	fs->device = options->device;
	fs->read_only = options->read_only || options->device->read_only;
	status = journal_init(fs);
	if (status == 0)
		status = cache_init(&fs->cache, options);
	if (status == 0)
		status = mount_load_super(fs, why, why_size);
	if (status == 0)
		status = journal_open(fs, options, why, why_size);
	if (status == 0)
		status = super_load_groups(fs, why, why_size);
	if (status == 0 && (status = orphans_load(fs)) != 0)
		str_copy(why, "its orphans cannot be read", why_size);
	if (status == 0 && fs->super.orphans.count > 0 && (status = ext4_begin(fs)) != 0)
		str_copy(why, "its journal cannot be written", why_size);
	if (status != 0) {
		wait_for_reads(fs);
		destroy(fs);
		return status;
	}
	fs->cache.context = options->context;
	fs->cache.resume = options->resume;
	*out = fs;
	return 0;
}

int ext4_unmount(struct ext4 *fs)
{
	int status;

	assert(fs->num_updates == 0);
	fs->cache.resume = NULL;
	wait_for_reads(fs);
	status = journal_close(fs);
	destroy(fs);
	return status;
}

void ext4_set_time(struct ext4 *fs, struct ext4_time now)
{
	fs->now = now;
}
