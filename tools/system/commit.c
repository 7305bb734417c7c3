// SPDX-License-Identifier: MIT
#include "tools/system/commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/image/digest.h"
#include "tools/image/json_input.h"
#include "tools/image/source/reference.h"
#include "tools/image/tree/layer.h"
#include "tools/system/commit_config.h"
#include "tools/system/frames.h"
#include "tools/system/incoming.h"

struct committing {
	struct frames frames;
	json_t *wanted;  // what came first
	struct oci_image image;
	char id[DIGEST_TEXT_SIZE];
};

static int wanted_read(struct committing *committing, struct error *err)
{
	char *text = malloc(JSON_MAX_SIZE + 1);
	size_t length = 0;
	long got = 1;

	if (!text)
		return error_set(err, "out of memory");
	while (got > 0 && length <= JSON_MAX_SIZE) {
		got = frames_read(&committing->frames, text + length, JSON_MAX_SIZE + 1 - length,
		                  err);
		length += got > 0 ? (size_t)got : 0;
	}
	if (got >= 0)
		committing->wanted = json_parse(text, length, "the image's description", err);
	free(text);
	return committing->wanted ? frames_next(&committing->frames, err) : -1;
}

static int part_apply(struct committing *committing, struct tree *tree, struct spool *spool,
                      unsigned number, const char *what, char diff_id[DIGEST_TEXT_SIZE],
                      struct error *err)
{
	diff_id[0] = '\0';
	if (layer_apply(tree, spool, &committing->frames.source, number, diff_id, err) < 0)
		return error_prefix(err, "%s", what);
	return frames_next(&committing->frames, err);
}

// The image's configuration is known by now, but for its layers, and it has a digest then.
static int image_describe(struct committing *committing, const char *base, const char *layer,
                          struct error *err)
{
	char *text;
	int result = -1;

	commit_config_add_layer(committing->image.config, base, layer);
	text = json_dumps(committing->image.config, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		result = digest_of(text, strlen(text), committing->id, err);
	free(text);
	if (result == 0)
		committing->image.manifest =
			json_pack("{s:{s:s}}", "config", "digest", committing->id);
	return committing->image.manifest ? 0 : error_set(err, "out of memory");
}

static int parts_apply(void *context, struct tree *tree, struct spool *spool, struct error *err)
{
	struct committing *committing = context;
	char base[DIGEST_TEXT_SIZE], layer[DIGEST_TEXT_SIZE];

	if (part_apply(committing, tree, spool, 1, "the container's image", base, err) < 0 ||
	    part_apply(committing, tree, spool, 2, "what the container has written", layer, err) <
	            0)
		return -1;
	return image_describe(committing, base, layer, err);
}

int commit(int fd, const char *reference, const char *directory, struct error *err)
{
	struct committing committing = { 0 };
	char *name = reference[0] ? reference_normalize(reference, err) : NULL;
	json_t *references = name ? json_pack("[s]", name) : json_array();
	const struct incoming_image incoming = { .image = &committing.image,
		                                 .apply = parts_apply,
		                                 .context = &committing,
		                                 .references = references };
	int result = -1;

	frames_init(&committing.frames, fd);
	if (reference[0] && !name)
		error_set(err, "invalid reference format");
	else if (wanted_read(&committing, err) == 0)
		committing.image.config = commit_config_make(committing.wanted, time(NULL), err);
	if (committing.image.config)
		result = incoming_make(directory, &incoming, err);
	oci_image_deinit(&committing.image);
	json_decref(committing.wanted);
	json_decref(references);
	free(name);
	return result;
}
