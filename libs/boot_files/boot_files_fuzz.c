// SPDX-License-Identifier: MIT
//
// A boot disk of any content, from a driver that answers anything, at any time, and dies. A reading
// ends once, what it gives lies in its folios, no request is outside the disk, and at the end
// nothing is left. An input is a list of steps.
#include <stdlib.h>
#include <string.h>

#include "libs/boot_files/boot_disk_fake.h"
#include "libs/boot_files/boot_files.h"
#include "libs/starina/clients_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX 1024u
#define NUM_WANTED 2u

static struct loop loop;
static struct boot_files files;
static struct boot_wanted wanted[NUM_WANTED];
static handle_t blkdev, session;
static bool reads;

// --- The reader ----------------------------------------------------------------------------------

static void all_read(void *context, error_t error)
{
	size_t num_there = 0;

	(void)context;
	if (!reads)
		abort();
	reads = false;
	for (size_t i = 0; i < NUM_WANTED; i++) {
		static uint8_t bytes[FILE_MAX];
		struct boot_wanted *file = &wanted[i];
		bool is_there = file->folio != HANDLE_NONE;

		if (is_there && (file->size == 0 || file->size > file->max))
			abort();
		if (boot_file_take(file, bytes, (size_t)file->size) != 0 && is_there)
			abort();
		if (file->folio != HANDLE_NONE)
			abort();
		num_there += is_there;
	}
	// They come in the disk's order; with the last of them the reading ends well.
	if (error < 0 && num_there == NUM_WANTED)
		abort();
}

static void reading_start(void)
{
	static const char *const names[NUM_WANTED] = { "kernel", "config.json" };

	if (reads)
		return;
	reads = true;
	for (size_t i = 0; i < NUM_WANTED; i++)
		wanted[i] = (struct boot_wanted){ .name = names[i], .max = FILE_MAX };
	blkdev = fake_connector_create();
	boot_files_read(&files, &loop, blkdev, wanted, NUM_WANTED, all_read, NULL);
}

// --- The driver ----------------------------------------------------------------------------------

static void driver_end(void)
{
	fake_close(&session);
	boot_driver_die();
}

// Opens the disk that is asked for, or refuses.
static void disk_open(uint8_t how)
{
	struct message m;
	struct msg_open open;
	const uint8_t *tail;
	handle_t handle, ends[2];
	size_t len;

	if (session == HANDLE_NONE && reads)
		session = fake_provider_accept(blkdev);
	if (session == HANDLE_NONE || !fake_take(session, &m, &handle))
		return;
	if (message_decode_open(&m, &open, &tail, &len) != 0)
		abort();
	if ((how & 15) == 15) {
		(void)!error_send(session, open.id, ERR_NOT_FOUND, "no");
		return;
	}
	boot_driver_die();
	if (channel_create(ends) != 0)
		return;
	if (open_reply_send(session, open.id, ends[0]) == 0)
		boot_driver_begin(ends[1]);
	else
		fake_close(&ends[1]);
}

// --- Steps ---------------------------------------------------------------------------------------

enum { ENTRY, INFO, READ, ANSWER, SAY, DIE, OPEN, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	switch (what) {
	case ENTRY: boot_archive_add(how, data, len); break;
	case INFO: boot_driver_say_info(how); break;
	case READ: reading_start(); break;
	case ANSWER: boot_driver_answer(how); break;
	case SAY:
		boot_driver_say((how & 128) != 0 ? how % 64u : 48u + how % 8u, data, len,
		                fake_cargo((how & 64) != 0, (how & 32) == 0));
		break;
	case DIE: driver_end(); break;
	case OPEN: disk_open(how); break;
	default: fake_memory_fail(how); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&loop);
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
	reading_start();
	turn();
	disk_open(0);
	turn();
	boot_driver_say_info(3);
	turn();
	fake_steps(data, size, NUM_STEPS, step, turn);
	fake_memory_fail(0);
	// It is refused in the end, if it is not over yet.
	for (unsigned i = 0; reads && i < 8; i++) {
		driver_end();
		turn();
		disk_open(15);
		turn();
	}
	driver_end();
	turn();
	if (reads || fake_num_handles() != handles || fake_num_allocated() != 0)
		abort();  // something is left
	return 0;
}
