// SPDX-License-Identifier: MIT
//
// Blocks. A group's free run is good when it is as long as what is asked for; when no group has
// one, the longest of the first group that has any is taken.
#include "libs/ext4/allocator.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/bitmap.h"
#include "libs/ext4/group.h"
#include "libs/ext4/internal.h"

// Groups of which the bitmap is looked at for a long run.
#define MAX_LOOKED_AT 8u
// Groups whose free blocks all are held, after which a commit is waited for.
#define MAX_HELD 64u

struct search {
	struct update *u;
	uint32_t want;
	uint64_t block;  // the longest run so far
	uint32_t count;
	bool met_held;  // there are blocks that are free once a transaction is on the disk
};

// How many of `count` blocks from `block` on nobody has been promised; 0: skip *skip blocks.
static uint32_t without_reserved(const struct ext4 *fs, uint64_t block, uint32_t count,
                                 uint32_t *skip)
{
	*skip = 1;
	list_for_each(e, &fs->super.reservations) {
		const struct ext4_reservation *r = container_of(e, struct ext4_reservation, entry);

		if (block >= r->block && block < r->block + r->count) {
			*skip = (uint32_t)(r->block + r->count - block);
			return 0;
		}
		if (block < r->block && block + count > r->block)
			count = (uint32_t)(r->block - block);
	}
	return count;
}

// Whether a block may not be written yet. What this update has freed itself is not waited for.
static bool is_held(struct search *s, uint64_t block)
{
	if (update_frees(s->u, block))
		return true;
	if (!update_is_held(s->u->fs, block))
		return false;
	s->met_held = true;
	return true;
}

// Offers blocks that the bitmap says are free. True: it is as long as wanted.
static bool offer(struct search *s, uint64_t block, uint32_t count)
{
	while (count > 0) {
		uint32_t skip;
		uint32_t n = without_reserved(s->u->fs, block, count, &skip);
		uint32_t usable = 0;

		if (n > s->want)
			n = s->want;
		while (usable < n && !is_held(s, block + usable))
			usable++;
		if (usable > s->count) {
			s->block = block;
			s->count = usable;
		}
		if (s->count == s->want)
			return true;
		if (n > 0)
			skip = usable + (usable < n);
		if (skip >= count)
			return false;
		block += skip;
		count -= skip;
	}
	return false;
}

// Remembers the longest run of a group, unless the update may be dropped, and its bitmap with it.
static void note_longest(struct search *s, const struct group *g, uint32_t longest)
{
	if (!update_changes(s->u, group_block_bitmap(g)))
		s->u->fs->super.longest[g->number] = longest;
}

static int search_group(struct search *s, uint32_t number, uint32_t from)
{
	struct ext4 *fs = s->u->fs;
	uint64_t first = group_first_block(fs, number);
	uint32_t num_blocks = group_num_blocks(fs, number);
	uint32_t longest = 0, end;
	const uint8_t *bitmap;
	struct group g;
	int status = group_load(s->u, number, &g);

	if (status == 0 && group_free_blocks(&g) == 0)
		note_longest(s, &g, 0);
	if (status != 0 || group_free_blocks(&g) == 0)
		return status;
	status = group_read_blocks(s->u, &g, fs->super.scratch, &bitmap);
	if (status != 0)
		return status;
	for (uint32_t at = bit_find(bitmap, from, num_blocks, false); at < num_blocks;
	     at = bit_find(bitmap, end, num_blocks, false)) {
		end = bit_find(bitmap, at, num_blocks, true);
		longest = end - at > longest ? end - at : longest;
		if (offer(s, first + at, end - at))
			return 0;
	}
	if (from == 0)
		note_longest(s, &g, longest);
	return 0;
}

static int search_all(struct search *s, uint32_t begin, bool long_only)
{
	const struct super *super = &s->u->fs->super;
	uint32_t looked_at = 0, held = 0;
	int status = 0;

	for (uint32_t i = 0; status == 0 && i < super->num_groups; i++) {
		uint32_t number = (begin + i) % super->num_groups;

		if (super->longest[number] < (long_only ? s->want : 1))
			continue;
		if (long_only && looked_at++ == MAX_LOOKED_AT)
			return 0;
		status = search_group(s, number, 0);
		if (s->count == s->want || (s->count > 0 && !long_only))
			return status;
		held += s->met_held;
		if (!long_only && held == MAX_HELD)
			return status;
	}
	return status;
}

int blocks_find(struct update *u, uint64_t goal, uint32_t want, uint64_t *block, uint32_t *count)
{
	struct search s = { .u = u, .want = want };
	uint32_t group;
	int status;

	if (goal >= u->fs->num_blocks)
		goal = 0;
	group = (uint32_t)(goal / u->fs->super.blocks_per_group);
	status = search_group(&s, group, (uint32_t)(goal % u->fs->super.blocks_per_group));
	if (status == 0 && s.count < want && s.block != goal)
		status = search_all(&s, group, true);
	if (status == 0 && s.count == 0)
		status = search_all(&s, group, false);
	if (status != 0)
		return status;
	*block = s.block;
	*count = s.count;
	if (s.count > 0)
		return 0;
	return s.met_held && update_wait_for_commit(u) ? UPDATE_WAIT : -LINUX_ENOSPC;
}

// Sets or clears the bits of blocks of one group, which have the other value.
static int change(struct update *u, uint32_t number, uint32_t bit, uint32_t count, bool take)
{
	uint32_t free_blocks;
	uint8_t *bitmap;
	struct group g;
	int status = group_load(u, number, &g);

	if (status == 0)
		status = group_write_blocks(u, &g, &bitmap);
	if (status != 0)
		return status;
	free_blocks = group_free_blocks(&g);
	if (bit_find(bitmap, bit, bit + count, take) != bit + count ||
	    (take && free_blocks < count) ||
	    (!take && free_blocks + count > group_num_blocks(u->fs, number)))
		return damaged(u->fs, "the bitmap of blocks of group %u is not sound", number);
	bits_set(bitmap, bit, count, take);
	group_set_free_blocks(&g, take ? free_blocks - count : free_blocks + count);
	group_set_blocks_checksum(u->fs, &g, bitmap);
	if (!take)
		u->fs->super.longest[number] = UINT32_MAX;
	return group_store(u, &g);
}

static int change_all(struct update *u, uint64_t block, uint32_t count, bool take)
{
	uint32_t per_group = u->fs->super.blocks_per_group;
	int status = 0;

	u->free_blocks += take ? -(int64_t)count : (int64_t)count;
	while (status == 0 && count > 0) {
		uint32_t bit = (uint32_t)(block % per_group);
		uint32_t n = count < per_group - bit ? count : per_group - bit;

		status = change(u, (uint32_t)(block / per_group), bit, n, take);
		block += n;
		count -= n;
	}
	return status;
}

int blocks_take(struct update *u, uint64_t block, uint32_t count)
{
	if (!super_is_files(u->fs, block, count))
		return damaged(u->fs, "block %llu is not free", (unsigned long long)block);
	return change_all(u, block, count, true);
}

int blocks_take_one(struct update *u, uint64_t goal, uint64_t *block)
{
	uint32_t count;
	int status = blocks_find(u, goal, 1, block, &count);

	return status != 0 ? status : blocks_take(u, *block, 1);
}

int blocks_free(struct update *u, uint64_t block, uint32_t count, bool metadata)
{
	int status;

	if (!super_is_files(u->fs, block, count))
		return damaged(u->fs, "block %llu is not a file's", (unsigned long long)block);
	status = change_all(u, block, count, false);
	return status != 0 ? status : update_free(u, block, count, metadata);
}
