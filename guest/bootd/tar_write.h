// SPDX-License-Identifier: MIT
// Writing pax archives of files, piece by piece (POSIX.1-2017, pax, "ustar Interchange Format").
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "guest/bootd/tar_format.h"

#define TAR_LINK_BUCKETS 1024u
// Of an archive in frames: the bytes of a length, and what one frame holds.
#define TAR_FRAME_HEAD 4u
#define TAR_FRAME_MAX (64u * 1024)

struct tar_linked;

// Zero-initialised, but for `out` and `is_framed`.
struct tar_writer {
	int out;
	// The archive comes in frames, a length and bytes each, and one of length 0 behind it, so
	// that more may follow.
	bool is_framed;
	// Nothing is written, nor is any content read: `total` gets the bytes that there would be.
	bool only_counts;
	uint64_t total;
	int error;                // errno of what went wrong first; nothing is written after it
	char name[TAR_NAME_MAX];  // of the next entry
	size_t name_len;
	// Private.
	struct tar_linked *links[TAR_LINK_BUCKETS];
	char pax[TAR_PAX_MAX];
	size_t pax_len;
	uint8_t buffer[64u * 1024];
	uint8_t frame[TAR_FRAME_HEAD + TAR_FRAME_MAX];
	size_t frame_len;
};

// Bytes of the archive.
void tar_write_bytes(struct tar_writer *w, const void *bytes, size_t len);
// The header of what is called w->name; `link` is where a link leads, or "".
void tar_write_header(struct tar_writer *w, char type, const struct stat *st, uint64_t size,
                      const char *link);
// The attributes of an open file, for the next header; trusted ones are left out.
void tar_write_xattrs(struct tar_writer *w, int fd);
// A regular file, called `name` in `dir`, with its content, or as a link to its first name.
void tar_write_file(struct tar_writer *w, int dir, const char *name, const struct stat *st);
void tar_write_symlink(struct tar_writer *w, int dir, const char *name, const struct stat *st);
// The end of a part of what comes in frames, behind other bytes than an archive's.
void tar_write_part_end(struct tar_writer *w);
// The end of the archive; another may follow. Returns the error. To be called after errors, too.
int tar_write_end(struct tar_writer *w);
