// SPDX-License-Identifier: MIT
//
// The writable disk: empty until a disk is bound to it, and patient while the disk's driver
// restarts.

#include "libs/base/string.h"
#include "libs/linux/vm/vm_internal.h"
#include "libs/starina/log.h"

static void pump_enter(void *context)
{
	struct vm *vm = context;

	machine_enter(&vm->machine);
}

static void pump_leave(void *context)
{
	struct vm *vm = context;

	machine_leave(&vm->machine);
}

static void transfer_put(void *context, size_t position, struct span bytes)
{
	struct vm_writable_transfer *t = context;

	blk_device_put(t->request, position, bytes);
}

static bool transfer_take(void *context, size_t position, struct mut_span bytes)
{
	struct vm_writable_transfer *t = context;

	return blk_device_take(t->request, position, bytes);
}

static void transfer_finished(void *context, error_t status)
{
	struct vm_writable_transfer *t = context;

	blk_device_finish(t->request, status);
}

static void transfer_start(struct vm *vm, enum disk_transfer_kind kind,
                           struct blk_device_request *request)
{
	struct vm_writable_transfer *t = &vm->writable_transfers[request - vm->writable.requests];

	// A flush may come before there is a disk: nothing was written.
	if (!vm->writable_shown) {
		blk_device_finish(request, kind == DISK_TRANSFER_FLUSH ? 0 : ERR_IO);
		return;
	}
	// A request is free again only after its transfer has finished, so the slots go together.
	*t = (struct vm_writable_transfer){ .request = request };
	t->transfer = (struct disk_transfer){
		.kind = kind,
		.offset = request->offset,
		.length = request->length,
		.put = transfer_put,
		.take = transfer_take,
		.finished = transfer_finished,
		.context = t,
	};
	disk_pump_start(&vm->writable_pump, &t->transfer);
}

// It is a wish: a disk that cannot leaves all as it is.
static void device_discard(void *context, struct blk_device_request *request)
{
	struct vm *vm = context;

	if (vm->writable_shown && (vm->writable_lost || vm->writable_disk.discards))
		transfer_start(vm, DISK_TRANSFER_DISCARD, request);
	else
		blk_device_finish(request, 0);
}

static void device_read(void *context, struct blk_device_request *request)
{
	transfer_start(context, DISK_TRANSFER_READ, request);
}

static void device_write(void *context, struct blk_device_request *request)
{
	transfer_start(context, DISK_TRANSFER_WRITE, request);
}

static void device_flush(void *context, struct blk_device_request *request)
{
	transfer_start(context, DISK_TRANSFER_FLUSH, request);
}

// The disk is there, and so is the device: the guest may see it.
static void show(struct vm *vm)
{
	disk_pump_init(&vm->writable_pump, &vm->writable_disk, pump_enter, pump_leave, vm);
	vm->writable_shown = true;
	machine_enter(&vm->machine);
	blk_device_set_capacity(&vm->writable, vm->writable_disk.num_sectors);
	machine_leave(&vm->machine);
}

static void disk_is_ready(void *context)
{
	struct vm *vm = context;
	bool was_lost = vm->writable_lost;

	vm->writable_lost = false;
	if (!was_lost || !vm->writable_shown) {
		if (vm->has_machine)
			show(vm);  // else vm_writable_init does
		vm->ops->writable_ready(vm->context);
	} else if (vm->writable_disk.num_sectors != vm->writable.num_sectors) {
		log_warn("the container's writable disk came back with another size");
		disk_pump_resume(&vm->writable_pump, ERR_IO);
	} else {
		log_info("the container's writable disk is back");
		disk_pump_resume(&vm->writable_pump, 0);
	}
}

static void disk_has_failed(void *context, error_t error)
{
	struct vm *vm = context;

	if (vm->state != VM_ENDING) {
		vm->writable_lost = error == ERR_PEER_CLOSED;
		if (vm->ops->writable_lost(vm->context, error) && vm->writable_lost)
			return;
	}
	vm->writable_lost = false;
	if (vm->writable_shown)
		disk_pump_resume(&vm->writable_pump, ERR_IO);
	log_warn("the container's writable disk is gone (%s)", error_text(error));
}

static const struct disk_ops writable_ops = { .ready = disk_is_ready, .failed = disk_has_failed };

error_t vm_bind_writable(struct vm *vm, handle_t channel)
{
	error_t err;

	if (vm->writable_bound)
		return ERR_EXISTS;
	err = disk_init(&vm->writable_disk, vm->loop, channel, &writable_ops, vm);
	vm->writable_bound = err == 0;
	return err;
}

void vm_writable_reopened(struct vm *vm, handle_t channel)
{
	error_t err;

	if (!vm->writable_lost || vm->state == VM_ENDING) {
		if (channel != HANDLE_NONE)
			handle_close(channel);
		return;
	}
	err = channel == HANDLE_NONE
		? ERR_NOT_FOUND
		: disk_init(&vm->writable_disk, vm->loop, channel, &writable_ops, vm);
	if (err == 0)
		return;  // disk_is_ready comes
	if (channel != HANDLE_NONE)
		handle_close(channel);
	disk_has_failed(vm, err);
}

void vm_writable_init(struct vm *vm)
{
	vm->writable.read = device_read;
	vm->writable.write = device_write;
	vm->writable.flush = device_flush;
	vm->writable.discard = device_discard;
	vm->writable.context = vm;
	vm->writable.num_sectors = 0;
	str_copy(vm->writable.serial, "writable", sizeof(vm->writable.serial));
	blk_device_init(&vm->writable);
	if (vm->writable_disk.ready)
		show(vm);
}

void vm_writable_deinit(struct vm *vm)
{
	// The disk first: its requests point into the pump, the pump's into the device.
	disk_deinit(&vm->writable_disk);
	if (vm->writable_shown)
		disk_pump_deinit(&vm->writable_pump);
	vm->writable_shown = false;
}
