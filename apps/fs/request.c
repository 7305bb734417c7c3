// SPDX-License-Identifier: MIT
//
// The table of operations.
#include "apps/fs/fs.h"

// There is nothing to be told of a file's open and close: what a client has looked up stays.
static int op_nothing(struct call *call)
{
	(void)call;
	return 0;
}

// Linux asks once, and then knows that there is nothing to be done.
static int op_none(struct call *call)
{
	(void)call;
	return -LINUX_ENOSYS;
}

// It copies with reads and writes then. (ENOSYS would hold for all that a virtual machine mounts.)
static int op_copy(struct call *call)
{
	(void)call;
	return -LINUX_EOPNOTSUPP;
}

#define TABLE_ENTRY(NAME, function) [FUSE_##NAME] = function,
static int (*const operations[])(struct call *call) = {
	FS_OPERATIONS(TABLE_ENTRY)[FUSE_FLUSH] = op_none, [FUSE_COPY_FILE_RANGE] = op_copy,
	[FUSE_RELEASE] = op_nothing, [FUSE_RELEASEDIR] = op_nothing, [FUSE_DESTROY] = op_destroy
};

int (*operation_of(uint32_t opcode))(struct call *call)
{
	return opcode < sizeof(operations) / sizeof(operations[0]) ? operations[opcode] : NULL;
}

int op_opendir(struct call *call)
{
	const struct fuse_open_out out = { 0 };

	if ((call->session->flags & FUSE_NO_OPENDIR_SUPPORT) != 0)
		return -LINUX_ENOSYS;
	call_put(call, &out, sizeof(out));
	return 0;
}

int op_statfs(struct call *call)
{
	struct fuse_kstatfs out = { .bsize = EXT4_BLOCK_SIZE,
		                    .namelen = EXT4_NAME_MAX,
		                    .frsize = EXT4_BLOCK_SIZE };
	struct ext4_statfs st;

	ext4_statfs(call->fs->ext4, &st);
	out.blocks = st.blocks;
	out.bfree = st.free_blocks;
	out.bavail = st.available_blocks;
	out.files = st.inodes;
	out.ffree = st.free_inodes;
	call_put(call, &out, sizeof(out));
	return 0;
}

// --- What has to lie on the disk -----------------------------------------------------------------

static void synced(void *context, int status)
{
	struct call *call = context;

	call->sync_status = status;
	call_continue(call);
}

static int sync_end(struct call *call)
{
	return call->sync_status;
}

// A file's bytes are on the disk before their write is answered, so what is left is the metadata
// and the disk's own memory.
int op_fsync(struct call *call)
{
	call->sync.done = synced;
	call->sync.context = call;
	call->run = sync_end;
	ext4_sync(call->fs->ext4, &call->sync);
	return CALL_PARKED;
}

static int destroy_end(struct call *call)
{
	return call->sync_status != 0 ? call->sync_status : call_leave(call);
}

// The client has done with its files, and the machine may go off when it hears that.
int op_destroy(struct call *call)
{
	struct session *session = call->session;
	int result;

	// Another one may have been on its way.
	call->fs->num_destroyed += !session->destroyed;
	session->destroyed = true;
	session_unlock_all(session);
	session_forget_all(session);
	// What others have changed is theirs to wait for.
	if (!session->changed && !session->returned)
		return call_leave(call);
	result = op_fsync(call);
	call->run = destroy_end;
	return result;
}
