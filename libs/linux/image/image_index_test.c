// SPDX-License-Identifier: MIT
// Names of images, JSON, and the index of the images that the host wrote.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libs/linux/image/image_index.h"
#include "libs/linux/image/platform.h"
#include "libs/json/json.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_names(void **state)
{
	static const struct {
		const char *name, *full;
	} names[] = {
		{ "alpine", "docker.io/library/alpine:latest" },
		{ "docker://alpine", "docker.io/library/alpine:latest" },
		{ "ubuntu:20.04", "docker.io/library/ubuntu:20.04" },
		{ "me/app", "docker.io/me/app:latest" },
		{ "docker.io/alpine", "docker.io/library/alpine:latest" },
		{ "index.docker.io/me/app:1", "docker.io/me/app:1" },
		{ "localhost/app", "localhost/app:latest" },
		{ "localhost:5000/a/b:2", "localhost:5000/a/b:2" },
		{ "quay.io/a/b", "quay.io/a/b:latest" },
		{ "alpine:3@" DIGEST, "docker.io/library/alpine@" DIGEST },
	};
	char full[IMAGE_NAME_MAX], longest[IMAGE_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(image_name_normalise(names[i].name, full), 0);
		assert_string_equal(full, names[i].full);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(image_name_normalise(longest, full), ERR_INVALID);
	assert_int_equal(image_name_normalise("", full), ERR_INVALID);
	image_name_familiar("alpine", full);
	assert_string_equal(full, "alpine:latest");
	image_name_familiar("me/app:1", full);
	assert_string_equal(full, "me/app:1");
	image_name_familiar("host:5000/x", full);
	assert_string_equal(full, "host:5000/x:latest");
	image_name_familiar("", full);
	assert_string_equal(full, "");
	assert_int_equal(image_name_normalise("alpine:", full), ERR_INVALID);
	assert_int_equal(image_name_normalise("localhost/", full), ERR_INVALID);
}

static const char document[] =
	"{ \"version\": 1.5e3, \"images\" : [\n"
	"{\"name\":\"builtin\",\"first_sector\":0,\"num_sectors\":8,\"config\":{}},\n"
	"{\"name\":\"docker.io/library/alpine:latest\",\"first_sector\":8,\"num_sectors\":16,\"more\":[1,{\"a\":[null,true]}],"
	"\"config\":{\"Entrypoint\":null,\"Cmd\":[\"/bin/sh\",\"a\\\"\\u00e9\\ud83d\\ude00\\n\"],\"Env\":[\"A=1\"],"
	"\"Volumes\":[\"/data\",\"/v\"],\"WorkingDir\":\"/srv\",\"User\":\"me\",\"Labels\":{\"x\": \"y\",\"no\": [7],\"z\":\"\\\"\"},\"StopSignal\": \"SIGINT\","
	"\"Healthcheck\": {\"Test\":[\"CMD\", \"x\"]} }}]}";

static void test_index(void **state)
{
	struct image_index index;
	const struct image *image;

	(void)state;
	assert_int_equal(image_index_parse(&index, text_span(document)), 0);
	assert_int_equal(index.count, 2);
	assert_ptr_equal(image_index_find(&index, "builtin"), &index.images[0]);
	image = image_index_find(&index, "alpine");
	assert_non_null(image);
	assert_int_equal(image->first_sector, 8);
	assert_int_equal(image->num_sectors, 16);
	assert_int_equal(image->entrypoint.count, 0);
	assert_int_equal(image->cmd.count, 2);
	assert_string_equal(image->cmd.items[1], "a\"\u00e9\U0001f600\n");
	assert_string_equal(image->env.items[0], "A=1");
	assert_int_equal(image->volumes.count, 2);
	assert_string_equal(image->volumes.items[1], "/v");
	assert_string_equal(image->workdir, "/srv");
	assert_string_equal(image->user, "me");
	assert_string_equal(image->healthcheck, "{\"Test\":[\"CMD\", \"x\"]}");
	assert_string_equal(image->labels, "{\"x\":\"y\",\"z\":\"\\\"\"}");
	assert_string_equal(image->stop_signal, "SIGINT");
	assert_null(image_index_find(&index, "alpine:3"));
	assert_null(image_index_find(&index, ""));
	image_index_deinit(&index);
}

static void test_hostile_index(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"{}x",
		"{\"images\":[{}]}",
		"{\"images\":{}}",
		"{\"images\":[1]}",
		"{\"images\":[],}",
		"{\"images\":[{\"name\":\"x\",\"num_sectors\":0}]}",
		"{\"images\":[{\"name\":\"x\",\"num_sectors\":-1}]}",
		"{\"images\":[{\"num_sectors\":1}]}",
		"{\"images\":[{\"name\":\"x\",\"num_sectors\":1,\"file\":\"../x\"}]}",
		"{\"images\":[{\"name\":\"x\",\"num_sectors\":1,\"file\":\"a/x\"}]}",
		"{\"images\":[{\"name\":\"x\",\"num_sectors\":1.5}]}",
		"{\"images\":[{\"name\":\"x\",\"num_sectors\":99999999999999999999}]}",
		"{\"images\":[{\"name\":\"x\\u0000y\",\"num_sectors\":1}]}",
		"{\"images\":[{\"name\":\"\\ud800\",\"num_sectors\":1}]}",
		"{\"images\":[{\"name\":\"\\x\",\"num_sectors\":1}]}",
		"{\"images\":[{\"name\":\"a\nb\",\"num_sectors\":1}]}",
		"{\"images\":[{\"name\":\"x\",\"num_sectors\":1,\"config\":{\"Cmd\":[1]}}]}",
		"{\"images\":[{\"name\":\"x\",\"num_sectors\":1,\"config\":{\"Cmd\":[\"a\",\"b]}}]}",
	};
	struct image_index index;
	char deep[600];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(image_index_parse(&index, text_span(texts[i])), ERR_PROTOCOL);
		assert_null(index.images);
	}
	// No document of any length is one that is cut.
	for (size_t i = 0; i < sizeof(document) - 1; i++)
		assert_int_equal(image_index_parse(&index,
		                                   (struct span){ .data = (const uint8_t *)document,
		                                                  .len = i }),
		                 ERR_PROTOCOL);
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"x\":", 5);
	assert_int_equal(image_index_parse(&index,
	                                   (struct span){ .data = (const uint8_t *)deep,
	                                                  .len = sizeof(deep) }),
	                 ERR_PROTOCOL);
}

