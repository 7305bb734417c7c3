// SPDX-License-Identifier: MIT
//
// Operations that are done once their path is walked: one request more, or none.
#include "libs/base/string.h"
#include "libs/files/internal.h"
#include "libs/starina/alloc.h"

#define FOLDER_MODE 0755u
#define UMASK 022u

struct name_op {
	struct walk walk;
	files_done_fn done;
	files_info_fn info;
	files_link_fn link;
	const char *target;  // of a new link, in `text`
	const char *to;      // where it is renamed to, in `text`
	struct node *from;   // the folder that it is renamed from; NULL: the root
	char from_name[FILES_NAME_MAX + 1];
	bool keep;
	bool remove;
	char *text;
};

// Ends the operation, and says so by `done`.
static void finish(struct name_op *op, error_t err)
{
	files_done_fn done = op->done;
	void *context = op->walk.op.context;
	bool cancelled = op->walk.op.cancelled;

	if (op->from != NULL)
		node_forget(op->walk.op.files, op->from);
	heap_free(op->text);
	walk_end(&op->walk);
	if (!cancelled)
		done(context, err);
}

static void name_failed(struct walk *walk, error_t err)
{
	finish(container_of(walk, struct name_op, walk), err);
}

static void name_answered(struct request *request, error_t err, struct reply *reply)
{
	(void)reply;
	finish(container_of(request, struct name_op, walk.op.request), err);
}

// The same of a request that has made a node, which is not used here.
static void made_answered(struct request *request, error_t err, struct reply *reply)
{
	struct name_op *op = container_of(request, struct name_op, walk.op.request);
	struct node *node = op->walk.found;
	struct fuse_entry_out entry;

	if (err == 0)
		err = reply_take(reply, &entry, sizeof(entry));
	if (err == 0 && entry.nodeid > FUSE_ROOT_ID) {
		op->walk.found = NULL;
		node->id = entry.nodeid;
		node_forget(op->walk.op.files, node);
	}
	finish(op, err);
}

static struct span with_nul(const char *text)
{
	return (struct span){ .data = (const uint8_t *)text, .len = strlen(text) + 1 };
}

static error_t name_begin(struct files *files, const char *path, enum walk_mode mode,
                          const char *text, void *context, struct name_op **out)
{
	struct name_op *op = NULL;
	void *memory = NULL;
	error_t err;

	if (text != NULL && strnlen(text, FILES_PATH_MAX) == FILES_PATH_MAX)
		return ERR_TOO_LARGE;
	err = walk_begin(files, path, mode, sizeof(struct name_op), context, &memory);
	if (err < 0)
		return err;
	op = memory;
	op->walk.failed = name_failed;
	*out = op;
	if (text == NULL)
		return 0;
	op->text = heap_alloc(strlen(text) + 1);
	if (op->text == NULL) {
		walk_end(&op->walk);
		return ERR_NO_MEMORY;
	}
	str_copy(op->text, text, strlen(text) + 1);
	return 0;
}

static error_t name_start(struct name_op *op)
{
	char *text = op->text;
	error_t err = walk_start(&op->walk);

	if (err < 0)
		heap_free(text);
	return err;
}

// --- What is there -------------------------------------------------------------------------------

void info_from_attr(const struct fuse_attr *attr, struct file_info *out)
{
	uint32_t type = attr->mode & MODE_TYPE;

	*out = (struct file_info){
		.type = type == MODE_FILE     ? FILE_TYPE_FILE
			: type == MODE_FOLDER ? FILE_TYPE_FOLDER
			: type == MODE_LINK   ? FILE_TYPE_LINK
					      : FILE_TYPE_OTHER,
		.mode = attr->mode & ~MODE_TYPE,
		.uid = attr->uid,
		.gid = attr->gid,
		.number = attr->ino,
		.size = attr->size,
		.allocated = attr->blocks < UINT64_MAX / 512 ? attr->blocks * 512 : 0,
		.num_links = attr->nlink,
		.modified = (int64_t)attr->mtime,
		.modified_ns = attr->mtimensec < NSEC_PER_SEC ? attr->mtimensec : 0,
	};
}

