// SPDX-License-Identifier: MIT
//
// The devices: the kernel's own (interrupt controller, power-off) and those that apps may be given.
#include <libfdt.h>

#include "kernel/debug/log.h"
#include "kernel/sched/sched.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/device_tree_private.h"
#include "kernel/startup/devices.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

// virtio 1.2, 4.2.2
#define VIRTIO_MMIO_MAGIC 0x74726976u
#define VIRTIO_MMIO_MAGIC_OFFSET 0
#define VIRTIO_MMIO_DEVICE_ID_OFFSET 8

struct device devices[MAX_DEVICES];
size_t num_devices;

// The virtio device id behind a virtio-mmio slot; 0 when it is empty. Runs on the early page table, whose direct map
// reaches device registers too.
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
		str_copy(device->compatible[device->num_compatible++], name, sizeof(device->compatible[0]));
}

// Its first interrupt at the PLIC; 0: none.
static uint32_t read_irq(const void *tree, int node)
{
	int len;
	const uint32_t *cells = fdt_getprop(tree, node, "interrupts", &len);
	int index = 0;

	if (cells == NULL) {
		cells = fdt_getprop(tree, node, "interrupts-extended", &len);
		index = 1;  // after the controller's phandle
	}
	if (cells == NULL || len < 4 * (index + 1))
		return 0;
	return fdt32_to_cpu(cells[index]);
}

static void add_device(const void *tree, int parent, int node)
{
	struct device device = {0};
	uint64_t base, size;

	if (!dt_is_enabled(tree, node) || fdt_getprop(tree, node, "compatible", NULL) == NULL ||
	    !dt_read_reg(tree, parent, node, 0, &base, &size) || base >= UINT64_C(1) << 36)
		return;
	if (fdt_node_check_compatible(tree, node, "virtio,mmio") == 0) {
		uint32_t id = virtio_slot_device_id(base);

		if (id == 0)
			return;
		device.num_compatible = 1;
		fmt_write(device.compatible[0], sizeof(device.compatible[0]), "virtio,device%x", id);
	}
	for (int i = 0;; i++) {
		const char *name = fdt_stringlist_get(tree, node, "compatible", i, NULL);

		if (name == NULL)
			break;
		add_compatible(&device, name);
	}
	device.reg_base = base;
	device.reg_size = size;
	device.irq = read_irq(tree, node);
	device.claimed = base == machine.uart || base == machine.plic || base == machine.power;
	if (num_devices == MAX_DEVICES) {
		kwarn("more than %d devices: the one at %#llx is not used", MAX_DEVICES, (unsigned long long)base);
		return;
	}
	devices[num_devices++] = device;
}

// Which context of the PLIC is which hart's S-mode: the n-th pair (cpu's interrupt controller, interrupt 9) of
// interrupts-extended is context n (binding sifive,plic-1.0.0).
static void read_plic_contexts(const void *tree, int plic)
{
	int len;
	const uint32_t *cells = fdt_getprop(tree, plic, "interrupts-extended", &len);

	if (cells == NULL)
		return;
	for (int i = 0; i + 1 < len / 4; i += 2) {
		int intc = fdt_node_offset_by_phandle(tree, fdt32_to_cpu(cells[i]));
		int cpu = intc < 0 ? -1 : fdt_parent_offset(tree, intc);
		uint64_t id, size;

		if (fdt32_to_cpu(cells[i + 1]) != 9 || cpu < 0 ||
		    !dt_read_reg(tree, fdt_parent_offset(tree, cpu), cpu, 0, &id, &size))
			continue;
		for (uint32_t h = 0; h < num_harts; h++) {
			if (harts[h].firmware_id != id)
				continue;
			harts[h].arch.plic_context = (uint32_t)i / 2;
			harts[h].arch.has_plic = true;
		}
	}
}

static void init_plic(const void *tree)
{
	int node = fdt_node_offset_by_compatible(tree, -1, "riscv,plic0");

	if (node < 0)
		node = fdt_node_offset_by_compatible(tree, -1, "sifive,plic-1.0.0");
	if (node < 0 ||
	    !dt_read_reg(tree, fdt_parent_offset(tree, node), node, 0, &machine.plic, &machine.plic_size)) {
		kwarn("no PLIC in the device tree: devices cannot interrupt");
		return;
	}
	dt_read_u32(tree, node, "riscv,ndev", &machine.plic_num_irqs);
	read_plic_contexts(tree, node);
}

void dt_init_devices(const void *tree)
{
	int node = fdt_node_offset_by_compatible(tree, -1, "sifive,test0");
	uint64_t size;
	int soc;

	if (node >= 0 && !dt_read_reg(tree, fdt_parent_offset(tree, node), node, 0, &machine.power, &size))
		machine.power = 0;
	init_plic(tree);
	// QEMU's virt machine has all its devices under /soc.
	soc = fdt_path_offset(tree, "/soc");
	if (soc < 0)
		return;
	fdt_for_each_subnode(node, tree, soc)
		add_device(tree, soc, node);
}
