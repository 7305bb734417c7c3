// SPDX-License-Identifier: MIT
//
// What the parts of the model share: model_fake.c has the model and compares, model_names_fake.c
// does operations on names, model_data_fake.c on what files have.
#pragma once

#include "libs/abi/linux_error.h"
#include "libs/ext4/model_fake.h"

static inline uint32_t model_random(struct model *m, uint32_t below)
{
	return device_fake_random(m->v->disk, below);
}

static inline bool model_is_dir(const struct model_node *n)
{
	return (n->mode & 0170000) == 0040000;
}

static inline bool model_is_no_dir(const struct model_node *n)
{
	return !model_is_dir(n);
}

static inline bool model_is_file(const struct model_node *n)
{
	return (n->mode & 0170000) == 0100000;
}

// Whether an operation found no room, which may be so.
static inline bool model_is_full(struct model *m, int status)
{
	m->num_full += status == -LINUX_ENOSPC;
	return status == -LINUX_ENOSPC;
}

extern const char *const model_xattr_names[MODEL_XATTRS];

// A random node of a kind; 0: none was met.
uint32_t model_any_node(struct model *m, bool (*is)(const struct model_node *));
// Compares the attributes of a node.
void model_check_attr(const struct model_node *n, const struct ext4_attr *attr);

// Each does one random operation, on both.
void model_create(struct model *m);
void model_create_unnamed(struct model *m);
void model_unlink(struct model *m);
void model_release(struct model *m);
void model_link(struct model *m);
void model_rename(struct model *m);
void model_extend(struct model *m);
void model_write(struct model *m);
void model_punch(struct model *m);
void model_truncate(struct model *m);
void model_set_attr(struct model *m);
void model_set_xattr(struct model *m);
void model_remove_xattr(struct model *m);
