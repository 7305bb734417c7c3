// SPDX-License-Identifier: MIT
//
// Operations of an open file: one request each.
#include "libs/files/internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

struct file_op {
	struct operation op;
	files_done_fn done;
	files_info_fn info;
	files_piece_fn piece;
	files_count_fn count;
	files_space_fn space;
	uint32_t len;
};

static error_t file_begin(struct file *file, void *context, struct file_op **out)
{
	void *memory = NULL;
	error_t err = operation_begin(file->files, file, sizeof(**out), context, &memory);

	if (err == 0)
		*out = memory;
	return err;
}

// Sends the operation's request, or ends it.
static error_t op_send(struct file_op *op, uint32_t opcode, uint64_t node, struct span part)
{
	error_t err = request_send(op->op.files, &op->op.request, opcode, node, &part, 1);

	if (err != 0)
		operation_end(&op->op);
	return err;
}

static void done_answered(struct request *request, error_t err, struct reply *reply)
{
	struct file_op *op = container_of(request, struct file_op, op.request);
	files_done_fn done = op->done;
	void *context = op->op.context;
	bool cancelled = op->op.cancelled;

	(void)reply;
	operation_end(&op->op);
	if (!cancelled)
		done(context, err);
}

static error_t send_done(struct file *file, uint32_t opcode, struct span part, files_done_fn done,
                         void *context)
{
	struct file_op *op = NULL;
	error_t err = file_begin(file, context, &op);

	if (err != 0)
		return err;
	op->done = done;
	op->op.request.answered = done_answered;
	return op_send(op, opcode, file->node->id, part);
}

error_t file_truncate(struct file *file, uint64_t size, files_done_fn done, void *context)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE | FATTR_FH,
		                      .fh = file->fh,
		                      .size = size };

	return send_done(file, FUSE_SETATTR, PART(in), done, context);
}

error_t file_set_access(struct file *file, uint32_t mode, uint32_t uid, uint32_t gid,
                        files_done_fn done, void *context)
{
	struct fuse_setattr_in in = { .valid = FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_FH,
		                      .fh = file->fh,
		                      .mode = mode,
		                      .uid = uid,
		                      .gid = gid };

	return send_done(file, FUSE_SETATTR, PART(in), done, context);
}

error_t file_sync(struct file *file, files_done_fn done, void *context)
{
	struct fuse_fsync_in in = { .fh = file->fh };

	return send_done(file, FUSE_FSYNC, PART(in), done, context);
}

static void stat_answered(struct request *request, error_t err, struct reply *reply)
{
	struct file_op *op = container_of(request, struct file_op, op.request);
	files_info_fn done = op->info;
	void *context = op->op.context;
	bool cancelled = op->op.cancelled;
	struct fuse_attr_out out;
	struct file_info info;

	if (err == 0)
		err = reply_take(reply, &out, sizeof(out));
	if (err == 0)
		info_from_attr(&out.attr, &info);
	operation_end(&op->op);
	if (!cancelled)
		done(context, err, err == 0 ? &info : NULL);
}

error_t file_stat(struct file *file, files_info_fn done, void *context)
{
	struct fuse_getattr_in in = { 0 };
	struct file_op *op = NULL;
	error_t err = file_begin(file, context, &op);

	if (err != 0)
		return err;
	op->info = done;
	op->op.request.answered = stat_answered;
	return op_send(op, FUSE_GETATTR, file->node->id, PART(in));
}

// --- Pieces that are not copied ------------------------------------------------------------------

static void piece_answered(struct request *request, error_t err, struct reply *reply)
{
	struct file_op *op = container_of(request, struct file_op, op.request);
	files_piece_fn done = op->piece;
	void *context = op->op.context;
	bool cancelled = op->op.cancelled;
	struct file_piece piece = { 0 };

	if (err == 0 && reply->body.len > op->len)
		err = ERR_PROTOCOL;
	operation_end(&op->op);
	if (cancelled)
		return;
	if (err == 0) {
		piece = (struct file_piece){ .bytes = reply->body, .offset = reply->offset };
		if (reply->payload != NULL) {
			piece.folio = reply->payload->folio;
			reply->payload->folio = HANDLE_NONE;
		}
	}
	done(context, err, err == 0 ? &piece : NULL);
	if (piece.folio != HANDLE_NONE)
		handle_close(piece.folio);
}

