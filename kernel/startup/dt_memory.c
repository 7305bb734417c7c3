// SPDX-License-Identifier: MIT
//
// Which RAM there is, and which of it is free: not the firmware's, not the kernel's, not the device
// tree's.
#include <libfdt.h>

#include "kernel/arch/riscv64/layout.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_private.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/device_tree_private.h"
#include "libs/base/string.h"

struct ram_range ram_ranges[MAX_RAM_RANGES];
size_t num_ram_ranges;

struct range_list {
	struct ram_range ranges[MAX_RAM_RANGES];
	size_t num;
};

static struct range_list free_ram;

static void add_range(struct range_list *list, paddr_t start, paddr_t end)
{
	size_t i = list->num;

	if (start >= end)
		return;
	if (list->num == MAX_RAM_RANGES)
		panic("the device tree has more than %d ranges of memory", MAX_RAM_RANGES);
	for (; i > 0 && list->ranges[i - 1].start > start; i--)
		list->ranges[i] = list->ranges[i - 1];
	list->ranges[i] = (struct ram_range){ .start = start, .end = end };
	list->num++;
}

// Takes [start, end), widened to whole pages, out of each range.
static void cut(struct range_list *list, paddr_t start, paddr_t end)
{
	struct range_list old = *list;

	// No range goes further, and what is cut may go to the end of all addresses.
	if (end > DIRECT_MAP_SIZE)
		end = DIRECT_MAP_SIZE;
	if (start >= end)
		return;
	start &= ~(PAGE_SIZE - 1);
	end = (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	list->num = 0;
	for (size_t i = 0; i < old.num; i++) {
		struct ram_range *r = &old.ranges[i];

		if (end <= r->start || r->end <= start) {
			add_range(list, r->start, r->end);
			continue;
		}
		add_range(list, r->start, start);
		add_range(list, end, r->end);
	}
}

// Where [base, base + size) ends, at most at the end of all addresses.
static paddr_t end_of(uint64_t base, uint64_t size)
{
	return size > UINT64_MAX - base ? UINT64_MAX : base + size;
}

// What the direct map cannot reach is not used. Nodes may overlap: each page counts once.
static void add_memory(uint64_t base, uint64_t size)
{
	paddr_t end = end_of(base, size);
	paddr_t start;

	if (base >= DIRECT_MAP_SIZE)
		return;
	if (end > DIRECT_MAP_SIZE)
		end = DIRECT_MAP_SIZE;
	start = (base + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	end &= ~(PAGE_SIZE - 1);
	cut(&free_ram, start, end);
	add_range(&free_ram, start, end);
}

static void read_memory_nodes(const void *tree)
{
	int node;

	for (node = fdt_next_node(tree, -1, NULL); node >= 0;
	     node = fdt_next_node(tree, node, NULL)) {
		int len;
		const char *type = fdt_getprop(tree, node, "device_type", &len);
		uint64_t base, size;

		if (type == NULL || len != 7 || memcmp(type, "memory", 7) != 0 ||
		    !dt_is_enabled(tree, node))
			continue;
		for (int i = 0; dt_read_range(tree, 0, node, i, &base, &size); i++)
			add_memory(base, size);
	}
}

// /reserved-memory (DTSpec 3.5) and the reservation block (5.3): the firmware's.
static void cut_reserved(const void *tree)
{
	int parent = fdt_path_offset(tree, "/reserved-memory");
	uint64_t base, size;
	int node;

	for (node = parent < 0 ? -1 : fdt_first_subnode(tree, parent); node >= 0;
	     node = fdt_next_subnode(tree, node)) {
		for (int i = 0; dt_read_range(tree, parent, node, i, &base, &size); i++)
			cut(&free_ram, base, end_of(base, size));
	}
	for (int i = 0; i < fdt_num_mem_rsv(tree); i++)
		if (fdt_get_mem_rsv(tree, i, &base, &size) == 0)
			cut(&free_ram, base, end_of(base, size));
}

// An initrd is of no use to us, but whoever passed one may expect that it stays.
static void cut_initrd(const void *tree)
{
	int node = fdt_path_offset(tree, "/chosen");
	int start_len, end_len;
	const uint32_t *start, *end;

	if (node < 0)
		return;
	start = fdt_getprop(tree, node, "linux,initrd-start", &start_len);
	end = fdt_getprop(tree, node, "linux,initrd-end", &end_len);
	if (start == NULL || end == NULL || start_len < 4 || start_len > 8 || end_len < 4 ||
	    end_len > 8)
		return;
	cut(&free_ram, dt_read_cells(start, start_len / 4), dt_read_cells(end, end_len / 4));
}

// The allocator's map goes to the start of the largest range.
static void init_page_allocator(void)
{
	struct ram_range *largest = &free_ram.ranges[0];
	paddr_t start = free_ram.ranges[0].start;
	paddr_t end = free_ram.ranges[free_ram.num - 1].end;
	size_t map_size;

	for (size_t i = 1; i < free_ram.num; i++)
		if (free_ram.ranges[i].end - free_ram.ranges[i].start >
		    largest->end - largest->start)
			largest = &free_ram.ranges[i];
	map_size = (page_map_size(start, end) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (map_size >= largest->end - largest->start)
		panic("too little memory: %llu KiB",
		      (unsigned long long)(largest->end - largest->start) / 1024);
	page_init(start, end, page_to_virt(largest->start));
	largest->start += map_size;
	for (size_t i = 0; i < free_ram.num; i++)
		page_add_range(free_ram.ranges[i].start, free_ram.ranges[i].end);
}

void dt_init_memory(const void *tree)
{
	paddr_t tree_paddr = page_from_virt(tree);

	free_ram.num = 0;
	read_memory_nodes(tree);
	cut_reserved(tree);
	// Address 0 says "none" wherever a page is meant.
	cut(&free_ram, 0, PAGE_SIZE);
	if (free_ram.num == 0)
		panic("the device tree has no memory");
	memcpy(ram_ranges, free_ram.ranges, sizeof(ram_ranges));
	num_ram_ranges = free_ram.num;

	cut(&free_ram, image_paddr(__kernel_start), image_paddr(__kernel_end));
	cut(&free_ram, tree_paddr, tree_paddr + fdt_totalsize(tree));
	cut_initrd(tree);
	if (free_ram.num == 0)
		panic("none of the memory in the device tree is free");
	init_page_allocator();
}
