// SPDX-License-Identifier: MIT
#include "tools/image/source/oci_select.h"

#include <stdio.h>
#include <string.h>

#include "tools/image/json_input.h"

#define MAX_INDEX_DEPTH 4
#define MAX_DESCRIPTORS 4096
#define REF_NAME "org.opencontainers.image.ref.name"
#define CONTAINERD_NAME "io.containerd.image.name"

// An entry of index.json. Entries of one name are one image; all without a name are one too, if
// they are manifests.
struct group {
	const char *name;  // NULL: none
	size_t position;   // tells nested indexes without a name apart
	unsigned depth;
};

struct selection {
	struct oci_reader *reader;
	struct oci_image *image;
	struct group group;  // of `image`
	unsigned rank;       // of `image`
	bool several;
	bool mislabelled;  // this pass looks at what is said to be for others, not at the rest
	unsigned mislabelled_seen;
	unsigned descriptors;
	struct oci_platforms platforms;
	struct error first_error;  // of what could not be read
	bool failed;
	struct error *err;
};

bool oci_is_index(const json_t *document)
{
	return json_is_array(json_object_get(document, "manifests"));
}

void oci_image_deinit(struct oci_image *image)
{
	json_decref(image->manifest);
	json_decref(image->config);
	*image = (struct oci_image){ 0 };
}

static const char *annotation(const json_t *descriptor, const char *key)
{
	return json_get_string(json_object_get(descriptor, "annotations"), key);
}

const char *oci_descriptor_name(const json_t *descriptor)
{
	const char *name = annotation(descriptor, CONTAINERD_NAME);

	return name ? name : annotation(descriptor, REF_NAME);
}

static bool is_wanted(const json_t *descriptor, const char *ref, bool loosely)
{
	static const char *const keys[] = { REF_NAME, CONTAINERD_NAME };
	const char *digest = json_get_string(descriptor, "digest");

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *name = annotation(descriptor, keys[i]);

		if (name && oci_name_matches(name, ref, loosely))
			return true;
	}
	return digest && strcmp(digest, ref) == 0;
}

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

// Whether the descriptor's media type says that it is neither manifest nor index.
static bool is_other_kind(const json_t *descriptor)
{
	static const char *const kinds[] = {
		"application/vnd.oci.image.manifest.v1+json",
		"application/vnd.oci.image.index.v1+json",
		"application/vnd.docker.distribution.manifest.v2+json",
		"application/vnd.docker.distribution.manifest.list.v2+json",
		"application/json",
		"",
		NULL
	};
	const char *type = json_get_string(descriptor, "mediaType");

	return type && !is_one_of(type, kinds);
}

// An artifact is a manifest whose configuration or content is of a kind that no image has. (OCI
// image spec, manifest.md, Guidelines for Artifact Usage)
static bool is_artifact(const json_t *manifest)
{
	static const char *const configs[] = { "application/vnd.oci.image.config.v1+json",
		                               "application/vnd.docker.container.image.v1+json",
		                               "application/octet-stream",  // of old docker clients
		                               "application/json",
		                               "",
		                               NULL };
	const char *type = json_get_string(json_object_get(manifest, "config"), "mediaType");
	json_t *layer;
	size_t i;

	if (type && !is_one_of(type, configs))
		return true;
	json_array_foreach(json_object_get(manifest, "layers"), i, layer)
	{
		const char *layer_type = json_get_string(layer, "mediaType");

		if (layer_type && layer_type[0] && !strstr(layer_type, ".tar") &&
		    !strstr(layer_type, "x-tar") && !strstr(layer_type, "octet-stream"))
			return true;
	}
	return false;
}

// Whether a descriptor says that it is for another platform than ours.
static bool is_for_others(struct selection *selection, const json_t *descriptor)
{
	const json_t *platform = json_object_get(descriptor, "platform");
	const char *os = json_get_string(platform, "os");
	const char *architecture = json_get_string(platform, "architecture");

	if (!os || !architecture || !os[0] || !architecture[0] ||
	    (strcmp(os, OCI_OS) == 0 && strcmp(architecture, OCI_ARCHITECTURE) == 0))
		return false;
	oci_platform_rank(NULL, descriptor, &selection->platforms);
	return true;
}

