// SPDX-License-Identifier: MIT
#include "tools/system/remote.h"

#include <stdlib.h>
#include <string.h>

#include "tools/image/digest.h"
#include "tools/image/json_input.h"
#include "tools/image/spool.h"
#include "tools/image/tree/layer.h"
#include "tools/system/report.h"

#define MAX_LAYERS 512
// Behind the compressed stream, or behind what an error has left.
#define MAX_REST (64u << 20)

static uint64_t size_said(const json_t *descriptor)
{
	json_int_t size = json_integer_value(json_object_get(descriptor, "size"));

	return size > 0 ? (uint64_t)size : 0;
}

static int config_read(struct remote *remote, struct error *err)
{
	const json_t *descriptor = json_object_get(remote->image.manifest, "config");
	const char *digest = json_get_string(descriptor, "digest");
	uint64_t size = size_said(descriptor);
	char *text = NULL;
	struct proxy_blob blob;
	long length;

	if (!digest || !digest_is_valid(digest) || size > JSON_MAX_SIZE)
		return error_set(err, "the manifest names no configuration, or a too large one");
	if (proxy_blob_open(&remote->proxy, &blob, digest, size, err) < 0)
		return -1;
	text = malloc((size_t)size + 1);
	length = text ? proxy_blob_read(&blob, text, (size_t)size + 1, err) : -1;
	if (length >= 0 && proxy_blob_finish(&remote->proxy, &blob, err) == 0)
		remote->image.config =
			json_parse(text, (size_t)length, "the image's configuration", err);
	free(text);
	return remote->image.config ? 0 : -1;
}

int remote_open(struct remote *remote, const char *location, bool without_tls, const char *name,
                struct error *err)
{
	struct oci_platforms platforms = { 0 };

	*remote = (struct remote){ .name = name };
	if (proxy_open(&remote->proxy, location, without_tls, err) < 0)
		return -1;
	remote->image.manifest = proxy_manifest(&remote->proxy, err);
	if (!remote->image.manifest || config_read(remote, err) < 0)
		return -1;
	return oci_platform_rank(remote->image.config, NULL, &platforms) > 0
		? 0
		: oci_no_platform(err, name, &platforms);
}

void remote_close(struct remote *remote)
{
	oci_image_deinit(&remote->image);
	proxy_close(&remote->proxy);
}

struct remote_layer {
	struct layer_source source;
	struct proxy_blob blob;
	const char *digest;
};

static long layer_read(struct layer_source *source, void *buffer, unsigned long size,
                       struct error *err)
{
	struct remote_layer *layer = (struct remote_layer *)source;
	long length = proxy_blob_read(&layer->blob, buffer, size, err);

	if (length > 0)
		report_progress(layer->digest, "Downloading", layer->blob.done, layer->blob.size);
	return length;
}

// Reads what the decompressor left: there may be bytes behind the compressed stream. 0: that was
// all of the blob; 1: there is more than what is read; -1 with `err`.
static int rest_read(struct remote_layer *layer, struct error *err)
{
	uint64_t end = layer->blob.done + MAX_REST;
	char rest[4096];
	long length = 1;

	while (length > 0 && layer->blob.done < end)
		length = layer_read(&layer->source, rest, sizeof(rest), err);
	return length > 0 ? 1 : (int)length;
}

static int one_apply(struct remote *remote, struct remote_layer *layer, uint64_t size,
                     const char *diff_id, unsigned number, struct tree *tree, struct spool *spool,
                     struct error *err)
{
	char actual[DIGEST_TEXT_SIZE];
	struct error reason;
	int result, rest;

	if (proxy_blob_open(&remote->proxy, &layer->blob, layer->digest, size, err) < 0)
		return -1;
	snprintf(actual, sizeof(actual), "%s", diff_id);
	result = layer_apply(tree, spool, &layer->source, number, actual, err);
	// A blob that is not what it should be explains whatever else went wrong.
	rest = rest_read(layer, &reason);
	if (rest < 0 ||
	    (rest == 0 && proxy_blob_finish(&remote->proxy, &layer->blob, &reason) < 0)) {
		*err = reason;
		return -1;
	}
	if (result == 0 && rest > 0)
		return error_set(err, "more than %u MiB follow its compressed content",
		                 MAX_REST >> 20);
	if (result == 0 && strcmp(actual, diff_id) != 0)
		return error_set(err, "it is corrupt: uncompressed, its digest is %s, not %s",
		                 actual, diff_id);
	return result;
}

static void layer_report(const char *digest, const char *status)
{
	char id[REPORT_ID_SIZE];

	report_id(digest, id);
	report_status(id, status);
}

static int layers_check(const json_t *layers, const json_t *diff_ids, struct error *err)
{
	json_t *layer;
	size_t i;

	if (json_array_size(layers) > MAX_LAYERS)
		return error_set(err, "it has %zu layers; %u are possible", json_array_size(layers),
		                 MAX_LAYERS);
	if (json_array_size(layers) != json_array_size(diff_ids))
		return error_set(
			err, "it is corrupt: its manifest has %zu layers, its configuration %zu",
			json_array_size(layers), json_array_size(diff_ids));
	json_array_foreach(layers, i, layer)
	{
		const char *digest = json_get_string(layer, "digest");

		if (!digest || !digest_is_valid(digest))
			return error_set(err, "its layer %zu has no digest", i + 1);
		if (size_said(layer) > SPOOL_DEFAULT_LIMIT)
			return error_set(err, "its layer %zu is larger than %llu MiB", i + 1,
			                 (unsigned long long)(SPOOL_DEFAULT_LIMIT >> 20));
		layer_report(digest, "Pulling fs layer");
	}
	return 0;
}

int remote_apply(void *context, struct tree *tree, struct spool *spool, struct error *err)
{
	struct remote *remote = context;
	json_t *layers = json_object_get(remote->image.manifest, "layers");
	json_t *diff_ids =
		json_get_strings(json_object_get(remote->image.config, "rootfs"), "diff_ids");
	json_t *item;
	size_t i;

	if (layers_check(layers, diff_ids, err) < 0)
		return error_prefix(err, "%s", remote->name);
	json_array_foreach(layers, i, item)
	{
		struct remote_layer layer = { .source.read = layer_read,
			                      .digest = json_get_string(item, "digest") };

		if (one_apply(remote, &layer, size_said(item),
		              json_string_value(json_array_get(diff_ids, i)), (unsigned)i + 1, tree,
		              spool, err) < 0)
			return error_prefix(err, "%s, layer %zu (%s)", remote->name, i + 1,
			                    layer.digest);
		layer_report(layer.digest, "Download complete");
		layer_report(layer.digest, "Pull complete");
	}
	return 0;
}
