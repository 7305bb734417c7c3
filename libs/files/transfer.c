// SPDX-License-Identifier: MIT
//
// Reads and writes of any length: as pieces, some of which are under way at a time.
#include "libs/base/string.h"
#include "libs/files/internal.h"
#include "libs/starina/alloc.h"

#define MAX_PIECES 4u

struct piece {
	struct request request;
	struct transfer *transfer;
	bool busy;
	size_t at;  // in the buffer
	uint32_t len;
};

struct transfer {
	struct operation op;
	files_count_fn done;
	uint8_t *buffer;       // to read into
	const uint8_t *bytes;  // to write
	uint64_t offset;       // in the file
	size_t len;
	size_t next;  // what was not asked for yet
	size_t end;   // where it ends, because of the file's end or an error
	error_t error;
	uint32_t num_busy;
	struct piece pieces[MAX_PIECES];
};

// At `at` it came to an end, unless it did before that.
static void cut(struct transfer *t, size_t at, error_t error)
{
	if (at > t->end || (at == t->end && t->error < 0))
		return;
	t->end = at;
	t->error = error;
}

static error_t send_read(struct transfer *t, struct piece *piece)
{
	struct fuse_read_in in = { .fh = t->op.file->fh,
		                   .offset = t->offset + piece->at,
		                   .size = piece->len };
	struct span part = PART(in);

	return request_send(t->op.files, &piece->request, FUSE_READ, t->op.file->node->id, &part,
	                    1);
}

static error_t send_write(struct transfer *t, struct piece *piece)
{
	struct fuse_write_in in = { .fh = t->op.file->fh,
		                    .offset = t->offset + piece->at,
		                    .size = piece->len };
	struct span parts[] = { PART(in), { .data = t->bytes + piece->at, .len = piece->len } };

	if ((t->op.file->flags & FILE_APPEND) != 0)
		in.flags = O_APPEND;
	return request_send(t->op.files, &piece->request, FUSE_WRITE, t->op.file->node->id, parts,
	                    2);
}

static void piece_send(struct transfer *t, struct piece *piece)
{
	error_t err = t->buffer != NULL ? send_read(t, piece) : send_write(t, piece);

	piece->busy = err == 0;
	if (err == 0)
		t->num_busy++;
	else
		cut(t, piece->at, err);
}

// What is appended has to come in its order.
static uint32_t max_pieces(const struct transfer *t)
{
	return (t->op.file->flags & FILE_APPEND) != 0 && t->buffer == NULL ? 1 : MAX_PIECES;
}

static uint32_t piece_max(const struct transfer *t)
{
	return t->buffer != NULL ? FILES_PIECE_MAX : t->op.files->max_write;
}

// Asks for as much as may be under way.
static void go_on(struct transfer *t)
{
	for (uint32_t i = 0; i < max_pieces(t); i++) {
		struct piece *piece = &t->pieces[i];
		size_t left = t->end > t->next ? t->end - t->next : 0;

		if (piece->busy || left == 0 || t->op.cancelled)
			continue;
		piece->at = t->next;
		piece->len = left < piece_max(t) ? (uint32_t)left : piece_max(t);
		t->next += piece->len;
		piece_send(t, piece);
	}
}

static void transfer_end(struct transfer *t)
{
	files_count_fn done = t->done;
	void *context = t->op.context;
	bool cancelled = t->op.cancelled;
	error_t error = t->error;
	size_t count = t->end;

	operation_end(&t->op);
	if (!cancelled)
		done(context, error, count);
}

static void continue_or_end(struct transfer *t)
{
	go_on(t);
	if (t->num_busy == 0)
		transfer_end(t);
}

static struct transfer *piece_done(struct request *request, struct piece **piece)
{
	*piece = container_of(request, struct piece, request);
	(*piece)->busy = false;
	(*piece)->transfer->num_busy--;
	return (*piece)->transfer;
}

static void read_answered(struct request *request, error_t err, struct reply *reply)
{
	struct piece *piece;
	struct transfer *t = piece_done(request, &piece);

	if (err == 0 && reply->body.len > piece->len)
		err = ERR_PROTOCOL;
	if (err < 0) {
		cut(t, piece->at, err);
	} else if (!t->op.cancelled) {
		if (reply->body.len > 0)
			memcpy(t->buffer + piece->at, reply->body.data, reply->body.len);
		if (reply->body.len < piece->len)
			cut(t, piece->at + reply->body.len, 0);
	}
	continue_or_end(t);
}

static void write_answered(struct request *request, error_t err, struct reply *reply)
{
	struct piece *piece;
	struct transfer *t = piece_done(request, &piece);
	struct fuse_write_out out = { 0 };

	if (err == 0)
		err = reply_take(reply, &out, sizeof(out));
	if (err == 0 && out.size > piece->len)
		err = ERR_PROTOCOL;
	if (err == 0 && out.size == 0 && piece->len > 0)
		err = ERR_IO;
	piece->at += err == 0 ? out.size : 0;
	piece->len -= err == 0 ? out.size : 0;
	if (err < 0)
		cut(t, piece->at, err);
	else if (piece->len > 0 && !t->op.cancelled && piece->at < t->end)
		piece_send(t, piece);
	continue_or_end(t);
}

static error_t transfer_begin(struct file *file, uint64_t offset, size_t len, files_count_fn done,
                              void *context, struct transfer **out)
{
	struct transfer *t = NULL;
	void *memory = NULL;
	error_t err;

	if (len > INT64_MAX || offset > INT64_MAX - len)
		return ERR_RANGE;
	err = operation_begin(file->files, file, sizeof(*t), context, &memory);
	if (err < 0)
		return err;
	t = memory;
	t->done = done;
	t->offset = offset;
	t->len = len;
	t->end = len;
	for (size_t i = 0; i < MAX_PIECES; i++)
		t->pieces[i].transfer = t;
	*out = t;
	return 0;
}

// Sends the first pieces. Of nothing, one is asked for all the same, so that the end comes from the
// loop.
static error_t transfer_start(struct transfer *t)
{
	error_t err;

	if (t->len == 0)
		piece_send(t, &t->pieces[0]);
	go_on(t);
	if (t->num_busy > 0)
		return 0;
	err = t->error;
	operation_end(&t->op);
	return err;
}

error_t file_read(struct file *file, uint64_t offset, void *buffer, size_t len, files_count_fn done,
                  void *context)
{
	struct transfer *t = NULL;
	error_t err = transfer_begin(file, offset, len, done, context, &t);

	if (err < 0)
		return err;
	t->buffer = buffer;
	for (size_t i = 0; i < MAX_PIECES; i++)
		t->pieces[i].request.answered = read_answered;
	return transfer_start(t);
}

error_t file_write(struct file *file, uint64_t offset, const void *bytes, size_t len,
                   files_count_fn done, void *context)
{
	struct transfer *t = NULL;
	error_t err = transfer_begin(file, offset, len, done, context, &t);

	if (err < 0)
		return err;
	t->bytes = bytes;
	for (size_t i = 0; i < MAX_PIECES; i++)
		t->pieces[i].request.answered = write_answered;
	return transfer_start(t);
}
