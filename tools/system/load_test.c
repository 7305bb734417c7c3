// SPDX-License-Identifier: MIT
#include "tools/system/load.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/common/log.h"
#include "tools/common/workdir.h"
#include "tools/image/tree/layer_test_tar.h"
#include "tools/system/change.h"
#include "tools/system/import.h"
#include "tools/system/incoming.h"
#include "tools/system/report.h"

#define ROOM (1u << 20)
#define RISCV "\"architecture\":\"riscv64\",\"os\":\"linux\""

struct fixture {
	char directory[64];
	struct test_tar layer;
	char layer_digest[DIGEST_TEXT_SIZE];
	struct test_tar tar;
	char *reports;
	size_t reports_size;
	FILE *report_file;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *work;

	log_quiet();
	strcpy(f->directory, "/tmp/load_test.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	assert_true(asprintf(&work, "%s/" INCOMING_WORK, f->directory) > 0);
	assert_int_equal(directory_create(work, &f->err), 0);
	free(work);
	f->report_file = open_memstream(&f->reports, &f->reports_size);
	report_to(f->report_file);
	test_tar_open(&f->layer, ROOM);
	test_tar_add(&f->layer, "etc/hello", 0644, NULL, "hello\n");
	test_tar_close(&f->layer);
	assert_int_equal(digest_of(f->layer.bytes, f->layer.size, f->layer_digest, &f->err), 0);
	test_tar_open(&f->tar, ROOM);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	report_to(NULL);
	fclose(f->report_file);
	free(f->reports);
	free(f->layer.bytes);
	free(f->tar.bytes);
	directory_remove(f->directory);
	free(f);
	return 0;
}

static void bytes_add(struct fixture *f, const char *path, const char *bytes, size_t size)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, S_IFREG | 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	assert_int_equal(archive_write_header(f->tar.archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(f->tar.archive, bytes, size), (la_ssize_t)size);
	archive_entry_free(entry);
}

static void text_add(struct fixture *f, const char *path, const char *text)
{
	bytes_add(f, path, text, strlen(text));
}

// A configuration with the layer's digest, or another.
static void config_add(struct fixture *f, const char *path, const char *platform,
                       const char *diff_id)
{
	char text[512];

	snprintf(text, sizeof(text),
	         "{%s,\"config\":{\"Cmd\":[\"/x\"],\"Labels\":{\"a\":\"b\"}},"
	         "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
	         platform, diff_id);
	text_add(f, path, text);
}

// The archive so far, from its start.
static int archive_open(struct fixture *f)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	test_tar_close(&f->tar);
	assert_int_equal(write(fd, f->tar.bytes, f->tar.size), (ssize_t)f->tar.size);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int load_all(struct fixture *f)
{
	int fd = archive_open(f);
	int result = load(fd, f->directory, &f->err);

	close(fd);
	return result;
}

static int import_as(struct fixture *f, int fd, const char *reference)
{
	static const char *const none[] = { NULL };
	const struct import_wanted wanted = { reference, "", "", none };

	return import(fd, &wanted, f->directory, &f->err);
}

// How many files whose names end so there are.
static unsigned count(const struct fixture *f, const char *ending)
{
	DIR *directory = opendir(f->directory);
	struct dirent *entry;
	unsigned found = 0;

	while ((entry = readdir(directory))) {
		const char *dot = strrchr(entry->d_name, '.');

		found += dot && strcmp(dot, ending) == 0;
	}
	closedir(directory);
	return found;
}

static void assert_nothing_made(const struct fixture *f, const char *reason)
{
	assert_int_equal(count(f, ".img"), 0);
	assert_int_equal(count(f, ".json"), 0);
	if (!strstr(f->err.text, reason))
		fail_msg("\"%s\" is not in: %s", reason, f->err.text);
}

static void a_docker_archive_gives_its_image(void **state)
{
	struct fixture *f = *state;

	bytes_add(f, "one/layer.tar", f->layer.bytes, f->layer.size);
	config_add(f, "c.json", RISCV, f->layer_digest);
	text_add(f, "manifest.json",
	         "[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\",\"b\"],\"Layers\":[\"one/"
	         "layer.tar\"]}]");
	assert_int_equal(load_all(f), 0);
	assert_int_equal(count(f, ".img"), 1);
	assert_int_equal(count(f, ".json"), 1);
	assert_non_null(strstr(f->reports,
	                       "\"references\":[\"docker.io/library/a:1\","
	                       "\"docker.io/library/b:latest\"]"));
}

static void assert_kept(const struct fixture *f, const char *digest)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"layer\":{\"digest\":\"%s\",\"do\":\"put\"}}", digest);
	assert_non_null(strstr(f->reports, text));
	snprintf(text, sizeof(text), "%s/%s.layer", f->directory, digest + 7);
	assert_int_equal(access(text, F_OK), 0);
}

