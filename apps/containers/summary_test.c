// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "apps/containers/summary.h"

static struct image images[] = { { .id = "sha256:1" }, { .id = "sha256:2" } };

// "one" and "two" are images.
const struct image *image_index_find(const struct image_index *index, const char *name)
{
	(void)index;
	return strcmp(name, "one") == 0 ? &images[0] : strcmp(name, "two") == 0 ? &images[1] : NULL;
}

static void test_commands(void **state)
{
	char *words[] = { "a b", "-c", "x \"y\"", "z" };
	char long_word[300];
	char *line[] = { long_word };
	struct string_list entrypoint = { .items = words, .count = 1 };
	struct string_list cmd = { .items = words + 1, .count = 3 };
	struct string_list none = { 0 }, one = { .items = line, .count = 1 };
	struct json_writer w = { 0 };

	(void)state;
	memset(long_word, 'l', sizeof(long_word));
	long_word[sizeof(long_word) - 1] = '\0';
	summary_command(&w, &(struct command){ &entrypoint, &cmd });
	assert_string_equal(json_writer_text(&w), "\"a b -c 'x \\\"y\\\"' z\"");
	json_writer_deinit(&w);
	w = (struct json_writer){ 0 };
	summary_command(&w, &(struct command){ &none, &one });
	assert_int_equal(w.len, sizeof(long_word) - 1 + 2);
	json_writer_deinit(&w);
	w = (struct json_writer){ 0 };
	summary_command(&w, &(struct command){ &none, &none });
	assert_string_equal(json_writer_text(&w), "\"\"");
	json_writer_deinit(&w);
}

static void test_images(void **state)
{
	struct containers all = { 0 };
	struct container c = { .all = &all,
		               .image_id = "sha256:1",
		               .settings.image = (char *)"one" };

	(void)state;
	assert_string_equal(summary_image(&c), "one");
	c.settings.image = (char *)"two";
	assert_string_equal(summary_image(&c), "sha256:1");
	c.settings.image = (char *)"gone";
	assert_string_equal(summary_image(&c), "sha256:1");
	c.image_id[0] = '\0';
	assert_string_equal(summary_image(&c), "gone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
