// SPDX-License-Identifier: MIT
//
// The reverse proxy between a client and a hostile server, over fakes of channels and the loop.
// What an exchange leaves is freed at its end, so the sanitizer sees who looks at it later.
#include "libs/http/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/base/string.h"
#include "libs/http/connection.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define CLIENT 1
#define UPSTREAM 2
#define SAID_MAX 65536

// --- Fakes ---

static struct {
	struct source *source;  // NULL: closed, or never opened
	char said[SAID_MAX];    // what was sent to it
	size_t len;
	bool aborted;  // MSG_ABORT was
	bool ended;    // MSG_END was
	bool full;
} channels[3];
static size_t num_allocated;

void *heap_alloc(size_t size)
{
	num_allocated++;
	return calloc(1, size);
}

void heap_free(void *memory)
{
	num_allocated -= memory != NULL;
	free(memory);
}

// A message of these tests has the address of its bytes in it.
error_t payload_make(struct message *m, const void *data, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	memcpy(copy, data, len);
	message_init(m, MSG_DATA);
	memcpy(m->data, &(struct span){ .data = copy, .len = len }, sizeof(struct span));
	return 0;
}

static struct span bytes_of(const struct message *m)
{
	struct span bytes = { 0 };

	if (m->type == MSG_DATA)
		memcpy(&bytes, m->data, sizeof(bytes));
	return bytes;
}

error_t payload_open(struct message *m, struct payload *out)
{
	*out = (struct payload){ .bytes = bytes_of(m), .folio = 1 };
	return 0;
}

void payload_release(struct payload *payload)
{
	free((void *)(uintptr_t)payload->bytes.data);
	*payload = (struct payload){ 0 };
}

void message_discard(struct message *m)
{
	free((void *)(uintptr_t)bytes_of(m).data);
}

error_t channel_send(handle_t channel, const struct message *m)
{
	struct span bytes = bytes_of(m);

	assert_non_null(channels[channel].source);
	if (channels[channel].full)
		return ERR_FULL;
	assert_true(channels[channel].len + bytes.len < SAID_MAX);
	channels[channel].ended = channels[channel].ended || m->type == MSG_END;
	channels[channel].aborted = channels[channel].aborted || m->type == MSG_ABORT;
	if (bytes.len > 0)
		memcpy(channels[channel].said + channels[channel].len, bytes.data, bytes.len);
	channels[channel].len += bytes.len;
	free((void *)(uintptr_t)bytes.data);
	return 0;
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	*source = (struct source){ .loop = loop, .handle = handle, .ops = ops, .context = context };
	channels[handle].source = source;
	return 0;
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	channels[source->handle].source = NULL;
	source->handle = HANDLE_NONE;
}

void source_want_messages(struct source *source, bool want)
{
	source->paused = !want;
}

void source_want_writable(struct source *source, bool want)
{
	source->wants_writable = want;
}

error_t handle_close(handle_t handle)
{
	(void)handle;
	return 0;
}

// The conversations here are too short for it.
error_t event_create(handle_t *out)
{
	(void)out;
	return ERR_NO_MEMORY;
}

error_t event_take(handle_t event, uint64_t *count)
{
	(void)event;
	(void)count;
	return ERR_EMPTY;
}

error_t handle_duplicate(handle_t handle, rights_t rights, handle_t *out)
{
	(void)handle;
	(void)rights;
	(void)out;
	return ERR_NO_MEMORY;
}

// --- The exchange ---

static struct loop loop;
static struct http_proxy *proxy;

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	(void)context;
	proxy = http_proxy_create(&loop, exchange, head);
	assert_non_null(proxy);
}

static const struct http_handler handler = { .request = on_request };
static struct http_service service;

static void hear(handle_t channel, const char *text, size_t len)
{
	struct source *source = channels[channel].source;
	struct message m;

	assert_non_null(source);
	assert_int_equal(payload_make(&m, text, len), 0);
	source->ops->message(&loop, source, &m);
}

// How the server behind ends: in order, or by a reset.
static uint32_t last_message = MSG_END;

