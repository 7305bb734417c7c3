// SPDX-License-Identifier: MIT
//
// The root disk: empty until an image is bound to it, and patient while the disk's driver restarts.

#include "libs/base/string.h"
#include "libs/linux/vm/vm_internal.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void cache_enter(void *context)
{
	struct vm *vm = context;

	machine_enter(&vm->machine);
}

static void cache_leave(void *context)
{
	struct vm *vm = context;

	machine_leave(&vm->machine);
}

static void root_piece(void *context, size_t position, struct span bytes)
{
	struct vm_root_read *r = context;

	blk_device_put(r->request, position, bytes);
}

static void root_finished(void *context, error_t status)
{
	struct vm_root_read *r = context;

	blk_device_finish(r->request, status);
}

static void root_read(void *context, struct blk_device_request *request)
{
	struct vm *vm = context;
	struct vm_root_read *r = &vm->root_reads[request - vm->root.requests];

	// No request gets here before there is a disk: its capacity is 0 until then.
	if (!vm->has_cache || (!vm->root_disk.ready && !vm->root_lost)) {
		blk_device_finish(request, ERR_IO);
		return;
	}
	// A request is free again only after its read has finished, so the slots go together.
	*r = (struct vm_root_read){ .request = request };
	r->read.offset = request->offset;
	r->read.length = request->length;
	r->read.piece = root_piece;
	r->read.finished = root_finished;
	r->read.context = r;
	disk_cache_read(&vm->root_cache, &r->read);
}

// The disk is there, and so is the device: the guest may see it.
static void show_root(struct vm *vm)
{
	disk_cache_init(&vm->root_cache, &vm->root_disk, cache_enter, cache_leave, vm);
	vm->root_cache.may_return = true;
	vm->has_cache = true;
	machine_enter(&vm->machine);
	blk_device_set_capacity(&vm->root, vm->root_disk.num_sectors);
	machine_leave(&vm->machine);
}

static void disk_is_ready(void *context)
{
	struct vm *vm = context;

	if (!vm->root_lost) {
		if (vm->has_machine)
			show_root(vm);  // else vm_root_init does
		vm->ops->root_ready(vm->context);
		return;
	}
	vm->root_lost = false;
	if (!vm->has_cache) {
		disk_is_ready(vm);
	} else if (vm->root_disk.num_sectors != vm->root.num_sectors) {
		log_warn("the disk with the container's root image came back with another size");
		disk_cache_resume(&vm->root_cache, ERR_IO);
	} else {
		log_info("the disk with the container's root image is back");
		disk_cache_resume(&vm->root_cache, 0);
	}
}

static void disk_has_failed(void *context, error_t error)
{
	struct vm *vm = context;

	if (vm->state != VM_ENDING) {
		vm->root_lost = error == ERR_PEER_CLOSED;
		if (vm->ops->root_lost(vm->context, error) && vm->root_lost)
			return;
	}
	vm->root_lost = false;
	if (vm->has_cache)
		disk_cache_resume(&vm->root_cache, ERR_IO);
	log_warn("the disk with the container's root image is gone (%s)", error_text(error));
}

static const struct disk_ops root_ops = { .ready = disk_is_ready, .failed = disk_has_failed };

static error_t open_root(struct vm *vm, handle_t channel)
{
	error_t err = disk_init(&vm->root_disk, vm->loop, channel, &root_ops, vm);

	vm->root_disk.region = vm->root_region;
	return err;
}

error_t vm_bind_root(struct vm *vm, handle_t channel, struct disk_region region)
{
	error_t err;

	if (vm->root_bound)
		return ERR_EXISTS;
	vm->root_region = region;
	err = open_root(vm, channel);
	vm->root_bound = err == 0;
	return err;
}

bool vm_has_root(const struct vm *vm)
{
	return vm->root_bound;
}

uint64_t vm_root_sectors(const struct vm *vm)
{
	return vm->has_cache ? vm->root.num_sectors : 0;
}

static void take_root_away(struct vm *vm)
{
	machine_enter(&vm->machine);
	blk_device_set_capacity(&vm->root, 0);
	machine_leave(&vm->machine);
	vm_root_deinit(vm);
}

void vm_drop_root(struct vm *vm)
{
	take_root_away(vm);
	vm->root_bound = vm->root_lost = false;
}

error_t vm_replace_root(struct vm *vm, handle_t channel, struct disk_region region)
{
	// The disk that was opened anew may be there without having told its size.
	bool reopens = vm->root_lost && !vm->root_disk.open;

	take_root_away(vm);
	vm->root_region = region;
	if (!reopens) {
		vm->root_lost = false;
		return open_root(vm, channel);
	}
	// This channel is of the driver that has died, or is one too many.
	handle_close(channel);
	return 0;
}

void vm_root_reopened(struct vm *vm, handle_t channel)
{
	error_t err;

	if (!vm->root_lost || vm->state == VM_ENDING) {
		if (channel != HANDLE_NONE)
			handle_close(channel);
		return;
	}
	err = channel == HANDLE_NONE ? ERR_NOT_FOUND : open_root(vm, channel);
	if (err == 0)
		return;  // disk_is_ready comes
	if (channel != HANDLE_NONE)
		handle_close(channel);
	disk_has_failed(vm, err);
}

void vm_root_init(struct vm *vm)
{
	vm->root.read = root_read;
	vm->root.context = vm;
	vm->root.num_sectors = 0;
	str_copy(vm->root.serial, "root", sizeof(vm->root.serial));
	blk_device_init(&vm->root);
	if (vm->root_disk.ready)
		show_root(vm);
}

void vm_root_deinit(struct vm *vm)
{
	// The disk first: its reads point into the cache, the cache's into the device.
	disk_deinit(&vm->root_disk);
	if (vm->has_cache)
		disk_cache_deinit(&vm->root_cache);
	vm->has_cache = false;
}
