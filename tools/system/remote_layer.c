// SPDX-License-Identifier: MIT
#include "tools/system/remote_layer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/digest.h"
#include "tools/image/tree/layer.h"
#include "tools/system/report.h"

// Behind the compressed stream, or behind what an error has left.
#define MAX_REST (64u << 20)

static int plain_apply(const struct remote_layer *layer, struct layer_source *source,
                       struct tree *tree, struct spool *spool, struct error *err)
{
	char actual[DIGEST_TEXT_SIZE];

	snprintf(actual, sizeof(actual), "%s", layer->diff_id);
	if (layer_apply(tree, spool, source, layer->number, actual, err) < 0)
		return -1;
	if (strcmp(actual, layer->diff_id) != 0)
		return error_set(err, "it is corrupt: uncompressed, its digest is %s, not %s",
		                 actual, layer->diff_id);
	return 0;
}

// --- Kept ----------------------------------------------------------------------------------------

struct kept_source {
	struct layer_source source;
	int fd;
};

static long kept_read(struct layer_source *source, void *buffer, unsigned long size,
                      struct error *err)
{
	struct kept_source *kept = (struct kept_source *)source;
	ssize_t length;

	do
		length = read(kept->fd, buffer, size);
	while (length < 0 && errno == EINTR);
	return length < 0 ? error_set_errno(err, errno, "it cannot be read") : length;
}

static int kept_apply(const struct remote_layer *layer, struct kept *kept, int fd,
                      struct tree *tree, struct spool *spool, struct error *err)
{
	struct kept_source source = { .source.read = kept_read, .fd = fd };
	int result = plain_apply(layer, &source.source, tree, spool, err);

	// What is wrong may be the image, or the disk.
	if (result < 0 && !kept_is_whole(fd, layer->digest)) {
		kept_drop(kept, layer->digest);
		error_set(err, "it was damaged on the state disk, and is removed there: try again");
	}
	close(fd);
	return result;
}

// --- Fetched -------------------------------------------------------------------------------------

struct fetch {
	struct layer_source source;
	struct proxy_blob blob;
	struct kept_file file;
	const char *digest;
};

static long fetch_read(struct layer_source *source, void *buffer, unsigned long size,
                       struct error *err)
{
	struct fetch *fetch = (struct fetch *)source;
	long length = proxy_blob_read(&fetch->blob, buffer, size, err);

	if (length > 0) {
		kept_file_write(&fetch->file, buffer, (size_t)length);
		report_progress(fetch->digest, "Downloading", fetch->blob.done, fetch->blob.size);
	}
	return length;
}

// Reads what the decompressor left: there may be bytes behind the compressed stream. 0: that was
// all of the blob; 1: there is more than what is read; -1 with `err`.
static int rest_read(struct fetch *fetch, struct error *err)
{
	uint64_t end = fetch->blob.done + MAX_REST;
	char rest[4096];
	long length = 1;

	while (length > 0 && fetch->blob.done < end)
		length = fetch_read(&fetch->source, rest, sizeof(rest), err);
	return length > 0 ? 1 : (int)length;
}

static int fetched_apply(const struct remote_layer *layer, struct proxy *proxy, struct fetch *fetch,
                         struct tree *tree, struct spool *spool, struct error *err)
{
	struct error reason;
	int result, rest;

	if (proxy_blob_open(proxy, &fetch->blob, layer->digest, layer->size, err) < 0)
		return -1;
	result = plain_apply(layer, &fetch->source, tree, spool, err);
	// A blob that is not what it should be explains whatever else went wrong.
	rest = rest_read(fetch, &reason);
	if (rest < 0 || (rest == 0 && proxy_blob_finish(proxy, &fetch->blob, &reason) < 0)) {
		*err = reason;
		return -1;
	}
	if (result == 0 && rest > 0)
		return error_set(err, "more than %u MiB follow its compressed content",
		                 MAX_REST >> 20);
	return result;
}

static int fetch_apply(struct remote_layer *layer, struct proxy *proxy, struct kept *kept,
                       struct tree *tree, struct spool *spool, struct error *err)
{
	struct fetch fetch = { .source.read = fetch_read, .digest = layer->digest };
	int result;

	kept_file_begin(kept, &fetch.file, layer->digest);
	result = fetched_apply(layer, proxy, &fetch, tree, spool, err);
	layer->is_kept = kept_file_end(kept, &fetch.file, layer->digest, result == 0);
	return result;
}

static void status_report(const char *digest, const char *status)
{
	char id[REPORT_ID_SIZE];

	report_id(digest, id);
	report_status(id, status);
}

int remote_layer_apply(struct remote_layer *layer, struct proxy *proxy, struct kept *kept,
                       struct tree *tree, struct spool *spool, struct error *err)
{
	int fd = kept_get(kept, layer->digest);
	int result;

	layer->is_kept = fd >= 0;
	result = fd >= 0 ? kept_apply(layer, kept, fd, tree, spool, err)
			 : fetch_apply(layer, proxy, kept, tree, spool, err);
	if (result < 0 || layer->was_there)
		return result;
	status_report(layer->digest, "Download complete");
	status_report(layer->digest, "Pull complete");
	return 0;
}
