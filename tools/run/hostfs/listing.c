// SPDX-License-Identifier: MIT
//
// Entries of open directories, read many at a time. They are kept from one request to the next, for
// some directories: one that loses them is read again from where the guest is.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/run/hostfs/internal.h"

#define LISTING_BYTES (32u * 1024)
#define NO_HANDLE UINT64_MAX

struct listing {
	uint64_t fh;  // NO_HANDLE: it is free
	size_t at, end;
	_Alignas(struct dirent64) char bytes[LISTING_BYTES];
};

void listing_drop(struct handle *handle)
{
	if (handle->listing)
		handle->listing->fh = NO_HANDLE;
	handle->listing = NULL;
}

// A free place, or that of another directory.
static struct listing **place_find(struct hostfs *fs)
{
	struct listing **place = &fs->listings[fs->next_listing];

	for (uint32_t i = 0; i < MAX_LISTINGS; i++) {
		if (!fs->listings[i] || fs->listings[i]->fh == NO_HANDLE)
			return &fs->listings[i];
	}
	fs->next_listing = (fs->next_listing + 1) % MAX_LISTINGS;
	listing_drop(&fs->handles[(*place)->fh]);
	return place;
}

static int listing_take(struct hostfs *fs, struct handle *handle)
{
	struct listing **place = place_find(fs);

	if (!*place && !(*place = malloc(sizeof(**place))))
		return -ENOMEM;
	(*place)->fh = (uint64_t)(handle - fs->handles);
	(*place)->at = (*place)->end = 0;
	handle->listing = *place;
	return 0;
}

int listing_seek(struct hostfs *fs, struct handle *handle, uint64_t offset)
{
	// From the beginning, a directory is read as it is now.
	if (handle->listing && offset == handle->position && offset != 0)
		return 0;
	listing_drop(handle);
	if (lseek(handle->fd, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	handle->position = offset;
	return listing_take(fs, handle);
}

int listing_peek(struct handle *handle, const struct dirent64 **entry)
{
	struct listing *listing = handle->listing;

	*entry = NULL;
	if (listing->at == listing->end) {
		ssize_t length = getdents64(handle->fd, listing->bytes, sizeof(listing->bytes));

		if (length < 0)
			return -errno;
		listing->at = 0;
		listing->end = (size_t)length;
	}
	if (listing->at < listing->end)
		*entry = (const void *)(listing->bytes + listing->at);
	return 0;
}

void listing_next(struct handle *handle, const struct dirent64 *entry)
{
	handle->listing->at += entry->d_reclen;
	handle->position = (uint64_t)entry->d_off;
}

void listings_deinit(struct hostfs *fs)
{
	for (uint32_t i = 0; i < MAX_LISTINGS; i++)
		free(fs->listings[i]);
}
