// SPDX-License-Identifier: MIT
//
// The OCI image layout in what docker save writes.
#include "apps/images/save_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// Of show.c, which has an app's state.
void show_config(struct json_writer *w, const struct record *record);

void show_config(struct json_writer *w, const struct record *record)
{
	(void)w;
	(void)record;
}

#define DIGEST(digit) "sha256:" digit digit digit digit digit digit digit digit
#define TYPE "\"mediaType\":\"application/vnd.oci.image."

static char one[] = DIGEST("11111111"), two[] = DIGEST("22222222"), three[] = DIGEST("33333333");

static struct save_index layout;
static struct json_writer archive;

static int set_up(void **state)
{
	(void)state;
	layout = (struct save_index){ 0 };
	archive = (struct json_writer){ 0 };
	assert_int_equal(save_index_add(&layout, one, 7, text_span("\x1f\x8b\x08")), 0);
	assert_int_equal(save_index_add(&layout, two, 1ull << 33, text_span("\x28\xb5\x2f\xfd")),
	                 0);
	assert_int_equal(save_index_add(&layout, three, 2, text_span("{}")), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	save_index_deinit(&layout);
	json_writer_deinit(&archive);
	return 0;
}

// What the entry at the offset has, which is the next one's then.
static const char *entry(size_t *at, char name[100])
{
	static char text[4096];
	unsigned long size = 0;

	memcpy(name, archive.text + *at, 100);
	assert_int_equal(sscanf(archive.text + *at + 124, "%11lo", &size), 1);
	assert_true(size < sizeof(text));
	memcpy(text, archive.text + *at + SAVE_BLOCK, size);
	text[size] = '\0';
	*at += SAVE_BLOCK + (size + SAVE_BLOCK - 1) / SAVE_BLOCK * SAVE_BLOCK;
	return text;
}

static void blobs_are_known(void **state)
{
	char name[SAVE_BLOB_NAME_MAX];

	(void)state;
	assert_true(save_index_has(&layout, one));
	assert_true(save_index_has(&layout, three));
	assert_false(save_index_has(&layout, "sha256:4"));
	save_blob_name("sha256:4", name);
	assert_string_equal(name, "blobs/sha256/4");
}

static void a_manifest(void **state)
{
	char *digests[] = { one, two, three, three };
	struct save_item item = { .id = "" };
	char name[100], digest[SAVE_DIGEST_MAX], wanted[100];
	const char *text;
	size_t at = 0;

	(void)state;
	assert_int_equal(save_index_write_manifest(&layout, &archive, &item, digests, 4), 0);
	text = entry(&at, name);
	assert_string_equal(
		text,
		"{\"schemaVersion\":2," TYPE "manifest.v1+json\",\"config\":{" TYPE
		"config.v1+json\",\"digest\":\"" DIGEST(
			"33333333") "\",\"size\":2},\"layers\":[{" TYPE
				    "layer.v1.tar+gzip\",\"digest\":\"" DIGEST(
					    "11111111") "\",\"size\":7},{" TYPE
							"layer.v1.tar+zstd\",\"digest\":\"" DIGEST(
								"22222222") "\",\"size\":8589934592},{" TYPE
									    "layer.v1.tar\",\"digest\":\"" DIGEST(
										    "33333333") "\",\"size\":2}]}");
	save_digest(text_span(text), digest);
	snprintf(wanted, sizeof(wanted), "blobs/sha256/%s", digest + 7);
	assert_string_equal(name, wanted);
}

// Each name of an image, or one without, is an entry.
static void an_index(void **state)
{
	char *digests[] = { one, three };
	struct save_item item = { .id = "" }, nameless = { .id = "" };
	char name[100], digest[SAVE_DIGEST_MAX], wanted[2048];
	size_t at = 0, size;
	const char *text;

	(void)state;
	assert_int_equal(string_list_add(&item.tags, "a:1"), 0);
	assert_int_equal(string_list_add(&item.tags, "host:5000/b/c:x"), 0);
	assert_int_equal(save_index_write_manifest(&layout, &archive, &item, digests, 2), 0);
	text = entry(&at, name);
	size = strlen(text);
	save_digest(text_span(text), digest);
	assert_int_equal(save_index_write_manifest(&layout, &archive, &nameless, digests, 2), 0);
	(void)entry(&at, name);
	save_index_write_end(&layout, &archive);
	text = entry(&at, name);
	assert_string_equal(name, "index.json");
	snprintf(wanted, sizeof(wanted),
	         "{\"schemaVersion\":2," TYPE "index.v1+json\",\"manifests\":["
	         "{" TYPE "manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{"
	         "\"io.containerd.image.name\":\"docker.io/library/a:1\","
	         "\"org.opencontainers.image.ref.name\":\"1\"}},"
	         "{" TYPE "manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{"
	         "\"io.containerd.image.name\":\"host:5000/b/c:x\","
	         "\"org.opencontainers.image.ref.name\":\"x\"}},"
	         "{" TYPE "manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu}]}",
	         digest, size, digest, size, digest, size);
	assert_string_equal(text, wanted);
	assert_string_equal(entry(&at, name), "{\"imageLayoutVersion\":\"1.0.0\"}");
	assert_string_equal(name, "oci-layout");
	assert_int_equal(at, archive.len);
	string_list_deinit(&item.tags);
}

static void blobs_that_are_not_there(void **state)
{
	char other[] = "sha256:4", *no_layer[] = { other, three }, *no_config[] = { one, other };
	struct save_item item = { .id = "" };

	(void)state;
	assert_int_equal(save_index_write_manifest(&layout, &archive, &item, no_layer, 2),
	                 ERR_INVALID);
	assert_int_equal(save_index_write_manifest(&layout, &archive, &item, no_config, 2),
	                 ERR_INVALID);
	assert_int_equal(save_index_write_manifest(&layout, &archive, &item, no_layer, 0),
	                 ERR_INVALID);
}

// Whoever sees a layout takes it for all that the archive has.
static void an_image_without_blobs(void **state)
{
	char *digests[] = { one, three };
	struct save_item item = { .id = "" };
	size_t len;

	(void)state;
	assert_int_equal(save_index_write_manifest(&layout, &archive, &item, digests, 2), 0);
	len = archive.len;
	save_index_lacks(&layout);
	save_index_write_end(&layout, &archive);
	assert_int_equal(archive.len, len);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(blobs_are_known),
		TEST(a_manifest),
		TEST(an_index),
		TEST(blobs_that_are_not_there),
		TEST(an_image_without_blobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
