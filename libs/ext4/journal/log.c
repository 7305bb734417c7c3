// SPDX-License-Identifier: MIT
#include "libs/ext4/journal/log.h"

#include "libs/abi/linux_error.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/ext4/blocking.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/format.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// Fewer blocks do not hold a few transactions of the largest update.
#define LOG_MIN_BLOCKS 256u

static int fail(char *why, size_t why_size, int error, const char *text)
{
	str_copy(why, text, why_size);
	return error;
}

uint64_t log_disk(const struct log *log, uint32_t block, uint32_t *together)
{
	const struct log_run *run = log->runs;

	assert(block < log->num_blocks);
	while (block - run->block >= run->count)
		run++;
	if (together != NULL)
		*together = run->count - (block - run->block);
	return run->disk + (block - run->block);
}

bool log_has(const struct log *log, uint64_t disk)
{
	for (uint32_t i = 0; i < log->num_runs; i++)
		if (disk - log->runs[i].disk < log->runs[i].count)
			return true;
	return false;
}

uint32_t log_after(const struct log *log, uint32_t block, uint32_t count)
{
	uint32_t size = log->num_blocks - log->first;

	return log->first + (block - log->first + count) % size;
}

uint32_t log_tag_size(const struct log *log)
{
	if (log->checksum_version == 3)
		return 16;
	return (log->is_64bit ? 12u : 8u) + (log->checksum_version == 2 ? 2 : 0);
}

uint32_t log_revoke_size(const struct log *log)
{
	return log->is_64bit ? 8 : 4;
}

uint32_t log_tail_size(const struct log *log)
{
	return log->checksum_version != 0 ? 4 : 0;
}

uint32_t log_data_checksum(const struct log *log, uint32_t sequence, const uint8_t *bytes)
{
	uint8_t number[4];

	put_be32(number, 0, sequence);
	return crc32c(crc32c(log->seed, number, 4), bytes, EXT4_BLOCK_SIZE);
}

static uint32_t checksum_without(uint32_t crc, const uint8_t *bytes, uint32_t size, uint32_t offset)
{
	const uint8_t zeroes[4] = { 0 };

	crc = crc32c(crc, bytes, offset);
	crc = crc32c(crc, zeroes, 4);
	return crc32c(crc, bytes + offset + 4, size - offset - 4);
}

uint32_t log_block_checksum(const struct log *log, const uint8_t *bytes, uint32_t offset)
{
	return checksum_without(log->seed, bytes, EXT4_BLOCK_SIZE, offset);
}

static uint32_t super_checksum(const uint8_t *super)
{
	return checksum_without(~0u, super, JBD_SUPER_SIZE, JBD_SUPER_CHECKSUM);
}

void log_seal_super(struct log *log)
{
	put_be32(log->super, JBD_SUPER_START, log->start);
	put_be32(log->super, JBD_SUPER_SEQUENCE, log->sequence);
	put_be32(log->super, JBD_SUPER_ERROR, log->error);
	put_be32(log->super, JBD_SUPER_HEAD, 0);
	put_be32(log->super, JBD_SUPER_CHECKSUM, 0);
	if (log->checksum_version != 0)
		put_be32(log->super, JBD_SUPER_CHECKSUM, super_checksum(log->super));
}

int log_write_super(struct ext4 *fs)
{
	struct log *log = &fs->journal.log;
	int status;

	log_seal_super(log);
	status = device_write(fs->device, log_disk(log, 0, NULL), 1, log->super);
	return status != 0 ? status : device_flush(fs->device);
}

void log_set_features(struct log *log, bool with_checksums, bool is_64bit)
{
	uint32_t features = JBD_INCOMPAT_REVOKE | (is_64bit ? JBD_INCOMPAT_64BIT : 0) |
		(with_checksums ? JBD_INCOMPAT_CSUM_V3 : 0);

	log->checksum_version = with_checksums ? 3 : 0;
	log->is_64bit = is_64bit;
	put_be32(log->super, JBD_SUPER_COMPAT, 0);
	put_be32(log->super, JBD_SUPER_INCOMPAT, features);
	log->super[JBD_SUPER_CHECKSUM_TYPE] = with_checksums ? JBD_CHECKSUM_CRC32C : 0;
	log->seed = crc32c(~0u, log->super + JBD_SUPER_UUID, JBD_UUID_SIZE);
}

