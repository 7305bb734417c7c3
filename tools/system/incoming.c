// SPDX-License-Identifier: MIT
#include "tools/system/incoming.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/image/json_input.h"
#include "tools/image/pack/index.h"
#include "tools/image/pack/pack.h"
#include "tools/system/report.h"

#define SECTOR_SIZE 512

// The digits of the digest of the image's configuration.
static const char *image_name(const struct oci_image *image)
{
	const char *id = json_get_string(json_object_get(image->manifest, "config"), "digest");

	return id && digest_is_valid(id) && strncmp(id, "sha256:", 7) == 0 ? id + 7 : NULL;
}

static char *path_make(const char *directory, const char *name, const char *ending,
                       struct error *err)
{
	char *path;

	if (asprintf(&path, "%s/%s%s", directory, name, ending) >= 0)
		return path;
	error_set(err, "out of memory");
	return NULL;
}

// What the API shows of an image beside how it is run. (OCI image spec, config.md)
static json_t *entry_make(const struct incoming_image *incoming, uint64_t size)
{
	static const char *const texts[] = { "created",      "author", "comment",
		                             "architecture", "os",     "variant" };
	static const char *const shown[] = { "Shell", "OnBuild", "ArgsEscaped" };
	const json_t *config = incoming->image->config;
	json_t *run = index_config(config);
	json_t *layers = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	json_t *entry = json_pack("{s:s+, s:I, s:I, s:o}", "id",
	                          "sha256:", image_name(incoming->image), "first_sector",
	                          (json_int_t)0, "num_sectors", (json_int_t)(size / SECTOR_SIZE),
	                          "config", run);

	if (!entry)
		return NULL;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		json_t *value = json_object_get(json_object_get(config, "config"), shown[i]);

		if (value && !json_is_null(value))
			json_object_set(run, shown[i], value);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (json_get_string(config, texts[i]))
			json_object_set(entry, texts[i], json_object_get(config, texts[i]));
	if (json_is_array(json_object_get(config, "history")))
		json_object_set(entry, "history", json_object_get(config, "history"));
	json_object_set(entry, "layers", layers);
	json_object_set(entry, "references", (json_t *)incoming->references);
	json_object_set_new(entry, "name",
	                    json_array_size(incoming->references)
	                            ? json_incref(json_array_get(incoming->references, 0))
	                            : json_string(image_name(incoming->image)));
	if (incoming->digest)
		json_object_set_new(entry, "digest", json_string(incoming->digest));
	if (incoming->parent)
		json_object_set_new(entry, "parent", json_string(incoming->parent));
	if (incoming->container)
		json_object_set_new(entry, "container", json_string(incoming->container));
	if (incoming->container_image)
		json_object_set_new(entry, "container_image",
		                    json_string(incoming->container_image));
	if (incoming->blobs)
		json_object_set(entry, "blobs", (json_t *)incoming->blobs);
	return entry;
}

// Writes `text` to the disk.
static int text_write(const char *path, const char *text, struct error *err)
{
	FILE *file = fopen(path, "we");
	int result = 0;

	if (!file || fputs(text, file) < 0 || fflush(file) != 0 || fsync(fileno(file)) < 0)
		result = error_set_errno(err, errno, "cannot write %s", path);
	if (file && fclose(file) != 0 && result == 0)
		result = error_set_errno(err, errno, "cannot write %s", path);
	return result;
}

static int entry_write(const struct incoming_image *incoming, uint64_t size, const char *path,
                       struct error *err)
{
	json_t *entry = entry_make(incoming, size);
	char *text = entry ? json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	int result = -1;

	if (!text)
		error_set(err, "out of memory");
	else if (strlen(text) > JSON_MAX_SIZE)
		error_set(err, "the image's configuration is larger than %u MiB",
		          JSON_MAX_SIZE >> 20);
	else
		result = text_write(path, text, err);
	free(text);
	json_decref(entry);
	return result;
}

static int report(const struct incoming_image *incoming, uint64_t size, struct error *err)
{
	const char *name = image_name(incoming->image);
	json_t *line = json_pack("{s:s+, s:O, s:s+, s:s+, s:I}", "id", "sha256:", name,
	                         "references", incoming->references, "file", name, ".img", "config",
	                         name, ".json", "size", (json_int_t)size);

	if (!line)
		return error_set(err, "out of memory");
	if (incoming->digest)
		json_object_set_new(line, "digest", json_string(incoming->digest));
	report_image(line);
	return 0;
}

// Makes both files in `work`, where nobody looks.
static int files_make(const struct incoming_image *incoming, const char *root, const char *entry,
                      uint64_t *size, struct error *err)
{
	struct stat status;

	if (pack_root(incoming->apply, incoming->context, root, err) < 0)
		return -1;
	if (!image_name(incoming->image))
		return error_set(err, "the image's configuration has no SHA-256 digest");
	if (stat(root, &status) < 0)
		return error_set_errno(err, errno, "cannot use %s", root);
	*size = (uint64_t)status.st_size;
	return entry_write(incoming, *size, entry, err);
}

// Gives a file of `work` its place in the folder.
static int file_move(const char *made, const char *directory, const char *name, const char *ending,
                     struct error *err)
{
	char *path = path_make(directory, name, ending, err);
	int result = path ? 0 : -1;

	if (path && rename(made, path) < 0)
		result = error_set_errno(err, errno, "cannot make %s", path);
	free(path);
	return result;
}

int incoming_make(const char *directory, const struct incoming_image *incoming, struct error *err)
{
	char *root = path_make(directory, INCOMING_WORK "/new", ".img", err);
	char *entry = path_make(directory, INCOMING_WORK "/new", ".json", err);
	uint64_t size = 0;
	int result = -1;

	if (root && entry && files_make(incoming, root, entry, &size, err) == 0 &&
	    file_move(root, directory, image_name(incoming->image), ".img", err) == 0 &&
	    file_move(entry, directory, image_name(incoming->image), ".json", err) == 0)
		result = report(incoming, size, err);
	free(root);
	free(entry);
	return result;
}
