// SPDX-License-Identifier: MIT
// What lies on the state disk, over a folder in memory whose server dies, and over hostile files.
#include "apps/images/store_fixture.h"

#define HEX_A "aaaa456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX_B "bbbb456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX_SYSTEM "cccc456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A "sha256:" HEX_A
#define B "sha256:" HEX_B
#define SYSTEM "sha256:" HEX_SYSTEM
#define RECORD(ID, CONFIG) "{\"id\":\"" ID "\",\"num_sectors\":8,\"config\":" CONFIG "}"

static struct images images;

void layers_read(struct images *of)
{
	(void)of;
}

// As at a start.
static void forget_all(void)
{
	while (!list_is_empty(&images.references))
		catalog_unrefer(&images,
		                container_of(images.references.next, struct reference, entry));
	while (!list_is_empty(&images.images))
		catalog_forget(&images,
		               container_of(images.images.next, struct image_entry, entry));
	images = (struct images){ 0 };
	list_init(&images.images);
	list_init(&images.references);
	store_close();
	swept[0] = '\0';
}

static void start(void)
{
	static const char host[] = "{\"images\":[{\"name\":\"system\",\"id\":\"" SYSTEM
				   "\",\"first_sector\":0,\"num_sectors\":8}]}";

	forget_all();
	assert_int_equal(catalog_add_host(&images, text_span(host)), 0);
	store_read(&images);
}

static int set_up(void **state)
{
	(void)state;
	list_init(&images.images);
	list_init(&images.references);
	put(HEX_A ".img", FILE_TYPE_FILE, "", 4096);
	put(HEX_A ".json", FILE_TYPE_FILE, RECORD(A, "{\"Cmd\":[\"sh\"]}"), 1);
	put("references.json", FILE_TYPE_FILE,
	    "{\"references\":[{\"name\":\"docker.io/me/app:1\",\"id\":\"" A "\"}]}", 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	forget_all();
	for (size_t i = 0; i < FILES_MAX; i++)
		take_away(&files[i]);
	deaths = 0;
	opened = 0;
	does_and_dies = false;
	broken = NULL;
	is_full = false;
	return 0;
}

static error_t take(const char *id, const char *record)
{
	return store_take(&images, "incoming.1/x.img", id, text_span(record));
}

static bool is_stored(const char *id)
{
	const struct image_entry *image = catalog_by_id(&images, id);

	return image != NULL && image->is_stored;
}

static void test_reading(void **state)
{
	(void)state;
	put(HEX_B ".img", FILE_TYPE_FILE, "", 4096);
	start();
	assert_true(is_stored(A));
	assert_non_null(catalog_reference(&images, "docker.io/me/app:1"));
	// Without a record it never came to be.
	assert_null(find(HEX_B ".img"));
}

// A power cut has ended writes; what a job has in its folder is its own.
static void test_unfinished(void **state)
{
	(void)state;
	put(HEX_A ".json.new~", FILE_TYPE_FILE, "{\"id\":", 7);
	put("references.json.new~", FILE_TYPE_FILE, "{", 1);
	put("layers/x.new~", FILE_TYPE_FILE, "", 1);
	start();
	assert_true(is_stored(A));
	assert_non_null(catalog_reference(&images, "docker.io/me/app:1"));
	assert_null(find(HEX_A ".json.new~"));
	assert_null(find("references.json.new~"));
	assert_non_null(find("layers/x.new~"));
}

// The server of files dies, and is there again: nothing is lost.
static void test_reading_deaths(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		deaths = i + 1;
		start();
		assert_true(is_stored(A));
		assert_int_equal(images.num_references, 2);
		assert_non_null(find(HEX_A ".img"));
	}
}

static void test_record_unread(void **state)
{
	(void)state;
	broken = HEX_A ".json";
	start();
	assert_false(is_stored(A));
	assert_non_null(find(HEX_A ".img"));
}

static void test_names_unread(void **state)
{
	(void)state;
	broken = "references.json";
	start();
	assert_int_equal(store_write_references(&images), ERR_IO);
	assert_non_null(strstr(find("references.json")->text, "docker.io/me/app:1"));
	broken = NULL;
	start();
	assert_int_equal(store_write_references(&images), 0);
	put("references.json", FILE_TYPE_FILE, "no names", 1);
	start();
	assert_int_equal(store_write_references(&images), 0);
}

// A disk that cannot be had now may be there later: nothing of it is written over.
static void test_no_disk(void **state)
{
	(void)state;
	opened = ERR_IO;
	start();
	assert_int_equal(store_write_references(&images), ERR_NOT_READY);
	opened = 0;
	assert_int_equal(store_write_references(&images), ERR_IO);
}

// No disk says what the system's own image is, nor that another one is.
static void test_system(void **state)
{
	(void)state;
	put(HEX_SYSTEM ".img", FILE_TYPE_FILE, "", 4096);
	put(HEX_SYSTEM ".json", FILE_TYPE_FILE, RECORD(SYSTEM, "{\"Env\":[\"A=1\"]}"), 1);
	put("references.json", FILE_TYPE_FILE,
	    "{\"references\":[{\"name\":\"system\",\"id\":\"" A "\"},{\"name\":7},"
	    "{\"name\":\"me/app\",\"id\":\"" A "\"},"
	    "{\"name\":\"docker.io/me/app:2\",\"id\":\"" A "\"}]}",
	    1);
	start();
	assert_int_equal(images.num_references, 2);
	assert_non_null(catalog_reference(&images, "docker.io/me/app:2"));
	assert_string_equal(catalog_reference(&images, "system")->id, SYSTEM);
	assert_false(is_stored(SYSTEM));
}

