// SPDX-License-Identifier: MIT
//
// Answers about a container's files: what docker's clients want in a field of the head comes as the
// first line of the stream, before the archive.
#include "apps/engine/engine.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

// Base64 of a document with two paths.
#define LINE_MAX (24u * 1024)
#define FIELD "X-Docker-Container-Path-Stat: "
#define TYPE "application/x-tar"

void archive_begin(struct call *call)
{
	if (!call->stream_open)
		return;
	call->line = heap_alloc(LINE_MAX);
	if (call->line == NULL)
		http_abort(call->exchange);
	else
		source_want_messages(&call->stream, true);
}

static bool is_base64(struct span line)
{
	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.data[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/' || c == '='))
			return false;
	}
	return true;
}

// The line is whole: it goes into the head.
static void answer(struct call *call)
{
	bool is_stat = call->operation == CONTAINERS_ARCHIVE_STAT;
	size_t size = call->line_len + sizeof(FIELD "\r\n");
	char *fields = heap_alloc(size);

	if (fields == NULL || !is_base64((struct span){ (uint8_t *)call->line, call->line_len })) {
		heap_free(fields);
		http_abort(call->exchange);
		return;
	}
	fmt_write(fields, size, FIELD "%.*s\r\n", (int)call->line_len, call->line);
	heap_free(call->line);
	call->line = NULL;
	call->has_begun = true;
	list_remove(&call->entry);
	reply_begin_fields(call->exchange, fields, TYPE, is_stat);
	heap_free(fields);
	if (is_stat)
		stream_free(call);
}

// Takes bytes up to the end of the line. Returns how many.
static size_t take(struct call *call, struct span bytes)
{
	const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
	size_t len = end != NULL ? (size_t)(end - bytes.data) : bytes.len;

	if (len > LINE_MAX - call->line_len) {
		http_abort(call->exchange);
		return bytes.len;
	}
	memcpy(call->line + call->line_len, bytes.data, len);
	call->line_len += len;
	if (end == NULL)
		return bytes.len;
	answer(call);
	return len + 1;
}

void archive_take(struct call *call, struct message *m)
{
	struct payload payload = { 0 };
	error_t err = 0;
	size_t taken;

	// When something is wrong a reply says so, and the stream breaks off. One that ends well
	// without a line has no answer.
	if (m->type == MSG_END)
		http_abort(call->exchange);
	if (m->type != MSG_DATA || payload_open(m, &payload) < 0) {
		message_discard(m);
		return;
	}
	taken = take(call, payload.bytes);
	if (call->stream_open && call->has_begun) {
		if (taken < payload.bytes.len)
			err = http_send(call->exchange, payload.bytes.data + taken,
			                payload.bytes.len - taken);
		if (err < 0)
			http_abort(call->exchange);
		else
			transfer_begin(call);
	}
	payload_release(&payload);
}
