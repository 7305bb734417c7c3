// SPDX-License-Identifier: MIT
//
// docker commit: the configuration that it makes, by docker's rules, and the image.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/image/tree/layer_test_tar.h"
#include "tools/system/change.h"
#include "tools/system/commit.h"
#include "tools/system/commit_config.h"
#include "tools/system/incoming.h"
#include "tools/system/report.h"

static char base[] = "/tmp/starina-commit.XXXXXX";

// The member `config` of the image.
static json_t *config_of(const char *wanted, struct error *err)
{
	json_t *document = json_loads(wanted, 0, NULL);
	json_t *image, *config = NULL;

	assert_non_null(document);
	image = commit_config_make(document, 0, err);
	if (image)
		config = json_incref(json_object_get(image, "config"));
	json_decref(image);
	json_decref(document);
	return config;
}

static void expect(const char *wanted, const char *json)
{
	struct error err = { "" };
	json_t *config = config_of(wanted, &err);
	char *text = config ? json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	assert_string_equal(err.text, "");
	assert_non_null(text);
	assert_string_equal(text, json);
	free(text);
	json_decref(config);
}

static void expect_changed(const char *changes, const char *json)
{
	char wanted[4096];

	snprintf(wanted, sizeof(wanted),
	         "{\"container\":{\"Env\":[\"A=1\"],\"Cmd\":[\"c\"]},"
	         "\"changes\":%s}",
	         changes);
	expect(wanted, json);
}

static void expect_refused(const char *change, const char *why)
{
	struct error err = { "" };
	json_t *config = json_object();

	assert_int_equal(change_apply(config, change, &err), -1);
	assert_string_equal(err.text, why);
	json_decref(config);
}

static void test_what_is_not_said_is_as_in_the_image(void **state)
{
	(void)state;
	expect("{\"parent\":{\"config\":{\"Env\":[\"PATH=/bin\",\"A=0\"],\"Entrypoint\":[\"e\"],"
	       "\"Cmd\":[\"c\"],\"Volumes\":[\"/v\"],\"ExposedPorts\":[\"80/tcp\"],\"Labels\":{"
	       "\"a\":\"1\",\"b\":\"2\"},\"OnBuild\":[\"RUN x\"]}},\"container\":{\"Env\":[\"A=1\"],"
	       "\"Cmd\":[\"d\"],\"Labels\":{\"b\":\"3\"},\"User\":\"\",\"WorkingDir\":\"/w\"}}",
	       "{\"Cmd\":[\"d\"],\"Entrypoint\":[\"e\"],\"Env\":[\"PATH=/bin\",\"A=1\"],"
	       "\"ExposedPorts\":{\"80/tcp\":{}},\"Labels\":{\"a\":\"1\",\"b\":\"3\"},\"Volumes\":{"
	       "\"/v\":{}},\"WorkingDir\":\"/w\"}");
	// Docker's API takes members in any case of letters, and one word for a list.
	expect("{\"parent\":{\"config\":{\"Cmd\":[\"c\"]}},\"container\":{\"env\":[\"A=1\"],"
	       "\"Cmd\":\"sh\",\"cmd\":null,\"user\":\"u\",\"LABELS\":{\"a\":\"1\"}}}",
	       "{\"Cmd\":[\"sh\"],\"Env\":[\"A=1\"],\"Labels\":{\"a\":\"1\"},\"User\":\"u\"}");
	expect("{\"parent\":{},\"container\":{},\"config\":{\"entrypoint\":\"e\",\"workingdir\":"
	       "\"/w\"}}",
	       "{\"Entrypoint\":[\"e\"],\"Env\":[],\"WorkingDir\":\"/w\"}");
	// Another entrypoint drops the image's command.
	expect("{\"parent\":{\"config\":{\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]}},\"container\":{"
	       "\"Entrypoint\":[\"f\"]}}",
	       "{\"Entrypoint\":[\"f\"],\"Env\":[]}");
	expect("{\"parent\":{},\"container\":{\"Env\":3,\"Cmd\":[4],\"Labels\":\"x\"},"
	       "\"config\":{\"User\":\"u\"}}",
	       "{\"Env\":[],\"User\":\"u\"}");
}

