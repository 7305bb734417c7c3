// SPDX-License-Identifier: MIT
//
// Properties, and addresses of registers: a node's own, and through the buses above it. Devicetree
// Specification v0.4, 2.3.6 and 2.3.8.
#include <libfdt.h>

#include "kernel/startup/device_tree_private.h"
#include "libs/base/string.h"

#define MAX_BUSES 8

uint64_t dt_read_cells(const uint32_t *cells, int num)
{
	uint64_t value = 0;

	for (int i = 0; i < num; i++)
		value = value << 32 | fdt32_to_cpu(cells[i]);
	return value;
}

bool dt_read_u32(const void *tree, int node, const char *name, uint32_t *out)
{
	int len;
	const void *prop = fdt_getprop(tree, node, name, &len);

	if (prop == NULL || len < 4)
		return false;
	*out = fdt32_to_cpu(*(const uint32_t *)prop);
	return true;
}

bool dt_read_range(const void *tree, int parent, int node, int index, uint64_t *base,
                   uint64_t *size)
{
	int addr_cells = fdt_address_cells(tree, parent);
	int size_cells = fdt_size_cells(tree, parent);
	int len;
	const uint32_t *reg = fdt_getprop(tree, node, "reg", &len);
	int stride = addr_cells + size_cells;

	if (reg == NULL || addr_cells < 1 || addr_cells > 2 || size_cells < 0 || size_cells > 2 ||
	    len / 4 < (index + 1) * stride)
		return false;
	*base = dt_read_cells(reg + index * stride, addr_cells);
	*size = dt_read_cells(reg + index * stride + addr_cells, size_cells);
	return true;
}

bool dt_read_reg(const void *tree, int parent, int node, int index, uint64_t *base, uint64_t *size)
{
	return dt_read_range(tree, parent, node, index, base, size) && *base + *size >= *base;
}

bool dt_is_enabled(const void *tree, int node)
{
	int len;
	const char *status = fdt_getprop(tree, node, "status", &len);

	return status == NULL || len <= 0 || strncmp(status, "ok", 2) == 0;
}

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
