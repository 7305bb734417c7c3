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

static uint32_t rnd(struct model *m, uint32_t below)
{
	return device_fake_random(m->v->disk, below);
}

static bool is_dir(const struct model_node *n)
{
	return (n->mode & 0170000) == 0040000;
}

static bool is_live_dir(const struct model_node *n)
{
	return is_dir(n) && n->links > 0;
}

static bool is_file(const struct model_node *n)
{
	return (n->mode & 0170000) == 0100000;
}

// Whether an operation found no room, which may be so.
static bool is_full(struct model *m, int status)
{
	m->num_full += status == -LINUX_ENOSPC;
	return status == -LINUX_ENOSPC;
}

static uint32_t any_node(struct model *m, bool (*is)(const struct model_node *))
{
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t n = rnd(m, MODEL_NODES);

		if (m->nodes[n].used && is(&m->nodes[n]))
			return n;
	}
	return 0;
}

static struct model_entry *any_entry(struct model *m)
{
	for (uint32_t i = 0; i < 500; i++) {
		struct model_entry *e = &m->entries[rnd(m, MODEL_NODES)];

		if (e->used)
			return e;
	}
	return NULL;
}

static struct model_entry *find_entry(struct model *m, uint32_t dir, const char *name)
{
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		if (m->entries[i].used && m->entries[i].dir == dir &&
		    strcmp(m->entries[i].name, name) == 0)
			return &m->entries[i];
	return NULL;
}

static struct model_entry *free_entry(struct model *m)
{
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		if (!m->entries[i].used)
			return &m->entries[i];
	return NULL;
}

static uint32_t free_node(struct model *m)
{
	for (uint32_t i = 1; i < MODEL_NODES; i++)
		if (!m->nodes[i].used)
			return i;
	return 0;
}

static void make_name(struct model *m, char *name)
{
	uint32_t len = rnd(m, 20) == 0 ? 1 + rnd(m, 255) : 3 + rnd(m, 12);

	for (uint32_t i = 0; i < len; i++)
		name[i] = (char)(rnd(m, 30) == 0 ? 0x80 + rnd(m, 100) : 'a' + rnd(m, 20));
	name[len] = '\0';
}

void model_init(struct model *m, struct volume *v)
{
	memset(m, 0, sizeof(*m));
	m->v = v;
	m->nodes[0] = (struct model_node){ .used = true,
		                           .node = { EXT4_ROOT_INODE, 0 },
		                           .mode = 0040755,
		                           .links = 3 };
}

static void check_attr(const struct model_node *n, const struct ext4_attr *attr)
{
	assert_int_equal(attr->mode, n->mode);
	assert_int_equal(attr->links, n->links);
	assert_int_equal(attr->uid, n->uid);
	assert_int_equal(attr->device, n->device);
	if (is_file(n))
		assert_int_equal(attr->size, n->size);
}

static void add_entry(struct model *m, uint32_t dir, const char *name, uint32_t node)
{
	struct model_entry *e = free_entry(m);

	assert_non_null(e);
	*e = (struct model_entry){ .used = true, .dir = dir, .node = node };
	snprintf(e->name, sizeof(e->name), "%s", name);
}

static void create(struct model *m)
{
	static const uint32_t types[] = { 0100644, 0100600, 0100600, 0040755,
		                          0120777, 0020600, 0010600 };
	uint32_t dir = rnd(m, 3) == 0 ? 0 : any_node(m, is_live_dir), id = free_node(m);
	struct model_node *n = &m->nodes[id];
	struct ext4_new what = { .mode = types[rnd(m, 7)], .uid = rnd(m, 100000) };
	struct ext4_attr attr;
	char name[256];
	int status;

	make_name(m, name);
	if (id == 0 || free_entry(m) == NULL)
		return;
	*n = (struct model_node){ .mode = what.mode,
		                  .uid = what.uid,
		                  .spread = 1 + rnd(m, 3) * rnd(m, 900) };
	if ((what.mode & 0170000) == 0020000)
		n->device = what.device = rnd(m, 2) == 0 ? 0x103 : 0x12345678;
	if ((what.mode & 0170000) == 0120000) {
		make_name(m, n->target);
		what.target = text_span(n->target);
	}
	status = VOLUME_RUN(
		m->v, EXT4_CREDITS_NAMES,
		ext4_create(&m->v->u, m->nodes[dir].node, text_span(name), &what, &attr));
	if (find_entry(m, dir, name) != NULL) {
		assert_int_equal(status, -LINUX_EEXIST);
		return;
	}
	if (is_full(m, status))
		return;
	assert_int_equal(status, 0);
	n->used = true;
	n->node = attr.node;
	n->links = is_dir(n) ? 2 : 1;
	n->parent = dir;
	if (is_dir(n))
		m->nodes[dir].links++;
	check_attr(n, &attr);
	add_entry(m, dir, name, id);
}

