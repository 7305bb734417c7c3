// SPDX-License-Identifier: MIT
// The entries of an archive, one after the other, from a stream that may hold anything.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest/bootd/tar_format.h"

struct tar_entry {
	char type;
	char name[TAR_NAME_MAX];
	char link[TAR_NAME_MAX];
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t size;  // bytes that follow
	int64_t mtime;
	uint32_t major;
	uint32_t minor;
	// "KEY\0" and 4 bytes of length, then the value, for each extended attribute
	uint8_t *xattrs;
	size_t xattrs_len;
};

// Where the bytes come from. Returns how many were read, 0 at the end, or -1 with errno.
typedef long (*tar_read_fn)(void *context, void *bytes, size_t len);

struct tar_reader {
	tar_read_fn read;
	void *context;
	uint64_t left;  // of the entry's content and its padding
	uint64_t padding;
	uint8_t *pax;  // TAR_PAX_MAX bytes of the heap
};

// Returns 0 or -1 with errno (ENOMEM).
int tar_reader_init(struct tar_reader *r, tar_read_fn read, void *context);
void tar_reader_deinit(struct tar_reader *r);
// The next entry, whose memory is good until the next one; what was not read of the content before
// is passed over. Returns 1; 0 at the end of the archive; -1 with errno (EBADMSG: it is no
// archive).
int tar_next(struct tar_reader *r, struct tar_entry *out);
// Reads of the entry's content. Returns how many bytes, 0 at its end, -1 with errno.
long tar_content(struct tar_reader *r, void *bytes, size_t len);