static void test_taking(void **state)
{
	(void)state;
	start();
	for (unsigned i = 0; i < 2; i++) {
		does_and_dies = i == 1;
		deaths = 2;
		put("incoming.1/x.img", FILE_TYPE_FILE, "", 4096);
		assert_int_equal(take(B, RECORD(B, "{}")), 0);
		assert_true(is_stored(B));
		assert_non_null(find(HEX_B ".json"));
		assert_null(find("incoming.1/x.img"));
	}
	deaths = 3;
	does_and_dies = false;
	assert_int_equal(take(B, RECORD(B, "{}")), ERR_PEER_CLOSED);
	assert_int_equal(take(B, RECORD(B, "{}")), ERR_NOT_FOUND);
}

// An image whose record finds no room leaves the room that it took; one that was not moved leaves
// what was there.
static void test_full_disk(void **state)
{
	(void)state;
	start();
	put("incoming.1/x.img", FILE_TYPE_FILE, "", 4096);
	is_full = true;
	assert_int_equal(take(B, RECORD(B, "{}")), ERR_NO_SPACE);
	assert_false(is_stored(B));
	assert_null(find(HEX_B ".img"));
	is_full = false;
	put(HEX_B ".img", FILE_TYPE_FILE, "", 4096);
	assert_int_equal(take(B, RECORD(B, "{}")), ERR_NOT_FOUND);
	assert_non_null(find(HEX_B ".img"));
}

// What would spoil the list of images is none, and is not kept.
static void test_configs(void **state)
{
	static const char *const bad[] = {
		RECORD(B, "{\"Env\":\"A=1\"}"),
		RECORD(B, "{\"WorkingDir\":[]}"),
		RECORD(B, "{\"User\":{}}"),
		RECORD(B, "{\"Cmd\":[\"\\u0000\"]}"),
		RECORD(B,
		       "{\"Healthcheck\":{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"
		       "]]]]]]]]]]]]}}"),
		RECORD(A, "{}"),
	};

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("incoming.1/x.img", FILE_TYPE_FILE, "", 4096);
		assert_int_equal(take(B, bad[i]), ERR_PROTOCOL);
		assert_null(find(HEX_B ".json"));
		put(HEX_B ".json", FILE_TYPE_FILE, bad[i], 1);
		put(HEX_B ".img", FILE_TYPE_FILE, "", 4096);
		start();
		assert_false(is_stored(B));
		take_away(find(HEX_B ".json"));
	}
	// What containers do not read is not of the list, and labels that are none do not count.
	assert_int_equal(take(B, RECORD(B, "{\"Labels\":{\"a\":[[[[[[[[[[]]]]]]]]]]},\"X\":7}")),
	                 0);
}

// What is no file has no place among images, and leaves it free.
static void test_folder(void **state)
{
	(void)state;
	start();
	put("incoming.1/x.img", FILE_TYPE_FOLDER, "", 4096);
	assert_int_equal(take(B, RECORD(B, "{}")), ERR_PROTOCOL);
	assert_null(find(HEX_B ".img"));
	assert_non_null(find(swept));
	take_away(find(swept));
	put("incoming.1/x.img", FILE_TYPE_FILE, "", 1);
	assert_int_equal(take(B, RECORD(B, "{}")), ERR_PROTOCOL);
	assert_null(find(HEX_B ".img"));
	put(HEX_B ".img", FILE_TYPE_FOLDER, "", 0);
	start();
	assert_null(find(HEX_B ".img"));
}

// Takes images of a word of `len` bytes until one is refused, and returns how.
static error_t fill(unsigned first, size_t len, unsigned *count)
{
	char id[IMAGE_ID_MAX], name[IMAGES_FILE_MAX], *record = malloc(len + 512);
	error_t err = 0;

	for (*count = 0; err == 0; ++*count) {
		snprintf(id, sizeof(id), "sha256:%064x", first + *count);
		snprintf(record, len + 512, "{\"id\":\"%s\",\"config\":{\"Env\":[\"%0*d\"]}}", id,
		         (int)len, 0);
		put("incoming.1/x.img", FILE_TYPE_FILE, "", 4096);
		err = take(id, record);
		if (err < 0)
			break;
		store_image_file(id, name);
		take_away(find(name));
		snprintf(name, sizeof(name), "%s.json", id + DIGEST_PREFIX_LENGTH);
		take_away(find(name));
	}
	free(record);
	return err;
}

// As many images as there may be, and as large: the list can always be sent.
static void test_limits(void **state)
{
	struct json_writer w = { 0 };
	struct image_index index;
	unsigned count;
	const char *text;

	(void)state;
	start();
	assert_int_equal(fill(1, 900000, &count), ERR_TOO_LARGE);
	assert_int_equal(count, 4);
	assert_int_equal(fill(100, 10, &count), ERR_LIMIT);
	assert_int_equal(images.num_images, IMAGES_MAX);
	listing_write(&w, &images);
	text = json_writer_text(&w);
	assert_in_range(w.len, 3u << 20, 4u << 20);
	assert_int_equal(image_index_parse(&index, text_span(text)), 0);
	assert_int_equal(index.count, IMAGES_MAX);
	image_index_deinit(&index);
	json_writer_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reading, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unfinished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reading_deaths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_record_unread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names_unread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_system, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_taking, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_configs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
