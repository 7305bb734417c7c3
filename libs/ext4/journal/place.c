// SPDX-License-Identifier: MIT
//
// Finds the journal's blocks: the extents of its inode (Linux:
// Documentation/filesystems/ext4/ifork.rst). The journal is found before it is replayed, when the
// structures of the file system are not to be trusted yet; these do not change while a journal is
// there.
#include "libs/abi/linux_error.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/ext4/blocking.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/log.h"
#include "libs/starina/alloc.h"

#define SUPER_OFFSET 1024u
#define SUPER_INODE_SIZE 0x58u
#define SUPER_INCOMPAT 0x60u
#define SUPER_JOURNAL_INODE 0xe0u
#define SUPER_DESC_SIZE 0xfeu
#define INCOMPAT_64BIT 0x80u
#define GROUP_INODE_TABLE 0x08u
#define GROUP_INODE_TABLE_HIGH 0x28u
#define INODE_SIZE_LOW 0x04u
#define INODE_FLAGS 0x20u
#define INODE_EXTENTS 0x28u
#define INODE_SIZE_HIGH 0x6cu
#define INODE_FLAG_EXTENTS 0x80000u
#define EXTENT_MAGIC 0xf30au
#define EXTENT_MAX_DEPTH 5u
#define EXTENT_MAX_COUNT 32768u
#define EXTENT_ROOT_SIZE 60u
#define EXTENT_SIZE 12u

static uint32_t le16(const uint8_t *p, uint32_t offset)
{
	return p[offset] | (uint32_t)p[offset + 1] << 8;
}

static uint32_t le32(const uint8_t *p, uint32_t offset)
{
	return le16(p, offset) | le16(p, offset + 2) << 16;
}

static int fail(char *why, size_t why_size, int error, const char *text)
{
	str_copy(why, text, why_size);
	return error;
}

// Adds one extent's run, which goes on where the last one ended.
static int add_run(struct ext4 *fs, const uint8_t *extent)
{
	struct log *log = &fs->journal.log;
	struct log_run run = { .block = le32(extent, 0),
		               .count = le16(extent, 4),
		               .disk = le32(extent, 8) | (uint64_t)le16(extent, 6) << 32 };

	if (run.block != log->num_blocks || run.count == 0 || run.count > EXTENT_MAX_COUNT ||
	    !range_within(run.disk, run.count, fs->num_blocks) || run.disk == 0 ||
	    run.count > UINT32_MAX - log->num_blocks ||
	    run.count > fs->num_blocks - log->num_blocks || log->num_runs == LOG_MAX_RUNS)
		return -LINUX_EUCLEAN;
	log->runs[log->num_runs++] = run;
	log->num_blocks += run.count;
	return 0;
}

static int read_node(struct ext4 *fs, const uint8_t *node, uint32_t size, uint32_t max_depth);

static int read_child(struct ext4 *fs, uint64_t block, uint32_t depth)
{
	uint8_t *node = heap_alloc(EXT4_BLOCK_SIZE);
	int status;

	if (node == NULL)
		return -LINUX_ENOMEM;
	status = block < fs->num_blocks ? device_read(fs->device, block, 1, node) : -LINUX_EUCLEAN;
	// A child's depth is its parent's less one.
	if (status == 0 && le16(node, 6) != depth)
		status = -LINUX_EUCLEAN;
	if (status == 0)
		status = read_node(fs, node, EXT4_BLOCK_SIZE, depth);
	heap_free(node);
	return status;
}

static int read_node(struct ext4 *fs, const uint8_t *node, uint32_t size, uint32_t max_depth)
{
	uint32_t count = le16(node, 2);
	uint32_t depth = le16(node, 6);
	int status = 0;

	if (le16(node, 0) != EXTENT_MAGIC || depth > max_depth || count == 0 ||
	    count > size / EXTENT_SIZE - 1)
		return -LINUX_EUCLEAN;
	for (uint32_t i = 0; i < count && status == 0; i++) {
		const uint8_t *entry = node + EXTENT_SIZE + (size_t)i * EXTENT_SIZE;
		uint64_t child = le32(entry, 4) | (uint64_t)le16(entry, 8) << 32;

		status = depth == 0 ? add_run(fs, entry) : read_child(fs, child, depth - 1);
	}
	return status;
}

