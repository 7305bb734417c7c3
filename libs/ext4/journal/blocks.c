// SPDX-License-Identifier: MIT
//
// The blocks of a transaction in the journal, one after the other: revoke blocks, then descriptors
// with the blocks that they name.
#include "libs/base/string.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/format.h"
#include "libs/starina/log.h"

static void put_header(uint8_t *bytes, enum jbd_type type, uint32_t sequence)
{
	put_be32(bytes, 0, JBD_MAGIC);
	put_be32(bytes, 4, type);
	put_be32(bytes, 8, sequence);
}

static void put_tail(const struct log *log, uint8_t *bytes)
{
	uint32_t offset = EXT4_BLOCK_SIZE - 4;

	if (log->checksum_version != 0)
		put_be32(bytes, offset, log_block_checksum(log, bytes, offset));
}

static uint32_t tags_a_block(const struct log *log)
{
	return (EXT4_BLOCK_SIZE - JBD_HEADER_SIZE - JBD_UUID_SIZE - log_tail_size(log)) /
		log_tag_size(log);
}

static uint32_t revokes_a_block(const struct log *log)
{
	return (EXT4_BLOCK_SIZE - JBD_REVOKE_FIRST - log_tail_size(log)) / log_revoke_size(log);
}

uint32_t journal_size_of(const struct log *log, uint32_t num_versions, uint32_t num_revoked)
{
	uint32_t tags = tags_a_block(log);
	uint32_t revokes = revokes_a_block(log);

	return num_versions + (num_versions + tags - 1) / tags +
		(num_revoked + revokes - 1) / revokes + 1;
}

void commit_rewind(struct ext4 *fs)
{
	struct transaction *t = fs->journal.committing;
	struct commit *commit = &fs->journal.commit;

	commit->position = t->log_start;
	commit->revokes_left = t->num_revoked;
	commit->freed_index = 0;
	commit->freed_offset = 0;
	commit->described = t->versions.next;
	commit->logged = t->versions.next;
	commit->logged_left = 0;
}

// The next revoked block.
static uint64_t next_revoked(struct transaction *t, struct commit *commit)
{
	const struct update_freed *freed = &t->freed[commit->freed_index];

	while (!freed->metadata || commit->freed_offset == freed->count) {
		freed++;
		commit->freed_index++;
		commit->freed_offset = 0;
	}
	commit->revokes_left--;
	return freed->block + commit->freed_offset++;
}

static void make_revokes(struct ext4 *fs, uint8_t *bytes)
{
	const struct log *log = &fs->journal.log;
	struct transaction *t = fs->journal.committing;
	struct commit *commit = &fs->journal.commit;
	uint32_t most = revokes_a_block(log);
	uint32_t at = JBD_REVOKE_FIRST;

	put_header(bytes, JBD_REVOKE, t->id);
	for (uint32_t i = 0; i < most && commit->revokes_left > 0; i++) {
		uint64_t block = next_revoked(t, commit);

		if (log->is_64bit) {
			put_be32(bytes, at, (uint32_t)(block >> 32));
			at += 4;
		}
		put_be32(bytes, at, (uint32_t)block);
		at += 4;
	}
	put_be32(bytes, JBD_REVOKE_COUNT, at);
	put_tail(log, bytes);
}

static bool must_escape(const struct version *v)
{
	return be32_at(v->bytes, 0) == JBD_MAGIC;
}

static uint32_t checksum_of(const struct log *log, const struct version *v, uint32_t sequence)
{
	uint8_t number[4];
	uint32_t crc;

	if (!must_escape(v))
		return log_data_checksum(log, sequence, v->bytes);
	put_be32(number, 0, sequence);
	crc = crc32c(log->seed, number, 4);
	put_be32(number, 0, 0);
	return crc32c(crc32c(crc, number, 4), v->bytes + 4, EXT4_BLOCK_SIZE - 4);
}

static uint32_t put_tag(const struct log *log, uint8_t *tag, const struct version *v,
                        uint32_t sequence, uint32_t flags)
{
	put_be32(tag, 0, (uint32_t)v->block);
	if (log->checksum_version == 3) {
		put_be32(tag, 4, flags);
		put_be32(tag, 8, log->is_64bit ? (uint32_t)(v->block >> 32) : 0);
		put_be32(tag, 12, checksum_of(log, v, sequence));
	} else {
		put_be16(tag, 4, 0);
		put_be16(tag, 6, flags);
		if (log->is_64bit)
			put_be32(tag, 8, (uint32_t)(v->block >> 32));
	}
	return log_tag_size(log);
}

static void make_descriptor(struct ext4 *fs, uint8_t *bytes)
{
	const struct log *log = &fs->journal.log;
	struct transaction *t = fs->journal.committing;
	struct commit *commit = &fs->journal.commit;
	uint32_t most = tags_a_block(log);
	uint32_t at = JBD_HEADER_SIZE;

	put_header(bytes, JBD_DESCRIPTOR, t->id);
	while (commit->logged_left < most && commit->described != &t->versions) {
		const struct version *v = container_of(commit->described, struct version, entry);
		bool is_first = commit->logged_left == 0;
		bool is_last = commit->logged_left + 1 == most || v->entry.next == &t->versions;
		uint32_t flags = (must_escape(v) ? JBD_TAG_ESCAPED : 0) |
			(is_first ? 0 : JBD_TAG_SAME_UUID) | (is_last ? JBD_TAG_LAST : 0);

		at += put_tag(log, bytes + at, v, t->id, flags);
		if (is_first) {
			memcpy(bytes + at, log->super + JBD_SUPER_UUID, JBD_UUID_SIZE);
			at += JBD_UUID_SIZE;
		}
		commit->logged_left++;
		commit->described = commit->described->next;
	}
	put_tail(log, bytes);
}

static void make_logged(struct commit *commit, uint8_t *bytes)
{
	const struct version *v = container_of(commit->logged, struct version, entry);

	memcpy(bytes, v->bytes, EXT4_BLOCK_SIZE);
	if (must_escape(v))
		put_be32(bytes, 0, 0);
	commit->logged = commit->logged->next;
	commit->logged_left--;
}

void commit_make_block(struct ext4 *fs, uint8_t *bytes)
{
	struct commit *commit = &fs->journal.commit;

	if (commit->logged_left > 0) {
		make_logged(commit, bytes);
		return;
	}
	memset(bytes, 0, EXT4_BLOCK_SIZE);
	if (commit->revokes_left > 0)
		make_revokes(fs, bytes);
	else if (commit->described != &fs->journal.committing->versions)
		make_descriptor(fs, bytes);
}

void commit_make_last_block(struct ext4 *fs, uint8_t *bytes)
{
	const struct log *log = &fs->journal.log;
	uint64_t seconds = (uint64_t)fs->now.seconds;

	memset(bytes, 0, EXT4_BLOCK_SIZE);
	put_header(bytes, JBD_COMMIT, fs->journal.committing->id);
	put_be32(bytes, JBD_COMMIT_SECONDS, (uint32_t)(seconds >> 32));
	put_be32(bytes, JBD_COMMIT_SECONDS + 4, (uint32_t)seconds);
	put_be32(bytes, JBD_COMMIT_NANOSECONDS, fs->now.nanoseconds);
	if (log->checksum_version != 0)
		put_be32(bytes, JBD_COMMIT_CHECKSUM,
		         log_block_checksum(log, bytes, JBD_COMMIT_CHECKSUM));
}
