// SPDX-License-Identifier: MIT
#include "libs/ext4/super.h"

#include <stdarg.h>

#include "libs/abi/linux_error.h"
#include "libs/base/fmt.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/format.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/seal.h"
#include "libs/starina/log.h"

// What we know. Of the others, those that can be met have a name.
#define KNOWN_COMPAT (COMPAT_HAS_JOURNAL | COMPAT_EXT_ATTR | COMPAT_RESIZE_INODE | COMPAT_DIR_INDEX)
#define KNOWN_INCOMPAT                                                              \
	(INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_EXTENTS | INCOMPAT_64BIT | \
	 INCOMPAT_FLEX_BG | INCOMPAT_CSUM_SEED)
#define NEEDED_INCOMPAT (INCOMPAT_FILETYPE | INCOMPAT_EXTENTS | INCOMPAT_64BIT)
#define KNOWN_RO_COMPAT                                                        \
	(RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE | RO_COMPAT_HUGE_FILE | \
	 RO_COMPAT_DIR_NLINK | RO_COMPAT_EXTRA_ISIZE | RO_COMPAT_METADATA_CSUM)
// Without sparse_super there is a copy of the superblock in each group, which is fine.
#define NEEDED_RO_COMPAT                                                    \
	(RO_COMPAT_LARGE_FILE | RO_COMPAT_HUGE_FILE | RO_COMPAT_DIR_NLINK | \
	 RO_COMPAT_EXTRA_ISIZE | RO_COMPAT_METADATA_CSUM)

struct feature {
	uint32_t bit;
	const char *name;
};

static const struct feature compat_names[] = {
	{ 0x1, "dir_prealloc" },
	{ 0x2, "imagic_inodes" },
	{ 0x200, "sparse_super2" },
	{ COMPAT_FAST_COMMIT, "fast_commit" },
	{ 0x800, "stable_inodes" },
	{ COMPAT_ORPHAN_FILE, "orphan_file" },
	{ 0, NULL },
};
static const struct feature incompat_names[] = {
	{ 0x1, "compression" },
	{ INCOMPAT_FILETYPE, "filetype" },
	{ 0x8, "journal_dev" },
	{ 0x10, "meta_bg" },
	{ INCOMPAT_EXTENTS, "extent" },
	{ INCOMPAT_64BIT, "64bit" },
	{ 0x100, "mmp" },
	{ 0x400, "ea_inode" },
	{ 0x1000, "dirdata" },
	{ 0x4000, "large_dir" },
	{ 0x8000, "inline_data" },
	{ 0x10000, "encrypt" },
	{ 0x20000, "casefold" },
	{ 0, NULL },
};
static const struct feature ro_compat_names[] = {
	{ RO_COMPAT_LARGE_FILE, "large_file" },
	{ RO_COMPAT_HUGE_FILE, "huge_file" },
	{ 0x10, "uninit_bg" },
	{ RO_COMPAT_DIR_NLINK, "dir_nlink" },
	{ RO_COMPAT_EXTRA_ISIZE, "extra_isize" },
	{ 0x100, "quota" },
	{ 0x200, "bigalloc" },
	{ RO_COMPAT_METADATA_CSUM, "metadata_csum" },
	{ 0x1000, "read-only" },
	{ 0x2000, "project" },
	{ 0x4000, "shared_blocks" },
	{ 0x8000, "verity" },
	{ 0x10000, "orphan_present" },
	{ 0, NULL },
};

// The lowest feature of `bits`, to be told in `why`.
static int refuse(uint32_t bits, const struct feature *names, const char *format, char *why,
                  size_t why_size)
{
	uint32_t bit = bits & -bits;
	char unknown[16];

	fmt_write(unknown, sizeof(unknown), "0x%x", bit);
	while (names->bit != 0 && names->bit != bit)
		names++;
	fmt_write(why, why_size, "its feature %s%s", names->name != NULL ? names->name : unknown,
	          format);
	return -LINUX_EINVAL;
}

static int check_features(const struct disk_super *s, char *why, size_t why_size)
{
	static const char unknown[] = " is not known here: it cannot be used";
	static const char missing[] = " is missing, which mke2fs -t ext4 gives: it cannot be used";

	if ((s->compat & ~(uint32_t)KNOWN_COMPAT) != 0)
		return refuse(s->compat & ~(uint32_t)KNOWN_COMPAT, compat_names, unknown, why,
		              why_size);
	if ((s->incompat & ~(uint32_t)KNOWN_INCOMPAT) != 0)
		return refuse(s->incompat & ~(uint32_t)KNOWN_INCOMPAT, incompat_names, unknown, why,
		              why_size);
	if ((s->ro_compat & ~(uint32_t)KNOWN_RO_COMPAT) != 0)
		return refuse(s->ro_compat & ~(uint32_t)KNOWN_RO_COMPAT, ro_compat_names, unknown,
		              why, why_size);
	if ((~s->incompat & NEEDED_INCOMPAT) != 0)
		return refuse(~s->incompat & NEEDED_INCOMPAT, incompat_names, missing, why,
		              why_size);
	if ((~s->ro_compat & NEEDED_RO_COMPAT) != 0)
		return refuse(~s->ro_compat & NEEDED_RO_COMPAT, ro_compat_names, missing, why,
		              why_size);
	return 0;
}

static uint64_t num_blocks(const struct disk_super *s)
{
	return (uint64_t)s->blocks_count_hi << 32 | s->blocks_count_lo;
}

