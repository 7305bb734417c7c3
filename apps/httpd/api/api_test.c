// SPDX-License-Identifier: MIT
//
// What the API reads of what comes from outside: who asks, the page's archive, programs to run.
#include "apps/httpd/api/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/httpd/api/words.h"
#include "libs/boot_files/ustar.h"

#define TOKEN "0123456789abcdefghijklmnopqrstuvwxyzABCDEF_"
#define SOCKET "Connection: Upgrade\r\nUpgrade: websocket\r\n"

// A request with these fields; its text lasts until the next one.
static const struct http_request_head *request(const char *fields)
{
	static struct http_request_head head;
	static char text[2048];

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", fields);
	assert_int_equal(http_request_parse(text_span(text), &head), 0);
	return &head;
}

// --- Who asks ------------------------------------------------------------------------------------

static void hosts_and_origins(void **state)
{
	static const char *const local[] = {
		"Host: localhost\r\n",
		"Host: LOCALHOST:30080\r\n",
		"Host: 127.0.0.1:30080\r\nOrigin: http://127.0.0.1:30080\r\n",
		"Host: [::1]:5\r\nOrigin: http://[::1]:5\r\nSec-Fetch-Site: same-origin\r\n",
		"Host: 10.0.2.15\r\nSec-Fetch-Site: none\r\n",
	};
	static const char *const foreign[] = {
		"Host: evil.example\r\n",
		"Host: 127.0.0.1.evil.example\r\n",
		"Host: localhost.evil.example:80\r\n",
		"Host: \r\n",
		"Host: :80\r\n",
		"Host: [evil]\r\n",
		"Host: []\r\n",
		"Host: localhost\r\nOrigin: http://evil.example\r\n",
		"Host: localhost\r\nOrigin: null\r\n",
		"Host: localhost\r\nOrigin: \r\n",
		"Host: localhost\r\nOrigin: https://localhost\r\n",
		"Host: localhost\r\nOrigin: http://localhost:1\r\n",
		"Host: localhost:1\r\nOrigin: http://localhost\r\n",
		"Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
		"Host: localhost\r\nSec-Fetch-Site: same-site\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		assert_true(auth_is_local(request(local[i])));
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_false(auth_is_local(request(foreign[i])));
}

static void tokens(void **state)
{
	static const char *const with[] = {
		"Host: a\r\nAuthorization: Bearer " TOKEN "\r\n",
		"Host: a\r\nauthorization: bearer " TOKEN "\r\n",
		"Host: a\r\n" SOCKET "Sec-WebSocket-Protocol: starina.v1, token." TOKEN "\r\n",
		"Host: a\r\n" SOCKET "Sec-WebSocket-Protocol: token." TOKEN " ,x\r\n",
	};
	static const char *const without[] = {
		"Host: a\r\n",
		"Host: a\r\nAuthorization: " TOKEN "\r\n",
		"Host: a\r\nAuthorization: Bearer \r\n",
		"Host: a\r\nAuthorization: Bearer " TOKEN "x\r\n",
		"Host: a\r\nAuthorization: Bearer x" TOKEN "\r\n",
		"Host: a\r\nAuthorization: Basic " TOKEN "\r\n",
		"Host: a\r\nCookie: token=" TOKEN "\r\n",
		// No WebSocket has a subprotocol.
		"Host: a\r\nSec-WebSocket-Protocol: token." TOKEN "\r\n",
		"Host: a\r\n" SOCKET "Sec-WebSocket-Protocol: token.\r\n",
		"Host: a\r\n" SOCKET "Sec-WebSocket-Protocol: " TOKEN "\r\n",
		"Host: a\r\n" SOCKET "Authorization: Bearer x\r\n"
		"Sec-WebSocket-Protocol: token." TOKEN "\r\n",
	};
	char wrong[sizeof(TOKEN)];

	(void)state;
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
		assert_true(auth_has_token(request(with[i]), TOKEN));
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		assert_false(auth_has_token(request(without[i]), TOKEN));
	for (size_t i = 0; i < sizeof(wrong) - 1; i++) {
		memcpy(wrong, TOKEN, sizeof(wrong));
		wrong[i] ^= 1;
		assert_false(auth_has_token(request(with[0]), wrong));
	}
}

// --- The page ------------------------------------------------------------------------------------

static uint8_t archive[64 * USTAR_BLOCK];
static size_t archive_len;

static void entry_add(const char *name, const char *bytes, size_t len)
{
	char *header = (char *)archive + archive_len;
	unsigned sum = 0;

	memset(header, 0, USTAR_BLOCK);
	snprintf(header, 100, "%s", name);
	snprintf(header + 124, 12, "%011zo", len);
	memcpy(header + 257,
	       "ustar\0"
	       "00",
	       8);
	header[156] = '0';
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < USTAR_BLOCK; i++)
		sum += (uint8_t)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	memcpy(header + USTAR_BLOCK, bytes, len);
	archive_len += USTAR_BLOCK + (len + USTAR_BLOCK - 1) / USTAR_BLOCK * USTAR_BLOCK;
}

