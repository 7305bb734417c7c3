// SPDX-License-Identifier: MIT
//
// Replay, as JBD2 does it: a first pass finds the last transaction that is whole, a second one
// reads what is revoked, a third one writes blocks to their places. Nothing in the journal is
// trusted: it may come from a hostile hand.
#include "libs/abi/linux_error.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/ext4/blocking.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/format.h"
#include "libs/ext4/journal/revoked.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

enum pass { PASS_SCAN, PASS_REVOKE, PASS_REPLAY };

// The log has ended, which is no error.
#define LOG_END 1

struct recovery {
	struct ext4 *fs;
	struct log *log;
	enum pass pass;
	uint32_t block;     // of the journal, that is read next
	uint32_t walked;    // blocks of this pass: no log is longer than the journal
	uint32_t sequence;  // of the transaction that is read
	uint32_t end;       // behind the last one
	uint64_t time;      // of the commit before
	// The transaction that is scanned: damaged, or of another journal that lay here before,
	// unless it is no whole one.
	bool is_damaged, is_foreign;
	uint32_t num_revokes, num_blocks;
	struct revoked revoked;
	uint8_t *bytes;  // of a block of the journal
	uint8_t *data;   // of a logged block
};

struct tag {
	uint64_t block;
	uint32_t flags;
	uint32_t checksum;
	uint32_t size;  // in the descriptor
};

static int read_next(struct recovery *r, uint8_t *out)
{
	uint64_t disk = log_disk(r->log, r->block, NULL);

	if (r->walked == r->log->num_blocks - r->log->first)
		return LOG_END;
	r->walked++;
	r->block = log_after(r->log, r->block, 1);
	return device_read(r->fs->device, disk, 1, out);
}

// The tag at an offset. False: there is none any more.
static bool parse_tag(const struct log *log, const uint8_t *bytes, uint32_t at, struct tag *out)
{
	uint32_t end = EXT4_BLOCK_SIZE - log_tail_size(log);

	out->size = log_tag_size(log);
	if (at + out->size > end)
		return false;
	out->block = be32_at(bytes, at);
	if (log->checksum_version == 3) {
		out->flags = be32_at(bytes, at + 4);
		out->block |= log->is_64bit ? (uint64_t)be32_at(bytes, at + 8) << 32 : 0;
		out->checksum = be32_at(bytes, at + 12);
	} else {
		out->checksum = be16_at(bytes, at + 4);
		out->flags = be16_at(bytes, at + 6);
		out->block |= log->is_64bit ? (uint64_t)be32_at(bytes, at + 8) << 32 : 0;
	}
	if ((out->flags & JBD_TAG_SAME_UUID) == 0)
		out->size += JBD_UUID_SIZE;
	return true;
}

static bool is_sound(const struct recovery *r, const struct tag *tag)
{
	uint32_t checksum;

	// The file system may have grown to the disk's end in this very log.
	if (tag->block >= r->fs->device->num_blocks || log_has(r->log, tag->block))
		return false;
	if (r->log->checksum_version == 0)
		return true;
	checksum = log_data_checksum(r->log, r->sequence, r->data);
	return tag->checksum == (r->log->checksum_version == 3 ? checksum : checksum & 0xffff);
}

static int replay_block(struct recovery *r, const struct tag *tag)
{
	if (revoked_has(&r->revoked, tag->block, r->sequence - r->log->sequence))
		return 0;
	// The disk may have changed since the scan.
	if (!is_sound(r, tag))
		return -LINUX_EUCLEAN;
	if (tag->flags & JBD_TAG_ESCAPED)
		put_be32(r->data, 0, JBD_MAGIC);
	r->num_blocks++;
	return device_write(r->fs->device, tag->block, 1, r->data);
}

// Looks at the checksum at the block's end. A wrong one is damage, or what is left of a write that
// a power cut ended, or of another journal: the commit block tells, if there is one.
static int check_tail(struct recovery *r)
{
	uint32_t at = EXT4_BLOCK_SIZE - 4;

	if (r->log->checksum_version == 0 ||
	    be32_at(r->bytes, at) == log_block_checksum(r->log, r->bytes, at))
		return 0;
	if (r->pass != PASS_SCAN)
		return -LINUX_EUCLEAN;
	r->is_foreign = true;
	return 0;
}

// Blocks of data that are not needed in this pass are gone over.
static int skip(struct recovery *r)
{
	if (r->walked == r->log->num_blocks - r->log->first)
		return LOG_END;
	r->walked++;
	r->block = log_after(r->log, r->block, 1);
	return 0;
}

static int read_descriptor(struct recovery *r)
{
	uint32_t at = JBD_HEADER_SIZE;
	int status = check_tail(r);
	struct tag tag;

	while (status == 0 && parse_tag(r->log, r->bytes, at, &tag)) {
		status = r->pass == PASS_REVOKE ? skip(r) : read_next(r, r->data);
		if (status == 0 && r->pass == PASS_SCAN)
			r->is_damaged = r->is_damaged || !is_sound(r, &tag);
		if (status == 0 && r->pass == PASS_REPLAY)
			status = replay_block(r, &tag);
		if (tag.flags & JBD_TAG_LAST)
			break;
		at += tag.size;
	}
	return status;
}

