// SPDX-License-Identifier: MIT
//
// The boot disk from a driver that answers anything, at any time, and dies: an archive whose
// entries fit, nearly. Disk, loader, directory and loop are the real ones. Each read ends once, no
// request is outside the disk, and at the end nothing is left. An input is a list of steps.
#include <stdlib.h>

#include "libs/linux/vm/boot_disk.h"
#include "libs/boot_files/boot_disk_fake.h"
#include "libs/starina/alloc.h"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX (256u * 1024)

static struct loop loop;
static struct disk disk;
static struct boot_disk boot;
static bool has_directory, reads;
static uint8_t *file;

// --- The owner of the disk ---

static void disk_is_ready(void *context)
{
	(void)context;
}

static void disk_failed(void *context, error_t error)
{
	(void)context;
	if (error >= 0 || reads)
		abort();  // a read in hand has to fail first
}

static const struct disk_ops ops = { .ready = disk_is_ready, .failed = disk_failed };

static void directory_read(void *context, const char *error)
{
	(void)context;
	if (!reads || (error == NULL && (boot.kernel.size == 0 || boot.initramfs.size == 0)))
		abort();
	reads = false;
	has_directory = error == NULL;
}

static void file_read(void *context, error_t status)
{
	(void)context;
	(void)status;
	if (!reads)
		abort();
	reads = false;
	heap_free(file);
	file = NULL;
}

static void start_reading(uint8_t how)
{
	const struct boot_file *files[] = { &boot.images, &boot.config, &boot.kernel };

	if (reads || !disk.ready)
		return;
	reads = true;
	if ((how & 1) == 0 || !has_directory)
		boot_disk_read(&boot, &disk, directory_read, NULL);
	else if (boot_disk_read_file(&boot, files[(how >> 1) % 3], FILE_MAX, &file, file_read,
	                             NULL) < 0)
		reads = false;
}

static void open_disk(void)
{
	handle_t ends[2];

	if (disk.open || channel_create(ends) != 0)
		return;
	if (disk_init(&disk, &loop, ends[0], &ops, NULL) != 0) {
		handle_close(ends[0]);
		handle_close(ends[1]);
		return;
	}
	boot_driver_begin(ends[1]);
}

// --- Steps ---

enum { ENTRY, INFO, READ, ANSWER, SAY, DIE, OPEN, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	switch (what) {
	case ENTRY: boot_archive_add(how, data, len); break;
	case INFO: boot_driver_say_info(how); break;
	case READ: start_reading(how); break;
	case ANSWER: boot_driver_answer(how); break;
	case SAY:
		boot_driver_say((how & 128) != 0 ? how % 64u : 48u + how % 8u, data, len,
		                fake_cargo((how & 64) != 0, (how & 32) == 0));
		break;
	case DIE: boot_driver_die(); break;
	case OPEN: open_disk(); break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&loop);
	// A disk that failed has closed its end.
	if (!disk.open)
		boot_driver_die();
	boot_driver_take();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t handles;

	if (handles == 0) {
		if (loop_init(&loop) != 0)
			abort();
		handles = fake_num_handles();
	}
	boot_archive_clear();
	has_directory = false;
	open_disk();
	boot_driver_say_info(3);
	turn();
	fake_steps(data, size, NUM_STEPS, step, turn);
	fake_memory_fail(0);
	boot_driver_die();
	turn();
	if (reads || disk.open || fake_num_handles() != handles || fake_num_allocated() != 0)
		abort();  // something is left
	return 0;
}
