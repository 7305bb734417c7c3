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
#include "tools/system/keeping.h"
#include "tools/system/made_image.h"

struct committing {
	struct frames frames;
	json_t *wanted;  // what came first
	struct made_image made;
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

static int part_apply(struct committing *committing, struct layer_source *source, struct tree *tree,
                      struct spool *spool, unsigned number, char diff_id[DIGEST_TEXT_SIZE],
                      struct error *err)
{
	diff_id[0] = '\0';
	if (layer_apply(tree, spool, source, number, diff_id, err) < 0)
		return error_prefix(err, "%s",
		                    number == 1 ? "the container's image"
		                                : "what the container has written");
	return frames_next(&committing->frames, err);
}

static int part_keep(struct committing *committing, struct tree *tree, struct spool *spool,
                     unsigned number, char diff_id[DIGEST_TEXT_SIZE], struct error *err)
{
	char digest[DIGEST_TEXT_SIZE];
	struct keeping keeping;
	int result;

	if (keeping_begin(&keeping, &committing->frames.source, &committing->made.kept, err) < 0)
		return -1;
	result = part_apply(committing, &keeping.source, tree, spool, number, diff_id, err);
	keeping_end(&keeping, result == 0, digest);
	made_image_add_blob(&committing->made, digest);
	return result;
}

// What is kept of the container's image is kept of the new one, too: returns whether that is all of
// its layers. Behind them is its configuration.
static bool parent_take(struct committing *committing, const json_t *layers)
{
	json_t *blobs = json_get_strings(json_object_get(committing->wanted, "parent"), "blobs");
	size_t count = json_array_size(layers);

	if (count == 0 || json_array_size(blobs) != count + 1)
		return false;
	for (size_t i = 0; i < count; i++)
		json_array_append(committing->made.blobs, json_array_get(blobs, i));
	return true;
}

static int parts_apply(void *context, struct tree *tree, struct spool *spool, struct error *err)
{
	struct committing *committing = context;
	struct layer_source *source = &committing->frames.source;
	const json_t *layers =
		json_get_strings(json_object_get(committing->wanted, "parent"), "layers");
	char base[DIGEST_TEXT_SIZE], layer[DIGEST_TEXT_SIZE];
	// An image without layers that anybody knows becomes one.
	bool is_one = json_array_size(layers) == 0;
	bool keeps = parent_take(committing, layers) || is_one;
	int result = is_one ? part_keep(committing, tree, spool, 1, base, err)
			    : part_apply(committing, source, tree, spool, 1, base, err);

	if (result == 0)
		result = keeps ? part_keep(committing, tree, spool, 2, layer, err)
			       : part_apply(committing, source, tree, spool, 2, layer, err);
	if (result < 0)
		return -1;
	commit_config_add_layer(committing->made.image.config, base, layer);
	return made_image_finish(&committing->made, err);
}

static int image_make(struct committing *committing, const char *name, const char *directory,
                      struct error *err)
{
	const json_t *wanted = committing->wanted, *parent = json_object_get(wanted, "parent");
	const json_t *container = json_object_get(wanted, "container");
	json_t *references = name ? json_pack("[s]", name) : json_array();
	const struct incoming_image incoming = {
		.image = &committing->made.image,
		.apply = parts_apply,
		.context = committing,
		.references = references,
		.parent = json_get_string(parent, "id"),
		.container = json_get_string(wanted, "container_id"),
		.container_image = json_get_string(container, "Image"),
		.blobs = committing->made.blobs
	};
	int result = incoming_make(directory, &incoming, err);

	json_decref(references);
	return result;
}

int commit(int fd, const char *reference, const char *directory, struct error *err)
{
	struct committing committing = { 0 };
	char *name = reference[0] ? reference_normalize(reference, err) : NULL;
	int result = made_image_init(&committing.made, directory, err);

	frames_init(&committing.frames, fd);
	if (reference[0] && !name)
		result = error_set(err, "invalid reference format");
	if (result == 0)
		result = wanted_read(&committing, err);
	if (result == 0)
		committing.made.image.config =
			commit_config_make(committing.wanted, time(NULL), err);
	result = committing.made.image.config ? image_make(&committing, name, directory, err) : -1;
	made_image_deinit(&committing.made);
	json_decref(committing.wanted);
	free(name);
	return result;
}
