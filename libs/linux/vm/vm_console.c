// SPDX-License-Identifier: MIT
//
// The ports of the guest's console, and the frames of bootd on one of them.

#include "libs/base/string.h"
#include "libs/linux/vm/vm_internal.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void link_flush(struct vm *vm)
{
	struct span pending = control_link_pending(&vm->link);

	if (pending.len > 0)
		control_link_sent(&vm->link, vm_input(vm, GUEST_PORT_CONTROL, pending));
}

error_t vm_request(struct vm *vm, enum control_type type, uint32_t process, struct span fixed,
                   struct span tail, uint32_t *request)
{
	error_t err = control_link_request(&vm->link, type, process, fixed, tail, request);

	if (err == 0)
		link_flush(vm);
	return err;
}

error_t vm_send(struct vm *vm, enum control_type type, uint32_t process, struct span fixed,
                struct span tail)
{
	error_t err = control_link_frame(&vm->link, type, process, fixed, tail);

	if (err == 0)
		link_flush(vm);
	return err;
}

error_t vm_request_network(struct vm *vm, uint32_t process, const struct guest_address *address)
{
	struct control_network body = { .mtu = address->mtu,
		                        .prefix_len = (uint8_t)address->network.prefix_len };
	struct span fixed = { .data = (const uint8_t *)&body, .len = sizeof(body) };
	uint32_t request;

	memcpy(body.mac, address->mac, sizeof(body.mac));
	memcpy(body.address, address->network.address, sizeof(body.address));
	memcpy(body.gateway, address->network.gateway, sizeof(body.gateway));
	memcpy(body.dns, address->network.dns, sizeof(body.dns));
	return vm_request(vm, CONTROL_NETWORK, process, fixed, (struct span){ 0 }, &request);
}

_Static_assert(CONTROL_NETWORKS_MAX == NETDEV_NETWORKS_MAX, "an address in each network");

error_t vm_request_networks(struct vm *vm, uint32_t process, const struct netdev_networks *networks)
{
	struct control_networks body = { .uplink = (networks->reach & NETDEV_REACH_UPLINK) != 0 };
	struct span fixed = { .data = (const uint8_t *)&body, .len = sizeof(body) };
	uint32_t request;

	for (size_t i = 0; i < NETDEV_NETWORKS_MAX; i++) {
		const struct netdev_membership *entry = &networks->entries[i];

		if (entry->network == 0)
			continue;
		memcpy(body.entries[i].address, entry->address, sizeof(body.entries[i].address));
		body.entries[i].prefix_len = entry->prefix_len;
	}
	return vm_request(vm, CONTROL_NETWORKS, process, fixed, (struct span){ 0 }, &request);
}

static error_t take_ready(struct vm *vm, struct span body)
{
	struct control_ready ready;
	struct reader r = reader_make(body.data, body.len);
	nsec_t now = vm->boot_time;

	reader_copy(&r, &ready, sizeof(ready));
	if (reader_status(&r) < 0)
		return ERR_PROTOCOL;
	if (ready.version != CONTROL_VERSION) {
		vm_fail(vm,
		        "bootd speaks version %u of the control protocol, not %u: rebuild the initramfs",
		        ready.version, CONTROL_VERSION);
		return 0;
	}
	if (clock_get(CLOCK_MONOTONIC, &now) < 0)
		now = vm->boot_time;
	log_debug("bootd is up after %llu ns of guest time, %llu ns after the first entry",
	          (unsigned long long)ready.boot_time_ns,
	          (unsigned long long)(now - vm->boot_time));
	vm->state = VM_READY;
	vm_be_patient(vm, NULL);
	vm->ops->ready(vm->context);
	return 0;
}

error_t vm_frame(void *context, const struct control_header *header, struct span body)
{
	struct vm *vm = context;

	switch (vm->state) {
	case VM_BOOTING:
		return header->type == CONTROL_EVENT_READY ? take_ready(vm, body) : ERR_PROTOCOL;
	case VM_READY: return vm->ops->frame(vm->context, header, body);
	default: return 0;
	}
}

static size_t console_output(void *context, uint32_t port, struct span bytes)
{
	struct vm *vm = context;

	if (port != GUEST_PORT_CONTROL)
		return vm->ops->output(vm->context, port, bytes);
	if (vm->state != VM_ENDING && control_link_receive(&vm->link, bytes) < 0)
		vm_fail(vm, "the guest broke the control protocol");
	return bytes.len;
}

static void console_input_ready(void *context, uint32_t port)
{
	struct vm *vm = context;

	if (port == GUEST_PORT_CONTROL)
		link_flush(vm);
	else
		vm->ops->input_ready(vm->context, port);
}

static void console_guest_open(void *context, uint32_t port, bool open)
{
	struct vm *vm = context;

	if (log_is_due(++vm->num_port_changes))
		log_debug("guest %s port %u (change %u)", open ? "opened" : "closed", port,
		          vm->num_port_changes);
	// What was offered while there was no machine was refused without the device knowing of it.
	if (open)
		console_input_ready(context, port);
}

const struct console_device_ops vm_console_ops = {
	.output = console_output,
	.guest_open = console_guest_open,
	.input_ready = console_input_ready,
};

size_t vm_input(struct vm *vm, uint32_t port, struct span bytes)
{
	size_t taken;

	if (!vm->has_machine)
		return 0;
	machine_enter(&vm->machine);
	taken = console_device_input(&vm->console, port, bytes);
	machine_leave(&vm->machine);
	return taken;
}

void vm_port_set_open(struct vm *vm, uint32_t port, bool open)
{
	vm->port_closed[port] = !open;
	if (!vm->has_machine)
		return;  // its device is made so
	machine_enter(&vm->machine);
	console_device_set_open(&vm->console, port, open);
	machine_leave(&vm->machine);
}

void vm_resume(struct vm *vm, uint32_t port)
{
	if (!vm->has_machine)
		return;
	machine_enter(&vm->machine);
	console_device_resume(&vm->console, port);
	machine_leave(&vm->machine);
}

bool vm_drain(struct vm *vm, uint32_t port)
{
	bool taken;

	if (!vm->has_machine)
		return true;
	machine_enter(&vm->machine);
	taken = console_device_drain(&vm->console, port);
	machine_leave(&vm->machine);
	return taken;
}

bool vm_is_held(const struct vm *vm, uint32_t port)
{
	return vm->console.ports[port].output_held;
}
