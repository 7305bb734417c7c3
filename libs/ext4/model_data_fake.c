// SPDX-License-Identifier: MIT
//
// Operations of the model on what files have: bytes, attributes, extended attributes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/ext4/model_parts_fake.h"

static void write_tag(struct model *m, uint64_t disk, uint64_t tag)
{
	memset(m->v->disk->bytes + disk * EXT4_BLOCK_SIZE, 0xee, EXT4_BLOCK_SIZE);
	memcpy(m->v->disk->bytes + disk * EXT4_BLOCK_SIZE, &tag, sizeof(tag));
}

void model_extend(struct model *m)
{
	uint32_t id = model_any_node(m, model_is_file), at = model_random(m, MODEL_BLOCKS);
	struct model_node *n = &m->nodes[id];
	uint32_t count = n->spread == 1 ? 1 + model_random(m, 8) : 1;
	struct ext4_reservation r;
	bool unwritten = model_random(m, 4) == 0;
	uint64_t size;
	int status;

	if (id == 0)
		return;
	for (uint32_t i = 0; i < count; i++)
		if (at + i >= MODEL_BLOCKS || n->state[at + i] != MODEL_HOLE)
			count = i;
	if (count == 0)
		return;
	status = VOLUME_RUN(m->v, 0, ext4_reserve(&m->v->u, n->node, at * n->spread, count, &r));
	if (model_is_full(m, status))
		return;
	assert_int_equal(status, 0);
	count = r.count < count ? r.count : count;
	for (uint32_t i = 0; i < count; i++)
		write_tag(m, r.block + i, m->tag + 1 + i);
	size = ((uint64_t)at * n->spread + count) * EXT4_BLOCK_SIZE;
	status = VOLUME_RUN(
		m->v, EXT4_CREDITS_EXTEND,
		ext4_extend(&m->v->u, n->node, at * n->spread, &r, count, unwritten, size));
	if (status != 0) {
		assert_true(model_is_full(m, status));
		ext4_unreserve(m->v->fs, &r);
		return;
	}
	ext4_reservation_used(m->v->fs, &r, count);
	if (r.count > 0)
		ext4_unreserve(m->v->fs, &r);
	for (uint32_t i = 0; i < count; i++) {
		n->state[at + i] = unwritten ? MODEL_UNWRITTEN : MODEL_WRITTEN;
		n->tag[at + i] = ++m->tag;
	}
	n->size = size > n->size ? size : n->size;
}

void model_write(struct model *m)
{
	uint32_t id = model_any_node(m, model_is_file), at = model_random(m, MODEL_BLOCKS),
		 count = 1 + model_random(m, 4);
	struct model_node *n = &m->nodes[id];
	int status;

	if (id == 0)
		return;
	if (at + count > MODEL_BLOCKS)
		count = MODEL_BLOCKS - at;
	status = VOLUME_RUN(
		m->v, EXT4_CREDITS_EXTEND,
		ext4_written(&m->v->u, n->node, at * n->spread, (count - 1) * n->spread + 1, 0));
	if (model_is_full(m, status))
		return;
	assert_int_equal(status, 0);
	for (uint32_t i = at; i < at + count; i++)
		if (n->state[i] == MODEL_UNWRITTEN)
			n->state[i] = MODEL_WRITTEN;
}

void model_punch(struct model *m)
{
	uint32_t id = model_any_node(m, model_is_file), at = model_random(m, MODEL_BLOCKS),
		 count = 1 + model_random(m, 20);
	struct model_node *n = &m->nodes[id];
	int status;

	if (id == 0)
		return;
	if (at + count > MODEL_BLOCKS)
		count = MODEL_BLOCKS - at;
	status = VOLUME_RUN(
		m->v, EXT4_CREDITS_TRUNCATE,
		ext4_punch(&m->v->u, n->node, at * n->spread, (count - 1) * n->spread + 1));
	// A hole in the midst of an extent makes two of one, which may take a block.
	if (model_is_full(m, status))
		return;
	assert_int_equal(status, 0);
	memset(n->state + at, MODEL_HOLE, count);
}

void model_truncate(struct model *m)
{
	uint32_t id = model_any_node(m, model_is_file), at = model_random(m, MODEL_BLOCKS);
	struct model_node *n = &m->nodes[id];
	uint64_t size = (uint64_t)at * n->spread * EXT4_BLOCK_SIZE;

	if (id == 0)
		return;
	assert_int_equal(
		VOLUME_RUN(m->v, EXT4_CREDITS_TRUNCATE, ext4_truncate(&m->v->u, n->node, size)), 0);
	if (size <= n->size)
		memset(n->state + at, MODEL_HOLE, MODEL_BLOCKS - at);
	n->size = size;
}

void model_set_attr(struct model *m)
{
	uint32_t id = model_any_node(m, model_is_no_dir);
	struct model_node *n = &m->nodes[id];
	struct ext4_attr attr = { .uid = model_random(m, 1u << 31),
		                  .mode = model_random(m, 07777) };

	if (id == 0)
		return;
	n->uid = attr.uid;
	n->mode = (n->mode & 0170000) | attr.mode;
	assert_int_equal(
		VOLUME_RUN(m->v, 1,
	                   ext4_setattr(&m->v->u, n->node, EXT4_SET_UID | EXT4_SET_MODE, &attr)),
		0);
	model_check_attr(n, &attr);
}

const char *const model_xattr_names[] = { "user.a",    "user.another-one",
	                                  "trusted.t", "security.capability",
	                                  "user.b",    "user.long-name-of-it" };

void model_set_xattr(struct model *m)
{
	uint32_t id = model_any_node(m, model_is_no_dir), which = model_random(m, 6);
	struct model_node *n = &m->nodes[id];
	uint32_t len = model_random(m, 3) == 0 ? model_random(m, 2000) : model_random(m, 60);
	uint8_t value[2000];
	int status;

	if (id == 0)
		return;
	memset(value, (int)model_random(m, 256), sizeof(value));
	status = VOLUME_RUN(m->v, EXT4_CREDITS_XATTR,
	                    ext4_setxattr(&m->v->u, n->node, text_span(model_xattr_names[which]),
	                                  (struct span){ value, len }, 0));
	if (model_is_full(m, status))
		return;
	assert_int_equal(status, 0);
	n->xattrs[which] = (struct model_xattr){ .used = true, .len = len, .fill = value[0] };
}

void model_remove_xattr(struct model *m)
{
	uint32_t id = model_any_node(m, model_is_no_dir), which = model_random(m, 6);
	struct model_node *n = &m->nodes[id];
	int status;

	if (id == 0)
		return;
	status = VOLUME_RUN(
		m->v, EXT4_CREDITS_XATTR,
		ext4_removexattr(&m->v->u, n->node, text_span(model_xattr_names[which])));
	if (model_is_full(m, status))
		return;
	assert_int_equal(status, n->xattrs[which].used ? 0 : -LINUX_ENODATA);
	n->xattrs[which].used = false;
}