static void info_finish(struct walk *walk, error_t err, const struct fuse_attr *attr)
{
	struct name_op *op = container_of(walk, struct name_op, walk);
	files_info_fn done = op->info;
	void *context = walk->op.context;
	bool cancelled = walk->op.cancelled;
	struct file_info info;

	if (attr != NULL)
		info_from_attr(attr, &info);
	walk_end(walk);
	if (!cancelled)
		done(context, err, attr != NULL ? &info : NULL);
}

static void info_failed(struct walk *walk, error_t err)
{
	info_finish(walk, err, NULL);
}

static void info_answered(struct request *request, error_t err, struct reply *reply)
{
	struct walk *walk = container_of(request, struct walk, op.request);
	struct fuse_attr_out out;

	if (err == 0)
		err = reply_take(reply, &out, sizeof(out));
	info_finish(walk, err, err == 0 ? &out.attr : NULL);
}

static error_t info_arrived(struct walk *walk)
{
	struct fuse_getattr_in in = { 0 };
	struct span part = PART(in);

	// What a lookup has said just now.
	if (walk->looked_up) {
		struct fuse_attr attr = walk->attr;

		info_finish(walk, 0, &attr);
		return 0;
	}
	walk->op.request.answered = info_answered;
	return request_send(walk->op.files, &walk->op.request, FUSE_GETATTR, walk_node(walk), &part,
	                    1);
}

static error_t stat_start(struct files *files, const char *path, enum walk_mode mode,
                          files_info_fn done, void *context)
{
	struct name_op *op = NULL;
	error_t err = name_begin(files, path, mode, NULL, context, &op);

	if (err < 0)
		return err;
	op->info = done;
	op->walk.arrived = info_arrived;
	op->walk.failed = info_failed;
	return name_start(op);
}

error_t files_stat(struct files *files, const char *path, files_info_fn done, void *context)
{
	return stat_start(files, path, WALK_FOLLOW, done, context);
}

error_t files_stat_link(struct files *files, const char *path, files_info_fn done, void *context)
{
	return stat_start(files, path, WALK_LINK, done, context);
}

static void target_finish(struct walk *walk, error_t err, const char *target)
{
	struct name_op *op = container_of(walk, struct name_op, walk);
	files_link_fn done = op->link;
	void *context = walk->op.context;
	bool cancelled = walk->op.cancelled;

	walk_end(walk);
	if (!cancelled)
		done(context, err, target);
}

static void target_failed(struct walk *walk, error_t err)
{
	target_finish(walk, err, NULL);
}

static void target_answered(struct request *request, error_t err, struct reply *reply)
{
	struct walk *walk = container_of(request, struct walk, op.request);
	char target[FILES_PATH_MAX];
	size_t len = err == 0 ? reply->body.len : 0;

	if (err == 0 && (len == 0 || len >= sizeof(target)))
		err = ERR_PROTOCOL;
	if (err == 0)
		err = reply_take(reply, target, len);
	if (err == 0 && memchr(target, 0, len) != NULL)
		err = ERR_PROTOCOL;
	if (err == 0)
		target[len] = '\0';
	target_finish(walk, err, err == 0 ? target : NULL);
}

static error_t target_arrived(struct walk *walk)
{
	if (!walk->looked_up || (walk->attr.mode & MODE_TYPE) != MODE_LINK)
		return ERR_INVALID;
	walk->op.request.answered = target_answered;
	return request_send(walk->op.files, &walk->op.request, FUSE_READLINK, walk_node(walk), NULL,
	                    0);
}

error_t files_read_link(struct files *files, const char *path, files_link_fn done, void *context)
{
	struct name_op *op = NULL;
	error_t err = name_begin(files, path, WALK_LINK, NULL, context, &op);

	if (err < 0)
		return err;
	op->link = done;
	op->walk.arrived = target_arrived;
	op->walk.failed = target_failed;
	return name_start(op);
}

// --- Making --------------------------------------------------------------------------------------

