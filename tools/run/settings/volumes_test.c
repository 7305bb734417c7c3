// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/run/settings/volumes.h"

static struct volumes volumes;
static struct error err;

static int teardown(void **state)
{
	(void)state;
	volumes_deinit(&volumes);
	return 0;
}

static int add(const char *text)
{
	return volumes_add(&volumes, text, false, "-v", &err);
}

static int mount(const char *text)
{
	return volumes_add_mount(&volumes, text, "--mount", &err);
}

static void assert_volume(unsigned i, const char *host, const char *container, bool read_only,
                          bool make)
{
	const struct volume *volume = &volumes.items[i];

	assert_true(i < volumes.count);
	assert_string_equal(volume->host, host);
	assert_string_equal(volume->container, container);
	assert_int_equal(volume->read_only, read_only);
	assert_int_equal(volume->make, make);
}

static void assert_refused(int result, const char *words)
{
	assert_int_equal(result, -1);
	assert_non_null(strstr(err.text, words));
}

static void what_docker_takes(void **state)
{
	char directory[4096], expected[8192];

	(void)state;
	assert_int_equal(add("/a:/b"), 0);
	assert_int_equal(add("/a/../c//d/.:/src/./x/..:ro,z,cached"), 0);
	assert_int_equal(add("./e:/f:rw"), 0);
	assert_int_equal(mount("type=bind,source=/g,target=/h"), 0);
	assert_int_equal(mount("type=bind,src=/i,dst=/j,readonly"), 0);
	assert_int_equal(mount("type=bind,src=/i,destination=/k,ro=false,bind-propagation=rslave,"
	                       "consistency=cached"),
	                 0);
	assert_int_equal(mount("type=bind,src=/l,dst=/m,ro=True"), 0);
	assert_volume(0, "/a", "/b", false, true);
	assert_volume(1, "/c/d", "/src", true, true);
	assert_non_null(getcwd(directory, sizeof(directory)));
	snprintf(expected, sizeof(expected), "%s/e", directory);
	assert_volume(2, expected, "/f", false, true);
	assert_volume(3, "/g", "/h", false, false);
	assert_volume(4, "/i", "/j", true, false);
	assert_volume(5, "/i", "/k", false, false);
	assert_volume(6, "/l", "/m", true, false);
}

static void a_variable_has_several(void **state)
{
	(void)state;
	assert_int_equal(volumes_add(&volumes, "/a:/x/y,/b:/x:ro", true, "LINUXRUN_VOLUMES", &err),
	                 0);
	volumes_sort(&volumes);
	// What lies in another's folder is mounted after it.
	assert_volume(0, "/b", "/x", true, true);
	assert_volume(1, "/a", "/x/y", false, true);
	assert_refused(volumes_add(&volumes, "/c:/c,d:/d", true, "LINUXRUN_VOLUMES", &err),
	               "LINUXRUN_VOLUMES: there are no named volumes yet");
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	assert_refused(add("name:/b"),
	               "no named volumes yet; for a folder of this host, write ./name");
	assert_refused(add("/b"), "HOSTDIR:/b");
	assert_refused(add("/a:b"), "'b' mount path must be absolute");
	assert_refused(add("/a:"), "HOSTDIR:/PATH[:ro]");
	assert_refused(add(":/a"), "HOSTDIR:/PATH[:ro]");
	assert_refused(add("/a:/"), "root cannot be a volume");
	assert_refused(add("/a:/b/.."), "root cannot be a volume");
	assert_refused(add("/a:/b:rw,x"), "\"x\" is no option");
	assert_refused(add("/a:/b:rshared"), "rshared is not possible");
	assert_int_equal(add("/a:/b"), 0);
	assert_refused(add("/c:/b/"), "Duplicate mount point: /b");
	assert_refused(mount("type=bind,target=/x"), "field Source must not be empty");
	assert_refused(mount("type=bind,source=/x"), "target is required");
	assert_refused(mount("type=volume,source=x,target=/x"), "type=volume");
	assert_refused(mount("source=x,target=/x"), "type=volume");
	assert_refused(mount("type=bind,source=x,target=/x"), "'x' mount path must be absolute");
	assert_refused(mount("type=bind,source=/x,target=x"), "'x' mount path must be absolute");
	assert_refused(mount("type=bind,sauce=/x,target=/x"), "unexpected key 'sauce'");
	assert_refused(mount("type=bind,source=/x,target=/x,readonly=yes"),
	               "invalid value for readonly: yes");
	assert_refused(mount("type=bind,source=/x,target=/x,ro="), "invalid value for ro");
	assert_refused(mount("bind"), "must be a key=value pair");
	assert_int_equal(volumes.count, 1);
}

static void there_is_a_limit(void **state)
{
	char text[32];

	(void)state;
	for (unsigned i = 0; i < HOSTFS_MAX_SHARES; i++) {
		snprintf(text, sizeof(text), "/a:/b%u", i);
		assert_int_equal(add(text), 0);
	}
	assert_refused(add("/a:/c"), "more than 32 volumes");
}

static void folders_are_opened_or_made(void **state)
{
	char path[] = "/tmp/volumes_test.XXXXXX";
	char text[128];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(text, sizeof(text), "%s/new/deep:/a", path);
	assert_int_equal(add(text), 0);
	assert_int_equal(volumes_open(&volumes, false, &err), 0);
	snprintf(text, sizeof(text), "%s/new", path);
	assert_int_equal(access(text, F_OK), -1);
	assert_int_equal(volumes_open(&volumes, true, &err), 0);
	assert_true(fstat(volumes.items[0].fd, &st) == 0 && S_ISDIR(st.st_mode));
	// --mount makes nothing.
	snprintf(text, sizeof(text), "type=bind,source=%s/other,target=/b", path);
	assert_int_equal(mount(text), 0);
	assert_refused(volumes_open(&volumes, true, &err), "bind source path does not exist");
	volumes_deinit(&volumes);
	snprintf(text, sizeof(text), "%s/pipe", path);
	assert_int_equal(mkfifo(text, 0600), 0);
	snprintf(text, sizeof(text), "%s/pipe:/a", path);
	assert_int_equal(add(text), 0);
	assert_refused(volumes_open(&volumes, true, &err), "is a pipe of this host");
	volumes_deinit(&volumes);
	assert_int_equal(add("/dev/null:/a"), 0);
	assert_refused(volumes_open(&volumes, true, &err), "is a device of this host");
	snprintf(text, sizeof(text), "rm -r %s", path);
	assert_int_equal(system(text), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_docker_takes),          TEST(a_variable_has_several),
		TEST(what_is_wrong_is_said),      TEST(there_is_a_limit),
		TEST(folders_are_opened_or_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