static void page_files(void **state)
{
	static struct page page;
	struct page_file *file;

	(void)state;
	memset(archive, 0, sizeof(archive));
	archive_len = 0;
	entry_add("index.html", "\x1f\x8b\x08....", 7);
	entry_add("worker.js", "x", 1);
	entry_add("main.js", "y", 1);
	entry_add("types_worker.js", "z", 1);
	assert_int_equal(page_read(&page, (struct span){ archive, archive_len + 2 * USTAR_BLOCK }),
	                 0);
	assert_int_equal(page.count, 4);
	file = page_find(&page, text_span("/"));
	assert_string_equal(file->name, "index.html");
	assert_true(file->is_gzip && file->size == 7 && file->offset == USTAR_BLOCK);
	assert_ptr_equal(page_find(&page, text_span("/?x#y")), file);
	file = page_find(&page, text_span("/main.js"));
	assert_false(file->is_gzip);
	// FNV-1a of "y".
	assert_true(page_hash(&page, file) == 0xaf63f44c86021554ull);
	assert_non_null(strstr(page_fields(file), "default-src 'self'"));
	assert_null(strstr(page_fields(file), "unsafe-eval"));
	assert_non_null(
		strstr(page_fields(page_find(&page, text_span("/worker.js"))), "unsafe-eval"));
	file = page_find(&page, text_span("/types_worker.js"));
	assert_non_null(strstr(page_fields(file), "default-src 'none'; frame-ancestors"));
	assert_null(page_find(&page, text_span("/../main.js")));
	assert_null(page_find(&page, text_span("/main.js/")));
	assert_null(page_find(&page, text_span("*")));
}

static void archives_that_are_none(void **state)
{
	static struct page page;

	(void)state;
	memset(archive, 0, sizeof(archive));
	archive_len = 0;
	entry_add("a", "x", 1);
	// Cut within a header, and within a file.
	assert_int_not_equal(page_read(&page, (struct span){ archive, 100 }), 0);
	assert_int_not_equal(page_read(&page, (struct span){ archive, USTAR_BLOCK }), 0);
	archive[0] = 'b';  // its checksum
	assert_int_not_equal(page_read(&page, (struct span){ archive, archive_len }), 0);
}

// --- Programs ------------------------------------------------------------------------------------

static void programs(void **state)
{
	static const char said[] = "img\0/x\0me\0ls\0-l\0A=b";
	struct command_words words;
	char *input;

	(void)state;
	assert_int_equal(
		words_read_json(
			&words,
			text_span("{\"argv\":[\"ls\",\"-l\"],\"env\":[\"A=b\"],\"cwd\":\"/x\","
	                          "\"image\":\"img\",\"user\":\"me\",\"memory\":33554432,"
	                          "\"stdin\":\"hi\",\"more\":{}}"),
			&input),
		0);
	assert_int_equal(words.num_args, 2);
	assert_int_equal(words.num_env, 1);
	assert_int_equal(words.memory, 33554432);
	assert_int_equal(words.len, sizeof(said));
	assert_memory_equal(words.text, said, sizeof(said));
	assert_string_equal(input, "hi");
	free(input);
	words_free(&words);
	assert_int_equal(words_read_query(&words, text_span("argv=top&argv=-d%201&rows=7&cols=33")),
	                 0);
	assert_int_equal(words.num_args, 2);
	assert_memory_equal(words.text, "\0\0\0top\0-d 1\0TERM=", 17);
	assert_true(words.rows == 7 && words.columns == 33);
	words_free(&words);
	assert_int_equal(words_read_query(&words, text_span("")), 0);
	assert_memory_equal(words.text, "\0\0\0/bin/sh", 11);
	words_free(&words);
}

static void programs_that_are_none(void **state)
{
	static const char *const bodies[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"argv\":[]}",
		"{\"argv\":\"ls\"}",
		"{\"argv\":[1]}",
		"{\"argv\":[\"a\"]} x",
		"{\"argv\":[\"a\"],\"env\":[\"b\"]}",
		"{\"argv\":[\"a\\u0000\"]}",
		"{\"argv\":[\"a\"],\"memory\":-1}",
		"{\"argv\":[\"a\"],\"memory\":99999999999999}",
		"{\"argv\":[\"a\"],\"cwd\":7}",
	};
	static const char *const queries[] = { "rows=1001", "cols=x", "memory=-1", "argv=%zz",
		                               "cwd=%00" };
	struct command_words words;
	char *input;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_not_equal(words_read_json(&words, text_span(bodies[i]), &input), 0);
		free(input);
		words_free(&words);
	}
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		assert_int_not_equal(words_read_query(&words, text_span(queries[i])), 0);
		words_free(&words);
	}
}

// --- The description -----------------------------------------------------------------------------

static void the_description_is_json(void **state)
{
	struct json_writer w = { 0 };
	struct json_reader r;

	(void)state;
	openapi_write(&w);
	r = json_reader_make(text_span(json_writer_text(&w)));
	json_skip(&r);
	assert_true(json_at_end(&r));
	assert_non_null(strstr(w.text, "\"/processes/{name}/kill\":{\"post\":{"));
	json_writer_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_and_origins),
		cmocka_unit_test(tokens),
		cmocka_unit_test(page_files),
		cmocka_unit_test(archives_that_are_none),
		cmocka_unit_test(programs),
		cmocka_unit_test(programs_that_are_none),
		cmocka_unit_test(the_description_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
