// SPDX-License-Identifier: MIT
//
// The device tree walk. A tree is built as the input says, of names and values that mean something
// to the kernel, most of the time around what every machine has; then some of its bytes are
// damaged. The walk may refuse it by a panic that names what is wrong. What it takes must hold:
// memory that is free is free once, and nobody else's.
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/riscv64/layout.h"
#include "kernel/debug/console.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page_private.h"
#include "kernel/sched/sched.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/devices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TREE_MAX 16384
#define TREE_AT 0x8f000000ul
#define IMAGE_AT 0x80200000ul
#define IMAGE_SIZE 0x200000

// --- The input ---

static const uint8_t *input;
static size_t input_left;

static uint32_t choose(uint32_t bound)
{
	uint32_t value = 0;

	for (uint32_t span = bound; span > 1 && input_left > 0; span >>= 8, input_left--)
		value = value << 8 | *input++;
	return value % bound;
}

// --- Building a tree ---

static const char *const node_names[] = {
	"memory@80000000",
	"memory@100000000",
	"cpus",
	"cpu@0",
	"cpu@1",
	"interrupt-controller",
	"chosen",
	"soc",
	"bus",
	"reserved-memory",
	"mmode@80000000",
	"serial@10000000",
	"virtio_mmio@10001000",
	"plic@c000000",
	"aplic@d000000",
	"imsics@28000000",
	"test@100000",
	"rtc@101000",
	"",
};
static const char *const property_names[] = {
	"#address-cells",
	"#size-cells",
	"#interrupt-cells",
	"reg",
	"ranges",
	"dma-ranges",
	"device_type",
	"compatible",
	"status",
	"phandle",
	"interrupt-parent",
	"interrupts",
	"interrupts-extended",
	"interrupt-controller",
	"msi-parent",
	"riscv,ndev",
	"riscv,num-sources",
	"riscv,num-ids",
	"riscv,guest-index-bits",
	"riscv,hart-index-bits",
	"riscv,group-index-bits",
	"riscv,group-index-shift",
	"riscv,isa",
	"riscv,isa-extensions",
	"mmu-type",
	"timebase-frequency",
	"bootargs",
	"stdout-path",
	"rng-seed",
	"linux,initrd-start",
	"linux,initrd-end",
	"reg-shift",
	"reg-offset",
	"reg-io-width",
	"dma-noncoherent",
	"iommus",
};
static const char *const texts[] = {
	"memory",
	"cpu",
	"okay",
	"disabled",
	"simple-bus",
	"soc",
	"ns16550a",
	"virtio,mmio",
	"riscv,plic0",
	"sifive,plic-1.0.0",
	"riscv,aplic",
	"riscv,imsics",
	"riscv,cpu-intc",
	"sifive,test0",
	"google,goldfish-rtc",
	"rv64imafdch_zicsr_sstc_svpbmt",
	"rv64",
	"h",
	"sstc",
	"ssaia",
	"smstateen",
	"riscv,sv39",
	"riscv,none",
	"/soc/serial@10000000:115200n8",
	"/soc/serial@10000000",
	"linuxrun.poweroff=1 kernel.log=debug",
	"\"open quote",
	"",
};
static const uint32_t cells[] = {
	0,          1,          2,          3,          9,          11,         0x1000,
	0x10000,    0x100000,   0x10000000, 0x0c000000, 0x28000000, 0x80000000, 0x80200000,
	0x8f000000, 0x90000000, 0x7fffffff, 0xfffff000, 0xffffffff,
};
#define ANY(table) table[choose(sizeof(table) / sizeof(table[0]))]

static uint32_t cell(void)
{
	return choose(8) == 0 ? choose(UINT32_MAX) : ANY(cells);
}

static uint64_t number(void)
{
	return (uint64_t)(choose(2) == 0 ? 0 : cell()) << 32 | cell();
}

// The value of a property.
static void add_value(void *tree, const char *name)
{
	fdt32_t list[16];
	char bytes[64];
	size_t len = 0;
	uint32_t n;

	switch (choose(4)) {
	case 0:
		n = choose(sizeof(list) / sizeof(list[0]) + 1);
		for (uint32_t i = 0; i < n; i++)
			list[i] = cpu_to_fdt32(cell());
		fdt_property(tree, name, list, (int)(n * sizeof(list[0])));
		break;
	case 1:
		// A list of strings, of which the last may lack its end.
		for (uint32_t i = 1 + choose(3); i > 0 && len < sizeof(bytes); i--)
			len += (size_t)snprintf(bytes + len, sizeof(bytes) - len, "%s",
			                        ANY(texts)) +
				1;
		if (len > sizeof(bytes))
			len = sizeof(bytes);
		fdt_property(tree, name, bytes, (int)(len - choose(2)));
		break;
	case 2:
		n = choose(sizeof(bytes) + 1);
		for (uint32_t i = 0; i < n; i++)
			bytes[i] = (char)choose(256);
		fdt_property(tree, name, bytes, (int)n);
		break;
	default: fdt_property_u32(tree, name, cell()); break;
	}
}

