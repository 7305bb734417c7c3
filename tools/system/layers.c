// SPDX-License-Identifier: MIT
#include "tools/system/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/image/digest.h"
#include "tools/image/json_input.h"
#include "tools/image/source/oci.h"
#include "tools/system/report.h"

#define UNFINISHED "oci-put-blob"  // what skopeo calls a blob that is not whole
#define MAX_LAYERS 512

static uint64_t size_said(const json_t *descriptor)
{
	json_int_t size = json_integer_value(json_object_get(descriptor, "size"));

	return size > 0 ? (uint64_t)size : 0;
}

int layers_init(struct layers *layers, const json_t *manifest, struct error *err)
{
	json_t *list = json_object_get(manifest, "layers");
	json_t *item;
	size_t i;

	layers->items = calloc(json_array_size(list) + 1, sizeof(*layers->items));
	if (!layers->items)
		return error_set(err, "out of memory");
	if (oci_manifest_size(manifest) > SPOOL_DEFAULT_LIMIT)
		return error_set(err, "the image's layers have more than %llu MiB",
		                 (unsigned long long)SPOOL_DEFAULT_LIMIT >> 20);
	layers->config_size = size_said(json_object_get(manifest, "config"));
	json_array_foreach(list, i, item)
	{
		const char *digest = json_get_string(item, "digest");
		char id[REPORT_ID_SIZE];

		if (!digest || !digest_is_valid(digest) || layers->count == MAX_LAYERS)
			continue;
		layers->items[layers->count++] =
			(struct pulled_layer){ .digest = digest, .size = size_said(item) };
		report_id(digest, id);
		report_status(id, "Pulling fs layer");
	}
	return 0;
}

void layers_deinit(struct layers *layers)
{
	free(layers->items);
	*layers = (struct layers){ 0 };
}

static void layer_finish(struct pulled_layer *layer)
{
	char id[REPORT_ID_SIZE];

	layer->is_fetched = true;
	report_id(layer->digest, id);
	report_status(id, "Download complete");
}

static bool is_there(int directory, const char *digest)
{
	char path[sizeof("blobs/sha256/") + DIGEST_TEXT_SIZE];

	snprintf(path, sizeof(path), "blobs/%.6s/%s", digest, digest + 7);
	return faccessat(directory, path, F_OK, 0) == 0;
}

// How many bytes of blobs that are not whole yet there are.
static uint64_t unfinished_size(int directory)
{
	int copy = dup(directory);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	struct stat status;
	uint64_t size = 0;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return 0;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, UNFINISHED, strlen(UNFINISHED)) == 0 &&
		    fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			size += (uint64_t)status.st_size;
	closedir(dir);
	return size;
}

static uint64_t unfetched_size(const struct layers *layers)
{
	uint64_t size = layers->config_size;

	for (size_t i = 0; i < layers->count; i++)
		size += layers->items[i].is_fetched ? 0 : layers->items[i].size;
	return size;
}

bool layers_look(struct layers *layers, const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t left;

	if (directory < 0)
		return true;
	left = unfinished_size(directory);
	layers->is_endless = left > unfetched_size(layers);
	for (size_t i = 0; i < layers->count; i++) {
		struct pulled_layer *layer = &layers->items[i];

		if (layer->is_fetched)
			continue;
		if (is_there(directory, layer->digest)) {
			layer_finish(layer);
		} else if (left > 0) {
			// Which of them it is of is not told: the first ones come first.
			uint64_t done = left < layer->size ? left : layer->size;

			report_progress(layer->digest, "Downloading", done, layer->size);
			left -= done;
		}
	}
	close(directory);
	return !layers->is_endless;
}

void layers_fetched(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		if (!layers->items[i].is_fetched)
			layer_finish(&layers->items[i]);
}

void layers_extracting(const char *digest, uint64_t done, uint64_t size)
{
	static char finished[DIGEST_TEXT_SIZE];
	char id[REPORT_ID_SIZE];

	report_progress(digest, "Extracting", done, size);
	if (done < size || strcmp(finished, digest) == 0)
		return;
	strcpy(finished, digest);
	report_id(digest, id);
	report_status(id, "Pull complete");
}
