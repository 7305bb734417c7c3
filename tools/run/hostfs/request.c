// SPDX-License-Identifier: MIT
//
// From a request's bytes to its operation, and from that to the reply.
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/run/hostfs/changes.h"
#include "tools/run/hostfs/internal.h"

#define PAGE 4096u
#define OUT_MAX (HOSTFS_MAX_MESSAGE - sizeof(struct fuse_out_header))
#define WANTED_FLAGS                                                                            \
	(FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_ATOMIC_O_TRUNC |          \
	 FUSE_BIG_WRITES | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | \
	 FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_SUBMOUNTS |              \
	 FUSE_HANDLE_KILLPRIV_V2)

struct hostfs *hostfs_create(const struct hostfs_share *shares, unsigned count)
{
	struct hostfs *fs = calloc(1, sizeof(*fs));

	if (!fs || count > HOSTFS_MAX_SHARES) {
		free(fs);
		return NULL;
	}
	fs->uid = geteuid();
	fs->gid = getegid();
	fs->privileged = fs->uid == 0;
	memcpy(fs->shares, shares, count * sizeof(*shares));
	fs->num_shares = count;
	if (nodes_init(fs) < 0) {
		hostfs_destroy(fs);
		return NULL;
	}
	return fs;
}

struct hostfs *hostfs_create_rooted(const struct hostfs_share *share)
{
	struct hostfs *fs = hostfs_create(share, 1);

	if (fs)
		fs->is_rooted = true;
	return fs;
}

void hostfs_destroy(struct hostfs *fs)
{
	if (!fs)
		return;
	handles_deinit(fs);
	watches_stop(fs);
	nodes_deinit(fs);
	free(fs);
}

int call_take(struct call *call, void *out, size_t size)
{
	if (call->body_len < size)
		return -EINVAL;
	memcpy(out, call->body, size);
	call->body += size;
	call->body_len -= size;
	return 0;
}

int call_string(struct call *call, const char **text)
{
	const uint8_t *end = call->body_len > 0 ? memchr(call->body, 0, call->body_len) : NULL;
	size_t size;

	if (!end)
		return -EINVAL;
	size = (size_t)(end - call->body) + 1;
	*text = (const char *)call->body;
	call->body += size;
	call->body_len -= size;
	return 0;
}

int call_name(struct call *call, const char **name)
{
	int result = call_string(call, name);

	if (result < 0)
		return result;
	if (strlen(*name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (!**name || strchr(*name, '/') || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
		return -EINVAL;
	return 0;
}

int call_put(struct call *call, const void *data, size_t size)
{
	if (call->out_max - call->out_len < size)
		return -ERANGE;
	memcpy(call->out + call->out_len, data, size);
	call->out_len += size;
	return 0;
}

int call_may_write(const struct call *call)
{
	const struct node *node = call->node;

	return node->is_root || call->fs->shares[node->share].read_only ? -EROFS : 0;
}

static int op_init(struct call *call)
{
	struct fuse_init_in in = { 0 };
	struct fuse_init_out out = { .major = FUSE_VERSION_MAJOR,
		                     .minor = FUSE_VERSION_MINOR,
		                     .max_background = 16,
		                     .congestion_threshold = 12,
		                     .max_write = HOSTFS_MAX_DATA,
		                     .time_gran = 1,
		                     .max_pages = HOSTFS_MAX_DATA / PAGE };
	int result = call_take(call, &in, FUSE_INIT_IN_MIN);

	if (result < 0)
		return result;
	// A client of a later major version asks again with ours.
	if (in.major < FUSE_VERSION_MAJOR ||
	    (in.major == FUSE_VERSION_MAJOR && in.minor < FUSE_VERSION_MINOR_MIN))
		return -EPROTO;
	out.max_readahead = in.max_readahead;
	out.flags = in.flags & WANTED_FLAGS;
	return call_put(call, &out, sizeof(out));
}

static int op_forget(struct call *call)
{
	struct fuse_forget_in in;

	if (call_take(call, &in, sizeof(in)) == 0)
		node_forget(call->fs, call->node, in.nlookup);
	return 0;
}

static void batch_forget(struct call *call)
{
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one;

	if (call_take(call, &in, sizeof(in)) < 0)
		return;
	for (uint32_t i = 0; i < in.count && call_take(call, &one, sizeof(one)) == 0; i++) {
		struct node *node = node_find(call->fs, one.nodeid);

		if (node && !node->is_root)
			node_forget(call->fs, node, one.nlookup);
	}
}

// Linux asks once, and then knows that there is nothing to be done.
static int op_none(struct call *call)
{
	(void)call;
	return -ENOSYS;
}

static int op_nothing(struct call *call)
{
	(void)call;
	return 0;
}

#define TABLE_ENTRY(NAME, function) [FUSE_##NAME] = function,
static int (*const operations[])(struct call *call) = { [FUSE_INIT] = op_init,
	                                                [FUSE_FLUSH] = op_none,
	                                                [FUSE_RELEASEDIR] = op_release,
	                                                [FUSE_DESTROY] = op_nothing,
	                                                HOSTFS_OPERATIONS(TABLE_ENTRY) };

static int dispatch(struct call *call)
{
	const uint32_t opcode = call->in.opcode;
	int (*operation)(struct call * call) = NULL;
	int result;

	if (touch_takes(call))
		operation = touch_serve;
	else if (opcode < sizeof(operations) / sizeof(operations[0]))
		operation = operations[opcode];
	if (!operation)
		return -ENOSYS;
	// The one request that is of no node.
	call->node = node_find(call->fs, opcode == FUSE_INIT ? FUSE_ROOT_ID : call->in.nodeid);
	if (!call->node)
		return operation == touch_serve ? touch_serve(call) : -ESTALE;
	call->node->pins++;
	result = node_use(call->node);
	call->changed[0].dev = call->node->dev;
	call->changed[0].ino = call->node->ino;
	if (result == 0)
		result = operation(call);
	call->node->pins--;
	node_release(call->fs, call->node);
	return result;
}

size_t hostfs_request(struct hostfs *fs, const void *request, size_t length, void *reply)
{
	struct call call = { .fs = fs,
		             .request = request,
		             .request_len = length,
		             .body = request,
		             .body_len = length,
		             .out_max = OUT_MAX };
	struct fuse_out_header header = { 0 };

	if (length > HOSTFS_MAX_MESSAGE || call_take(&call, &call.in, sizeof(call.in)) < 0 ||
	    call.in.len != length)
		return 0;
	if (call.in.opcode == FUSE_FORGET) {
		call.node = node_find(fs, call.in.nodeid);
		if (call.node && !call.node->is_root)
			op_forget(&call);
		return 0;
	}
	if (call.in.opcode == FUSE_BATCH_FORGET) {
		batch_forget(&call);
		return 0;
	}
	if (call.in.opcode == FUSE_INTERRUPT)
		return 0;
	call.out = (uint8_t *)reply + sizeof(header);
	watches_take(fs, NULL);
	header.error = dispatch(&call);
	watches_take(fs, &call);
	if (header.error == CALL_PARKED || !fuse_is_answered(&call.in))
		return 0;
	if (header.error < 0)
		call.out_len = 0;
	header.len = (uint32_t)(sizeof(header) + call.out_len);
	header.unique = call.in.unique;
	memcpy(reply, &header, sizeof(header));
	return header.len;
}
