// SPDX-License-Identifier: MIT
//
// What the VMs of a runtime are made of, and the services that they are connected to. Private to
// libs/linux.
#pragma once

#include "libs/linux/image/image_index.h"
#include "libs/linux/vm/vm.h"

struct vm_supply {
	struct loop *loop;
	handle_t system;
	handle_t blkdev;
	handle_t vmnet;
	bool only_rehearses;  // no container of VMs is the built-in one: none is made ahead of it
	bool has_networks;  // VMs are in none of vmnet's networks until their container says which
	handle_t files;     // HANDLE_NONE, with that of the volumes: VMs have no device for files
	handle_t volumes;
	uint32_t hart_features;
	uint64_t timebase_hz;
	bool ready;  // the boot disk has been read: what follows is there
	struct disk *boot_disk;
	struct boot_file kernel;
	struct boot_file initramfs;
	const struct image *builtin;  // NULL: the host packed none
};

// The configuration of a VM of `memory` bytes. The supply is ready.
struct vm_config vm_supply_config(const struct vm_supply *supply, uint64_t memory, uint32_t cpus);
// Whether the machine has memory for a guest of `memory` bytes, when it uses all of it.
bool vm_supply_has_memory(const struct vm_supply *supply, uint64_t memory);
