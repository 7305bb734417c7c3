// SPDX-License-Identifier: MIT
#include "libs/ext4/orphan.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/inode.h"
#include "libs/ext4/internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// --- In memory -----------------------------------------------------------------------------------

// Where the number is, or the free place that it would get. There is always one.
static struct orphan *place_of(const struct orphans *orphans, uint32_t number)
{
	uint32_t mask = orphans->num_places - 1;
	uint32_t at = (uint32_t)(number * 0x9e3779b1u >> 7) & mask;

	while (orphans->places[at].number != 0 && orphans->places[at].number != number)
		at = (at + 1) & mask;
	return &orphans->places[at];
}

static struct orphan *find(const struct orphans *orphans, uint32_t number)
{
	struct orphan *o = orphans->num_places == 0 ? NULL : place_of(orphans, number);

	return o == NULL || o->number == 0 ? NULL : o;
}

// Makes room for one more, so that the commit cannot fail.
static int reserve(struct orphans *orphans)
{
	struct orphans more = { .num_places = orphans->num_places == 0 ? 64
		                                                       : orphans->num_places * 2,
		                .count = orphans->count };

	if (orphans->count == EXT4_MAX_ORPHANS)
		return -LINUX_ENOSPC;
	if (orphans->count < orphans->num_places / 2)
		return 0;
	more.places = heap_alloc(more.num_places * sizeof(more.places[0]));
	if (more.places == NULL)
		return -LINUX_ENOMEM;
	memset(more.places, 0, more.num_places * sizeof(more.places[0]));
	for (uint32_t i = 0; i < orphans->num_places; i++)
		if (orphans->places[i].number != 0)
			*place_of(&more, orphans->places[i].number) = orphans->places[i];
	heap_free(orphans->places);
	*orphans = more;
	return 0;
}

// Frees a place. Those behind it that would not be found any more move up.
static void take_out(struct orphans *orphans, struct orphan *o)
{
	uint32_t mask = orphans->num_places - 1;
	uint32_t at = (uint32_t)(o - orphans->places);

	o->number = 0;
	orphans->count--;
	for (at = (at + 1) & mask; orphans->places[at].number != 0; at = (at + 1) & mask) {
		struct orphan moved = orphans->places[at];

		orphans->places[at].number = 0;
		*place_of(orphans, moved.number) = moved;
	}
}

static void set_before(struct orphans *orphans, uint32_t number, uint32_t before)
{
	struct orphan *o = find(orphans, number);

	if (o != NULL)
		o->before = before;
}

void orphans_commit(struct ext4 *fs, const struct update *u)
{
	struct orphans *orphans = &fs->super.orphans;
	const struct update_orphan *change = &u->orphan;
	struct orphan *o;

	if (change->number == 0)
		return;
	if (change->is_new) {
		set_before(orphans, change->next, change->number);
		*place_of(orphans, change->number) =
			(struct orphan){ .number = change->number,
			                 .generation = change->generation,
			                 .named = change->named };
		orphans->count++;
		return;
	}
	o = find(orphans, change->number);
	set_before(orphans, change->next, o->before);
	take_out(orphans, o);
}

void orphans_deinit(struct ext4 *fs)
{
	heap_free(fs->super.orphans.places);
}

bool orphan_has(const struct ext4 *fs, const struct inode *inode)
{
	return find(&fs->super.orphans, inode->number) != NULL;
}

void ext4_orphans(const struct ext4 *fs,
                  void (*found)(void *context, struct ext4_node node, bool named), void *context)
{
	const struct orphans *orphans = &fs->super.orphans;

	for (uint32_t i = 0; i < orphans->num_places; i++) {
		const struct orphan *o = &orphans->places[i];

		if (o->number != 0)
			found(context, (struct ext4_node){ o->number, o->generation }, o->named);
	}
}

// --- On the disk ---------------------------------------------------------------------------------

static int first_orphan(struct update *u, uint32_t *out)
{
	const uint8_t *bytes;
	int status = update_read(u, 0, &bytes);

	if (status == 0)
		*out = ((const struct disk_super *)(const void *)(bytes + SUPER_OFFSET))
			       ->last_orphan;
	return status;
}

static int set_first(struct update *u, uint32_t number)
{
	struct disk_super *super;
	int status = super_write(u, &super);

	if (status != 0)
		return status;
	super->last_orphan = number;
	super_store(super);
	return 0;
}

int orphan_add(struct update *u, struct inode *inode)
{
	int status;

	assert(u->orphan.number == 0);
	if (orphan_has(u->fs, inode))
		return 0;
	status = reserve(&u->fs->super.orphans);
	if (status == 0)
		status = first_orphan(u, &inode->raw.dtime);
	if (status != 0)
		return status;
	u->orphan = (struct update_orphan){ .number = inode->number,
		                            .next = inode->raw.dtime,
		                            .generation = inode->raw.generation,
		                            .named = inode->raw.links > 0,
		                            .is_new = true };
	return set_first(u, inode->number);
}

int orphan_remove(struct update *u, struct inode *inode)
{
	const struct orphan *o = find(&u->fs->super.orphans, inode->number);
	struct inode before;
	int status;

	assert(u->orphan.number == 0);
	if (o == NULL)
		return damaged(u->fs, "inode %u is not on the list of orphans", inode->number);
	u->orphan = (struct update_orphan){ .number = inode->number, .next = inode->raw.dtime };
	if (o->before == 0) {
		status = set_first(u, inode->raw.dtime);
	} else {
		status = inode_load_raw(u, o->before, &before);
		if (status == 0 && before.raw.dtime != inode->number)
			status = damaged(u->fs, "the list of orphans is not sound");
		before.raw.dtime = inode->raw.dtime;
		if (status == 0)
			status = inode_store(u, &before);
	}
	inode->raw.dtime = 0;
	return status;
}

// Adds an inode that the disk says is an orphan, and gives the next one.
static int load_one(struct ext4 *fs, uint32_t number, uint32_t before, uint32_t *next)
{
	struct orphans *orphans = &fs->super.orphans;
	struct inode inode;
	struct update u;
	int status;

	if (number < fs->super.first_inode || number > fs->super.num_inodes ||
	    find(orphans, number) != NULL || orphans->count == EXT4_MAX_ORPHANS)
		return damaged(fs, "the list of orphans is not sound");
	do {
		status = update_begin(&u, fs, 0);
		if (status == 0)
			status = inode_load_raw(&u, number, &inode);
		update_drop(&u);
		if (status == UPDATE_WAIT)
			fs->device->wait(fs->device);
	} while (status == UPDATE_WAIT);
	if (status == 0)
		status = reserve(orphans);
	if (status != 0)
		return status;
	*place_of(orphans, number) = (struct orphan){ .number = number,
		                                      .before = before,
		                                      .generation = inode.raw.generation,
		                                      .named = inode.raw.links > 0 };
	orphans->count++;
	*next = inode.raw.dtime;
	return 0;
}

int orphans_load(struct ext4 *fs)
{
	uint32_t number = 0, before = 0, next = 0;
	struct update u;
	int status;

	while ((status = update_begin(&u, fs, 0)) == 0) {
		status = first_orphan(&u, &number);
		update_drop(&u);
		if (status != UPDATE_WAIT)
			break;
		fs->device->wait(fs->device);
	}
	for (; status == 0 && number != 0; before = number, number = next)
		status = load_one(fs, number, before, &next);
	return status == -LINUX_EUCLEAN ? 0 : status;
}