static void release(struct model *m, struct model_node *n)
{
	struct ext4_attr attr;

	assert_int_equal(n->links, 0);
	assert_int_equal(VOLUME_RUN(m->v, EXT4_CREDITS_TRUNCATE, ext4_release(&m->v->u, n->node)),
	                 0);
	assert_int_equal(VOLUME_RUN(m->v, 0, ext4_getattr(&m->v->u, n->node, &attr)),
	                 -LINUX_ESTALE);
	n->used = false;
}

static void drop(struct model *m, uint32_t node)
{
	struct model_node *n = &m->nodes[node];

	n->links = is_dir(n) ? 0 : n->links - 1;
	if (is_dir(n))
		m->nodes[n->parent].links--;
	if (n->links == 0 && rnd(m, 3) != 0)
		release(m, n);
}

static bool is_empty(const struct model *m, uint32_t dir)
{
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		if (m->entries[i].used && m->entries[i].dir == dir)
			return false;
	return true;
}

static void unlink_one(struct model *m)
{
	struct model_entry *e = any_entry(m);
	struct ext4_attr attr;
	struct model_node *n;
	int status;

	if (e == NULL)
		return;
	n = &m->nodes[e->node];
	if (is_dir(n))
		status = VOLUME_RUN(
			m->v, EXT4_CREDITS_NAMES,
			ext4_rmdir(&m->v->u, m->nodes[e->dir].node, text_span(e->name), &attr));
	else
		status = VOLUME_RUN(
			m->v, EXT4_CREDITS_NAMES,
			ext4_unlink(&m->v->u, m->nodes[e->dir].node, text_span(e->name), &attr));
	if (is_dir(n) && !is_empty(m, e->node)) {
		assert_int_equal(status, -LINUX_ENOTEMPTY);
		return;
	}
	assert_int_equal(status, 0);
	e->used = false;
	drop(m, e->node);
}

static bool is_orphan(const struct model_node *n)
{
	return n->links == 0;
}

static void release_one(struct model *m)
{
	uint32_t node = any_node(m, is_orphan);

	if (node != 0)
		release(m, &m->nodes[node]);
}

static bool is_no_dir(const struct model_node *n)
{
	return !is_dir(n);
}

static void link_one(struct model *m)
{
	uint32_t node = any_node(m, is_no_dir), dir = any_node(m, is_live_dir);
	struct ext4_attr attr;
	char name[256];
	int status;

	make_name(m, name);
	if (node == 0 || m->nodes[dir].links == 0 || free_entry(m) == NULL)
		return;
	status = VOLUME_RUN(m->v, EXT4_CREDITS_NAMES,
	                    ext4_link(&m->v->u, m->nodes[node].node, m->nodes[dir].node,
	                              text_span(name), &attr));
	if (find_entry(m, dir, name) != NULL) {
		assert_int_equal(status, -LINUX_EEXIST);
		return;
	}
	if (is_full(m, status))
		return;
	assert_int_equal(status, 0);
	m->nodes[node].links++;
	add_entry(m, dir, name, node);
}

static bool is_within(const struct model *m, uint32_t dir, uint32_t above)
{
	for (;; dir = m->nodes[dir].parent) {
		if (dir == above)
			return true;
		if (dir == 0)
			return false;
	}
}

static void set_parent(struct model *m, uint32_t node, uint32_t dir)
{
	if (!is_dir(&m->nodes[node]))
		return;
	m->nodes[m->nodes[node].parent].links--;
	m->nodes[dir].links++;
	m->nodes[node].parent = dir;
}

static int expected_of_rename(const struct model *m, const struct model_entry *e, uint32_t dir,
                              const struct model_entry *old, uint32_t flags)
{
	const struct model_node *n = &m->nodes[e->node];

	if ((flags & EXT4_RENAME_NOREPLACE) != 0 && old != NULL)
		return -LINUX_EEXIST;
	if ((flags & EXT4_RENAME_EXCHANGE) != 0 && old == NULL)
		return -LINUX_ENOENT;
	if (is_dir(n) && dir != e->dir && is_within(m, dir, e->node))
		return -LINUX_EINVAL;
	if (old == NULL)
		return 0;
	if ((flags & EXT4_RENAME_EXCHANGE) != 0)
		return is_dir(&m->nodes[old->node]) && dir != e->dir &&
				is_within(m, e->dir, old->node)
			? -LINUX_EINVAL
			: 0;
	if (is_dir(n) && !is_dir(&m->nodes[old->node]))
		return -LINUX_ENOTDIR;
	if (!is_dir(n) && is_dir(&m->nodes[old->node]))
		return -LINUX_EISDIR;
	if (is_dir(n) && old != e && !is_empty(m, old->node))
		return -LINUX_ENOTEMPTY;
	return 0;
}

