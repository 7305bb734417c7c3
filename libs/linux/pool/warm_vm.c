// SPDX-License-Identifier: MIT

#include "libs/linux/pool/warm_vm.h"

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/linux/vm/control_link.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void __attribute__((format(printf, 2, 3)))
fail(struct warm_vm *warm, const char *format, ...)
{
	char error[VM_ERROR_MAX];
	va_list args;

	if (warm->over)
		return;
	va_start(args, format);
	fmt_vwrite(error, sizeof(error), format, args);
	va_end(args);
	warm->over = true;
	log_warn("a virtual machine that was to be kept ready is lost: %s", error);
	warm->ops->failed(warm, warm->context);
}

static void now_ready(struct warm_vm *warm)
{
	if (warm->ready || warm->over)
		return;
	warm->ready = true;
	vm_be_patient(warm->vm, NULL);
	warm->ops->ready(warm, warm->context);
}

// A rehearsal needs its stage no more: the container brings a root disk of its own.
static void prepared(struct warm_vm *warm)
{
	if (warm->supply->only_rehearses)
		vm_drop_root(warm->vm);
	now_ready(warm);
}

// Once it is known who the guest is and what is on its disk, the rest is bootd's.
static void advance(struct warm_vm *warm)
{
	struct control_prepare prepare = {
		.root_sectors = vm_root_sectors(warm->vm),
		.flags = warm->supply->only_rehearses ? CONTROL_REHEARSE : 0,
	};
	struct span body = { .data = (const uint8_t *)&prepare, .len = sizeof(prepare) };

	if (warm->over || warm->prepare_request != 0 || !vm_is_ready(warm->vm) ||
	    vm_waits_for_network(warm->vm))
		return;
	if (warm->supply->builtin == NULL) {
		now_ready(warm);
		return;
	}
	if (!warm->root_ready)
		return;
	if (clock_get(CLOCK_WALL, &prepare.wall_time_ns) < 0)
		prepare.wall_time_ns = 0;
	vm_be_patient(warm->vm, "prepare a container");
	if (warm->supply->only_rehearses)
		vm_rehearse_files(warm->vm);
	if (vm_request(warm->vm, CONTROL_PREPARE, 0, body, (struct span){ 0 },
	               &warm->prepare_request) < 0)
		fail(warm, "bootd could not be asked to prepare a container");
}

static void disk_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct warm_vm *warm = opener->context;
	const struct image *image = warm->supply->builtin;
	struct disk_region region = { .first_sector = image->first_sector,
		                      .num_sectors = image->num_sectors };

	warm->opening = false;
	if (warm->over) {
		if (channel != HANDLE_NONE)
			handle_close(channel);
		warm->ops->stopped(warm, warm->context);
	} else if (channel == HANDLE_NONE) {
		fail(warm, "there is no disk with images: %s (%s)", text, error_text(error));
	} else if (vm_bind_root(warm->vm, channel, region) < 0) {
		handle_close(channel);
		fail(warm, "its root disk could not be used");
	}
}

static void vm_ready(void *context)
{
	struct warm_vm *warm = context;
	const struct vm_supply *supply = warm->supply;
	static const uint8_t any_address[4];
	static const struct netdev_networks no_networks;

	if (supply->has_networks)
		vm_set_networks(warm->vm, &no_networks);
	if (supply->vmnet != HANDLE_NONE &&
	    vm_bind_network(warm->vm, supply->vmnet, any_address) < 0) {
		fail(warm, "it could not be put on the network");
		return;
	}
	if (supply->builtin != NULL) {
		warm->opening = true;
		opener_start(&warm->opener, supply->loop, supply->blkdev, "blk:images", disk_opened,
		             warm);
	}
	advance(warm);
}

static void vm_root_ready(void *context)
{
	struct warm_vm *warm = context;

	warm->root_ready = true;
	advance(warm);
}

// Another is booted in its place, when the disk's driver is back.
static bool vm_root_lost(void *context, error_t error)
{
	struct warm_vm *warm = context;

	warm->root_lost = true;
	fail(warm, "its root disk is gone (%s)", error_text(error));
	return false;
}

static void vm_network_settled(void *context, const struct guest_address *address,
                               const char *error)
{
	struct warm_vm *warm = context;

	if (address == NULL)
		log_warn("a virtual machine that is kept ready has no network: %s", error);
	else if (vm_request_network(warm->vm, 0, address) < 0)
		fail(warm, "bootd could not be told its address");
	advance(warm);
}

static error_t vm_frame_came(void *context, const struct control_header *header, struct span body)
{
	struct warm_vm *warm = context;
	struct reader r = reader_make(body.data, body.len);
	struct control_reply reply;
	char text[CONTROL_TEXT_MAX];

	reader_copy(&r, &reply, sizeof(reply));
	if (reader_status(&r) < 0 || header->type != CONTROL_REPLY)
		return ERR_PROTOCOL;
	control_text(text, r.rest);
	if (reply.status != 0)
		fail(warm, "%s (Linux error %d)", text, control_linux_error(reply.status));
	else if (header->request == warm->prepare_request)
		prepared(warm);
	return 0;
}

static size_t vm_output(void *context, uint32_t port, struct span bytes)
{
	(void)context;
	(void)port;
	return bytes.len;
}

static void vm_input_ready(void *context, uint32_t port)
{
	(void)context;
	(void)port;
}

static void vm_failed(void *context, const char *error)
{
	fail(context, "%s", error);
}

static void vm_stopped(void *context)
{
	struct warm_vm *warm = context;

	warm->stopped = true;
	warm->ops->stopped(warm, warm->context);
}

static const struct vm_ops vm_callbacks = {
	.ready = vm_ready,
	.frame = vm_frame_came,
	.output = vm_output,
	.input_ready = vm_input_ready,
	.root_ready = vm_root_ready,
	.root_lost = vm_root_lost,
	.network_settled = vm_network_settled,
	.failed = vm_failed,
	.stopped = vm_stopped,
};

error_t warm_vm_boot(const struct vm_supply *supply, uint64_t memory, uint32_t cpus,
                     const struct warm_vm_ops *ops, void *context, struct warm_vm **out)
{
	struct vm_config config = vm_supply_config(supply, memory, cpus);
	struct warm_vm *warm = heap_alloc(sizeof(*warm));
	error_t err = warm == NULL
		? ERR_NO_MEMORY
		: vm_create(supply->loop, &config, &vm_callbacks, warm, &warm->vm);

	if (err < 0) {
		heap_free(warm);
		return err;
	}
	warm->supply = supply;
	warm->ops = ops;
	warm->context = context;
	*out = warm;
	vm_boot(warm->vm);
	return 0;
}

void warm_vm_retire(struct warm_vm *warm)
{
	warm->over = true;
}

void warm_vm_free(struct warm_vm *warm)
{
	assert(warm->ready && warm->over && !warm->opening);
	heap_free(warm);
}

bool warm_vm_end(struct warm_vm *warm)
{
	if (!warm->ending) {
		warm->ending = warm->over = true;
		warm->stopped = vm_stop(warm->vm);
	}
	if (!warm->stopped || warm->opening)
		return false;
	vm_destroy(warm->vm);
	heap_free(warm);
	return true;
}