error_t file_read_piece(struct file *file, uint64_t offset, uint32_t len, files_piece_fn done,
                        void *context)
{
	struct fuse_read_in in = { .fh = file->fh, .offset = offset, .size = len };
	struct file_op *op = NULL;
	error_t err;

	if (len > FILES_PIECE_MAX)
		return ERR_RANGE;
	err = file_begin(file, context, &op);
	if (err != 0)
		return err;
	op->piece = done;
	op->len = len;
	op->op.request.answered = piece_answered;
	return op_send(op, FUSE_READ, file->node->id, PART(in));
}

static void written_answered(struct request *request, error_t err, struct reply *reply)
{
	struct file_op *op = container_of(request, struct file_op, op.request);
	files_count_fn done = op->count;
	void *context = op->op.context;
	bool cancelled = op->op.cancelled;
	struct fuse_write_out out = { 0 };

	if (err == 0)
		err = reply_take(reply, &out, sizeof(out));
	if (err == 0 && out.size > op->len)
		err = ERR_PROTOCOL;
	operation_end(&op->op);
	if (!cancelled)
		done(context, err, err == 0 ? out.size : 0);
}

error_t file_write_folio(struct file *file, uint64_t offset, handle_t folio, uint32_t start,
                         uint32_t len, files_count_fn done, void *context)
{
	struct fuse_write_in in = { .fh = file->fh, .offset = offset, .size = len };
	struct file_op *op = NULL;
	error_t err;

	if (len == 0 || len > FILES_PIECE_MAX || start % 8 != 0 || start < FILES_WRITE_ROOM)
		return ERR_RANGE;
	err = file_begin(file, context, &op);
	if (err != 0)
		return err;
	if ((file->flags & FILE_APPEND) != 0)
		in.flags = O_APPEND;
	op->count = done;
	op->len = len;
	op->op.request.answered = written_answered;
	err = request_send_folio(file->files, &op->op.request, FUSE_WRITE, file->node->id, PART(in),
	                         folio, start, len);
	if (err != 0)
		operation_end(&op->op);
	return err;
}

// --- The whole share -----------------------------------------------------------------------------

static error_t share_begin(struct files *files, void *context, struct file_op **out)
{
	void *memory = NULL;
	error_t err = operation_begin(files, NULL, sizeof(**out), context, &memory);

	if (err == 0)
		*out = memory;
	return err;
}

static uint64_t times(uint64_t blocks, uint64_t size)
{
	uint64_t bytes;

	return __builtin_mul_overflow(blocks, size, &bytes) ? UINT64_MAX : bytes;
}

static void space_answered(struct request *request, error_t err, struct reply *reply)
{
	struct file_op *op = container_of(request, struct file_op, op.request);
	files_space_fn done = op->space;
	void *context = op->op.context;
	bool cancelled = op->op.cancelled;
	struct file_space space = { 0 };
	struct fuse_kstatfs out;

	if (err == 0)
		err = reply_take(reply, &out, sizeof(out));
	if (err == 0) {
		uint64_t size = out.frsize != 0 ? out.frsize : out.bsize;

		space = (struct file_space){ .total = times(out.blocks, size),
			                     .free = times(out.bavail, size),
			                     .free_files = out.ffree };
	}
	operation_end(&op->op);
	if (!cancelled)
		done(context, err, err == 0 ? &space : NULL);
}

error_t files_space(struct files *files, files_space_fn done, void *context)
{
	struct file_op *op = NULL;
	error_t err = share_begin(files, context, &op);

	if (err != 0)
		return err;
	op->space = done;
	op->op.request.answered = space_answered;
	return op_send(op, FUSE_STATFS, FUSE_ROOT_ID, (struct span){ 0 });
}

static error_t share_send(struct files *files, uint32_t opcode, struct span body,
                          files_done_fn done, void *context)
{
	struct file_op *op = NULL;
	error_t err = share_begin(files, context, &op);

	if (err != 0)
		return err;
	op->done = done;
	op->op.request.answered = done_answered;
	return op_send(op, opcode, FUSE_ROOT_ID, body);
}

error_t files_sync(struct files *files, files_done_fn done, void *context)
{
	uint64_t padding = 0;

	return share_send(files, FUSE_SYNCFS, PART(padding), done, context);
}

error_t files_finish(struct files *files, files_done_fn done, void *context)
{
	return share_send(files, FUSE_DESTROY, (struct span){ 0 }, done, context);
}
