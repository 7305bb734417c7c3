// SPDX-License-Identifier: MIT
#include "tools/image/source/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/image/json_input.h"
#include "tools/image/tree/layer.h"

#define MAX_LAYERS 512

int oci_open(struct oci_layout *layout, const char *path, const char *name, struct error *err)
{
	*layout = (struct oci_layout){ .name = name };
	layout->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layout->fd < 0)
		return error_set_errno(err, errno, "cannot open the image layout %s", path);
	if (faccessat(layout->fd, "index.json", R_OK, 0) < 0) {
		error_set(err, "%s is not an OCI image layout: it has no index.json", name);
		oci_close(layout);
		return -1;
	}
	return 0;
}

void oci_close(struct oci_layout *layout)
{
	if (layout->fd >= 0)
		close(layout->fd);
	layout->fd = -1;
}

// Opens a file of the layout: through symbolic links, but never one outside. Not blocking: a FIFO
// in a hostile layout must not stop us.
static int beneath_open(int directory, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
		                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));

	// A kernel that cannot confine the way follows no links at all.
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd;
}

static int file_open(const struct oci_layout *layout, const char *path, uint64_t *size,
                     struct error *err)
{
	int fd = beneath_open(layout->fd, path);
	struct stat stat;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, "%s: the file %s is missing", layout->name, path);
	if (fd < 0 && errno == EXDEV)
		return error_set(err, "%s: %s is a link out of the layout", layout->name, path);
	if (fd < 0)
		return error_set_errno(err, errno, "%s: cannot open %s", layout->name, path);
	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
		close(fd);
		return error_set(err, "%s: %s is not a regular file", layout->name, path);
	}
	*size = (uint64_t)stat.st_size;
	return fd;
}

static ssize_t read_fully(int fd, char *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t length = read(fd, buffer + done, size - done);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -1;
		if (length == 0)
			break;
		done += (size_t)length;
	}
	return (ssize_t)done;
}

// The JSON in the file `path`, whose digest must be `digest` unless that is NULL.
static json_t *document_read(const struct oci_layout *layout, const char *path, const char *digest,
                             struct error *err)
{
	json_t *document = NULL;
	char *text = NULL;
	ssize_t length;
	uint64_t size;
	int fd = file_open(layout, path, &size, err);

	if (fd < 0)
		return NULL;
	if (size > JSON_MAX_SIZE) {
		error_set(err, "%s: %s is larger than %u MiB", layout->name, path,
		          JSON_MAX_SIZE >> 20);
		goto out_close;
	}
	text = malloc((size_t)size + 1);
	length = text ? read_fully(fd, text, (size_t)size) : -1;
	if (length < 0) {
		error_set_errno(err, errno, "%s: cannot read %s", layout->name, path);
		goto out_close;
	}
	if (digest && !digest_matches(text, (size_t)length, digest, err)) {
		error_prefix(err, "%s is corrupt", layout->name);
		goto out_close;
	}
	document = json_parse(text, (size_t)length, path, err);
	if (!document)
		error_prefix(err, "%s", layout->name);
out_close:
	free(text);
	close(fd);
	return document;
}

#define BLOB_PATH_SIZE (sizeof("blobs/") + DIGEST_TEXT_SIZE)

static int blob_path(const char *digest, char path[BLOB_PATH_SIZE], struct error *err)
{
	if (!digest || !digest_is_valid(digest))
		return error_set(
			err, "a blob's digest is \"%.80s\"; sha256 and sha512 digests are known",
			digest ? digest : "");
	snprintf(path, BLOB_PATH_SIZE, "blobs/%.6s/%s", digest, digest + 7);
	return 0;
}

struct layout_reader {
	struct oci_reader reader;
	const struct oci_layout *layout;
};

static json_t *blob_read(const struct oci_layout *layout, const json_t *descriptor,
                         struct error *err)
{
	const char *digest = json_get_string(descriptor, "digest");
	char path[BLOB_PATH_SIZE];

	if (blob_path(digest, path, err) < 0) {
		error_prefix(err, "%s", layout->name);
		return NULL;
	}
	return document_read(layout, path, digest, err);
}

static json_t *read_manifest(struct oci_reader *reader, const json_t *descriptor, struct error *err)
{
	return blob_read(((struct layout_reader *)reader)->layout, descriptor, err);
}

static json_t *read_config(struct oci_reader *reader, const char *manifest_digest,
                           const json_t *descriptor, struct error *err)
{
	(void)manifest_digest;
	return blob_read(((struct layout_reader *)reader)->layout, descriptor, err);
}

int oci_select_among(const struct oci_layout *layout, const json_t *index, const char *ref,
                     struct oci_image *image, struct error *err)
{
	struct layout_reader reader = {
		.reader = { .name = layout->name,
		            .manifest = read_manifest,
		            .config = read_config,
		            .max_mislabelled = UINT32_MAX },
		.layout = layout,
	};

	return oci_choose(&reader.reader, index, true, ref, image, err);
}

int oci_select(const struct oci_layout *layout, const char *ref, struct oci_image *image,
               struct error *err)
{
	json_t *index = document_read(layout, "index.json", NULL, err);
	int result;

	*image = (struct oci_image){ 0 };
	if (!index)
		return -1;
	result = oci_select_among(layout, index, ref, image, err);
	json_decref(index);
	return result;
}

uint64_t oci_manifest_size(const json_t *manifest)
{
	uint64_t total = 0;
	json_t *layer;
	size_t i;

	json_array_foreach(json_object_get(manifest, "layers"), i, layer)
	{
		json_int_t size = json_integer_value(json_object_get(layer, "size"));

		if (size > 0 && size < INT64_MAX / MAX_LAYERS && i < MAX_LAYERS)
			total += (uint64_t)size;
	}
	return total;
}

