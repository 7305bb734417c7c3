// SPDX-License-Identifier: MIT
#include "apps/images/save_kept.h"

#include "apps/images/images.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

// Of a request to the store.
#define PIECE_MAX (128u * 1024)

// --- Whether -------------------------------------------------------------------------------------

struct gathering {
	struct string_list *blobs;
	size_t num_layers;
	bool bad;
};

static void gather_blob(void *context, struct span element)
{
	struct gathering *gathering = context;
	char digest[IMAGE_ID_MAX];

	// A digest has no escapes.
	if (element.len < 2 || element.len - 2 >= sizeof(digest)) {
		gathering->bad = true;
		return;
	}
	memcpy(digest, element.data + 1, element.len - 2);
	digest[element.len - 2] = '\0';
	if (!record_is_digest(digest) || string_list_add(gathering->blobs, digest) < 0)
		gathering->bad = true;
}

static void count_layer(void *context, struct span element)
{
	struct gathering *gathering = context;

	(void)element;
	gathering->num_layers++;
}

static void forget(struct string_list *list)
{
	string_list_deinit(list);
	*list = (struct string_list){ 0 };
}

// What is kept is all of it if it has as many layers as the configuration, and the configuration.
static bool is_all(const struct images *images, const struct image_entry *image,
                   const struct gathering *gathering)
{
	const struct string_list *blobs = gathering->blobs;

	if (gathering->bad || blobs->count != gathering->num_layers + 1 ||
	    strcmp(blobs->items[blobs->count - 1], image->id) != 0)
		return false;
	for (size_t i = 0; i < blobs->count; i++)
		if (!layers_have(images, blobs->items[i]))
			return false;
	return true;
}

bool save_kept_begin(struct save_kept *kept, const struct images *images,
                     const struct image_entry *image)
{
	struct gathering gathering = { .blobs = &kept->blobs };
	struct record record;

	forget(&kept->blobs);
	kept->at = 0;
	kept->size = kept->done = 0;
	if (!image->is_stored || image_record(image, &record) < 0)
		return false;
	record_elements(record.blobs, gather_blob, &gathering);
	record_elements(record.layers, count_layer, &gathering);
	if (is_all(images, image, &gathering))
		return true;
	forget(&kept->blobs);
	return false;
}

// --- Bytes ---------------------------------------------------------------------------------------

static error_t begin_blob(struct save_kept *kept, struct images *images, struct json_writer *w)
{
	const char *digest = kept->blobs.items[kept->at];
	char file[LAYERS_FILE_MAX], name[SAVE_BLOB_NAME_MAX];
	struct file_info info = { 0 };
	error_t err;

	layers_file(digest, file);
	err = store_stat(images, file, &info);
	if (err < 0)
		return err;
	kept->size = info.size;
	kept->done = 0;
	sha256_init(&kept->hash);
	save_blob_name(digest, name);
	save_write_header(w, name, info.size);
	return 0;
}

static error_t end_blob(struct save_kept *kept, struct save_index *index, struct json_writer *w)
{
	struct span start = { kept->start,
		              kept->size < SAVE_START_MAX ? (size_t)kept->size : SAVE_START_MAX };
	char digest[SAVE_DIGEST_MAX] = "sha256:";
	uint8_t bytes[SHA256_SIZE];
	error_t err;

	sha256_finish(&kept->hash, bytes);
	hex_write(bytes, sizeof(bytes), digest + DIGEST_PREFIX_LENGTH);
	if (strcmp(digest, kept->blobs.items[kept->at]) != 0)
		return ERR_PROTOCOL;
	save_write_padding(w, kept->size);
	err = save_index_add(index, digest, kept->size, start);
	kept->size = kept->done = 0;
	kept->at++;
	return err;
}

// The file is opened for each piece: between them the server of files may die, or the image go.
static error_t read_piece(struct save_kept *kept, struct images *images, uint8_t *piece,
                          size_t *count)
{
	uint64_t left = kept->size - kept->done;
	size_t len = left < PIECE_MAX ? (size_t)left : PIECE_MAX;
	char name[LAYERS_FILE_MAX];
	error_t err = 0;

	layers_file(kept->blobs.items[kept->at], name);
	for (unsigned tries = 0; store_try(images, &tries, &err);) {
		struct folder *folder = store_folder(images);
		struct file *file;

		*count = 0;
		err = folder_open_file(folder, name, FILE_READ, &file);
		if (err < 0)
			continue;
		err = folder_file_read(folder, file, kept->done, piece, len, count);
		file_close(file);
	}
	return err == 0 && *count == 0 ? ERR_PROTOCOL : err;
}

static error_t take_piece(struct save_kept *kept, struct images *images, struct json_writer *w)
{
	uint8_t *piece = heap_alloc(PIECE_MAX);
	size_t count = 0;
	error_t err = piece != NULL ? read_piece(kept, images, piece, &count) : ERR_NO_MEMORY;

	if (err == 0) {
		for (size_t i = 0; i < count && kept->done + i < SAVE_START_MAX; i++)
			kept->start[kept->done + i] = piece[i];
		sha256_update(&kept->hash, piece, count);
		json_write_span(w, (struct span){ piece, count });
		kept->done += count;
	}
	heap_free(piece);
	return err;
}

error_t save_kept_read(struct save_kept *kept, struct images *images, struct save_index *index,
                       struct json_writer *w, bool *is_whole)
{
	bool has_begun = kept->done < kept->size;
	error_t err = 0;

	while (!has_begun && kept->at < kept->blobs.count &&
	       save_index_has(index, kept->blobs.items[kept->at]))
		kept->at++;
	*is_whole = kept->at == kept->blobs.count;
	if (*is_whole)
		return 0;
	if (!has_begun)
		err = begin_blob(kept, images, w);
	if (err == 0 && kept->done < kept->size)
		err = take_piece(kept, images, w);
	if (err == 0 && kept->done == kept->size)
		err = end_blob(kept, index, w);
	return err;
}

// --- The document --------------------------------------------------------------------------------

error_t save_kept_write_item(const struct save_kept *kept, struct json_writer *w,
                             const struct save_item *item, bool is_first)
{
	struct string_list names = { 0 };
	char name[SAVE_BLOB_NAME_MAX];
	error_t err = 0;

	for (size_t i = 0; i < kept->blobs.count && err == 0; i++) {
		save_blob_name(kept->blobs.items[i], name);
		err = string_list_add(&names, name);
	}
	if (err == 0 && names.count == 0)
		err = ERR_INVALID;  // not even a configuration
	if (err == 0)
		save_write_item(w, item, names.items[names.count - 1], names.items, names.count - 1,
		                is_first);
	string_list_deinit(&names);
	return err;
}

void save_kept_deinit(struct save_kept *kept)
{
	string_list_deinit(&kept->blobs);
}
