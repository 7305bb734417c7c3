// SPDX-License-Identifier: MIT
//
// Which nodes a guest was given, and how often: it may name no others. A provider that came back
// does not know it any more.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"

// Of one guest: more than all that answer it give to one (a million and four), so that their ENFILE
// comes first. Linux keeps a KiB and more for each.
#define FILES_MAX_NODES (6u * 1024 * 1024)

struct files_node {
	uint64_t id;     // 0: the place is free
	uint64_t count;  // lookups that were not forgotten
};

// Zeroed: empty.
struct files_nodes {
	struct files_node *places;
	size_t num_places;  // a power of two, or 0
	size_t num_nodes;
	uint64_t salt;  // so that no guest can choose ids that lie in one heap
};

// The guest is given the node (not 0) once more. Returns false when there is no memory for it, or
// it has too many.
__must_check bool files_nodes_give(struct files_nodes *nodes, uint64_t id);
bool files_nodes_has(const struct files_nodes *nodes, uint64_t id);
// The guest forgets `count` lookups of the node. Returns how many it had of these.
uint64_t files_nodes_forget(struct files_nodes *nodes, uint64_t id, uint64_t count);
// The guest has none any more.
void files_nodes_clear(struct files_nodes *nodes);