static void rename_one(struct model *m)
{
	struct model_entry *e = any_entry(m), *old;
	uint32_t dir = any_node(m, is_live_dir), flags = rnd(m, 4) == 0 ? 1 + rnd(m, 2) : 0;
	struct ext4_attr replaced;
	char name[256];
	int status, expected;

	make_name(m, name);
	old = any_entry(m);
	if (e == NULL)
		return;
	if (old != NULL && rnd(m, 2) == 0) {
		dir = old->dir;
		snprintf(name, sizeof(name), "%s", old->name);
	}
	if (m->nodes[dir].links == 0)
		return;
	old = find_entry(m, dir, name);
	expected = expected_of_rename(m, e, dir, old, flags);
	status = VOLUME_RUN(m->v, EXT4_CREDITS_NAMES,
	                    ext4_rename(&m->v->u, m->nodes[e->dir].node, text_span(e->name),
	                                m->nodes[dir].node, text_span(name), flags, &replaced));
	if (expected == 0 && is_full(m, status))
		return;
	if (old != NULL && is_dir(&m->nodes[e->node]) && old->node == m->nodes[e->node].parent &&
	    status == -LINUX_ENOTEMPTY)
		return;
	assert_int_equal(status, expected);
	if (status != 0 || (old != NULL && old->node == e->node))
		return;
	if ((flags & EXT4_RENAME_EXCHANGE) != 0) {
		uint32_t node = e->node;

		set_parent(m, e->node, old->dir);
		set_parent(m, old->node, e->dir);
		e->node = old->node;
		old->node = node;
		return;
	}
	if (old != NULL) {
		old->used = false;
		drop(m, old->node);
	}
	set_parent(m, e->node, dir);
	e->dir = dir;
	snprintf(e->name, sizeof(e->name), "%s", name);
}

// --- Contents ---

static void write_tag(struct model *m, uint64_t disk, uint64_t tag)
{
	memset(m->v->disk->bytes + disk * EXT4_BLOCK_SIZE, 0xee, EXT4_BLOCK_SIZE);
	memcpy(m->v->disk->bytes + disk * EXT4_BLOCK_SIZE, &tag, sizeof(tag));
}

