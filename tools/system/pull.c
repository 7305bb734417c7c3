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
#include "tools/system/registry_access.h"
#include "tools/system/remote.h"
#include "tools/system/report.h"

#define PLATFORM OCI_OS "/" OCI_ARCHITECTURE

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

static bool is_known(const char *digest, const char *const *known, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(digest, known[i]) == 0)
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

static int image_pull(struct pulling *pulling, const char *const *known, unsigned num_known)
{
	struct source *source = &pulling->source;
	bool is_local;

	source->location = registry_access_location(pulling->name, &is_local);
	if (!source->location)
		return error_set(pulling->err, "out of memory");
	source->without_tls = is_local;
	if (registry_access_credentials(STDIN_FILENO, source->location, pulling->err) < 0)
		return -1;
	begin_report(pulling->name);
	if (registry_identify(source, false, pulling->scratch, pulling->err) < 0)
		return -1;
	if (is_known(source->named, known, num_known))
		return unchanged_report(pulling);
	if (image_fetch(pulling) < 0)
		return -1;
	digest_report(source->named);
	return 0;
}

int pull(const char *reference, const char *platform, const char *const *known, unsigned num_known,
         const char *directory, struct error *err)
{
	struct pulling pulling = { .source = { .kind = SOURCE_REGISTRY },
		                   .directory = directory,
		                   .err = err };
	char *name;
	char *scratch;
	int result;

	if (platform[0] && strncmp(platform, PLATFORM, strlen(PLATFORM)) != 0)
		return error_set(err,
		                 "no match for platform in manifest: %.100s cannot run here, this "
		                 "machine is " PLATFORM,
		                 platform);
	name = reference_normalize(reference, err);
	if (!name)
		return error_set(err, "invalid reference format");
	if (asprintf(&scratch, "%s/" INCOMING_WORK, directory) < 0) {
		free(name);
		return error_set(err, "out of memory");
	}
	pulling.name = pulling.source.reference = name;
	pulling.scratch = scratch;
	result = image_pull(&pulling, known, num_known);
	if (result < 0) {
		docker_words(name, err);
		if (pulling.source.location)
			registry_access_rename(pulling.source.location, name, err);
	}
	registry_access_forget();
	source_deinit(&pulling.source);
	free(scratch);
	free(name);
	return result;
}
