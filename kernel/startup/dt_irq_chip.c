// SPDX-License-Identifier: MIT
//
// The interrupt controller: which one there is, and what it calls each hart. Bindings
// sifive,plic-1.0.0, riscv,aplic and riscv,imsics.
#include <libfdt.h>

#include "kernel/arch/riscv64/csr.h"
#include "kernel/debug/log.h"
#include "kernel/sched/sched.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/device_tree_private.h"

#define IMSIC_PAGE_SHIFT 12
#define IMSIC_MAX_ID 2047u  // AIA 3.1
#define PADDR_BITS 56       // Sv39

// The hart behind a phandle of its own interrupt controller; NULL when it is none of ours.
static struct hart *hart_of_phandle(const void *tree, uint32_t phandle)
{
	int intc = fdt_node_offset_by_phandle(tree, phandle);
	int cpu = intc < 0 ? -1 : fdt_parent_offset(tree, intc);
	uint64_t id, size;

	if (cpu < 0 || !dt_read_reg(tree, fdt_parent_offset(tree, cpu), cpu, 0, &id, &size))
		return NULL;
	for (uint32_t i = 0; i < num_harts; i++) {
		if (harts[i].firmware_id == id)
			return &harts[i];
	}
	return NULL;
}

// `interrupts-extended` of a controller: the n-th pair is the interrupt of a hart that its n-th
// output is wired to. Calls `found` with each that is a hart's external interrupt in S-mode.
// Returns how many those are.
static int each_hart_output(const void *tree, int node,
                            void (*found)(const void *tree, int node, struct hart *hart,
                                          uint32_t n))
{
	int len;
	const uint32_t *cells = fdt_getprop(tree, node, "interrupts-extended", &len);
	int num = 0;

	for (int i = 0; cells != NULL && i + 1 < len / 4; i += 2) {
		struct hart *hart;

		if (fdt32_to_cpu(cells[i + 1]) != IRQ_S_EXTERNAL)
			continue;
		hart = hart_of_phandle(tree, fdt32_to_cpu(cells[i]));
		if (hart == NULL)
			continue;
		found(tree, node, hart, (uint32_t)i / 2);
		num++;
	}
	return num;
}

// A PLIC's context, and an APLIC's hart index in direct mode, is the number of the output.
static void output_is_target(const void *tree, int node, struct hart *hart, uint32_t n)
{
	(void)tree;
	(void)node;
	hart->arch.irq_target = n;
	hart->arch.has_irq_target = true;
}

// Where the n-th hart's interrupt file is: the files fill the ranges of `reg` in order, each hart's
// followed by its guests'.
static bool imsic_file_address(const void *tree, int node, uint32_t n, unsigned guest_bits,
                               uint64_t *address)
{
	uint64_t skip = (uint64_t)n << (guest_bits + IMSIC_PAGE_SHIFT);
	uint64_t base, size;

	for (int i = 0; dt_read_address(tree, node, i, &base, &size); i++) {
		if (skip < size) {
			*address = base + skip;
			return true;
		}
		skip -= size;
	}
	return false;
}

static uint32_t property_or(const void *tree, int node, const char *name, uint32_t absent)
{
	dt_read_u32(tree, node, name, &absent);
	return absent;
}

// In MSI mode an APLIC's hart index is what the address of the hart's interrupt file has between
// its guests' bits and the rest (AIA 3.6 and 4.9.1).
static void file_is_target(const void *tree, int node, struct hart *hart, uint32_t n)
{
	uint32_t guest_bits = property_or(tree, node, "riscv,guest-index-bits", 0);
	uint32_t group_bits = property_or(tree, node, "riscv,group-index-bits", 0);
	uint32_t group_shift = property_or(tree, node, "riscv,group-index-shift", 24);
	uint32_t hart_bits = 0;
	uint64_t address;
	int len = 0;

	fdt_getprop(tree, node, "interrupts-extended", &len);
	while (1u << hart_bits < (uint32_t)len / 8)
		hart_bits++;
	hart_bits = property_or(tree, node, "riscv,hart-index-bits", hart_bits);
	if (guest_bits > 7 || hart_bits > 15 || group_bits > 7 || group_shift > 55 ||
	    !imsic_file_address(tree, node, n, guest_bits, &address))
		return;
	hart->arch.irq_target =
		(uint32_t)(address >> (IMSIC_PAGE_SHIFT + guest_bits) & ((1u << hart_bits) - 1)) |
		(uint32_t)(address >> group_shift & ((1u << group_bits) - 1)) << hart_bits;
	hart->arch.has_irq_target = true;
}

static bool take(const void *tree, int node, enum irq_chip_kind kind, const char *num_irqs,
                 uint32_t cells)
{
	struct machine_irq_chip *chip = &machine.irq_chip;

	// Registers begin on a page (AIA 4.5; so does a PLIC), and are mapped in whole ones.
	if (!dt_read_address(tree, node, 0, &chip->base, &chip->size) ||
	    chip->base % PAGE_SIZE != 0 || chip->base >> PADDR_BITS != 0)
		return false;
	chip->size = (chip->size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	chip->kind = kind;
	chip->phandle = fdt_get_phandle(tree, node);
	chip->num_irqs = property_or(tree, node, num_irqs, 0);
	chip->cells = property_or(tree, node, "#interrupt-cells", cells);
	return true;
}

// Of the APLIC's domains the one whose outputs are S-mode's; the others are the firmware's.
static bool find_aplic(const void *tree)
{
	int node = -1;

	while ((node = fdt_node_offset_by_compatible(tree, node, "riscv,aplic")) >= 0) {
		uint32_t parent = property_or(tree, node, "msi-parent", 0);
		int imsic = parent == 0 ? -1 : fdt_node_offset_by_phandle(tree, parent);

		if (!dt_is_enabled(tree, node))
			continue;
		if (imsic >= 0 && each_hart_output(tree, imsic, file_is_target) > 0) {
			uint32_t num_ids = property_or(tree, imsic, "riscv,num-ids", 0);

			machine.irq_chip.num_ids = num_ids < IMSIC_MAX_ID ? num_ids : IMSIC_MAX_ID;
			return take(tree, node, IRQ_CHIP_APLIC_MSI, "riscv,num-sources", 2);
		}
		if (each_hart_output(tree, node, output_is_target) > 0)
			return take(tree, node, IRQ_CHIP_APLIC, "riscv,num-sources", 2);
	}
	return false;
}

static bool find_plic(const void *tree)
{
	int node = fdt_node_offset_by_compatible(tree, -1, "riscv,plic0");

	if (node < 0)
		node = fdt_node_offset_by_compatible(tree, -1, "sifive,plic-1.0.0");
	if (node < 0 || !take(tree, node, IRQ_CHIP_PLIC, "riscv,ndev", 1))
		return false;
	each_hart_output(tree, node, output_is_target);
	return true;
}

void dt_init_irq_chip(const void *tree)
{
	if (!find_aplic(tree) && !find_plic(tree))
		kwarn("neither a PLIC nor an APLIC in the device tree: devices cannot interrupt");
}
