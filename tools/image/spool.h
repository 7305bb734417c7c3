// SPDX-License-Identifier: MIT
//
// Where the contents of an image's files wait until the root image is written: one file on the disk
// that has no name, so that nothing is left of it whatever happens. Or the root image's own file,
// where they stay.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

struct spool {
	int fd;
	uint64_t size;
	uint64_t limit;  // of all contents together, holes included
	bool is_adopted;
	// What was written and is not in the file yet, contents being small and many.
	char *buffer;  // heap
	size_t buffered;
	uint64_t buffer_offset;  // in the file
};

// Every file's content begins at a multiple of this in the image, and so its room in the spool,
// which may be the image. Linux copies a content from where it lies in the image to whole pages,
// and its memcpy for RISC-V goes byte by byte unless source and destination differ by a multiple
// of 8.
#define CONTENT_ALIGNMENT 8u

// The first place from `offset` on where a content may begin.
static inline uint64_t content_align(uint64_t offset)
{
	return (offset + CONTENT_ALIGNMENT - 1) / CONTENT_ALIGNMENT * CONTENT_ALIGNMENT;
}

// The image may hold this much, uncompressed.
#define SPOOL_DEFAULT_LIMIT ((uint64_t)32 << 30)

// Makes the file in `directory`. Released by spool_deinit().
int spool_init(struct spool *spool, const char *directory, struct error *err);
// Uses the empty file `fd`, which stays the caller's, from `start` on.
int spool_adopt(struct spool *spool, int fd, uint64_t start, struct error *err);
void spool_deinit(struct spool *spool);

// Makes room for a file of `size` bytes, all zero until they are written, and returns where it
// begins: a multiple of CONTENT_ALIGNMENT.
int spool_reserve(struct spool *spool, uint64_t size, uint64_t *offset, struct error *err);
// Writes at `offset`, which must lie in reserved room.
int spool_write(struct spool *spool, uint64_t offset, const void *data, size_t size,
                struct error *err);
// Puts all in the file, which is as long as all room then.
int spool_flush(struct spool *spool, struct error *err);
// Reads all `size` bytes at `offset`.
int spool_read(struct spool *spool, uint64_t offset, void *data, size_t size, struct error *err);
