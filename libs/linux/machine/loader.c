// SPDX-License-Identifier: MIT

#include "libs/linux/machine/loader.h"

#include "libs/base/string.h"
#include "libs/starina/syscall.h"

static void slot_free(struct loader_slot *slot)
{
	if (slot->folio != HANDLE_NONE)
		handle_close(slot->folio);
	slot->folio = HANDLE_NONE;
	slot->busy = false;
}

static void piece_read(void *context, error_t status, handle_t folio);

// Starts the next piece of the file in `slot`, if there is one.
static error_t slot_start(struct loader *loader, struct loader_slot *slot)
{
	uint64_t rest = loader->size - loader->started;
	uint32_t length = rest > LOADER_PIECE ? LOADER_PIECE : (uint32_t)rest;
	uint32_t sectors = (length + BLKDEV_SECTOR_SIZE - 1) / BLKDEV_SECTOR_SIZE;
	error_t err;

	if (length == 0)
		return 0;
	if (slot->folio == HANDLE_NONE) {
		err = folio_create(LOADER_PIECE, FOLIO_CONTIGUOUS, &slot->folio);
		if (err < 0)
			return err;
	}
	err = disk_read(loader->disk, (loader->offset + loader->started) / BLKDEV_SECTOR_SIZE,
	                sectors * BLKDEV_SECTOR_SIZE, slot->folio, piece_read, slot);
	if (err < 0)
		return err;
	slot->folio = HANDLE_NONE;
	slot->position = loader->started;
	slot->length = length;
	slot->busy = true;
	loader->started += length;
	loader->in_flight++;
	return 0;
}

// Other machines may have the rest of the disk's queue: then it goes on with what it has got of it.
static error_t start_next(struct loader *loader, struct loader_slot *slot)
{
	error_t err = slot_start(loader, slot);

	return err == ERR_FULL && loader->in_flight > 0 ? 0 : err;
}

static error_t piece_copy(struct loader *loader, const struct loader_slot *slot)
{
	void *bytes;
	error_t err;

	err = folio_map(slot->folio, PROT_READ, &bytes);
	if (err < 0)
		return err;
	if (!range_within(slot->position, slot->length, loader->target.len))
		return ERR_RANGE;
	memcpy(loader->target.data + slot->position, bytes, slot->length);
	return 0;
}

static void piece_read(void *context, error_t status, handle_t folio)
{
	struct loader_slot *slot = context;
	struct loader *loader = slot->loader;

	slot->folio = folio;
	slot->busy = false;
	loader->in_flight--;
	if (status == 0)
		status = piece_copy(loader, slot);
	if (status < 0 && loader->error == 0)
		loader->error = status;
	if (loader->error == 0)
		loader->error = start_next(loader, slot);
	if (loader->in_flight > 0)
		return;
	for (size_t i = 0; i < LOADER_DEPTH; i++)
		slot_free(&loader->slots[i]);
	loader->finished(loader->context, loader->error);
}

error_t loader_start(struct loader *loader, struct disk *disk, uint64_t offset, uint64_t size,
                     struct mut_span target, void (*finished)(void *context, error_t status),
                     void *context)
{
	error_t err = 0;

	if (size == 0 || size > target.len || offset % BLKDEV_SECTOR_SIZE != 0)
		return ERR_INVALID;
	// One that was opened again has no size yet.
	if (!disk->ready)
		return ERR_NOT_READY;
	if (!range_within(offset, size, disk->num_sectors * BLKDEV_SECTOR_SIZE))
		return ERR_RANGE;
	*loader = (struct loader){ .disk = disk,
		                   .offset = offset,
		                   .size = size,
		                   .target = target,
		                   .finished = finished,
		                   .context = context };
	for (size_t i = 0; i < LOADER_DEPTH && err == 0; i++) {
		loader->slots[i].loader = loader;
		err = start_next(loader, &loader->slots[i]);
	}
	if (err < 0 && loader->in_flight == 0) {
		for (size_t i = 0; i < LOADER_DEPTH; i++)
			slot_free(&loader->slots[i]);
		return err;
	}
	loader->error = err;
	return 0;
}
