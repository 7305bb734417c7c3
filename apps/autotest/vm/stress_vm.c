// SPDX-License-Identifier: MIT
#include "apps/autotest/vm/stress_vm.h"

#include "libs/base/string.h"

void stress_vm_open_sized(struct stress_vm *vm, struct autotest *t, size_t ram_size,
                          const uint32_t *code, size_t size)
{
	struct vcpu_state state = { .pc = GUEST_RAM };
	void *ram = NULL;

	*vm = (struct stress_vm){ .t = t, .ram_size = ram_size };
	expect(t, hvspace_create(&vm->space) == 0);
	expect(t, event_create(&vm->event) == 0);
	expect(t, folio_create(ram_size, FOLIO_LAZY, &vm->memory) == 0);
	expect(t, folio_map(vm->memory, PROT_READ | PROT_WRITE, &ram) == 0);
	expect(t,
	       hvspace_map(vm->space, GUEST_RAM, vm->memory, 0, ram_size,
	                   PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	expect(t, hvspace_bind_notify(vm->space, 0x10000000, 1, vm->event) == 0);
	expect(t, vcpu_create(vm->space, 0, &vm->vcpu) == 0);
	if (t->failed)
		return;
	vm->ram = ram;
	memcpy(ram, code, size);
	expect(t, vcpu_set_state(vm->vcpu, &state) == 0);
}

void stress_vm_open(struct stress_vm *vm, struct autotest *t, const uint32_t *code, size_t size)
{
	stress_vm_open_sized(vm, t, GUEST_RAM_SIZE, code, size);
}

void stress_vm_close(struct stress_vm *vm)
{
	handle_close(vm->vcpu);
	handle_close(vm->space);
	handle_close(vm->event);
	handle_close(vm->memory);
}

void stress_vm_run(void *arg)
{
	struct stress_vm *vm = arg;

	vm->error = vcpu_run(vm->vcpu, HANDLE_NONE, &vm->exit);
	thread_exit();
}
