// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/journal.h"

#include "libs/abi/linux_error.h"
#include "libs/ext4/blocking.h"
#include "libs/ext4/internal.h"

int journal_init(struct ext4 *fs)
{
	fs->journal.running = transaction_create(1);
	return fs->journal.running == NULL ? -LINUX_ENOMEM : 0;
}

void journal_deinit(struct ext4 *fs)
{
	transaction_destroy(fs->journal.running);
	fs->journal.running = NULL;
}

int journal_reserve(struct ext4 *fs, uint32_t credits)
{
	(void)fs;
	(void)credits;
	return 0;
}

static void forget_freed(struct ext4 *fs, const struct update_freed *freed)
{
	for (uint32_t i = 0; freed->metadata && i < freed->count; i++) {
		struct cached *entry = cache_find(&fs->cache, freed->block + i);

		if (entry == NULL || entry->current == NULL)
			continue;
		if (entry->current->transaction == fs->journal.running)
			transaction_forget(entry->current);
		cache_set_current(entry, NULL);
	}
}

void journal_take(struct ext4 *fs, struct update *update)
{
	struct transaction *t = fs->journal.running;

	fs->journal.last_update++;
	t->last_update = fs->journal.last_update;
	for (uint32_t i = 0; i < update->num_blocks; i++)
		transaction_add(t, update->blocks[i].entry, update->blocks[i].copy);
	for (uint32_t i = 0; i < update->num_freed; i++) {
		transaction_add_freed(t, &update->freed[i]);
		forget_freed(fs, &update->freed[i]);
	}
}

bool journal_is_held(const struct journal *journal, uint64_t block)
{
	return held_has(&journal->running->held, block);
}

int journal_close(struct ext4 *fs)
{
	int error = 0;

	list_for_each(pos, &fs->journal.running->versions) {
		struct version *v = container_of(pos, struct version, entry);
		int status = device_write(fs->device, v->block, 1, v->bytes);

		if (error == 0)
			error = status;
	}
	return error != 0 ? error : device_flush(fs->device);
}
