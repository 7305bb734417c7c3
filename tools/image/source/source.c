// SPDX-License-Identifier: MIT
#include "tools/image/source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/image/source/archive_file.h"
#include "tools/image/source/docker_archive.h"
#include "tools/image/json_input.h"
#include "tools/image/source/oci.h"
#include "tools/image/source/reference.h"
#include "tools/image/source/registry.h"

void source_deinit(struct source *source)
{
	free(source->location);
	free(source->ref_name);
	source->location = source->ref_name = NULL;
}

// PATH or PATH:NAME, both of which may have colons in them: PATH is the longest that exists.
static int path_parse(struct source *source, const char *text, struct stat *stat_buffer,
                      struct error *err)
{
	char *colon;
	int error;

	source->location = strdup(text);
	if (!source->location)
		return error_set(err, "out of memory");
	if (stat(source->location, stat_buffer) == 0)
		return 0;
	error = errno;
	while ((colon = strrchr(source->location, ':'))) {
		*colon = '\0';
		if (stat(source->location, stat_buffer) == 0) {
			source->ref_name = strdup(text + (colon - source->location) + 1);
			return source->ref_name ? 0 : error_set(err, "out of memory");
		}
	}
	return error_set_errno(err, error, "%s: cannot open %s", source->reference, text);
}

static int layout_identify(struct source *source, struct error *err)
{
	struct oci_layout layout;
	struct oci_image image;

	if (oci_open(&layout, source->location, source->reference, err) < 0)
		return -1;
	if (oci_select(&layout, source->ref_name, &image, err) < 0) {
		oci_close(&layout);
		return -1;
	}
	memcpy(source->key, image.digest, DIGEST_TEXT_SIZE);
	oci_image_deinit(&image);
	oci_close(&layout);
	return 0;
}

static int archive_identify(struct source *source, const struct stat *stat, const char *cache,
                            struct error *err)
{
	char content[DIGEST_TEXT_SIZE];
	char *text;
	int result;

	if (archive_file_digest(source->location, stat, cache, content, err) < 0)
		return error_prefix(err, "%s", source->reference);
	if (asprintf(&text, "%s\n%s", content, source->ref_name ? source->ref_name : "") < 0)
		return error_set(err, "out of memory");
	result = digest_of(text, strlen(text), source->key, err);
	free(text);
	return result;
}

static int path_identify(struct source *source, const char *path, const char *cache,
                         struct error *err)
{
	struct stat stat;

	if (path_parse(source, path, &stat, err) < 0)
		return -1;
	if (S_ISDIR(stat.st_mode)) {
		source->kind = SOURCE_OCI_LAYOUT;
		return layout_identify(source, err);
	}
	if (!S_ISREG(stat.st_mode))
		return error_set(err, "%s is neither a file nor a directory", source->reference);
	source->kind = SOURCE_ARCHIVE;  // source_fetch() looks closer
	return archive_identify(source, &stat, cache, err);
}

int source_identify(struct source *source, const char *reference, const char *cache,
                    const char *scratch, struct error *err)
{
	*source = (struct source){ .reference = reference };
	if (strncmp(reference, "docker://", 9) == 0 && reference[9]) {
		source->kind = SOURCE_REGISTRY;
		source->location = reference_normalize(reference + 9, err);
		if (!source->location)
			return -1;
		return registry_identify(source, false, scratch, err);
	}
	if (strncmp(reference, "file://", 7) == 0 && reference[7])
		return path_identify(source, reference + 7, cache, err);
	if (strncmp(reference, "oci://", 6) == 0 && reference[6])
		return path_identify(source, reference + 6, cache, err);
	return error_set(
		err,
		"\"%s\" names no image; write docker://NAME for a registry, file://PATH for a `docker save` "
		"archive, or oci://PATH for an OCI layout",
		reference);
}

int source_verify(struct source *source, const char *scratch, struct error *err)
{
	return source->by_label ? registry_identify(source, true, scratch, err) : 0;
}

char *source_fetch(const struct source *source, const char *scratch, const char **ref,
                   struct error *err)
{
	enum archive_kind kind;
	bool compressed;
	int number;

	*ref = NULL;
	if (source->kind == SOURCE_REGISTRY)
		return registry_fetch(source, scratch, err);
	if (source->kind == SOURCE_OCI_LAYOUT) {
		*ref = source->ref_name;
		return strdup(source->location);
	}
	if (archive_file_detect(source->location, &kind, &compressed, err) < 0) {
		error_prefix(err, "%s", source->reference);
		return NULL;
	}
	if (kind == ARCHIVE_OCI) {
		*ref = source->ref_name;
		return archive_file_extract(source->location, source->reference, scratch, err);
	}
	number = docker_archive_choose(source->location, source->reference, source->ref_name, err);
	return number < 0 ? NULL : registry_convert(source, number, compressed, scratch, err);
}
