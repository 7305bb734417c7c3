// SPDX-License-Identifier: MIT
//
// docker save of images that are kept: each blob once, as it is, and nothing of what is damaged.
#include "apps/images/save_kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/images/images.h"

// More than a piece, and no multiple of one.
#define LARGE (300u * 1024 + 7)

struct blob {
	const char *bytes;
	size_t size;
	char digest[SAVE_DIGEST_MAX];
};

static char large[LARGE];
static struct blob blobs[] = { { .bytes = large, .size = LARGE },
	                       { .bytes = "layer", .size = 5 },
	                       { .bytes = "", .size = 0 },
	                       { .bytes = "{}", .size = 2 },
	                       { .bytes = "{1}", .size = 3 } };
#define COUNT (sizeof(blobs) / sizeof(blobs[0]))
static const struct blob *missing, *damaged;
static struct images images;

static struct blob *find(const char *digest)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(blobs[i].digest, digest) == 0)
			return &blobs[i];
	return NULL;
}

bool layers_have(const struct images *unused, const char *digest)
{
	(void)unused;
	return find(digest) != NULL && find(digest) != missing;
}

void layers_file(const char *digest, char out[static LAYERS_FILE_MAX])
{
	snprintf(out, LAYERS_FILE_MAX, "%s", digest);
}

error_t image_record(const struct image_entry *image, struct record *out)
{
	return record_read(text_span(image->record), out);
}

void show_config(struct json_writer *w, const struct record *record);

void show_config(struct json_writer *w, const struct record *record)
{
	json_write_span(w, record->config);
}

error_t store_stat(struct images *unused, const char *name, struct file_info *info)
{
	(void)unused;
	info->size = find(name)->size;
	return 0;
}

struct folder *store_folder(struct images *unused)
{
	(void)unused;
	return NULL;
}

bool store_try(struct images *unused, unsigned *tries, error_t *err)
{
	(void)unused;
	if (*tries == 0)
		*err = 0;
	return (*tries)++ == 0;
}

error_t folder_open_file(struct folder *folder, const char *path, uint32_t flags, struct file **out)
{
	(void)folder;
	assert_int_equal(flags, FILE_READ);
	*out = (struct file *)find(path);
	return 0;
}

error_t folder_file_read(struct folder *folder, struct file *file, uint64_t offset, void *buffer,
                         size_t len, size_t *count)
{
	const struct blob *blob = (const struct blob *)file;

	(void)folder;
	*count = blob->size - offset < len ? blob->size - offset : len;
	memcpy(buffer, blob->bytes + offset, *count);
	if (blob == damaged)
		*(char *)buffer ^= 1;
	return 0;
}

void file_close(struct file *file)
{
	(void)file;
}

// An image of the layers and the configuration that the numbers say.
static struct image_entry image_of(const char *numbers)
{
	struct image_entry image = { .is_stored = true };
	size_t count = strlen(numbers);
	char *text = calloc(1, 4096);
	int at = sprintf(text, "{\"layers\":[");

	for (size_t i = 0; i + 1 < count; i++)
		at += sprintf(text + at, "%s\"x\"", i > 0 ? "," : "");
	at += sprintf(text + at, "],\"blobs\":[");
	for (size_t i = 0; i < count; i++)
		at += sprintf(text + at, "%s\"%s\"", i > 0 ? "," : "",
		              blobs[numbers[i] - '0'].digest);
	sprintf(text + at, "]}");
	image.record = text;
	snprintf(image.id, sizeof(image.id), "%s", blobs[numbers[count - 1] - '0'].digest);
	return image;
}

// Writes what is kept of an image; how often its reading was asked for.
static error_t write_all(struct save_kept *kept, struct save_index *index, const char *numbers,
                         struct json_writer *w, struct json_writer *manifest)
{
	struct image_entry image = image_of(numbers);
	const struct save_item item = { .id = "" };
	bool is_whole = false;
	error_t err = 0;

