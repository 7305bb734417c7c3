// SPDX-License-Identifier: MIT
//
// A FUSE client of hostfs for its tests: makes requests and takes replies apart.
#pragma once

#include <errno.h>
#include <string.h>

#include "libs/abi/fuse.h"
#include "tools/run/hostfs/hostfs.h"

struct test_client {
	struct hostfs *fs;
	uint32_t uid, gid;
	uint64_t unique;
	uint8_t request[HOSTFS_MAX_MESSAGE];
	size_t request_len;
	uint8_t reply[HOSTFS_MAX_MESSAGE];
	size_t reply_len;  // of the body
};

static inline void test_begin(struct test_client *c, uint32_t opcode, uint64_t node)
{
	struct fuse_in_header in = { .opcode = opcode,
		                     .unique = ++c->unique,
		                     .nodeid = node,
		                     .uid = c->uid,
		                     .gid = c->gid };

	memcpy(c->request, &in, sizeof(in));
	c->request_len = sizeof(in);
}

static inline void test_add(struct test_client *c, const void *data, size_t size)
{
	memcpy(c->request + c->request_len, data, size);
	c->request_len += size;
}

static inline void test_add_name(struct test_client *c, const char *name)
{
	test_add(c, name, strlen(name) + 1);
}

static inline const void *test_body(const struct test_client *c)
{
	return c->reply + sizeof(struct fuse_out_header);
}

// Sends it. Returns the reply's error, or 1 when there is none.
static inline int test_send(struct test_client *c)
{
	uint32_t len = (uint32_t)c->request_len;
	struct fuse_out_header out;
	size_t reply;

	memcpy(c->request, &len, sizeof(len));
	reply = hostfs_request(c->fs, c->request, c->request_len, c->reply);
	if (reply == 0)
		return 1;
	memcpy(&out, c->reply, sizeof(out));
	if (out.len != reply || out.unique != c->unique)
		return 2;
	c->reply_len = reply - sizeof(out);
	return out.error;
}

static inline int test_init(struct test_client *c)
{
	struct fuse_init_in in = { .major = 7, .minor = 41, .flags = UINT32_MAX };

	test_begin(c, FUSE_INIT, 0);
	test_add(c, &in, sizeof(in));
	return test_send(c);
}

// The entry of a reply that has one.
static inline struct fuse_entry_out test_entry(const struct test_client *c)
{
	struct fuse_entry_out entry;

	memcpy(&entry, test_body(c), sizeof(entry));
	return entry;
}

// Returns the node, or a negative errno.
static inline int64_t test_lookup(struct test_client *c, uint64_t parent, const char *name)
{
	int result;

	test_begin(c, FUSE_LOOKUP, parent);
	test_add_name(c, name);
	result = test_send(c);
	if (result != 0)
		return result;
	return test_entry(c).nodeid != 0 ? (int64_t)test_entry(c).nodeid : -ENOENT;
}

static inline int test_create(struct test_client *c, uint64_t parent, const char *name,
                              uint32_t flags, uint32_t mode, uint64_t *node, uint64_t *fh)
{
	struct fuse_create_in in = { .flags = flags, .mode = mode };
	int result;

	test_begin(c, FUSE_CREATE, parent);
	test_add(c, &in, sizeof(in));
	test_add_name(c, name);
	result = test_send(c);
	if (result == 0) {
		struct fuse_open_out open;

		*node = test_entry(c).nodeid;
		memcpy(&open, (const uint8_t *)test_body(c) + sizeof(struct fuse_entry_out),
		       sizeof(open));
		*fh = open.fh;
	}
	return result;
}

static inline int test_open(struct test_client *c, uint32_t opcode, uint64_t node, uint32_t flags,
                            uint64_t *fh)
{
	struct fuse_open_in in = { .flags = flags };
	int result;

	test_begin(c, opcode, node);
	test_add(c, &in, sizeof(in));
	result = test_send(c);
	if (result == 0)
		memcpy(fh, test_body(c), sizeof(*fh));
	return result;
}

static inline int test_write(struct test_client *c, uint64_t node, uint64_t fh, uint64_t offset,
                             const void *data, uint32_t size)
{
	struct fuse_write_in in = { .fh = fh,
		                    .offset = offset,
		                    .size = size,
		                    .write_flags = FUSE_WRITE_KILL_SUIDGID };

	test_begin(c, FUSE_WRITE, node);
	test_add(c, &in, sizeof(in));
	test_add(c, data, size);
	return test_send(c);
}

static inline int test_read(struct test_client *c, uint32_t opcode, uint64_t node, uint64_t fh,
                            uint64_t offset, uint32_t size)
{
	struct fuse_read_in in = { .fh = fh, .offset = offset, .size = size };

	test_begin(c, opcode, node);
	test_add(c, &in, sizeof(in));
	return test_send(c);
}

static inline int test_setattr(struct test_client *c, uint64_t node,
                               const struct fuse_setattr_in *set)
{
	test_begin(c, FUSE_SETATTR, node);
	test_add(c, set, sizeof(*set));
	return test_send(c);
}

// Of a reply to GETATTR or SETATTR.
static inline struct fuse_attr test_attr(const struct test_client *c)
{
	struct fuse_attr_out out;

	memcpy(&out, test_body(c), sizeof(out));
	return out.attr;
}

static inline int test_getattr(struct test_client *c, uint64_t node)
{
	struct fuse_getattr_in in = { 0 };

	test_begin(c, FUSE_GETATTR, node);
	test_add(c, &in, sizeof(in));
	return test_send(c);
}
