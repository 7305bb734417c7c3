// SPDX-License-Identifier: MIT
//
// Addresses of registers: a node's own, and through the buses above it. Devicetree Specification
// v0.4, 2.3.6 and 2.3.8.
#include <libfdt.h>

#include "kernel/startup/device_tree_private.h"

#define MAX_BUSES 8

// What an address on `bus` is on the bus above it, whose node is `above`. Without `ranges` a bus
// passes nothing on; with an empty one it passes all on as it is.
static bool translate(const void *tree, int above, int bus, uint64_t *base, uint64_t size)
{
	int child_cells = fdt_address_cells(tree, bus);
	int parent_cells = fdt_address_cells(tree, above);
	int size_cells = fdt_size_cells(tree, bus);
	int stride = child_cells + parent_cells + size_cells;
	int len;
	const uint32_t *ranges = fdt_getprop(tree, bus, "ranges", &len);

	if (ranges == NULL)
		return false;
	if (len == 0)
		return true;
	if (child_cells < 1 || child_cells > 2 || parent_cells < 1 || parent_cells > 2 ||
	    size_cells < 1 || size_cells > 2)
		return false;
	for (int i = 0; i + stride <= len / 4; i += stride) {
		uint64_t child = dt_read_cells(ranges + i, child_cells);
		uint64_t parent = dt_read_cells(ranges + i + child_cells, parent_cells);
		uint64_t length =
			dt_read_cells(ranges + i + child_cells + parent_cells, size_cells);

		if (*base < child || *base - child >= length || size > length - (*base - child))
			continue;
		return !__builtin_add_overflow(parent, *base - child, base) &&
			*base + size >= *base;
	}
	return false;
}

bool dt_read_address_on(const void *tree, const int *buses, int depth, int node, int index,
                        uint64_t *base, uint64_t *size)
{
	if (!dt_read_reg(tree, buses[depth], node, index, base, size))
		return false;
	for (int i = depth; i > 0; i--) {
		if (!translate(tree, buses[i - 1], buses[i], base, *size))
			return false;
	}
	return true;
}

bool dt_read_address(const void *tree, int node, int index, uint64_t *base, uint64_t *size)
{
	int buses[MAX_BUSES];
	int depth = fdt_node_depth(tree, node) - 1;

	if (depth < 0 || depth >= MAX_BUSES)
		return false;
	for (int i = 0; i <= depth; i++)
		buses[i] = fdt_supernode_atdepth_offset(tree, node, i, NULL);
	return dt_read_address_on(tree, buses, depth, node, index, base, size);
}
