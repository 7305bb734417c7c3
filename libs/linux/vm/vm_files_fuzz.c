// SPDX-License-Identifier: MIT
//
// A VM's files between a guest that does anything and a provider that says anything. At the end the
// VM goes, and nothing may be left.
#include <stdlib.h>

#include "libs/linux/vm/vm_files.h"
#include "libs/starina/clients_fake.h"
#include "libs/virtio/device_fuzz.h"

static struct test_guest memory, *guest = &memory;
static struct machine machine;
static struct loop loop;
static struct vm_files *files;
static handle_t connector, provider, session;

error_t machine_slot_create(struct machine *m, struct virtio_mmio_device *device)
{
	(void)m;
	test_guest_init(guest, device);
	return 0;
}

error_t machine_attach(struct machine *m, struct virtio_mmio_device *device)
{
	(void)m;
	(void)device;
	return 0;
}

void machine_enter(struct machine *m)
{
	m->lock_depth++;
}

void machine_leave(struct machine *m)
{
	m->lock_depth--;
}

// Answers what was asked for, well or badly.
static void provider_answers(uint8_t op)
{
	struct msg_files_fuse fuse = { .length = 16 + op % 4 * 8u };
	struct fuse_out_header out = { .len = fuse.length };
	uint8_t bytes[40] = { 0 };
	handle_t folio = HANDLE_NONE;
	struct message m;

	if (!fake_take(session, &m, &folio))
		return;
	// The request came inline unless it has a folio: `unique` is its third word.
	if (folio == HANDLE_NONE)
		memcpy(&out.unique, m.data + sizeof(fuse) + 8, 8);
	else
		handle_close(folio);
	if ((op & 64) != 0)
		out.unique ^= op;
	memcpy(bytes, &fuse, sizeof(fuse));
	memcpy(bytes + sizeof(fuse), &out, sizeof(out));
	fake_say(session, MSG_FILES_FUSE, bytes, (op & 128) != 0 ? op % 40 : 8 + fuse.length,
	         fake_cargo((op & 32) != 0, true), 4096);
}

static void session_opens(uint8_t op)
{
	handle_t ends[2], none;
	struct message m;

	if (provider == HANDLE_NONE)
		provider = fake_provider_accept(connector);
	if (provider == HANDLE_NONE || session != HANDLE_NONE || !fake_take(provider, &m, &none))
		return;
	if (none != HANDLE_NONE)
		handle_close(none);
	if ((op & 64) != 0 || channel_create(ends) != 0) {
		error_send(provider, 1, ERR_NOT_FOUND, "none");
		return;
	}
	session = ends[0];
	if (open_reply_send(provider, 1, ends[1]) != 0)
		handle_close(ends[1]);
}

static void step(void *context, uint8_t op)
{
	(void)context;
	switch (op % 8) {
	case 0: session_opens(op); break;
	case 1: fake_memory_fail(op >> 3); break;
	case 2:
		if (op >> 3 == 3)
			fake_close(&session);
		break;
	case 3:
		if (op >> 3 == 5)
			fake_close(&provider);
		break;
	default: provider_answers(op); break;
	}
	fake_loop_settle(&loop);
	if (machine.lock_depth != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t handles, allocated;

	fake_reset();
	memset(&machine, 0, sizeof(machine));
	provider = session = HANDLE_NONE;
	files = calloc(1, sizeof(*files));
	connector = fake_connector_create();
	if (loop_init(&loop) != 0 || vm_files_create(files, &machine) != 0)
		abort();
	handles = fake_num_handles();
	allocated = fake_num_allocated();
	if (size % 8 != 0 && vm_files_bind(files, &loop, connector, FILES_HOST) != 0)
		abort();
	fuzz_device(guest, &files->device.mmio, data, size, step, NULL, NULL);
	fake_memory_fail(0);
	vm_files_deinit(files);
	fake_close(&session);
	fake_close(&provider);
	provider = fake_provider_accept(connector);
	fake_close(&provider);
	if (fake_num_handles() != handles || fake_num_allocated() != allocated)
		abort();
	free(files);
	return 0;
}
