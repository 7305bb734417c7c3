// SPDX-License-Identifier: MIT

#include "libs/linux/vm/boot_disk.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define UNREADABLE "the boot disk could not be read"

static void read_header(struct boot_disk *boot);

static void directory_read(struct boot_disk *boot)
{
	const char *missing = NULL;

	if (boot->kernel.size == 0)
		missing = "the boot disk has no guest kernel (kernel)";
	else if (boot->initramfs.size == 0)
		missing = "the boot disk has no initramfs.cpio";
	boot->finished(boot->context, missing);
}

static void take_entry(struct boot_disk *boot, const struct ustar_entry *entry)
{
	struct boot_file file = { .offset = boot->position + USTAR_BLOCK, .size = entry->size };
	const struct {
		const char *name;
		struct boot_file *file;
	} files[] = {
		{ "kernel", &boot->kernel },        { "initramfs.cpio", &boot->initramfs },
		{ "images.json", &boot->images },   { "config.json", &boot->config },
		{ "engine.secret", &boot->secret }, { "vmm.app", &boot->vmm },
		{ "builtin.json", &boot->builtin },
	};

	for (size_t i = 0; entry->is_file && i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(entry->name, files[i].name) == 0)
			*files[i].file = file;
	}
}

static void header_read(void *context, error_t status)
{
	struct boot_disk *boot = context;
	struct ustar_entry entry;
	error_t err;

	if (status < 0) {
		boot->finished(boot->context, UNREADABLE);
		return;
	}
	err = ustar_entry_parse((struct span){ .data = boot->header, .len = sizeof(boot->header) },
	                        &entry);
	if (err == ERR_EMPTY) {
		directory_read(boot);
		return;
	}
	if (err < 0 || ++boot->entries > BOOT_DISK_MAX_ENTRIES) {
		boot->finished(boot->context,
		               "the boot disk holds no ustar archive as run.sh makes it");
		return;
	}
	take_entry(boot, &entry);
	// A size is below 2^40 and there are few entries: no overflow.
	boot->position += USTAR_BLOCK + (entry.size + USTAR_BLOCK - 1) / USTAR_BLOCK * USTAR_BLOCK;
	if (boot->kernel.size > 0 && boot->initramfs.size > 0 && boot->images.size > 0 &&
	    boot->config.size > 0)
		directory_read(boot);
	else
		read_header(boot);
}

static void read_header(struct boot_disk *boot)
{
	struct mut_span target = { .data = boot->header, .len = sizeof(boot->header) };
	error_t err = loader_start(&boot->loader, boot->disk, boot->position, USTAR_BLOCK, target,
	                           header_read, boot);

	// An archive without an end ends with the disk.
	if (err == ERR_RANGE)
		directory_read(boot);
	else if (err < 0)
		boot->finished(boot->context, UNREADABLE);
}

void boot_disk_read(struct boot_disk *boot, struct disk *disk,
                    void (*finished)(void *context, const char *error), void *context)
{
	*boot = (struct boot_disk){ .disk = disk, .finished = finished, .context = context };
	read_header(boot);
}

error_t boot_disk_read_file(struct boot_disk *boot, const struct boot_file *file, uint64_t max,
                            uint8_t **data, void (*finished)(void *context, error_t status),
                            void *context)
{
	struct mut_span target;
	error_t err;

	if (file->size == 0)
		return ERR_NOT_FOUND;
	if (file->size > max)
		return ERR_TOO_LARGE;
	target = (struct mut_span){ .data = heap_alloc((size_t)file->size),
		                    .len = (size_t)file->size };
	if (target.data == NULL)
		return ERR_NO_MEMORY;
	err = loader_start(&boot->loader, boot->disk, file->offset, file->size, target, finished,
	                   context);
	if (err < 0) {
		heap_free(target.data);
		return err;
	}
	*data = target.data;
	return 0;
}