// A client asks `request`, the server behind says `answer`, all at once or by single bytes. Returns
// what the client has got then.
static const char *exchange(const char *request, const char *answer, size_t piece)
{
	size_t len = strlen(answer);

	memset(channels, 0, sizeof(channels));
	service = (struct http_service){ .loop = &loop, .handler = &handler };
	list_init(&service.connections);
	http_connection_create(&service, CLIENT);
	hear(CLIENT, request, strlen(request));
	http_proxy_connected(proxy, UPSTREAM);
	for (size_t at = 0; at < len && channels[UPSTREAM].source != NULL; at += piece)
		hear(UPSTREAM, answer + at, len - at < piece ? len - at : piece);
	if (channels[UPSTREAM].source != NULL)
		channels[UPSTREAM].source->ops->message(&loop, channels[UPSTREAM].source,
		                                        &(struct message){ .type = last_message });
	if (channels[UPSTREAM].source != NULL)
		channels[UPSTREAM].source->ops->closed(&loop, channels[UPSTREAM].source);
	if (channels[CLIENT].source != NULL)
		channels[CLIENT].source->ops->closed(&loop, channels[CLIENT].source);
	assert_int_equal(num_allocated, 0);
	assert_null(channels[UPSTREAM].source);
	channels[CLIENT].said[channels[CLIENT].len] = '\0';
	return channels[CLIENT].said;
}