static void add_properties(void *tree)
{
	for (uint32_t i = choose(6); i > 0; i--)
		add_value(tree, ANY(property_names));
}

static void add_nodes(void *tree, uint32_t depth)
{
	for (uint32_t i = choose(depth > 3 ? 2 : 5); i > 0 && input_left > 0; i--) {
		fdt_begin_node(tree, ANY(node_names));
		add_properties(tree);
		if (depth < 12)
			add_nodes(tree, depth + 1);
		fdt_end_node(tree);
	}
}

static void add_memory(void *tree)
{
	const fdt64_t reg[2] = { cpu_to_fdt64(0x80000000), cpu_to_fdt64(0x10000000) };

	fdt_begin_node(tree, "memory@80000000");
	add_properties(tree);
	fdt_property_string(tree, "device_type", "memory");
	fdt_property(tree, "reg", reg, sizeof(reg));
	fdt_end_node(tree);
}

static void add_harts(void *tree)
{
	fdt_begin_node(tree, "cpus");
	add_properties(tree);
	fdt_property_u32(tree, "#address-cells", 1);
	fdt_property_u32(tree, "#size-cells", 0);
	fdt_property_u32(tree, "timebase-frequency", 10000000);
	for (uint32_t i = choose(3); i > 0; i--) {
		fdt_begin_node(tree, "cpu");
		add_properties(tree);
		fdt_property_u32(tree, "reg", i - 1);
		fdt_begin_node(tree, "interrupt-controller");
		fdt_property_u32(tree, "phandle", i);
		fdt_end_node(tree);
		fdt_end_node(tree);
	}
	fdt_end_node(tree);
}

// A controller whose outputs go to the first harts' external interrupts.
static void add_irq_chip(void *tree, const char *compatible, uint32_t phandle, const char *count)
{
	const fdt64_t reg[2] = { cpu_to_fdt64(0x28000000), cpu_to_fdt64(0x4000000) };
	const fdt32_t outputs[4] = { cpu_to_fdt32(1), cpu_to_fdt32(9), cpu_to_fdt32(2),
		                     cpu_to_fdt32(9) };

	fdt_begin_node(tree, "irq-chip");
	add_properties(tree);
	fdt_property_string(tree, "compatible", compatible);
	fdt_property_u32(tree, "phandle", phandle);
	fdt_property_u32(tree, "msi-parent", 10);
	fdt_property_u32(tree, count, 96);
	fdt_property(tree, "reg", reg, sizeof(reg));
	fdt_property(tree, "interrupts-extended", outputs, sizeof(outputs));
	fdt_end_node(tree);
}

// What the walk needs at least, each part of which may be missing, and what it likes to find.
static void add_machine(void *tree)
{
	if (choose(16) != 1) {
		fdt_property_u32(tree, "#address-cells", 2);
		fdt_property_u32(tree, "#size-cells", 2);
	}
	if (choose(16) != 1)
		add_memory(tree);
	if (choose(16) != 1)
		add_harts(tree);
	if (choose(4) == 1)
		add_irq_chip(tree, "riscv,imsics", 10, "riscv,num-ids");
	if (choose(4) == 1)
		add_irq_chip(tree, "riscv,aplic", 11, "riscv,num-sources");
	if (choose(4) == 1)
		add_irq_chip(tree, "riscv,plic0", 11, "riscv,ndev");
}

// The tree, in memory of just its size. NULL: it did not fit.
static uint8_t *build(void)
{
	static uint8_t buffer[TREE_MAX];
	uint8_t *tree;
	uint32_t len;

	memset(buffer, 0, sizeof(buffer));
	fdt_create(buffer, sizeof(buffer));
	for (uint32_t i = choose(4); i > 1; i--)
		fdt_add_reservemap_entry(buffer, number(), number());
	fdt_finish_reservemap(buffer);
	fdt_begin_node(buffer, "");
	add_properties(buffer);
	add_machine(buffer);
	add_nodes(buffer, 0);
	fdt_end_node(buffer);
	if (fdt_finish(buffer) != 0)
		return NULL;
	len = fdt_totalsize(buffer);
	// The header's first words stay: they are all that says how long the tree is.
	for (uint32_t i = choose(2) * choose(8); i > 0; i--)
		buffer[8 + choose(len - 8)] = (uint8_t)choose(256);
	tree = malloc(len);
	if (tree != NULL)
		memcpy(tree, buffer, len);
	return tree;
}

