// SPDX-License-Identifier: MIT
#include "tools/system/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/workdir.h"
#include "tools/image/digest.h"
#include "tools/image/json_input.h"
#include "tools/image/source/archive_file.h"
#include "tools/image/spool.h"
#include "tools/image/tree/tree.h"

#define BLOCK_SIZE (1u << 20)  // each is a request to the disk
#define MAX_ENTRIES 20000
#define MAX_NAME 512  // of what an image refers to
#define MAX_LINKS 8
#define BLOBS "blobs/sha256"

struct unpacking {
	struct unpacked *unpacked;
	const char *path;
	struct archive *archive;
	uint64_t total;
	struct error *err;
};

static bool name_clean(const char *name, char clean[TREE_MAX_PATH + 1])
{
	struct error ignored;

	return tree_path_clean(name, clean, &ignored) == 0 && clean[0] && strlen(clean) <= MAX_NAME;
}

// Writes the entry's content to the file `out` and computes its digest.
static int content_copy(struct unpacking *unpacking, int out, char digest[DIGEST_TEXT_SIZE])
{
	static char block[BLOCK_SIZE];
	struct digest state = { 0 };
	la_ssize_t length;

	if (digest_init(&state, NULL, unpacking->err) < 0)
		return -1;
	while ((length = archive_read_data(unpacking->archive, block, sizeof(block))) > 0) {
		unpacking->total += (uint64_t)length;
		if (unpacking->total > SPOOL_DEFAULT_LIMIT) {
			digest_abort(&state);
			return error_set(unpacking->err, "the archive holds more than %llu MiB",
			                 (unsigned long long)SPOOL_DEFAULT_LIMIT >> 20);
		}
		digest_update(&state, block, (size_t)length);
		if (write(out, block, (size_t)length) != length) {
			digest_abort(&state);
			return error_set_errno(unpacking->err, errno ? errno : ENOSPC,
			                       "cannot write the archive's files");
		}
	}
	if (length < 0) {
		digest_abort(&state);
		return error_set(unpacking->err, "the archive cannot be read: %s",
		                 archive_error_string(unpacking->archive));
	}
	digest_finish(&state, digest);
	return 0;
}

// Makes a blob of the entry's content.
static int blob_make(struct unpacking *unpacking, char digest[DIGEST_TEXT_SIZE])
{
	char *made = NULL;
	char *path = NULL;
	int fd = -1;
	int result = -1;

	if (asprintf(&made, "%s/" BLOBS "/new", unpacking->path) < 0)
		return error_set(unpacking->err, "out of memory");
	fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		error_set_errno(unpacking->err, errno, "cannot write %s", made);
	else
		result = content_copy(unpacking, fd, digest);
	if (fd >= 0)
		close(fd);
	if (result == 0 && asprintf(&path, "%s/" BLOBS "/%s", unpacking->path, digest + 7) < 0) {
		path = NULL;
		result = error_set(unpacking->err, "out of memory");
	}
	if (result == 0 && rename(made, path) < 0)
		result = error_set_errno(unpacking->err, errno, "cannot make %s", path);
	free(path);
	free(made);
	return result;
}