static void test_changes(void **state)
{
	(void)state;
	expect_changed("[\"CMD [\\\"a\\\",\\\"b c\\\"]\",\"user  root \"]",
	               "{\"Cmd\":[\"a\",\"b c\"],\"Env\":[\"A=1\"],\"User\":\"root\"}");
	expect_changed("[\"CMD echo \\\"$A\\\"\"]",
	               "{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo \\\"$A\\\"\"],\"Env\":[\"A=1\"]}");
	expect_changed("[\"ENTRYPOINT [\\\"e\\\"]\"]",
	               "{\"Cmd\":null,\"Entrypoint\":[\"e\"],\"Env\":[\"A=1\"]}");
	expect_changed("[\"CMD [\\\"x\\\"]\\nENTRYPOINT [\\\"e\\\"]\"]",
	               "{\"Cmd\":[\"x\"],\"Entrypoint\":[\"e\"],\"Env\":[\"A=1\"]}");
	expect_changed(
		"[\"ENV B=\\\"x y\\\" C=$A-${A}-${Z:-z}${A:+p} D='$A'\",\"ENV E f  g\"]",
		"{\"Cmd\":[\"c\"],\"Env\":[\"A=1\",\"B=x y\",\"C=1-1-zp\",\"D=$A\",\"E=f g\"]}");
	expect_changed(
		"[\"HEALTHCHECK --interval=1m30s --timeout=1.5s --retries=2 CMD a \\\"$A\\\"\"]",
		"{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"Healthcheck\":{\"Interval\":90000000000,"
		"\"Retries\":2,\"Test\":[\"CMD-SHELL\",\"a \\\"$A\\\"\"],\"Timeout\":1500000000}}");
	expect_changed(
		"[\"HEALTHCHECK CMD [\\\"a\\\",\\\"b c\\\"]\"]",
		"{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"Healthcheck\":{\"Test\":[\"CMD\",\"a\","
		"\"b c\"]}}");
	expect_changed("[\"HEALTHCHECK CMD true\\nHEALTHCHECK none\"]",
	               "{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"Healthcheck\":{\"Test\":[\"NONE\"]}}");
	expect_changed("[\"WORKDIR /a/./b//\\nWORKDIR ../c/x/..\\nWORKDIR d\"]",
	               "{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"WorkingDir\":\"/a/c/d\"}");
	expect_changed("[\"WORKDIR ../..\"]",
	               "{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"WorkingDir\":\"/\"}");
	expect_changed(
		"[\"LABEL a=b \\\\\\n \\\"c d\\\"=e\",\"# nothing\",\"\"]",
		"{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"Labels\":{\"a\":\"b\",\"c d\":\"e\"}}");
	expect_changed("[\"EXPOSE 80 53/UDP 1-3\",\"VOLUME [\\\"/a\\\"]\",\"VOLUME /b /c\"]",
	               "{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"ExposedPorts\":{\"1/tcp\":{},"
	               "\"2/tcp\":{},\"3/tcp\":{},\"53/udp\":{},\"80/tcp\":{}},\"Volumes\":{"
	               "\"/a\":{},\"/b\":{},\"/c\":{}}}");
	expect_changed("[\"WORKDIR /a\",\"WORKDIR b\",\"ONBUILD RUN make\",\"STOPSIGNAL SIGINT\"]",
	               "{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"OnBuild\":[\"RUN make\"],"
	               "\"StopSignal\":\"SIGINT\",\"WorkingDir\":\"/a/b\"}");
}

