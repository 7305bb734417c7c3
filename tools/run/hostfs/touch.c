// SPDX-License-Identifier: MIT
//
// The file that tells of changes, and the requests by which bootd has Linux learn of one
// (libs/abi/files_change.h). None of them changes anything: a guest may ask for them as it likes.
// What is asked about may be gone by now, or have come back: then a *phantom* stands for it, a node
// of which nothing is kept, and which Linux looks up again at once.
#include <errno.h>
#include <string.h>

#include "tools/run/hostfs/changes.h"

#define CHANGES_ID ((uint64_t)FILES_CHANGES_NODE)

_Static_assert(FILES_CHANGES_NODE == SPECIAL_SLOT, "the node of the changes");

static bool is_special(uint64_t id)
{
	return ((uint32_t)id & SPECIAL_SLOT) != 0 && ((id >> 32) & ~(uint64_t)S_IFMT) == 0;
}

// Its type is in the high half.
static uint64_t phantom_make(struct hostfs *fs, mode_t type)
{
	fs->num_phantoms = (fs->num_phantoms + 1) % SPECIAL_SLOT;
	return (uint64_t)type << 32 | SPECIAL_SLOT | fs->num_phantoms;
}

static struct fuse_attr special_attr(uint64_t id)
{
	mode_t type = id == CHANGES_ID ? S_IFREG : (mode_t)(id >> 32) & S_IFMT;

	return (struct fuse_attr){ .ino = id, .mode = type | 0400, .nlink = 1, .blksize = 4096 };
}

static int special_entry(struct call *call, uint64_t id)
{
	struct fuse_entry_out entry = { .nodeid = id, .attr = special_attr(id) };

	return call_put(call, &entry, sizeof(entry));
}

// Answers with a node whose lookup was counted, if there is one, or a phantom.
static int known_entry(struct call *call, struct node *node, mode_t type)
{
	struct fuse_entry_out entry;
	int result;

	if (!node || (node->type != type && type != 0))
		return special_entry(call, phantom_make(call->fs, type ? type : S_IFREG));
	result = node_entry(call->fs, node, &entry);
	entry.entry_valid = entry.attr_valid = 0;
	return result < 0 ? result : call_put(call, &entry, sizeof(entry));
}

// Whether the guest knows another file by that name than there is on the host.
static struct node *replaced_node(struct call *call, const char *name)
{
	struct node *node = node_at(call->fs, call->node, name);

	return node && node->lookups > 0 && !S_ISDIR(node->type) &&
			node_peek(call->fs, call->node, name) != node
		? node
		: NULL;
}

static int touch_lookup(struct call *call, unsigned kind)
{
	struct node *node = NULL;
	const char *name;
	int result = call_name(call, &name);

	if (result < 0)
		return result;
	switch (kind) {
	case FILES_REMOVED_FOLDER: return known_entry(call, NULL, S_IFDIR);
	case FILES_REMOVED:
	case FILES_REPLACED:
		node = replaced_node(call, name);
		if (node && node_use(node) < 0)
			node = NULL;
		if (!node && kind == FILES_REPLACED)
			return -ENOENT;
		if (node)
			node->lookups++;
		return known_entry(call, node, 0);
	case FILES_WRITTEN:
	case FILES_ATTRIBUTES:
		result = node_lookup(call->fs, call->node, name, &node);
		return result < 0 ? result : known_entry(call, node, node->type);
	default: return -ENOENT;
	}
}

static int touch_remove(struct call *call, unsigned kind)
{
	const char *name;
	int result = call_name(call, &name);

	if (result < 0)
		return result;
	if (kind == FILES_REPLACED)
		return replaced_node(call, name) ? 0 : -ENOENT;
	return kind == FILES_DROP ? -ENOENT : 0;
}

// Whether Linux, which makes one of that type, takes the node for it. A file of the host may stand
// for a device, a FIFO or a socket: Linux would report nothing, and never forget the node.
static bool is_shown_as(struct hostfs *fs, const struct node *node, mode_t type)
{
	struct fuse_attr attr;

	return node->type == type && node_attr(fs, node, &attr) == 0 &&
		(attr.mode & S_IFMT) == type;
}

