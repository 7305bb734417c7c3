// SPDX-License-Identifier: MIT
#include "tools/system/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/json_input.h"
#include "tools/image/source/reference.h"
#include "tools/image/source/registry.h"
#include "tools/image/source/source.h"
#include "tools/system/docker_words.h"
#include "tools/system/incoming.h"
#include "tools/system/manifest_digest.h"
#include "tools/system/registry_access.h"
#include "tools/system/remote.h"
#include "tools/system/report.h"
#include "tools/system/tags.h"

#define PLATFORM OCI_OS "/" OCI_ARCHITECTURE

#define ALL_TAGS ":*"

// Digests of what is there.
struct known {
	const char *const *digests;
	unsigned count;
};

struct pulling {
	struct source source;
	const char *name;       // whole, as the user means it
	const char *directory;  // of the images
	const char *scratch;
	struct error *err;
};

// The part of a whole name that clients show apart: "library/alpine" and "latest".
static void begin_report(const char *name)
{
	const char *path = strchr(name, '/') + 1;
	const char *tag = strchr(path, '@');
	char text[512];

	if (!tag)
		tag = strrchr(path, ':');
	snprintf(text, sizeof(text), "Pulling from %.*s",
	         (int)(tag ? tag - path : (long)strlen(path)), path);
	report_status(tag ? tag + 1 : NULL, text);
}

static void digest_report(const char *digest)
{
	char text[DIGEST_TEXT_SIZE + 16];

	snprintf(text, sizeof(text), "Digest: %s", digest);
	report_status(NULL, text);
}

static bool is_known(const char *digest, const struct known *known)
{
	for (unsigned i = 0; i < known->count; i++)
		if (strcmp(digest, known->digests[i]) == 0)
			return true;
	return false;
}

static int unchanged_report(struct pulling *pulling)
{
	digest_report(pulling->source.named);
	report_image(json_pack("{s:[s], s:s, s:b}", "references", pulling->name, "digest",
	                       pulling->source.named, "unchanged", 1));
	return 0;
}

// NAME@DIGEST, without a tag. NULL: out of memory.
static char *location_make(const struct source *source)
{
	const char *slash = strrchr(source->location, '/');
	size_t length = strcspn(source->location, "@");
	const char *colon = strchr(slash ? slash : source->location, ':');
	char *out;

	if (colon && (size_t)(colon - source->location) < length)
		length = (size_t)(colon - source->location);
	return asprintf(&out, "%.*s@%s", (int)length, source->location, source->digest) < 0 ? NULL
											    : out;
}

static int image_fetch(struct pulling *pulling)
{
	char *location = location_make(&pulling->source);
	json_t *references = json_pack("[s]", pulling->name);
	struct remote remote;
	struct incoming_image incoming = { .image = &remote.image,
		                           .apply = remote_apply,
		                           .context = &remote,
		                           .references = references,
		                           .digest = pulling->source.named };
	int result = remote_init(&remote, pulling->directory, STDIN_FILENO, pulling->err);

	incoming.blobs = remote.blobs;
	if (result == 0 && (!location || !references))
		result = error_set(pulling->err, "out of memory");
	if (result == 0)
		result = remote_open(&remote, location, pulling->source.without_tls, pulling->name,
		                     pulling->err);
	if (result == 0)
		result = incoming_make(pulling->directory, &incoming, pulling->err);
	remote_close(&remote);
	json_decref(references);
	free(location);
	return result;
}

// Whether the registry says shortly that it has what is there. False: it may still have.
static bool is_unchanged(struct pulling *pulling, const struct known *known)
{
	struct source *source = &pulling->source;
	const char *login;

	return known->count > 0 && registry_access_login(&login) &&
		manifest_digest_ask(source->location, source->without_tls, login, pulling->scratch,
	                            source->named) &&
		is_known(source->named, known);
}

static int image_pull(struct pulling *pulling, const struct known *known)
{
	struct source *source = &pulling->source;

	begin_report(pulling->name);
	if (is_unchanged(pulling, known))
		return unchanged_report(pulling);
	if (registry_identify(source, false, pulling->scratch, pulling->err) < 0)
		return -1;
	if (is_known(source->named, known))
		return unchanged_report(pulling);
	if (image_fetch(pulling) < 0)
		return -1;
	digest_report(source->named);
	return 0;
}

