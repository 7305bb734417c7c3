// SPDX-License-Identifier: MIT
#include "tools/system/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/json_input.h"
#include "tools/image/source/oci.h"
#include "tools/image/source/reference.h"
#include "tools/system/incoming.h"
#include "tools/system/kept.h"
#include "tools/system/report.h"
#include "tools/system/unpack.h"

#define MAX_IMAGES 1000

struct loading {
	const char *directory;
	const char *path;  // of the layout
	struct oci_layout layout;
	struct unpacked unpacked;
	struct oci_platforms platforms;  // of what was passed over
	struct error first_error;        // of an image that could not be chosen
	bool failed;
	unsigned made;
	json_t *blobs;  // of the images that were made: the keys of an object
	struct error *err;
};

static void layer_read(const char *digest, uint64_t done, uint64_t size)
{
	report_progress(digest, "Loading layer", done, size);
}

// Adds the whole form of a name, if it is one.
static void reference_add(json_t *references, const char *name)
{
	struct error ignored;
	char *whole = name ? reference_normalize(name, &ignored) : NULL;

	// What a digest is of only a registry says (apps/images/ingest.c).
	if (whole && !strchr(whole, '@'))
		json_array_append_new(references, json_string(whole));
	free(whole);
}

struct local {
	const struct oci_layout *layout;
	const struct oci_image *image;
};

static int local_apply(void *context, struct tree *tree, struct spool *spool, struct error *err)
{
	const struct local *local = context;

	return oci_apply(local->layout, local->image, tree, spool, err);
}

// What the image's manifest names: layers, then the configuration.
static json_t *blobs_of(const json_t *manifest)
{
	json_t *blobs = json_array();
	json_t *layer;
	size_t i;

	json_array_foreach(json_object_get(manifest, "layers"), i, layer)
		json_array_append(blobs, json_object_get(layer, "digest"));
	json_array_append(blobs, json_object_get(json_object_get(manifest, "config"), "digest"));
	return blobs;
}

static int image_make(struct loading *loading, const struct oci_image *image, json_t *references)
{
	struct local local = { &loading->layout, image };
	json_t *blobs = blobs_of(image->manifest);
	const struct incoming_image incoming = { .image = image,
		                                 .apply = local_apply,
		                                 .context = &local,
		                                 .references = references,
		                                 .blobs = blobs };
	int result = incoming_make(loading->directory, &incoming, loading->err);
	json_t *blob;
	size_t i;

	loading->made++;
	json_array_foreach(blobs, i, blob)
	{
		if (result == 0 && json_is_string(blob))
			json_object_set_new(loading->blobs, json_string_value(blob), json_true());
	}
	json_decref(blobs);
	return result;
}

// Of several images some may have a layer in common: so no blob goes before all are made.
static void blobs_keep(const struct loading *loading)
{
	struct kept kept;
	const char *digest;
	json_t *ignored;

	kept_init(&kept, loading->directory, -1);
	json_object_foreach(loading->blobs, digest, ignored)
	{
		const char *colon = strchr(digest, ':');
		char *path;

		if (!colon || asprintf(&path, "%s/blobs/sha256/%s", loading->path, colon + 1) < 0)
			continue;
		kept_put(&kept, path, digest);
		free(path);
	}
}

// The manifest that an item of manifest.json stands for: its layers are blobs by now. NULL with an
// error.
static json_t *manifest_make(struct loading *loading, const json_t *item)
{
	const char *config = unpacked_digest(&loading->unpacked, json_get_string(item, "Config"));
	json_t *paths = json_get_strings(item, "Layers");
	json_t *layers = json_array();
	json_t *path;
	size_t i;

	json_array_foreach(paths, i, path)
	{
		const char *digest = unpacked_digest(&loading->unpacked, json_string_value(path));

		if (!digest) {
			json_decref(layers);
			error_set(loading->err, "open %.200s: no such file in the archive",
			          json_string_value(path));
			return NULL;
		}
		json_array_append_new(layers, json_pack("{s:s}", "digest", digest));
	}
	return json_pack("{s:{s:s}, s:o}", "config", "digest", config ? config : "", "layers",
	                 layers);
}

