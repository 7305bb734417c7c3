// SPDX-License-Identifier: MIT

#include "libs/linux/vm/vm.h"

#include "libs/linux/vm/vm_internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

static void patience_ended(struct loop *loop, struct source *source)
{
	struct vm *vm = source->context;

	(void)loop;
	if (vm->stopping) {
		vm_set_timer(vm, NSEC_NEVER);
		vm->network_given_up = true;
		vm_settle(vm);
	}
	if (vm->state == VM_LOADING) {
		vm_set_timer(vm, NSEC_NEVER);
		vm_load(vm);
		return;
	}
	if (vm->state == VM_ENDING || vm->patience_for == NULL)
		return;
	vm_log_last_words(vm);
	vm_fail(vm, "the guest did not %s in %u s", vm->patience_for,
	        (unsigned int)(VM_PATIENCE / NSEC_PER_SEC));
}

static const struct source_ops patience_ops = { .signalled = patience_ended };

error_t vm_create(struct loop *loop, const struct vm_config *config, const struct vm_ops *ops,
                  void *context, struct vm **out)
{
	struct vm *vm;
	error_t err;

	if (config->memory < MACHINE_MIN_MEMORY || config->memory > MACHINE_MAX_MEMORY ||
	    config->cpus == 0 || config->cpus > MACHINE_MAX_CPUS)
		return ERR_INVALID;
	vm = heap_alloc(sizeof(*vm));
	if (vm == NULL)
		return ERR_NO_MEMORY;
	vm->loop = loop;
	vm->config = *config;
	vm->config.memory = (config->memory + BLOCK_SIZE - 1) & ~(uint64_t)(BLOCK_SIZE - 1);
	vm->ops = ops;
	vm->context = context;
	err = timer_create(&vm->patience_timer);
	if (err < 0)
		goto out_free;
	err = loop_add(loop, &vm->patience, vm->patience_timer, &patience_ops, vm);
	if (err < 0)
		goto out_timer;
	control_link_init(&vm->link, vm_frame, vm);
	*out = vm;
	return 0;

out_timer:
	handle_close(vm->patience_timer);
out_free:
	heap_free(vm);
	return err;
}

void vm_destroy(struct vm *vm)
{
	assert(!vm_is_busy(vm));
	vm_root_deinit(vm);
	vm_writable_deinit(vm);
	vm_net_deinit(&vm->net);
	if (vm->files != NULL)
		vm_files_deinit(vm->files);
	if (vm->has_machine)
		machine_deinit(&vm->machine);
	heap_free(vm->files);
	control_link_deinit(&vm->link);
	loop_close(vm->loop, &vm->patience);
	heap_free(vm);
}

void vm_set_owner(struct vm *vm, const struct vm_ops *ops, void *context)
{
	vm->ops = ops;
	vm->context = context;
}

bool vm_is_ready(const struct vm *vm)
{
	return vm->state == VM_READY;
}

static void network_settled(void *context, const struct guest_address *address, const char *error)
{
	struct vm *vm = context;

	if (vm->state != VM_ENDING)
		vm->ops->network_settled(vm->context, address, error);
}

error_t vm_bind_network(struct vm *vm, handle_t connector, const uint8_t address[4])
{
	if (!vm->has_machine || vm->state == VM_ENDING)
		return ERR_BAD_STATE;
	if (vm->net.loop != NULL)
		return ERR_EXISTS;
	return vm_net_join(&vm->net, connector, address, network_settled, vm);
}

error_t vm_bind_files(struct vm *vm, const struct vm_share *shares, size_t count)
{
	if (vm->files == NULL || vm->state == VM_ENDING)
		return ERR_BAD_STATE;
	return vm_files_bind(vm->files, vm->loop, shares, count);
}

void vm_rehearse_files(struct vm *vm)
{
	if (vm->files != NULL)
		vm_files_rehearse(vm->files);
}

void vm_set_networks(struct vm *vm, const struct netdev_networks *networks)
{
	vm_net_set_networks(&vm->net, networks);
}

bool vm_on_network(const struct vm *vm)
{
	return vm->net.loop != NULL;
}

bool vm_waits_for_network(const struct vm *vm)
{
	return vm->net.waiting;
}

bool vm_address(const struct vm *vm, struct guest_address *out)
{
	if (vm->net.has_address)
		*out = vm->net.address;
	return vm->net.has_address;
}

uint64_t vm_memory_used(const struct vm *vm)
{
	return vm->has_machine ? machine_memory_used(&vm->machine) : 0;
}

void vm_stats(struct vm *vm, struct vcpu_stats *out)
{
	*out = (struct vcpu_stats){ 0 };
	if (vm->has_machine)
		machine_stats(&vm->machine, out);
}