// What cannot be read is an error only if nothing else is found.
static int read_failed(struct selection *selection)
{
	if (!selection->failed)
		selection->first_error = *selection->err;
	selection->failed = true;
	return 0;
}

static bool same_config(const json_t *a, const json_t *b)
{
	const char *x = json_get_string(json_object_get(a, "config"), "digest");
	const char *y = json_get_string(json_object_get(b, "config"), "digest");

	return x && y && strcmp(x, y) == 0;
}

static bool same_group(const struct group *a, const struct group *b)
{
	if (a->name && b->name)
		return strcmp(a->name, b->name) == 0;
	return !a->name && !b->name && a->position == b->position;
}

// Takes the image if it is the best so far.
static void candidate_take(struct selection *selection, const char *digest, json_t *manifest,
                           json_t *config, unsigned rank, const struct group *group)
{
	struct oci_image *image = selection->image;

	if (image->manifest && !same_config(image->manifest, manifest) &&
	    (!same_group(&selection->group, group) ||
	     (rank == selection->rank && group->depth == 0)))
		selection->several = true;
	if (image->manifest && rank <= selection->rank)
		return;
	oci_image_deinit(image);
	image->manifest = json_incref(manifest);
	image->config = json_incref(config);
	snprintf(image->digest, sizeof(image->digest), "%s", digest);
	selection->rank = rank;
	selection->group = *group;
}

static int manifest_consider(struct selection *selection, const json_t *descriptor,
                             json_t *manifest, const struct group *group)
{
	const char *digest = json_get_string(descriptor, "digest");
	const json_t *config_descriptor = json_object_get(manifest, "config");
	json_t *config;
	unsigned rank;

	if (is_artifact(manifest)) {
		selection->platforms.artifacts++;
		return 0;
	}
	if (!json_get_string(config_descriptor, "digest")) {
		error_set(
			selection->err,
			"%s: the manifest %s names no configuration: manifests of version 1 are not known",
			selection->reader->name, digest);
		return read_failed(selection);
	}
	config = selection->reader->config(selection->reader, digest, config_descriptor,
	                                   selection->err);
	if (!config)
		return read_failed(selection);
	rank = oci_platform_rank(config, descriptor, &selection->platforms);
	if (rank > 0)
		candidate_take(selection, digest, manifest, config, rank, group);
	json_decref(config);
	return 0;
}

static int index_search(struct selection *selection, const json_t *index,
                        const struct group *group);

static int descriptor_consider(struct selection *selection, const json_t *descriptor,
                               const struct group *group)
{
	const char *digest = json_get_string(descriptor, "digest");
	bool others = is_for_others(selection, descriptor);
	json_t *document;
	int result;

	if (++selection->descriptors > MAX_DESCRIPTORS)
		return error_set(selection->err, "%s lists more than %u manifests",
		                 selection->reader->name, MAX_DESCRIPTORS);
	if (is_other_kind(descriptor)) {
		selection->platforms.artifacts++;
		return 0;
	}
	if (others &&
	    (!selection->mislabelled ||
	     selection->mislabelled_seen++ >= selection->reader->max_mislabelled))
		return 0;
	if (!digest || !digest_is_valid(digest)) {
		error_set(
			selection->err,
			"%s: a manifest's digest is \"%.80s\"; sha256 and sha512 digests are known",
			selection->reader->name, digest ? digest : "");
		return read_failed(selection);
	}
	document = selection->reader->manifest(selection->reader, descriptor, selection->err);
	if (!document)
		return read_failed(selection);
	if (oci_is_index(document))
		result = index_search(selection, document, group);
	else if (selection->mislabelled && !others)
		result = 0;
	else
		result = manifest_consider(selection, descriptor, document, group);
	json_decref(document);
	return result;
}

static int index_search(struct selection *selection, const json_t *index, const struct group *group)
{
	struct group inner = *group;
	json_t *descriptor;
	size_t i;

	if (++inner.depth > MAX_INDEX_DEPTH)
		return error_set(selection->err, "%s: indexes are nested more than %u deep",
		                 selection->reader->name, MAX_INDEX_DEPTH);
	json_array_foreach(json_object_get(index, "manifests"), i,
	                   descriptor) if (descriptor_consider(selection, descriptor, &inner) <
	                                   0) return -1;
	return 0;
}