static void test_refusals(void **state)
{
	(void)state;
	expect_refused("HEALTHCHECK true",
	               "dockerfile parse error: unknown type \"true\" in "
	               "HEALTHCHECK (try CMD)");
	expect_refused("HEALTHCHECK CMD",
	               "dockerfile parse error: Missing command after HEALTHCHECK CMD");
	expect_refused("HEALTHCHECK NONE x",
	               "dockerfile parse error: HEALTHCHECK NONE takes no arguments");
	expect_refused("HEALTHCHECK --interval=1x CMD true",
	               "dockerfile parse error: time: invalid duration \"1x\"");
	expect_refused("HEALTHCHECK --interval=5us CMD true",
	               "dockerfile parse error: Interval \"interval\" cannot be less than 1ms");
	expect_refused("HEALTHCHECK --retries=-1 CMD true",
	               "dockerfile parse error: --retries must be at least 0 (not -1)");
	expect_refused("HEALTHCHECK --other=1 CMD true",
	               "dockerfile parse error: unknown flag: other");
	expect_refused("HEALTHCHECK -- CMD true",
	               "dockerfile parse error: missing a value on flag: ");
	expect_refused("RUN true", "run is not a valid change command");
	expect_refused("from scratch", "from is not a valid change command");
	expect_refused("BOGUS x", "dockerfile parse error: unknown instruction: bogus");
	expect_refused("CMD", "dockerfile parse error: cmd requires at least one argument");
	expect_refused("ENV =x", "dockerfile parse error: env names can not be blank");
	expect_refused("ENV A", "dockerfile parse error: env must have two arguments");
	expect_refused("LABEL a=b c",
	               "dockerfile parse error: Syntax error - can't find = in \"c\". "
	               "Must be of the form: name=value");
	expect_refused("EXPOSE 0", "dockerfile parse error: invalid containerPort: 0");
	expect_refused("EXPOSE 70000", "dockerfile parse error: invalid containerPort: 70000");
	expect_refused("EXPOSE 1/x", "dockerfile parse error: invalid proto: x");
	expect_refused("USER a b", "dockerfile parse error: user requires exactly one argument");
	expect_refused("ONBUILD ONBUILD RUN x",
	               "dockerfile parse error: Chaining ONBUILD via "
	               "`ONBUILD ONBUILD` isn't allowed");
	expect_refused("ENV A=\"b",
	               "dockerfile parse error: unexpected end of statement while "
	               "looking for matching double-quote");
	expect_refused("ENV A=${B",
	               "dockerfile parse error: failed to process \"${B\": unsupported "
	               "modifier in substitution");
}

static void test_history(void **state)
{
	struct error err = { "" };
	json_t *wanted = json_loads("{\"parent\":{\"layers\":[\"sha256:1\"],\"history\":[{},{"
	                            "\"empty_layer\":true}]},\"comment\":\"why\",\"author\":\"me\","
	                            "\"created_by\":\"sh\"}",
	                            0, NULL);
	json_t *image = commit_config_make(wanted, 0, &err);
	char *text;

	(void)state;
	assert_non_null(image);
	commit_config_add_layer(image, "sha256:base", "sha256:2");
	text = json_dumps(image, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(
		text,
		"{\"architecture\":\"riscv64\",\"author\":\"me\",\"comment\":\"why\",\"config\":{"
		"\"Env\":[]},\"created\":\"1970-01-01T00:00:00Z\",\"history\":[{},{"
		"\"empty_layer\":true},{\"author\":\"me\",\"comment\":\"why\",\"created\":"
		"\"1970-01-01T00:00:00Z\",\"created_by\":\"sh\"}],\"os\":\"linux\",\"rootfs\":{"
		"\"diff_ids\":[\"sha256:1\",\"sha256:2\"],\"type\":\"layers\"}}");
	free(text);
	json_decref(image);
	json_decref(wanted);
}

// --- The image -----------------------------------------------------------------------------------

static void part_write(FILE *file, const char *bytes, size_t size)
{
	while (size > 0) {
		size_t length = size < 1000 ? size : 1000;
		const unsigned char head[4] = { 0, 0, (unsigned char)(length >> 8),
			                        (unsigned char)length };

		fwrite(head, 1, 4, file);
		fwrite(bytes, 1, length, file);
		bytes += length;
		size -= length;
	}
	fwrite("\0\0\0", 1, 4, file);
}

static FILE *parts_make(const char *wanted)
{
	FILE *file = tmpfile();
	struct test_tar tar;

	assert_non_null(file);
	part_write(file, wanted, strlen(wanted));
	test_tar_open(&tar, 1 << 20);
	test_tar_add(&tar, "d/gone", 0644, NULL, "x");
	test_tar_add(&tar, "kept", 0644, NULL, "y");
	test_tar_close(&tar);
	part_write(file, tar.bytes, tar.size);
	free(tar.bytes);
	test_tar_open(&tar, 1 << 20);
	test_tar_add(&tar, "d/.wh.gone", 0644, NULL, "");
	test_tar_add(&tar, "new", 0600, NULL, "z");
	test_tar_close(&tar);
	part_write(file, tar.bytes, tar.size);
	free(tar.bytes);
	fflush(file);
	return file;
}

static int commit_parts(FILE *parts, char **said, struct error *err)
{
	size_t size;
	FILE *out = open_memstream(said, &size);
	char work[128];
	int result;

	snprintf(work, sizeof(work), "%s/" INCOMING_WORK, base);
	mkdir(work, 0700);
	report_to(out);
	lseek(fileno(parts), 0, SEEK_SET);
	result = commit(fileno(parts), "name:1", base, err);
	report_to(NULL);
	fclose(out);
	return result;
}

// Commits, and returns what is known of the image; `puts` is how many blobs were given to the OS.
static json_t *committed(const char *wanted, unsigned *puts)
{
	FILE *parts = parts_make(wanted);
	struct error err = { "" };
	char *said = NULL, path[256];
	json_t *document, *line, *entry;
	const char *text;

	assert_int_equal(commit_parts(parts, &said, &err), 0);
	*puts = 0;
	for (text = said; strncmp(text, "{\"layer\"", 8) == 0; text = strchr(text, '\n') + 1)
		++*puts;
	document = json_loads(text, 0, NULL);
	line = json_object_get(document, "image");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(line, "references"), 0)),
		"docker.io/library/name:1");
	assert_non_null(json_object_get(line, "file"));
	snprintf(path, sizeof(path), "%s/%s", base,
	         json_string_value(json_object_get(line, "config")));
	entry = json_load_file(path, 0, NULL);
	assert_non_null(entry);
	json_decref(document);
	free(said);
	fclose(parts);
	return entry;
}

