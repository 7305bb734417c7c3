// SPDX-License-Identifier: MIT
//
// Images in one file: which kind it is, what it holds, and its content's digest.
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "tools/common/error.h"
#include "tools/image/digest.h"

enum archive_kind {
	ARCHIVE_DOCKER,  // as `docker save` writes it
	ARCHIVE_OCI,     // an OCI image layout in a tar
};

struct archive;
struct archive_entry;

// Opens a tar archive, plain or compressed with gzip, bzip2, xz or zstd. For archive_read_free();
// NULL with `err`.
struct archive *archive_file_open(const char *path, struct error *err);
// The same of what comes from `fd`, which stays the caller's.
struct archive *archive_file_open_fd(int fd, struct error *err);

// The name of the next entry without a leading ./, or NULL at the end (*failed false) or on error
// (true).
const char *archive_file_next(struct archive *archive, struct archive_entry **entry, bool *failed,
                              struct error *err);

// Tells the kinds apart by the names in the archive, and whether it is compressed.
int archive_file_detect(const char *path, enum archive_kind *kind, bool *compressed,
                        struct error *err);

// Writes the archive, decompressed, to the new file `output`.
int archive_file_decompress(const char *path, const char *output, struct error *err);

// The SHA-256 of the file. Remembered in `cache` as long as the file, by `stat`, does not change.
int archive_file_digest(const char *path, const struct stat *stat, const char *cache,
                        char digest[DIGEST_TEXT_SIZE], struct error *err);

// Copies an OCI archive's index and blobs, and nothing else, to a layout directory below `scratch`.
// Nothing in the archive decides where anything is written but a blob's digest; links between blobs
// stay links. Returns the path, which the caller frees; NULL with `err`.
char *archive_file_extract(const char *path, const char *name, const char *scratch,
                           struct error *err);