// An item of manifest.json: {"Config": PATH, "RepoTags": [NAME...], "Layers": [PATH...]}.
static int item_load(struct loading *loading, const json_t *item)
{
	struct oci_image image = { 0 };
	json_t *references = json_array();
	json_t *tag;
	size_t i;
	int result = -1;

	image.config = unpacked_document(&loading->unpacked, loading->path,
	                                 json_get_string(item, "Config"), loading->err);
	if (!image.config)
		goto out;
	result = 0;
	if (oci_platform_rank(image.config, NULL, &loading->platforms) == 0)
		goto out;
	json_array_foreach(json_get_strings(item, "RepoTags"), i, tag)
		reference_add(references, json_string_value(tag));
	image.manifest = manifest_make(loading, item);
	result = image.manifest ? image_make(loading, &image, references) : -1;
out:
	oci_image_deinit(&image);
	json_decref(references);
	return result;
}

static int manifest_load(struct loading *loading)
{
	json_t *manifest =
		unpacked_document(&loading->unpacked, loading->path, UNPACK_MANIFEST, loading->err);
	json_t *item;
	size_t i;
	int result = manifest ? 0 : -1;

	if (manifest && (!json_is_array(manifest) || json_array_size(manifest) > MAX_IMAGES))
		result = error_set(loading->err,
		                   UNPACK_MANIFEST " in the archive is not a list of images");
	json_array_foreach(manifest, i, item)
	{
		if (result == 0)
			result = item_load(loading, item);
	}
	json_decref(manifest);
	return result;
}

// An entry of index.json: a manifest, or an index of one image's variants.
static int entry_load(struct loading *loading, json_t *entry)
{
	json_t *index = json_pack("{s:[O]}", "manifests", entry);
	const char *name = oci_descriptor_name(entry);
	json_t *references = json_array();
	struct oci_image image = { 0 };
	int result = 0;

	// A tag alone, as other tools write it, is no name.
	if (name && strpbrk(name, "/:"))
		reference_add(references, name);
	if (oci_select_among(&loading->layout, index, NULL, &image, loading->err) == 0) {
		result = image_make(loading, &image, references);
	} else if (!loading->failed) {
		loading->failed = true;
		loading->first_error = *loading->err;
	}
	oci_image_deinit(&image);
	json_decref(references);
	json_decref(index);
	return result;
}

static int index_load(struct loading *loading)
{
	json_t *index =
		unpacked_document(&loading->unpacked, loading->path, UNPACK_INDEX, loading->err);
	json_t *entries = json_object_get(index, "manifests");
	json_t *entry;
	size_t i;
	int result = index ? 0 : -1;

	if (index && (!json_is_array(entries) || json_array_size(entries) > MAX_IMAGES))
		result = error_set(loading->err, UNPACK_INDEX " in the archive is not an index");
	json_array_foreach(entries, i, entry)
	{
		if (result == 0)
			result = entry_load(loading, entry);
	}
	json_decref(index);
	return result;
}

static int archive_load(struct loading *loading, int fd)
{
	int result;

	if (unpacked_read(&loading->unpacked, fd, loading->path, loading->err) < 0)
		return -1;
	loading->layout.fd = open(loading->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (loading->layout.fd < 0)
		return error_set_errno(loading->err, errno, "cannot open %s", loading->path);
	if (unpacked_digest(&loading->unpacked, UNPACK_MANIFEST))
		result = manifest_load(loading);
	else if (unpacked_digest(&loading->unpacked, UNPACK_INDEX))
		result = index_load(loading);
	else
		return error_set(loading->err,
		                 "it is neither an archive of `docker save` (with a manifest.json) "
		                 "nor an OCI one (with an index.json)");
	if (result < 0 || loading->made > 0)
		return result;
	if (loading->failed) {
		*loading->err = loading->first_error;
		return -1;
	}
	return oci_no_platform(loading->err, loading->layout.name, &loading->platforms);
}

int load(int fd, const char *directory, struct error *err)
{
	struct loading loading = {
		.directory = directory,
		.layout = { .fd = -1,
		            .name = "the archive",
		            .is_verified = true,
		            .layer_read = layer_read },
		.blobs = json_object(),
		.err = err,
	};
	char *path;
	int result;

	if (asprintf(&path, "%s/" INCOMING_WORK "/layout", directory) < 0)
		return error_set(err, "out of memory");
	loading.path = path;
	result = archive_load(&loading, fd);
	blobs_keep(&loading);
	oci_close(&loading.layout);
	json_decref(loading.blobs);
	unpacked_deinit(&loading.unpacked);
	free(path);
	return result;
}
