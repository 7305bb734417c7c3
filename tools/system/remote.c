// SPDX-License-Identifier: MIT
#include "tools/system/remote.h"

#include <stdlib.h>
#include <string.h>

#include "tools/image/digest.h"
#include "tools/image/json_input.h"
#include "tools/image/spool.h"
#include "tools/system/remote_layer.h"
#include "tools/system/report.h"

#define MAX_LAYERS 512

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
	if (remote->image.config)
		kept_put_text(&remote->kept, text, (size_t)length, digest);
	free(text);
	return remote->image.config ? 0 : -1;
}

int remote_init(struct remote *remote, const char *incoming, int answers, struct error *err)
{
	*remote = (struct remote){ .proxy = { .pid = -1, .socket = -1 }, .blobs = json_array() };
	kept_init(&remote->kept, incoming, answers);
	return remote->blobs ? 0 : error_set(err, "out of memory");
}

int remote_open(struct remote *remote, const char *location, bool without_tls, const char *name,
                struct error *err)
{
	struct oci_platforms platforms = { 0 };

	remote->name = name;
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
	json_decref(remote->blobs);
	proxy_close(&remote->proxy);
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
	}
	return 0;
}

// Says of each layer whether it is there, and notes it.
static void layers_see(struct remote *remote, const json_t *layers, bool *were_there)
{
	char id[REPORT_ID_SIZE];
	json_t *layer;
	size_t i;

	json_array_foreach(layers, i, layer)
	{
		const char *digest = json_get_string(layer, "digest");

		were_there[i] = kept_see(&remote->kept, digest);
		report_id(digest, id);
		report_status(id, were_there[i] ? "Already exists" : "Pulling fs layer");
	}
}

int remote_apply(void *context, struct tree *tree, struct spool *spool, struct error *err)
{
	struct remote *remote = context;
	json_t *layers = json_object_get(remote->image.manifest, "layers");
	json_t *diff_ids =
		json_get_strings(json_object_get(remote->image.config, "rootfs"), "diff_ids");
	bool were_there[MAX_LAYERS];
	json_t *item;
	size_t i;

	if (layers_check(layers, diff_ids, err) < 0)
		return error_prefix(err, "%s", remote->name);
	layers_see(remote, layers, were_there);
	json_array_foreach(layers, i, item)
	{
		struct remote_layer layer = { .digest = json_get_string(item, "digest"),
			                      .size = size_said(item),
			                      .diff_id = json_string_value(
						      json_array_get(diff_ids, i)),
			                      .number = (unsigned)i + 1,
			                      .was_there = were_there[i] };

		if (remote_layer_apply(&layer, &remote->proxy, &remote->kept, tree, spool, err) < 0)
			return error_prefix(err, "%s, layer %zu (%s)", remote->name, i + 1,
			                    layer.digest);
		if (layer.is_kept)
			json_array_append_new(remote->blobs, json_string(layer.digest));
	}
	json_array_append(
		remote->blobs,
		json_object_get(json_object_get(remote->image.manifest, "config"), "digest"));
	return 0;
}
