// SPDX-License-Identifier: MIT
//
// Images and references to them. A reference of the store comes before one of the host's of the
// same name.
#include "apps/images/images.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define SECTOR_SIZE 512u

// --- Images --------------------------------------------------------------------------------------

struct image_entry *catalog_by_id(const struct images *images, const char *id)
{
	list_for_each(entry, &images->images) {
		struct image_entry *image = container_of(entry, struct image_entry, entry);

		if (strcmp(image->id, id) == 0)
			return image;
	}
	return NULL;
}

struct image_entry *catalog_make(struct images *images, const char *id)
{
	struct image_entry *image = catalog_by_id(images, id);

	if (image != NULL)
		return image;
	image = images->num_images < IMAGES_MAX ? heap_alloc(sizeof(*image)) : NULL;
	if (image == NULL)
		return NULL;
	str_copy(image->id, id, sizeof(image->id));
	list_push_front(&images->images, &image->entry);
	images->num_images++;
	return image;
}

struct image_entry *catalog_know(struct images *images, const char *id, struct span record,
                                 size_t listed_size)
{
	char *copy = heap_alloc(record.len + 1);
	struct image_entry *image = copy != NULL ? catalog_make(images, id) : NULL;

	if (image == NULL) {
		heap_free(copy);
		return NULL;
	}
	memcpy(copy, record.data, record.len);
	heap_free(image->record);
	image->record = copy;
	image->listed_size = listed_size;
	return image;
}

void catalog_forget(struct images *images, struct image_entry *image)
{
	list_remove(&image->entry);
	images->num_images--;
	heap_free(image->record);
	heap_free(image);
}

bool image_is_shown(const struct images *images, const struct image_entry *image)
{
	list_for_each(entry, &images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (strcmp(reference->id, image->id) == 0 &&
		    (strcmp(reference->name, IMAGE_BUILTIN) == 0 ||
		     strcmp(reference->name, IMAGE_SYSTEM) == 0))
			return false;
	}
	return true;
}

void image_short_id(const struct image_entry *image, char out[static SHORT_ID_MAX])
{
	str_copy(out, image->id + DIGEST_PREFIX_LENGTH, SHORT_ID_MAX);
}

error_t image_record(const struct image_entry *image, struct record *out)
{
	struct span text = text_span(image->record);

	return record_read(text, out);
}

// --- References ----------------------------------------------------------------------------------

struct reference *catalog_reference(const struct images *images, const char *name)
{
	list_for_each(entry, &images->references) {
		struct reference *reference = container_of(entry, struct reference, entry);

		if (strcmp(reference->name, name) == 0 &&
		    catalog_by_id(images, reference->id) != NULL)
			return reference;
	}
	return NULL;
}

bool reference_counts(const struct images *images, const struct reference *reference,
                      const struct image_entry *image)
{
	return strcmp(reference->id, image->id) == 0 &&
		catalog_reference(images, reference->name) == reference;
}

static error_t refer(struct images *images, const char *name, const char *id, bool of_host)
{
	struct reference *reference;

	list_for_each(entry, &images->references) {
		reference = container_of(entry, struct reference, entry);
		if (reference->of_host != of_host || strcmp(reference->name, name) != 0)
			continue;
		str_copy(reference->id, id, sizeof(reference->id));
		return 0;
	}
	if (images->num_references == REFERENCES_MAX)
		return ERR_LIMIT;
	reference = heap_alloc(sizeof(*reference));
	if (reference == NULL)
		return ERR_NO_MEMORY;
	str_copy(reference->name, name, sizeof(reference->name));
	str_copy(reference->id, id, sizeof(reference->id));
	reference->of_host = of_host;
	if (of_host)
		list_push_back(&images->references, &reference->entry);
	else
		list_push_front(&images->references, &reference->entry);
	images->num_references++;
	return 0;
}

error_t catalog_refer(struct images *images, const char *name, const char *id)
{
	return refer(images, name, id, false);
}

void catalog_unrefer(struct images *images, struct reference *reference)
{
	list_remove(&reference->entry);
	images->num_references--;
	heap_free(reference);
}

// --- The host's ----------------------------------------------------------------------------------

static error_t add_host(void *context, struct span text)
{
	struct images *images = context;
	struct image_entry *image;
	struct record record;
	size_t listed;
	error_t err = record_read(text, &record);

	if (err == 0 && (record.name[0] == '\0' || record.num_sectors == 0))
		err = ERR_PROTOCOL;
	if (err < 0)
		return err;
	// One that the host says no digest of is called by its name.
	if (record.id[0] == '\0')
		str_copy(record.id, record.name, sizeof(record.id));
	err = listing_check(images, record.id, &record, &listed);
	if (err < 0) {
		log_error("the image %s on the disk \"images\" cannot be used: %s", record.name,
		          error_text(err));
		return 0;
	}
	image = catalog_know(images, record.id, text, listed);
	if (image == NULL)
		return ERR_NO_MEMORY;
	image->of_host = true;
	image->first_sector = record.first_sector;
	image->num_sectors = record.num_sectors;
	image->size = record.num_sectors * SECTOR_SIZE;
	return refer(images, record.name, record.id, true);
}

error_t catalog_add_host(struct images *images, struct span document)
{
	return record_index(document, "images", add_host, images);
}

// --- Finding -------------------------------------------------------------------------------------

// By an id or the beginning of one. Returns how many there are.
static size_t find_by_id(struct images *images, const char *text, struct image_entry **out)
{
	size_t count = 0, len;

	if (strncmp(text, "sha256:", DIGEST_PREFIX_LENGTH) == 0)
		text += DIGEST_PREFIX_LENGTH;
	len = strlen(text);
	list_for_each(entry, &images->images) {
		struct image_entry *image = container_of(entry, struct image_entry, entry);

		if (len == 0 || image->is_going || !image_is_shown(images, image) ||
		    strlen(image->id) <= DIGEST_PREFIX_LENGTH ||
		    strncmp(image->id + DIGEST_PREFIX_LENGTH, text, len) != 0)
			continue;
		*out = image;
		count++;
	}
	return count;
}

bool catalog_find(struct request *request, const char *name, struct found *out)
{
	struct images *images = request->images;
	char full[IMAGE_NAME_MAX];
	size_t count;

	*out = (struct found){ 0 };
	if (image_name_normalise(name, full) == 0)
		out->reference = catalog_reference(images, full);
	if (out->reference != NULL)
		out->image = catalog_by_id(images, out->reference->id);
	if (out->image != NULL && !out->image->is_going && image_is_shown(images, out->image))
		return true;
	out->reference = NULL;
	count = find_by_id(images, name, &out->image);
	if (count == 1)
		return true;
	image_name_familiar(name, full);
	if (count > 1)
		request_refuse(request, 400, "ambiguous image ID prefix: %s", name);
	else
		request_refuse(request, 404, "No such image: %s", full);
	return false;
}
