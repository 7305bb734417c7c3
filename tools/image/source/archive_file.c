// SPDX-License-Identifier: MIT
#include "tools/image/source/archive_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/common/workdir.h"
#include "tools/image/spool.h"

#define BLOCK_SIZE 65536
#define MAX_ENTRIES 100000

// What `docker load` takes.
static void filters_support(struct archive *archive)
{
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_zstd(archive);
}

// Of the file `path`, or NULL: what comes from `fd`.
static struct archive *tar_open(const char *path, int fd, struct error *err)
{
	struct archive *archive = archive_read_new();

	if (!archive) {
		error_set(err, "out of memory");
		return NULL;
	}
	filters_support(archive);
	archive_read_support_format_tar(archive);
	if ((path ? archive_read_open_filename(archive, path, BLOCK_SIZE)
	          : archive_read_open_fd(archive, fd, BLOCK_SIZE)) != ARCHIVE_OK) {
		error_set(err, "it is not a tar archive, nor a compressed one: %s",
		          archive_error_string(archive));
		archive_read_free(archive);
		return NULL;
	}
	return archive;
}

struct archive *archive_file_open(const char *path, struct error *err)
{
	return tar_open(path, -1, err);
}

struct archive *archive_file_open_fd(int fd, struct error *err)
{
	return tar_open(NULL, fd, err);
}

const char *archive_file_next(struct archive *archive, struct archive_entry **entry, bool *failed,
                              struct error *err)
{
	int result = archive_read_next_header(archive, entry);
	const char *name;

	*failed = false;
	if (result == ARCHIVE_EOF)
		return NULL;
	if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
		*failed = true;
		error_set(err, "it is not a sound tar archive: %s", archive_error_string(archive));
		return NULL;
	}
	name = archive_entry_pathname(*entry);
	if (!name)
		return "";
	return strncmp(name, "./", 2) == 0 ? name + 2 : name;
}

int archive_file_detect(const char *path, enum archive_kind *kind, bool *compressed,
                        struct error *err)
{
	struct archive *archive = archive_file_open(path, err);
	struct archive_entry *entry;
	bool docker = false;
	bool index = false;
	bool failed;
	const char *name;
	int entries = 0;
	int result = 1;

	if (!archive)
		return -1;
	while (result == 1 && (name = archive_file_next(archive, &entry, &failed, err))) {
		if (++entries > MAX_ENTRIES)
			result = error_set(err, "it has more than %d entries", MAX_ENTRIES);
		if (strcmp(name, "oci-layout") == 0) {
			*kind = ARCHIVE_OCI;
			result = 0;
		}
		docker |= strcmp(name, "manifest.json") == 0;
		index |= strcmp(name, "index.json") == 0;
	}
	*compressed = archive_filter_code(archive, 0) != ARCHIVE_FILTER_NONE;
	if (result == 1 && failed)
		result = -1;
	if (result == 1 && (docker || index)) {
		*kind = docker ? ARCHIVE_DOCKER : ARCHIVE_OCI;
		result = 0;
	}
	if (result == 1)
		result = error_set(
			err,
			"it is neither an archive of `docker save` (with a manifest.json) nor "
			"an OCI one (with an oci-layout)");
	archive_read_free(archive);
	return result;
}

int archive_file_decompress(const char *path, const char *output, struct error *err)
{
	struct archive *archive = archive_read_new();
	int fd = open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct archive_entry *entry;
	struct progress progress;
	static char block[BLOCK_SIZE];
	uint64_t total = 0;
	la_ssize_t length = -1;
	int result = -1;

	if (!archive || fd < 0) {
		error_set_errno(err, errno, "cannot write %s", output);
		goto out_close;
	}
	filters_support(archive);
	archive_read_support_format_raw(archive);
	progress_begin(&progress, "decompressing the image file", 0);
	if (archive_read_open_filename(archive, path, BLOCK_SIZE) == ARCHIVE_OK &&
	    archive_read_next_header(archive, &entry) == ARCHIVE_OK)
		while ((length = archive_read_data(archive, block, BLOCK_SIZE)) > 0) {
			total += (uint64_t)length;
			if (total > SPOOL_DEFAULT_LIMIT) {
				error_set(err, "it holds more than %llu MiB",
				          (unsigned long long)SPOOL_DEFAULT_LIMIT >> 20);
				goto out_close;
			}
			if (write(fd, block, (size_t)length) != length) {
				error_set_errno(err, errno ? errno : ENOSPC, "cannot write %s",
				                output);
				goto out_close;
			}
			progress_update(&progress, total);
		}
	if (length < 0)
		error_set(err, "it cannot be decompressed: %s", archive_error_string(archive));
	else
		result = 0;
	progress_end(&progress);
out_close:
	if (fd >= 0)
		close(fd);
	archive_read_free(archive);
	return result;
}