static void check(const char *request, const char *answer, const char *begin, const char *end)
{
	const size_t pieces[] = { 1, 7, 100000 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		const char *got = exchange(request, answer, pieces[i]);
		size_t len = strlen(got);

		if (strncmp(got, begin, strlen(begin)) != 0 || len < strlen(end) ||
		    strcmp(got + len - strlen(end), end) != 0)
			fail_msg("%s\nanswered in pieces of %zu with\n%s\ngot\n%s", request,
			         pieces[i], answer, got);
	}
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"

static void test_bodies(void **state)
{
	(void)state;
	check(GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA:b\r\n\r\nhello",
	      "HTTP/1.1 200 OK\r\nA: b\r\n", "\r\n\r\nhello");
	check(GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	      "HTTP/1.1 200", "0\r\n\r\n");
	check(GET, "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 200", "0\r\n\r\n");
	check(GET, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
	      "HTTP/1.1 200", "\r\n\r\nx");
}

// The exchange ends with the head.
static void test_no_body(void **state)
{
	(void)state;
	check(GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200", "\r\n\r\n");
	check(GET, "HTTP/1.1 204 No\r\n\r\nbut it says more", "HTTP/1.1 204", "\r\n\r\n");
	check(GET, "HTTP/1.1 304 No\r\n\r\n", "HTTP/1.1 304", "\r\n\r\n");
	check(HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200",
	      "Connection: keep-alive\r\n\r\n");
}

static void test_no_response(void **state)
{
	(void)state;
	check(GET, "", "HTTP/1.1 502", "closed the connection\n");
	check(GET, "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 502", "not an HTTP response\n");
	check(GET, "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 502", "not an HTTP response\n");
	check(GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
	      "HTTP/1.1 502", "not an HTTP response\n");
	check(GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200",
	      "\r\n\r\n");
}

// A response that was cut off does not look whole, whatever tells its end.
static void test_reset(void **state)
{
	(void)state;
	last_message = MSG_ABORT;
	check(GET, "", "HTTP/1.1 502", "closed the connection\n");
	check(GET, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "HTTP/1.1 200", "hello");
	assert_false(channels[CLIENT].aborted);
	check(GET, "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 200", "o\r\n");
	check("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 200", "hello");
	assert_true(channels[CLIENT].aborted);
	last_message = MSG_END;
	check("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 200", "hello");
	assert_false(channels[CLIENT].aborted);
}

// There is no server behind; the client sends its body all the same, and its connection goes on to
// the end of that.
static void test_body_for_nobody(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";

	(void)state;
	memset(channels, 0, sizeof(channels));
	service = (struct http_service){ .loop = &loop, .handler = &handler };
	list_init(&service.connections);
	http_connection_create(&service, CLIENT);
	hear(CLIENT, head, sizeof(head) - 1);
	http_proxy_connected(proxy, HANDLE_NONE);
	assert_memory_equal(channels[CLIENT].said, "HTTP/1.1 502", 12);
	assert_false(channels[CLIENT].source->paused);
	hear(CLIENT, "hello", 5);
	assert_null(channels[CLIENT].source);
	assert_int_equal(num_allocated, 0);
	// One that ends in the midst of it.
	http_connection_create(&service, CLIENT);
	hear(CLIENT, head, sizeof(head) - 1);
	http_proxy_connected(proxy, HANDLE_NONE);
	hear(CLIENT, "hell", 4);
	channels[CLIENT].source->ops->message(&loop, channels[CLIENT].source,
	                                      &(struct message){ .type = MSG_END });
	assert_null(channels[CLIENT].source);
	assert_int_equal(num_allocated, 0);
}

// A client that goes while the server behind is quiet: that one hears of it.
static void test_client_ends(void **state)
{
	struct message end = { .type = MSG_END };

	(void)state;
	memset(channels, 0, sizeof(channels));
	service = (struct http_service){ .loop = &loop, .handler = &handler };
	list_init(&service.connections);
	http_connection_create(&service, CLIENT);
	hear(CLIENT, GET, sizeof(GET) - 1);
	http_proxy_connected(proxy, UPSTREAM);
	assert_false(channels[UPSTREAM].ended);
	channels[CLIENT].source->ops->message(&loop, channels[CLIENT].source, &end);
	assert_true(channels[UPSTREAM].ended);
	channels[UPSTREAM].source->ops->closed(&loop, channels[UPSTREAM].source);
	assert_memory_equal(channels[CLIENT].said, "HTTP/1.1 502", 12);
	if (channels[CLIENT].source != NULL)
		channels[CLIENT].source->ops->closed(&loop, channels[CLIENT].source);
	assert_int_equal(num_allocated, 0);
}

// What follows a request that cannot be read is not read either, however long the client takes to
// read the answer.
static void test_nothing_after_a_bad_request(void **state)
{
	static const char requests[] = "GET\r\n\r\n" GET;

	(void)state;
	memset(channels, 0, sizeof(channels));
	service = (struct http_service){ .loop = &loop, .handler = &handler };
	list_init(&service.connections);
	http_connection_create(&service, CLIENT);
	channels[CLIENT].full = true;
	proxy = NULL;
	hear(CLIENT, requests, sizeof(requests) - 1);
	assert_null(proxy);
	assert_true(channels[CLIENT].source->paused);
	channels[CLIENT].full = false;
	channels[CLIENT].source->ops->writable(&loop, channels[CLIENT].source);
	assert_memory_equal(channels[CLIENT].said, "HTTP/1.1 400", 12);
	assert_null(channels[CLIENT].source);
	assert_null(proxy);
	assert_int_equal(num_allocated, 0);
}

// A head of the largest size, whose fields get longer as they are passed on.
static void test_largest_head(void **state)
{
	static char answer[HTTP_MAX_HEAD + 16];
	size_t len, spare;

	(void)state;
	for (spare = 0; spare < 2 * HTTP_MAX_FIELDS; spare++) {
		len = (size_t)sprintf(answer, "HTTP/1.1 204\r\n");
		for (size_t i = 0; i < HTTP_MAX_FIELDS - 1; i++)
			len += (size_t)sprintf(answer + len, "a:b\r\n");
		len += (size_t)sprintf(answer + len, "a:");
		memset(answer + len, 'x', sizeof(answer) - len);
		strcpy(answer + HTTP_MAX_HEAD - 4 - spare, "\r\n\r\n");
		check(GET, answer, spare < HTTP_MAX_FIELDS - 15 ? "HTTP/1.1 502" : "HTTP/1.1 204",
		      spare < HTTP_MAX_FIELDS - 15 ? "too large a head\n" : "\r\n\r\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bodies),
		                            cmocka_unit_test(test_no_body),
		                            cmocka_unit_test(test_no_response),
		                            cmocka_unit_test(test_body_for_nobody),
		                            cmocka_unit_test(test_largest_head),
		                            cmocka_unit_test(test_reset),
		                            cmocka_unit_test(test_client_ends),
		                            cmocka_unit_test(test_nothing_after_a_bad_request) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