static const char *check_geometry(const struct ext4 *fs, const struct disk_super *s)
{
	uint64_t blocks = num_blocks(s);
	uint64_t groups;

	if (s->inode_size != INODE_SIZE || s->group_size != sizeof(struct disk_group))
		return "its inodes are not of 256 bytes, or its descriptors not of 64";
	if (s->blocks_per_group < 256 || s->blocks_per_group > EXT4_BLOCK_SIZE * 8 ||
	    s->blocks_per_group % 8 != 0 || s->clusters_per_group != s->blocks_per_group ||
	    s->log_cluster_size != s->log_block_size || s->first_data_block != 0)
		return "its groups have an impossible size";
	if (s->inodes_per_group < 16 || s->inodes_per_group > EXT4_BLOCK_SIZE * 8 ||
	    s->inodes_per_group % 8 != 0 || s->first_inode < 11 ||
	    s->first_inode > s->inodes_per_group)
		return "its groups have an impossible number of inodes";
	if (blocks < 64 || blocks > 1ull << 48)
		return "its size is impossible";
	if (blocks > fs->device->num_blocks)
		return "it is larger than its disk: the disk was cut";
	groups = (blocks + s->blocks_per_group - 1) / s->blocks_per_group;
	if (groups * s->inodes_per_group != s->inodes_count || s->reserved_gdt_blocks > 1024)
		return "its number of inodes does not fit its size";
	if (s->checksum_type != 1 || s->hash_version > 5 || s->want_extra_isize > INODE_EXTRA)
		return "it has checksums or hashes of an unknown kind";
	return NULL;
}

static void take_over(struct ext4 *fs, const struct disk_super *s)
{
	struct super *super = &fs->super;

	fs->num_blocks = num_blocks(s);
	super->journal_inode = (s->compat & COMPAT_HAS_JOURNAL) != 0 ? s->journal_inode : 0;
	super->blocks_per_group = s->blocks_per_group;
	super->inodes_per_group = s->inodes_per_group;
	super->num_inodes = s->inodes_count;
	super->num_groups = s->inodes_count / s->inodes_per_group;
	super->first_inode = s->first_inode;
	super->reserved_gdt_blocks = s->reserved_gdt_blocks;
	super->sparse_super = (s->ro_compat & RO_COMPAT_SPARSE_SUPER) != 0;
	super->dir_index = (s->compat & COMPAT_DIR_INDEX) != 0;
	super->hash_unsigned = (s->flags & SUPER_HASH_UNSIGNED) != 0;
	super->hash_version = s->hash_version;
	memcpy(super->hash_seed, s->hash_seed, sizeof(super->hash_seed));
	super->seed = (s->incompat & INCOMPAT_CSUM_SEED) != 0
		? s->checksum_seed
		: crc32c(~0u, s->uuid, sizeof(s->uuid));
	super->reserved_blocks = (uint64_t)s->reserved_blocks_hi << 32 | s->reserved_blocks_lo;
	super->next_generation = crc32c(super->seed, &s->write_time, 4);
}

int super_load(struct ext4 *fs, const uint8_t *first_block, char *why, size_t why_size)
{
	const struct disk_super *s = (const void *)(first_block + SUPER_OFFSET);
	const char *problem = NULL;
	int status;

	if (s->magic != SUPER_MAGIC || s->revision != 1) {
		str_copy(why, "it has no ext4 file system", why_size);
		return -LINUX_EINVAL;
	}
	status = check_features(s, why, why_size);
	if (status != 0)
		return status;
	if (s->log_block_size != 2) {
		str_copy(why, "its blocks are not of 4096 bytes", why_size);
		return -LINUX_EINVAL;
	}
	problem = crc32c(~0u, s, offsetof(struct disk_super, checksum)) != s->checksum
		? "its superblock's checksum is wrong: run e2fsck"
		: check_geometry(fs, s);
	if (problem != NULL) {
		str_copy(why, problem, why_size);
		return -LINUX_EUCLEAN;
	}
	take_over(fs, s);
	return 0;
}

int super_write(struct update *u, struct disk_super **out)
{
	uint8_t *bytes;
	int status = update_write(u, 0, &bytes);

	if (status == 0)
		*out = (void *)(bytes + SUPER_OFFSET);
	return status;
}

void super_store(struct disk_super *super)
{
	super_seal((uint8_t *)super);
}

void super_set_counts(const struct ext4 *fs, uint8_t *super)
{
	struct disk_super *s = (void *)super;

	s->free_blocks_lo = (uint32_t)fs->super.free_blocks;
	s->free_blocks_hi = (uint32_t)(fs->super.free_blocks >> 32);
	s->free_inodes = (uint32_t)fs->super.free_inodes;
}

void ext4_statfs(const struct ext4 *fs, struct ext4_statfs *out)
{
	uint64_t free_blocks = fs->super.free_blocks;

	list_for_each(e, &fs->super.reservations) {
		const struct ext4_reservation *r = container_of(e, struct ext4_reservation, entry);

		free_blocks -= free_blocks < r->count ? free_blocks : r->count;
	}
	*out = (struct ext4_statfs){ .blocks = fs->num_blocks,
		                     .free_blocks = free_blocks,
		                     .inodes = fs->super.num_inodes,
		                     .free_inodes = fs->super.free_inodes };
	if (free_blocks > fs->super.reserved_blocks)
		out->available_blocks = free_blocks - fs->super.reserved_blocks;
}

void super_log_damage(struct ext4 *fs, const char *format, ...)
{
	char text[200];
	va_list args;

	if (fs->super.damage_was_logged)
		return;
	fs->super.damage_was_logged = true;
	va_start(args, format);
	fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	log_error("ext4: %s: the disk is damaged, run e2fsck on it", text);
	if (!fs->read_only)
		journal_note_error(fs);
}