// Where the digest of this very file is remembered.
static char *memo_path(const char *path, const struct stat *stat, const char *cache,
                       struct error *err)
{
	char digest[DIGEST_TEXT_SIZE];
	char *real = realpath(path, NULL);
	char *text = NULL;
	char *memo = NULL;

	if (real &&
	    asprintf(&text, "%s\n%lu %lu %lld %lld.%09ld %lld.%09ld", real,
	             (unsigned long)stat->st_dev, (unsigned long)stat->st_ino,
	             (long long)stat->st_size, (long long)stat->st_mtim.tv_sec,
	             stat->st_mtim.tv_nsec, (long long)stat->st_ctim.tv_sec,
	             stat->st_ctim.tv_nsec) < 0)
		text = NULL;
	if (!text)
		error_set_errno(err, errno, "cannot find %s", path);
	else if (digest_of(text, strlen(text), digest, err) == 0 &&
	         asprintf(&memo, "%s/files/%s", cache, digest + 7) < 0)
		memo = NULL;
	free(text);
	free(real);
	return memo;
}

static bool memo_read(const char *memo, char digest[DIGEST_TEXT_SIZE])
{
	FILE *file = fopen(memo, "re");
	bool found;

	if (!file)
		return false;
	found = fgets(digest, DIGEST_TEXT_SIZE, file) && digest_is_valid(digest);
	fclose(file);
	return found;
}

// Best effort: without it, the next run computes the digest again.
static void memo_write(const char *memo, const char *digest)
{
	char *temporary;
	int fd;

	if (asprintf(&temporary, "%s.XXXXXX", memo) < 0)
		return;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, digest, strlen(digest)) != (ssize_t)strlen(digest) ||
		    rename(temporary, memo) < 0)
			unlink(temporary);
		close(fd);
	}
	free(temporary);
}

static int file_digest(const char *path, uint64_t size, char text[DIGEST_TEXT_SIZE],
                       struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct digest digest = { 0 };
	struct progress progress;
	char block[BLOCK_SIZE];
	uint64_t done = 0;
	ssize_t length;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s", path);
	if (digest_init(&digest, NULL, err) < 0) {
		close(fd);
		return -1;
	}
	progress_begin(&progress, "looking at the image file", size);
	while ((length = read(fd, block, sizeof(block))) > 0 || (length < 0 && errno == EINTR)) {
		if (length < 0)
			continue;
		digest_update(&digest, block, (size_t)length);
		done += (uint64_t)length;
		progress_update(&progress, done);
	}
	if (length < 0)
		error_set_errno(err, errno, "cannot read %s", path);
	else
		digest_finish(&digest, text);
	digest_abort(&digest);
	close(fd);
	return length < 0 ? -1 : 0;
}

int archive_file_digest(const char *path, const struct stat *stat, const char *cache,
                        char digest[DIGEST_TEXT_SIZE], struct error *err)
{
	char *memo = memo_path(path, stat, cache, err);
	int result = 0;

	if (!memo)
		return -1;
	if (!memo_read(memo, digest)) {
		result = file_digest(path, (uint64_t)stat->st_size, digest, err);
		if (result == 0)
			memo_write(memo, digest);
	}
	free(memo);
	return result;
}

// Whether `name` is index.json or a blob's path.
static bool is_layout_file(const char *name)
{
	enum { PREFIX = 6, ALGORITHM = 6 };  // "blobs/", "sha256"
	size_t length = strlen(name);
	char digest[DIGEST_TEXT_SIZE];

	if (strcmp(name, "oci-layout") == 0 || strcmp(name, "index.json") == 0)
		return true;
	if (strncmp(name, "blobs/", PREFIX) != 0 || length <= PREFIX + ALGORITHM ||
	    length - PREFIX >= sizeof(digest) || name[PREFIX + ALGORITHM] != '/')
		return false;
	strcpy(digest, name + PREFIX);
	digest[ALGORITHM] = ':';
	return digest_is_valid(digest);
}

