// SPDX-License-Identifier: MIT
//
// What lies where, in blocks: the superblock, the descriptors of groups, the bitmaps of blocks of
// those groups that have something and of the last one, the first group's bitmap of inodes, the
// root folder, lost+found, the journal's first block, and the first block of the first table of
// inodes. All this is written. Behind it, all zeroes: the rest of that table, the other bitmaps,
// the other tables, and the rest of the journal. No group has a backup.
#include "libs/ext4/make.h"

#include <stdbool.h>
#include <stddef.h>

#include "libs/base/string.h"
#include "libs/ext4/format.h"

#define GROUP_BLOCKS (8u * EXT4_BLOCK_SIZE)
#define GROUP_SIZE 32u  // of a descriptor
#define GROUP_INODES 16384u
#define INODES_PER_BLOCK (EXT4_BLOCK_SIZE / INODE_SIZE)
// Linux lays out the bitmaps of a whole flexible group when it first needs one of them, and puts
// new folders of the root into different ones.
#define FLEX_LOG 1
#define JOURNAL_MIN 1024u
#define JOURNAL_MAX 8192u
#define JOURNAL_INODE 8u
#define ROOT_INODE 2u
#define LOST_FOUND_INODE 11u
#define NEW_INODE_MIN_EXTRA 32u
#define SECTORS (EXT4_BLOCK_SIZE / 512)

// Features that only Linux is to know.
#define COMPAT_SPARSE_SUPER2 0x200u
#define RO_COMPAT_GDT_CSUM 0x10u
// Extended attributes and ACLs of users.
#define MOUNT_OPTIONS 0xcu
#define HASH_HALF_MD4 1u

#define MODE_FOLDER 0x4000u
#define MODE_FILE 0x8000u

// Of JBD2 (Linux: Documentation/filesystems/ext4/journal.rst); big-endian.
#define JOURNAL_MAGIC 0xc03b3998u
#define JOURNAL_SUPER_V2 4u

struct layout {
	uint32_t num_groups;
	uint32_t group_inodes;  // of each
	uint32_t table_blocks;  // of each
	uint32_t journal_blocks;
	uint32_t used;         // blocks, from the first on
	uint32_t used_groups;  // that these lie in
	uint32_t bitmaps;      // of blocks that are written: of those groups, and of the last one
	// Where it is.
	uint32_t block_bitmaps;
	uint32_t inode_bitmap;
	uint32_t root;
	uint32_t lost_found;
	uint32_t journal;
	uint32_t table;
	uint32_t other_block_bitmaps;
	uint32_t other_inode_bitmaps;
	uint32_t other_tables;
	uint32_t other_journal;
};

static uint32_t div_up(uint64_t a, uint32_t b)
{
	return (uint32_t)((a + b - 1) / b);
}

static struct layout layout_of(uint64_t blocks)
{
	struct layout l = { .num_groups = div_up(blocks, GROUP_BLOCKS),
		            .journal_blocks = (uint32_t)(blocks / 64) };
	uint32_t at = 1 + div_up((uint64_t)l.num_groups * GROUP_SIZE, EXT4_BLOCK_SIZE);

	if (l.journal_blocks < JOURNAL_MIN)
		l.journal_blocks = JOURNAL_MIN;
	if (l.journal_blocks > JOURNAL_MAX)
		l.journal_blocks = JOURNAL_MAX;
	l.group_inodes = l.num_groups == 1 ? (uint32_t)blocks / 2 / 128 * 128 : GROUP_INODES;
	l.table_blocks = l.group_inodes / INODES_PER_BLOCK;
	l.used = at + l.num_groups * (2 + l.table_blocks) + 2 + l.journal_blocks;
	l.used_groups = div_up(l.used, GROUP_BLOCKS);
	l.block_bitmaps = at;
	l.bitmaps = l.used_groups + (l.used_groups < l.num_groups);
	l.inode_bitmap = l.block_bitmaps + l.bitmaps;
	l.root = l.inode_bitmap + 1;
	l.lost_found = l.root + 1;
	l.journal = l.lost_found + 1;
	l.table = l.journal + 1;
	l.other_block_bitmaps = l.table + l.table_blocks;
	l.other_inode_bitmaps = l.other_block_bitmaps + l.num_groups - l.bitmaps;
	l.other_tables = l.other_inode_bitmaps + l.num_groups - 1;
	l.other_journal = l.other_tables + (l.num_groups - 1) * l.table_blocks;
	return l;
}