// As the app `images` writes it: names beside an id, and a file of its store.
static void test_store(void **state)
{
	static const char stored[] =
		"{\"images\":[{\"id\":\"" DIGEST
		"\",\"names\":[\"docker.io/me/app:1\",\"docker.io/me/app@" DIGEST
		"\"],\"first_sector\":0,\"num_sectors\":8,\"file\":\"x.img\"},"
		"{\"name\":\"system\",\"num_sectors\":8}]}";
	struct image_index index;

	(void)state;
	assert_int_equal(image_index_parse(&index, text_span(stored)), 0);
	assert_ptr_equal(image_index_find(&index, "me/app:1"), &index.images[0]);
	assert_ptr_equal(image_index_find(&index, "me/app@" DIGEST), &index.images[0]);
	assert_ptr_equal(image_index_find(&index, "0123456789ab"), &index.images[0]);
	assert_string_equal(index.images[0].file, "x.img");
	assert_null(image_index_find(&index, "system"));
	assert_ptr_equal(image_index_exact(&index, "system"), &index.images[1]);
	image_index_deinit(&index);
}

static void test_writer(void **state)
{
	struct json_writer w = { 0 };

	(void)state;
	json_write_raw(&w, "{\"args\":[");
	json_write_string(&w, "a\"b\\");
	json_write_string(&w, "\n\x1b \xc3\xa9");
	json_write_raw(&w, "],\"cwd\":");
	json_write_string(&w, "/");
	json_write_raw(&w, "}");
	assert_false(w.bad);
	assert_int_equal(
		w.len,
		strlen("{\"args\":[\"a\\\"b\\\\\",\"\\u000a\\u001b \xc3\xa9\"],\"cwd\":\"/\"}"));
	assert_memory_equal(w.text,
	                    "{\"args\":[\"a\\\"b\\\\\",\"\\u000a\\u001b \xc3\xa9\"],\"cwd\":\"/\"}",
	                    w.len);
	json_writer_deinit(&w);
}

static void test_lists(void **state)
{
	struct string_list list = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(string_list_add(&list, "x"), 0);
	assert_int_equal(string_list_assign(&list, "PATH=/a"), 0);
	assert_int_equal(string_list_assign(&list, "PAT=/b"), 0);
	assert_int_equal(string_list_assign(&list, "PATH=/c=d"), 0);
	assert_int_equal(list.count, 22);
	assert_string_equal(list.items[20], "PATH=/c=d");
	assert_true(string_list_has(&list, "PAT"));
	assert_false(string_list_has(&list, "PA"));
	assert_int_equal(string_list_assign(&list, "=x"), ERR_INVALID);
	assert_int_equal(string_list_assign(&list, "x"), ERR_INVALID);
	string_list_deinit(&list);
	assert_int_equal(list.count, 0);
}

static void platforms(void **state)
{
	static const char *const ours[] = { "", "linux", "riscv64", "linux/riscv64",
		                            "linux/riscv64/rva20u64" };
	static const char *const others[] = { "linux/amd64", "arm64", "windows", "a/b" };

	(void)state;
	assert_int_equal(platform_read(NULL), PLATFORM_OURS);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		assert_int_equal(platform_read(ours[i]), PLATFORM_OURS);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(platform_read(others[i]), PLATFORM_OTHER);
	assert_int_equal(platform_read("foobar"), PLATFORM_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(platforms),   cmocka_unit_test(test_names),
		cmocka_unit_test(test_index),  cmocka_unit_test(test_hostile_index),
		cmocka_unit_test(test_writer), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
