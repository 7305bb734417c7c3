// SPDX-License-Identifier: MIT
//
// Takes up the redo memory of a former instance. Transactions are committed with the same sequences
// and the same updates in them, so that after another kill a record is on the disk if and only if
// its transaction is.
#include "libs/abi/linux_error.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/internal.h"
#include "libs/ext4/journal/redo.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define UUID_OFFSET (1024u + 0x68u)

// Behind the records that are good.
#define RECORDS_END 1

struct replay {
	struct ext4 *fs;
	struct update *update;
	uint8_t *bytes;  // of a record, without its header
	struct redo_record record;
	struct reader rest;  // of its bytes
	uint64_t at;         // of the next record
	uint32_t num_applied;
};

static void begin_memory(struct redo *redo, size_t size, const uint8_t *uuid)
{
	*redo->header = (struct redo_header){ .size = size };
	memcpy(redo->header->uuid, uuid, sizeof(redo->header->uuid));
	__atomic_store_n(&redo->header->magic, REDO_MAGIC, __ATOMIC_RELEASE);
}

static bool is_ours(const struct redo *redo, size_t size, const uint8_t *uuid)
{
	const struct redo_header *header = redo->header;

	if (header->magic == 0)
		return false;  // it is new
	if (header->magic == REDO_MAGIC && header->size == size &&
	    memcmp(header->uuid, uuid, sizeof(header->uuid)) == 0 && header->head <= header->tail &&
	    header->tail - header->head <= redo->ring_size)
		return true;
	log_error("ext4: the redo memory is damaged or another file system's: it is not used");
	return false;
}

// Reads the record at r->at. RECORDS_END: there is none, or it is no good.
static int load_record(struct replay *r)
{
	const struct redo *redo = &r->fs->journal.redo;
	struct redo_record *record = &r->record;
	uint64_t left = redo->header->tail - r->at;
	uint64_t last = r->fs->journal.last_update;
	uint32_t checksum;
	size_t size;

	if (left == 0)
		return RECORDS_END;
	if (left < sizeof(*record))
		goto damaged;
	redo_get(redo, r->at, record, sizeof(*record));
	if (record->magic != REDO_MAGIC || record->size < sizeof(*record) || record->size > left ||
	    record->size > redo_record_max(UPDATE_MAX_BLOCKS) || record->number <= last ||
	    record->num_blocks > UPDATE_MAX_BLOCKS || record->num_freed > UPDATE_MAX_FREED)
		goto damaged;
	size = record->size - sizeof(*record);
	redo_get(redo, r->at + sizeof(*record), r->bytes, size);
	checksum = record->checksum;
	record->checksum = 0;
	if (crc32c(crc32c(~0u, r->bytes, size), record, sizeof(*record)) != checksum)
		goto damaged;
	r->rest = reader_make(r->bytes, size);
	return 0;
damaged:
	log_error("ext4: update %llu in the redo memory is damaged: it is lost, and all after it",
	          (unsigned long long)last + 1);
	return RECORDS_END;
}

static int begin_update(struct replay *r)
{
	struct ext4 *fs = r->fs;
	uint32_t credits = r->record.num_blocks > 0 ? r->record.num_blocks : 1;
	int status;

	while ((status = update_begin(r->update, fs, credits)) == UPDATE_WAIT) {
		if (fs->journal.num_requests == 0)
			return -LINUX_ENOMEM;
		fs->device->wait(fs->device);
	}
	return status;
}

static int apply_block(struct replay *r)
{
	struct ext4 *fs = r->fs;
	struct redo_block block;
	uint8_t *bytes;
	int status;

	reader_copy(&r->rest, &block, sizeof(block));
	if (reader_status(&r->rest) != 0 || log_has(&fs->journal.log, block.block))
		return -LINUX_EUCLEAN;
	if (block.is_new)
		status = update_new(r->update, block.block, &bytes);
	else
		while ((status = update_write(r->update, block.block, &bytes)) == UPDATE_WAIT)
			fs->device->wait(fs->device);
	for (uint32_t i = 0; status == 0 && i < block.num_ranges; i++) {
		struct redo_range range;
		struct span from;

		reader_copy(&r->rest, &range, sizeof(range));
		from = reader_bytes(&r->rest, range.size);
		if (reader_status(&r->rest) != 0 ||
		    !range_within(range.offset, range.size, EXT4_BLOCK_SIZE))
			return -LINUX_EUCLEAN;
		memcpy(bytes + range.offset, from.data, from.len);
	}
	return status;
}