static error_t send_made(struct walk *walk, uint32_t opcode, const struct span *parts, size_t count)
{
	if (walk->found == NULL)
		walk->found = heap_alloc(sizeof(*walk->found));
	if (walk->found == NULL)
		return ERR_NO_MEMORY;
	walk->op.request.answered = made_answered;
	return request_send(walk->op.files, &walk->op.request, opcode, walk_node(walk), parts,
	                    count);
}

static error_t folder_arrived(struct walk *walk)
{
	struct fuse_mkdir_in in = { .mode = FOLDER_MODE, .umask = UMASK };
	struct span parts[] = { PART(in), with_nul(walk->name) };

	return send_made(walk, FUSE_MKDIR, parts, 2);
}

error_t files_make_folder(struct files *files, const char *path, files_done_fn done, void *context)
{
	struct name_op *op = NULL;
	error_t err = name_begin(files, path, WALK_PARENT, NULL, context, &op);

	if (err < 0)
		return err;
	op->done = done;
	op->walk.arrived = folder_arrived;
	return name_start(op);
}

static error_t link_arrived(struct walk *walk)
{
	const struct name_op *op = container_of(walk, struct name_op, walk);
	struct span parts[] = { with_nul(walk->name), with_nul(op->text) };

	return walk->must_be_folder ? ERR_INVALID : send_made(walk, FUSE_SYMLINK, parts, 2);
}

error_t files_make_link(struct files *files, const char *path, const char *target,
                        files_done_fn done, void *context)
{
	struct name_op *op = NULL;
	error_t err;

	if (target[0] == '\0')
		return ERR_INVALID;
	err = name_begin(files, path, WALK_PARENT, target, context, &op);
	if (err < 0)
		return err;
	op->done = done;
	op->walk.arrived = link_arrived;
	return name_start(op);
}

// --- Renaming and removing -----------------------------------------------------------------------

static error_t to_arrived(struct walk *walk)
{
	struct name_op *op = container_of(walk, struct name_op, walk);
	uint64_t from = op->from == NULL ? FUSE_ROOT_ID : op->from->id;
	struct fuse_rename_in in = { .newdir = walk_node(walk) };
	struct fuse_rename2_in in2 = { .newdir = in.newdir, .flags = FUSE_RENAME_NOREPLACE };
	struct span parts[] = { op->keep ? PART(in2) : PART(in), with_nul(op->from_name),
		                with_nul(walk->name) };

	walk->op.request.answered = name_answered;
	return request_send(walk->op.files, &walk->op.request,
	                    op->keep ? FUSE_RENAME2 : FUSE_RENAME, from, parts, 3);
}

static error_t from_arrived(struct walk *walk)
{
	struct name_op *op = container_of(walk, struct name_op, walk);
	error_t err;

	op->from = walk_take(walk);
	str_copy(op->from_name, walk->name, sizeof(op->from_name));
	walk->arrived = to_arrived;
	err = walk_restart(walk, op->text, WALK_PARENT);
	return err == 0 ? walk_go(walk) : err;
}

error_t files_rename(struct files *files, const char *from, const char *to, bool keep,
                     files_done_fn done, void *context)
{
	struct name_op *op = NULL;
	error_t err = name_begin(files, from, WALK_PARENT, to, context, &op);

	if (err < 0)
		return err;
	op->done = done;
	op->keep = keep;
	op->walk.arrived = from_arrived;
	return name_start(op);
}

// What it is was looked up: it is removed by its name in its folder.
static error_t removed_arrived(struct walk *walk)
{
	const bool is_folder = walk_is_folder(walk);
	struct span name = with_nul(walk->name);

	if (!walk->looked_up)
		return ERR_INVALID;
	node_forget(walk->op.files, walk_take(walk));
	walk->op.request.answered = name_answered;
	return request_send(walk->op.files, &walk->op.request, is_folder ? FUSE_RMDIR : FUSE_UNLINK,
	                    walk_node(walk), &name, 1);
}

error_t files_remove(struct files *files, const char *path, files_done_fn done, void *context)
{
	struct name_op *op = NULL;
	error_t err = name_begin(files, path, WALK_LINK, NULL, context, &op);

	if (err < 0)
		return err;
	op->done = done;
	op->walk.arrived = removed_arrived;
	return name_start(op);
}
