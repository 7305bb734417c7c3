// SPDX-License-Identifier: MIT
// What a body of POST /containers/create says of mounts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/settings.h"

static error_t parse(struct settings *settings, const char *text, char *error)
{
	struct span body = text_span(text);

	return settings_parse_new(settings, body, error);
}

static const struct mount *at(const struct settings *s, const char *target)
{
	const struct mount *mount = mount_list_find(&s->mounts, target);

	assert_non_null(mount);
	return mount;
}

static const char whole[] =
	"{\"Image\":\"a\",\"Volumes\":{\"/anon//\":{},\"/b\\u002fc\":{}},\"HostConfig\":{"
	"\"Binds\":[\"/src:/work/../src/:rshared\",\"site:/www:ro,nocopy,z\",\"/nameless\"],"
	"\"Tmpfs\":{\"/run\":\"\",\"/tmp\":\"size=1m\"},\"ShmSize\":4096,"
	"\"VolumesFrom\":[\"web:ro\"],\"VolumeDriver\":\"local\",\"Mounts\":["
	"{\"Type\":\"bind\",\"Source\":\"/a:b\",\"Target\":\"/m\",\"ReadOnly\":true,"
	"\"BindOptions\":{\"Propagation\":\"rslave\"}},"
	"{\"Type\":\"volume\",\"Source\":\"vol\",\"Target\":\"/v\",\"VolumeOptions\":"
	"{\"NoCopy\":true,\"Subpath\":\"a/b\",\"Labels\":{\"x\":\"y\"},\"DriverConfig\":{\"Name\":\"local\"}}},"
	"{\"Type\":\"tmpfs\",\"Target\":\"/t\",\"TmpfsOptions\":"
	"{\"SizeBytes\":65536,\"Mode\":1001}}]}}";

static void what_is_said_is_read(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	assert_int_equal(parse(&s, whole, error), 0);
	assert_int_equal(s.mounts.count, 8);
	assert_int_equal(at(&s, "/src")->kind, MOUNT_BIND);
	assert_string_equal(at(&s, "/src")->source, "/src");
	assert_true(mount_is_shared(at(&s, "/src")) && !mount_is_shared(at(&s, "/m")));
	assert_string_equal(at(&s, "/m")->propagation, "rslave");
	assert_int_equal(s.host.warnings.count, 1);
	assert_string_equal(s.host.warnings.items[0],
	                    "the host does not see what the container mounts below /src");
	assert_false(at(&s, "/src")->read_only || at(&s, "/src")->must_exist);
	assert_int_equal(at(&s, "/www")->kind, MOUNT_VOLUME);
	assert_true(at(&s, "/www")->read_only && at(&s, "/www")->no_copy);
	assert_null(at(&s, "/nameless")->source);
	assert_string_equal(at(&s, "/run")->options, "noexec,nosuid,nodev");
	assert_string_equal(at(&s, "/tmp")->options, "noexec,nosuid,nodev,size=1m");
	assert_string_equal(at(&s, "/m")->source, "/a:b");
	assert_true(at(&s, "/m")->read_only && at(&s, "/m")->must_exist);
	assert_string_equal(at(&s, "/v")->labels, "{\"x\":\"y\"}");
	assert_true(at(&s, "/v")->no_copy);
	assert_string_equal(at(&s, "/v")->subpath, "a/b");
	assert_string_equal(at(&s, "/t")->options, "noexec,nosuid,nodev,size=65536,mode=1751");
	assert_int_equal(s.volumes.count, 2);
	assert_string_equal(s.volumes.items[0], "/anon");
	assert_string_equal(s.volumes.items[1], "/b/c");
	assert_string_equal(s.volumes_from.items[0], "web:ro");
	assert_int_equal(s.shm_size, 4096);
	settings_deinit(&s);
}

// LeakSanitizer looks on.
static void cuts_leave_nothing_behind(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct span body = { .data = (const uint8_t *)whole, .len = len };

		assert_true(settings_parse(&s, body, error) < 0);
	}
}

