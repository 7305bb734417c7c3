// SPDX-License-Identifier: MIT
//
// The devices: the kernel's own power-off, and those that apps may be given.
#include <libfdt.h>

#include "kernel/arch/riscv64/mmu.h"
#include "kernel/debug/log.h"
#include "kernel/mm/page.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/device_tree_private.h"
#include "kernel/startup/devices.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

// virtio 1.2, 4.2.2
#define VIRTIO_MMIO_MAGIC 0x74726976u
#define VIRTIO_MMIO_MAGIC_OFFSET 0
#define VIRTIO_MMIO_DEVICE_ID_OFFSET 8

#define MAX_BUSES 8

struct device devices[MAX_DEVICES];
size_t num_devices;

// What is of interest in a node, found in one pass over its properties.
struct node_info {
	const char *compatible;  // a list of strings, each with its NUL
	int compatible_len;
	const char *status;
	const uint32_t *interrupts;
	int interrupts_len;
	const uint32_t *interrupts_extended;
	int interrupts_extended_len;
	uint32_t interrupt_parent;  // phandle; 0: as the bus above says
	bool is_controller;
	bool has_reg;
	bool dma_is_plain;  // coherent, and at the addresses that the harts use
};

// The buses from the root to the node that the walk is at.
struct walk {
	const void *tree;
	int bus[MAX_BUSES];
	uint32_t interrupt_parent[MAX_BUSES];  // 0: none
	bool dma_is_plain[MAX_BUSES];
	int depth;  // of the last bus
};

static void note_property(struct node_info *info, const char *name, const void *value, int len)
{
	if (strcmp(name, "compatible") == 0 && len > 0 && ((const char *)value)[len - 1] == '\0') {
		info->compatible = value;
		info->compatible_len = len;
	} else if (strcmp(name, "reg") == 0) {
		info->has_reg = true;
	} else if (strcmp(name, "status") == 0 && len > 0) {
		info->status = value;
	} else if (strcmp(name, "interrupts") == 0) {
		info->interrupts = value;
		info->interrupts_len = len;
	} else if (strcmp(name, "interrupts-extended") == 0) {
		info->interrupts_extended = value;
		info->interrupts_extended_len = len;
	} else if (strcmp(name, "interrupt-parent") == 0 && len >= 4) {
		info->interrupt_parent = fdt32_to_cpu(*(const uint32_t *)value);
	} else if (strcmp(name, "interrupt-controller") == 0) {
		info->is_controller = true;
	} else if (strcmp(name, "dma-noncoherent") == 0 || strcmp(name, "iommus") == 0 ||
	           (strcmp(name, "dma-ranges") == 0 && len > 0)) {
		// RISC-V's devices are coherent unless they say that they are not, and reach memory
		// at its own addresses unless something translates them.
		info->dma_is_plain = false;
	}
}

static void read_node(const void *tree, int node, struct node_info *info)
{
	int property;

	*info = (struct node_info){ .dma_is_plain = true };
	fdt_for_each_property_offset(property, tree, node)
	{
		const char *name;
		int len;
		const void *value = fdt_getprop_by_offset(tree, property, &name, &len);

		if (value != NULL)
			note_property(info, name, value, len);
	}
}

static bool is_enabled(const struct node_info *info)
{
	return info->status == NULL || strncmp(info->status, "ok", 2) == 0;
}

static bool is_compatible(const struct node_info *info, const char *name)
{
	for (int i = 0; i < info->compatible_len; i += (int)strlen(info->compatible + i) + 1) {
		if (strcmp(info->compatible + i, name) == 0)
			return true;
	}
	return false;
}

// The virtio device id behind a virtio-mmio slot; 0 when it is empty. Runs on the early page table,
// whose direct map reaches device registers too.
static uint32_t virtio_slot_device_id(paddr_t base)
{
	const volatile uint32_t *regs = page_to_virt(base);

	if (regs[VIRTIO_MMIO_MAGIC_OFFSET / 4] != VIRTIO_MMIO_MAGIC)
		return 0;
	return regs[VIRTIO_MMIO_DEVICE_ID_OFFSET / 4];
}

static void add_compatible(struct device *device, const char *name)
{
	if (device->num_compatible < DEVICE_MAX_COMPATIBLE)
		str_copy(device->compatible[device->num_compatible++], name,
		         sizeof(device->compatible[0]));
}

// Its first interrupt, if that goes to the controller that the kernel drives (DTSpec 2.4.1). A
// trigger is the second cell.
static void read_irq(const struct walk *walk, const struct node_info *info, struct device *device)
{
	uint32_t parent = info->interrupt_parent != 0 ? info->interrupt_parent
						      : walk->interrupt_parent[walk->depth];
	int needed = (int)machine.irq_chip.cells;
	const uint32_t *cells = info->interrupts;
	int len = info->interrupts_len;

	if (info->interrupts_extended_len >= 4) {
		parent = fdt32_to_cpu(info->interrupts_extended[0]);
		cells = info->interrupts_extended + 1;
		len = info->interrupts_extended_len - 4;
	}
	if (machine.irq_chip.kind == IRQ_CHIP_NONE || parent != machine.irq_chip.phandle ||
	    needed < 1 || len / 4 < needed)
		return;
	device->irq = fdt32_to_cpu(cells[0]);
	device->irq_trigger = needed > 1 ? (uint8_t)(fdt32_to_cpu(cells[1]) & 0xf) : 0;
}

