// SPDX-License-Identifier: MIT
//
// What docker save writes: the host's tar reads it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/images/save_archive.h"

// Of show.c, which has an app's state.
void show_config(struct json_writer *w, const struct record *record);

void show_config(struct json_writer *w, const struct record *record)
{
	json_write_span(w, record->config);
}

static const char id[] = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void test_entries(void **state)
{
	char path[] = "/tmp/starina-save.XXXXXX", command[256];
	int fd = mkstemp(path);
	struct json_writer w = { 0 };

	(void)state;
	assert_true(fd >= 0);
	save_write_entry(&w, "a.json", text_span("{}"));
	save_write_entry(&w, "empty", text_span(""));
	save_write_end(&w);
	assert_int_equal(w.len % SAVE_BLOCK, 0);
	assert_int_equal(write(fd, w.text, w.len), w.len);
	close(fd);
	snprintf(
		command, sizeof(command),
		"[ \"$(tar -tf %s | tr '\\n' ,)\" = a.json,empty, ] && [ \"$(tar -xOf %s a.json)\" = '{}' ]",
		path, path);
	assert_int_equal(system(command), 0);
	unlink(path);
	json_writer_deinit(&w);
}

// As GNU tar has it: a number of bytes, the first with its highest bit set.
static void test_a_large_layer(void **state)
{
	static const uint8_t large[12] = { 0x80, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1 };
	struct json_writer w = { 0 };

	(void)state;
	save_write_header(&w, "x", (1ull << 33) - 1);
	assert_memory_equal(w.text + 124, "77777777777", 12);
	save_write_header(&w, "x", (3ull << 40) + 1);
	assert_memory_equal(w.text + SAVE_BLOCK + 124, large, sizeof(large));
	json_writer_deinit(&w);
}

static void test_documents(void **state)
{
	static const char text[] =
		"{\"id\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
		"\"name\":\"a\",\"first_sector\":0,\"num_sectors\":1,\"created\":\"2001-01-01T00:00:00Z\","
		"\"config\":{\"Cmd\":[\"x\"]},\"history\":[{\"created_by\":\"one\"},{\"empty_layer\":true},{"
		"\"created_by\":\"two\",\"empty_layer\":true}]}";
	struct save_item item = { 0 };
	struct json_writer w = { 0 };
	struct record record;
	char digest[SAVE_DIGEST_MAX], layer[80], other[] = "b.tar";
	char *layers[] = { layer, other };

	(void)state;
	assert_int_equal(record_read(text_span(text), &record), 0);
	save_write_config(&w, &record, "sha256:1");
	assert_string_equal(
		json_writer_text(&w),
		"{\"architecture\":\"riscv64\",\"os\":\"linux\",\"created\":\"2001-01-01T00:00:00Z\","
		"\"config\":{\"Cmd\":[\"x\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:1\"]},"
		"\"history\":[{\"created_by\":\"one\",\"empty_layer\":true},{\"empty_layer\":true},{"
		"\"created_by\":\"two\"}]}");
	json_writer_deinit(&w);
	w = (struct json_writer){ 0 };
	memcpy(item.id, id, sizeof(id));
	assert_int_equal(string_list_add(&item.tags, "a:1"), 0);
	save_layer_name(&item, layer);
	save_write_item(&w, &item, "c.json", layers, 1, true);
	string_list_deinit(&item.tags);
	save_write_item(&w, &item, "d.json", layers, 2, false);
	assert_string_equal(
		json_writer_text(&w),
		"[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"0123456789abcdef0123456789ab"
		"cdef0123456789abcdef0123456789abcdef/layer.tar\"]},{\"Config\":\"d.json\",\"RepoTags\":null"
		",\"Layers\":[\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/layer.tar\""
		",\"b.tar\"]}");
	json_writer_deinit(&w);
	save_digest(text_span("abc"), digest);
	assert_string_equal(
		digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_a_large_layer),
		cmocka_unit_test(test_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