static int load_features(struct log *log, char *why, size_t why_size)
{
	uint32_t compat = be32_at(log->super, JBD_SUPER_COMPAT);
	uint32_t incompat = be32_at(log->super, JBD_SUPER_INCOMPAT);
	uint32_t known = JBD_INCOMPAT_REVOKE | JBD_INCOMPAT_64BIT | JBD_INCOMPAT_CSUM_V2 |
		JBD_INCOMPAT_CSUM_V3;
	uint32_t checksums = incompat & (JBD_INCOMPAT_CSUM_V2 | JBD_INCOMPAT_CSUM_V3);

	if (incompat & JBD_INCOMPAT_FAST_COMMIT)
		return fail(why, why_size, -LINUX_EINVAL,
		            "its journal has the feature fast_commit");
	if (incompat & JBD_INCOMPAT_ASYNC_COMMIT)
		return fail(why, why_size, -LINUX_EINVAL,
		            "its journal has the feature async_commit");
	if (compat & JBD_COMPAT_CHECKSUM)
		return fail(why, why_size, -LINUX_EINVAL,
		            "its journal has the feature checksum (version 1)");
	if ((incompat & ~known) != 0 || be32_at(log->super, JBD_SUPER_RO_COMPAT) != 0) {
		fmt_write(why, why_size, "its journal has features that are not known (0x%x, 0x%x)",
		          incompat & ~known, be32_at(log->super, JBD_SUPER_RO_COMPAT));
		return -LINUX_EINVAL;
	}
	if (checksums == (JBD_INCOMPAT_CSUM_V2 | JBD_INCOMPAT_CSUM_V3))
		return fail(why, why_size, -LINUX_EUCLEAN, "its journal has two checksum versions");
	if (checksums != 0 && log->super[JBD_SUPER_CHECKSUM_TYPE] != JBD_CHECKSUM_CRC32C)
		return fail(why, why_size, -LINUX_EINVAL,
		            "its journal has checksums of another type than crc32c");
	log->checksum_version = checksums == 0 ? 0 : checksums == JBD_INCOMPAT_CSUM_V2 ? 2 : 3;
	log->is_64bit = (incompat & JBD_INCOMPAT_64BIT) != 0;
	log->seed = crc32c(~0u, log->super + JBD_SUPER_UUID, JBD_UUID_SIZE);
	if (checksums != 0 && super_checksum(log->super) != be32_at(log->super, JBD_SUPER_CHECKSUM))
		return fail(why, why_size, -LINUX_EUCLEAN,
		            "the checksum of its journal's superblock is wrong");
	return 0;
}

static int load_super(struct log *log, char *why, size_t why_size)
{
	const uint8_t *super = log->super;
	uint32_t found = log->num_blocks;
	int status;

	if (be32_at(super, 0) != JBD_MAGIC || be32_at(super, 4) != JBD_SUPER_V2)
		return fail(why, why_size, -LINUX_EINVAL,
		            "its journal has no superblock of version 2");
	status = load_features(log, why, why_size);
	if (status != 0)
		return status;
	log->num_blocks = be32_at(super, JBD_SUPER_NUM_BLOCKS);
	log->first = be32_at(super, JBD_SUPER_FIRST);
	log->start = be32_at(super, JBD_SUPER_START);
	log->sequence = be32_at(super, JBD_SUPER_SEQUENCE);
	log->error = be32_at(super, JBD_SUPER_ERROR);
	if (be32_at(super, JBD_SUPER_BLOCK_SIZE) != EXT4_BLOCK_SIZE)
		return fail(why, why_size, -LINUX_EINVAL,
		            "its journal's blocks are not of 4096 bytes");
	if (log->num_blocks > found || log->first == 0 || log->first >= log->num_blocks ||
	    log->num_blocks - log->first < LOG_MIN_BLOCKS)
		return fail(why, why_size, -LINUX_EUCLEAN,
		            "its journal is shorter than its superblock says, or than 1 MiB");
	if (log->start != 0 && (log->start < log->first || log->start >= log->num_blocks))
		return fail(why, why_size, -LINUX_EUCLEAN, "its journal begins outside itself");
	return 0;
}

int log_open(struct ext4 *fs, char *why, size_t why_size)
{
	struct log *log = &fs->journal.log;
	int status = log_find(fs, why, why_size);

	if (status != 0)
		return status;
	log->super = heap_alloc(EXT4_BLOCK_SIZE);
	if (log->super == NULL)
		return -LINUX_ENOMEM;
	status = device_read(fs->device, log_disk(log, 0, NULL), 1, log->super);
	if (status != 0)
		return fail(why, why_size, status, "its journal's superblock cannot be read");
	return load_super(log, why, why_size);
}

void log_close(struct log *log)
{
	heap_free(log->super);
	heap_free(log->runs);
	*log = (struct log){ 0 };
}
