// SPDX-License-Identifier: MIT

#include "apps/linuxrun/boot_disk.h"

#include "libs/base/string.h"
#include "libs/linux/control.h"
#include "libs/starina/alloc.h"

static void read_header(struct boot_disk *boot);

static void config_read(void *context, error_t status)
{
	struct boot_disk *boot = context;

	boot->finished(boot->context, status < 0 ? "config.json could not be read from the boot disk" : NULL);
}

static void directory_read(struct boot_disk *boot)
{
	struct mut_span target;
	const char *missing = NULL;

	if (boot->kernel.size == 0)
		missing = "the boot disk has no guest kernel (kernel)";
	else if (boot->initramfs.size == 0)
		missing = "the boot disk has no initramfs.cpio";
	else if (boot->config.size == 0)
		missing = "the boot disk has no config.json";
	else if (boot->config.size > CONTROL_MAX_BODY)
		missing = "config.json on the boot disk is larger than 1 MiB";
	if (missing != NULL) {
		boot->finished(boot->context, missing);
		return;
	}
	boot->config_data = heap_alloc((size_t)boot->config.size);
	if (boot->config_data == NULL) {
		boot->finished(boot->context, "no memory for config.json");
		return;
	}
	target = (struct mut_span){.data = boot->config_data, .len = (size_t)boot->config.size};
	if (loader_start(&boot->loader, boot->disk, boot->config.offset, boot->config.size, target, config_read,
	                 boot) < 0)
		boot->finished(boot->context, "config.json lies beyond the end of the boot disk");
}

static void header_read(void *context, error_t status)
{
	struct boot_disk *boot = context;
	struct boot_file file;
	struct ustar_entry entry;
	error_t err;

	if (status < 0) {
		boot->finished(boot->context, "the boot disk could not be read");
		return;
	}
	err = ustar_entry_parse((struct span){.data = boot->header, .len = sizeof(boot->header)}, &entry);
	if (err == ERR_EMPTY) {
		directory_read(boot);
		return;
	}
	if (err < 0 || ++boot->entries > BOOT_DISK_MAX_ENTRIES) {
		boot->finished(boot->context, "the boot disk holds no ustar archive as run.sh makes it");
		return;
	}
	file = (struct boot_file){.offset = boot->position + USTAR_BLOCK, .size = entry.size};
	if (entry.is_file && strcmp(entry.name, "kernel") == 0)
		boot->kernel = file;
	else if (entry.is_file && strcmp(entry.name, "initramfs.cpio") == 0)
		boot->initramfs = file;
	else if (entry.is_file && strcmp(entry.name, "config.json") == 0)
		boot->config = file;
	// A size is below 2^40 and there are few entries: no overflow.
	boot->position += USTAR_BLOCK + (entry.size + USTAR_BLOCK - 1) / USTAR_BLOCK * USTAR_BLOCK;
	if (boot->kernel.size > 0 && boot->initramfs.size > 0 && boot->config.size > 0)
		directory_read(boot);
	else
		read_header(boot);
}

static void read_header(struct boot_disk *boot)
{
	struct mut_span target = {.data = boot->header, .len = sizeof(boot->header)};

	// An archive without an end ends with the disk.
	if (loader_start(&boot->loader, boot->disk, boot->position, USTAR_BLOCK, target, header_read, boot) < 0)
		directory_read(boot);
}

void boot_disk_read(struct boot_disk *boot, struct disk *disk, void (*finished)(void *context, const char *error),
                    void *context)
{
	*boot = (struct boot_disk){.disk = disk, .finished = finished, .context = context};
	read_header(boot);
}