// Makes what is there already.
static int touch_make(struct call *call)
{
	struct fuse_mknod_in mknod = { .mode = S_IFLNK };
	struct node *node = NULL;
	const char *name = "";
	int result = 0;

	if (call->in.opcode == FUSE_MKNOD)
		result = call_take(call, &mknod, sizeof(mknod));
	else if (call->in.opcode == FUSE_MKDIR)
		result =
			call_take(call, &(struct fuse_mkdir_in){ 0 }, sizeof(struct fuse_mkdir_in));
	if (call->in.opcode == FUSE_MKDIR)
		mknod.mode = S_IFDIR;
	if (result == 0)
		result = call_name(call, &name);
	if (result < 0)
		return result;
	if (node_lookup(call->fs, call->node, name, &node) < 0)
		node = NULL;
	if (node && !is_shown_as(call->fs, node, mknod.mode & S_IFMT)) {
		node_forget(call->fs, node, 1);
		node = NULL;
	}
	return known_entry(call, node, mknod.mode & S_IFMT);
}

static int touch_attr(struct call *call)
{
	struct fuse_attr_out out = { 0 };
	int result = 0;

	if (call->node)
		result = node_attr(call->fs, call->node, &out.attr);
	else
		out.attr = special_attr(call->in.nodeid);
	return result < 0 ? result : call_put(call, &out, sizeof(out));
}

static int touch_open(struct call *call)
{
	// A handle of none: what it is closed with is not found.
	struct fuse_open_out out = { .fh = UINT64_MAX, .open_flags = FOPEN_KEEP_CACHE };

	if (call->in.nodeid == CHANGES_ID) {
		watches_start(call->fs);
		out.open_flags = FOPEN_DIRECT_IO | FOPEN_STREAM;
	}
	return call_put(call, &out, sizeof(out));
}

static int read_changes(struct call *call)
{
	struct fuse_read_in in;
	int result = call_take(call, &in, sizeof(in));

	if (call->in.nodeid != CHANGES_ID)
		return -EBADF;
	return result < 0 ? result : changes_park(call, in.size);
}

static bool asks_for_changes(const struct call *call)
{
	return call->in.opcode == FUSE_LOOKUP && call->in.nodeid == FUSE_ROOT_ID &&
		call->body_len == sizeof(FILES_CHANGES) &&
		memcmp(call->body, FILES_CHANGES, sizeof(FILES_CHANGES)) == 0;
}

static unsigned kind_of(const struct call *call)
{
	return call->in.uid == 0 ? call->in.gid - FILES_TOUCH_GID : 0;
}

bool touch_takes(const struct call *call)
{
	unsigned kind = kind_of(call);

	if (is_special(call->in.nodeid) || asks_for_changes(call))
		return true;
	if (kind < FILES_CREATED || kind > FILES_REPLACED || call->in.nodeid == FUSE_ROOT_ID)
		return false;
	switch (call->in.opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_GETATTR:
	case FUSE_SETATTR:
	case FUSE_OPEN: return true;
	default: return false;
	}
}

// The call's node is NULL when it is a special one, which has no entries.
int touch_serve(struct call *call)
{
	if (asks_for_changes(call))
		return special_entry(call, CHANGES_ID);
	switch (call->in.opcode) {
	case FUSE_GETATTR:
	case FUSE_SETATTR: return touch_attr(call);
	case FUSE_OPEN: return touch_open(call);
	case FUSE_READ: return read_changes(call);
	case FUSE_RELEASE: return 0;
	case FUSE_FLUSH: return -ENOSYS;
	default: break;
	}
	if (!call->node)
		return -ENOENT;
	switch (call->in.opcode) {
	case FUSE_LOOKUP: return touch_lookup(call, kind_of(call));
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK: return touch_make(call);
	case FUSE_UNLINK:
	case FUSE_RMDIR: return touch_remove(call, kind_of(call));
	default: return -ENOSYS;
	}
}
