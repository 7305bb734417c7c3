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

static void assert_volume(unsigned i, const char *source, const char *container, bool read_only,
                          bool make)
{
	const struct volume *volume = &volumes.items[i];

	assert_true(i < volumes.count);
	assert_string_equal(volume->source, source);
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
	               "LINUXRUN_VOLUMES: create d: volume name is too short");
}

static int tmpfs(const char *text)
{
	return volumes_add_tmpfs(&volumes, text, false, "--tmpfs", &err);
}

static void names_and_none(void **state)
{
	static const enum volume_kind kinds[] = { VOLUME_NAMED, VOLUME_NAMED, VOLUME_ANONYMOUS,
		                                  VOLUME_HOST,  VOLUME_NAMED, VOLUME_ANONYMOUS };

	(void)state;
	assert_int_equal(add("data:/a"), 0);
	assert_int_equal(add("My_vol.1-x:/b:nocopy,ro,z"), 0);
	assert_int_equal(add("/c/"), 0);
	assert_int_equal(add(".hidden:/d"), 0);
	assert_int_equal(mount("source=data,target=/e,volume-nocopy,volume-driver=local"), 0);
	assert_int_equal(mount("TYPE=volume,target=/f,readonly"), 0);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(volumes.items[i].kind, kinds[i]);
	assert_volume(0, "data", "/a", false, false);
	assert_volume(1, "My_vol.1-x", "/b", true, false);
	assert_true(volumes.items[1].no_copy && !volumes.items[0].no_copy);
	assert_string_equal(volumes.items[2].container, "/c");
	assert_true(volumes.items[4].no_copy && volumes.items[5].read_only);
	assert_int_equal(volumes_count(&volumes, VOLUME_NAMED), 3);
	// As docker has it, a volume without a name gives way, whichever comes first.
	assert_int_equal(add("/h:/c"), 0);
	assert_int_equal(add("/a"), 0);
	assert_int_equal(tmpfs("/f"), 0);
	assert_int_equal(volumes.count, 6);
	assert_int_equal(volumes_count(&volumes, VOLUME_ANONYMOUS), 0);
}

static void tmpfs_options(void **state)
{
	static const struct {
		const char *text, *options;
	} good[] = {
		{ "/a", "noexec,nosuid,nodev" },
		{ "/b:", "noexec,nosuid,nodev" },
		{ "/c:exec,size=64m,mode=1777", "nosuid,nodev,exec,size=64m,mode=1777" },
		{ "/d:size=1k,ro,size=50%,rw,private", "noexec,nosuid,nodev,size=50%,rw" },
		{ "/e:uid=0,gid=4294967294,nr_inodes=10k,nr_blocks=8,noatime,defaults",
		  "noexec,nosuid,nodev,uid=0,gid=4294967294,nr_inodes=10k,nr_blocks=8,noatime" },
		{ "/f:dev,suid,exec,ro,sync", "dev,suid,exec,ro,sync" },
	};
	static const char *const bad[] = {
		"size=",       "size=x",   "size=1.5g",
		"size=-1",     "size=1mm", "size=99999999999999999999",
		"mode=8",      "mode=",    "uid=4294967295",
		"uid=root",    "gid=",     "nr_inodes=1%",
		"nr_blocks=x", "size",     "uid",
		"huge=on",     "x",        "noexec,",
		"bind",        "remount",  ",",
		"=",           "=1",       "exec=1",
	};
	char text[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(tmpfs(good[i].text), 0);
		assert_int_equal(volumes.items[i].kind, VOLUME_TMPFS);
		assert_string_equal(volumes.items[i].source, good[i].options);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "/x:%s", bad[i]);
		assert_refused(tmpfs(text), "Invalid tmpfs option");
	}
	assert_refused(tmpfs("/x:mpol=bind"), "--tmpfs: mpol is not possible here");
	assert_refused(tmpfs("x"), "'x' mount path must be absolute");
	assert_refused(tmpfs(":size=1m"), "'' mount path must be absolute");
	assert_refused(tmpfs("/x/..:size=1m"), "destination can't be '/'");
	assert_refused(tmpfs("/proc/sys"), "\"/proc/sys\" cannot be mounted because it is inside");
	assert_int_equal(mount("type=tmpfs,dst=/g,tmpfs-size=1.5m,tmpfs-mode=1700,ro"), 0);
	assert_string_equal(volumes.items[6].source,
	                    "noexec,nosuid,nodev,size=1572864,mode=1700,ro");
	assert_int_equal(mount("type=tmpfs,dst=/h"), 0);
	assert_string_equal(volumes.items[7].source, "noexec,nosuid,nodev");
	assert_refused(mount("type=tmpfs,dst=/i,tmpfs-size=x"), "invalid value for tmpfs-size: x");
	assert_refused(mount("type=tmpfs,dst=/i,tmpfs-mode=9"), "invalid value for tmpfs-mode: 9");
	assert_refused(mount("type=tmpfs,dst=/i,source=a"),
	               "invalid mount config for type \"tmpfs\": field Source must not be");
	assert_int_equal(volumes_add_tmpfs(&volumes, "/m:size=1m,mode=700,/n,/o:ro", true,
	                                   "LINUXRUN_TMPFS", &err),
	                 0);
	assert_string_equal(volumes.items[8].source, "noexec,nosuid,nodev,size=1m,mode=700");
	assert_string_equal(volumes.items[9].container, "/n");
	assert_string_equal(volumes.items[10].source, "noexec,nosuid,nodev,ro");
}

