// SPDX-License-Identifier: MIT
//
// The boot disk: a ustar archive with what VMs need. It comes from the host, and is checked as all
// that comes from outside.
//   kernel          RISC-V Image of the guest kernel
//   initramfs.cpio  with bootd
//   images.json     the images of the disk "images" (image_index.h); may be missing
//   config.json     of the container that linuxrun runs; may be missing
//   engine.secret   what clients of the engine begin with (libs/abi/engine.h); likewise
//   vmm.app         the app of the engine's virtual machines; likewise
//   builtin.json    of images.json, what who has the disk from `kernel` on may know
#pragma once

#include "libs/boot_files/ustar.h"
#include "libs/linux/machine/loader.h"
#include "libs/linux/vm/vm.h"

#define BOOT_DISK_MAX_ENTRIES 64u

struct boot_disk {
	struct disk *disk;
	struct boot_file kernel;  // size 0: there is none; so for the others
	struct boot_file initramfs;
	struct boot_file images;
	struct boot_file config;
	struct boot_file secret;
	struct boot_file vmm;
	struct boot_file builtin;
	// The directory was read and has a kernel and an initramfs (`error` NULL), or what is
	// wrong. Called from the loop.
	void (*finished)(void *context, const char *error);
	void *context;
	// Private.
	struct loader loader;
	uint64_t position;
	uint32_t entries;
	uint8_t header[USTAR_BLOCK];
};

// Reads the directory of the archive on `disk`, which is ready.
void boot_disk_read(struct boot_disk *boot, struct disk *disk,
                    void (*finished)(void *context, const char *error), void *context);
// Reads a small file of it (at most `max` bytes) into fresh heap memory, `*data`, which is the
// caller's at once; `finished` comes later. One at a time. Errors: ERR_NOT_FOUND (size 0),
// ERR_TOO_LARGE, ERR_NO_MEMORY, as loader_start's.
__must_check error_t boot_disk_read_file(struct boot_disk *boot, const struct boot_file *file,
                                         uint64_t max, uint8_t **data,
                                         void (*finished)(void *context, error_t status),
                                         void *context);
