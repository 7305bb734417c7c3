// SPDX-License-Identifier: MIT
//
// What a file system has to have in it, for tests: random operations are done on it and on the
// file system, and both are compared.
#pragma once

#include <stdint.h>

#include "libs/ext4/volume_fake.h"

#define MODEL_NODES 4000u
#define MODEL_BLOCKS 64u  // of a file, at `spread` from each other
#define MODEL_XATTRS 6u

enum model_state { MODEL_HOLE, MODEL_UNWRITTEN, MODEL_WRITTEN };

struct model_xattr {
	bool used;
	uint32_t len;
	uint8_t fill;  // each byte of the value
};

struct model_node {
	bool used;
	struct ext4_node node;
	uint32_t mode;
	uint32_t links;
	uint32_t uid;
	uint32_t device;
	uint64_t size;
	uint32_t parent;  // of a folder
	uint32_t spread;  // block i of the model is block i * spread of the file
	uint8_t state[MODEL_BLOCKS];
	uint64_t tag[MODEL_BLOCKS];
	char target[300];
	struct model_xattr xattrs[MODEL_XATTRS];
};

struct model_entry {
	bool used;
	uint32_t dir;
	uint32_t node;
	char name[256];
};

struct model {
	struct volume *v;
	uint64_t tag;                          // the last one written
	uint32_t num_full;                     // operations that found no room
	struct model_node nodes[MODEL_NODES];  // 0: the root
	struct model_entry entries[MODEL_NODES];
};

// A file system with nothing but lost+found.
void model_init(struct model *m, struct volume *v);
// Does one random operation on both.
void model_step(struct model *m);
// Compares everything.
void model_check(struct model *m);
