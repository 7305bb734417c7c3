// SPDX-License-Identifier: MIT
//
// Two directories of the host in the place of an overlay's: an empty FIFO of mode 0 stands for a
// whiteout, and a folder of mode 0711 is opaque.
#include <errno.h>
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

#include "guest/bootd/archive.h"
#include "guest/bootd/layer.h"
#include "guest/bootd/tar_write.h"

#define SLURP_MAX (32u << 20)

static char base[] = "/tmp/starina-layer.XXXXXX";

bool layer_is_whiteout(const struct stat *st)
{
	return S_ISFIFO(st->st_mode) && (st->st_mode & 07777) == 0;
}

bool layer_is_opaque(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0711;
}

static void shell(const char *command)
{
	char whole[8192];

	snprintf(whole, sizeof(whole), "cd %s && { %s; }", base, command);
	assert_int_equal(system(whole), 0);
}

static int folder(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static char *slurp(const char *name, size_t *size)
{
	char path[4096];
	char *text = malloc(SLURP_MAX + 1);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", base, name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(text);
	*size = fread(text, 1, SLURP_MAX, file);
	text[*size] = '\0';
	fclose(file);
	return text;
}

static const char *const hides_none[] = { NULL };

static int run(int (*what)(const struct layer_view *, int), const char *const *hidden)
{
	const struct layer_view view = { folder("upper"), folder("lower"),
		                         (char *const *)(uintptr_t)hidden };
	char path[4096];
	int out, status;

	snprintf(path, sizeof(path), "%s/out", base);
	out = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(out >= 0 && view.upper >= 0 && view.lower >= 0);
	status = what(&view, out);
	close(out);
	close(view.upper);
	close(view.lower);
	return status;
}

static void expect(const char *const *hidden, const char *json)
{
	size_t size;
	char *text;

	assert_int_equal(run(layer_changes, hidden), ARCHIVE_OK);
	text = slurp("out", &size);
	assert_string_equal(text, json);
	free(text);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(base + strlen(base) - 6, "XXXXXX");
	if (!mkdtemp(base))
		return -1;
	shell("mkdir upper lower");
	return 0;
}

static int tear_down(void **state)
{
	char command[4096];

	(void)state;
	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", base, base);
	return system(command);
}

static void test_nothing_is_changed(void **state)
{
	(void)state;
	expect(hides_none, "[]\n");
}

static void test_files(void **state)
{
	(void)state;
	shell("mkdir lower/etc upper/etc; echo a > lower/etc/a; echo longer > upper/etc/a; "
	      "echo n > upper/etc/new; echo d > lower/etc/gone; mkfifo -m 0 upper/etc/gone; "
	      "mkfifo -m 0 upper/etc/never; touch -r lower/etc upper/etc");
	expect(hides_none,
	       "[{\"Path\":\"/etc\",\"Kind\":0},{\"Path\":\"/etc/a\",\"Kind\":0},"
	       "{\"Path\":\"/etc/gone\",\"Kind\":2},{\"Path\":\"/etc/new\",\"Kind\":1}]\n");
}

// What was opened for writing, and not written, is copied up; and so is a folder above it.
static void test_what_was_copied_up_is_no_change(void **state)
{
	(void)state;
	shell("mkdir -p lower/d/e; echo a > lower/d/e/f; chmod 751 lower/d; cp -a lower/d upper/; "
	      "touch upper/d");
	expect(hides_none, "[]\n");
	shell("chmod 700 upper/d/e");
	expect(hides_none, "[{\"Path\":\"/d\",\"Kind\":0},{\"Path\":\"/d/e\",\"Kind\":0}]\n");
}

static void test_a_folder_that_was_made_again(void **state)
{
	(void)state;
	shell("mkdir -p lower/d/sub upper/d; echo a > lower/d/a; echo b > lower/d/b; "
	      "cp -a lower/d/a upper/d/; echo c > upper/d/c; chmod 711 lower/d upper/d");
	expect(hides_none,
	       "[{\"Path\":\"/d\",\"Kind\":0},{\"Path\":\"/d/b\",\"Kind\":2},"
	       "{\"Path\":\"/d/sub\",\"Kind\":2},{\"Path\":\"/d/c\",\"Kind\":1}]\n");
}

static void test_another_kind_of_file(void **state)
{
	(void)state;
	shell("mkdir lower/d upper/f; echo a > lower/f; echo b > upper/d; echo c > upper/f/in");
	expect(hides_none,
	       "[{\"Path\":\"/d\",\"Kind\":0},{\"Path\":\"/f\",\"Kind\":0},"
	       "{\"Path\":\"/f/in\",\"Kind\":1}]\n");
}

static void test_mounts_are_hidden(void **state)
{
	static const char *const hidden[] = { "/etc/hosts", "/data", "/", NULL };

	(void)state;
	shell("mkdir -p lower/etc upper/etc upper/data/below upper/database; echo h > "
	      "upper/etc/hosts");
	expect(hidden, "[{\"Path\":\"/database\",\"Kind\":1}]\n");
	// A folder that was made for a mount point.
	shell("rmdir lower/etc; mkdir -p upper/empty/empty");
	expect(hidden,
	       "[{\"Path\":\"/database\",\"Kind\":1},{\"Path\":\"/empty\",\"Kind\":1},"
	       "{\"Path\":\"/empty/empty\",\"Kind\":1}]\n");
	shell("touch upper/etc/more");
	expect(hidden,
	       "[{\"Path\":\"/database\",\"Kind\":1},{\"Path\":\"/empty\",\"Kind\":1},"
	       "{\"Path\":\"/empty/empty\",\"Kind\":1},{\"Path\":\"/etc\",\"Kind\":1},"
	       "{\"Path\":\"/etc/more\",\"Kind\":1}]\n");
}

static void test_names_are_text(void **state)
{
	(void)state;
	shell("touch \"$(printf 'upper/a\\nb')\" \"$(printf 'upper/c\"\\\\')\" "
	      "\"$(printf 'upper/d\\377\\303\\244')\"");
	expect(hides_none,
	       "[{\"Path\":\"/a\\u000ab\",\"Kind\":1},"
	       "{\"Path\":\"/c\\u0022\\u005c\",\"Kind\":1},"
	       "{\"Path\":\"/d\\ufffd\xc3\xa4\",\"Kind\":1}]\n");
}

// Takes the frames of both archives apart, into the files 0.tar and 1.tar.
static void split(void)
{
	size_t size, at = 0;
	char *bytes = slurp("out", &size);

	for (unsigned part = 0; part < 2; part++) {
		char path[4096];
		FILE *file;
		size_t len;

		snprintf(path, sizeof(path), "%s/%u.tar", base, part);
		file = fopen(path, "w");
		assert_non_null(file);
		do {
			const uint8_t *head = (const uint8_t *)bytes + at;

			assert_true(size - at >= TAR_FRAME_HEAD);
			len = ((size_t)head[0] << 24) | (head[1] << 16) | (head[2] << 8) | head[3];
			at += TAR_FRAME_HEAD;
			assert_true(len <= TAR_FRAME_MAX && len <= size - at);
			assert_int_equal(fwrite(bytes + at, 1, len, file), len);
			at += len;
		} while (len > 0);
		fclose(file);
	}
	assert_int_equal(at, size);
	free(bytes);
}

static void test_a_layer(void **state)
{
	static const char *const hidden[] = { "/etc/hosts", NULL };

	(void)state;
	shell("mkdir -p lower/etc upper/etc upper/d upper/empty; echo a > lower/a; echo h > "
	      "upper/etc/hosts; echo f > upper/d/f; ln upper/d/f upper/d/g; ln -s /x upper/s; "
	      "mkfifo -m 0 upper/etc/gone; mkfifo -m 644 upper/p; chmod 711 upper/d; "
	      "echo w > upper/.wh.a; chmod 750 upper; head -c 200000 /dev/zero > upper/big; "
	      "touch -d @1000 upper/empty");
	assert_int_equal(run(layer_commit, hidden), ARCHIVE_OK);
	split();
	shell("tar -tf 0.tar > names; printf './\\na\\netc/\\n' | cmp - names");
	shell("tar -tf 1.tar > names; printf './\\nbig\\nd/\\nd/.wh..wh..opq\\nd/f\\nd/g\\nempty/\\n"
	      "etc/\\netc/.wh.gone\\np\\ns\\n' | cmp - names");
	shell("mkdir x && tar -C x -xpf 1.tar && cmp upper/big x/big && "
	      "[ \"$(stat -c %h x/d/f)\" = 2 ] && [ \"$(readlink x/s)\" = /x ] && [ -p x/p ] && "
	      "[ \"$(stat -c %a x)\" = 750 ] && [ \"$(stat -c %Y x/empty)\" = 1000 ]");
}

static void test_an_image(void **state)
{
	struct stat st;
	char path[4096];
	size_t size;
	char *text;

	(void)state;
	shell("mkdir -p lower/d; head -c 100001 /dev/zero > lower/d/f; ln lower/d/f lower/g; "
	      "ln -s $(head -c 200 /dev/zero | tr '\\0' x) lower/l");
	assert_int_equal(run(layer_save, hides_none), ARCHIVE_OK);
	split();
	text = slurp("0.tar", &size);
	snprintf(path, sizeof(path), "%s/1.tar", base);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, atoll(text));
	free(text);
	shell("tar -tf 1.tar > names; printf './\\nd/\\nd/f\\ng\\nl\\n' | cmp - names");
}

