// SPDX-License-Identifier: MIT
#include "tools/image/source/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/source/archive_file.h"
#include "tools/image/json_input.h"
#include "tools/image/source/oci.h"
#include "tools/image/source/named_image.h"
#include "tools/image/tool.h"

#define MAX_ARGS 16
#define MAX_MISLABELLED 4  // each costs a question to the registry

bool registry_is_local(const char *name)
{
	static const char *const hosts[] = { "localhost", "[::1]" };
	size_t address = strspn(name, "0123456789.");

	// All of 127.0.0.0/8, as docker has it.
	if (strncmp(name, "127.", 4) == 0 && (name[address] == ':' || name[address] == '/'))
		return true;
	for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		size_t length = strlen(hosts[i]);

		// A lone "localhost" is an image's name, not a host.
		if (strncmp(name, hosts[i], length) == 0 &&
		    (name[length] == ':' || name[length] == '/') && strchr(name + length, '/'))
			return true;
	}
	return false;
}

struct arguments {
	const char *argv[MAX_ARGS];
	unsigned count;
};

static void add(struct arguments *arguments, const char *argument)
{
	arguments->argv[arguments->count++] = argument;  // MAX_ARGS is above what anyone adds
}

static bool has_policy(void)
{
	const char *home = getenv("HOME");
	char *path;
	bool found;

	if (access("/etc/containers/policy.json", R_OK) == 0)
		return true;
	if (!home || asprintf(&path, "%s/.config/containers/policy.json", home) < 0)
		return false;
	found = access(path, R_OK) == 0;
	free(path);
	return found;
}

// skopeo knows docker's logins in ~/.docker/config.json, but not that DOCKER_CONFIG may have moved
// it.
static void auth_file_choose(void)
{
	const char *directory = getenv("DOCKER_CONFIG");
	char *path;

	if (!directory || !directory[0] || asprintf(&path, "%s/config.json", directory) < 0)
		return;
	if (access(path, R_OK) == 0)
		setenv("REGISTRY_AUTH_FILE", path, 0);
	free(path);
}

// Says what to do about a registry that wants to know who asks.
static void login_hint(const struct source *source, struct error *err)
{
	if (strcasestr(err->text, "unauthorized") ||
	    strcasestr(err->text, "authentication required") ||
	    strcasestr(err->text, "access to the resource is denied"))
		error_set(err,
		          "%s; if it is there, log in first: skopeo login %.*s (or docker login)",
		          strdupa(err->text), (int)strcspn(source->location, "/"),
		          source->location);
}

static void begin(struct arguments *arguments, const char *command)
{
	auth_file_choose();
	add(arguments, "skopeo");
	// Where the machine has no policy on signatures, there is none to obey (digests are
	// verified anyway).
	if (!has_policy())
		add(arguments, "--insecure-policy");
	add(arguments, "--override-os=" OCI_OS);
	add(arguments, "--override-arch=" OCI_ARCHITECTURE);
	// A registry that says nothing is not waited for.
	if (strcmp(command, "inspect") == 0)
		add(arguments, "--command-timeout=300s");
	add(arguments, command);
}

// NAME without its tag and digest.
static char *bare_name(const char *location)
{
	char *name = strdup(location);
	char *end;

	if (!name)
		return NULL;
	end = strchr(name, '@');
	if (end)
		*end = '\0';
	end = strrchr(name, ':');
	if (end && !strchr(end, '/'))
		*end = '\0';
	return name;
}

// What the registry says of `image`: its manifest, or with `config` its configuration, as they are.
static char *inspect_raw(const struct source *source, const char *image, bool config,
                         const char *scratch, size_t *length, struct error *err)
{
	struct arguments arguments = { 0 };
	char *context;
	char *text;

	begin(&arguments, "inspect");
	add(&arguments, "--raw");
	if (config)
		add(&arguments, "--config");
	if (source->without_tls || registry_is_local(source->location))
		add(&arguments, "--tls-verify=false");
	add(&arguments, image);
	if (asprintf(&context, "cannot find %s (%s)", source->reference, source->location) < 0) {
		error_set(err, "out of memory");
		return NULL;
	}
	text = tool_output(arguments.argv, JSON_MAX_SIZE, length, context, scratch, err);
	free(context);
	if (!text)
		login_hint(source, err);
	return text;
}

struct registry_reader {
	struct oci_reader reader;
	const struct source *source;
	const char *scratch;
};

// What the registry has under `digest` of this source's name; its own digest has to be `expected`.
static json_t *registry_read(struct registry_reader *reader, const char *digest, bool config,
                             const char *expected, struct error *err)
{
	char *name = bare_name(reader->source->location);
	char *image = NULL;
	char *text = NULL;
	json_t *document = NULL;
	size_t length = 0;

	if (!name || asprintf(&image, "docker://%s@%s", name, digest) < 0)
		error_set(err, "out of memory");
	else
		text = inspect_raw(reader->source, image, config, reader->scratch, &length, err);
	if (text && (!expected || digest_matches(text, length, expected, err)))
		document = json_parse(text, length, "the registry's answer", err);
	if (text && !document)
		error_prefix(err, "%s", reader->source->reference);
	free(text);
	free(image);
	free(name);
	return document;
}

static json_t *read_manifest(struct oci_reader *reader, const json_t *descriptor, struct error *err)
{
	const char *digest = json_get_string(descriptor, "digest");

	return registry_read((struct registry_reader *)reader, digest, false, digest, err);
}

static json_t *read_config(struct oci_reader *reader, const char *manifest_digest,
                           const json_t *descriptor, struct error *err)
{
	const char *digest = json_get_string(descriptor, "digest");

	return registry_read((struct registry_reader *)reader, manifest_digest, true,
	                     digest_is_valid(digest) ? digest : NULL, err);
}

