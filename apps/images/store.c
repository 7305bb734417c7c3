// SPDX-License-Identifier: MIT
//
// The store: a folder of the state disk. Of an image it has HEX.img, a file system, and HEX.json,
// what is known of it (record.h); the second comes last and goes first, so an image without it is
// none. references.json has the names. A file is replaced as a whole.
#include "apps/images/images.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/files/steady.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define REFERENCES "references.json"
#define REFERENCES_BYTES_MAX (1024u * 1024)
#define IMAGE_SUFFIX ".img"
#define RECORD_SUFFIX ".json"
#define SECTOR_SIZE 512u

static struct steady_folder store;

bool store_try(struct images *images, unsigned *tries, error_t *err)
{
	handle_t connector = environ_connector(images->env, "store");
	bool was_asked = *tries > 0 && *err != ERR_PEER_CLOSED;

	if (connector != HANDLE_NONE && steady_try(&store, connector, IMAGES_STORE, tries, err))
		return true;
	// There is no such share, or no disk.
	if (!was_asked && *err != ERR_PEER_CLOSED && *err != ERR_NO_MEMORY)
		*err = ERR_NOT_READY;
	return false;
}

struct folder *store_folder(struct images *images)
{
	unsigned tries = 0;
	error_t err = 0;

	return store_try(images, &tries, &err) ? store.folder : NULL;
}

void store_close(void)
{
	steady_close(&store);
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
	error_t err = 0;

	for (unsigned tries = 0; store_try(images, &tries, &err);)
		err = folder_write(store.folder, name, text, len);
	return err;
}