// Folders in folders, each with one letter, as deep as their path can be.
static void test_a_deep_tree(void **state)
{
	size_t size;
	char *text;

	(void)state;
	shell("i=0; cd upper; while [ $i -lt 2000 ]; do p=$p/d; i=$((i+1)); done; mkdir -p ./$p");
	assert_int_equal(run(layer_commit, hides_none), ARCHIVE_OK);
	split();
	shell("[ $(tar -tf 1.tar | wc -l) -ge 2000 ]");
	assert_int_equal(run(layer_changes, hides_none), ARCHIVE_OK);
	text = slurp("out", &size);
	assert_true(size > 2000 * 1000 / 2);
	free(text);
}

// What cannot be read breaks the archive off: nothing stands for it.
static void test_what_cannot_be_read(void **state)
{
	static const struct stat st = { .st_mode = S_IFREG, .st_nlink = 1, .st_size = 512 };
	struct tar_writer *w = calloc(1, sizeof(*w));
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	w->out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	tar_write_file(w, proc, "mem", &st);
	assert_int_equal(tar_write_end(w), EIO);
	w->error = 0;
	tar_write_symlink(w, -1, "link", &st);
	assert_int_equal(tar_write_end(w), EBADF);
	w->error = 0;
	tar_write_xattrs(w, -1);
	assert_int_equal(tar_write_end(w), EBADF);
	w->error = 0;
	// These are gone, or something else by now.
	tar_write_symlink(w, proc, "none", &st);
	tar_write_symlink(w, proc, "mem", &st);
	tar_write_file(w, proc, "none", &st);
	tar_write_file(w, proc, "fd", &st);
	assert_int_equal(tar_write_end(w), 0);
	close(w->out);
	close(proc);
	free(w);
}

// Its field ends in the year 2242.
static void test_a_late_time(void **state)
{
	const struct stat st = { .st_mode = S_IFREG, .st_mtim.tv_sec = 1ll << 34 };
	struct tar_writer *w = calloc(1, sizeof(*w));
	char path[4096], *text;
	size_t size;

	(void)state;
	snprintf(path, sizeof(path), "%s/out", base);
	w->out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	memcpy(w->name, "late", 5);
	w->name_len = 4;
	tar_write_header(w, TAR_FILE, &st, 0, "");
	assert_int_equal(tar_write_end(w), 0);
	close(w->out);
	free(w);
	text = slurp("out", &size);
	assert_memory_equal(text + TAR_BLOCK, "21 mtime=17179869184\n", 21);
	free(text);
	shell("test $(tar -tv --full-time -f out | cut -c 30-45 | grep -c 2514-) = 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_was_copied_up_is_no_change, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_a_folder_that_was_made_again, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_another_kind_of_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mounts_are_hidden, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names_are_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_layer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_image, set_up, tear_down),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test_setup_teardown(test_a_late_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_deep_tree, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