// Pulls `name` (whole). -1 with `err`, in the words of docker.
static int name_pull(const char *name, const struct known *known, const char *directory,
                     const char *scratch, struct error *err)
{
	struct pulling pulling = { .source = { .kind = SOURCE_REGISTRY, .reference = name },
		                   .name = name,
		                   .directory = directory,
		                   .scratch = scratch,
		                   .err = err };
	bool is_local;
	int result;

	pulling.source.location = registry_access_location(name, &is_local);
	pulling.source.without_tls = is_local;
	result = pulling.source.location ? image_pull(&pulling, known)
					 : error_set(err, "out of memory");
	if (result < 0) {
		docker_words(name, err);
		if (pulling.source.location)
			registry_access_rename(pulling.source.location, name, err);
	}
	source_deinit(&pulling.source);
	return result;
}

// Pulls all tags of `repository` (whole, without one) that there are for our platform.
static int all_pull(const char *repository, const struct known *known, const char *directory,
                    const char *scratch, struct error *err)
{
	bool is_local;
	char *location = registry_access_location(repository, &is_local);
	json_t *tags = location ? tags_list(location, is_local, scratch, err) : NULL;
	bool has_one = false;
	int result = tags ? 0 : -1;
	json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		char *name;

		if (result < 0 || asprintf(&name, "%s:%s", repository, json_string_value(tag)) < 0)
			break;
		result = name_pull(name, known, directory, scratch, err);
		has_one = has_one || result == 0;
		// Of another platform alone: the others may be of ours.
		if (result < 0 && strncmp(err->text, "no match", 8) == 0) {
			report_status(json_string_value(tag), "Not for " PLATFORM ": left out");
			result = 0;
		}
		free(name);
	}
	if (result == 0 && !has_one)
		result = error_set(err,
		                   "no match for platform in manifest: %s has no tag for " PLATFORM,
		                   repository);
	if (!tags) {
		docker_words(repository, err);
		if (location)
			registry_access_rename(location, repository, err);
	}
	json_decref(tags);
	free(location);
	return result;
}

// Reads the credentials, and pulls what `name` (whole) says: its tag may be ALL_TAGS.
static int named_pull(char *name, bool all, const struct known *known, const char *directory,
                      struct error *err)
{
	bool is_local;
	char *location = registry_access_location(name, &is_local);
	char *scratch = NULL;
	int result;

	if (!location || asprintf(&scratch, "%s/" INCOMING_WORK, directory) < 0) {
		free(location);
		return error_set(err, "out of memory");
	}
	result = registry_access_credentials(STDIN_FILENO, location, err);
	if (all)
		*strrchr(name, ':') = '\0';
	if (result == 0)
		result = all ? all_pull(name, known, directory, scratch, err)
			     : name_pull(name, known, directory, scratch, err);
	registry_access_forget();
	free(scratch);
	free(location);
	return result;
}

// REPOSITORY:* is all tags of it. Returns whether it was one, without the tag then.
static bool all_take(char *reference)
{
	size_t length = strlen(reference);
	bool all = length > 2 && strcmp(reference + length - 2, ALL_TAGS) == 0;

	if (all)
		reference[length - 2] = '\0';
	return all;
}

int pull(const char *reference, const char *platform, const char *const *digests, unsigned count,
         const char *directory, struct error *err)
{
	const struct known known = { digests, count };
	char *copy;
	char *name;
	bool all;
	int result;

	if (platform[0] && strncmp(platform, PLATFORM, strlen(PLATFORM)) != 0)
		return error_set(err,
		                 "no match for platform in manifest: %.100s cannot run here, this "
		                 "machine is " PLATFORM,
		                 platform);
	copy = strdup(reference);
	if (!copy)
		return error_set(err, "out of memory");
	all = all_take(copy);
	name = reference_normalize(copy, err);
	free(copy);
	if (!name)
		return error_set(err, "invalid reference format");
	result = named_pull(name, all, &known, directory, err);
	free(name);
	return result;
}
