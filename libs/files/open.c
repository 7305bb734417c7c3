// SPDX-License-Identifier: MIT
//
// Opening and closing a file. An operation that is cancelled opens it all the same, and closes it.
#include "libs/base/string.h"
#include "libs/files/internal.h"
#include "libs/starina/alloc.h"

#define FILE_MODE 0644u
#define UMASK 022u
#define FLAGS (FILE_READ | FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE | FILE_TRUNCATE | FILE_APPEND)

struct open_op {
	struct walk walk;
	files_open_fn done;
	struct file *file;
	uint32_t flags;
};

// --- Closing -------------------------------------------------------------------------------------

void file_free(struct file *file)
{
	list_remove(&file->entry);
	if (file->node != NULL)
		node_forget(file->files, file->node);
	heap_free(file);
}

static void release_answered(struct request *request, error_t err, struct reply *reply)
{
	(void)err;
	(void)reply;
	file_free(container_of(request, struct file, release));
}

// The provider forgets the handle after all that used it.
static void file_release(struct file *file)
{
	struct fuse_release_in in = { .fh = file->fh };
	struct span part = PART(in);

	file->release.answered = release_answered;
	if (!file->has_fh ||
	    request_send(file->files, &file->release, FUSE_RELEASE, file->node->id, &part, 1) < 0)
		file_free(file);
}

void file_unuse(struct file *file)
{
	if (--file->pending == 0 && file->closed)
		file_release(file);
}

void file_close(struct file *file)
{
	if (file == NULL)
		return;
	list_for_each(entry, &file->files->operations) {
		struct operation *op = container_of(entry, struct operation, entry);

		if (op->file == file)
			op->cancelled = true;
	}
	file->closed = true;
	if (file->pending == 0)
		file_release(file);
}

// --- Opening -------------------------------------------------------------------------------------

static void open_finish(struct open_op *op, error_t err)
{
	files_open_fn done = op->done;
	void *context = op->walk.op.context;
	bool cancelled = op->walk.op.cancelled;
	struct file *file = op->file;

	walk_end(&op->walk);
	if (err < 0 || cancelled) {
		file_close(file);
		file = NULL;
	}
	if (!cancelled)
		done(context, err, file);
}

static void open_failed(struct walk *walk, error_t err)
{
	open_finish(container_of(walk, struct open_op, walk), err);
}

static void truncated(struct request *request, error_t err, struct reply *reply)
{
	(void)reply;
	open_finish(container_of(request, struct open_op, walk.op.request), err);
}

// The file is open at the provider: what is left is to make it empty.
static void open_answered(struct open_op *op, error_t err, struct reply *reply)
{
	struct fuse_open_out out = { 0 };

	if (err == 0)
		err = reply_take(reply, &out, sizeof(out));
	if (err == 0) {
		struct fuse_setattr_in in = { .valid = FATTR_SIZE | FATTR_FH, .fh = out.fh };
		struct span part = PART(in);

		op->file->fh = out.fh;
		op->file->has_fh = true;
		if ((op->flags & FILE_TRUNCATE) != 0) {
			op->walk.op.request.answered = truncated;
			err = request_send(op->walk.op.files, &op->walk.op.request, FUSE_SETATTR,
			                   op->file->node->id, &part, 1);
			if (err == 0)
				return;
		}
	}
	open_finish(op, err);
}

static void existing_answered(struct request *request, error_t err, struct reply *reply)
{
	open_answered(container_of(request, struct open_op, walk.op.request), err, reply);
}

static void created_answered(struct request *request, error_t err, struct reply *reply)
{
	struct open_op *op = container_of(request, struct open_op, walk.op.request);
	struct fuse_entry_out entry;

	if (err == 0)
		err = reply_take(reply, &entry, sizeof(entry));
	if (err == 0 &&
	    (entry.nodeid <= FUSE_ROOT_ID || (entry.attr.mode & MODE_TYPE) != MODE_FILE))
		err = ERR_PROTOCOL;
	if (err == 0) {
		op->file->node = op->walk.found;
		op->walk.found = NULL;
		*op->file->node = (struct node){ .id = entry.nodeid, .mode = entry.attr.mode };
	}
	open_answered(op, err, reply);
}

static uint32_t linux_flags(uint32_t flags)
{
	uint32_t out = (flags & FILE_WRITE) == 0 ? 0 : (flags & FILE_READ) != 0 ? O_RDWR : O_WRONLY;

	return out | ((flags & FILE_APPEND) != 0 ? O_APPEND : 0);
}

static error_t open_create(struct walk *walk, struct open_op *op)
{
	struct fuse_create_in in = { .flags = linux_flags(op->flags) | O_CREAT,
		                     .mode = MODE_FILE | FILE_MODE,
		                     .umask = UMASK };
	struct span parts[] = { PART(in),
		                { .data = (const uint8_t *)walk->name,
		                  .len = strlen(walk->name) + 1 } };

	if (walk->must_be_folder)
		return ERR_IS_FOLDER;
	if ((op->flags & FILE_EXCLUSIVE) != 0)
		in.flags |= O_EXCL;
	if (walk->found == NULL)
		walk->found = heap_alloc(sizeof(*walk->found));
	if (walk->found == NULL)
		return ERR_NO_MEMORY;
	walk->op.request.answered = created_answered;
	return request_send(walk->op.files, &walk->op.request, FUSE_CREATE, walk_node(walk), parts,
	                    2);
}

static error_t open_arrived(struct walk *walk)
{
	struct open_op *op = container_of(walk, struct open_op, walk);
	struct fuse_open_in in = { .flags = linux_flags(op->flags) };
	struct span part = PART(in);
	struct node *node;

	if (walk->at_parent)
		return open_create(walk, op);
	if (walk_is_folder(walk))
		return ERR_IS_FOLDER;
	node = walk_take(walk);
	op->file->node = node;
	if ((node->mode & MODE_TYPE) != MODE_FILE)
		return ERR_NOT_SUPPORTED;
	walk->op.request.answered = existing_answered;
	return request_send(walk->op.files, &walk->op.request, FUSE_OPEN, node->id, &part, 1);
}

static enum walk_mode open_mode(uint32_t flags)
{
	if ((flags & FILE_CREATE) == 0)
		return WALK_FOLLOW;
	return (flags & FILE_EXCLUSIVE) != 0 ? WALK_PARENT : WALK_CREATE;
}

error_t files_open(struct files *files, const char *path, uint32_t flags, files_open_fn done,
                   void *context)
{
	struct open_op *op = NULL;
	struct file *file;
	void *memory = NULL;
	error_t err;

	if ((flags & ~FLAGS) != 0 || (flags & (FILE_READ | FILE_WRITE)) == 0 ||
	    ((flags & FILE_WRITE) == 0 && (flags & (FILE_CREATE | FILE_TRUNCATE)) != 0))
		return ERR_INVALID;
	err = walk_begin(files, path, open_mode(flags), sizeof(*op), context, &memory);
	if (err < 0)
		return err;
	op = memory;
	file = heap_alloc(sizeof(*file));
	if (file == NULL) {
		walk_end(&op->walk);
		return ERR_NO_MEMORY;
	}
	file->files = files;
	file->flags = flags;
	list_push_back(&files->files, &file->entry);
	op->file = file;
	op->done = done;
	op->flags = flags;
	op->walk.arrived = open_arrived;
	op->walk.failed = open_failed;
	err = walk_start(&op->walk);
	if (err < 0)
		file_free(file);
	return err;
}