uint32_t ext4_make_length(uint64_t num_blocks)
{
	return num_blocks < EXT4_MAKE_MIN || num_blocks > EXT4_MAKE_MAX
		? 0
		: layout_of(num_blocks).table + 1;
}

// --- Groups --------------------------------------------------------------------------------------

// Blocks of the group that there are, and that are used.
static uint32_t group_blocks(const struct ext4_make *make, uint32_t group)
{
	uint64_t left = make->num_blocks - (uint64_t)group * GROUP_BLOCKS;

	return left < GROUP_BLOCKS ? (uint32_t)left : GROUP_BLOCKS;
}

static uint32_t group_used(const struct layout *l, uint32_t group)
{
	uint32_t start = group * GROUP_BLOCKS;

	if (group >= l->used_groups)
		return 0;
	return l->used - start < GROUP_BLOCKS ? l->used - start : GROUP_BLOCKS;
}

// Whose bitmap of blocks is written. e2fsck wants the last one, for there may be bits for blocks
// that there are not.
static bool has_bitmap(const struct layout *l, uint32_t group)
{
	return group < l->used_groups || group == l->num_groups - 1;
}

static uint32_t block_bitmap(const struct layout *l, uint32_t group)
{
	if (group < l->used_groups)
		return l->block_bitmaps + group;
	return has_bitmap(l, group) ? l->block_bitmaps + l->used_groups
				    : l->other_block_bitmaps + group - l->used_groups;
}

static void set_bits(uint8_t *bitmap, uint32_t from, uint32_t to)
{
	for (; from < to && from % 8 != 0; from++)
		bitmap[from / 8] |= (uint8_t)(1u << from % 8);
	if (from < to)
		memset(bitmap + from / 8, 0xff, (to - from) / 8);
	for (from += (to - from) / 8 * 8; from < to; from++)
		bitmap[from / 8] |= (uint8_t)(1u << from % 8);
}

// CRC-16 (polynomial x^16 + x^15 + x^2 + 1, reflected), as descriptors have it.
static uint16_t crc16(uint16_t crc, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc >> 1 ^ ((crc & 1) != 0 ? 0xa001 : 0));
	}
	return crc;
}

static void make_group(const struct ext4_make *make, const struct layout *l, uint32_t group,
                       uint8_t *out)
{
	bool first = group == 0;
	uint32_t inodes = first ? LOST_FOUND_INODE : 0;
	struct disk_group d = {
		.block_bitmap_lo = block_bitmap(l, group),
		.inode_bitmap_lo = first ? l->inode_bitmap : l->other_inode_bitmaps + group - 1,
		.inode_table_lo = first ? l->table
					: l->other_tables + (group - 1) * l->table_blocks,
		.free_blocks_lo = (uint16_t)(group_blocks(make, group) - group_used(l, group)),
		.free_inodes_lo = (uint16_t)(l->group_inodes - inodes),
		.used_dirs_lo = first ? 2 : 0,
		.flags = GROUP_ITABLE_ZEROED,
		.itable_unused_lo = (uint16_t)(l->group_inodes - inodes),
	};

	if (!first)
		d.flags |= GROUP_INODE_UNINIT;
	if (!has_bitmap(l, group))
		d.flags |= GROUP_BLOCK_UNINIT;
	d.checksum = crc16(0xffff, make->uuid, sizeof(make->uuid));
	d.checksum = crc16(d.checksum, &group, sizeof(group));
	d.checksum = crc16(d.checksum, &d, offsetof(struct disk_group, checksum));
	memcpy(out, &d, GROUP_SIZE);
}

