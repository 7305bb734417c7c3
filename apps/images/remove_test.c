// SPDX-License-Identifier: MIT
// prune, while other things happen to images.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/images/images.h"
#include "libs/starina/syscall.h"

#define A "sha256:aaaa456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "sha256:bbbb456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct images images;
static char asked[IMAGE_ID_MAX], removed[IMAGE_ID_MAX];
static uint32_t question;
static error_t cannot_ask;
static char answer[1024];
static uint32_t refused;  // its status

void request_refuse(const struct request *request, uint32_t status, const char *format, ...)
{
	(void)request;
	(void)format;
	refused = status;
}

void followers_tell(struct images *of)
{
	(void)of;
}

error_t followers_ask(struct images *of, const struct image_entry *image, uint32_t *number)
{
	(void)of;
	snprintf(asked, sizeof(asked), "%s", image->id);
	*number = cannot_ask == 0 ? ++question : 0;
	return cannot_ask;
}

uint64_t layers_drop(struct images *of, uint64_t spare)
{
	(void)of;
	assert_int_equal(spare, 0);
	return 0;
}

void event_tell_prune(const struct images *of, uint64_t freed)
{
	(void)of;
	(void)freed;
}

void event_tell(const struct images *of, const char *action, const char *id, const char *name)
{
	(void)of;
	(void)action;
	(void)id;
	(void)name;
}

void store_image_file(const char *id, char out[static IMAGES_FILE_MAX])
{
	snprintf(out, IMAGES_FILE_MAX, "%s", id);
}

error_t store_write_references(struct images *of)
{
	(void)of;
	return 0;
}

void store_remove(struct images *of, const struct image_entry *image)
{
	(void)of;
	snprintf(removed, sizeof(removed), "%s", image->id);
}

static const char *filters_text;  // of prune

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = 2000000000ull * NSEC_PER_SEC;
	return 0;
}

char *query_take(const struct request *request, const char *name)
{
	(void)request;
	return strcmp(name, "filters") == 0 && filters_text != NULL ? strdup(filters_text) : NULL;
}

bool query_flag(const struct request *request, const char *name)
{
	(void)request;
	(void)name;
	return false;
}

void reply_json(struct client *client, uint32_t id, uint32_t status, struct json_writer *w)
{
	(void)client;
	(void)id;
	(void)status;
	snprintf(answer, sizeof(answer), "%s", json_writer_text(w));
	json_writer_deinit(w);
}

void reply_error(struct client *client, uint32_t id, uint32_t status, const char *format, ...)
{
	(void)client;
	(void)id;
	(void)format;
	refused = status;
}

static void add(const char *id)
{
	struct image_entry *image = catalog_make(&images, id);

	assert_non_null(image);
	image->is_stored = true;
}

// An image gets a name when another one is asked of: it stays.
static void test_prune(void **state)
{
	struct request request = { .images = &images };
	struct msg_images_used nobody = { 0 };

	(void)state;
	list_init(&images.images);
	list_init(&images.references);
	list_init(&images.removals);
	add(A);
	add(B);
	operation_prune(&request);
	assert_string_equal(asked, B);
	assert_int_equal(catalog_refer(&images, "docker.io/me/app:1", A), 0);
	nobody.id = question;
	removal_answered(&images, &nobody);
	assert_string_equal(removed, B);
	assert_string_equal(asked, B);
	assert_non_null(strstr(answer, "\"Deleted\":\"" B "\""));
	assert_null(strstr(answer, A));
	assert_non_null(catalog_by_id(&images, A));
	assert_false(catalog_by_id(&images, A)->is_going);
	assert_true(list_is_empty(&images.removals));
	catalog_unrefer(&images, container_of(images.references.next, struct reference, entry));
	catalog_forget(&images, catalog_by_id(&images, A));
}

static void add_child(const char *id, const char *parent)
{
	char record[512];
	int len = snprintf(record, sizeof(record), "{\"id\":\"%s\",\"parent\":\"%s\"}", id, parent);
	struct image_entry *image =
		catalog_know(&images, id, (struct span){ (const uint8_t *)record, (size_t)len }, 0);

	assert_non_null(image);
	image->is_stored = true;
}

// Answers that nobody has the image that is asked of.
static void nobody_has_it(const char *id)
{
	struct msg_images_used nobody = { .id = question };

	assert_string_equal(asked, id);
	removal_answered(&images, &nobody);
}

// An image that another one was made of: by its id it stays, by its name it loses that, and it goes
// with the last of the others.
static void test_parent(void **state)
{
	struct request request = { .images = &images, .target = A };

	(void)state;
	add_child(A, "");
	add_child(B, A);
	assert_int_equal(catalog_refer(&images, "docker.io/me/app:1", A), 0);
	operation_remove(&request);
	assert_int_equal(refused, 409);
	assert_true(list_is_empty(&images.removals));

	snprintf(request.target, sizeof(request.target), "me/app:1");
	operation_remove(&request);
	nobody_has_it(A);
	assert_string_equal(answer, "[{\"Untagged\":\"me/app:1\"}]");
	assert_non_null(catalog_by_id(&images, A));

	// Without a name it is not dangling: B is.
	question = 0;
	operation_prune(&request);
	assert_int_equal(question, 1);
	nobody_has_it(B);
	assert_int_equal(question, 2);
	nobody_has_it(A);
	assert_non_null(strstr(answer, "\"Deleted\":\"" B "\"},{\"Deleted\":\"" A "\""));
	assert_true(list_is_empty(&images.images));
}

// Without memory `containers` cannot be asked: that is said. While it is not there that waits, and
// from when it has gone, too.
static void test_cannot_ask(void **state)
{
	struct request request = { .images = &images, .target = A };
	struct client follower = { 0 };

	(void)state;
	add_child(A, "");
	cannot_ask = ERR_PEER_CLOSED;
	refused = 0;
	operation_remove(&request);
	assert_int_equal(refused, 0);
	assert_false(list_is_empty(&images.removals));

	images.follower = &follower;
	removals_go_on(&images);
	assert_int_equal(refused, 0);
	assert_false(list_is_empty(&images.removals));

	cannot_ask = ERR_NO_MEMORY;
	removals_go_on(&images);
	assert_int_equal(refused, 500);
	assert_true(list_is_empty(&images.removals));
	assert_false(catalog_by_id(&images, A)->is_going);
	images.follower = NULL;
	cannot_ask = 0;
	catalog_forget(&images, catalog_by_id(&images, A));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prune),
		cmocka_unit_test(test_parent),
		cmocka_unit_test(test_cannot_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
