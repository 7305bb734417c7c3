// SPDX-License-Identifier: MIT
#include "tools/system/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/image/digest.h"
#include "tools/image/source/reference.h"
#include "tools/image/tree/layer.h"
#include "tools/system/incoming.h"
#include "tools/system/report.h"

struct importing {
	struct layer_source source;
	int fd;
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

static int archive_apply(void *context, struct tree *tree, struct spool *spool, struct error *err)
{
	struct importing *importing = context;
	char diff_id[DIGEST_TEXT_SIZE] = "";
	char rest[4096];
	long length;

	if (layer_apply(tree, spool, &importing->source, 1, diff_id, err) < 0)
		return error_prefix(err, "the archive");
	while ((length = archive_read_some(&importing->source, rest, sizeof(rest), err)) > 0)
		;
	return length < 0 ? -1 : image_describe(importing, diff_id, err);
}

int import(int fd, const char *reference, const char *message, const char *directory,
           struct error *err)
{
	struct importing importing = { .source.read = archive_read_some,
		                       .fd = fd,
		                       .message = message[0] ? message : "Imported from -" };
	char *name = reference[0] ? reference_normalize(reference, err) : NULL;
	json_t *references = name ? json_pack("[s]", name) : json_array();
	const struct incoming_image incoming = { .image = &importing.image,
		                                 .apply = archive_apply,
		                                 .context = &importing,
		                                 .references = references };
	int result = -1;

	if (reference[0] && !name)
		error_set(err, "invalid reference format");
	else
		result = incoming_make(directory, &incoming, err);
	if (result == 0)
		report_status(NULL, importing.id);
	oci_image_deinit(&importing.image);
	json_decref(references);
	free(name);
	return result;
}
