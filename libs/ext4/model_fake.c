// SPDX-License-Identifier: MIT
#include "libs/ext4/model_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/model_parts_fake.h"

void model_init(struct model *m, struct volume *v)
{
	memset(m, 0, sizeof(*m));
	m->v = v;
	m->nodes[0] = (struct model_node){ .used = true,
		                           .node = { EXT4_ROOT_INODE, 0 },
		                           .mode = 0040755,
		                           .links = 3 };
}

uint32_t model_any_node(struct model *m, bool (*is)(const struct model_node *))
{
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t n = model_random(m, MODEL_NODES);

		if (m->nodes[n].used && is(&m->nodes[n]))
			return n;
	}
	return 0;
}

void model_check_attr(const struct model_node *n, const struct ext4_attr *attr)
{
	assert_int_equal(attr->mode, n->mode);
	assert_int_equal(attr->links, n->links);
	assert_int_equal(attr->uid, n->uid);
	assert_int_equal(attr->device, n->device);
	if (model_is_file(n))
		assert_int_equal(attr->size, n->size);
}

void model_step(struct model *m)
{
	switch (model_random(m, 23)) {
	case 20:
	case 21: model_set_xattr(m); break;
	case 22: model_remove_xattr(m); break;
	case 0: model_unlink(m); break;
	case 1: model_unlink(m); break;
	case 2: model_release(m); break;
	case 3: model_link(m); break;
	case 4: model_rename(m); break;
	case 5: model_rename(m); break;
	case 6: model_punch(m); break;
	case 7: model_truncate(m); break;
	case 8: model_set_attr(m); break;
	case 9: model_write(m); break;
	case 10: model_create_unnamed(m); break;
	case 11:
	case 12:
	case 13:
	case 14:
	case 15: model_extend(m); break;
	default: model_create(m); break;
	}
	if (model_random(m, 200) == 0)
		volume_sync(m->v);
	if (model_random(m, 10) == 0)
		device_fake_step(m->v->disk);
}

// --- Comparison ---

static void check_xattrs(struct model *m, const struct model_node *n)
{
	size_t expected = 0, len = 0;

	for (uint32_t i = 0; i < MODEL_XATTRS; i++) {
		uint8_t value[4096], filled[2000];
		int status;

		status = VOLUME_RUN(m->v, 0,
		                    (len = sizeof(value),
		                     ext4_getxattr(&m->v->u, n->node,
		                                   text_span(model_xattr_names[i]), value, &len)));
		assert_int_equal(status, n->xattrs[i].used ? 0 : -LINUX_ENODATA);
		if (status != 0)
			continue;
		expected += strlen(model_xattr_names[i]) + 1;
		memset(filled, n->xattrs[i].fill, sizeof(filled));
		assert_int_equal(len, n->xattrs[i].len);
		assert_memory_equal(value, filled, len);
	}
	assert_int_equal(
		VOLUME_RUN(m->v, 0, (len = 0, ext4_listxattr(&m->v->u, n->node, NULL, &len))), 0);
	assert_int_equal(len, expected);
}

static void check_blocks(struct model *m, const struct model_node *n)
{
	for (uint32_t i = 0; i < MODEL_BLOCKS; i++) {
		struct ext4_run run;

		assert_int_equal(
			VOLUME_RUN(m->v, 0, ext4_map(&m->v->u, n->node, i * n->spread, 1, &run)),
			0);
		assert_int_equal(run.disk != 0, n->state[i] != MODEL_HOLE);
		if (run.disk == 0)
			continue;
		assert_int_equal(run.unwritten, n->state[i] == MODEL_UNWRITTEN);
		if (!run.unwritten)
			assert_memory_equal(m->v->disk->bytes + run.disk * EXT4_BLOCK_SIZE,
			                    &n->tag[i], 8);
	}
}

static bool count_entry(void *context, struct span name, uint32_t inode, uint8_t type,
                        uint64_t next)
{
	(void)name, (void)inode, (void)type, (void)next;
	++*(uint32_t *)context;
	return true;
}

static void check_node(struct model *m, uint32_t id)
{
	const struct model_node *n = &m->nodes[id];
	uint8_t target[EXT4_BLOCK_SIZE];
	uint32_t expected = 2 + (id == 0), count = 0;
	struct ext4_attr attr;
	size_t len;

	assert_int_equal(VOLUME_RUN(m->v, 0, ext4_getattr(&m->v->u, n->node, &attr)), 0);
	model_check_attr(n, &attr);
	check_xattrs(m, n);
	if (model_is_file(n))
		check_blocks(m, n);
	if ((n->mode & 0170000) == 0120000) {
		assert_int_equal(
			VOLUME_RUN(m->v, 0, ext4_readlink(&m->v->u, n->node, target, &len)), 0);
		assert_int_equal(len, strlen(n->target));
		assert_memory_equal(target, n->target, len);
	}
	if (!model_is_dir(n))
		return;
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		expected += m->entries[i].used && m->entries[i].dir == id;
	assert_int_equal(
		VOLUME_RUN(m->v, 0,
	                   (count = 0, ext4_readdir(&m->v->u, n->node, 0, count_entry, &count))),
		0);
	assert_int_equal(count, expected);
}

void model_check(struct model *m)
{
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		if (m->nodes[i].used)
			check_node(m, i);
	for (uint32_t i = 0; i < MODEL_NODES; i++) {
		const struct model_entry *e = &m->entries[i];
		struct ext4_attr attr;

		if (!e->used)
			continue;
		assert_int_equal(VOLUME_RUN(m->v, 0,
		                            ext4_lookup(&m->v->u, m->nodes[e->dir].node,
		                                        text_span(e->name), &attr)),
		                 0);
		assert_int_equal(attr.node.inode, m->nodes[e->node].node.inode);
	}
}
