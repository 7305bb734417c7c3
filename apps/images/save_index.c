// SPDX-License-Identifier: MIT
#include "apps/images/save_index.h"

#include "apps/images/reference.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/image/image_name.h"
#include "libs/starina/alloc.h"

#define TYPE "application/vnd.oci.image."
#define TYPE_MANIFEST TYPE "manifest.v1+json"
#define TYPE_CONFIG TYPE "config.v1+json"
#define TYPE_LAYER TYPE "layer.v1.tar"
#define DIGEST_PREFIX (sizeof("sha256:") - 1)

void save_blob_name(const char *digest, char out[static SAVE_BLOB_NAME_MAX])
{
	fmt_write(out, SAVE_BLOB_NAME_MAX, "blobs/sha256/%s", digest + DIGEST_PREFIX);
}

// --- Blobs ---------------------------------------------------------------------------------------

// What has no media type (bzip2, xz) is told by its bytes by who reads it.
static const char *layer_type(struct span start)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b }, zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };

	if (start.len >= sizeof(gzip) && memcmp(start.data, gzip, sizeof(gzip)) == 0)
		return TYPE_LAYER "+gzip";
	if (start.len >= sizeof(zstd) && memcmp(start.data, zstd, sizeof(zstd)) == 0)
		return TYPE_LAYER "+zstd";
	return TYPE_LAYER;
}

static const struct save_blob *find(const struct save_index *index, const char *digest)
{
	for (size_t i = 0; i < index->count; i++)
		if (strcmp(index->blobs[i].digest, digest) == 0)
			return &index->blobs[i];
	return NULL;
}

bool save_index_has(const struct save_index *index, const char *digest)
{
	return find(index, digest) != NULL;
}

error_t save_index_add(struct save_index *index, const char *digest, uint64_t size,
                       struct span start)
{
	size_t old = index->count * sizeof(struct save_blob);
	struct save_blob *blobs = heap_alloc(old + sizeof(*blobs));
	struct save_blob *blob;

	if (blobs == NULL)
		return ERR_NO_MEMORY;
	if (old > 0)
		memcpy(blobs, index->blobs, old);
	heap_free(index->blobs);
	index->blobs = blobs;
	blob = &blobs[index->count++];
	*blob = (struct save_blob){ .size = size, .layer_type = layer_type(start) };
	str_copy(blob->digest, digest, sizeof(blob->digest));
	return 0;
}

// --- Documents -----------------------------------------------------------------------------------

// A descriptor but for its end.
static void write_descriptor(struct json_writer *w, const char *type, const char *digest,
                             uint64_t size)
{
	json_write_raw(w, "{\"mediaType\":");
	json_write_string(w, type);
	json_write_raw(w, ",\"digest\":");
	json_write_string(w, digest);
	json_write_raw(w, ",\"size\":");
	json_write_i64(w, (int64_t)size);
}

static error_t write_manifest(const struct save_index *index, struct json_writer *w,
                              char *const *digests, size_t count)
{
	const struct save_blob *config = count > 0 ? find(index, digests[count - 1]) : NULL;

	if (config == NULL)
		return ERR_INVALID;
	json_write_raw(w, "{\"schemaVersion\":2,\"mediaType\":\"" TYPE_MANIFEST "\",\"config\":");
	write_descriptor(w, TYPE_CONFIG, config->digest, config->size);
	json_write_raw(w, "},\"layers\":[");
	for (size_t i = 0; i + 1 < count; i++) {
		const struct save_blob *layer = find(index, digests[i]);

		if (layer == NULL)
			return ERR_INVALID;
		json_write_raw(w, i > 0 ? "," : "");
		write_descriptor(w, layer->layer_type, layer->digest, layer->size);
		json_write_raw(w, "}");
	}
	json_write_raw(w, "]}");
	return 0;
}

// As docker names it: the whole name, and the tag alone.
static void write_names(struct json_writer *w, const char *tag)
{
	char name[IMAGE_NAME_MAX];
	size_t length;

	if (image_name_normalise(tag, name) < 0)
		return;
	length = reference_repository(name);
	if (name[length] != ':')
		return;
	json_write_raw(w, ",\"annotations\":{\"io.containerd.image.name\":");
	json_write_string(w, name);
	json_write_raw(w, ",\"org.opencontainers.image.ref.name\":");
	json_write_string(w, name + length + 1);
	json_write_raw(w, "}");
}

static void write_entry(struct save_index *index, const char *digest, size_t size, const char *tag)
{
	struct json_writer *w = &index->entries;

	json_write_raw(w, w->len > 0 ? "," : "");
	write_descriptor(w, TYPE_MANIFEST, digest, size);
	if (tag != NULL)
		write_names(w, tag);
	json_write_raw(w, "}");
}

error_t save_index_write_manifest(struct save_index *index, struct json_writer *w,
                                  const struct save_item *item, char *const *digests, size_t count)
{
	char digest[SAVE_DIGEST_MAX], name[SAVE_BLOB_NAME_MAX];
	struct json_writer manifest = { 0 };
	error_t err = write_manifest(index, &manifest, digests, count);
	struct span text = { (const uint8_t *)json_writer_text(&manifest), manifest.len };

	if (err == 0 && text.data == NULL)
		err = ERR_NO_MEMORY;
	if (err == 0) {
		save_digest(text, digest);
		save_blob_name(digest, name);
		save_write_entry(w, name, text);
		for (size_t i = 0; i < item->tags.count; i++)
			write_entry(index, digest, text.len, item->tags.items[i]);
		if (item->tags.count == 0)
			write_entry(index, digest, text.len, NULL);
	}
	json_writer_deinit(&manifest);
	return err;
}

void save_index_lacks(struct save_index *index)
{
	index->is_partial = true;
}

void save_index_write_end(struct save_index *index, struct json_writer *w)
{
	struct json_writer text = { 0 };

	if (index->is_partial)
		return;
	json_write_raw(&text,
	               "{\"schemaVersion\":2,\"mediaType\":\"" TYPE
	               "index.v1+json\",\"manifests\":[");
	json_write_span(&text,
	                (struct span){ (const uint8_t *)index->entries.text, index->entries.len });
	json_write_raw(&text, "]}");
	w->bad = w->bad || text.bad || index->entries.bad;
	save_write_entry(w, "index.json", (struct span){ (const uint8_t *)text.text, text.len });
	save_write_entry(w, "oci-layout", text_span("{\"imageLayoutVersion\":\"1.0.0\"}"));
	json_writer_deinit(&text);
}

void save_index_deinit(struct save_index *index)
{
	heap_free(index->blobs);
	json_writer_deinit(&index->entries);
}
