// SPDX-License-Identifier: MIT
//
// Listing a folder: entries with what a lookup of each would say, as many requests as it takes.
// Each entry's node is forgotten at once.
#include "libs/base/string.h"
#include "libs/files/internal.h"
#include "libs/starina/alloc.h"

#define LIST_BYTES (32u * 1024)
// Linux's DT_*.
#define DT_DIR 4u
#define DT_REG 8u
#define DT_LNK 10u

struct list_op {
	struct walk walk;
	files_entry_fn each;
	files_done_fn done;
	struct node *folder;  // NULL: the root
	uint64_t fh;
	uint64_t offset;  // where the next entries are
	uint64_t mark;    // an offset of before
	uint64_t num_asked;
	bool plain;  // the provider does not know READDIRPLUS
	error_t error;
	struct file_entry entry;
};

static void list_finish(struct list_op *op, error_t err)
{
	files_done_fn done = op->done;
	void *context = op->walk.op.context;
	bool cancelled = op->walk.op.cancelled;

	if (op->folder != NULL)
		node_forget(op->walk.op.files, op->folder);
	walk_end(&op->walk);
	if (!cancelled)
		done(context, err);
}

static void list_failed(struct walk *walk, error_t err)
{
	list_finish(container_of(walk, struct list_op, walk), err);
}

static error_t list_send(struct list_op *op, uint32_t opcode, struct span part,
                         void (*answered)(struct request *request, error_t err,
                                          struct reply *reply))
{
	struct operation *o = &op->walk.op;

	o->request.answered = answered;
	return request_send(o->files, &o->request, opcode,
	                    op->folder == NULL ? FUSE_ROOT_ID : op->folder->id, &part, 1);
}

static void released(struct request *request, error_t err, struct reply *reply)
{
	struct list_op *op = container_of(request, struct list_op, walk.op.request);

	(void)err;
	(void)reply;
	list_finish(op, op->error);
}

static void list_close(struct list_op *op, error_t err)
{
	struct fuse_release_in in = { .fh = op->fh };

	op->error = err;
	if (op->walk.op.files == NULL || list_send(op, FUSE_RELEASEDIR, PART(in), released) < 0)
		list_finish(op, err);
}

// --- Entries -------------------------------------------------------------------------------------

static enum file_type entry_type(uint32_t type)
{
	return type == DT_REG    ? FILE_TYPE_FILE
		: type == DT_DIR ? FILE_TYPE_FOLDER
		: type == DT_LNK ? FILE_TYPE_LINK
				 : FILE_TYPE_OTHER;
}

static bool is_name(const char *name, size_t len)
{
	return memchr(name, 0, len) == NULL && memchr(name, '/', len) == NULL &&
		strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void forget_entry(struct list_op *op, uint64_t id)
{
	struct node *node = heap_alloc(sizeof(*node));

	// Without memory, the provider keeps it until the session ends.
	if (node == NULL)
		return;
	node->id = id;
	node_forget(op->walk.op.files, node);
}

// Takes one entry of the reply. Errors: ERR_PROTOCOL.
static error_t take_entry(struct list_op *op, struct reply *reply)
{
	struct file_entry *entry = &op->entry;
	struct fuse_direntplus in = { 0 };
	size_t padding;
	uint8_t zeros[8];
	error_t err;

	*entry = (struct file_entry){ 0 };
	err = op->plain ? reply_take(reply, &in.dirent, sizeof(in.dirent))
			: reply_take(reply, &in, sizeof(in));
	if (err < 0)
		return err;
	if (in.dirent.namelen == 0 || in.dirent.namelen > FILES_NAME_MAX)
		return ERR_PROTOCOL;
	err = reply_take(reply, entry->name, in.dirent.namelen);
	padding = FUSE_DIRENT_ALIGN(in.dirent.namelen) - in.dirent.namelen;
	if (padding > reply->body.len)
		padding = reply->body.len;
	if (err == 0)
		err = reply_take(reply, zeros, padding);
	if (err < 0)
		return err;
	op->offset = in.dirent.off;
	entry->type = entry_type(in.dirent.type);
	if (in.entry_out.nodeid > FUSE_ROOT_ID) {
		forget_entry(op, in.entry_out.nodeid);
		info_from_attr(&in.entry_out.attr, &entry->info);
		entry->has_info = true;
		entry->type = entry->info.type;
	}
	return 0;
}

static void entries_answered(struct request *request, error_t err, struct reply *reply);

static error_t ask(struct list_op *op)
{
	struct fuse_read_in in = { .fh = op->fh, .offset = op->offset, .size = LIST_BYTES };

	// A provider that comes to the same place again would go on for ever. By Brent's method:
	// the place after each power of two is the one that is compared.
	if (op->num_asked > 0 && op->offset == op->mark)
		return ERR_PROTOCOL;
	if ((op->num_asked & (op->num_asked - 1)) == 0)
		op->mark = op->offset;
	op->num_asked++;
	return list_send(op, op->plain ? FUSE_READDIR : FUSE_READDIRPLUS, PART(in),
	                 entries_answered);
}

static void list_go_on(struct operation *o)
{
	struct list_op *op = container_of(o, struct list_op, walk.op);
	error_t err = o->cancelled ? 0 : ask(op);

	if (o->cancelled || err < 0)
		list_close(op, err);
}

static void entries_answered(struct request *request, error_t err, struct reply *reply)
{
	struct list_op *op = container_of(request, struct list_op, walk.op.request);
	struct operation *o = &op->walk.op;
	bool end = err == 0 && reply->body.len == 0;

	if (err < 0 && request->number == LINUX_ENOSYS && !op->plain) {
		op->plain = true;
		op->num_asked = 0;
		err = 0;
	} else {
		while (err == 0 && o->files != NULL && reply->body.len > 0) {
			err = take_entry(op, reply);
			if (err == 0 && !o->cancelled &&
			    is_name(op->entry.name, strlen(op->entry.name)))
				op->each(o->context, &op->entry);
		}
	}
	if (end || err < 0)
		list_close(op, err);
	else if (o->paused && !o->cancelled)
		o->resume = list_go_on;
	else
		list_go_on(o);
}

// --- Opening -------------------------------------------------------------------------------------

static void opened(struct request *request, error_t err, struct reply *reply)
{
	struct list_op *op = container_of(request, struct list_op, walk.op.request);
	struct fuse_open_out out = { 0 };

	if (err == 0)
		err = reply_take(reply, &out, sizeof(out));
	if (err < 0) {
		list_finish(op, err);
		return;
	}
	op->fh = out.fh;
	err = ask(op);
	if (err < 0)
		list_close(op, err);
}

static error_t list_arrived(struct walk *walk)
{
	struct list_op *op = container_of(walk, struct list_op, walk);
	struct fuse_open_in in = { .flags = O_DIRECTORY };

	if (!walk_is_folder(walk))
		return ERR_NOT_FOLDER;
	op->folder = walk_take(walk);
	return list_send(op, FUSE_OPENDIR, PART(in), opened);
}

error_t files_list(struct files *files, const char *path, files_entry_fn each, files_done_fn done,
                   void *context)
{
	struct list_op *op = NULL;
	void *memory = NULL;
	error_t err = walk_begin(files, path, WALK_FOLLOW, sizeof(*op), context, &memory);

	if (err < 0)
		return err;
	op = memory;
	op->each = each;
	op->done = done;
	op->walk.arrived = list_arrived;
	op->walk.failed = list_failed;
	return walk_start(&op->walk);
}
