// SPDX-License-Identifier: MIT
#include "apps/httpd/api/volumes.h"

#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define PIECE_BYTES (128u * 1024)
#define READ_FIELDS                                  \
	API_FIELDS                                   \
	"Content-Type: application/octet-stream\r\n" \
	"Content-Disposition: attachment\r\n"

// --- Out -----------------------------------------------------------------------------------------

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
		err = http_respond_fields(v->job.exchange, 200,
		                          (struct span){ (const uint8_t *)fields, strlen(fields) },
		                          true, info->size);
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
	error_t err = files_open(&v->job.httpd->volumes, v->path, FILE_READ, on_opened, v);

	if (err != 0)
		volume_refuse(v, err);
}

// --- In ------------------------------------------------------------------------------------------
//
// A file stays the same one, with its owner and mode. What it grows by is written first: a disk
// that is full is found out then, and the file is cut back to what it was.

static void write_on(struct volume_job *v);

static void on_cut_back(void *context, error_t err)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	(void)err;  // why it was cut back is told
	volume_refuse(v, v->failure);
	http_let_go(connection);
}

static void write_failed(struct volume_job *v, error_t err)
{
	v->failure = err;
	if (!v->grows || v->file == NULL ||
	    file_truncate(v->file, v->old_size, on_cut_back, v) != 0)
		volume_refuse(v, err);
}

static void on_written(void *context, error_t err, size_t count)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	v->offset += count;
	v->left -= count;
	if (err == 0 && count == 0)
		err = ERR_IO;
	if (err != 0)
		write_failed(v, err);
	else
		write_on(v);
	http_let_go(connection);
}

// All was written; what is left of the old content goes.
static void write_end(struct volume_job *v, size_t size)
{
	error_t err = 0;

	if (v->old_size <= size)
		volume_done(v, 0);
	else
		err = file_truncate(v->file, size, volume_done, v);
	if (err != 0)
		volume_refuse(v, err);
}

static void write_on(struct volume_job *v)
{
	struct span body = http_body(v->job.exchange);
	size_t len;
	error_t err;

	if (v->left == 0 && v->grows) {
		v->grows = false;
		v->offset = 0;
		v->left = v->old_size < body.len ? v->old_size : body.len;
	}
	if (v->file == NULL) {
		volume_refuse(v, ERR_PEER_CLOSED);
		return;
	}
	if (v->left == 0) {
		write_end(v, body.len);
		return;
	}
	len = v->left < FILES_PIECE_MAX ? (size_t)v->left : FILES_PIECE_MAX;
	err = file_write(v->file, v->offset, body.data + v->offset, len, on_written, v);
	if (err != 0)
		write_failed(v, err);
}

static void on_old_info(void *context, error_t err, const struct file_info *info)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);
	size_t len = http_body(v->job.exchange).len;

	if (err != 0) {
		volume_refuse(v, err);
	} else {
		v->old_size = info->size;
		v->grows = true;
		v->offset = info->size < len ? info->size : len;
		v->left = len - v->offset;
		write_on(v);
	}
	http_let_go(connection);
}

static void on_made(void *context, error_t err, struct file *file)
{
	struct volume_job *v = context;
	struct http_connection *connection = http_hold(v->job.exchange);

	v->file = file;
	if (err == 0)
		err = file_stat(file, on_old_info, v);
	if (err != 0)
		volume_refuse(v, err);
	http_let_go(connection);
}

void volume_write(struct volume_job *v)
{
	error_t err =
		files_open(&v->job.httpd->volumes, v->path, FILE_WRITE | FILE_CREATE, on_made, v);

	if (err != 0)
		volume_refuse(v, err);
}