// The inode's 128 first bytes.
static int read_inode(struct ext4 *fs, const uint8_t *super, uint32_t inode, uint8_t *bytes,
                      uint8_t *out)
{
	uint32_t inode_size = le16(super, SUPER_INODE_SIZE);
	uint32_t offset;
	uint64_t table;
	int status;

	// All inodes that may have a journal are in the first group. Its descriptor is first in
	// the block behind the superblock's.
	if (inode == 0 || inode > 11 || inode_size < 128 || inode_size > EXT4_BLOCK_SIZE ||
	    EXT4_BLOCK_SIZE % inode_size != 0)
		return -LINUX_EUCLEAN;
	status = fs->num_blocks > 1 ? device_read(fs->device, 1, 1, bytes) : -LINUX_EUCLEAN;
	if (status != 0)
		return status;
	table = le32(bytes, GROUP_INODE_TABLE);
	if ((le32(super, SUPER_INCOMPAT) & INCOMPAT_64BIT) && le16(super, SUPER_DESC_SIZE) >= 64)
		table |= (uint64_t)le32(bytes, GROUP_INODE_TABLE_HIGH) << 32;
	offset = (inode - 1) * inode_size;
	table += offset / EXT4_BLOCK_SIZE;
	status = table < fs->num_blocks ? device_read(fs->device, table, 1, bytes) : -LINUX_EUCLEAN;
	if (status == 0)
		memcpy(out, bytes + offset % EXT4_BLOCK_SIZE, 128);
	return status;
}

static int find(struct ext4 *fs, const uint8_t *super, uint8_t *bytes, char *why, size_t why_size)
{
	struct log *log = &fs->journal.log;
	uint8_t inode[128];
	uint64_t size;
	int status = read_inode(fs, super, le32(super, SUPER_JOURNAL_INODE), bytes, inode);

	if (status != 0)
		return fail(why, why_size, status, "its journal's inode cannot be found");
	if ((le32(inode, INODE_FLAGS) & INODE_FLAG_EXTENTS) == 0)
		return fail(why, why_size, -LINUX_EINVAL,
		            "its journal has no extents; e2fsck -E bmap2extent converts it");
	status = read_node(fs, inode + INODE_EXTENTS, EXTENT_ROOT_SIZE, EXTENT_MAX_DEPTH);
	if (status != 0)
		return fail(why, why_size, status, "its journal's extents are damaged");
	size = le32(inode, INODE_SIZE_LOW) | (uint64_t)le32(inode, INODE_SIZE_HIGH) << 32;
	if (log->num_blocks == 0 || size / EXT4_BLOCK_SIZE < log->num_blocks)
		return fail(why, why_size, -LINUX_EUCLEAN,
		            "its journal has another size than its inode says");
	return 0;
}

int log_find(struct ext4 *fs, char *why, size_t why_size)
{
	struct log *log = &fs->journal.log;
	uint8_t *first = heap_alloc(EXT4_BLOCK_SIZE);
	uint8_t *bytes = heap_alloc(EXT4_BLOCK_SIZE);
	int status = -LINUX_ENOMEM;

	log->runs = heap_alloc(LOG_MAX_RUNS * sizeof(log->runs[0]));
	if (first != NULL && bytes != NULL && log->runs != NULL) {
		status = device_read(fs->device, 0, 1, first);
		if (status == 0)
			status = find(fs, first + SUPER_OFFSET, bytes, why, why_size);
	}
	heap_free(bytes);
	heap_free(first);
	return status;
}
