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
#include "tools/system/change.h"
#include "tools/system/download.h"
#include "tools/system/incoming.h"
#include "tools/system/keeping.h"
#include "tools/system/made_image.h"
#include "tools/system/report.h"

struct importing {
	struct layer_source source;
	int fd;
	struct download download;  // where the bytes come from; without a URL: the client
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

// The end of a download. What was wrong with the archive may be that there was none.
static int end_download(struct importing *importing, int result, struct error *err)
{
	if (importing->download.url && download_end(&importing->download, err) < 0)
		return -1;
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
		return end_download(importing, error_prefix(err, "the archive"), err);
	while ((length = source->read(source, rest, sizeof(rest), err)) > 0)
		;
	return end_download(importing, (int)length, err);
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

static int import_from(struct importing *importing, const struct import_wanted *wanted,
                       const char *directory, struct error *err)
{
	char text[DOWNLOAD_MAX_URL + 32];
	struct download *download = &importing->download;
	struct error ignored;
	char *scratch;
	int result;

	if (!download_is_possible(wanted->url))
		return error_set(err, "\"%.200s\" is not http://..., https://..., or too long",
		                 wanted->url);
	if (asprintf(&scratch, "%s/" INCOMING_WORK, directory) < 0)
		return error_set(err, "out of memory");
	result = download_begin(download, wanted->url, scratch, err);
	free(scratch);
	if (result < 0)
		return -1;
	importing->fd = download->fd;
	snprintf(text, sizeof(text), "Downloading from %s", wanted->url);
	report_status(NULL, text);
	snprintf(text, sizeof(text), "Imported from %s", wanted->url);
	if (!importing->message)
		importing->message = text;
	result = image_import(importing, wanted, directory, err);
	if (download->fd >= 0)
		(void)download_end(download, &ignored);
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