static int apply_freed(struct replay *r)
{
	struct redo_freed freed;

	reader_copy(&r->rest, &freed, sizeof(freed));
	if (reader_status(&r->rest) != 0)
		return -LINUX_EUCLEAN;
	return update_free(r->update, freed.block, freed.count, freed.metadata != 0);
}

static int apply_record(struct replay *r)
{
	int status = begin_update(r);

	for (uint32_t i = 0; status == 0 && i < r->record.num_blocks; i++)
		status = apply_block(r);
	for (uint32_t i = 0; status == 0 && i < r->record.num_freed; i++)
		status = apply_freed(r);
	if (status != 0) {
		update_drop(r->update);
		return status;
	}
	r->fs->journal.last_update = r->record.number - 1;
	update_commit(r->update, NULL);
	r->num_applied++;
	return 0;
}

// Applies what is not on the disk. RECORDS_END: all is done that can be.
static int take_record(struct replay *r)
{
	struct journal *journal = &r->fs->journal;
	int status = load_record(r);

	if (status != 0)
		return status;
	if ((int32_t)(r->record.transaction - journal->running->id) > 0) {
		status = journal_commit_all(r->fs);
		if (status == 0 && r->record.transaction != journal->running->id)
			status = -LINUX_EUCLEAN;
	}
	if (status == 0 && r->record.transaction == journal->running->id)
		status = apply_record(r);
	else if (status == 0)
		journal->last_update = r->record.number;
	if (status == 0)
		r->at += r->record.size;
	return status;
}

static int take_records(struct replay *r)
{
	struct journal *journal = &r->fs->journal;
	struct redo_header *header = journal->redo.header;
	int status;

	r->at = header->head;
	journal->last_update = header->last_dropped;
	// The app may have been killed between the two stores of a drop.
	if (header->head != header->tail) {
		redo_get(&journal->redo, r->at, &r->record, sizeof(r->record));
		if (r->record.number <= journal->last_update && r->record.number > 0)
			journal->last_update = r->record.number - 1;
	}
	journal->redo.is_replaying = true;
	do
		status = take_record(r);
	while (status == 0);
	if (status == RECORDS_END) {
		header->tail = r->at;
		status = journal_commit_all(r->fs);
	}
	journal->redo.is_replaying = false;
	if (status != 0)
		return status;
	if (r->num_applied > 0)
		log_info("ext4: took up %u updates that were not on the disk", r->num_applied);
	header->last_dropped = journal->last_update;
	__atomic_store_n(&header->head, header->tail, __ATOMIC_RELEASE);
	return 0;
}

bool redo_is_empty(const struct ext4_redo *memory)
{
	const struct redo_header *header = (const struct redo_header *)(void *)memory->bytes;

	return header == NULL || header->magic == 0 || header->head == header->tail;
}

int redo_open(struct ext4 *fs, const struct ext4_redo *memory, char *why, size_t why_size)
{
	struct redo *redo = &fs->journal.redo;
	const uint8_t *uuid = cache_find(&fs->cache, 0)->current->bytes + UUID_OFFSET;
	struct replay r = { .fs = fs };
	int status = -LINUX_ENOMEM;

	if (memory->bytes == NULL)
		return 0;
	assert(memory->size >= EXT4_REDO_MIN);
	redo->header = (struct redo_header *)(void *)memory->bytes;
	redo->ring = memory->bytes + sizeof(*redo->header);
	redo->ring_size = memory->size - sizeof(*redo->header);
	if (!is_ours(redo, memory->size, uuid)) {
		begin_memory(redo, memory->size, uuid);
		return 0;
	}
	r.update = heap_alloc(sizeof(*r.update));
	r.bytes = heap_alloc(redo_record_max(UPDATE_MAX_BLOCKS));
	if (r.update != NULL && r.bytes != NULL)
		status = take_records(&r);
	if (status == -LINUX_EUCLEAN)
		str_copy(why, "the redo memory does not fit the file system", why_size);
	else if (status != 0)
		str_copy(why, "the redo memory cannot be taken up", why_size);
	heap_free(r.update);
	heap_free(r.bytes);
	return status;
}