static bool says_index(const json_t *descriptor)
{
	const char *type = json_get_string(descriptor, "mediaType");

	return type && (strstr(type, "image.index") || strstr(type, "manifest.list"));
}

// One pass over index.json; with `ref` only over what is called so. How many that were goes to
// `wanted`.
static int layout_search(struct selection *selection, const json_t *index, const char *ref,
                         bool loosely, unsigned *wanted)
{
	json_t *descriptor;
	size_t i;

	json_array_foreach(json_object_get(index, "manifests"), i, descriptor)
	{
		struct group group = { .name = oci_descriptor_name(descriptor),
			               .position = says_index(descriptor) ? i + 1 : 0 };

		if (ref && !is_wanted(descriptor, ref, loosely))
			continue;
		++*wanted;
		if (descriptor_consider(selection, descriptor, &group) < 0)
			return -1;
	}
	return 0;
}

// The names that there are, for messages; digests where there are none.
static void names_list(const json_t *index, char *text, size_t size)
{
	json_t *descriptor;
	size_t i;

	text[0] = '\0';
	json_array_foreach(json_object_get(index, "manifests"), i, descriptor)
	{
		const char *name = oci_descriptor_name(descriptor);
		size_t length = strlen(text);

		if (!name)
			name = json_get_string(descriptor, "digest");
		if (name && length < size)
			snprintf(text + length, size - length, "%s%.200s", length ? ", " : "",
			         name);
	}
}

static int conclude(struct selection *selection, const json_t *index, const char *ref,
                    unsigned wanted)
{
	const char *name = selection->reader->name;
	char names[1024];

	names_list(index, names, sizeof(names));
	if (ref && wanted == 0)
		return error_set(selection->err, "%s has no image called %s; it has: %s", name, ref,
		                 names[0] ? names : "none at all");
	if (selection->several)
		return error_set(selection->err,
		                 "%s holds several " OCI_OS "/" OCI_ARCHITECTURE
		                 " images; add :NAME to say which of: %s",
		                 name, names);
	if (selection->image->manifest)
		return 0;
	if (selection->failed) {
		*selection->err = selection->first_error;
		return -1;
	}
	return oci_no_platform(selection->err, name, &selection->platforms);
}

int oci_choose(struct oci_reader *reader, const json_t *index, bool is_layout, const char *ref,
               struct oci_image *image, struct error *err)
{
	struct selection selection = { .reader = reader, .image = image, .err = err };
	const struct group whole = { 0 };
	unsigned wanted = 0;
	int result = 0;

	*image = (struct oci_image){ 0 };
	for (unsigned pass = 0; pass < 2 && result == 0 && !image->manifest; pass++) {
		selection.mislabelled = pass == 1;
		wanted = 0;
		if (is_layout)
			result = layout_search(&selection, index, ref, false, &wanted);
		else
			result = index_search(&selection, index, &whole);
		if (result == 0 && ref && wanted == 0)
			result = layout_search(&selection, index, ref, true, &wanted);
	}
	if (result == 0)
		result = conclude(&selection, index, ref, wanted);
	if (result < 0)
		oci_image_deinit(image);
	return result;
}

const char *oci_index_obvious(const json_t *index)
{
	const char *found = NULL;
	json_t *descriptor;
	size_t i;

	json_array_foreach(json_object_get(index, "manifests"), i, descriptor)
	{
		const json_t *platform = json_object_get(descriptor, "platform");
		const char *os = json_get_string(platform, "os");
		const char *architecture = json_get_string(platform, "architecture");
		const char *digest = json_get_string(descriptor, "digest");
		struct oci_platforms ignored = { 0 };

		if (!os || !architecture || !os[0] || !architecture[0])
			return NULL;
		if (strcmp(os, OCI_OS) != 0 || strcmp(architecture, OCI_ARCHITECTURE) != 0)
			continue;
		if (found || says_index(descriptor) || !digest || !digest_is_valid(digest) ||
		    oci_platform_rank(NULL, descriptor, &ignored) == 0)
			return NULL;
		found = digest;
	}
	return found;
}
