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
#include "tools/system/incoming.h"
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
	struct oci_image image;  // once it has been read
	char id[DIGEST_TEXT_SIZE];
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

// The image's configuration and manifest. (OCI image spec, config.md, manifest.md)
static int image_describe(struct importing *importing, const char *diff_id, struct error *err)
{
	time_t now = time(NULL);
	struct tm when;
	char created[64];
	char *text;
	int result = -1;

	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &when));
	importing->image.config = json_pack("{s:s, s:s, s:s, s:{}, s:{s:s, s:[s]}, s:[{s:s, s:s}]}",
	                                    "architecture", OCI_ARCHITECTURE, "os", OCI_OS,
	                                    "created", created, "config", "rootfs", "type",
	                                    "layers", "diff_ids", diff_id, "history", "created",
	                                    created, "comment", importing->message);
	if (!importing->image.config)
		return error_set(err, "the message is not valid UTF-8");
	text = json_dumps(importing->image.config, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		result = digest_of(text, strlen(text), importing->id, err);
	free(text);
	if (result == 0)
		importing->image.manifest =
			json_pack("{s:{s:s}}", "config", "digest", importing->id);
	return importing->image.manifest ? 0 : error_set(err, "out of memory");
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
                            char diff_id[DIGEST_TEXT_SIZE], struct error *err)
{
	char rest[4096];
	long length;

	if (layer_apply(tree, spool, &importing->source, 1, diff_id, err) < 0)
		return error_prefix(err, "the archive");
	while ((length = archive_read_some(&importing->source, rest, sizeof(rest), err)) > 0)
		;
	return (int)length;
}

static int archive_apply(void *context, struct tree *tree, struct spool *spool, struct error *err)
{
	struct importing *importing = context;
	char diff_id[DIGEST_TEXT_SIZE] = "";
	int result = archive_read_all(importing, tree, spool, diff_id, err);

	result = download_end(importing, result, err);
	return result < 0 ? -1 : image_describe(importing, diff_id, err);
}

static int image_import(struct importing *importing, const char *reference, const char *directory,
                        struct error *err)
{
	char *name = reference[0] ? reference_normalize(reference, err) : NULL;
	json_t *references = name ? json_pack("[s]", name) : json_array();
	const struct incoming_image incoming = { .image = &importing->image,
		                                 .apply = archive_apply,
		                                 .context = importing,
		                                 .references = references };
	int result = -1;

	if (reference[0] && !name)
		error_set(err, "invalid reference format");
	else
		result = incoming_make(directory, &incoming, err);
	if (result == 0)
		report_status(NULL, importing->id);
	oci_image_deinit(&importing->image);
	json_decref(references);
	free(name);
	return result;
}

int import(int fd, const char *reference, const char *message, const char *directory,
           struct error *err)
{
	struct importing importing = { .source.read = archive_read_some,
		                       .fd = fd,
		                       .message = message[0] ? message : "Imported from -" };

	return image_import(&importing, reference, directory, err);
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

int import_from(const char *url, const char *reference, const char *message, const char *directory,
                struct error *err)
{
	char text[MAX_URL + 32];
	char *scratch;
	struct importing importing = { .source.read = archive_read_some,
		                       .fd = -1,
		                       .url = url,
		                       .message = message[0] ? message : text };
	struct error ignored;
	int result;

	if (strncmp(url, "http://", 7) != 0 || strlen(url) > MAX_URL)
		return error_set(err, "\"%.200s\" is not http://..., or too long", url);
	snprintf(text, sizeof(text), "Imported from %s", url);
	if (asprintf(&scratch, "%s/" INCOMING_WORK, directory) < 0)
		return error_set(err, "out of memory");
	result = download_start(&importing, scratch, err);
	free(scratch);
	if (result < 0)
		return -1;
	snprintf(text, sizeof(text), "Downloading from %s", url);
	report_status(NULL, text);
	snprintf(text, sizeof(text), "Imported from %s", url);
	result = image_import(&importing, reference, directory, err);
	if (importing.fd >= 0) {
		close(importing.fd);
		tool_finish(&importing.tool, "", &ignored);
	}
	return result;
}
