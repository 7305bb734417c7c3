// SPDX-License-Identifier: MIT
#include "libs/ext4/group.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/bitmap.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/kind.h"
#include "libs/starina/log.h"

static uint16_t checksum(const struct ext4 *fs, const struct group *g)
{
	struct disk_group raw = g->raw;

	raw.checksum = 0;
	return (uint16_t)crc32c(crc32c(fs->super.seed, &g->number, 4), &raw, sizeof(raw));
}

uint64_t group_first_block(const struct ext4 *fs, uint32_t number)
{
	return (uint64_t)number * fs->super.blocks_per_group;
}

uint32_t group_num_blocks(const struct ext4 *fs, uint32_t number)
{
	uint64_t rest = fs->num_blocks - group_first_block(fs, number);

	return rest < fs->super.blocks_per_group ? (uint32_t)rest : fs->super.blocks_per_group;
}

int group_load(struct update *u, uint32_t number, struct group *out)
{
	const struct super *super = &u->fs->super;
	const uint8_t *bytes;
	int status;

	assert(number < super->num_groups);
	status = update_read(u, 1 + number / GROUPS_PER_BLOCK, &bytes);
	if (status != 0)
		return status;
	out->number = number;
	memcpy(&out->raw, bytes + (size_t)(number % GROUPS_PER_BLOCK) * sizeof(out->raw),
	       sizeof(out->raw));
	if (checksum(u->fs, out) != out->raw.checksum ||
	    group_free_blocks(out) > group_num_blocks(u->fs, number) ||
	    group_free_inodes(out) > super->inodes_per_group ||
	    group_used_dirs(out) > super->inodes_per_group ||
	    group_unused_inodes(out) > super->inodes_per_group)
		return damaged(u->fs, "the descriptor of group %u is not sound", number);
	return 0;
}

int group_store(struct update *u, struct group *g)
{
	uint8_t *bytes;
	int status = update_write(u, 1 + g->number / GROUPS_PER_BLOCK, &bytes);

	if (status != 0)
		return status;
	g->raw.checksum = checksum(u->fs, g);
	memcpy(bytes + (size_t)(g->number % GROUPS_PER_BLOCK) * sizeof(g->raw), &g->raw,
	       sizeof(g->raw));
	return 0;
}

void group_set_free_blocks(struct group *g, uint32_t count)
{
	g->raw.free_blocks_lo = (uint16_t)count;
	g->raw.free_blocks_hi = (uint16_t)(count >> 16);
}

void group_set_free_inodes(struct group *g, uint32_t count)
{
	g->raw.free_inodes_lo = (uint16_t)count;
	g->raw.free_inodes_hi = (uint16_t)(count >> 16);
}

void group_set_used_dirs(struct group *g, uint32_t count)
{
	g->raw.used_dirs_lo = (uint16_t)count;
	g->raw.used_dirs_hi = (uint16_t)(count >> 16);
}

void group_set_unused_inodes(struct group *g, uint32_t count)
{
	g->raw.itable_unused_lo = (uint16_t)count;
	g->raw.itable_unused_hi = (uint16_t)(count >> 16);
}

static uint32_t bitmap_checksum(const struct ext4 *fs, const uint8_t *bitmap, uint32_t bits)
{
	return crc32c(fs->super.seed, bitmap, bits / 8);
}

// All bits that are no blocks of files: those of the file system, and those behind its end.
static void make_blocks(const struct ext4 *fs, uint32_t number, uint8_t *bitmap)
{
	uint64_t first = group_first_block(fs, number);
	uint32_t count = group_num_blocks(fs, number);

	memset(bitmap, 0, EXT4_BLOCK_SIZE);
	bits_set(bitmap, count, EXT4_BLOCK_SIZE * 8 - count, true);
	for (uint32_t i = super_zone_at(fs, first); i < fs->super.num_zones; i++) {
		struct zone zone = fs->super.zones[i];

		if (zone.begin >= first + count)
			break;
		zone.begin = zone.begin < first ? first : zone.begin;
		zone.end = zone.end > first + count ? first + count : zone.end;
		bits_set(bitmap, (uint32_t)(zone.begin - first), (uint32_t)(zone.end - zone.begin),
		         true);
	}
}