static const struct {
	const char *host_config;
	const char *says;
} refused[] = {
	{ "\"Binds\":[\"aa:/x\",\"bb:/y/../x\"]", "Duplicate mount point: /x" },
	{ "\"Binds\":[\"aa:/x\"],\"Tmpfs\":{\"/x\":\"\"}", "Duplicate mount point: /x" },
	{ "\"Binds\":[\"aa:/x:ro,rw\"]", "invalid mode: ro,rw" },
	{ "\"Binds\":[\"aa:/x:,\"]", "invalid mode" },
	{ "\"Binds\":[\"aa:/x:rslave\"]", "invalid mode" },
	{ "\"Binds\":[\"/a:/x:nocopy\"]", "invalid mode" },
	{ "\"Binds\":[\"/a:/x:rshared,slave\"]", "invalid mode" },
	{ "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/x\",\"BindOptions\":"
	  "{\"Propagation\":\"ro\"}}]",
	  "invalid propagation mode: ro" },
	{ "\"Binds\":[\"/a:/x:ro:z\"]", "invalid volume specification" },
	{ "\"Binds\":[\"\"]", "invalid volume specification" },
	{ "\"Binds\":[\":/x\"]", "invalid volume specification" },
	{ "\"Binds\":[\"/a:/\"]", "destination can't be '/'" },
	{ "\"Binds\":[\"/a:x\"]", "must be absolute" },
	{ "\"Binds\":[\"../a:/x\"]", "includes invalid characters" },
	{ "\"Binds\":7", "Binds is not" },
	{ "\"ShmSize\":-1", "SHM size" },
	{ "\"Tmpfs\":{\"x\":\"\"}", "must be absolute" },
	{ "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"a\",\"Target\":\"/x\"}]",
	  "must be absolute" },
	{ "\"Mounts\":[{\"Type\":\"bind\",\"Target\":\"/x\"}]", "field Source" },
	{ "\"Mounts\":[{\"Type\":\"volume\"}]", "field Target" },
	{ "\"Mounts\":[{\"Type\":\"npipe\",\"Target\":\"/x\"}]", "mount type unknown" },
	{ "\"Mounts\":[{\"Type\":\"tmpfs\",\"Source\":\"a\",\"Target\":\"/x\"}]", "field Source" },
	{ "\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\",\"VolumeOptions\":"
	  "{\"Subpath\":\"a\"}}]",
	  "must not set Subpath when using anonymous volumes" },
	{ "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"aa\",\"Target\":\"/x\",\"VolumeOptions\":"
	  "{\"Subpath\":\"a/../..\"}}]",
	  "subpath must be a relative path within the volume" },
	{ "\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\",\"ReadOnly\":true}]",
	  "must not set ReadOnly mode when using anonymous volumes" },
	{ "\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/x\",\"VolumeOptions\":"
	  "{\"DriverConfig\":{\"Name\":\"nfs\"}}}]",
	  "volume driver local" },
	{ "\"Mounts\":[7]", "not" },
};

static void what_is_wrong_is_said(void **state)
{
	char error[SETTINGS_ERROR_MAX], body[512];
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		snprintf(body, sizeof(body), "{\"Image\":\"a\",\"HostConfig\":{%s}}",
		         refused[i].host_config);
		assert_true(parse(&s, body, error) < 0);
		if (strstr(error, refused[i].says) == NULL)
			fail_msg("%s: %s", body, error);
	}
}

static void mounts_are_bounded(void **state)
{
	char error[SETTINGS_ERROR_MAX], body[4096];
	struct settings s;
	int len = snprintf(body, sizeof(body), "{\"Image\":\"a\",\"HostConfig\":{\"Binds\":[");

	(void)state;
	for (unsigned i = 0; i <= MOUNT_LIST_MAX; i++)
		len += snprintf(body + len, sizeof(body) - (size_t)len, "%s\"aa:/x%u\"",
		                i > 0 ? "," : "", i);
	snprintf(body + len, sizeof(body) - (size_t)len, "]}}");
	assert_int_equal(parse(&s, body, error), ERR_INVALID);
	assert_string_equal(error, "a container has at most 64 mounts");
}

static void paths_become_clean(void **state)
{
	static const char *const cases[][2] = {
		{ "/a", "/a" },      { "//a///b/", "/a/b" }, { "/a/./b/.", "/a/b" },
		{ "/a/../b", "/b" }, { "/../../a", "/a" },   { "/a/..b/...", "/a/..b/..." },
		{ "/", NULL },       { "/a/..", NULL },      { "a", NULL },
		{ "", NULL },        { "/..", NULL },
	};
	char path[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(path, sizeof(path), "%s", cases[i][0]);
		assert_int_equal(mount_path_clean(path), cases[i][1] != NULL);
		if (cases[i][1] != NULL)
			assert_string_equal(path, cases[i][1]);
	}
}

static void paths_within_a_folder_are_known(void **state)
{
	static const char *const local[] = { "a", "a/../b", "./a//b/", ".", "..a/...", "a/.." };
	static const char *const others[] = { "", "/", "/a", "..", "../a", "a/../..", "./../a" };

	(void)state;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		assert_true(mount_path_is_local(local[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(mount_path_is_local(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_is_read),
		cmocka_unit_test(cuts_leave_nothing_behind),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(mounts_are_bounded),
		cmocka_unit_test(paths_become_clean),
		cmocka_unit_test(paths_within_a_folder_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
