// SPDX-License-Identifier: MIT
//
// The boot disk: a ustar archive with what a run needs. It comes from the host, and is checked as all that comes from outside.
#pragma once

#include "apps/linuxrun/ustar.h"
#include "libs/linux/guest_container.h"
#include "libs/linux/loader.h"

#define BOOT_DISK_MAX_ENTRIES 64u

struct boot_disk {
	struct disk *disk;
	struct boot_file kernel;
	struct boot_file initramfs;
	struct boot_file config;
	uint8_t *config_data;  // heap; config.size bytes
	// All was found and config.json read (`error` NULL), or what is wrong. Called from the loop.
	void (*finished)(void *context, const char *error);
	void *context;
	// Private.
	struct loader loader;
	uint64_t position;
	uint32_t entries;
	uint8_t header[USTAR_BLOCK];
};

// Reads the directory of the archive on `disk`, which is ready.
void boot_disk_read(struct boot_disk *boot, struct disk *disk, void (*finished)(void *context, const char *error),
                    void *context);