// --- What is around ---

static uint8_t *tree;
static jmp_buf refused;
uint8_t __kernel_start[IMAGE_SIZE];
__asm__(".globl __kernel_end\n.set __kernel_end, __kernel_start + 0x200000");
uint64_t boot_image_offset;
struct hart harts[MAX_HARTS];
uint32_t num_harts;

void panic(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (strstr(line, "assertion failed") != NULL) {
		fprintf(stderr, "%s\n", line);
		abort();
	}
	longjmp(refused, 1);
}

void klog(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
}

void console_init_firmware(void)
{
}

void console_init(uintptr_t base, uint32_t reg_shift, uint32_t io_width)
{
	// The registers that are used are mapped as one page, and each access is one of a width
	// that there is.
	if ((base & (PAGE_SIZE - 1)) + (5ull << reg_shift) + io_width > PAGE_SIZE ||
	    (io_width != 1 && io_width != 2 && io_width != 4))
		abort();
}

paddr_t page_from_virt(const void *virt)
{
	return (paddr_t)((const uint8_t *)virt - tree) + TREE_AT;
}

// The tree, or the registers of a virtio device.
void *page_to_virt(paddr_t paddr)
{
	static uint32_t device[64] = { 0x74726976, 2, 1 };

	kassert(paddr < DIRECT_MAP_SIZE);
	return paddr == TREE_AT ? (void *)tree : (void *)device;
}

// --- What must hold ---

struct range {
	paddr_t start;
	paddr_t end;
};
static struct range added[MAX_RAM_RANGES];
static size_t num_added;
static struct range allocator;

size_t page_map_size(paddr_t start, paddr_t end)
{
	kassert(start < end);
	return (size_t)((end - start) / PAGE_SIZE);
}

void page_init(paddr_t start, paddr_t end, uint8_t *map)
{
	(void)map;
	allocator = (struct range){ start, end };
}

static bool overlap(paddr_t start, paddr_t end, paddr_t other_start, paddr_t other_end)
{
	return start < other_end && other_start < end;
}

void page_add_range(paddr_t start, paddr_t end)
{
	kassert(start <= end && start % PAGE_SIZE == 0 && end % PAGE_SIZE == 0);
	kassert(start >= allocator.start && end <= allocator.end && end <= DIRECT_MAP_SIZE);
	kassert(!overlap(start, end, IMAGE_AT, IMAGE_AT + IMAGE_SIZE));
	kassert(!overlap(start, end, TREE_AT, TREE_AT + fdt_totalsize(tree)));
	for (size_t i = 0; i < num_added; i++)
		kassert(!overlap(start, end, added[i].start, added[i].end));
	for (int i = 0; i < fdt_num_mem_rsv(tree); i++) {
		uint64_t base, size;

		if (fdt_get_mem_rsv(tree, i, &base, &size) != 0 || size == 0)
			continue;
		kassert(!overlap(start, end, base, base + size < base ? UINT64_MAX : base + size));
	}
	kassert(num_added < MAX_RAM_RANGES);
	added[num_added++] = (struct range){ start, end };
}

static void check_machine(void)
{
	kassert(num_harts >= 1 && num_harts <= MAX_HARTS && num_devices <= MAX_DEVICES);
	kassert(machine.timebase_frequency != 0 && num_ram_ranges > 0 &&
	        num_ram_ranges <= MAX_RAM_RANGES);
	kassert(memchr(machine.bootargs, '\0', sizeof(machine.bootargs)) != NULL);
	kassert(machine.rng_seed_len <= sizeof(machine.rng_seed));
	for (size_t i = 0; i < num_devices; i++) {
		const struct device *device = &devices[i];

		kassert(device->reg_base < DIRECT_MAP_SIZE &&
		        device->reg_size <= DIRECT_MAP_SIZE - device->reg_base);
		kassert(device->num_compatible > 0 &&
		        device->num_compatible <= DEVICE_MAX_COMPATIBLE);
		for (uint32_t k = 0; k < device->num_compatible; k++)
			kassert(memchr(device->compatible[k], '\0',
			               sizeof(device->compatible[k])) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_left = size;
	tree = build();
	if (tree == NULL)
		return 0;
	boot_image_offset = (uint64_t)(uintptr_t)__kernel_start - IMAGE_AT;
	memset(harts, 0, sizeof(harts));
	memset(&machine, 0, sizeof(machine));
	memset(devices, 0, sizeof(devices));
	num_harts = 0;
	num_devices = 0;
	num_added = 0;
	if (setjmp(refused) == 0) {
		device_tree_init_early(TREE_AT);
		device_tree_init(choose(3));
		check_machine();
	}
	free(tree);
	return 0;
}
