// SPDX-License-Identifier: MIT
// Which image a name means.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/images/images.h"
#include "libs/starina/syscall.h"

// The beginnings of two are the same.
#define A "sha256:aaaa456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "sha256:aaaabbbb89abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SYSTEM "sha256:cccc456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct images images;
static struct request request;
static uint32_t refused;

void store_image_file(const char *id, char out[static IMAGES_FILE_MAX])
{
	snprintf(out, IMAGES_FILE_MAX, "%s.img", id);
}

void request_refuse(const struct request *by, uint32_t status, const char *format, ...)
{
	(void)by;
	(void)format;
	refused = status;
}

static int set_up(void **state)
{
	static const char document[] = "{\"images\":["
				       "{\"name\":\"system\",\"id\":\"" SYSTEM
				       "\",\"first_sector\":0,\"num_sectors\":8},"
				       "{\"name\":\"docker.io/library/host:1\",\"id\":\"" A
				       "\",\"first_sector\":8,\"num_sectors\":8}]}";
	struct span text = { .data = (const uint8_t *)document, .len = sizeof(document) - 1 };

	(void)state;
	images = (struct images){ 0 };
	list_init(&images.images);
	list_init(&images.references);
	request = (struct request){ .images = &images };
	assert_int_equal(catalog_add_host(&images, text), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (!list_is_empty(&images.references))
		catalog_unrefer(&images,
		                container_of(images.references.next, struct reference, entry));
	while (!list_is_empty(&images.images))
		catalog_forget(&images,
		               container_of(images.images.next, struct image_entry, entry));
	assert_int_equal(images.num_images, 0);
	assert_int_equal(images.num_references, 0);
	return 0;
}

// The id of what a name means; "404" and the like: it was refused.
static const char *id_of(const char *name)
{
	static char status[8];
	struct found found;

	refused = 0;
	if (catalog_find(&request, name, &found))
		return found.image->id;
	snprintf(status, sizeof(status), "%u", refused);
	return status;
}

static void test_names(void **state)
{
	(void)state;
	assert_non_null(catalog_make(&images, B));
	assert_int_equal(catalog_refer(&images, "docker.io/me/app:2", B), 0);
	assert_int_equal(catalog_refer(&images, "docker.io/me/app@" B, B), 0);
	assert_string_equal(id_of("host:1"), A);
	assert_string_equal(id_of("docker.io/library/host:1"), A);
	assert_string_equal(id_of("me/app:2"), B);
	assert_string_equal(id_of("me/app:anything@" B), B);
	assert_string_equal(id_of(B), B);
	assert_string_equal(id_of(A), A);
	assert_string_equal(id_of("aaaab"), B);
	assert_string_equal(id_of("aaaa"), "400");
	assert_string_equal(id_of("host"), "404");
	assert_string_equal(id_of(""), "404");
	assert_string_equal(id_of("sha256:"), "404");
}

// The system's own image is nobody's, by no name.
static void test_hidden(void **state)
{
	(void)state;
	assert_string_equal(id_of("system"), "404");
	assert_string_equal(id_of(SYSTEM), "404");
	assert_string_equal(id_of("cccc"), "404");
}

static void test_store_before_host(void **state)
{
	struct reference *reference;

	(void)state;
	assert_non_null(catalog_make(&images, B));
	assert_int_equal(catalog_refer(&images, "docker.io/library/host:1", B), 0);
	assert_string_equal(id_of("host:1"), B);
	reference = catalog_reference(&images, "docker.io/library/host:1");
	assert_false(reference->of_host);
	catalog_unrefer(&images, reference);
	assert_string_equal(id_of("host:1"), A);
	// A name may be of an image that this machine has not.
	assert_int_equal(
		catalog_refer(&images, "docker.io/library/host:1", "sha256:dddd456789abcdef"), 0);
	assert_string_equal(id_of("host:1"), A);
}

// An image that the host says no digest of is called by its name.
static void test_host_without_id(void **state)
{
	static const char document[] =
		"{\"images\":[{\"name\":\"docker.io/library/old:1\",\"num_sectors\":8}]}";
	struct image_index index;
	struct json_writer w = { 0 };

	(void)state;
	assert_int_equal(
		catalog_add_host(&images,
	                         (struct span){ (const uint8_t *)document, sizeof(document) - 1 }),
		0);
	assert_string_equal(id_of("old:1"), "docker.io/library/old:1");
	listing_write(&w, &images);
	assert_int_equal(
		image_index_parse(&index,
	                          (struct span){ (const uint8_t *)json_writer_text(&w), w.len }),
		0);
	assert_non_null(image_index_find(&index, "old:1"));
	image_index_deinit(&index);
	json_writer_deinit(&w);
}

static void test_going(void **state)
{
	struct image_entry *image = catalog_make(&images, B);

	(void)state;
	assert_int_equal(catalog_refer(&images, "docker.io/me/app:2", B), 0);
	image->is_going = true;
	assert_string_equal(id_of("me/app:2"), "404");
	assert_string_equal(id_of("aaaa"), A);
}

static nsec_t time_of(const char *text)
{
	return record_time((struct span){ (const uint8_t *)text, strlen(text) });
}

// Images of one second have an order, too.
static void test_times(void **state)
{
	const nsec_t second = NSEC_PER_SEC;

	(void)state;
	assert_int_equal(time_of("\"1970-01-01T00:01:00Z\""), 60 * second);
	assert_int_equal(time_of("\"1970-01-01T00:00:01.5Z\""), second + second / 2);
	assert_int_equal(time_of("\"1970-01-01T00:00:01.123456789+00:00\""), second + 123456789);
	assert_int_equal(time_of("\"1970-01-01T00:00:01.1234567899Z\""), second + 123456789);
	assert_int_equal(time_of("\"1970-01-01T00:00:01.\""), second);
	assert_int_equal(time_of("\"1970-01-01\""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hidden, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_store_before_host, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_host_without_id, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_going, set_up, tear_down),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