static int read_revokes(struct recovery *r)
{
	uint32_t size = log_revoke_size(r->log);
	uint32_t end = be32_at(r->bytes, JBD_REVOKE_COUNT);
	int status = check_tail(r);

	if (end > EXT4_BLOCK_SIZE - log_tail_size(r->log)) {
		r->is_damaged = true;
		return r->pass == PASS_SCAN ? 0 : -LINUX_EUCLEAN;
	}
	for (uint32_t at = JBD_REVOKE_FIRST; status == 0 && at + size <= end; at += size) {
		uint64_t block = be32_at(r->bytes, at);

		if (size == 8)
			block = block << 32 | be32_at(r->bytes, at + 4);
		if (r->pass == PASS_SCAN)
			r->num_revokes++;
		// There is room, unless the disk has changed since the scan.
		if (r->pass == PASS_REVOKE &&
		    !revoked_add(&r->revoked, block, r->sequence - r->log->sequence))
			status = -LINUX_EUCLEAN;
	}
	return status;
}

static bool commit_fits(const struct recovery *r)
{
	return be32_at(r->bytes, JBD_COMMIT_CHECKSUM) ==
		log_block_checksum(r->log, r->bytes, JBD_COMMIT_CHECKSUM);
}

static bool is_commit_sound(struct recovery *r)
{
	if (r->log->checksum_version == 0 || commit_fits(r))
		return true;
	// A power cut may have left zeroes behind its beginning unwritten, and no more.
	memset(r->bytes + JBD_COMMIT_SIZE, 0, EXT4_BLOCK_SIZE - JBD_COMMIT_SIZE);
	return commit_fits(r);
}

static int read_commit(struct recovery *r)
{
	uint64_t time = (uint64_t)be32_at(r->bytes, JBD_COMMIT_SECONDS) << 32 |
		be32_at(r->bytes, JBD_COMMIT_SECONDS + 4);

	if (r->is_foreign || !is_commit_sound(r))
		return time < r->time ? LOG_END : -LINUX_EUCLEAN;
	if (r->is_damaged)
		return -LINUX_EUCLEAN;
	r->time = time;
	r->sequence++;
	return 0;
}

static int read_one(struct recovery *r)
{
	int status;

	if (r->pass != PASS_SCAN && r->sequence == r->end)
		return LOG_END;
	status = read_next(r, r->bytes);
	if (status != 0)
		return status;
	if (be32_at(r->bytes, 0) != JBD_MAGIC || be32_at(r->bytes, 8) != r->sequence)
		return LOG_END;
	switch (be32_at(r->bytes, 4)) {
	case JBD_DESCRIPTOR: return read_descriptor(r);
	case JBD_REVOKE: return read_revokes(r);
	case JBD_COMMIT: return read_commit(r);
	default: return LOG_END;
	}
}

static int run_pass(struct recovery *r, enum pass pass)
{
	int status;

	r->pass = pass;
	r->block = r->log->start;
	r->sequence = r->log->sequence;
	r->walked = 0;
	r->time = 0;
	r->is_damaged = r->is_foreign = false;
	do
		status = read_one(r);
	while (status == 0);
	if (status != LOG_END)
		return status;
	// The scan knows what is whole. Nobody but the disk changes it between the passes.
	if (pass != PASS_SCAN && r->sequence != r->end)
		return -LINUX_EUCLEAN;
	r->end = r->sequence;
	return 0;
}

static int run(struct recovery *r)
{
	int status = run_pass(r, PASS_SCAN);

	if (status == 0)
		status = revoked_init(&r->revoked, r->num_revokes);
	if (status == 0)
		status = run_pass(r, PASS_REVOKE);
	if (status != 0)
		return status;
	revoked_sort(&r->revoked);
	return run_pass(r, PASS_REPLAY);
}

static int finish(struct recovery *r)
{
	int status = device_flush(r->fs->device);

	if (status != 0)
		return status;
	if (r->end != r->log->sequence)
		log_info("ext4: replayed %u transactions, %u blocks", r->end - r->log->sequence,
		         r->num_blocks);
	r->log->sequence = r->end;
	r->log->start = 0;
	return log_write_super(r->fs);
}

int recover(struct ext4 *fs, char *why, size_t why_size)
{
	struct recovery r = { .fs = fs, .log = &fs->journal.log };
	int status = -LINUX_ENOMEM;

	r.bytes = heap_alloc(EXT4_BLOCK_SIZE);
	r.data = heap_alloc(EXT4_BLOCK_SIZE);
	if (r.bytes != NULL && r.data != NULL)
		status = run(&r);
	if (status == 0)
		status = finish(&r);
	if (status == -LINUX_EUCLEAN)
		fmt_write(why, why_size,
		          "its journal is damaged in transaction %u; e2fsck may mend it",
		          r.sequence);
	else if (status != 0)
		str_copy(why, "its journal cannot be replayed", why_size);
	revoked_deinit(&r.revoked);
	heap_free(r.bytes);
	heap_free(r.data);
	return status;
}
