// SPDX-License-Identifier: MIT
#include "libs/linux/pool/vm_supply.h"

#include "libs/starina/syscall.h"

// Left to the rest of the system when a guest's memory is full.
#define MEMORY_RESERVE (16ull * 1024 * 1024)

struct vm_config vm_supply_config(const struct vm_supply *supply, uint64_t memory, uint32_t cpus)
{
	return (struct vm_config){
		.memory = memory,
		.cpus = cpus,
		.hart_features = supply->hart_features,
		.timebase_hz = supply->timebase_hz,
		.boot_disk = supply->boot_disk,
		.kernel = supply->kernel,
		.initramfs = supply->initramfs,
	};
}

bool vm_supply_has_memory(const struct vm_supply *supply, uint64_t memory)
{
	struct system_info info;

	if (supply->system == HANDLE_NONE || system_info(supply->system, &info) < 0)
		return true;
	return memory + MEMORY_RESERVE <= info.free_pages * PAGE_SIZE;
}
