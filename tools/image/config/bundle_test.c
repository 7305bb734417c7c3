// SPDX-License-Identifier: MIT
// config.json from an image's configuration and the user's wishes; names of images in registries.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/image/config/bundle.h"
#include "tools/image/config/environment.h"
#include "tools/image/config/image_user.h"
#include "tools/image/json_input.h"
#include "tools/image/source/reference.h"
#include "tools/image/source/reference_grammar.h"

static struct error err;

// The bundle of the image whose configuration is {"config": CONFIG}; NULL: refused.
static json_t *make(const char *config, const struct bundle_options *options)
{
	char *text;
	char *bundle;
	json_t *image;
	json_t *result;

	assert_true(asprintf(&text, "{\"config\":%s}", config) > 0);
	image = json_parse(text, strlen(text), "the test", &err);
	assert_non_null(image);
	free(text);
	bundle = bundle_from_image(image, "/nonexistent", options, &err);
	json_decref(image);
	result = bundle ? json_loads(bundle, 0, NULL) : NULL;
	free(bundle);
	return result;
}

static json_t *process(json_t *bundle)
{
	return json_object_get(bundle, "process");
}

static void assert_words(const json_t *array, const char *joined)
{
	char text[512] = "";
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "|" : "",
	                 json_string_value(item));
	assert_string_equal(text, joined);
}

static void assert_command(const char *config, const struct bundle_options *options,
                           const char *joined)
{
	json_t *bundle = make(config, options);

	assert_non_null(bundle);
	assert_words(json_object_get(process(bundle), "args"), joined);
	json_decref(bundle);
}

static void test_command(void **state)
{
	static const char config[] = "{\"Entrypoint\":[\"/e e\",\"1\"],\"Cmd\":[\"c\"]}";
	static const char reset[] = "{\"Entrypoint\":[\"\"],\"Cmd\":[\"c\"]}";
	json_t *command = json_pack("[s, s]", "x y", "z");

	(void)state;
	assert_command(config, &(struct bundle_options){ 0 }, "/e e|1|c");
	assert_command(reset, &(struct bundle_options){ 0 }, "c");
	assert_command("{\"Cmd\":[\"c\"],\"X\":18446744073709551615}",
	               &(struct bundle_options){ 0 }, "c");
	assert_command(config, &(struct bundle_options){ .args = "'a b' c" }, "/e e|1|a b|c");
	assert_command(config, &(struct bundle_options){ .command = command }, "/e e|1|x y|z");
	assert_command(config, &(struct bundle_options){ .entrypoint = "a b" }, "a|b");
	assert_command(config, &(struct bundle_options){ .entrypoint_word = "a b" }, "a b");
	assert_command(config,
	               &(struct bundle_options){ .entrypoint_word = "", .command = command },
	               "x y|z");
	assert_null(make(config, &(struct bundle_options){ .entrypoint_word = "" }));
	assert_non_null(strstr(err.text, "nothing to run"));
	json_decref(command);
}

static void test_environment(void **state)
{
	static const char config[] =
		"{\"Cmd\":[\"c\"],\"Env\":[\"PATH=/p\",\"A=image\",\"B=image\",\"GONE=1\",\"odd\",\"=x\"]}";
	json_t *changes = json_array();
	json_t *bundle;

	(void)state;
	setenv("TEST_HERE", "a,b", 1);
	unsetenv("GONE");
	assert_int_equal(environment_add_list(changes, "A=list,B=list,TEST_HERE,GONE,", &err), 0);
	assert_int_equal(environment_add_item(changes, "B=item,with comma\nand line", &err), 0);
	bundle = make(config, &(struct bundle_options){ .env = changes });
	assert_non_null(bundle);
	assert_words(
		json_object_get(process(bundle), "env"),
		"PATH=/p|HOSTNAME=starina|A=list|B=item,with comma\nand line|TEST_HERE=a,b|HOME=/");
	json_decref(bundle);
	bundle = make(config,
	              &(struct bundle_options){ .terminal = true, .rows = 24, .columns = 80 });
	assert_true(environment_has(json_object_get(process(bundle), "env"), "TERM"));
	assert_true(json_is_true(json_object_get(process(bundle), "terminal")));
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(process(bundle), "consoleSize"), "width")),
	                 80);
	json_decref(bundle);
	json_decref(changes);
	unsetenv("TEST_HERE");
}