static void make_bitmaps(const struct ext4_make *make, const struct layout *l, uint8_t *out)
{
	for (uint32_t group = 0; group < l->num_groups; group++) {
		uint8_t *bitmap = out + (size_t)block_bitmap(l, group) * EXT4_BLOCK_SIZE;

		if (!has_bitmap(l, group))
			continue;
		set_bits(bitmap, 0, group_used(l, group));
		set_bits(bitmap, group_blocks(make, group), GROUP_BLOCKS);
	}
	set_bits(out + (size_t)l->inode_bitmap * EXT4_BLOCK_SIZE, 0, LOST_FOUND_INODE);
	set_bits(out + (size_t)l->inode_bitmap * EXT4_BLOCK_SIZE, l->group_inodes, GROUP_BLOCKS);
}

// --- Nodes ---------------------------------------------------------------------------------------

static void make_inode(const struct ext4_make *make, uint8_t *table, uint32_t number, uint16_t mode,
                       uint16_t links, const struct disk_extent *extents, uint16_t num_extents)
{
	struct disk_extent_header header = { .magic = EXTENT_MAGIC,
		                             .entries = num_extents,
		                             .max = EXTENTS_IN_INODE };
	struct disk_inode inode = { .mode = mode,
		                    .links = links,
		                    .atime = make->time,
		                    .ctime = make->time,
		                    .mtime = make->time,
		                    .crtime = make->time,
		                    .flags = INODE_EXTENTS,
		                    .extra_isize = NEW_INODE_MIN_EXTRA };

	for (uint16_t i = 0; i < num_extents; i++) {
		inode.size_lo += extents[i].len * EXT4_BLOCK_SIZE;
		inode.blocks_lo += extents[i].len * SECTORS;
	}
	memcpy(inode.block, &header, sizeof(header));
	memcpy(inode.block + sizeof(header), extents, num_extents * sizeof(*extents));
	memcpy(table + (number - 1) * INODE_SIZE, &inode, sizeof(inode));
}

static uint8_t *make_entry(uint8_t *at, uint32_t inode, const char *name, uint16_t len)
{
	struct disk_dirent entry = { .inode = inode,
		                     .len = len,
		                     .name_len = (uint8_t)strlen(name),
		                     .type = DIRENT_DIR };

	memcpy(at, &entry, sizeof(entry));
	memcpy(at + sizeof(entry), name, entry.name_len);
	return at + len;
}

static void make_nodes(const struct ext4_make *make, const struct layout *l, uint8_t *out)
{
	const struct disk_extent root = { .len = 1, .start_lo = l->root };
	const struct disk_extent lost_found = { .len = 1, .start_lo = l->lost_found };
	const struct disk_extent journal[] = {
		{ .len = 1, .start_lo = l->journal },
		{ .block = 1,
		  .len = (uint16_t)(l->journal_blocks - 1),
		  .start_lo = l->other_journal },
	};
	uint8_t *table = out + (size_t)l->table * EXT4_BLOCK_SIZE;
	uint8_t *at = out + (size_t)l->root * EXT4_BLOCK_SIZE;

	make_inode(make, table, ROOT_INODE, MODE_FOLDER | 0x1ed, 3, &root, 1);
	make_inode(make, table, JOURNAL_INODE, MODE_FILE | 0x180, 1, journal, 2);
	make_inode(make, table, LOST_FOUND_INODE, MODE_FOLDER | 0x1c0, 2, &lost_found, 1);
	at = make_entry(at, ROOT_INODE, ".", 12);
	at = make_entry(at, ROOT_INODE, "..", 12);
	make_entry(at, LOST_FOUND_INODE, "lost+found", EXT4_BLOCK_SIZE - 24);
	at = out + (size_t)l->lost_found * EXT4_BLOCK_SIZE;
	at = make_entry(at, LOST_FOUND_INODE, ".", 12);
	make_entry(at, ROOT_INODE, "..", EXT4_BLOCK_SIZE - 12);
}

