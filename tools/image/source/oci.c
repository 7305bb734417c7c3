// SPDX-License-Identifier: MIT
#include "tools/image/source/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/image/json_input.h"
#include "tools/image/tree/layer.h"

#define MAX_INDEX_DEPTH 4
#define MAX_DESCRIPTORS 4096
#define MAX_LAYERS 512
#define REF_NAME "org.opencontainers.image.ref.name"

int oci_open(struct oci_layout *layout, const char *path, const char *name, struct error *err)
{
	layout->name = name;
	layout->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layout->fd < 0)
		return error_set_errno(err, errno, "cannot open the image layout %s", path);
	if (faccessat(layout->fd, "index.json", R_OK, 0) < 0) {
		error_set(err, "%s is no OCI image layout: it has no index.json", name);
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

static int file_open(const struct oci_layout *layout, const char *path, uint64_t *size,
                     struct error *err)
{
	// Not blocking: a FIFO in a hostile layout must not stop us.
	int fd = openat(layout->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat stat;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, "%s: the file %s is missing", layout->name, path);
	if (fd < 0)
		return error_set_errno(err, errno, "%s: cannot open %s", layout->name, path);
	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
		close(fd);
		return error_set(err, "%s: %s is no regular file", layout->name, path);
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
	char actual[DIGEST_TEXT_SIZE];
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
	if (digest && digest_of(text, (size_t)length, actual, err) < 0)
		goto out_close;
	if (digest && strcmp(digest, actual) != 0) {
		error_set(err, "%s is corrupt: the blob %s has the digest %s", layout->name, digest,
		          actual);
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

static int blob_path(const char *digest, char path[128], struct error *err)
{
	if (!digest || !digest_is_valid(digest))
		return error_set(err, "a blob's digest is \"%.80s\"; only sha256 digests are known",
		                 digest ? digest : "");
	snprintf(path, 128, "blobs/sha256/%s", digest + strlen("sha256:"));
	return 0;
}

static json_t *blob_read(const struct oci_layout *layout, const char *digest, struct error *err)
{
	char path[128];

	if (blob_path(digest, path, err) < 0) {
		error_prefix(err, "%s", layout->name);
		return NULL;
	}
	return document_read(layout, path, digest, err);
}

bool oci_is_index(const json_t *document)
{
	return json_is_array(json_object_get(document, "manifests"));
}

enum platform { PLATFORM_OURS, PLATFORM_OTHER, PLATFORM_UNKNOWN };

// Names of the platforms that were passed over, for the message.
struct platforms {
	char text[512];
};

static void platforms_add(struct platforms *platforms, const char *os, const char *architecture)
{
	char name[128];
	size_t length = strlen(platforms->text);

	snprintf(name, sizeof(name), "%.60s/%.60s", os, architecture);
	if (strcmp(os, "unknown") == 0 || strstr(platforms->text, name))
		return;
	snprintf(platforms->text + length, sizeof(platforms->text) - length, "%s%s",
	         length ? ", " : "", name);
}

static enum platform platform_check(const json_t *object, struct platforms *platforms)
{
	const char *os = json_get_string(object, "os");
	const char *architecture = json_get_string(object, "architecture");

	if (!os || !architecture)
		return PLATFORM_UNKNOWN;
	if (strcmp(os, OCI_OS) == 0 && strcmp(architecture, OCI_ARCHITECTURE) == 0)
		return PLATFORM_OURS;
	platforms_add(platforms, os, architecture);
	return PLATFORM_OTHER;
}

static int no_platform(struct error *err, const char *name, const struct platforms *platforms)
{
	return error_set(err,
	                 "%s has no image for " OCI_OS "/" OCI_ARCHITECTURE "; it has %s. "
	                 "Choose an image that is built for riscv64",
	                 name, platforms->text[0] ? platforms->text : "none at all");
}

const char *oci_index_pick(const json_t *index, const char *name, struct error *err)
{
	struct platforms platforms = { 0 };
	json_t *descriptor;
	size_t i;

	json_array_foreach(json_object_get(index, "manifests"), i, descriptor)
	{
		const char *digest = json_get_string(descriptor, "digest");

		if (platform_check(json_object_get(descriptor, "platform"), &platforms) !=
		    PLATFORM_OURS)
			continue;
		if (digest && digest_is_valid(digest))
			return digest;
	}
	no_platform(err, name, &platforms);
	return NULL;
}

struct selection {
	const struct oci_layout *layout;
	struct oci_image *image;
	struct platforms platforms;
	unsigned descriptors;
	struct error *err;
};

// Takes the manifest `digest` if its image is for our platform. 1: taken, 0: not for us.
static int manifest_consider(struct selection *selection, const char *digest, json_t *manifest)
{
	struct oci_image *image = selection->image;
	const char *config_digest = json_get_string(json_object_get(manifest, "config"), "digest");
	json_t *config;

	if (image->manifest) {
		if (strcmp(image->digest, digest) == 0)
			return 0;
		return error_set(selection->err,
		                 "%s holds several " OCI_OS "/" OCI_ARCHITECTURE
		                 " images; add :NAME to say which",
		                 selection->layout->name);
	}
	config = blob_read(selection->layout, config_digest, selection->err);
	if (!config)
		return -1;
	if (platform_check(config, &selection->platforms) != PLATFORM_OURS) {
		json_decref(config);
		return 0;
	}
	image->config = config;
	image->manifest = json_incref(manifest);
	memcpy(image->digest, digest, DIGEST_TEXT_SIZE);
	return 1;
}

static int index_search(struct selection *selection, const json_t *index, const char *ref,
                        unsigned depth);

static int descriptor_consider(struct selection *selection, const json_t *descriptor,
                               unsigned depth)
{
	const char *digest = json_get_string(descriptor, "digest");
	json_t *document;
	int result;

	if (++selection->descriptors > MAX_DESCRIPTORS)
		return error_set(selection->err, "%s lists more than %u manifests",
		                 selection->layout->name, MAX_DESCRIPTORS);
	if (platform_check(json_object_get(descriptor, "platform"), &selection->platforms) ==
	    PLATFORM_OTHER)
		return 0;
	document = blob_read(selection->layout, digest, selection->err);
	if (!document)
		return -1;
	if (oci_is_index(document))
		result = index_search(selection, document, NULL, depth + 1);
	else
		result = manifest_consider(selection, digest, document);
	json_decref(document);
	return result;
}

static int index_search(struct selection *selection, const json_t *index, const char *ref,
                        unsigned depth)
{
	json_t *descriptor;
	size_t i;

	if (depth > MAX_INDEX_DEPTH)
		return error_set(selection->err, "%s: indexes are nested more than %u deep",
		                 selection->layout->name, MAX_INDEX_DEPTH);
	json_array_foreach(json_object_get(index, "manifests"), i, descriptor)
	{
		const char *name =
			json_get_string(json_object_get(descriptor, "annotations"), REF_NAME);

		if (ref && (!name || strcmp(name, ref) != 0))
			continue;
		if (descriptor_consider(selection, descriptor, depth) < 0)
			return -1;
	}
	return 0;
}

int oci_select(const struct oci_layout *layout, const char *ref, struct oci_image *image,
               struct error *err)
{
	struct selection selection = { .layout = layout, .image = image, .err = err };
	json_t *index = document_read(layout, "index.json", NULL, err);
	int result;

	*image = (struct oci_image){ 0 };
	if (!index)
		return -1;
	result = index_search(&selection, index, ref, 0);
	if (result == 0 && !image->manifest) {
		if (ref && selection.descriptors == 0)
			result = error_set(err, "%s has no image called %s", layout->name, ref);
		else
			result = no_platform(err, layout->name, &selection.platforms);
	}
	if (result < 0)
		oci_image_deinit(image);
	json_decref(index);
	return result;
}

void oci_image_deinit(struct oci_image *image)
{
	json_decref(image->manifest);
	json_decref(image->config);
	*image = (struct oci_image){ 0 };
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
	struct digest digest;
	struct progress *progress;
	uint64_t *done;
};

static long blob_source_read(struct layer_source *source, void *buffer, unsigned long size,
                             struct error *err)
{
	struct blob_source *blob = (struct blob_source *)source;
	ssize_t length = read_fully(blob->fd, buffer, size);

	if (length < 0)
		return error_set_errno(err, errno, "it cannot be read");
	digest_update(&blob->digest, buffer, (size_t)length);
	*blob->done += (uint64_t)length;
	progress_update(blob->progress, *blob->done);
	return length;
}

// Reads what the decompressor left (there may be bytes behind the compressed stream), then compares.
static int blob_source_check(struct blob_source *blob, const char *digest, struct error *err)
{
	char actual[DIGEST_TEXT_SIZE];
	char rest[4096];
	long length;

	while ((length = blob_source_read(&blob->source, rest, sizeof(rest), err)) > 0)
		;
	if (length < 0)
		return -1;
	digest_finish(&blob->digest, actual);
	if (strcmp(actual, digest) != 0)
		return error_set(err, "it is corrupt: its digest is %s", actual);
	return 0;
}

static int layer_apply_blob(const struct oci_layout *layout, const char *digest,
                            const char *diff_id, struct tree *tree, struct spool *spool,
                            unsigned number, struct progress *progress, uint64_t *done,
                            struct error *err)
{
	struct blob_source blob = { .source.read = blob_source_read,
		                    .progress = progress,
		                    .done = done };
	char actual_diff_id[DIGEST_TEXT_SIZE];
	struct error mismatch;
	char path[128];
	uint64_t size;
	int result = -1;

	if (blob_path(digest, path, err) < 0)
		goto out_named;
	blob.fd = file_open(layout, path, &size, err);
	if (blob.fd < 0)
		goto out_named;
	if (digest_init(&blob.digest, err) < 0)
		goto out_close;
	result = layer_apply(tree, spool, &blob.source, number, actual_diff_id, err);
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
		const char *digest = json_get_string(json_array_get(layers, i), "digest");
		const char *diff_id = json_string_value(json_array_get(diff_ids, i));

		if (layer_apply_blob(layout, digest, diff_id, tree, spool, (unsigned)i + 1,
		                     &progress, &done, err) < 0)
			return -1;
	}
	progress_end(&progress);
	return 0;
}