struct blob_source {
	struct layer_source source;
	int fd;
	struct digest digest;  // not begun: nobody asks
	struct progress *progress;
	uint64_t *done;
	const struct oci_layout *layout;
	const char *name;  // the blob's digest
	uint64_t size;
	uint64_t position;
};

static long blob_source_read(struct layer_source *source, void *buffer, unsigned long size,
                             struct error *err)
{
	struct blob_source *blob = (struct blob_source *)source;
	ssize_t length = read_fully(blob->fd, buffer, size);

	if (length < 0)
		return error_set_errno(err, errno, "it cannot be read");
	if (blob->digest.hash)
		digest_update(&blob->digest, buffer, (size_t)length);
	blob->position += (uint64_t)length;
	if (blob->layout->layer_read)
		blob->layout->layer_read(blob->name, blob->position, blob->size);
	*blob->done += (uint64_t)length;
	progress_update(blob->progress, *blob->done);
	return length;
}

// Reads what the decompressor left (there may be bytes behind the compressed stream), then
// compares.
static int blob_source_check(struct blob_source *blob, const char *digest, struct error *err)
{
	char actual[DIGEST_TEXT_SIZE];
	char rest[4096];
	long length;

	while ((length = blob_source_read(&blob->source, rest, sizeof(rest), err)) > 0)
		;
	if (length < 0)
		return -1;
	if (!blob->digest.hash)
		return 0;
	digest_finish(&blob->digest, actual);
	if (strcmp(actual, digest) != 0)
		return error_set(err, "it is corrupt: its digest is %s", actual);
	return 0;
}

// Layers that no one here can read are refused with the reason.
static int layer_check(const struct oci_layout *layout, const json_t *descriptor, struct error *err)
{
	const char *type = json_get_string(descriptor, "mediaType");
	const char *digest = json_get_string(descriptor, "digest");
	char path[BLOB_PATH_SIZE];

	if (type && strstr(type, "+encrypted"))
		return error_set(
			err,
			"it is encrypted; decrypt the image first (skopeo copy --decryption-key)");
	if (blob_path(digest, path, err) < 0)
		return -1;
	if (json_is_array(json_object_get(descriptor, "urls")) &&
	    faccessat(layout->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(
			err,
			"its content is not in the image, which only says where on the network it may be: "
			"get an image that has all its layers");
	return 0;
}

static int layer_apply_blob(const struct oci_layout *layout, const char *digest,
                            const char *diff_id, struct tree *tree, struct spool *spool,
                            unsigned number, struct progress *progress, uint64_t *done,
                            struct error *err)
{
	struct blob_source blob = { .source.read = blob_source_read,
		                    .progress = progress,
		                    .done = done,
		                    .layout = layout,
		                    .name = digest };
	char actual_diff_id[DIGEST_TEXT_SIZE];
	// The bytes of a blob that is not compressed were verified as it was.
	bool is_known = layout->is_verified && strcmp(digest, diff_id) == 0;
	struct error mismatch;
	char path[BLOB_PATH_SIZE];
	int result = -1;

	if (blob_path(digest, path, err) < 0)
		goto out_named;
	blob.fd = file_open(layout, path, &blob.size, err);
	if (blob.fd < 0)
		goto out_named;
	if (!layout->is_verified && digest_init(&blob.digest, digest, err) < 0)
		goto out_close;
	snprintf(actual_diff_id, sizeof(actual_diff_id), "%s", diff_id);
	result = layer_apply(tree, spool, &blob.source, number, is_known ? NULL : actual_diff_id,
	                     err);
	// A wrong digest explains whatever else went wrong.
	if (blob_source_check(&blob, digest, &mismatch) < 0) {
		*err = mismatch;
		result = -1;
	}
	if (result == 0 && strcmp(actual_diff_id, diff_id) != 0)
		result = error_set(err, "it is corrupt: uncompressed, its digest is %s, not %s",
		                   actual_diff_id, diff_id);
	digest_abort(&blob.digest);
out_close:
	close(blob.fd);
out_named:
	if (result < 0)
		error_prefix(err, "%s, layer %u (%s)", layout->name, number, digest);
	return result;
}

int oci_apply(const struct oci_layout *layout, const struct oci_image *image, struct tree *tree,
              struct spool *spool, struct error *err)
{
	json_t *layers = json_object_get(image->manifest, "layers");
	json_t *diff_ids = json_get_strings(json_object_get(image->config, "rootfs"), "diff_ids");
	size_t count = json_array_size(layers);
	struct progress progress;
	uint64_t done = 0;

	if (count > MAX_LAYERS)
		return error_set(err, "%s has %zu layers; %u are possible", layout->name, count,
		                 MAX_LAYERS);
	if (json_array_size(diff_ids) != count)
		return error_set(
			err, "%s is corrupt: its manifest has %zu layers, its configuration %zu",
			layout->name, count, json_array_size(diff_ids));
	progress_begin(&progress, "reading the image's layers", oci_manifest_size(image->manifest));
	for (size_t i = 0; i < count; i++) {
		const json_t *layer = json_array_get(layers, i);
		const char *digest = json_get_string(layer, "digest");
		const char *diff_id = json_string_value(json_array_get(diff_ids, i));

		if (layer_check(layout, layer, err) < 0)
			return error_prefix(err, "%s, layer %zu (%s)", layout->name, i + 1,
			                    digest ? digest : "no digest");
		if (layer_apply_blob(layout, digest, diff_id, tree, spool, (unsigned)i + 1,
		                     &progress, &done, err) < 0)
			return -1;
	}
	progress_end(&progress);
	return 0;
}
