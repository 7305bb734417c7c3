// SPDX-License-Identifier: MIT
//
// The store: a folder of the state disk. Of an image it has HEX.img, a file system, and HEX.json,
// what is known of it (record.h); the second comes last and goes first, so an image without it is
// none. references.json has the names. A file is replaced as a whole.
#include "apps/images/images.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define REFERENCES "references.json"
#define REFERENCES_BYTES_MAX (1024u * 1024)
#define IMAGE_SUFFIX ".img"
#define RECORD_SUFFIX ".json"
// Of a request, when the server of files dies in the midst of it.
#define MAX_TRIES 3
#define SECTOR_SIZE 512u

static struct folder *folder;

struct folder *store_folder(struct images *images)
{
	handle_t connector = environ_connector(images->env, "store");

	if (folder == NULL &&
	    (connector == HANDLE_NONE || folder_open(connector, IMAGES_STORE, &folder) < 0))
		folder = NULL;
	return folder;
}

void store_close(void)
{
	folder_close(folder);
	folder = NULL;
}

static void store_file(const char *id, const char *suffix, char out[static IMAGES_FILE_MAX])
{
	fmt_write(out, IMAGES_FILE_MAX, "%s%s", id + DIGEST_PREFIX_LENGTH, suffix);
}

void store_image_file(const char *id, char out[static IMAGES_FILE_MAX])
{
	store_file(id, IMAGE_SUFFIX, out);
}

// --- Writing -------------------------------------------------------------------------------------

static error_t write_whole(struct images *images, const char *name, const char *text, size_t len)
{
	error_t err = ERR_PEER_CLOSED;

	for (unsigned i = 0; i < MAX_TRIES && err == ERR_PEER_CLOSED; i++) {
		if (store_folder(images) == NULL)
			return ERR_NOT_FOUND;
		err = folder_write(folder, name, text, len);
		if (err == ERR_PEER_CLOSED)
			store_close();
	}
	return err;
}

error_t store_write_references(struct images *images)
{
	struct json_writer w = { 0 };
	const char *text;
	bool first = true;
	error_t err;

	json_write_raw(&w, "{\"references\":[");
	list_for_each(entry, &images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (reference->of_host)
			continue;
		json_write_raw(&w, first ? "{\"name\":" : ",{\"name\":");
		json_write_string(&w, reference->name);
		json_write_raw(&w, ",\"id\":");
		json_write_string(&w, reference->id);
		json_write_raw(&w, "}");
		first = false;
	}
	json_write_raw(&w, "]}\n");
	text = json_writer_text(&w);
	err = text != NULL ? write_whole(images, REFERENCES, text, w.len) : ERR_NO_MEMORY;
	json_writer_deinit(&w);
	if (err < 0)
		log_error("the names of images are not written: %s", error_text(err));
	return err;
}

static error_t remove_file(struct images *images, const char *name)
{
	error_t err = ERR_PEER_CLOSED;

	for (unsigned i = 0; i < MAX_TRIES && err == ERR_PEER_CLOSED; i++) {
		if (store_folder(images) == NULL)
			return ERR_NOT_FOUND;
		err = folder_remove(folder, name);
		if (err == ERR_PEER_CLOSED)
			store_close();
	}
	return err;
}

void store_remove(struct images *images, const struct image_entry *image)
{
	char name[IMAGES_FILE_MAX];
	error_t err;

	store_file(image->id, RECORD_SUFFIX, name);
	err = remove_file(images, name);
	store_file(image->id, IMAGE_SUFFIX, name);
	if (err == 0 || err == ERR_NOT_FOUND)
		err = remove_file(images, name);
	if (err < 0 && err != ERR_NOT_FOUND)
		log_error("image %s stays on the state disk: %s", image->id, error_text(err));
}

error_t store_make_incoming(struct images *images, char name[static IMAGES_FILE_MAX])
{
	error_t err = ERR_PEER_CLOSED;
	uint64_t random;

	for (unsigned i = 0; i < MAX_TRIES && (err == ERR_PEER_CLOSED || err == ERR_EXISTS); i++) {
		if (store_folder(images) == NULL)
			return ERR_NOT_FOUND;
		err = random_get(&random, sizeof(random));
		if (err < 0)
			return err;
		fmt_write(name, IMAGES_FILE_MAX, STORE_INCOMING "%llx", (unsigned long long)random);
		err = folder_make_folder(folder, name);
		if (err == ERR_PEER_CLOSED)
			store_close();
	}
	return err;
}

error_t store_take(struct images *images, const char *path, const char *id, struct span record)
{
	char name[IMAGES_FILE_MAX];
	struct file_info info;
	error_t err;

	store_file(id, IMAGE_SUFFIX, name);
	err = folder_rename(folder, path, name, false);
	if (err == 0)
		err = folder_stat_link(folder, name, &info);
	if (err == 0 && (info.type != FILE_TYPE_FILE || info.size < SECTOR_SIZE))
		err = ERR_PROTOCOL;
	store_file(id, RECORD_SUFFIX, name);
	if (err == 0)
		err = folder_write(folder, name, record.data, record.len);
	if (err == 0)
		err = store_add(images, id, record, info.size);
	return err;
}