static void make_journal(const struct ext4_make *make, const struct layout *l, uint8_t *out)
{
	// Magic, type, sequence; block size, length, first block, first sequence, start, error;
	// three sets of features.
	const uint32_t fields[] = {
		JOURNAL_MAGIC, JOURNAL_SUPER_V2, 0, EXT4_BLOCK_SIZE, l->journal_blocks, 1, 1,
	};
	uint8_t *at = out + (size_t)l->journal * EXT4_BLOCK_SIZE;
	const uint32_t users = __builtin_bswap32(1);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint32_t value = __builtin_bswap32(fields[i]);

		memcpy(at + i * sizeof(value), &value, sizeof(value));
	}
	memcpy(at + 0x30, make->uuid, sizeof(make->uuid));
	memcpy(at + 0x40, &users, sizeof(users));
}

static void make_super(const struct ext4_make *make, const struct layout *l, uint8_t *out)
{
	struct disk_super s = {
		.inodes_count = l->num_groups * l->group_inodes,
		.blocks_count_lo = (uint32_t)make->num_blocks,
		.free_blocks_lo = (uint32_t)make->num_blocks - l->used,
		.free_inodes = l->num_groups * l->group_inodes - LOST_FOUND_INODE,
		.log_block_size = 2,
		.log_cluster_size = 2,
		.blocks_per_group = GROUP_BLOCKS,
		.clusters_per_group = GROUP_BLOCKS,
		.inodes_per_group = l->group_inodes,
		.write_time = make->time,
		.max_mount_count = 0xffff,
		.magic = SUPER_MAGIC,
		.state = SUPER_CLEAN,
		.errors = 1,  // go on
		.last_check = make->time,
		.revision = 1,
		.first_inode = LOST_FOUND_INODE,
		.inode_size = INODE_SIZE,
		.compat = COMPAT_HAS_JOURNAL | COMPAT_EXT_ATTR | COMPAT_DIR_INDEX |
			COMPAT_SPARSE_SUPER2,
		.incompat = INCOMPAT_FILETYPE | INCOMPAT_EXTENTS | INCOMPAT_FLEX_BG,
		.ro_compat = RO_COMPAT_LARGE_FILE | RO_COMPAT_HUGE_FILE | RO_COMPAT_GDT_CSUM |
			RO_COMPAT_DIR_NLINK | RO_COMPAT_EXTRA_ISIZE,
		.journal_inode = JOURNAL_INODE,
		.hash_version = HASH_HALF_MD4,
		.default_mount_options = MOUNT_OPTIONS,
		.mkfs_time = make->time,
		.min_extra_isize = NEW_INODE_MIN_EXTRA,
		.want_extra_isize = NEW_INODE_MIN_EXTRA,
		.flags = SUPER_HASH_SIGNED,
		.log_groups_per_flex = FLEX_LOG,
	};

	memcpy(s.uuid, make->uuid, sizeof(s.uuid));
	memcpy(s.hash_seed, make->uuid, sizeof(s.hash_seed));
	memcpy(out + SUPER_OFFSET, &s, sizeof(s));
}

void ext4_make(const struct ext4_make *make, uint8_t *out)
{
	const struct layout l = layout_of(make->num_blocks);

	memset(out, 0, (size_t)ext4_make_length(make->num_blocks) * EXT4_BLOCK_SIZE);
	make_super(make, &l, out);
	for (uint32_t group = 0; group < l.num_groups; group++)
		make_group(make, &l, group, out + EXT4_BLOCK_SIZE + (size_t)group * GROUP_SIZE);
	make_bitmaps(make, &l, out);
	make_nodes(make, &l, out);
	make_journal(make, &l, out);
}
