// SPDX-License-Identifier: MIT
//
// Folders that run.sh shares ("notes", by --share), in containers and here.
#include "apps/linux_test/linux_test.h"
#include "libs/base/string.h"
#include "libs/files/simple.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"

#define SHARE "notes"

// Runs a shell script in a container with the share at /rw and, read-only, at /ro.
static bool run_script(struct linux_test *t, const char *image, const char *script,
                       const char *expected)
{
	struct container *container = container_new(t->runtime, image);
	struct command_output out;
	bool good;

	container_entrypoint(container, "/bin/sh");
	container_args(container, "-c", script, NULL);
	container_bind(container, SHARE, "/rw", false);
	container_bind(container, SHARE, "/ro", true);
	CHECK(container_run(container) == 0);
	CHECK(container_wait_with_output(container, &out) == 0);
	good = span_is(out.stdout, expected) && out.status == 0;
	if (!good)
		log_error("status %d, %s: %.*s%.*s", out.status, out.error, (int)out.stdout.len,
		          (const char *)out.stdout.data, (int)out.stderr.len,
		          (const char *)out.stderr.data);
	command_output_deinit(&out);
	container_free(container);
	return good;
}

static bool file_is(struct folder *folder, const char *path, const char *text)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	bool same;

	if (folder_read(folder, path, 100, &bytes, &len) < 0)
		return false;
	same = len == strlen(text) && memcmp(bytes, text, len) == 0;
	heap_free(bytes);
	return same;
}

bool test_bind(struct linux_test *t)
{
	static const char script[] =
		"read x < /ro/from_app; echo $x; echo container > /rw/from_container;"
		"echo no 2>&- > /ro/no || echo sealed";
	struct folder *folder;

	CHECK(folder_open(environ_connector(t->env, "files"), FILES_HOST_PREFIX SHARE, &folder) ==
	      0);
	CHECK(folder_write(folder, "from_app", "app\n", 4) == 0);
	CHECK(run_script(t, "hello:1", script, "app\nsealed\n"));
	CHECK(file_is(folder, "from_container", "container\n"));
	CHECK(!file_is(folder, "no", "no\n"));
	// In a VM that waited for it, and in one whose container was prepared.
	CHECK(linux_runtime_keep_warm(t->runtime, CONTAINER_MEMORY, 1, 1) == 0);
	CHECK(linux_runtime_wait_warm(t->runtime, now_ns() + 300 * NSEC_PER_SEC) == 0);
	CHECK(folder_write(folder, "from_app", "again\n", 6) == 0);
	CHECK(run_script(t, "hello:1", script, "again\nsealed\n"));
	CHECK(run_script(t, "builtin", script, "again\nsealed\n"));
	CHECK(linux_runtime_keep_warm(t->runtime, CONTAINER_MEMORY, 1, 0) == 0);
	folder_close(folder);
	return true;
}

// Two containers count in one file of a volume, each step under a lock of another file.
static bool count_together(struct linux_test *t, const char *volume, const char *kind)
{
	struct container *containers[2];
	struct command_output out;
	bool last = false, good = true;

	for (size_t i = 0; i < 2; i++) {
		containers[i] = container_new(t->runtime, "hello:1");
		container_entrypoint(containers[i], "/bin/lock_count");
		container_args(containers[i], "/v", "200", kind, NULL);
		container_volume(containers[i], volume, "/v", 0);
		CHECK(container_run(containers[i]) == 0);
	}
	for (size_t i = 0; i < 2; i++) {
		CHECK(container_wait_with_output(containers[i], &out) == 0);
		log_info("%s: %.*s%.*s", kind, (int)out.stdout.len, (const char *)out.stdout.data,
		         (int)out.stderr.len, (const char *)out.stderr.data);
		// Who is the last sees all steps of both, and the other's end.
		last = last || span_is(out.stdout, "500\n");
		good = good && out.status == 0;
		command_output_deinit(&out);
		container_free(containers[i]);
	}
	return good && last;
}

bool test_volume_locks(struct linux_test *t)
{
	CHECK(count_together(t, "one", "flock"));
	CHECK(count_together(t, "two", "fcntl"));
	return true;
}

// What is wrong in itself, and a share that there is not.
bool test_bind_errors(struct linux_test *t)
{
	static const char *const paths[] = { "", "/", "relative" };
	struct container *container;
	struct command_output out;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		container = container_new(t->runtime, "hello:1");
		container_bind(container, SHARE, paths[i], false);
		CHECK(container_run(container) == ERR_INVALID);
		container_free(container);
	}
	container = container_new(t->runtime, "hello:1");
	container_volume(container, "../x", "/v", 0);
	CHECK(container_run(container) < 0);
	container_free(container);
	container = container_new(t->runtime, "hello:1");
	container_bind(container, "other", "/other", false);
	CHECK(container_run(container) == 0);
	CHECK(container_wait_with_output(container, &out) == 0);
	CHECK(out.status != 0);
	command_output_deinit(&out);
	container_free(container);
	return true;
}
