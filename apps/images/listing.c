// SPDX-License-Identifier: MIT
//
// The list of images that `containers` is told, a document of libs/linux/image/image_index.h. One
// image that could not be read would spoil it, and so would one that makes it too large: each is
// looked at before it becomes one of ours.
#include "apps/images/images.h"
#include "libs/abi/folio.h"
#include "libs/base/string.h"

// Of an image's numbers.
#define NUMBERS_MAX 96u
// Of a name, with its quotes and a comma.
#define NAME_BYTES (IMAGE_NAME_MAX + 3u)
// What images may take up beside names.
#define LISTED_MAX (FOLIO_MAX_CONTIGUOUS - REFERENCES_MAX * NAME_BYTES - 64u)

static void write_names(struct json_writer *w, const struct images *images,
                        const struct image_entry *image)
{
	list_for_each(entry, &images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (reference_counts(images, reference, image))
			json_write_string(w, reference->name);
	}
}

struct config_writer {
	struct json_writer *w;
	bool has_members;
};

static void write_member(void *context, struct span key, struct span value)
{
	struct config_writer *config = context;

	if (!image_index_takes(key))
		return;
	json_write_raw(config->w, config->has_members ? ",\"" : "\"");
	json_write_span(config->w, key);
	json_write_raw(config->w, "\":");
	json_write_span(config->w, value);
	config->has_members = true;
}

// `images`: whose names it has; NULL: without.
static void write_image(struct json_writer *w, const struct images *images,
                        const struct image_entry *image, const struct record *record)
{
	struct config_writer config = { .w = w };
	char file[IMAGES_FILE_MAX];

	json_write_raw(w, "{\"id\":");
	json_write_string(w, image->id);
	json_write_raw(w, ",\"names\":[");
	if (images != NULL)
		write_names(w, images, image);
	json_write_raw(w, "],\"created_s\":");
	json_write_i64(w, (int64_t)(record_time(record->created) / NSEC_PER_SEC));
	json_write_raw(w, ",\"first_sector\":");
	json_write_i64(w, (int64_t)image->first_sector);
	json_write_raw(w, ",\"num_sectors\":");
	json_write_i64(w, (int64_t)image->num_sectors);
	if (!image->of_host) {
		store_image_file(image->id, file);
		json_write_raw(w, ",\"file\":");
		json_write_string(w, file);
	}
	json_write_raw(w, ",\"config\":{");
	record_members(record->config, write_member, &config);
	json_write_raw(w, "}}");
}

// What commands of libs/linux run in is no image for containers.
static bool is_builtin(const struct images *images, const struct image_entry *image)
{
	const struct reference *reference = catalog_reference(images, IMAGE_BUILTIN);

	return reference != NULL && reference_counts(images, reference, image);
}

void listing_write(struct json_writer *w, const struct images *images)
{
	bool first = true;

	json_write_raw(w, "{\"images\":[");
	list_for_each(entry, &images->images) {
		const struct image_entry *image = container_of(entry, struct image_entry, entry);
		struct record record;

		if (image->is_going || is_builtin(images, image) ||
		    image_record(image, &record) < 0)
			continue;
		json_write_raw(w, first ? "" : ",");
		write_image(w, images, image, &record);
		first = false;
	}
	json_write_raw(w, "]}\n");
}

// Whether `containers` understands an image, and what it takes up.
static error_t try_image(const char *id, const struct record *record, size_t *size)
{
	// Without a digest it is none of the store's: it has no file there.
	struct image_entry image = { .num_sectors = 1, .of_host = !record_is_digest(id) };
	struct json_writer w = { 0 };
	struct image_index index;
	const char *text;
	error_t err;

	str_copy(image.id, id, sizeof(image.id));
	json_write_raw(&w, "{\"images\":[");
	write_image(&w, NULL, &image, record);
	json_write_raw(&w, "]}\n");
	*size = w.len + NUMBERS_MAX;
	text = json_writer_text(&w);
	err = text != NULL
		? image_index_parse(&index, (struct span){ (const uint8_t *)text, w.len })
		: ERR_NO_MEMORY;
	if (err == 0)
		image_index_deinit(&index);
	json_writer_deinit(&w);
	return err;
}

error_t listing_check(const struct images *images, const char *id, const struct record *record,
                      size_t *size)
{
	size_t others = 0, count = 0;
	error_t err = try_image(id, record, size);

	list_for_each(entry, &images->images) {
		const struct image_entry *image = container_of(entry, struct image_entry, entry);

		if (strcmp(image->id, id) == 0)
			continue;
		others += image->listed_size;
		count++;
	}
	if (err == 0 && count >= IMAGES_MAX)
		err = ERR_LIMIT;
	if (err == 0 && (others >= LISTED_MAX || *size > LISTED_MAX - others))
		err = ERR_TOO_LARGE;
	return err;
}
