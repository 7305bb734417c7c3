// SPDX-License-Identifier: MIT
#include "apps/shell/request.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define HTTPD_URI "tcp:127.0.0.1:80"
#define HEAD_FORMAT                                                                               \
	"%s /api/v1%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer " \
	"%s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n"
#define HEAD_ROOM 512u           // for what is not the path
#define PIECE_BYTES (64 * 1024)  // of one message

void request_stop(struct request *request)
{
	opener_stop(&request->opener);
	if (request->is_open)
		loop_close(request->loop, &request->connection);
	heap_free(request->text);
	heap_free(request->content);
	request->text = NULL;
	request->content = NULL;
	request->is_open = request->is_busy = false;
}

static void end(struct request *request, const char *error)
{
	request_stop(request);
	request->ops->done(request, error);
}

// --- The answer ----------------------------------------------------------------------------------

// {"error":{"message":"..."}}
static void refusal_end(struct request *request)
{
	struct json_reader r = json_reader_make(
		(struct span){ .data = request->error, .len = request->error_len });
	struct span key;
	char *why = NULL;
	char text[64];

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (why == NULL && span_is(key, "error"))
			why = json_take_member(&r, "message");
		else
			json_skip(&r);
	}
	fmt_write(text, sizeof(text), "the system answers with status %u",
	          request->response.status);
	end(request, why != NULL ? why : text);
	heap_free(why);
}

// All of it came, or all that comes.
static void answer_end(struct request *request, bool is_whole)
{
	if (request->has_head && request->response.status >= 400)
		refusal_end(request);
	else
		end(request, is_whole ? "" : "the answer broke off");
}

static void body_take(struct request *request, struct span bytes)
{
	size_t room = sizeof(request->error) - request->error_len;
	size_t take = bytes.len < room ? bytes.len : room;

	if (bytes.len == 0)
		return;
	if (request->response.status < 400) {
		request->ops->body(request, bytes);
		return;
	}
	memcpy(request->error + request->error_len, bytes.data, take);
	request->error_len += take;
}

// Takes a piece of the body; ends the request with the last one, or with one that is none.
static void body_decode(struct request *request, struct span bytes)
{
	struct span piece = bytes;

	if (!request->response.chunked) {
		if (request->response.has_length && piece.len > request->left)
			piece.len = (size_t)request->left;
		request->left -= piece.len;
		body_take(request, piece);
		if (request->is_busy && request->response.has_length && request->left == 0)
			answer_end(request, true);
		return;
	}
	while (request->is_busy && bytes.len > 0) {
		if (http_chunked_take(&request->chunks, &bytes, &piece) != 0) {
			answer_end(request, false);
			return;
		}
		body_take(request, piece);
		if (request->is_busy && request->chunks.state == HTTP_CHUNK_END) {
			answer_end(request, true);
			return;
		}
	}
}

// Takes bytes of the head; `bytes` is what is behind it. Returns false when it is not whole yet, or
// the request has ended.
static bool head_take(struct request *request, struct span *bytes)
{
	size_t before = request->head_len, room = sizeof(request->head) - before;
	size_t take = bytes->len < room ? bytes->len : room, length;

	memcpy(request->head + before, bytes->data, take);
	length = http_head_length((struct span){ .data = request->head, .len = before + take },
	                          before > 3 ? before - 3 : 0);
	if (length == 0) {
		request->head_len = before + take;
		if (request->head_len == sizeof(request->head))
			answer_end(request, false);
		return false;
	}
	if (http_response_parse((struct span){ .data = request->head, .len = length },
	                        &request->response) != 0) {
		answer_end(request, false);
		return false;
	}
	request->has_head = true;
	request->left = request->response.has_length ? request->response.content_length : 0;
	*bytes = (struct span){ .data = bytes->data + (length - before),
		                .len = bytes->len - (length - before) };
	if (request->response.status == 204) {
		answer_end(request, true);
		return false;
	}
	return true;
}

static void connection_message(struct loop *loop, struct source *source, struct message *m)
{
	struct request *request = source->context;
	struct payload payload;

	(void)loop;
	if (m->type == MSG_DATA && payload_open(m, &payload) == 0) {
		struct span bytes = payload.bytes;

		if (request->has_head || head_take(request, &bytes))
			body_decode(request, bytes);
		payload_release(&payload);
		return;
	}
	message_discard(m);
	if (m->type == MSG_END || m->type == MSG_ABORT)
		answer_end(request,
		           m->type == MSG_END && request->has_head && !request->response.chunked &&
		                   !request->response.has_length);
}

static void connection_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	answer_end(source->context, false);
}

// --- The request ---------------------------------------------------------------------------------

// What is to be sent next.
static struct span unsent(const struct request *request)
{
	size_t head = strlen(request->text), done = request->sent;
	struct span rest = { (const uint8_t *)request->text + done, head - done };

	if (done >= head)
		rest = (struct span){ request->content + (done - head),
			              head + request->content_len - done };
	if (rest.len > PIECE_BYTES)
		rest.len = PIECE_BYTES;
	return rest;
}

static error_t piece_send(struct request *request, struct span piece)
{
	struct message m;
	error_t err = payload_make(&m, piece.data, piece.len);

	if (err != 0)
		return err;
	err = channel_send(request->connection.handle, &m);
	if (err != 0)
		message_discard(&m);
	return err;
}

// Sends what there is room for.
static void send_on(struct request *request)
{
	struct span piece;
	error_t err = 0;

	while (err == 0 && (piece = unsent(request)).len > 0) {
		err = piece_send(request, piece);
		request->sent += err == 0 ? piece.len : 0;
	}
	source_want_writable(&request->connection, err == ERR_FULL);
	// An answer may have come before all was sent, and the end comes behind it.
	if (err != 0 && err != ERR_FULL && err != ERR_PEER_CLOSED)
		end(request, "out of memory");
}

static void connection_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	send_on(source->context);
}

static const struct source_ops connection_ops = { .message = connection_message,
	                                          .writable = connection_writable,
	                                          .closed = connection_closed };

static void opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct request *request = opener->context;

	(void)text;
	if (channel == HANDLE_NONE) {
		end(request, "httpd does not answer");
		return;
	}
	error = loop_add(request->loop, &request->connection, channel, &connection_ops, request);
	if (error != 0) {
		handle_close(channel);
		end(request, "out of memory");
		return;
	}
	request->is_open = true;
	send_on(request);
}

void request_start(struct request *request, const char *method, const char *path, uint8_t *content,
                   size_t len)
{
	bool is_bytes = strcmp(method, "PUT") == 0;
	size_t size = strlen(path) + HEAD_ROOM;

	request->is_busy = true;
	request->has_head = false;
	request->head_len = request->error_len = request->sent = 0;
	request->chunks = (struct http_chunked){ 0 };
	request->content = content;
	request->content_len = len;
	request->text = heap_alloc(size);
	if (request->text == NULL) {
		end(request, "out of memory");
		return;
	}
	fmt_write(request->text, size, HEAD_FORMAT, method, path, request->token,
	          is_bytes ? "application/octet-stream" : "application/json", len);
	opener_start(&request->opener, request->loop, request->tcpip, HTTPD_URI, opened, request);
}

bool path_add(char *path, size_t size, const char *text)
{
	size_t len = strlen(path);

	for (; *text != '\0'; text++) {
		char c = *text;
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';

		if (size - len < 4)
			return false;
		len += fmt_write(path + len, size - len, is_plain ? "%c" : "%%%02X", (uint8_t)c);
	}
	return true;
}
