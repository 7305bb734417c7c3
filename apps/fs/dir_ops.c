// SPDX-License-Identifier: MIT
//
// Lists of entries. A place in a list is the file system's own, so that no list has to be open.
#include "apps/fs/fs.h"
#include "libs/base/string.h"

#define LIST_MAX (32u * 1024)
// Inodes of one list that are read from the disk at a time.
#define READS_MAX 16u

struct listing {
	struct call *call;
	uint32_t max;
	bool plus;
	bool full;
};

static bool entry_add(void *context, struct span name, uint32_t inode, uint8_t type, uint64_t next)
{
	static const uint8_t zeros[8];
	struct listing *listing = context;
	struct call *call = listing->call;
	struct fuse_direntplus out = {
		.dirent = { .ino = inode, .off = next, .namelen = (uint32_t)name.len, .type = type }
	};
	size_t fixed = listing->plus ? sizeof(out) : sizeof(out.dirent);
	size_t padded = FUSE_DIRENT_ALIGN(fixed + name.len);

	if (name.len > EXT4_NAME_MAX || listing->max - call->out_len < padded) {
		listing->full = true;
		return false;
	}
	if (listing->plus)
		call_put(call, &out, fixed);
	else
		call_put(call, &out.dirent, fixed);
	call_put(call, name.data, name.len);
	call_put(call, zeros, padded - fixed - name.len);
	return true;
}

// Says of each entry what a lookup would. One that cannot be looked at is listed without. Of a
// large folder most inodes are read from the disk, and all is done again after that: so not one by
// one.
static int entries_look_up(struct call *call)
{
	struct fuse_direntplus entry;
	struct ext4_attr attr;
	uint32_t reads = 0;

	for (uint32_t at = 0; at < call->out_len;) {
		uint8_t *bytes = call->out + at;

		memcpy(&entry, bytes, sizeof(entry));
		at += (uint32_t)FUSE_DIRENT_ALIGN(sizeof(entry) + entry.dirent.namelen);
		if (call_is_dots((struct span){ .data = bytes + sizeof(entry),
		                                .len = entry.dirent.namelen }))
			continue;
		int result = ext4_node_of(&call->fs->update, (uint32_t)entry.dirent.ino, &attr);

		if (result == CALL_WAIT && ++reads == READS_MAX)
			break;
		if (result != 0)
			continue;
		entry_to_fuse(call, call->node->id, &attr, &entry.entry_out);
		memcpy(bytes, &entry, sizeof(entry));
	}
	return reads > 0 ? CALL_WAIT : 0;
}

static int list(struct call *call, bool plus)
{
	struct listing listing = { .call = call, .plus = plus };
	struct reader body = call_reader(call);
	struct fuse_read_in in;
	int result = call_take(&body, &in, sizeof(in));

	if (result != 0)
		return result;
	listing.max = in.size < LIST_MAX ? in.size : LIST_MAX;
	result = call_room(call, listing.max);
	if (result == 0)
		result = call_begin(call, 0);
	else
		return result;
	if (result == 0)
		result = ext4_readdir(&call->fs->update, call->node->id, in.offset, entry_add,
		                      &listing);
	if (result == 0 && plus)
		result = entries_look_up(call);
	result = call_end_read(call, result);
	if (result != 0)
		return result;
	call->gives_entries = plus;
	return listing.full && call->out_len == 0 ? -LINUX_EINVAL : 0;
}

int op_readdir(struct call *call)
{
	return list(call, false);
}

int op_readdirplus(struct call *call)
{
	return list(call, true);
}
