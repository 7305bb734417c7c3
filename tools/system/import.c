// SPDX-License-Identifier: MIT
#include "tools/system/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/image/digest.h"
#include "tools/image/source/reference.h"
#include "tools/image/tree/layer.h"
#include "tools/image/tool.h"
#include "tools/system/change.h"
#include "tools/system/incoming.h"
#include "tools/system/keeping.h"
#include "tools/system/made_image.h"
#include "tools/system/network.h"
#include "tools/system/report.h"

#define MAX_URL 2048
#define PATIENCE "120"  // seconds

struct importing {
	struct layer_source source;
	int fd;
	const char *url;   // NULL: it does not come from an address
	struct tool tool;  // which fetches it then
	const char *message;
	json_t *config;          // how it is to be run
	struct made_image made;  // once it has been read
};

static long archive_read_some(struct layer_source *source, void *buffer, unsigned long size,
                              struct error *err)
{
	struct importing *importing = (struct importing *)source;
	ssize_t length;

	do
		length = read(importing->fd, buffer, size);
	while (length < 0 && errno == EINTR);
	return length < 0 ? error_set_errno(err, errno, "it cannot be read") : length;
}

// The image's configuration. (OCI image spec, config.md)
static int image_describe(struct importing *importing, const char *diff_id, struct error *err)
{
	time_t now = time(NULL);
	struct tm when;
	char created[64];

	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &when));
	importing->made.image.config =
		json_pack("{s:s, s:s, s:s, s:O, s:{s:s, s:[s]}, s:[{s:s, s:s}]}", "architecture",
	                  OCI_ARCHITECTURE, "os", OCI_OS, "created", created, "config",
	                  importing->config, "rootfs", "type", "layers", "diff_ids", diff_id,
	                  "history", "created", created, "comment", importing->message);
	if (!importing->made.image.config)
		return error_set(err, "the message is not valid UTF-8");
	return made_image_finish(&importing->made, err);
}

// The end of the program that fetches the archive. What was wrong with the archive may be that
// there was none.
static int download_end(struct importing *importing, int result, struct error *err)
{
	char context[MAX_URL + 32];
	struct error reason;

	if (!importing->url)
		return result;
	snprintf(context, sizeof(context), "Get \"%s\"", importing->url);
	close(importing->fd);
	importing->fd = -1;
	if (tool_finish(&importing->tool, context, &reason) < 0 &&
	    (result == 0 || strstr(reason.text, "wget:"))) {
		*err = reason;
		return -1;
	}
	return result;
}

static int archive_read_all(struct importing *importing, struct tree *tree, struct spool *spool,
                            struct layer_source *source, char diff_id[DIGEST_TEXT_SIZE],
                            struct error *err)
{
	char rest[4096];
	long length;

	diff_id[0] = '\0';
	if (layer_apply(tree, spool, source, 1, diff_id, err) < 0)
		return download_end(importing, error_prefix(err, "the archive"), err);
	while ((length = source->read(source, rest, sizeof(rest), err)) > 0)
		;
	return download_end(importing, (int)length, err);
}

static int archive_apply(void *context, struct tree *tree, struct spool *spool, struct error *err)
{
	struct importing *importing = context;
	char diff_id[DIGEST_TEXT_SIZE], digest[DIGEST_TEXT_SIZE];
	struct keeping keeping;
	int result;

	if (keeping_begin(&keeping, &importing->source, &importing->made.kept, err) < 0)
		return -1;
	result = archive_read_all(importing, tree, spool, &keeping.source, diff_id, err);
	keeping_end(&keeping, result == 0, digest);
	made_image_add_blob(&importing->made, digest);
	return result < 0 ? -1 : image_describe(importing, diff_id, err);
}

static int image_make(struct importing *importing, const char *name, const char *directory,
                      struct error *err)
{
	json_t *references = name ? json_pack("[s]", name) : json_array();
	const struct incoming_image incoming = { .image = &importing->made.image,
		                                 .apply = archive_apply,
		                                 .context = importing,
		                                 .references = references,
		                                 .blobs = importing->made.blobs };
	int result = incoming_make(directory, &incoming, err);

	json_decref(references);
	return result;
}

// What the image is to be like: instructions of a Dockerfile.
static int config_make(struct importing *importing, const char *const *changes, struct error *err)
{
	importing->config = json_object();
	for (; *changes; changes++)
		if (change_apply(importing->config, *changes, err) < 0)
			return -1;
	json_object_del(importing->config, CHANGE_CMD_SET);
	return 0;
}

static int image_import(struct importing *importing, const struct import_wanted *wanted,
                        const char *directory, struct error *err)
{
	const char *reference = wanted->reference;
	char *name = reference[0] ? reference_normalize(reference, err) : NULL;
	int result = made_image_init(&importing->made, directory, err);

	if (reference[0] && !name)
		result = error_set(err, "invalid reference format");
	if (result == 0)
		result = image_make(importing, name, directory, err);
	if (result == 0)
		report_status(NULL, importing->made.id);
	made_image_deinit(&importing->made);
	free(name);
	return result;
}

// Starts what fetches the archive.
static int download_start(struct importing *importing, const char *scratch, struct error *err)
{
	bool is_local;
	char *address = network_address(importing->url, &is_local);
	const char *const argv[] = {
		"busybox", "wget", "-q",    "-T", PATIENCE, "-Y", is_local ? "off" : "on",
		"-O",      "-",    address, NULL
	};
	int ends[2];
	int result;

	if (!address)
		return error_set(err, "out of memory");
	result = pipe2(ends, O_CLOEXEC) < 0 ? error_set_errno(err, errno, "cannot make a pipe") : 0;
	if (result == 0) {
		result = tool_start(&importing->tool, argv, -1, ends[1], -1, scratch, err);
		close(ends[1]);
		importing->fd = ends[0];
		if (result < 0)
			close(ends[0]);
	}
	free(address);
	return result;
}

static int import_from(struct importing *importing, const struct import_wanted *wanted,
                       const char *directory, struct error *err)
{
	char text[MAX_URL + 32];
	const char *url = wanted->url;
	struct error ignored;
	char *scratch;
	int result;

	if (strncmp(url, "http://", 7) != 0 || strlen(url) > MAX_URL)
		return error_set(err, "\"%.200s\" is not http://..., or too long", url);
	importing->url = url;
	if (asprintf(&scratch, "%s/" INCOMING_WORK, directory) < 0)
		return error_set(err, "out of memory");
	result = download_start(importing, scratch, err);
	free(scratch);
	if (result < 0)
		return -1;
	snprintf(text, sizeof(text), "Downloading from %s", url);
	report_status(NULL, text);
	snprintf(text, sizeof(text), "Imported from %s", url);
	if (!importing->message)
		importing->message = text;
	result = image_import(importing, wanted, directory, err);
	if (importing->fd >= 0) {
		close(importing->fd);
		tool_finish(&importing->tool, "", &ignored);
	}
	return result;
}

int import(int fd, const struct import_wanted *wanted, const char *directory, struct error *err)
{
	struct importing importing = { .source.read = archive_read_some,
		                       .fd = fd,
		                       .message = wanted->message[0] ? wanted->message : NULL };
	int result = config_make(&importing, wanted->changes, err);

	if (result == 0 && wanted->url[0]) {
		result = import_from(&importing, wanted, directory, err);
	} else if (result == 0) {
		if (!importing.message)
			importing.message = "Imported from -";
		result = image_import(&importing, wanted, directory, err);
	}
	json_decref(importing.config);
	return result;
}