static void assert_blobs(json_t *entry, size_t count, const char *first)
{
	json_t *blobs = json_object_get(entry, "blobs");

	assert_int_equal(json_array_size(blobs), count);
	if (first)
		assert_string_equal(json_string_value(json_array_get(blobs, 0)), first);
	assert_string_equal(json_string_value(json_array_get(blobs, count - 1)),
	                    json_string_value(json_object_get(entry, "id")));
	json_decref(entry);
}

// Its layers are kept, unless those of the container's image are not.
static void test_an_image(void **state)
{
	unsigned puts;
	json_t *entry = committed("{\"parent\":{},\"container\":{\"Cmd\":[\"c\"]}}", &puts);

	(void)state;
	assert_int_equal(puts, 3);
	assert_null(json_object_get(entry, "parent"));
	assert_blobs(entry, 3, NULL);
	entry = committed("{\"parent\":{\"id\":\"sha256:p\",\"layers\":[\"sha256:d\"],"
	                  "\"blobs\":[\"sha256:l\",\"sha256:p\"]},\"container_id\":\"c\","
	                  "\"container\":{\"Image\":\"i\"}}",
	                  &puts);
	assert_int_equal(puts, 2);
	assert_string_equal(json_string_value(json_object_get(entry, "parent")), "sha256:p");
	assert_string_equal(json_string_value(json_object_get(entry, "container")), "c");
	assert_string_equal(json_string_value(json_object_get(entry, "container_image")), "i");
	assert_blobs(entry, 3, "sha256:l");
	entry = committed("{\"parent\":{\"layers\":[\"sha256:d\"]},\"container\":{}}", &puts);
	assert_int_equal(puts, 1);
	assert_blobs(entry, 1, NULL);
}

// What breaks off anywhere is no image.
static void test_what_breaks_off(void **state)
{
	FILE *parts = parts_make("{\"parent\":{},\"container\":{}}");
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fileno(parts), &st), 0);
	for (off_t size = st.st_size - 1; size > 0; size -= size > 500 ? 499 : 1) {
		struct error err = { "" };
		char *said = NULL;

		assert_int_equal(ftruncate(fileno(parts), size), 0);
		assert_int_equal(commit_parts(parts, &said, &err), -1);
		assert_string_equal(said, "");
		assert_string_not_equal(err.text, "");
		free(said);
	}
	fclose(parts);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(base) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_said_is_as_in_the_image),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_an_image),
		cmocka_unit_test(test_what_breaks_off),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
