// SPDX-License-Identifier: MIT
#include "apps/autotest/vm/vm_guest.h"

#include "libs/base/string.h"

bool vm_start(struct vm *vm, struct autotest *t, const uint32_t *code, size_t size)
{
	struct vcpu_state state = { .pc = GUEST_RAM };
	void *ram;

	*vm = (struct vm){ .t = t };
	if (test_system_info(t).has_hypervisor == 0)
		return false;
	expect(t, hvspace_create(&vm->space) == 0);
	expect(t, poll_create(&vm->poll) == 0);
	expect(t, folio_create(GUEST_RAM_SIZE, FOLIO_LAZY, &vm->memory) == 0);
	expect(t, folio_map(vm->memory, PROT_READ | PROT_WRITE, &ram) == 0);
	expect(t,
	       hvspace_map(vm->space, GUEST_RAM, vm->memory, 0, GUEST_RAM_SIZE,
	                   PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	expect(t, vcpu_create(vm->space, 0, &vm->vcpu) == 0);
	if (t->failed)
		return false;
	vm->ram = ram;
	memcpy(vm->ram, code, size);
	expect(t, vcpu_set_state(vm->vcpu, &state) == 0);
	return true;
}

void vm_end(struct vm *vm)
{
	handle_close(vm->vcpu);
	handle_close(vm->space);
	handle_close(vm->poll);
	handle_close(vm->memory);
}

void run_to(struct vm *vm, uint32_t reason)
{
	error_t error = vcpu_run(vm->vcpu, vm->poll, &vm->exit);

	expect(vm->t, error == 0);
	if (error == 0 && vm->exit.reason != reason) {
		log_error("exit %u code %u address %lx pc %lx, expected exit %u", vm->exit.reason,
		          vm->exit.code, (unsigned long)vm->exit.mmio.address,
		          (unsigned long)vm->exit.fault_pc, reason);
		vm->t->failed = true;
	}
}

void expect_write(struct vm *vm, gpa_t address, uint64_t data, uint32_t width)
{
	run_to(vm, VCPU_EXIT_MMIO_WRITE);
	if (vm->exit.mmio.address != address || vm->exit.mmio.data != data ||
	    vm->exit.mmio.width != width) {
		log_error("write of %lx to %lx, width %u", (unsigned long)vm->exit.mmio.data,
		          (unsigned long)vm->exit.mmio.address, vm->exit.mmio.width);
		vm->t->failed = true;
	}
}

void answer_read(struct vm *vm, gpa_t address, uint32_t width, uint64_t data)
{
	run_to(vm, VCPU_EXIT_MMIO_READ);
	expect(vm->t, vm->exit.mmio.address == address && vm->exit.mmio.width == width);
	vm->exit.mmio.data = data;
}
