// SPDX-License-Identifier: MIT
//
// Images that others were made of, by `docker commit`. None needs the other here: each is a file
// system of its own. But people have them as docker has them: a parent stays.
#include "apps/images/images.h"
#include "libs/base/string.h"

static bool is_child(const struct image_entry *image, const char *id)
{
	struct record record;

	return image->record != NULL && image_record(image, &record) == 0 &&
		record.parent.len == strlen(id) + 2 &&
		memcmp(record.parent.data + 1, id, strlen(id)) == 0;
}

struct image_entry *image_child(const struct images *images, const struct image_entry *parent,
                                const struct image_entry *after)
{
	bool passed = after == NULL;

	list_for_each(entry, &images->images) {
		struct image_entry *image = container_of(entry, struct image_entry, entry);

		if (passed && image != parent && !image->is_going && is_child(image, parent->id))
			return image;
		passed = passed || image == after;
	}
	return NULL;
}

struct image_entry *image_parent(const struct images *images, const struct image_entry *child)
{
	struct record record;

	if (child->record == NULL || image_record(child, &record) < 0 || record.parent.len < 2)
		return NULL;
	list_for_each(entry, &images->images) {
		struct image_entry *image = container_of(entry, struct image_entry, entry);

		if (image != child && is_child(child, image->id))
			return image;
	}
	return NULL;
}
