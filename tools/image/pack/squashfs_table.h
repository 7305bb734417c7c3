// SPDX-License-Identifier: MIT
//
// What the tables of a squashfs image are made of: bytes in memory, written as metadata blocks that
// are not compressed. (Squashfs binary format, "Packing metadata")
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

#define SQUASHFS_METADATA_SIZE 8192
#define SQUASHFS_NO_TABLE UINT64_MAX

// Bytes that grow, numbers in little-endian order. All zero: empty. Released by
// squashfs_bytes_free().
struct squashfs_bytes {
	unsigned char *data;
	size_t size;
	size_t room;
};

// These end the program when the host has no memory at all.
void squashfs_put(struct squashfs_bytes *bytes, const void *data, size_t size);
void squashfs_put16(struct squashfs_bytes *bytes, unsigned value);
void squashfs_put32(struct squashfs_bytes *bytes, uint32_t value);
void squashfs_put64(struct squashfs_bytes *bytes, uint64_t value);
void squashfs_bytes_free(struct squashfs_bytes *bytes);

// The place that the byte at `offset` of a table has in its written form: the start of its metadata
// block, counted from the table's start, in the upper bits, and the offset in that block in the
// lower 16.
uint64_t squashfs_reference(size_t offset);

// The file that is being written.
struct squashfs_file {
	int fd;
	uint64_t position;
};

// Writes `size` bytes at the position and moves it on. -1 with `err`.
int squashfs_write(struct squashfs_file *file, const void *data, size_t size, struct error *err);

// Writes `table` as metadata blocks. Where each begins goes to `index` (NULL: nobody asks) as
// 64-bit numbers.
int squashfs_write_table(struct squashfs_file *file, const struct squashfs_bytes *table,
                         struct squashfs_bytes *index, struct error *err);

// Writes `table` and behind it the list of its metadata blocks. `start` gets where that list
// begins.
int squashfs_write_indexed(struct squashfs_file *file, const struct squashfs_bytes *table,
                           uint64_t *start, struct error *err);