	assert_true(save_kept_begin(kept, &images, &image));
	while (err == 0 && !is_whole)
		err = save_kept_read(kept, &images, index, w, &is_whole);
	if (err == 0)
		err = save_kept_write_item(kept, manifest, &item, manifest->len == 0);
	free(image.record);
	return err;
}

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)(i * 7);
	for (size_t i = 0; i < COUNT; i++)
		save_digest((struct span){ (const uint8_t *)blobs[i].bytes, blobs[i].size },
		            blobs[i].digest);
	missing = damaged = NULL;
	return 0;
}

// How often an entry has the blob's name: its header begins with it.
static unsigned entries_of(const struct json_writer *w, const struct blob *blob, const char **bytes)
{
	char name[80];
	unsigned found = 0;

	snprintf(name, sizeof(name), "blobs/sha256/%s", blob->digest + 7);
	for (size_t at = 0; at < w->len; at += SAVE_BLOCK) {
		if (strncmp(w->text + at, name, strlen(name)) != 0)
			continue;
		*bytes = w->text + at + SAVE_BLOCK;
		found++;
	}
	return found;
}

static void test_blobs(void **state)
{
	struct json_writer w = { 0 }, manifest = { 0 };
	struct save_index index = { 0 };
	struct save_kept kept = { 0 };
	char wanted[1024];
	const char *bytes;

	(void)state;
	// The layer 1 is in both images, and twice in the second.
	assert_int_equal(write_all(&kept, &index, "0123", &w, &manifest), 0);
	assert_int_equal(write_all(&kept, &index, "114", &w, &manifest), 0);
	assert_int_equal(w.len % SAVE_BLOCK, 0);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(entries_of(&w, &blobs[i], &bytes), 1);
		assert_memory_equal(bytes, blobs[i].bytes, blobs[i].size);
	}
	snprintf(
		wanted, sizeof(wanted),
		",{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":null,\"Layers\":[\"blobs/sha256/%s\","
		"\"blobs/sha256/%s\"]}",
		blobs[4].digest + 7, blobs[1].digest + 7, blobs[1].digest + 7);
	assert_non_null(strstr(manifest.text, wanted));
	save_kept_deinit(&kept);
	save_index_deinit(&index);
	json_writer_deinit(&w);
	json_writer_deinit(&manifest);
}

static void test_damaged(void **state)
{
	for (size_t i = 0; i < COUNT; i++) {
		struct json_writer w = { 0 }, manifest = { 0 };
		struct save_index index = { 0 };
		struct save_kept kept = { 0 };

		if (blobs[i].size == 0)
			continue;
		damaged = &blobs[i];
		assert_int_equal(write_all(&kept, &index, "01234", &w, &manifest), ERR_PROTOCOL);
		save_kept_deinit(&kept);
		save_index_deinit(&index);
		json_writer_deinit(&w);
		json_writer_deinit(&manifest);
	}
	(void)state;
}

// Of an image that is not kept whole nothing is begun.
static void test_not_whole(void **state)
{
	static const char *const records[] = {
		"{}",
		"{\"layers\":[\"x\"]}",
		"{\"blobs\":[]}",
		"{\"blobs\":[1],\"layers\":[]}",
		"{\"blobs\":[\"sha256:../../x\",\"sha256:y\"],\"layers\":[\"x\"]}",
	};
	struct image_entry image = image_of("013");
	struct save_kept kept = { 0 };

	(void)state;
	missing = &blobs[1];
	assert_false(save_kept_begin(&kept, &images, &image));
	missing = NULL;
	image.id[10] ^= 1;
	assert_false(save_kept_begin(&kept, &images, &image));
	image.id[10] ^= 1;
	image.is_stored = false;
	assert_false(save_kept_begin(&kept, &images, &image));
	image.is_stored = true;
	assert_true(save_kept_begin(&kept, &images, &image));
	free(image.record);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		image.record = (char *)(uintptr_t)records[i];
		assert_false(save_kept_begin(&kept, &images, &image));
	}
	save_kept_deinit(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_blobs, set_up),
		cmocka_unit_test_setup(test_damaged, set_up),
		cmocka_unit_test_setup(test_not_whole, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
