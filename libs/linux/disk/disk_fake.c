// SPDX-License-Identifier: MIT
#include "libs/linux/disk/disk_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/base/span.h"
#include "libs/starina/syscall.h"

#define MAX_FOLIOS 64
#define MAX_PENDING 64

struct disk disk;
uint8_t content[FAKE_DISK_MAX];
uint32_t num_pending, max_pending, num_reads, num_flushes, num_discards, num_open, depth;
static uint8_t *folios[MAX_FOLIOS];  // by handle - 1

enum request_kind {
	REQUEST_READ,
	REQUEST_WRITE,
	REQUEST_FLUSH,
	REQUEST_DISCARD,
};

static struct request {
	enum request_kind kind;
	uint64_t sector;
	uint32_t length;
	handle_t folio;
	disk_done_fn done;
	void *context;
} pending[MAX_PENDING];

error_t folio_create(size_t size, uint32_t flags, handle_t *out)
{
	assert_int_equal(flags, FOLIO_CONTIGUOUS);
	for (handle_t i = 0; i < MAX_FOLIOS; i++) {
		if (folios[i] == NULL) {
			folios[i] = malloc(size);
			num_open++;
			*out = i + 1;
			return 0;
		}
	}
	return ERR_LIMIT;
}

error_t folio_map(handle_t folio, uint32_t prot, void **out)
{
	(void)prot;
	assert_non_null(folios[folio - 1]);
	*out = folios[folio - 1];
	return 0;
}

error_t handle_close(handle_t h)
{
	assert_non_null(folios[h - 1]);
	free(folios[h - 1]);
	folios[h - 1] = NULL;
	num_open--;
	return 0;
}

static error_t accept(struct request p)
{
	if (!disk.ready)
		return ERR_NOT_READY;
	if (num_pending >= max_pending)
		return ERR_FULL;
	num_reads += p.kind == REQUEST_READ;
	pending[num_pending++] = p;
	return 0;
}

error_t disk_read(struct disk *d, uint64_t sector, uint32_t length, handle_t folio,
                  disk_done_fn done, void *context)
{
	assert_true(range_within(sector * 512, length, d->num_sectors * 512));
	return accept((struct request){ REQUEST_READ, sector, length, folio, done, context });
}

error_t disk_write(struct disk *d, uint64_t sector, uint32_t length, handle_t folio,
                   disk_done_fn done, void *context)
{
	assert_true(range_within(sector * 512, length, d->num_sectors * 512));
	return accept((struct request){ REQUEST_WRITE, sector, length, folio, done, context });
}

error_t disk_flush(struct disk *d, disk_done_fn done, void *context)
{
	(void)d;
	return accept((struct request){ REQUEST_FLUSH, 0, 0, HANDLE_NONE, done, context });
}

error_t disk_discard(struct disk *d, uint64_t sector, uint32_t num_sectors, disk_done_fn done,
                     void *context)
{
	assert_true(range_within(sector, num_sectors, d->num_sectors));
	return accept((struct request){ REQUEST_DISCARD, sector, num_sectors * 512, HANDLE_NONE,
	                                done, context });
}

void answer(uint32_t index, error_t status)
{
	struct request p = pending[index];

	memmove(&pending[index], &pending[index + 1], (num_pending - index - 1) * sizeof(p));
	num_pending--;
	if (status == 0 && p.kind == REQUEST_READ)
		memcpy(folios[p.folio - 1], content + p.sector * 512, p.length);
	else if (status == 0 && p.kind == REQUEST_WRITE)
		memcpy(content + p.sector * 512, folios[p.folio - 1], p.length);
	else if (status == 0 && p.kind == REQUEST_DISCARD)
		num_discards++;
	else if (status == 0)
		num_flushes++;
	p.done(p.context, status, p.folio);
}

void answer_all(void)
{
	while (num_pending > 0)
		answer(num_pending - 1, 0);
}

void disk_dies(void)
{
	disk.ready = false;
	while (num_pending > 0) {
		struct request p = pending[--num_pending];

		if (p.folio != HANDLE_NONE)
			handle_close(p.folio);
		p.done(p.context, ERR_PEER_CLOSED, HANDLE_NONE);
	}
}

void enter(void *context)
{
	(void)context;
	depth++;
}

void leave(void *context)
{
	(void)context;
	depth--;
}

void disk_fake_reset(uint32_t bytes)
{
	assert_true(bytes <= FAKE_DISK_MAX);
	disk = (struct disk){ .ready = true, .num_sectors = bytes / 512 };
	for (uint32_t i = 0; i < bytes; i++)
		content[i] = (uint8_t)(i * 7 + i / 251 + i / 65536);
	max_pending = MAX_PENDING;
	num_pending = num_reads = num_flushes = num_discards = depth = 0;
}