// Fills in which of the manifests of `index` is the image.
static int index_identify(struct source *source, const json_t *index, bool thorough,
                          const char *scratch, struct error *err)
{
	struct registry_reader reader = {
		.reader = { .name = source->reference,
		            .manifest = read_manifest,
		            .config = read_config,
		            .max_mislabelled = MAX_MISLABELLED },
		.source = source,
		.scratch = scratch,
	};
	const char *obvious = thorough ? NULL : oci_index_obvious(index);
	struct oci_image image;

	source->by_label = obvious != NULL;
	if (obvious) {
		strcpy(source->digest, obvious);
		return 0;
	}
	if (oci_choose(&reader.reader, index, false, NULL, &image, err) < 0)
		return -1;
	memcpy(source->digest, image.digest, DIGEST_TEXT_SIZE);
	source->size = oci_manifest_size(image.manifest);
	oci_image_deinit(&image);
	return 0;
}

int registry_identify(struct source *source, bool thorough, const char *scratch, struct error *err)
{
	char *image = NULL;
	size_t length;
	char *text;
	json_t *document;
	int result = -1;

	if (asprintf(&image, "docker://%s", source->location) < 0)
		return error_set(err, "out of memory");
	text = inspect_raw(source, image, false, scratch, &length, err);
	free(image);
	if (!text)
		return -1;
	document = json_parse(text, length, "the registry's answer", err);
	if (!document) {
		error_prefix(err, "%s", source->reference);
	} else if (digest_of(text, length, source->named, err) < 0) {
		result = -1;
	} else if (oci_is_index(document)) {
		result = index_identify(source, document, thorough, scratch, err);
	} else {
		memcpy(source->digest, source->named, DIGEST_TEXT_SIZE);
		result = 0;
		source->size = oci_manifest_size(document);
	}
	memcpy(source->key, source->digest, DIGEST_TEXT_SIZE);
	json_decref(document);
	free(text);
	return result;
}

// skopeo copy FROM oci:layout:image, in `scratch`; `size` bytes of it, or 0.
static char *copy(const struct source *source, struct arguments *arguments, const char *from,
                  const char *what, uint64_t size, const char *scratch, struct error *err)
{
	int scratch_fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *context = NULL;
	char *layout = NULL;
	struct tool tool;
	int result = -1;

	add(arguments, from);
	// A relative path: skopeo takes a colon in it for the end.
	add(arguments, "oci:layout:image");
	if (scratch_fd < 0) {
		error_set_errno(err, errno, "cannot open %s", scratch);
		return NULL;
	}
	if (asprintf(&layout, "%s/layout", scratch) < 0 ||
	    asprintf(&context, "cannot %s %s", what, source->reference) < 0) {
		error_set(err, "out of memory");
		goto out_close;
	}
	if (tool_start(&tool, arguments->argv, -1, -1, scratch_fd, scratch, err) < 0)
		goto out_close;
	result = tool_finish_watched(&tool, context, "getting the image", layout, size, err);
out_close:
	free(context);
	close(scratch_fd);
	if (result == 0)
		return layout;
	free(layout);
	return NULL;
}

// How much there is to fetch of an image that was picked from an index, for the progress lines; 0:
// not known.
static uint64_t fetch_size(const struct source *source, const char *from, const char *scratch)
{
	struct error ignored;
	size_t length;
	char *text = source->size ? NULL
				  : inspect_raw(source, from, false, scratch, &length, &ignored);
	json_t *manifest = text ? json_parse(text, length, "manifest", &ignored) : NULL;
	uint64_t size = manifest ? oci_manifest_size(manifest) : source->size;

	json_decref(manifest);
	free(text);
	return size;
}

char *registry_fetch(const struct source *source, const char *scratch, struct error *err)
{
	struct arguments arguments = { 0 };
	char *name = bare_name(source->location);
	char *from = NULL;
	char *layout = NULL;

	begin(&arguments, "copy");
	add(&arguments, "--quiet");
	if (registry_is_local(source->location))
		add(&arguments, "--src-tls-verify=false");
	// By digest: the tag may have moved since.
	if (!name || asprintf(&from, "docker://%s@%s", name, source->digest) < 0)
		error_set(err, "out of memory");
	else
		layout = copy(source, &arguments, from, "fetch", fetch_size(source, from, scratch),
		              scratch, err);
	free(from);
	free(name);
	return layout;
}

// Puts the archive, or a way to it, at `path`.
static int archive_place(const struct source *source, bool compressed, const char *path,
                         struct error *err)
{
	char *real;
	int result = 0;

	// skopeo 1.9 cannot read compressed archives, whatever its manual says.
	if (compressed)
		return archive_file_decompress(source->location, path, err);
	real = realpath(source->location, NULL);
	if (!real || symlink(real, path) < 0)
		result = error_set_errno(err, errno, "cannot refer to %s", source->location);
	free(real);
	return result;
}

char *registry_convert(const struct source *source, int number, bool compressed,
                       const char *scratch, struct error *err)
{
	struct arguments arguments = { 0 };
	char *path = NULL;
	char *from = NULL;
	char *layout = NULL;

	begin(&arguments, "copy");
	add(&arguments, "--quiet");
	add(&arguments, "--dest-oci-accept-uncompressed-layers");
	if (asprintf(&path, "%s/archive.tar", scratch) < 0 ||
	    asprintf(&from, "docker-archive:archive.tar:@%d", number) < 0)
		error_set(err, "out of memory");
	else if (archive_place(source, compressed, path, err) < 0)
		error_prefix(err, "%s", source->reference);
	else
		layout = copy(source, &arguments, from, "read", source->size, scratch, err);
	free(from);
	free(path);
	return layout;
}
