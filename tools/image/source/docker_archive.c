// SPDX-License-Identifier: MIT
#include "tools/image/source/docker_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/json_input.h"
#include "tools/image/source/archive_file.h"
#include "tools/image/source/oci_select.h"

#define MANIFEST "manifest.json"
#define MAX_IMAGES 1000

// The images are the items of manifest.json: {"Config": PATH, "RepoTags": [NAME...], "Layers":
// [PATH...]}.
struct images {
	const char *name;
	json_t *manifest;
	json_t *configs;  // by path
};

// The entry's content as JSON; NULL with `err`.
static json_t *entry_read(struct archive *archive, struct archive_entry *entry, const char *name,
                          struct error *err)
{
	int64_t size = archive_entry_size(entry);
	json_t *document = NULL;
	char *text;

	if (size < 0 || size > JSON_MAX_SIZE) {
		error_set(err, "%s in it is larger than %u MiB", name, JSON_MAX_SIZE >> 20);
		return NULL;
	}
	text = malloc((size_t)size + 1);
	if (!text)
		error_set(err, "out of memory");
	else if (archive_read_data(archive, text, (size_t)size) != size)
		error_set(err, "%s in it cannot be read", name);
	else
		document = json_parse_any(text, (size_t)size, name, err);
	free(text);
	return document;
}

static bool is_config(const struct images *images, const char *name)
{
	json_t *image;
	size_t i;

	json_array_foreach(images->manifest, i, image)
	{
		const char *config = json_get_string(image, "Config");

		if (config &&
		    strcmp(strncmp(config, "./", 2) == 0 ? config + 2 : config, name) == 0)
			return true;
	}
	return false;
}

// One way through the archive: takes manifest.json, or once that is there, the configurations that
// it names.
static int archive_scan(struct images *images, const char *path, struct error *err)
{
	struct archive *archive = archive_file_open(path, err);
	bool want_configs = images->manifest != NULL;
	struct archive_entry *entry;
	const char *name;
	bool failed = false;
	int result = archive ? 0 : -1;

	while (result == 0 && (name = archive_file_next(archive, &entry, &failed, err))) {
		json_t *document;

		if (want_configs ? !is_config(images, name) : strcmp(name, MANIFEST) != 0)
			continue;
		document = entry_read(archive, entry, name, err);
		if (!document)
			result = -1;
		else if (want_configs)
			json_object_set_new(images->configs, name, document);
		else if (!images->manifest)
			images->manifest = document;
		else
			json_decref(document);
	}
	archive_read_free(archive);
	if (result < 0 || failed)
		return error_prefix(err, "%s", images->name);
	return 0;
}

static bool has_tag(const json_t *image, const char *ref)
{
	json_t *tag;
	size_t i;

	json_array_foreach(
		json_get_strings(image, "RepoTags"), i,
		tag) if (oci_name_matches(json_string_value(tag), ref, true)) return true;
	return false;
}

static void tags_list(const struct images *images, char *text, size_t size)
{
	json_t *image;
	json_t *tag;
	size_t i, k;

	text[0] = '\0';
	json_array_foreach(images->manifest, i, image)
		json_array_foreach(json_get_strings(image, "RepoTags"), k, tag)
	{
		size_t length = strlen(text);

		if (length < size)
			snprintf(text + length, size - length, "%s%.200s", length ? ", " : "",
			         json_string_value(tag));
	}
	if (!text[0])
		snprintf(text, size, "no names at all");
}

static json_t *config_of(const struct images *images, const json_t *image)
{
	const char *path = json_get_string(image, "Config");

	if (!path)
		return NULL;
	return json_object_get(images->configs, strncmp(path, "./", 2) == 0 ? path + 2 : path);
}

static int images_choose(const struct images *images, const char *ref, struct error *err)
{
	struct oci_platforms platforms = { 0 };
	const json_t *chosen = NULL;
	char names[1024];
	bool any = false;
	unsigned best = 0;
	int number = -1;
	json_t *image;
	size_t i;

	tags_list(images, names, sizeof(names));
	json_array_foreach(images->manifest, i, image)
	{
		json_t *config = config_of(images, image);
		unsigned rank;

		if (ref && !has_tag(image, ref))
			continue;
		any = true;
		rank = config ? oci_platform_rank(config, NULL, &platforms) : 0;
		if (rank > 0 && number >= 0 && config != chosen)
			return error_set(err,
			                 "%s holds several " OCI_OS "/" OCI_ARCHITECTURE
			                 " images; add :NAME to say which of: %s",
			                 images->name, names);
		if (rank > best) {
			best = rank;
			chosen = config;
			number = (int)i;
		}
	}
	if (!any && ref)
		return error_set(err, "%s has no image called %s; it has: %s", images->name, ref,
		                 names);
	return number >= 0 ? number : oci_no_platform(err, images->name, &platforms);
}

int docker_archive_choose(const char *path, const char *name, const char *ref, struct error *err)
{
	struct images images = { .name = name };
	int result = archive_scan(&images, path, err);

	images.configs = json_object();
	if (result == 0 &&
	    (!json_is_array(images.manifest) || json_array_size(images.manifest) > MAX_IMAGES))
		result = error_set(err, "%s: " MANIFEST " in it is not a list of images", name);
	if (result == 0)
		result = archive_scan(&images, path, err);
	if (result == 0)
		result = images_choose(&images, ref, err);
	json_decref(images.configs);
	json_decref(images.manifest);
	return result;
}
