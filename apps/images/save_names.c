// SPDX-License-Identifier: MIT
//
// Which images docker save means.
#include "apps/images/images.h"
#include "apps/images/save_archive.h"
#include "apps/images/save.h"
#include "libs/base/string.h"
#include "libs/http/target.h"

static struct save_item *item_of(struct save_item *items, size_t *count, const char *id)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(items[i].id, id) == 0)
			return &items[i];
	if (*count == SAVE_ITEMS_MAX)
		return NULL;
	str_copy(items[*count].id, id, sizeof(items[*count].id));
	return &items[(*count)++];
}

static error_t add_tag(struct save_item *item, const char *name)
{
	const char *shown = reference_familiar(name);

	for (size_t i = 0; i < item->tags.count; i++)
		if (strcmp(item->tags.items[i], shown) == 0)
			return 0;
	return string_list_add(&item->tags, shown);
}

// A name with neither a tag nor a digest means all tags of its repository, as with docker.
static bool is_repository(const char *text)
{
	bool has_tag = false;

	// The colon of a port comes before the last slash.
	for (; *text != '\0' && *text != '@'; text++)
		has_tag = *text == ':' || (has_tag && *text != '/');
	return !has_tag && *text == '\0';
}

// Errors: ERR_LIMIT, ERR_NO_MEMORY.
static error_t add_reference(const struct reference *reference, struct save_item *items,
                             size_t *count)
{
	struct save_item *item = item_of(items, count, reference->id);

	if (item == NULL)
		return ERR_LIMIT;
	return reference_has_digest(reference->name) ? 0 : add_tag(item, reference->name);
}

// All tags of the repository that `text` is; ERR_NOT_FOUND: it has none, or may be an id. Other
// errors: as add_reference's.
static error_t add_repository(struct images *images, const char *text, struct save_item *items,
                              size_t *count)
{
	char full[IMAGE_NAME_MAX];
	error_t err = ERR_NOT_FOUND;
	size_t length;

	if (!is_repository(text) || image_name_normalise(text, full) < 0)
		return err;
	length = reference_repository(full);
	list_for_each(entry, &images->references) {
		const struct reference *each = container_of(entry, struct reference, entry);
		const struct image_entry *image = catalog_by_id(images, each->id);

		if ((err == 0 || err == ERR_NOT_FOUND) && image != NULL && !image->is_going &&
		    image_is_shown(images, image) && !reference_has_digest(each->name) &&
		    reference_counts(images, each, image) &&
		    reference_repository(each->name) == length &&
		    memcmp(each->name, full, length) == 0)
			err = add_reference(each, items, count);
	}
	return err;
}

bool save_names_find(struct request *request, const char *text, struct save_item *items,
                     size_t *count)
{
	struct found found;
	error_t err = add_repository(request->images, text, items, count);

	if (err == ERR_NOT_FOUND) {
		if (!catalog_find(request, text, &found))
			return false;
		err = item_of(items, count, found.image->id) != NULL ? 0 : ERR_LIMIT;
		if (err == 0 && found.reference != NULL)
			err = add_reference(found.reference, items, count);
	}
	if (err < 0)
		request_refuse(request, err == ERR_LIMIT ? 400 : 500, "%s",
		               err == ERR_LIMIT ? "more than 256 images at once" : "out of memory");
	return err == 0;
}

bool save_names_find_all(struct request *request, struct save_item *items, size_t *count)
{
	char name[IMAGE_NAME_MAX];
	error_t err = 0;

	for (unsigned i = 0; err == 0; i++) {
		err = http_query_value(request->query, "names", i, name, sizeof(name));
		if (err == 0 && !save_names_find(request, name, items, count))
			return false;
	}
	if (err == ERR_NOT_FOUND && *count > 0)
		return true;
	request_refuse(request, 400,
	               err == ERR_NOT_FOUND ? "no image is named: the parameter names is missing"
	                                    : "invalid reference format");
	return false;
}
