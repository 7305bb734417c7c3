// SPDX-License-Identifier: MIT
//
// The harts and what they can do. What not all of them can, the machine cannot.
#include <libfdt.h>

#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/sched/sched.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/device_tree_private.h"
#include "libs/base/string.h"

// Whether `riscv,isa` ("rv64imafdch_zicsr_sstc") names the extension: a single letter in its first
// part, longer ones between underscores.
static bool isa_string_has(const char *isa, const char *extension)
{
	size_t len = strlen(extension);
	const char *p = isa;

	if (strncmp(isa, "rv64", 4) != 0)
		return false;
	if (len == 1) {
		for (p = isa + 4; *p != '\0' && *p != '_'; p++)
			if (*p == extension[0])
				return true;
		return false;
	}
	while ((p = strchr(p, '_')) != NULL) {
		p++;
		if (strncmp(p, extension, len) == 0 && (p[len] == '_' || p[len] == '\0'))
			return true;
	}
	return false;
}

static bool hart_has(const void *tree, int node, const char *extension)
{
	int len;
	const char *isa;

	if (fdt_getprop(tree, node, "riscv,isa-extensions", &len) != NULL)
		return fdt_stringlist_search(tree, node, "riscv,isa-extensions", extension) >= 0;
	isa = fdt_getprop(tree, node, "riscv,isa", &len);
	return isa != NULL && len > 0 && isa[len - 1] == '\0' && isa_string_has(isa, extension);
}

static void add_hart(const void *tree, int cpus, int node, uint64_t boot_hart)
{
	uint64_t id, size;
	uint32_t index;
	const char *mmu;
	int len;

	if (!dt_read_reg(tree, cpus, node, 0, &id, &size) || !dt_is_enabled(tree, node))
		return;
	// A small hart without address translation beside the others (binding riscv/cpus.yaml).
	mmu = fdt_getprop(tree, node, "mmu-type", &len);
	if (mmu != NULL && len > 0 && strncmp(mmu, "riscv,none", (size_t)len) == 0)
		return;
	if (num_harts == 0) {
		machine.has_sstc = true;
		machine.has_hypervisor = true;
		machine.has_ssaia = true;
		machine.has_svpbmt = true;
		machine.has_svvptc = true;
		machine.has_isa_list = true;
		num_harts = 1;  // the boot hart's place, wherever it stands in the tree
	}
	if (id == boot_hart) {
		index = 0;
	} else if (num_harts == MAX_HARTS) {
		kwarn("more than %d harts: hart %llu is not used", MAX_HARTS,
		      (unsigned long long)id);
		return;
	} else {
		index = num_harts++;
	}
	harts[index].id = index;
	harts[index].firmware_id = (uint32_t)id;
	machine.has_sstc = machine.has_sstc && hart_has(tree, node, "sstc");
	machine.has_hypervisor = machine.has_hypervisor && hart_has(tree, node, "h");
	machine.has_ssaia = machine.has_ssaia && hart_has(tree, node, "ssaia");
	machine.has_svpbmt = machine.has_svpbmt && hart_has(tree, node, "svpbmt");
	machine.has_svvptc = machine.has_svvptc && hart_has(tree, node, "svvptc");
	machine.has_isa_list = machine.has_isa_list &&
		fdt_getprop(tree, node, "riscv,isa-extensions", &len) != NULL;
	machine.has_stateen = machine.has_stateen || hart_has(tree, node, "smstateen");
}

void dt_init_harts(const void *tree, uint64_t boot_hart)
{
	int cpus = fdt_path_offset(tree, "/cpus");
	int len = 0;
	const uint32_t *frequency = cpus < 0 ? NULL
					     : fdt_getprop(tree, cpus, "timebase-frequency", &len);
	int node;

	// One cell or two (DTSpec 3.7).
	if (frequency != NULL && (len == 4 || len == 8))
		machine.timebase_frequency = dt_read_cells(frequency, len / 4);
	if (machine.timebase_frequency == 0)
		panic("the device tree has no /cpus with a timebase-frequency");
	harts[0].firmware_id = (uint32_t)boot_hart;
	fdt_for_each_subnode(node, tree, cpus) add_hart(tree, cpus, node, boot_hart);
	if (num_harts == 0)
		num_harts = 1;
}
