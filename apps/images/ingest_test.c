// SPDX-License-Identifier: MIT
// What a job's container may say of an image, and what becomes of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/starina/syscall.h"

#define A "sha256:aaaa456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:dddd456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NAME "docker.io/me/app:1"
#define NAME_WITH_DIGEST "docker.io/me/app@" DIGEST

static struct images images;
static char error[OUTPUT_ERROR_MAX];
static error_t taken;
static const char *asked = NAME;
static unsigned num_images;  // that the job has brought

void request_refuse(const struct request *request, uint32_t status, const char *format, ...)
{
	(void)request;
	(void)status;
	(void)format;
}

void followers_tell(struct images *of)
{
	(void)of;
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

struct folder *store_folder(struct images *of)
{
	(void)of;
	return NULL;
}

bool store_try(struct images *of, unsigned *tries, error_t *err)
{
	(void)of;
	(void)err;
	return (*tries)++ == 0;
}

error_t folder_read(struct folder *folder, const char *path, size_t max, uint8_t **bytes,
                    size_t *len)
{
	(void)folder;
	(void)path;
	(void)max;
	*bytes = calloc(1, 1);
	*len = 0;
	return 0;
}

error_t store_take(struct images *of, const char *path, const char *id, struct span record)
{
	(void)path;
	(void)record;
	if (taken < 0)
		return taken;
	assert_non_null(catalog_make(of, id));
	catalog_by_id(of, id)->is_stored = true;
	return 0;
}

error_t store_write_references(struct images *of)
{
	(void)of;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	images = (struct images){ 0 };
	list_init(&images.images);
	list_init(&images.references);
	taken = 0;
	error[0] = '\0';
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
	return 0;
}

static error_t take(enum job_kind kind, const char *name, bool is_unchanged)
{
	static struct job job;
	struct line line = { .id = A, .digest = DIGEST, .is_unchanged = is_unchanged };
	error_t err;

	job = (struct job){ .images = &images,
		            .kind = kind,
		            .folder = "incoming.1",
		            .num_images = num_images };
	snprintf(job.name, sizeof(job.name), "%s", asked);
	if (name[0] != '\0')
		assert_int_equal(string_list_add(&line.references, name), 0);
	err = ingest(&job, &line, error);
	string_list_deinit(&line.references);
	return err;
}

// A later pull believes what a digest leads to, so that is a registry's to say.
static void test_digests(void **state)
{
	(void)state;
	assert_int_equal(take(JOB_LOAD, NAME_WITH_DIGEST, false), ERR_PROTOCOL);
	assert_int_equal(take(JOB_LOAD, NAME, false), 0);
	assert_non_null(catalog_reference(&images, NAME));
	assert_null(catalog_reference(&images, NAME_WITH_DIGEST));
	assert_int_equal(take(JOB_PULL, NAME, true), ERR_NOT_FOUND);
	assert_int_equal(take(JOB_PULL, NAME, false), 0);
	assert_non_null(catalog_reference(&images, NAME_WITH_DIGEST));
	assert_int_equal(take(JOB_PULL, NAME, true), 0);
	assert_int_equal(take(JOB_LOAD, NAME, true), ERR_PROTOCOL);
	assert_int_equal(take(JOB_PULL, "docker.io/me/other:1", false), ERR_PROTOCOL);
}

static void test_all_tags(void **state)
{
	(void)state;
	asked = "docker.io/me/app" ALL_TAGS;
	assert_int_equal(take(JOB_PULL, NAME, false), 0);
	assert_int_equal(take(JOB_PULL, "docker.io/me/app:2", false), 0);
	assert_int_equal(take(JOB_PULL, NAME_WITH_DIGEST, false), ERR_PROTOCOL);
	assert_int_equal(take(JOB_PULL, "docker.io/me/app2:2", false), ERR_PROTOCOL);
	assert_int_equal(take(JOB_PULL, "docker.io/me/apq:2", false), ERR_PROTOCOL);
	asked = NAME;
	assert_int_equal(take(JOB_PULL, "docker.io/me/app:2", false), ERR_PROTOCOL);
}

// The system container may be in other hands by what it reads.
static void test_one_name(void **state)
{
	static const enum job_kind kinds[] = { JOB_COMMIT, JOB_IMPORT };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_int_equal(take(kinds[i], NAME, false), 0);
		assert_int_equal(take(kinds[i], "docker.io/library/debian:latest", false),
		                 ERR_PROTOCOL);
		assert_int_equal(take(kinds[i], "", false), ERR_PROTOCOL);
		num_images = 1;
		assert_int_equal(take(kinds[i], NAME, false), ERR_PROTOCOL);
		num_images = 0;
		asked = "";
		assert_int_equal(take(kinds[i], "", false), 0);
		assert_int_equal(take(kinds[i], NAME, false), ERR_PROTOCOL);
		asked = NAME;
	}
}

static void test_going(void **state)
{
	(void)state;
	assert_int_equal(take(JOB_PULL, NAME, false), 0);
	catalog_by_id(&images, A)->is_going = true;
	for (unsigned unchanged = 0; unchanged < 2; unchanged++) {
		assert_int_equal(take(JOB_PULL, NAME, unchanged == 1), ERR_BAD_STATE);
		assert_non_null(strstr(error, "it is being removed: try again"));
	}
}

static void test_no_room(void **state)
{
	(void)state;
	taken = ERR_LIMIT;
	assert_int_equal(take(JOB_PULL, NAME, false), ERR_LIMIT);
	assert_non_null(strstr(error, "remove some"));
	assert_int_equal(images.num_references, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_digests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_tags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_going, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_room, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