// One number that is too large does not change what the others are.
static void test_numbers(void **state)
{
	static const char text[] =
		"{\"a\":[5000000000,-7,0.5,{\"b\":3},9223372036854775807,-9223372036854775808,"
		"9007199254740993,25e1],\"18446744073709551616\\\"\":\"18446744073709551616\","
		"\"X\":18446744073709551615,\"Y\":-9223372036854775809}";
	json_t *image = json_parse(text, strlen(text), "the test", &err);
	json_t *list = json_object_get(image, "a");

	(void)state;
	assert_int_equal(json_integer_value(json_array_get(list, 0)), 5000000000);
	assert_int_equal(json_integer_value(json_array_get(list, 1)), -7);
	assert_true(json_is_real(json_array_get(list, 2)));
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 3), "b")), 3);
	assert_true(json_integer_value(json_array_get(list, 4)) == INT64_MAX);
	assert_true(json_integer_value(json_array_get(list, 5)) == INT64_MIN);
	assert_true(json_integer_value(json_array_get(list, 6)) == 9007199254740993);
	assert_true(json_real_value(json_array_get(list, 7)) == 250);
	assert_true(json_real_value(json_object_get(image, "X")) == 0x1p64);
	assert_true(json_real_value(json_object_get(image, "Y")) == -0x1p63);
	assert_string_equal(json_get_string(image, "18446744073709551616\""),
	                    "18446744073709551616");
	json_decref(image);
	// What ends in the midst of a token.
	assert_null(json_parse("[18446744073709551616,\"a\\", 25, "the test", &err));
	assert_null(json_parse("{\"X\":18446744073709551616", 25, "the test", &err));
}

static void test_hostile_images(void **state)
{
	static const struct {
		const char *config, *said;
	} bad[] = {
		{ "{}", "nothing to run" },
		{ "{\"Cmd\":\"\"}", "nothing to run" },
		{ "{\"Entrypoint\":{}}", "Entrypoint is not a list" },
		{ "{\"Cmd\":[1]}", "Cmd is not a list" },
		{ "{\"Cmd\":[\"a\\u0000b\"]}", "Cmd is not a list" },
		{ "{\"Cmd\":[\"c\"],\"WorkingDir\":\"../etc\"}", "not absolute" },
		{ "{\"Cmd\":[\"c\"],\"User\":\"nobody\"}", "\"nobody\" is not in the image" },
		{ "{\"Cmd\":[\"c\"],\"User\":\"4294967296\"}", "up to 2147483647" },
		{ "{\"Cmd\":[\"c\"],\"User\":\"0:wheel\"}", "\"wheel\" is not in the image" },
	};
	json_t *env = json_array();
	json_t *many;
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(make(bad[i].config, &(struct bundle_options){ 0 }));
		if (!strstr(err.text, bad[i].said))
			fail_msg("\"%s\" is not in: %s", bad[i].said, err.text);
	}
	for (int i = 0; i < ENVIRONMENT_MAX + 1; i++)
		json_array_append_new(env, json_sprintf("V%d=", i));
	many = json_pack("{s:[s], s:o}", "Cmd", "c", "Env", env);
	text = json_dumps(many, 0);
	assert_null(make(text, &(struct bundle_options){ 0 }));
	assert_non_null(strstr(err.text, "more than 10000 variables"));
	free(text);
	json_decref(many);
	assert_null(make("{\"Cmd\":[\"c\"]}", &(struct bundle_options){ .workdir = "/\xff" }));
	assert_non_null(strstr(err.text, "UTF-8"));
}

static void test_words_of_images(void **state)
{
	struct bundle_options none = { 0 };

	(void)state;
	// As docker reads it, a string is one word.
	assert_command("{\"Cmd\":\"echo hi\"}", &none, "echo hi");
	assert_command("{\"Entrypoint\":\"/x\",\"Cmd\":[\"a\",\"b\"]}", &none, "/x|a|b");
	assert_command("{\"Entrypoint\":\"\",\"Cmd\":\"c\"}", &none, "c");
}

static void assert_volumes(const char *volumes, const char *expected)
{
	char *config;
	json_t *bundle;
	const char *text;

	assert_true(asprintf(&config, "{\"Cmd\":[\"c\"],\"Volumes\":%s}", volumes) > 0);
	bundle = make(config, &(struct bundle_options){ 0 });
	text = json_get_string(json_object_get(bundle, "annotations"), "org.starina.volumes");
	assert_non_null(bundle);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
	json_decref(bundle);
	free(config);
}

static void test_volumes(void **state)
{
	(void)state;
	assert_volumes("{\"/b\":{},\"/a b\":null,\"/a//b/../c/\":{},\"d\":{}}",
	               "[\"/a b\",\"/a/c\",\"/b\",\"/d\"]");
	assert_volumes("{\"/a\":{},\"/a/\":{},\"/\":{},\"/x/..\":{}}", "[\"/a\"]");
	assert_volumes("{\"/../../etc\":{}}", "[\"/etc\"]");
	assert_volumes("{}", NULL);
	assert_volumes("null", NULL);
	assert_volumes("[\"/x\"]", NULL);
}

