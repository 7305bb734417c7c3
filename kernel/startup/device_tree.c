// SPDX-License-Identifier: MIT
#include "kernel/startup/device_tree.h"

#include <libfdt.h>

#include "kernel/arch/riscv64/mmu.h"
#include "kernel/debug/console.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"
#include "kernel/startup/boot_args.h"
#include "kernel/startup/device_tree_private.h"
#include "kernel/startup/devices.h"
#include "libs/base/string.h"

#define UART_REGISTERS 6u  // up to the line status

struct machine machine;

static void *fdt;

static bool is_uart(int node)
{
	static const char *const names[] = { "ns16550a", "ns16550", "snps,dw-apb-uart" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (fdt_node_check_compatible(fdt, node, names[i]) == 0)
			return dt_is_enabled(fdt, node);
	}
	return false;
}

// The node of /chosen's stdout-path, with its options (":115200n8") cut off; else the first UART of
// a kind that we drive.
static int find_console(void)
{
	int chosen = fdt_path_offset(fdt, "/chosen");
	int len;
	const char *path = chosen < 0 ? NULL : fdt_getprop(fdt, chosen, "stdout-path", &len);
	int node = -1;

	if (path != NULL && len > 0) {
		const char *colon = memchr(path, ':', (size_t)len);
		size_t path_len = colon != NULL ? (size_t)(colon - path)
						: strnlen(path, (size_t)len);

		node = fdt_path_offset_namelen(fdt, path, (int)path_len);
		if (node >= 0 && is_uart(node))
			return node;
	}
	for (node = fdt_next_node(fdt, -1, NULL); node >= 0;
	     node = fdt_next_node(fdt, node, NULL)) {
		if (is_uart(node))
			return node;
	}
	return -1;
}

// Whether the registers that are used lie in one page, and are accessed in a width that there is.
static bool is_uart_layout_known(uint32_t offset)
{
	uint32_t width = machine.uart_io_width;
	uint64_t first = (machine.uart & (PAGE_SIZE - 1)) + (uint64_t)offset;

	return (width == 1 || width == 2 || width == 4) && machine.uart_reg_shift <= 8 &&
		first % width == 0 &&
		first + (UART_REGISTERS << machine.uart_reg_shift) <= PAGE_SIZE;
}

// Without a UART the firmware prints for us.
static void init_console(void)
{
	uint32_t offset = 0;
	uint64_t size;
	int node = find_console();

	machine.uart_io_width = 1;
	if (node < 0 || !dt_read_address(fdt, node, 0, &machine.uart, &size) ||
	    machine.uart >= DIRECT_MAP_SIZE) {
		machine.uart = 0;
		console_init_firmware();
		return;
	}
	dt_read_u32(fdt, node, "reg-offset", &offset);
	dt_read_u32(fdt, node, "reg-shift", &machine.uart_reg_shift);
	dt_read_u32(fdt, node, "reg-io-width", &machine.uart_io_width);
	if (!is_uart_layout_known(offset)) {
		machine.uart = 0;
		console_init_firmware();
		return;
	}
	console_init((uintptr_t)page_to_virt(machine.uart) + offset, machine.uart_reg_shift,
	             machine.uart_io_width);
}

// libfdt, which relies on it, does not look whether the blocks are aligned (DTSpec 5.6).
static bool is_aligned(paddr_t fdt_paddr)
{
	return fdt_paddr % 8 == 0 && fdt_off_mem_rsvmap(fdt) % 8 == 0 &&
		fdt_off_dt_struct(fdt) % 4 == 0;
}

void device_tree_init_early(paddr_t fdt_paddr)
{
	fdt = page_to_virt(fdt_paddr);
	if (fdt_check_header(fdt) != 0 || !is_aligned(fdt_paddr))
		panic("no device tree at %#llx: the firmware must pass it in a1",
		      (unsigned long long)fdt_paddr);
	init_console();
}

// The text may lack its NUL.
static void read_bootargs(const char *args, size_t size)
{
	size_t len = strnlen(args, size);

	if (len >= sizeof(machine.bootargs)) {
		len = sizeof(machine.bootargs) - 1;
		kwarn("boot arguments cut at %zu bytes", len);
	}
	memcpy(machine.bootargs, args, len);
	machine.bootargs[len] = '\0';
}

static void read_chosen(void)
{
	int node = fdt_path_offset(fdt, "/chosen");
	int len;
	const char *args;
	void *seed;

	if (node < 0)
		return;
	args = fdt_getprop(fdt, node, "bootargs", &len);
	if (args != NULL && len > 0)
		read_bootargs(args, (size_t)len);

	seed = fdt_getprop_w(fdt, node, "rng-seed", &len);
	if (seed != NULL && len > 0) {
		size_t n = (size_t)len < sizeof(machine.rng_seed) ? (size_t)len
								  : sizeof(machine.rng_seed);

		memcpy(machine.rng_seed, seed, n);
		machine.rng_seed_len = n;
		// Nobody who reads the tree later may know what the generator started from.
		memset(seed, 0, (size_t)len);
	}
}

void device_tree_init(uint64_t boot_hart)
{
	if (fdt_check_full(fdt, fdt_totalsize(fdt)) != 0)
		panic("the device tree is damaged");
	read_chosen();
	dt_init_memory(fdt);
	dt_init_harts(fdt, boot_hart);
	dt_init_irq_chip(fdt);
	dt_init_devices(fdt);
}

bool boot_arg_find(const char *app, const char *name, char *value, size_t size)
{
	return boot_args_lookup(machine.bootargs, app, name, value, size);
}

const char *boot_args_all(void)
{
	return machine.bootargs;
}