// virtio is the one kind of device here that reaches memory by itself. False when there is nothing
// to drive.
static bool add_virtio(const struct walk *walk, const struct node_info *info, paddr_t base,
                       struct device *device)
{
	uint32_t id = virtio_slot_device_id(base);

	if (id == 0)
		return false;
	if (!info->dma_is_plain || !walk->dma_is_plain[walk->depth]) {
		kwarn("the device at %#llx is not used: it reaches memory past the caches, or at other addresses "
		      "(dma-noncoherent, dma-ranges or iommus)",
		      (unsigned long long)base);
		return false;
	}
	device->num_compatible = 1;
	fmt_write(device->compatible[0], sizeof(device->compatible[0]), "virtio,device%x", id);
	return true;
}

// Whether it is the log's UART and nobody else's: what is typed at one with registers of a byte
// side by side may be read by an app, which knows of no other layout.
static bool is_console_only(uint64_t base)
{
	return base == machine.uart && (machine.uart_reg_shift != 0 || machine.uart_io_width != 1);
}

static void add_device(const struct walk *walk, int node, const struct node_info *info)
{
	struct device device = { 0 };
	uint64_t base, size;

	if (!info->has_reg || info->compatible == NULL || !is_enabled(info) ||
	    !dt_read_address_on(walk->tree, walk->bus, walk->depth, node, 0, &base, &size) ||
	    base >= DIRECT_MAP_SIZE || size > DIRECT_MAP_SIZE - base)
		return;
	if (is_compatible(info, "virtio,mmio") && !add_virtio(walk, info, base, &device))
		return;
	for (int i = 0; i < info->compatible_len; i += (int)strlen(info->compatible + i) + 1)
		add_compatible(&device, info->compatible + i);
	device.reg_base = base;
	device.reg_size = size;
	read_irq(walk, info, &device);
	device.is_console = base != 0 && base == machine.uart;
	device.claimed = is_console_only(base) || base == machine.power || info->is_controller;
	if (num_devices == MAX_DEVICES) {
		kwarn("more than %d devices: the one at %#llx is not used", MAX_DEVICES,
		      (unsigned long long)base);
		return;
	}
	devices[num_devices++] = device;
}

static bool is_bus(const struct node_info *info)
{
	return is_enabled(info) &&
		(is_compatible(info, "simple-bus") || is_compatible(info, "simple-mfd") ||
	         is_compatible(info, "simple-pm-bus"));
}

// The last bus is `node` now. What it does not say of itself it has from the bus above.
static void enter_bus(struct walk *walk, int node, const struct node_info *info, int depth)
{
	walk->bus[depth] = node;
	walk->interrupt_parent[depth] = info->interrupt_parent;
	walk->dma_is_plain[depth] = info->dma_is_plain;
	if (depth > 0) {
		if (info->interrupt_parent == 0)
			walk->interrupt_parent[depth] = walk->interrupt_parent[depth - 1];
		walk->dma_is_plain[depth] = info->dma_is_plain && walk->dma_is_plain[depth - 1];
	}
	walk->depth = depth;
}

// All that hangs on the root or on a bus that passes addresses on.
static void add_devices(const void *tree)
{
	struct walk walk = { .tree = tree };
	struct node_info info;
	int depth = 0;

	read_node(tree, 0, &info);
	enter_bus(&walk, 0, &info, 0);
	for (int node = fdt_next_node(tree, 0, &depth); node >= 0 && depth > 0;
	     node = fdt_next_node(tree, node, &depth)) {
		if (walk.depth > depth - 1)
			walk.depth = depth - 1;
		// Below something that is not a bus.
		if (walk.depth < depth - 1)
			continue;
		read_node(tree, node, &info);
		if (depth < MAX_BUSES && is_bus(&info))
			enter_bus(&walk, node, &info, depth);
		else
			add_device(&walk, node, &info);
	}
}

void dt_init_devices(const void *tree)
{
	int node = fdt_node_offset_by_compatible(tree, -1, "sifive,test0");
	uint64_t size;

	if (node >= 0 && !dt_read_address(tree, node, 0, &machine.power, &size))
		machine.power = 0;
	add_devices(tree);
}

uint8_t machine_irq_trigger(uint32_t irq)
{
	for (size_t i = 0; i < num_devices; i++) {
		if (devices[i].irq == irq)
			return devices[i].irq_trigger;
	}
	return 0;
}