static void extend_one(struct model *m)
{
	uint32_t id = any_node(m, is_file), at = rnd(m, MODEL_BLOCKS);
	struct model_node *n = &m->nodes[id];
	uint32_t count = n->spread == 1 ? 1 + rnd(m, 8) : 1;
	struct ext4_reservation r;
	bool unwritten = rnd(m, 4) == 0;
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
	if (is_full(m, status))
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
		assert_true(is_full(m, status));
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

static void write_one(struct model *m)
{
	uint32_t id = any_node(m, is_file), at = rnd(m, MODEL_BLOCKS), count = 1 + rnd(m, 4);
	struct model_node *n = &m->nodes[id];
	int status;

	if (id == 0)
		return;
	if (at + count > MODEL_BLOCKS)
		count = MODEL_BLOCKS - at;
	status = VOLUME_RUN(
		m->v, EXT4_CREDITS_EXTEND,
		ext4_written(&m->v->u, n->node, at * n->spread, (count - 1) * n->spread + 1, 0));
	if (is_full(m, status))
		return;
	assert_int_equal(status, 0);
	for (uint32_t i = at; i < at + count; i++)
		if (n->state[i] == MODEL_UNWRITTEN)
			n->state[i] = MODEL_WRITTEN;
}

static void punch_one(struct model *m)
{
	uint32_t id = any_node(m, is_file), at = rnd(m, MODEL_BLOCKS), count = 1 + rnd(m, 20);
	struct model_node *n = &m->nodes[id];

	if (id == 0)
		return;
	if (at + count > MODEL_BLOCKS)
		count = MODEL_BLOCKS - at;
	assert_int_equal(VOLUME_RUN(m->v, EXT4_CREDITS_TRUNCATE,
	                            ext4_punch(&m->v->u, n->node, at * n->spread,
	                                       (count - 1) * n->spread + 1)),
	                 0);
	memset(n->state + at, MODEL_HOLE, count);
}

static void truncate_one(struct model *m)
{
	uint32_t id = any_node(m, is_file), at = rnd(m, MODEL_BLOCKS);
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

static void set_one(struct model *m)
{
	uint32_t id = any_node(m, is_no_dir);
	struct model_node *n = &m->nodes[id];
	struct ext4_attr attr = { .uid = rnd(m, 1u << 31), .mode = rnd(m, 07777) };

	if (id == 0)
		return;
	n->uid = attr.uid;
	n->mode = (n->mode & 0170000) | attr.mode;
	assert_int_equal(
		VOLUME_RUN(m->v, 1,
	                   ext4_setattr(&m->v->u, n->node, EXT4_SET_UID | EXT4_SET_MODE, &attr)),
		0);
	check_attr(n, &attr);
}

static const char *const xattr_names[] = { "user.a",    "user.another-one",
	                                   "trusted.t", "security.capability",
	                                   "user.b",    "user.long-name-of-it" };

static void set_xattr(struct model *m)
{
	uint32_t id = any_node(m, is_no_dir), which = rnd(m, 6);
	struct model_node *n = &m->nodes[id];
	uint32_t len = rnd(m, 3) == 0 ? rnd(m, 2000) : rnd(m, 60);
	uint8_t value[2000];
	int status;

	if (id == 0)
		return;
	memset(value, (int)rnd(m, 256), sizeof(value));
	status = VOLUME_RUN(m->v, EXT4_CREDITS_XATTR,
	                    ext4_setxattr(&m->v->u, n->node, text_span(xattr_names[which]),
	                                  (struct span){ value, len }, 0));
	if (is_full(m, status))
		return;
	assert_int_equal(status, 0);
	n->xattrs[which] = (struct model_xattr){ .used = true, .len = len, .fill = value[0] };
}

static void remove_xattr(struct model *m)
{
	uint32_t id = any_node(m, is_no_dir), which = rnd(m, 6);
	struct model_node *n = &m->nodes[id];
	int status;

	if (id == 0)
		return;
	status = VOLUME_RUN(m->v, EXT4_CREDITS_XATTR,
	                    ext4_removexattr(&m->v->u, n->node, text_span(xattr_names[which])));
	if (is_full(m, status))
		return;
	assert_int_equal(status, n->xattrs[which].used ? 0 : -LINUX_ENODATA);
	n->xattrs[which].used = false;
}

static void check_xattrs(struct model *m, const struct model_node *n)
{
	size_t expected = 0, len = 0;

	for (uint32_t i = 0; i < MODEL_XATTRS; i++) {
		uint8_t value[4096], filled[2000];
		int status;

		status = VOLUME_RUN(
			m->v, 0,
			(len = sizeof(value),
		         ext4_getxattr(&m->v->u, n->node, text_span(xattr_names[i]), value, &len)));
		assert_int_equal(status, n->xattrs[i].used ? 0 : -LINUX_ENODATA);
		if (status != 0)
			continue;
		expected += strlen(xattr_names[i]) + 1;
		memset(filled, n->xattrs[i].fill, sizeof(filled));
		assert_int_equal(len, n->xattrs[i].len);
		assert_memory_equal(value, filled, len);
	}
	assert_int_equal(
		VOLUME_RUN(m->v, 0, (len = 0, ext4_listxattr(&m->v->u, n->node, NULL, &len))), 0);
	assert_int_equal(len, expected);
}

static void create_unnamed(struct model *m)
{
	uint32_t id = free_node(m);
	struct ext4_new what = { .mode = 0100600 };
	struct ext4_attr attr;
	int status;

	if (id == 0)
		return;
	status = VOLUME_RUN(m->v, EXT4_CREDITS_NAMES,
	                    ext4_create_unnamed(&m->v->u, m->nodes[0].node, &what, &attr));
	if (is_full(m, status))
		return;
	assert_int_equal(status, 0);
	m->nodes[id] = (struct model_node){ .used = true,
		                            .node = attr.node,
		                            .mode = what.mode,
		                            .spread = 1 };
}

void model_step(struct model *m)
{
	switch (rnd(m, 23)) {
	case 20:
	case 21: set_xattr(m); break;
	case 22: remove_xattr(m); break;
	case 0: unlink_one(m); break;
	case 1: unlink_one(m); break;
	case 2: release_one(m); break;
	case 3: link_one(m); break;
	case 4: rename_one(m); break;
	case 5: rename_one(m); break;
	case 6: punch_one(m); break;
	case 7: truncate_one(m); break;
	case 8: set_one(m); break;
	case 9: write_one(m); break;
	case 10: create_unnamed(m); break;
	case 11:
	case 12:
	case 13:
	case 14:
	case 15: extend_one(m); break;
	default: create(m); break;
	}
	if (rnd(m, 200) == 0)
		volume_sync(m->v);
	if (rnd(m, 10) == 0)
		device_fake_step(m->v->disk);
}

// --- Comparison ---

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
	check_attr(n, &attr);
	check_xattrs(m, n);
	if (is_file(n))
		check_blocks(m, n);
	if ((n->mode & 0170000) == 0120000) {
		assert_int_equal(
			VOLUME_RUN(m->v, 0, ext4_readlink(&m->v->u, n->node, target, &len)), 0);
		assert_int_equal(len, strlen(n->target));
		assert_memory_equal(target, n->target, len);
	}
	if (!is_dir(n))
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
