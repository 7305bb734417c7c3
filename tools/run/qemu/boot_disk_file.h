// SPDX-License-Identifier: MIT
//
// The boot disk: a ustar archive, as it is, on a virtio-blk disk, which only this user can read. It
// holds, in this order, secrets of this boot, `web.tar` (the page of the web shell), `vmm.app` (of
// an engine), `images.json` (what is on the disk with the images of apps), `config.json` (the
// container's configuration), and, from there on, what virtual machines of an engine may read, for
// their guest may have taken over what runs it: `kernel` (the guest's), `initramfs.cpio` (with
// bootd as /init), and `builtin.json` (of images.json, the image "builtin").
#pragma once

#include <stddef.h>

#include "tools/common/error.h"

// A file of the archive that is no file elsewhere.
struct boot_secret {
	const char *name;
	const void *bytes;
	size_t size;
};

// What the archive is made of; of all but secrets, the path of a file.
struct boot_files {
	const struct boot_secret *secrets;
	unsigned num_secrets;
	const char *page;  // web.tar; NULL: none
	const char *app;   // vmm.app; NULL: none
	const char *kernel;
	const char *initramfs;
	const char *images;
	const char *builtin;
	const char *config;  // NULL: none
};

// Writes the archive to `path`. The same inputs give the same bytes.
int boot_disk_write(const char *path, const struct boot_files *files, struct error *err);
