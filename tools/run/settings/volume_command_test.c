// SPDX-License-Identifier: MIT
// `./run.sh volume`, and volumes without a name.
#include <jansson.h>

#include "tools/run/settings/settings_test.h"

// What the OS would be told.
static void assert_told(const char *text)
{
	char path[] = "/tmp/volume_command_test.XXXXXX";
	int fd = mkstemp(path);
	const char *told;
	json_t *config;

	assert_true(fd >= 0);
	assert_int_equal(volume_command_write(&settings.volume, path, &err), 0);
	config = json_load_file(path, 0, NULL);
	told = json_string_value(
		json_object_get(json_object_get(config, "annotations"), "dev.starina.volume"));
	assert_non_null(told);
	assert_string_equal(told, text);
	json_decref(config);
	assert_int_equal(remove(path), 0);
}

static void commands(void **state)
{
	(void)state;
	assert_int_equal(READ("volume", "ls"), 0);
	assert_told("ls -");
	assert_int_equal(READ("volume", "ls", "-q"), 0);
	assert_told("ls -q");
	assert_int_equal(READ("volume", "list", "--quiet"), 0);
	assert_told("ls -q");
	assert_int_equal(READ("volume", "rm", "aa", "-f", "bb.c"), 0);
	assert_told("rm -f aa bb.c");
	assert_int_equal(READ("volume", "remove", "--", "aa"), 0);
	assert_told("rm - aa");
	assert_int_equal(READ("volume", "prune", "-fa"), 0);
	assert_told("prune -fa");
	assert_int_equal(READ("volume", "inspect", "aa", "bb"), 0);
	assert_told("inspect - aa bb");
	assert_int_equal(READ("volume", "create", "aa"), 0);
	assert_told("create - aa");
	assert_int_equal(READ("volume", "create"), 0);
	assert_int_equal(strspn(settings.volume.made_up, "0123456789abcdef"), 64);
	assert_int_equal(READ("volume"), 0);
	assert_true(settings.help);
	assert_int_equal(READ("volume", "rm", "--help"), 0);
	assert_true(settings.help);
	// Behind an image it is a word of the container's.
	assert_int_equal(READ("alpine", "volume", "ls"), 0);
	assert_null(settings.volume.name);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	assert_refused(READ("volume", "up"), "volume up|create, inspect, ls, prune and rm");
	assert_refused(READ("volume", "rm"), "volume rm requires at least 1 argument");
	assert_refused(READ("volume", "inspect", "-f"), "volume inspect: unknown flag: -f");
	assert_refused(READ("volume", "rm", "/x"), "get /x: no such volume");
	assert_refused(READ("volume", "rm", "a b"), "get a b: no such volume");
	assert_refused(READ("volume", "rm", ".aa"), "get .aa: no such volume");
	assert_refused(READ("volume", "create", "a"), "create a: volume name is too short");
	assert_refused(READ("volume", "create", "a/b"), "includes invalid characters");
	assert_refused(READ("volume", "create", "aa", "bb"), "accepts at most 1 argument");
	assert_refused(READ("volume", "ls", "aa"), "accepts at most 0 arguments");
	assert_refused(READ("volume", "ls", "--size"), "unknown flag: --size");
}

// The value of an annotation that is passed on; NULL: it is not.
static const char *annotation(const char *key)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "--annotation=%s=", key);
	for (size_t i = 0; i < settings.config_options.count; i++)
		if (strncmp(settings.config_options.items[i], prefix, strlen(prefix)) == 0)
			return settings.config_options.items[i] + strlen(prefix);
	return NULL;
}

static void without_a_name(void **state)
{
	char name[65];

	(void)state;
	assert_int_equal(READ("-v", "/data", "x"), 0);
	assert_non_null(annotation("dev.starina.shares"));
	assert_int_equal(strncmp(annotation("dev.starina.shares"), "all/", 4), 0);
	assert_int_equal(strspn(annotation("dev.starina.shares") + 4, "0123456789abcdef"), 64);
	assert_null(annotation("dev.starina.remove"));
	assert_false(passes_on("--annotation=dev.starina.remove="));
	// With --rm it goes with the container, and no other does.
	assert_int_equal(READ("--rm", "-v", "/data", "-v", "name:/b", "x"), 0);
	assert_int_equal(sscanf(annotation("dev.starina.shares"), "all/name all/%64s", name), 1);
	assert_string_equal(annotation("dev.starina.remove"), name);
	assert_int_equal(READ("--rm=false", "-v", "/data", "x"), 0);
	assert_null(annotation("dev.starina.remove"));
}

// With an image that has two volumes, one of them where the user has something.
static const char *shares_with_image(char *volume)
{
	static char directory[] = "/tmp/volume_command_test.XXXXXX";
	char *argv[] = { "run.sh", "-v", volume, "--rm", "alpine" };
	char path[64];
	FILE *file;

	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/image.json", directory);
	file = fopen(path, "we");
	assert_true(
		fputs("{\"config\":{\"Volumes\":{\"/data/\":{},\"srv\":{},\"/\":{},\"/proc/x\":{}}}}",
	              file) >= 0);
	assert_int_equal(fclose(file), 0);
	settings_deinit(&settings);
	assert_int_equal(settings_read(&settings, 5, argv, &err), 0);
	assert_int_equal(volume_settings_finish(&settings, directory, &err), 0);
	assert_true(remove(path) == 0 && remove(directory) == 0);
	return annotation("dev.starina.shares");
}

static void of_the_image(void **state)
{
	static char named[] = "name:/data", host[] = "/tmp:/data";
	char name[65];

	(void)state;
	assert_int_equal(sscanf(shares_with_image(named), "all/name all/%64s", name), 1);
	assert_int_equal(strlen(name), 64);
	assert_true(passes_on("--mount=share:1:copy/srv"));
	assert_string_equal(annotation("dev.starina.remove"), name);
	// Without a state disk they are folders of the container's layer.
	assert_string_equal(shares_with_image(host), "host/0");
}

static int teardown(void **state)
{
	(void)state;
	settings_deinit(&settings);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(without_a_name),
		cmocka_unit_test(of_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
