// SPDX-License-Identifier: MIT
//
// Bytes of a volume's file as an answer.
#include "apps/httpd/api/volumes.h"

#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define PIECE_BYTES (128u * 1024)
#define READ_FIELDS                                  \
	API_FIELDS                                   \
	"Content-Type: application/octet-stream\r\n" \
	"Content-Disposition: attachment\r\n"

static void send_piece(struct volume_job *v, error_t err, struct file_piece *piece)
{
	struct http_exchange *exchange = v->job.exchange;
	size_t len = piece->bytes.len;
	handle_t folio = piece->folio;

	v->reading = false;
	// Fewer than there were: the file has become shorter, and its length was told.
	if (err != 0 || len == 0) {
		http_abort(exchange);
		return;
	}
	piece->folio = HANDLE_NONE;
	v->offset += len;
	v->left -= len;
	err = folio == HANDLE_NONE ? http_send(exchange, piece->bytes.data, len)
				   : http_send_folio(exchange, folio, piece->offset, (uint32_t)len);
	if (err != 0)
		http_abort(exchange);
	else
		volume_read_on(v);
}

static void on_piece(void *context, error_t err, struct file_piece *piece)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	send_piece(v, err, piece);
	http_let_go(connection);
}

void volume_read_on(struct volume_job *v)
{
	uint32_t len = v->left < PIECE_BYTES ? (uint32_t)v->left : PIECE_BYTES;
	error_t err = ERR_PEER_CLOSED;

	if (!v->started || v->reading || v->left == 0 || !http_can_send(v->job.exchange))
		return;
	if (v->file != NULL)
		err = file_read_piece(v->file, v->offset, len, on_piece, v);
	if (err != 0)
		http_abort(v->job.exchange);
	else
		v->reading = true;
}

static void on_info(void *context, error_t err, const struct file_info *info)
{
	static const char fields[] = READ_FIELDS;
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	if (err != 0) {
		volume_refuse(v, err);
	} else {
		v->left = info->size;
		v->started = true;
		err = http_respond_fields(v->job.exchange, 200, text_span(fields), true,
		                          info->size);
		if (err != 0)
			http_abort(v->job.exchange);
		else
			volume_read_on(v);
	}
	http_let_go(connection);
}

static void on_opened(void *context, error_t err, struct file *file)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	v->file = file;
	if (err == 0)
		err = file_stat(file, on_info, v);
	if (err != 0)
		volume_refuse(v, err);
	http_let_go(connection);
}

void volume_read(struct volume_job *v)
{
	error_t err = files_open(&v->place->files, v->inner, FILE_READ, on_opened, v);

	if (err != 0)
		volume_refuse(v, err);
}