// Two images with a layer in common: it stays, once, with their configurations.
static void what_images_are_made_of_is_kept(void **state)
{
	// A line of progress, which the clock decides on, has an "id", too.
	static const char image[] = "{\"image\":{\"id\":\"";
	struct fixture *f = *state;
	char *text;

	bytes_add(f, "l.tar", f->layer.bytes, f->layer.size);
	config_add(f, "a.json", RISCV, f->layer_digest);
	config_add(f, "b.json", RISCV ",\"author\":\"b\"", f->layer_digest);
	text_add(f, "manifest.json",
	         "[{\"Config\":\"a.json\",\"Layers\":[\"l.tar\"]},"
	         "{\"Config\":\"b.json\",\"Layers\":[\"l.tar\"]}]");
	assert_int_equal(load_all(f), 0);
	assert_int_equal(count(f, ".img"), 2);
	assert_int_equal(count(f, ".layer"), 3);
	assert_kept(f, f->layer_digest);
	text = strstr(f->reports, image);
	assert_non_null(text);
	assert_kept(f, strndupa(text + sizeof(image) - 1, 71));
}

static void links_between_layers_are_followed(void **state)
{
	struct fixture *f = *state;

	bytes_add(f, "first.tar", f->layer.bytes, f->layer.size);
	test_tar_add(&f->tar, "one/layer.tar", S_IFLNK | 0777, "../first.tar", NULL);
	test_tar_add(&f->tar, "two/layer.tar", 0644, "one/layer.tar", NULL);
	config_add(f, "c.json", RISCV, f->layer_digest);
	text_add(f, "manifest.json",
	         "[{\"Config\":\"./c.json\",\"RepoTags\":null,\"Layers\":[\"two/layer.tar\"]}]");
	assert_int_equal(load_all(f), 0);
	assert_int_equal(count(f, ".img"), 1);
}

static void links_in_a_circle_lead_nowhere(void **state)
{
	struct fixture *f = *state;

	test_tar_add(&f->tar, "a", S_IFLNK | 0777, "b", NULL);
	test_tar_add(&f->tar, "b", S_IFLNK | 0777, "a", NULL);
	config_add(f, "c.json", RISCV, f->layer_digest);
	text_add(f, "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"a\"]}]");
	assert_int_equal(load_all(f), -1);
	assert_nothing_made(f, "no such file");
}

static void another_layer_than_the_configuration_says_is_refused(void **state)
{
	struct fixture *f = *state;

	bytes_add(f, "l.tar", f->layer.bytes, f->layer.size);
	config_add(f, "c.json", RISCV,
	           "sha256:0000000000000000000000000000000000000000000000000000000000000000");
	text_add(f, "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"l.tar\"]}]");
	assert_int_equal(load_all(f), -1);
	assert_nothing_made(f, "corrupt");
}

static void fewer_layers_than_the_configuration_says_are_refused(void **state)
{
	struct fixture *f = *state;

	config_add(f, "c.json", RISCV, f->layer_digest);
	text_add(f, "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[]}]");
	assert_int_equal(load_all(f), -1);
	assert_nothing_made(f, "0 layers");
}