static void account_write(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

// UID:GID:other groups, or NULL.
static void assert_user(const char *directory, const char *text, const char *expected)
{
	struct user user;
	char is[256] = "";
	int result = user_resolve(&user, text, directory, &err);

	if (result == 0)
		snprintf(is, sizeof(is), "%u:%u:%zu:%u", user.uid, user.gid, user.num_groups,
		         user.num_groups ? user.groups[user.num_groups - 1] : 0);
	user_deinit(&user);
	assert_string_equal(is, expected);
}

static void test_users(void **state)
{
	char directory[] = "/tmp/bundle_test.XXXXXX";
	char *groups = NULL;
	size_t size;
	FILE *file = open_memstream(&groups, &size);
	char command[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	account_write(
		directory, "passwd",
		"broken\nroot:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv:/bin/sh\n"
		"33:x:44:45::/:\n1234:x:70:71::/:\nmany:x:50:50::/:\nhuge:x:4294967295:0::/:\n");
	fputs("root:x:0:\nmedia:x:51:web,other\n51:x:60:\n77:x:61:\nweb:x:34:\nmedia2:x:51:web\n",
	      file);
	for (unsigned i = 0; i < 1000; i++)
		fprintf(file, "g%u:x:%u:many\n", i, 2000 - i);
	fclose(file);
	account_write(directory, "group", groups);
	free(groups);
	assert_user(directory, "", "0:0:0:0");
	assert_user(directory, ":", "0:0:0:0");
	assert_user(directory, ":media", "0:51:0:0");
	assert_user(directory, ":77", "0:77:0:0");
	assert_user(directory, ":none", "");
	assert_user(directory, "web", "33:34:1:51");
	assert_user(directory, "33", "33:34:1:51");
	assert_user(directory, "1234", "1234:0:0:0");
	assert_user(directory, "1234:77", "1234:77:0:0");
	assert_user(directory, "web:media", "33:51:0:0");
	assert_user(directory, "web:51", "33:51:0:0");
	assert_user(directory, "7:51", "7:51:0:0");
	assert_user(directory, "7:8", "7:8:0:0");
	assert_user(directory, "many", "50:50:1000:2000");
	assert_user(directory, "huge", "");
	assert_user(directory, "0:4294967296", "");
	assert_user(directory, "none:0", "");
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
}

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_references(void **state)
{
	static const char *const good[][2] = {
		{ "alpine", "docker.io/library/alpine:latest" },
		{ "alpine:3.20", "docker.io/library/alpine:3.20" },
		{ "user/x", "docker.io/user/x:latest" },
		{ "localhost", "docker.io/library/localhost:latest" },
		{ "localhost/x", "localhost/x:latest" },
		{ "host:5000/x", "host:5000/x:latest" },
		{ "host:5000/a/b/c:v1", "host:5000/a/b/c:v1" },
		{ "quay.io/a/b", "quay.io/a/b:latest" },
		{ "Host/x", "Host/x:latest" },
		{ "[::1]:5000/x", "[::1]:5000/x:latest" },
		{ "docker.io/x", "docker.io/library/x:latest" },
		{ "index.docker.io/library/x:1", "docker.io/library/x:1" },
		{ "x@" DIGEST, "docker.io/library/x@" DIGEST },
		{ "x:1@" DIGEST, "docker.io/library/x@" DIGEST },
		{ "a__b/c-d--e.f_g:V_1.-2", "docker.io/a__b/c-d--e.f_g:V_1.-2" },
	};
	static const char *const bad[] = {
		"",        "Alpine",     "a b",         "/x",           "x/",
		"a//b",    "x:",         "x:.1",        "x:a/b",        "-x",
		"x-",      "a___b",      "a..b",        "x@",           "x@sha256:12",
		"x@md5:0", "host:5000/", "host:port/x", "ho_st:5000/x", "x:1:2",
		"../x",    "x\n",        "[::1/x",      "$(x)",         "-h.x/y",
		"x?y=z",
	};
	char long_name[400];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *text = reference_normalize(good[i][0], &err);

		assert_non_null(text);
		assert_string_equal(text, good[i][1]);
		free(text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *text = reference_normalize(bad[i], &err);

		if (text)
			fail_msg("\"%s\" was taken as %s", bad[i], text);
		assert_non_null(strstr(err.text, "is not an image name"));
	}
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_null(reference_normalize(long_name, &err));
}

static bool is_name(const char *name)
{
	struct error ignored;
	char *text = reference_normalize(name, &ignored);
	bool is_one = text != NULL;

	free(text);
	return is_one;
}

static void names_are_those_of_the_grammar(void **state)
{
	char *name = grammar_walk(is_name);

	(void)state;
	if (name)
		fail_msg("%s is%s taken", name, is_name(name) ? "" : " not");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_hostile_images),
		cmocka_unit_test(test_words_of_images),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_references),
		cmocka_unit_test(names_are_those_of_the_grammar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
