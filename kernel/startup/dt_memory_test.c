// SPDX-License-Identifier: MIT
//
// Which memory is free, out of device trees of machines that QEMU does not make.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libfdt.h>

#include "kernel/arch/riscv64/layout.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page_private.h"
#include "kernel/startup/device_tree_private.h"

#define MIB (1024ull * 1024)
#define RAM 0x80000000ull
#define IMAGE_SIZE 0x200000
#define TREE_AT (RAM + 16 * MIB)

static uint8_t tree[8192];
static struct {
	paddr_t start;
	paddr_t end;
} added[16];
static size_t num_added;

uint8_t __kernel_start[IMAGE_SIZE];
__asm__(".globl __kernel_end\n.set __kernel_end, __kernel_start + 0x200000");
uint64_t boot_image_offset;

void panic(const char *format, ...)
{
	(void)format;
	fail_msg("it panics");
	__builtin_unreachable();
}

paddr_t page_from_virt(const void *virt)
{
	return TREE_AT + (paddr_t)((const uint8_t *)virt - tree);
}

void *page_to_virt(paddr_t paddr)
{
	(void)paddr;
	return NULL;
}

size_t page_map_size(paddr_t start, paddr_t end)
{
	return (end - start) / PAGE_SIZE;
}

void page_init(paddr_t start, paddr_t end, uint8_t *map)
{
	(void)start;
	(void)end;
	(void)map;
}

void page_add_range(paddr_t start, paddr_t end)
{
	if (start == end)
		return;
	assert_true(num_added < sizeof(added) / sizeof(added[0]));
	added[num_added].start = start;
	added[num_added++].end = end;
}

static bool is_free(paddr_t page)
{
	for (size_t i = 0; i < num_added; i++) {
		if (page >= added[i].start && page < added[i].end)
			return true;
	}
	return false;
}

static void reg(unsigned count, const uint64_t *values)
{
	fdt64_t list[8];

	for (unsigned i = 0; i < count; i++)
		list[i] = cpu_to_fdt64(values[i]);
	assert_int_equal(fdt_property(tree, "reg", list, (int)(count * sizeof(list[0]))), 0);
}

#define REG(...) reg(sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, (uint64_t[]){ __VA_ARGS__ })

static void begin(const char *name)
{
	assert_int_equal(fdt_begin_node(tree, name), 0);
	assert_int_equal(fdt_property_u32(tree, "#address-cells", 2), 0);
	assert_int_equal(fdt_property_u32(tree, "#size-cells", 2), 0);
}

// The root, with RAM, and `low` bytes of it from address 0 on.
static void begin_tree(uint64_t low, uint64_t size)
{
	num_added = 0;
	boot_image_offset = (uint64_t)(uintptr_t)__kernel_start - RAM;
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_finish_reservemap(tree), 0);
	begin("");
	begin("memory");
	assert_int_equal(fdt_property_string(tree, "device_type", "memory"), 0);
	REG(0, low, RAM, size);
	assert_int_equal(fdt_end_node(tree), 0);
}

static void end_tree(void)
{
	assert_int_equal(fdt_end_node(tree), 0);
	assert_int_equal(fdt_finish(tree), 0);
	dt_init_memory(tree);
}

// What reaches beyond the end of all addresses is reserved to that end, and what comes after it in
// the list is reserved too.
static void reserved_to_the_end(void **state)
{
	(void)state;
	begin_tree(0, 256 * MIB);
	begin("reserved-memory");
	begin("firmware");
	REG(RAM + 128 * MIB, UINT64_MAX, RAM + 32 * MIB, MIB);
	assert_int_equal(fdt_end_node(tree), 0);
	assert_int_equal(fdt_end_node(tree), 0);
	end_tree();
	assert_true(is_free(RAM + 64 * MIB));
	assert_true(is_free(RAM + 34 * MIB));
	assert_false(is_free(RAM + 32 * MIB));
	assert_true(is_free(RAM + 128 * MIB - PAGE_SIZE));
	assert_false(is_free(RAM + 128 * MIB));
	assert_false(is_free(RAM + 256 * MIB - PAGE_SIZE));
}

static void memory_to_the_end(void **state)
{
	(void)state;
	begin_tree(0, UINT64_MAX);
	end_tree();
	assert_true(is_free(RAM + 4096 * MIB));
}

// Address 0 stands for no page.
static void the_first_page_is_no_page(void **state)
{
	(void)state;
	begin_tree(MIB, 256 * MIB);
	end_tree();
	assert_false(is_free(0));
	assert_true(is_free(PAGE_SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_to_the_end),
		cmocka_unit_test(memory_to_the_end),
		cmocka_unit_test(the_first_page_is_no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