error_t store_write_references(struct images *images)
{
	struct json_writer w = { 0 };
	const char *text;
	bool first = true;
	error_t err;

	// What could not be read must not be lost.
	if (!images->knows_names)
		return store_folder(images) != NULL ? ERR_IO : ERR_NOT_READY;
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
	error_t err = 0;

	for (unsigned tries = 0; store_try(images, &tries, &err);)
		err = folder_remove(store.folder, name);
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

static error_t incoming_name(char out[static IMAGES_FILE_MAX])
{
	uint64_t random = 0;
	error_t err = random_get(&random, sizeof(random));

	fmt_write(out, IMAGES_FILE_MAX, STORE_INCOMING "%llx", (unsigned long long)random);
	return err;
}

error_t store_make_incoming(struct images *images, char name[static IMAGES_FILE_MAX])
{
	error_t err = 0;

	for (unsigned tries = 0; store_try(images, &tries, &err);) {
		err = incoming_name(name);
		if (err == 0)
			err = folder_make_folder(store.folder, name);
	}
	return err;
}

error_t store_stat(struct images *images, const char *name, struct file_info *info)
{
	error_t err = 0;

	for (unsigned tries = 0; store_try(images, &tries, &err);)
		err = folder_stat_link(store.folder, name, info);
	return err;
}

error_t store_move(struct images *images, const char *from, const char *to)
{
	unsigned tries = 0;
	error_t err = 0;

	while (store_try(images, &tries, &err))
		err = folder_rename(store.folder, from, to, false);
	return err == ERR_NOT_FOUND && tries > 1 ? 0 : err;
}

// Removes what has an image's name and is none. A folder, which a job may have filled, goes as
// those of jobs do.
error_t store_drop(struct images *images, const char *name)
{
	char away[IMAGES_FILE_MAX];
	struct file_info info = { 0 };
	error_t err = store_stat(images, name, &info);

	if (err < 0 || info.type != FILE_TYPE_FOLDER)
		return err < 0 ? err : remove_file(images, name);
	err = incoming_name(away);
	if (err == 0)
		err = store_move(images, name, away);
	if (err == 0)
		sweep_add(images, away);
	return err;
}

// Whether an image can be one of ours; `*listed`: its bytes in the list of them.
static error_t check(const struct images *images, const char *id, struct span text, size_t *listed)
{
	const struct image_entry *there = catalog_by_id(images, id);
	struct record record;
	error_t err = record_read(text, &record);

	// What the host's own images are is not the state disk's to say.
	if (err == 0 && there != NULL && !image_is_shown(images, there))
		err = ERR_EXISTS;
	if (err == 0 && strcmp(record.id, id) != 0)
		err = ERR_PROTOCOL;
	return err == 0 ? listing_check(images, id, &record, listed) : err;
}

static bool is_image(const struct file_info *info)
{
	return info->type == FILE_TYPE_FILE && info->size >= SECTOR_SIZE;
}

// An image of the store is there.
static error_t add(struct images *images, const char *id, struct span text,
                   const struct file_info *file)
{
	struct image_entry *image;
	size_t listed = 0;
	error_t err = check(images, id, text, &listed);

	if (err < 0)
		return err;
	image = catalog_know(images, id, text, listed);
	if (image == NULL)
		return ERR_NO_MEMORY;
	image->is_stored = true;
	if (!image->of_host) {
		image->size = file->size;
		image->num_sectors = file->size / SECTOR_SIZE;
	}
	return 0;
}

// Of an image that has not come to be. What cannot be removed is swept at the next start: the
// record goes first, for an image without one is no image.
static void take_back(struct images *images, const char *id)
{
	static const char *const suffixes[] = { RECORD_SUFFIX, IMAGE_SUFFIX };
	char name[IMAGES_FILE_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		error_t err;

		store_file(id, suffixes[i], name);
		err = store_drop(images, name);
		if (err < 0 && err != ERR_NOT_FOUND) {
			log_warn("%s stays on the state disk: %s", name, error_text(err));
			return;
		}
	}
}

error_t store_take(struct images *images, const char *path, const char *id, struct span record)
{
	char name[IMAGES_FILE_MAX];
	struct file_info info;
	size_t listed;
	error_t err = check(images, id, record, &listed);

	if (err < 0)
		return err;
	store_file(id, IMAGE_SUFFIX, name);
	err = store_move(images, path, name);
	if (err < 0)
		return err;
	err = store_stat(images, name, &info);
	if (err == 0 && !is_image(&info))
		err = ERR_PROTOCOL;
	store_file(id, RECORD_SUFFIX, name);
	if (err == 0)
		err = write_whole(images, name, (const char *)record.data, record.len);
	if (err == 0)
		err = add(images, id, record, &info);
	if (err < 0)
		take_back(images, id);
	return err;
}

// --- Reading -------------------------------------------------------------------------------------

static error_t read_whole(struct images *images, const char *name, size_t max, uint8_t **text,
                          size_t *len)
{
	error_t err = 0;

	for (unsigned tries = 0; store_try(images, &tries, &err);)
		err = folder_read(store.folder, name, max, text, len);
	return err;
}

struct names_reader {
	struct images *images;
	unsigned num_bad;
};

// The disk may be anybody's: a name is one that a pull or a tag could have made, so that none means
// the system's own images. One that is none is left out.
static error_t add_reference(void *context, struct span text)
{
	struct names_reader *reader = context;
	char full[IMAGE_NAME_MAX];
	const char *why;
	struct record record;
	error_t err = record_read(text, &record);

	if (err == 0 &&
	    (reference_parse(record.name, full, &why) < 0 || strcmp(full, record.name) != 0 ||
	     record.id[0] == '\0'))
		err = ERR_PROTOCOL;
	if (err == 0)
		err = catalog_refer(reader->images, record.name, record.id);
	if (err < 0)
		reader->num_bad++;
	return err == ERR_NO_MEMORY ? err : 0;
}

static void read_references(struct images *images)
{
	struct names_reader reader = { .images = images };
	uint8_t *text = NULL;
	size_t len = 0;
	error_t err = read_whole(images, REFERENCES, REFERENCES_BYTES_MAX, &text, &len);
	struct span document = { .data = text, .len = len };

	if (err == 0)
		err = record_index(document, "references", add_reference, &reader);
	heap_free(text);
	// What is there and is no list of names is replaced by the next one.
	images->knows_names = err == 0 || err == ERR_NOT_FOUND || err == ERR_PROTOCOL ||
		err == ERR_TOO_LARGE;
	if (err < 0 && err != ERR_NOT_FOUND)
		log_error("the names of images on the state disk cannot be read: %s",
		          error_text(err));
	if (reader.num_bad > 0)
		log_warn("%u names of images on the state disk are left out", reader.num_bad);
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

error_t store_list(struct images *images, const char *path, struct string_list *out)
{
	struct names names = { 0 };
	error_t err = 0;

	for (unsigned tries = 0; store_try(images, &tries, &err);) {
		string_list_deinit(&names.list);
		names.error = 0;
		err = folder_list(store.folder, path, add_name, &names);
	}
	*out = names.list;
	return err != 0 ? err : names.error;
}

error_t store_make_folder(struct images *images, const char *name)
{
	error_t err = 0;

	for (unsigned tries = 0; store_try(images, &tries, &err);)
		err = folder_make_folder(store.folder, name);
	return err == ERR_EXISTS ? 0 : err;
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

static void read_image(struct images *images, const char *name, const char *id)
{
	char file[IMAGES_FILE_MAX];
	struct file_info info;
	uint8_t *text = NULL;
	size_t len = 0;
	error_t err;

	store_file(id, IMAGE_SUFFIX, file);
	err = store_stat(images, file, &info);
	if (err == 0 && !is_image(&info))
		err = ERR_PROTOCOL;
	if (err == 0)
		err = read_whole(images, name, RECORD_MAX, &text, &len);
	if (err == 0)
		err = add(images, id, (struct span){ .data = text, .len = len }, &info);
	heap_free(text);
	if (err < 0)
		log_error("the image %s on the state disk cannot be used: %s", id, error_text(err));
}

// Whether it is known that an image has no record, so it never came to be, or is gone. One that
// just could not be read stays.
static bool is_left_over(struct images *images, const char *id)
{
	const struct image_entry *image = catalog_by_id(images, id);
	char record[IMAGES_FILE_MAX];
	struct file_info info;

	if (image != NULL && image->is_stored)
		return false;
	store_file(id, RECORD_SUFFIX, record);
	return store_stat(images, record, &info) == ERR_NOT_FOUND;
}

// What a write that a power cut ended has left. The folder itself is written to by this app alone:
// the system's containers have folders in it.
static void drop_unfinished(struct images *images)
{
	error_t err = 0;

	for (unsigned tries = 0; store_try(images, &tries, &err);)
		err = folder_drop_unfinished(store.folder);
	if (err < 0)
		log_warn("what a power cut left of images' records stays: %s", error_text(err));
}

static void sweep(struct images *images, const struct string_list *names)
{
	char id[IMAGE_ID_MAX];

	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		error_t err = 0;

		if (strncmp(name, STORE_INCOMING, sizeof(STORE_INCOMING) - 1) == 0)
			sweep_add(images, name);
		else if (is_called(name, IMAGE_SUFFIX, id) && is_left_over(images, id))
			err = store_drop(images, name);
		if (err < 0)
			log_warn("%s stays on the state disk: %s", name, error_text(err));
	}
}

void store_read(struct images *images)
{
	struct string_list names = { 0 };
	char id[IMAGE_ID_MAX];
	error_t err = store_list(images, "/", &names);

	if (err == ERR_NOT_READY)
		log_info("there is no state disk: images are those of the host");
	else if (err < 0)
		log_error("the images on the state disk cannot be listed: %s", error_text(err));
	if (err < 0) {
		string_list_deinit(&names);
		return;
	}
	for (size_t i = 0; i < names.count; i++)
		if (is_called(names.items[i], RECORD_SUFFIX, id))
			read_image(images, names.items[i], id);
	read_references(images);
	sweep(images, &names);
	drop_unfinished(images);
	layers_read(images);
	string_list_deinit(&names);
}