// A link between two files of the layout. Whoever reads it looks where it leads.
static int link_extract(struct archive_entry *entry, const char *directory, const char *name,
                        struct error *err)
{
	const char *target = archive_entry_hardlink(entry);
	char *old = NULL;
	char *path = NULL;
	int result;

	if (target && strncmp(target, "./", 2) == 0)
		target += 2;
	if (target && (!is_layout_file(target) || strcmp(target, name) == 0))
		return 0;
	if (asprintf(&path, "%s/%s", directory, name) < 0 ||
	    (target && asprintf(&old, "%s/%s", directory, target) < 0))
		return error_set(err, "out of memory");
	unlink(path);
	result = target ? link(old, path) : symlink(archive_entry_symlink(entry), path);
	if (result < 0 && errno != ENOENT)
		error_set_errno(err, errno, "cannot write %s", path);
	else
		result = 0;  // without its target, it is missing
	free(old);
	free(path);
	return result;
}

static int entry_extract(struct archive *archive, struct archive_entry *entry,
                         const char *directory, const char *name, uint64_t *total,
                         struct error *err)
{
	int64_t size = archive_entry_size(entry);
	char *path;
	int fd;
	int result = 0;

	if (size < 0 || (uint64_t)size > SPOOL_DEFAULT_LIMIT - *total)
		return error_set(err, "it holds more than %llu MiB",
		                 (unsigned long long)SPOOL_DEFAULT_LIMIT >> 20);
	*total += (uint64_t)size;
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return error_set(err, "out of memory");
	// Never through a link that an earlier entry made.
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		result = error_set_errno(err, errno, "cannot write %s", path);
	else if (archive_read_data_into_fd(archive, fd) < ARCHIVE_WARN)
		result = archive_errno(archive) == ENOSPC
			? error_set_errno(err, ENOSPC, "cannot write %s", path)
			: error_set(err, "%s in it cannot be read: %s", name,
		                    archive_error_string(archive));
	if (fd >= 0)
		close(fd);
	free(path);
	return result;
}

static int layout_extract(struct archive *archive, const char *directory, struct error *err)
{
	struct archive_entry *entry;
	struct progress progress;
	uint64_t total = 0;
	const char *name;
	bool failed;

	progress_begin(&progress, "reading the image file", 0);
	while ((name = archive_file_next(archive, &entry, &failed, err))) {
		bool is_link = archive_entry_hardlink(entry) || archive_entry_symlink(entry);

		if (!is_layout_file(name) ||
		    (archive_entry_filetype(entry) != AE_IFREG && !is_link))
			continue;
		if ((is_link ? link_extract(entry, directory, name, err)
		             : entry_extract(archive, entry, directory, name, &total, err)) < 0)
			return -1;
		progress_update(&progress, total);
	}
	if (failed)
		return -1;
	progress_end(&progress);
	return 0;
}

// The directories for blobs of both algorithms.
static int blobs_create(const char *layout, struct error *err)
{
	static const char *const algorithms[] = { "sha256", "sha512" };
	int result = 0;

	for (unsigned i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]) && result == 0; i++) {
		char *path;

		if (asprintf(&path, "%s/blobs/%s", layout, algorithms[i]) < 0)
			return error_set(err, "out of memory");
		result = directory_create(path, err);
		free(path);
	}
	return result;
}

char *archive_file_extract(const char *path, const char *name, const char *scratch,
                           struct error *err)
{
	struct archive *archive = NULL;
	char *layout = NULL;
	int result = -1;

	if (asprintf(&layout, "%s/layout", scratch) < 0) {
		error_set(err, "out of memory");
		return NULL;
	}
	if (blobs_create(layout, err) == 0) {
		archive = archive_file_open(path, err);
		if (archive)
			result = layout_extract(archive, layout, err);
		if (result < 0)
			error_prefix(err, "%s", name);
		archive_read_free(archive);
	}
	if (result == 0)
		return layout;
	free(layout);
	return NULL;
}