static int check(struct update *u, const struct group *g, const uint8_t *bitmap,
                 enum block_kind kind)
{
	bool blocks = kind == KIND_BLOCK_BITMAP;
	uint32_t lo = blocks ? g->raw.block_bitmap_csum_lo : g->raw.inode_bitmap_csum_lo;
	uint32_t hi = blocks ? g->raw.block_bitmap_csum_hi : g->raw.inode_bitmap_csum_hi;
	uint32_t bits = blocks ? u->fs->super.blocks_per_group : u->fs->super.inodes_per_group;

	if (*block_kind(bitmap) == (uint32_t)kind)
		return 0;
	if (bitmap_checksum(u->fs, bitmap, bits) != (hi << 16 | lo))
		return damaged(u->fs, "the bitmap of %s of group %u is not sound",
		               blocks ? "blocks" : "inodes", g->number);
	*block_kind(bitmap) = kind;
	return 0;
}

int group_read_blocks(struct update *u, const struct group *g, uint8_t *scratch,
                      const uint8_t **out)
{
	int status;

	if ((g->raw.flags & GROUP_BLOCK_UNINIT) != 0) {
		make_blocks(u->fs, g->number, scratch);
		*out = scratch;
		return 0;
	}
	status = update_read(u, group_block_bitmap(g), out);
	return status != 0 ? status : check(u, g, *out, KIND_BLOCK_BITMAP);
}

int group_write_blocks(struct update *u, struct group *g, uint8_t **out)
{
	int status;

	if ((g->raw.flags & GROUP_BLOCK_UNINIT) == 0) {
		status = update_write(u, group_block_bitmap(g), out);
		return status != 0 ? status : check(u, g, *out, KIND_BLOCK_BITMAP);
	}
	status = update_new(u, group_block_bitmap(g), out);
	if (status != 0)
		return status;
	make_blocks(u->fs, g->number, *out);
	g->raw.flags &= (uint16_t)~GROUP_BLOCK_UNINIT;
	*block_kind(*out) = KIND_BLOCK_BITMAP;
	return 0;
}

void group_set_blocks_checksum(struct ext4 *fs, struct group *g, const uint8_t *bitmap)
{
	uint32_t sum = bitmap_checksum(fs, bitmap, fs->super.blocks_per_group);

	g->raw.block_bitmap_csum_lo = (uint16_t)sum;
	g->raw.block_bitmap_csum_hi = (uint16_t)(sum >> 16);
}

static void make_inodes(const struct ext4 *fs, uint8_t *bitmap)
{
	uint32_t count = fs->super.inodes_per_group;

	memset(bitmap, 0, EXT4_BLOCK_SIZE);
	bits_set(bitmap, count, EXT4_BLOCK_SIZE * 8 - count, true);
}

int group_read_inodes(struct update *u, const struct group *g, uint8_t *scratch,
                      const uint8_t **out)
{
	int status;

	if ((g->raw.flags & GROUP_INODE_UNINIT) != 0) {
		make_inodes(u->fs, scratch);
		*out = scratch;
		return 0;
	}
	status = update_read(u, group_inode_bitmap(g), out);
	return status != 0 ? status : check(u, g, *out, KIND_INODE_BITMAP);
}

int group_write_inodes(struct update *u, struct group *g, uint8_t **out)
{
	int status;

	if ((g->raw.flags & GROUP_INODE_UNINIT) == 0) {
		status = update_write(u, group_inode_bitmap(g), out);
		return status != 0 ? status : check(u, g, *out, KIND_INODE_BITMAP);
	}
	status = update_new(u, group_inode_bitmap(g), out);
	if (status != 0)
		return status;
	make_inodes(u->fs, *out);
	g->raw.flags &= (uint16_t)~GROUP_INODE_UNINIT;
	*block_kind(*out) = KIND_INODE_BITMAP;
	return 0;
}

void group_set_inodes_checksum(struct ext4 *fs, struct group *g, const uint8_t *bitmap)
{
	uint32_t sum = bitmap_checksum(fs, bitmap, fs->super.inodes_per_group);

	g->raw.inode_bitmap_csum_lo = (uint16_t)sum;
	g->raw.inode_bitmap_csum_hi = (uint16_t)(sum >> 16);
}