// What a symbolic link leads to, as a name of the archive: podman and old versions of docker keep a
// layer that two images have once.
static bool link_target(const char *name, const char *target, char clean[TREE_MAX_PATH + 1])
{
	char joined[2 * TREE_MAX_PATH];
	char directory[TREE_MAX_PATH + 1];
	char *slash;

	snprintf(directory, sizeof(directory), "%s", name);
	while (strncmp(target, "../", 3) == 0 || strncmp(target, "./", 2) == 0) {
		bool up = target[1] == '.';

		target += up ? 3 : 2;
		if (!up)
			continue;
		slash = strrchr(directory, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
	slash = strrchr(directory, '/');
	if (slash)
		slash[1] = '\0';
	else
		directory[0] = '\0';
	if (target[0] == '/' || strlen(target) > MAX_NAME)
		return false;
	snprintf(joined, sizeof(joined), "%s%s", directory, target);
	return name_clean(joined, clean);
}

static int entry_take(struct unpacking *unpacking, struct archive_entry *entry, const char *name)
{
	const char *hard = archive_entry_hardlink(entry);
	const char *soft = archive_entry_symlink(entry);
	char digest[DIGEST_TEXT_SIZE];
	char clean[TREE_MAX_PATH + 1];
	char target[TREE_MAX_PATH + 1];
	json_t *value = NULL;

	if (!name_clean(name, clean))
		return 0;
	if (hard || soft) {
		if (hard ? name_clean(hard, target) : link_target(clean, soft, target))
			value = json_pack("[s]", target);
	} else if (archive_entry_filetype(entry) == AE_IFREG) {
		if (blob_make(unpacking, digest) < 0)
			return -1;
		value = json_string(digest);
	}
	// A name that is no UTF-8 is none that an image refers to.
	if (value)
		json_object_set_new(unpacking->unpacked->names, clean, value);
	return 0;
}

static int entries_take(struct unpacking *unpacking)
{
	struct archive_entry *entry;
	unsigned count = 0;
	const char *name;
	bool failed;

	while ((name = archive_file_next(unpacking->archive, &entry, &failed, unpacking->err))) {
		if (++count > MAX_ENTRIES)
			return error_set(unpacking->err, "the archive has more than %u entries",
			                 MAX_ENTRIES);
		if (entry_take(unpacking, entry, name) < 0)
			return -1;
	}
	return failed ? -1 : 0;
}

static int layout_create(const char *path, struct error *err)
{
	char *blobs;
	int result;

	if (asprintf(&blobs, "%s/" BLOBS, path) < 0)
		return error_set(err, "out of memory");
	result = directory_create(blobs, err);
	free(blobs);
	return result;
}

int unpacked_read(struct unpacked *unpacked, int fd, const char *path, struct error *err)
{
	struct unpacking unpacking = { .unpacked = unpacked, .path = path, .err = err };
	int result = -1;

	unpacked->names = json_object();
	if (!unpacked->names)
		return error_set(err, "out of memory");
	if (layout_create(path, err) < 0)
		return -1;
	unpacking.archive = archive_file_open_fd(fd, err);
	if (unpacking.archive)
		result = entries_take(&unpacking);
	archive_read_free(unpacking.archive);
	return result;
}

void unpacked_deinit(struct unpacked *unpacked)
{
	json_decref(unpacked->names);
	unpacked->names = NULL;
}

const char *unpacked_digest(const struct unpacked *unpacked, const char *name)
{
	char clean[TREE_MAX_PATH + 1];
	const json_t *value;

	if (!name || !name_clean(name, clean))
		return NULL;
	value = json_object_get(unpacked->names, clean);
	for (unsigned i = 0; i < MAX_LINKS && json_is_array(value); i++)
		value = json_object_get(unpacked->names,
		                        json_string_value(json_array_get(value, 0)));
	return json_string_value(value);
}

json_t *unpacked_document(const struct unpacked *unpacked, const char *path, const char *name,
                          struct error *err)
{
	const char *digest = unpacked_digest(unpacked, name);
	json_t *document = NULL;
	char *file = NULL;
	char *text = malloc(JSON_MAX_SIZE + 1);
	FILE *stream;

	if (!digest) {
		error_set(err, "open %.200s: no such file in the archive", name ? name : "");
	} else if (!text || asprintf(&file, "%s/" BLOBS "/%s", path, digest + 7) < 0) {
		file = NULL;
		error_set(err, "out of memory");
	} else {
		stream = fopen(file, "re");
		if (stream)
			document = json_parse_any(text, fread(text, 1, JSON_MAX_SIZE + 1, stream),
			                          name, err);
		else
			error_set_errno(err, errno, "cannot read %s", name);
		if (stream)
			fclose(stream);
	}
	free(file);
	free(text);
	return document;
}
