// SPDX-License-Identifier: MIT
//
// Reads the descriptors of all groups at the mount: which blocks are the file system's own, and how
// many blocks and inodes are free.
#include "libs/abi/linux_error.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/ext4/group.h"
#include "libs/ext4/internal.h"
#include "libs/starina/alloc.h"

// Of a group there may be three zones; the last zone of each kind grows while groups follow.
enum zone_kind { ZONE_SUPER, ZONE_BLOCK_BITMAP, ZONE_INODE_BITMAP, ZONE_TABLE, NUM_ZONE_KINDS };

struct loading {
	struct ext4 *fs;
	uint32_t last[NUM_ZONE_KINDS];  // the zone's index + 1
};

static int grow_zones(struct super *super)
{
	uint32_t max = super->max_zones == 0 ? 64 : super->max_zones * 2;
	struct zone *zones = heap_alloc(max * sizeof(*zones));

	if (zones == NULL)
		return -LINUX_ENOMEM;
	if (super->num_zones > 0)
		memcpy(zones, super->zones, super->num_zones * sizeof(*zones));
	heap_free(super->zones);
	super->zones = zones;
	super->max_zones = max;
	return 0;
}

static int add_zone(struct loading *l, enum zone_kind kind, uint64_t block, uint64_t count)
{
	struct super *super = &l->fs->super;
	int status;

	if (count == 0)
		return 0;
	if (block + count > l->fs->num_blocks || block + count < block)
		return -LINUX_EUCLEAN;
	if (l->last[kind] > 0 && super->zones[l->last[kind] - 1].end == block) {
		super->zones[l->last[kind] - 1].end += count;
		return 0;
	}
	if (super->num_zones == super->max_zones) {
		status = grow_zones(super);
		if (status != 0)
			return status;
	}
	super->zones[super->num_zones++] = (struct zone){ block, block + count };
	l->last[kind] = super->num_zones;
	return 0;
}

static bool is_power(uint32_t number, uint32_t base)
{
	while (number % base == 0)
		number /= base;
	return number == 1;
}

static bool has_super(const struct super *super, uint32_t group)
{
	return !super->sparse_super || group <= 1 || is_power(group, 3) || is_power(group, 5) ||
		is_power(group, 7);
}

static uint32_t group_descriptor_blocks(const struct super *super)
{
	return (super->num_groups + GROUPS_PER_BLOCK - 1) / GROUPS_PER_BLOCK;
}

static int load_group(struct loading *l, struct update *u, uint32_t number)
{
	struct super *super = &l->fs->super;
	struct group g;
	int status = group_load(u, number, &g);

	if (status != 0)
		return status;
	if (has_super(super, number))
		status = add_zone(l, ZONE_SUPER, group_first_block(l->fs, number),
		                  1 + group_descriptor_blocks(super) + super->reserved_gdt_blocks);
	if (status == 0)
		status = add_zone(l, ZONE_BLOCK_BITMAP, group_block_bitmap(&g), 1);
	if (status == 0)
		status = add_zone(l, ZONE_INODE_BITMAP, group_inode_bitmap(&g), 1);
	if (status == 0)
		status = add_zone(l, ZONE_TABLE, group_inode_table(&g),
		                  (super->inodes_per_group + INODES_PER_BLOCK - 1) /
		                          INODES_PER_BLOCK);
	super->free_blocks += group_free_blocks(&g);
	super->free_inodes += group_free_inodes(&g);
	super->longest[number] = UINT32_MAX;
	return status;
}

// Sorts by halving distances (Shell): what is there is nearly in order.
static void sort_zones(struct super *super)
{
	for (uint32_t gap = super->num_zones / 2; gap > 0; gap /= 2) {
		for (uint32_t i = gap; i < super->num_zones; i++) {
			struct zone zone = super->zones[i];
			uint32_t at = i;

			for (; at >= gap && super->zones[at - gap].begin > zone.begin; at -= gap)
				super->zones[at] = super->zones[at - gap];
			super->zones[at] = zone;
		}
	}
}

static bool zones_overlap(const struct super *super)
{
	for (uint32_t i = 1; i < super->num_zones; i++)
		if (super->zones[i].begin < super->zones[i - 1].end)
			return true;
	return false;
}

static int load_block_of_groups(struct loading *l, uint32_t first)
{
	struct ext4 *fs = l->fs;
	struct update u;
	const uint8_t *bytes;
	int status = update_begin(&u, fs, 0);

	if (status != 0)
		return status;
	while ((status = update_read(&u, 1 + first / GROUPS_PER_BLOCK, &bytes)) == UPDATE_WAIT)
		fs->device->wait(fs->device);
	for (uint32_t n = first; status == 0 && n < fs->super.num_groups; n++) {
		if (n / GROUPS_PER_BLOCK != first / GROUPS_PER_BLOCK)
			break;
		status = load_group(l, &u, n);
	}
	update_drop(&u);
	return status;
}

int super_load_groups(struct ext4 *fs, char *why, size_t why_size)
{
	struct super *super = &fs->super;
	struct loading l = { .fs = fs };
	int status = 0;

	list_init(&super->reservations);
	super->scratch = heap_alloc(SCRATCH_SIZE);
	super->longest = heap_alloc(super->num_groups * sizeof(super->longest[0]));
	if (super->scratch == NULL || super->longest == NULL) {
		str_copy(why, "there is no memory for it", why_size);
		return -LINUX_ENOMEM;
	}
	for (uint32_t n = 0; status == 0 && n < super->num_groups; n += GROUPS_PER_BLOCK)
		status = load_block_of_groups(&l, n);
	l.last[ZONE_SUPER] = 0;
	for (uint32_t i = 0; status == 0 && i < fs->journal.log.num_runs; i++)
		status = add_zone(&l, ZONE_SUPER, fs->journal.log.runs[i].disk,
		                  fs->journal.log.runs[i].count);
	if (status == 0) {
		sort_zones(super);
		status = zones_overlap(super) ? -LINUX_EUCLEAN : 0;
	}
	if (status != 0)
		str_copy(why,
		         status == -LINUX_EUCLEAN
		                 ? "its groups' descriptors are damaged: run e2fsck"
		                 : "its groups' descriptors cannot be read",
		         why_size);
	return status;
}

void super_deinit(struct ext4 *fs)
{
	heap_free(fs->super.zones);
	heap_free(fs->super.longest);
	heap_free(fs->super.scratch);
}

uint32_t super_zone_at(const struct ext4 *fs, uint64_t block)
{
	uint32_t low = 0, high = fs->super.num_zones;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (fs->super.zones[middle].end > block)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool super_is_files(const struct ext4 *fs, uint64_t block, uint32_t count)
{
	uint32_t at;

	if (block == 0 || count == 0 || block >= fs->num_blocks || count > fs->num_blocks - block)
		return false;
	at = super_zone_at(fs, block);
	return at == fs->super.num_zones || fs->super.zones[at].begin >= block + count;
}
