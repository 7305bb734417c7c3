// SPDX-License-Identifier: MIT
//
// Indexes, manifests and configurations of a hostile layout or registry, and of an archive of
// `docker save`: documents made from the input, which refer to each other. What is chosen has to be
// an image for us.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/json_input.h"
#include "tools/image/source/oci.h"
#include "tools/image/source/oci_select.h"
#include "tools/image/tool.h"

#define MAX_DOCUMENTS 8
#define MAX_INPUT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct documents {
	struct oci_reader reader;
	json_t *list[MAX_DOCUMENTS];
	unsigned count;
	unsigned reads;
};

// Digests are numbers of documents here.
static void digest_make(unsigned number, char text[DIGEST_TEXT_SIZE])
{
	snprintf(text, DIGEST_TEXT_SIZE, "sha256:%064u", number);
}

static json_t *document_get(struct documents *documents, const json_t *descriptor,
                            struct error *err)
{
	const char *digest = json_get_string(descriptor, "digest");
	unsigned number = MAX_DOCUMENTS;

	documents->reads++;
	if (digest && digest_is_valid(digest))
		sscanf(digest + 7, "%u", &number);
	if (number < documents->count && json_is_object(documents->list[number]))
		return json_incref(documents->list[number]);
	error_set(err, "missing");
	return NULL;
}

static json_t *read_manifest(struct oci_reader *reader, const json_t *descriptor, struct error *err)
{
	return document_get((struct documents *)reader, descriptor, err);
}

static json_t *read_config(struct oci_reader *reader, const char *manifest_digest,
                           const json_t *descriptor, struct error *err)
{
	if (!digest_is_valid(manifest_digest))
		abort();
	return document_get((struct documents *)reader, descriptor, err);
}

static const char *pick(const uint8_t byte, const char *const *texts, unsigned count)
{
	return texts[byte % count];
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static json_t *platform_make(uint8_t a, uint8_t b)
{
	static const char *const architectures[] = { "riscv64", "amd64", "unknown", "", NULL };
	static const char *const systems[] = { "linux", "unknown", "windows", NULL };
	static const char *const variants[] = { NULL, "rva20u64", "rva22u64", "" };
	json_t *platform = json_object();

	set_text(platform, "architecture", pick(a & 15, architectures, 5));
	set_text(platform, "os", pick(a >> 4, systems, 4));
	set_text(platform, "variant", pick(b, variants, 4));
	return platform;
}

// A descriptor of 4 bytes.
static json_t *descriptor_make(const uint8_t *data)
{
	static const char *const types[] = { NULL,
		                             "application/vnd.oci.image.manifest.v1+json",
		                             "application/vnd.oci.image.index.v1+json",
		                             "application/vnd.docker.distribution.manifest.v2+json",
		                             "application/vnd.oci.image.config.v1+json",
		                             "application/vnd.oci.image.layer.v1.tar+gzip",
		                             "application/vnd.in-toto+json" };
	static const char *const names[] = { NULL, "a", "b", "docker.io/library/a:latest" };
	char digest[DIGEST_TEXT_SIZE];
	json_t *descriptor = json_object();
	json_t *annotations = json_object();

	digest_make(data[0] % MAX_DOCUMENTS, digest);
	set_text(descriptor, "digest", data[0] & 0x80 ? "sha256:x" : digest);
	set_text(descriptor, "mediaType", pick(data[1] & 15, types, 7));
	set_text(annotations, "org.opencontainers.image.ref.name", pick(data[1] >> 4, names, 4));
	set_text(annotations, "io.containerd.image.name", pick(data[1] >> 6, names, 4));
	json_object_set_new(descriptor, "annotations", annotations);
	if (data[3] & 1)
		json_object_set_new(descriptor, "platform", platform_make(data[2], data[3] >> 1));
	return descriptor;
}

// One document of the input: index, manifest or configuration. Returns how many bytes it took.
static size_t document_make(struct documents *documents, const uint8_t *data, size_t size)
{
	unsigned kind = data[0] % 3;
	unsigned entries = (data[0] >> 2) % 6;
	json_t *document = kind == 2 && size >= 3 ? platform_make(data[1], data[2]) : json_object();
	json_t *list = json_array();
	size_t used = kind == 2 ? 3 : 1;

	for (unsigned i = 0; kind < 2 && i < entries && used + 4 <= size; i++, used += 4)
		json_array_append_new(list, descriptor_make(data + used));
	if (kind == 0)
		json_object_set(document, "manifests", list);
	if (kind == 1) {
		json_object_set(document, "config", json_array_get(list, 0));
		json_object_set(document, "layers", list);
	}
	json_decref(list);
	documents->list[documents->count++] = document;
	return used < size ? used : size;
}

// Documents as they are, with zero bytes between them.
static size_t document_read(struct documents *documents, const uint8_t *data, size_t size)
{
	size_t length = strnlen((const char *)data, size);
	struct error err;

	documents->list[documents->count++] = json_parse((const char *)data, length, "input", &err);
	return length < size ? length + 1 : size;
}

static void choose(struct documents *documents, bool is_layout, const char *ref)
{
	static struct error err;
	struct oci_platforms platforms = { 0 };
	struct oci_image image;
	json_t *layer;
	size_t i;

	if (!json_is_object(documents->list[0]))
		return;
	documents->reads = 0;
	memset(&err, 0, sizeof(err));
	if (oci_choose(&documents->reader, documents->list[0], is_layout, ref, &image, &err) < 0) {
		if (!err.text[0] || image.manifest || image.config)
			abort();
		return;
	}
	oci_manifest_size(image.manifest);
	json_array_foreach(json_object_get(image.manifest, "layers"), i, layer)(void)
		json_get_string(layer, "digest");
	// A configuration that says what it is for is for us.
	if (json_get_string(image.config, "architecture") &&
	    json_get_string(image.config, "architecture")[0] &&
	    oci_platform_rank(image.config, NULL, &platforms) == 0)
		abort();
	oci_image_deinit(&image);
}

static void message(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	size_t length = strlen(text);

	if (strlen(tool_message_unwrap(text)) > length)
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct documents documents = {
		.reader = { .name = "input",
		            .manifest = read_manifest,
		            .config = read_config,
		            .max_mislabelled = 4 },
	};
	size_t used = 1;

	if (size < 2 || size > MAX_INPUT)
		return 0;
	message(data + 1, size - 1);
	while (used < size && documents.count < MAX_DOCUMENTS)
		used += data[0] & 1 ? document_read(&documents, data + used, size - used)
				    : document_make(&documents, data + used, size - used);
	choose(&documents, true, NULL);
	choose(&documents, true, data[0] & 2 ? "a" : "docker.io/library/a");
	choose(&documents, false, NULL);
	oci_index_obvious(documents.list[0]);
	for (unsigned i = 0; i < documents.count; i++)
		json_decref(documents.list[i]);
	return 0;
}