static void images_for_others_are_passed_over(void **state)
{
	struct fixture *f = *state;

	bytes_add(f, "l.tar", f->layer.bytes, f->layer.size);
	config_add(f, "a.json", "\"architecture\":\"amd64\",\"os\":\"linux\"", f->layer_digest);
	config_add(f, "c.json", RISCV, f->layer_digest);
	text_add(f, "manifest.json",
	         "[{\"Config\":\"a.json\",\"Layers\":[\"l.tar\"]},"
	         "{\"Config\":\"c.json\",\"Layers\":[\"l.tar\"]}]");
	assert_int_equal(load_all(f), 0);
	assert_int_equal(count(f, ".img"), 1);
}

static void nothing_but_images_for_others_is_an_error(void **state)
{
	struct fixture *f = *state;

	bytes_add(f, "l.tar", f->layer.bytes, f->layer.size);
	config_add(f, "a.json", "\"architecture\":\"amd64\",\"os\":\"linux\"", f->layer_digest);
	text_add(f, "manifest.json", "[{\"Config\":\"a.json\",\"Layers\":[\"l.tar\"]}]");
	assert_int_equal(load_all(f), -1);
	assert_nothing_made(f, "linux/amd64");
}

// An archive with an OCI layout of one image, whose manifest is at `path`.
static void layout_add(struct fixture *f, const char *digest_said)
{
	char config[512];
	char manifest[512];
	char index[512];
	char digest[DIGEST_TEXT_SIZE];
	char path[256];

	snprintf(config, sizeof(config), "{" RISCV ",\"rootfs\":{\"diff_ids\":[\"%s\"]}}",
	         f->layer_digest);
	assert_int_equal(digest_of(config, strlen(config), digest, &f->err), 0);
	snprintf(path, sizeof(path), "blobs/sha256/%s", digest + 7);
	text_add(f, path, config);
	snprintf(manifest, sizeof(manifest),
	         "{\"config\":{\"digest\":\"%s\"},\"layers\":[{\"digest\":\"%s\"}]}", digest,
	         f->layer_digest);
	assert_int_equal(digest_of(manifest, strlen(manifest), digest, &f->err), 0);
	if (!digest_said)
		digest_said = digest;
	snprintf(path, sizeof(path), "blobs/sha256/%s", digest_said + 7);
	text_add(f, path, manifest);
	snprintf(path, sizeof(path), "blobs/sha256/%s", f->layer_digest + 7);
	bytes_add(f, path, f->layer.bytes, f->layer.size);
	snprintf(index, sizeof(index),
	         "{\"manifests\":[{\"digest\":\"%s\",\"annotations\":{\"io.containerd.image."
	         "name\":\"docker.io/x/y:3\",\"org.opencontainers.image.ref.name\":\"3\"}}]}",
	         digest_said);
	text_add(f, "index.json", index);
}

static void an_oci_archive_gives_its_image(void **state)
{
	struct fixture *f = *state;

	layout_add(f, NULL);
	assert_int_equal(load_all(f), 0);
	assert_int_equal(count(f, ".img"), 1);
	assert_non_null(strstr(f->reports, "\"references\":[\"docker.io/x/y:3\"]"));
}

static void a_blob_that_is_not_what_it_is_called_is_refused(void **state)
{
	struct fixture *f = *state;

	layout_add(f, "sha256:1111111111111111111111111111111111111111111111111111111111111111");
	assert_int_equal(load_all(f), -1);
	assert_nothing_made(f, "missing");
}

static void names_do_not_say_where_files_go(void **state)
{
	static const char *const names[] = { "../../escaped", "/tmp/load_test.escaped",
		                             "blobs/../../../escaped", "work/../../escaped" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		text_add(f, names[i], "x");
	test_tar_add(&f->tar, "blobs", S_IFLNK | 0777, "/tmp", NULL);
	text_add(f, "blobs/load_test.escaped", "x");
	assert_int_equal(load_all(f), -1);
	assert_nothing_made(f, "neither an archive");
	assert_int_equal(access("/tmp/escaped", F_OK), -1);
	assert_int_equal(access("/tmp/load_test.escaped", F_OK), -1);
}

static void what_is_no_archive_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(load(fd, f->directory, &f->err), -1);
	assert_nothing_made(f, "not a tar archive");
	close(fd);
	text_add(f, "manifest.json", "{}");
	assert_int_equal(load_all(f), -1);
	assert_nothing_made(f, "not a list of images");
}

