// SPDX-License-Identifier: MIT
//
// Layers for tests, made in memory.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/image/digest.h"
#include "tools/image/tree/layer.h"

struct test_tar {
	struct archive *archive;
	char *bytes;
	size_t size;
	size_t room;
	int64_t owner;  // user and group of what is added
};

// `filter` is how it is compressed, such as ARCHIVE_FILTER_GZIP.
static inline void test_tar_open_filter(struct test_tar *tar, size_t room, int filter)
{
	tar->room = room;
	tar->owner = 0;
	tar->size = 0;
	tar->bytes = malloc(room);
	tar->archive = archive_write_new();
	archive_write_add_filter(tar->archive, filter);
	archive_write_set_format_pax(tar->archive);
	archive_write_set_options(tar->archive, "hdrcharset=BINARY,xattrheader=SCHILY");
	archive_write_open_memory(tar->archive, tar->bytes, room, &tar->size);
}

static inline void test_tar_open(struct test_tar *tar, size_t room)
{
	test_tar_open_filter(tar, room, ARCHIVE_FILTER_NONE);
}

// One entry. `link` is a symbolic link's target, or with S_IFMT == 0 a hard link's.
static inline void test_tar_add(struct test_tar *tar, const char *path, mode_t mode,
                                const char *link, const char *content)
{
	struct archive_entry *entry = archive_entry_new();
	size_t size = content ? strlen(content) : 0;

	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, mode & S_IFMT ? mode : S_IFREG | mode);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, 1, 0);
	archive_entry_set_uid(entry, tar->owner);
	archive_entry_set_gid(entry, tar->owner);
	if (link && S_ISLNK(mode))
		archive_entry_set_symlink(entry, link);
	else if (link)
		archive_entry_set_hardlink(entry, link);
	if (archive_write_header(tar->archive, entry) >= ARCHIVE_WARN && size > 0)
		archive_write_data(tar->archive, content, size);
	archive_entry_free(entry);
}

static inline void test_tar_close(struct test_tar *tar)
{
	archive_write_close(tar->archive);
	archive_write_free(tar->archive);
}

struct memory_source {
	struct layer_source source;
	const char *bytes;
	size_t size;
};

static inline long memory_source_read(struct layer_source *source, void *buffer, unsigned long size,
                                      struct error *err)
{
	struct memory_source *memory = (struct memory_source *)source;
	size_t length = memory->size < size ? memory->size : size;

	(void)err;
	if (length > 0)
		memcpy(buffer, memory->bytes, length);
	memory->bytes += length;
	memory->size -= length;
	return (long)length;
}

static inline int memory_apply(struct tree *tree, struct spool *spool, const void *bytes,
                               size_t size, unsigned number, struct error *err)
{
	struct memory_source source = { { memory_source_read }, bytes, size };
	char diff_id[DIGEST_TEXT_SIZE] = "";

	return layer_apply(tree, spool, &source.source, number, diff_id, err);
}