// docker's command line keeps -v in a set, and --tmpfs in a map; --mount is a list.
static void the_same_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(add("/a:/b:ro"), 0);
		assert_int_equal(add("data:/c"), 0);
	}
	assert_int_equal(tmpfs("/d:size=1m"), 0);
	assert_int_equal(tmpfs("/d:size=2m,exec"), 0);
	assert_int_equal(volumes.count, 3);
	assert_volume(0, "/a", "/b", true, true);
	assert_volume(1, "data", "/c", false, false);
	assert_string_equal(volumes.items[2].source, "nosuid,nodev,size=2m,exec");
	assert_refused(add("/a:/b"), "Duplicate mount point: /b");
	assert_refused(add("data:/c/"), "Duplicate mount point: /c");
	assert_refused(add("/a:/d"), "Duplicate mount point: /d");
	assert_refused(tmpfs("/c"), "Duplicate mount point: /c");
	assert_int_equal(mount("source=x2,target=/e"), 0);
	assert_refused(mount("source=x2,target=/e"), "Duplicate mount point: /e");
}

static void quotes_of_mount(void **state)
{
	(void)state;
	assert_int_equal(mount("type=bind,\"src=/a,b\",dst=/x"), 0);
	assert_int_equal(mount("\"type=bind\",\"src=/a\"\"b\",\"dst=/y z\""), 0);
	assert_volume(0, "/a,b", "/x", false, false);
	assert_volume(1, "/a\"b", "/y z", false, false);
	assert_refused(mount("type=bind,src=\"/a,dst=/z"), "bare \" in non-quoted-field");
	assert_refused(mount("type=bind,\"src=/a,dst=/z"), "missing \" in quoted-field");
	assert_refused(mount("type=bind,\"src=/a\"b,dst=/z"), "missing \" in quoted-field");
	assert_refused(mount("type=bind,src=/a,\""), "missing \" in quoted-field");
	assert_refused(mount("type=bind,src=/a,dst=/z,"), "invalid field ''");
	assert_refused(mount("\"\""), "invalid field ''");
	assert_int_equal(volumes.count, 2);
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	assert_refused(add("na!me:/b"), "-v: create na!me: \"na!me\" includes invalid characters");
	assert_refused(add("a/b:/b"),
	               "If you intended to pass a host directory, use absolute path");
	assert_refused(add("~/b:/b"), "includes invalid characters");
	assert_refused(add("-x:/b"), "includes invalid characters");
	assert_refused(add("n:/b"), "create n: volume name is too short");
	assert_refused(add("name"), "'name' mount path must be absolute");
	assert_refused(add("name:b"), "invalid volume specification: 'name:b': invalid mount path");
	assert_refused(add("/a:b"), "'b' mount path must be absolute");
	assert_refused(add("/a:"), "invalid volume specification: '/a:'");
	assert_refused(add("/a:ro"), "invalid volume specification: '/a:ro'");
	assert_refused(add(":/a"), "invalid volume specification: ':/a'");
	assert_refused(add(""), "invalid volume specification: ''");
	assert_refused(add("/a::ro"), "field Target must not be empty");
	assert_refused(add("/a:/b:ro:z"), "invalid volume specification: '/a:/b:ro:z'");
	assert_refused(add("/a:/"), "destination can't be '/'");
	assert_refused(add("/a:/b/.."), "destination can't be '/'");
	assert_refused(add("/a:/proc"), "\"/proc\" cannot be mounted");
	assert_refused(add("/a:/b:rw,x"), "invalid mode: rw,x");
	assert_refused(add("/a:/b:rw,ro"), "invalid mode: rw,ro");
	assert_refused(add("/a:/b:ro,"), "invalid mode: ro,");
	assert_refused(add("/a:/b:rshared"), "rshared is not possible");
	assert_refused(add("/a:/b:nocopy"), "type \"bind\": field VolumeOptions must not be");
	assert_refused(add("data:/b:rslave"), "type \"volume\": field BindOptions must not be");
	assert_int_equal(add("/a:/b"), 0);
	assert_refused(add("/c:/b/"), "Duplicate mount point: /b");
	assert_refused(tmpfs("/b"), "--tmpfs: Duplicate mount point: /b");
	assert_refused(mount("type=bind,target=/x"), "field Source must not be empty");
	assert_refused(mount("type=bind,source=/x"), "target is required");
	assert_refused(mount("type=npipe,source=x,target=/x"),
	               "invalid mount config for type \"npipe\": mount type unknown");
	assert_refused(mount("type=bind,source=x,target=/x"), "'x' mount path must be absolute");
	assert_refused(mount("type=bind,source=/x,target=x"),
	               "invalid mount config for type \"bind\": invalid mount path: 'x'");
	assert_refused(mount("type=bind,sauce=/x,target=/x"), "unexpected key 'sauce'");
	assert_refused(mount("type=bind,source=/x,target=/x,readonly=yes"),
	               "invalid value for readonly: yes");
	assert_refused(mount("type=bind,source=/x,target=/x,ro="), "invalid value for ro");
	assert_refused(mount("bind"), "must be a key=value pair");
	assert_refused(mount(""), "must be a key=value pair");
	assert_refused(mount("source=a!,target=/x"), "includes invalid characters");
	assert_refused(mount("type=bind,src=/a,dst=/x,volume-nocopy"),
	               "cannot mix 'volume-*' options with mount type 'bind'");
	assert_refused(mount("type=volume,dst=/x,tmpfs-size=1"),
	               "cannot mix 'tmpfs-*' options with mount type 'volume'");
	assert_refused(mount("dst=/x,bind-propagation=slave"),
	               "cannot mix 'bind-*' options with mount type 'volume'");
	assert_refused(mount("dst=/x,volume-subpath=y"), "volume-subpath is not possible here");
	assert_refused(mount("dst=/x,volume-driver=nfs"), "there is one driver");
	assert_refused(mount("type=bind,src=/a,dst=/x,bind-recursive=disabled"),
	               "bind-recursive=disabled is not possible here");
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
		TEST(what_docker_takes),
		TEST(a_variable_has_several),
		TEST(what_is_wrong_is_said),
		TEST(there_is_a_limit),
		TEST(folders_are_opened_or_made),
		TEST(names_and_none),
		TEST(the_same_again),
		TEST(quotes_of_mount),
		TEST(tmpfs_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