// --- Reading -------------------------------------------------------------------------------------

static error_t add_reference(void *context, struct span text)
{
	struct images *images = context;
	struct record record;
	error_t err = record_read(text, &record);

	if (err == 0 && (record.name[0] == '\0' || record.id[0] == '\0'))
		err = ERR_PROTOCOL;
	return err == 0 ? catalog_refer(images, record.name, record.id) : err;
}

static void read_references(struct images *images)
{
	uint8_t *text = NULL;
	size_t len = 0;
	error_t err = folder_read(folder, REFERENCES, REFERENCES_BYTES_MAX, &text, &len);
	struct span document = { .data = text, .len = len };

	if (err == 0)
		err = record_index(document, "references", add_reference, images);
	heap_free(text);
	if (err < 0 && err != ERR_NOT_FOUND)
		log_error("the names of images on the state disk cannot be read: %s",
		          error_text(err));
}

struct names {
	struct string_list list;
	error_t error;
};

static void add_name(void *context, const struct file_entry *entry)
{
	struct names *names = context;

	if (names->error == 0)
		names->error = string_list_add(&names->list, entry->name);
}

// Whether a file is called HEX and the suffix; `id` is the image's then.
static bool is_called(const char *name, const char *suffix, char id[static IMAGE_ID_MAX])
{
	char file[IMAGES_FILE_MAX];
	size_t len = strlen(name), tail = strlen(suffix);

	if (len <= tail || strcmp(name + len - tail, suffix) != 0)
		return false;
	fmt_write(id, IMAGE_ID_MAX, "sha256:%s", name);
	if (strlen(id) < DIGEST_PREFIX_LENGTH + len - tail)
		return false;
	id[DIGEST_PREFIX_LENGTH + len - tail] = '\0';
	store_file(id, suffix, file);
	return record_is_digest(id) && strcmp(file, name) == 0;
}

error_t store_add(struct images *images, const char *id, struct span record, uint64_t size)
{
	struct image_entry *image = catalog_make(images, id);
	char *copy;

	if (image == NULL)
		return ERR_LIMIT;
	copy = heap_alloc(record.len + 1);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	memcpy(copy, record.data, record.len);
	heap_free(image->record);
	image->record = copy;
	image->is_stored = true;
	if (!image->of_host) {
		image->size = size;
		image->num_sectors = size / SECTOR_SIZE;
	}
	return 0;
}

static void read_image(struct images *images, const char *name, const char *id)
{
	char file[IMAGES_FILE_MAX];
	struct file_info info;
	struct record record;
	uint8_t *text = NULL;
	size_t len = 0;
	error_t err;

	store_file(id, IMAGE_SUFFIX, file);
	err = folder_stat(folder, file, &info);
	if (err == 0 && (info.type != FILE_TYPE_FILE || info.size < SECTOR_SIZE))
		err = ERR_PROTOCOL;
	if (err == 0)
		err = folder_read(folder, name, RECORD_MAX, &text, &len);
	if (err == 0)
		err = record_read((struct span){ .data = text, .len = len }, &record);
	if (err == 0)
		err = store_add(images, id, (struct span){ .data = text, .len = len }, info.size);
	heap_free(text);
	if (err < 0)
		log_error("the image %s on the state disk cannot be used: %s", id, error_text(err));
}

// Images without a record never came to be, or are gone.
static void sweep(struct images *images, const struct string_list *names)
{
	char id[IMAGE_ID_MAX];

	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		const struct image_entry *image;
		error_t err = 0;

		if (strncmp(name, STORE_INCOMING, sizeof(STORE_INCOMING) - 1) == 0) {
			sweep_add(images, name);
			continue;
		}
		if (!is_called(name, IMAGE_SUFFIX, id))
			continue;
		image = catalog_by_id(images, id);
		if (image == NULL || !image->is_stored)
			err = remove_file(images, name);
		if (err < 0)
			log_warn("%s stays on the state disk: %s", name, error_text(err));
	}
}

void store_read(struct images *images)
{
	struct names names = { 0 };
	char id[IMAGE_ID_MAX];
	error_t err;

	if (store_folder(images) == NULL) {
		log_info("there is no state disk: images are those of the host");
		return;
	}
	err = folder_list(folder, "/", add_name, &names);
	if (err == 0)
		err = names.error;
	if (err < 0) {
		log_error("the images on the state disk cannot be listed: %s", error_text(err));
		string_list_deinit(&names.list);
		return;
	}
	for (size_t i = 0; i < names.list.count; i++)
		if (is_called(names.list.items[i], RECORD_SUFFIX, id))
			read_image(images, names.list.items[i], id);
	read_references(images);
	sweep(images, &names.list);
	string_list_deinit(&names.list);
}
