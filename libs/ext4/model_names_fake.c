// SPDX-License-Identifier: MIT
//
// Operations of the model on names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/ext4/model_parts_fake.h"

static bool is_live_dir(const struct model_node *n)
{
	return model_is_dir(n) && n->links > 0;
}

static struct model_entry *any_entry(struct model *m)
{
	for (uint32_t i = 0; i < 500; i++) {
		struct model_entry *e = &m->entries[model_random(m, MODEL_NODES)];

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
	uint32_t len = model_random(m, 20) == 0 ? 1 + model_random(m, 255)
						: 3 + model_random(m, 12);

	for (uint32_t i = 0; i < len; i++)
		name[i] = (char)(model_random(m, 30) == 0 ? 0x80 + model_random(m, 100)
		                                          : 'a' + model_random(m, 20));
	name[len] = '\0';
}

static void add_entry(struct model *m, uint32_t dir, const char *name, uint32_t node)
{
	struct model_entry *e = free_entry(m);

	assert_non_null(e);
	*e = (struct model_entry){ .used = true, .dir = dir, .node = node };
	snprintf(e->name, sizeof(e->name), "%s", name);
}

// Whether an operation has made a name, which was to be there only if it was not before.
static bool is_done(struct model *m, uint32_t dir, const char *name, int status)
{
	if (find_entry(m, dir, name) != NULL) {
		assert_int_equal(status, -LINUX_EEXIST);
		return false;
	}
	if (model_is_full(m, status))
		return false;
	assert_int_equal(status, 0);
	return true;
}

void model_create(struct model *m)
{
	static const uint32_t types[] = { 0100644, 0100600, 0100600, 0040755,
		                          0120777, 0020600, 0010600 };
	uint32_t dir = model_random(m, 3) == 0 ? 0 : model_any_node(m, is_live_dir),
		 id = free_node(m);
	struct model_node *n = &m->nodes[id];
	struct ext4_new what = { .mode = types[model_random(m, 7)],
		                 .uid = model_random(m, 100000) };
	struct ext4_attr attr;
	char name[256];
	int status;

	make_name(m, name);
	if (id == 0 || free_entry(m) == NULL)
		return;
	*n = (struct model_node){ .mode = what.mode,
		                  .uid = what.uid,
		                  .spread = 1 + model_random(m, 3) * model_random(m, 900) };
	if ((what.mode & 0170000) == 0020000)
		n->device = what.device = model_random(m, 2) == 0 ? 0x103 : 0x12345678;
	if ((what.mode & 0170000) == 0120000) {
		make_name(m, n->target);
		what.target = text_span(n->target);
	}
	status = VOLUME_RUN(
		m->v, EXT4_CREDITS_NAMES,
		ext4_create(&m->v->u, m->nodes[dir].node, text_span(name), &what, &attr));
	if (!is_done(m, dir, name, status))
		return;
	n->used = true;
	n->node = attr.node;
	n->links = model_is_dir(n) ? 2 : 1;
	n->parent = dir;
	if (model_is_dir(n))
		m->nodes[dir].links++;
	model_check_attr(n, &attr);
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

	n->links = model_is_dir(n) ? 0 : n->links - 1;
	if (model_is_dir(n))
		m->nodes[n->parent].links--;
	if (n->links == 0 && model_random(m, 3) != 0)
		release(m, n);
}

static bool is_empty(const struct model *m, uint32_t dir)
{
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		if (m->entries[i].used && m->entries[i].dir == dir)
			return false;
	return true;
}

void model_unlink(struct model *m)
{
	struct model_entry *e = any_entry(m);
	struct ext4_attr attr;
	struct model_node *n;
	int status;

	if (e == NULL)
		return;
	n = &m->nodes[e->node];
	if (model_is_dir(n))
		status = VOLUME_RUN(
			m->v, EXT4_CREDITS_NAMES,
			ext4_rmdir(&m->v->u, m->nodes[e->dir].node, text_span(e->name), &attr));
	else
		status = VOLUME_RUN(
			m->v, EXT4_CREDITS_NAMES,
			ext4_unlink(&m->v->u, m->nodes[e->dir].node, text_span(e->name), &attr));
	if (model_is_dir(n) && !is_empty(m, e->node)) {
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

void model_release(struct model *m)
{
	uint32_t node = model_any_node(m, is_orphan);

	if (node != 0)
		release(m, &m->nodes[node]);
}

void model_link(struct model *m)
{
	uint32_t node = model_any_node(m, model_is_no_dir), dir = model_any_node(m, is_live_dir);
	struct ext4_attr attr;
	char name[256];
	int status;

	make_name(m, name);
	if (node == 0 || m->nodes[dir].links == 0 || free_entry(m) == NULL)
		return;
	status = VOLUME_RUN(m->v, EXT4_CREDITS_NAMES,
	                    ext4_link(&m->v->u, m->nodes[node].node, m->nodes[dir].node,
	                              text_span(name), &attr));
	if (!is_done(m, dir, name, status))
		return;
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
	if (!model_is_dir(&m->nodes[node]))
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
	if (model_is_dir(n) && dir != e->dir && is_within(m, dir, e->node))
		return -LINUX_EINVAL;
	if (old == NULL)
		return 0;
	if ((flags & EXT4_RENAME_EXCHANGE) != 0)
		return model_is_dir(&m->nodes[old->node]) && dir != e->dir &&
				is_within(m, e->dir, old->node)
			? -LINUX_EINVAL
			: 0;
	if (model_is_dir(n) && !model_is_dir(&m->nodes[old->node]))
		return -LINUX_ENOTDIR;
	if (!model_is_dir(n) && model_is_dir(&m->nodes[old->node]))
		return -LINUX_EISDIR;
	if (model_is_dir(n) && old != e && !is_empty(m, old->node))
		return -LINUX_ENOTEMPTY;
	return 0;
}

void model_rename(struct model *m)
{
	struct model_entry *e = any_entry(m), *old;
	uint32_t dir = model_any_node(m, is_live_dir),
		 flags = model_random(m, 4) == 0 ? 1 + model_random(m, 2) : 0;
	struct ext4_attr replaced;
	char name[256];
	int status, expected;

	make_name(m, name);
	old = any_entry(m);
	if (e == NULL)
		return;
	if (old != NULL && model_random(m, 2) == 0) {
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
	if (expected == 0 && model_is_full(m, status))
		return;
	if (old != NULL && model_is_dir(&m->nodes[e->node]) &&
	    old->node == m->nodes[e->node].parent && status == -LINUX_ENOTEMPTY)
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

void model_create_unnamed(struct model *m)
{
	uint32_t id = free_node(m);
	struct ext4_new what = { .mode = 0100600 };
	struct ext4_attr attr;
	int status;

	if (id == 0)
		return;
	status = VOLUME_RUN(m->v, EXT4_CREDITS_NAMES,
	                    ext4_create_unnamed(&m->v->u, m->nodes[0].node, &what, &attr));
	if (model_is_full(m, status))
		return;
	assert_int_equal(status, 0);
	m->nodes[id] = (struct model_node){ .used = true,
		                            .node = attr.node,
		                            .mode = what.mode,
		                            .spread = 1 };
}