static void an_archive_that_breaks_off_is_refused(void **state)
{
	struct fixture *f = *state;

	config_add(f, "c.json", RISCV, f->layer_digest);
	text_add(f, "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"l.tar\"]}]");
	bytes_add(f, "l.tar", f->layer.bytes, f->layer.size);
	archive_write_close(f->tar.archive);
	f->tar.size = 3300;  // in the middle of the layer
	assert_int_equal(load_all(f), -1);
	assert_nothing_made(f, "");
}

static void a_file_system_is_imported(void **state)
{
	struct fixture *f = *state;
	int fd;

	text_add(f, "etc/motd", "hello");
	fd = archive_open(f);
	assert_int_equal(import_as(f, fd, "a:1"), 0);
	close(fd);
	assert_int_equal(count(f, ".img"), 1);
	assert_int_equal(count(f, ".json"), 1);
	assert_non_null(strstr(f->reports, "\"references\":[\"docker.io/library/a:1\"]"));
	assert_non_null(strstr(f->reports, "{\"status\":\"sha256:"));
	// The archive, and the configuration.
	assert_int_equal(count(f, ".layer"), 2);
}

// The text of the one file whose name ends so; the caller frees it.
static char *text_of(const struct fixture *f, const char *ending)
{
	DIR *directory = opendir(f->directory);
	struct dirent *entry;
	char *text = NULL;
	size_t size = 0;

	while (!text && (entry = readdir(directory))) {
		const char *dot = strrchr(entry->d_name, '.');
		FILE *file;

		if (!dot || strcmp(dot, ending) != 0)
			continue;
		file = fdopen(openat(dirfd(directory), entry->d_name, O_RDONLY), "r");
		assert_true(getdelim(&text, &size, '\0', file) > 0);
		fclose(file);
	}
	closedir(directory);
	assert_non_null(text);
	return text;
}

static void an_import_takes_instructions(void **state)
{
	static const char *const changes[] = { "CMD [\"a\"]\nENV A=1", "ENV B=$A", NULL };
	static const char *const bad[] = { "RUN x", NULL };
	struct fixture *f = *state;
	struct import_wanted wanted = { "", "", "", bad };
	char *text;
	int fd;

	text_add(f, "etc/motd", "hello");
	fd = archive_open(f);
	assert_int_equal(import(fd, &wanted, f->directory, &f->err), -1);
	assert_nothing_made(f, "run");
	wanted.changes = changes;
	assert_int_equal(import(fd, &wanted, f->directory, &f->err), 0);
	close(fd);
	text = text_of(f, ".json");
	assert_non_null(strstr(text, "\"Cmd\":[\"a\"]"));
	assert_non_null(strstr(text, "\"Env\":[\"A=1\",\"B=1\"]"));
	assert_null(strstr(text, CHANGE_CMD_SET));
	free(text);
}

static void what_is_no_file_system_is_not_imported(void **state)
{
	struct fixture *f = *state;
	int fd;

	text_add(f, "../escaped", "x");
	fd = archive_open(f);
	assert_int_equal(import_as(f, fd, ""), -1);
	assert_nothing_made(f, "the archive");
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(import_as(f, fd, "A B"), -1);
	assert_nothing_made(f, "invalid reference format");
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_docker_archive_gives_its_image),
		TEST(what_images_are_made_of_is_kept),
		TEST(links_between_layers_are_followed),
		TEST(links_in_a_circle_lead_nowhere),
		TEST(another_layer_than_the_configuration_says_is_refused),
		TEST(fewer_layers_than_the_configuration_says_are_refused),
		TEST(images_for_others_are_passed_over),
		TEST(nothing_but_images_for_others_is_an_error),
		TEST(an_oci_archive_gives_its_image),
		TEST(a_blob_that_is_not_what_it_is_called_is_refused),
		TEST(names_do_not_say_where_files_go),
		TEST(what_is_no_archive_is_refused),
		TEST(an_archive_that_breaks_off_is_refused),
		TEST(a_file_system_is_imported),
		TEST(an_import_takes_instructions),
		TEST(what_is_no_file_system_is_not_imported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
