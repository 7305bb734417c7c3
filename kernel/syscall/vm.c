// SPDX-License-Identifier: MIT
//
// Virtual machines: decoding only; kernel/object/hvspace.h and vcpu.h say what each does.
#include "kernel/arch/arch.h"
#include "kernel/object/event.h"
#include "kernel/object/folio.h"
#include "kernel/object/hvspace.h"
#include "kernel/object/poll.h"
#include "kernel/object/vcpu.h"
#include "kernel/syscall/syscall.h"
#include "libs/abi/vm.h"

error_t sys_hvspace_create(SYSCALL_ARGS)
{
	struct hvspace *space;
	error_t error;

	if (!arch_has_hypervisor())
		return ERR_NOT_SUPPORTED;
	error = hvspace_object_create(caller()->account, &space);
	return error != 0 ? error : give_handle(&space->object, a0);
}

error_t sys_hvspace_map(SYSCALL_ARGS)
{
	rights_t rights = RIGHT_MAP;
	struct object *space;
	struct object *folio;
	error_t error;

	if (a5 == 0 || (a5 & ~(uintptr_t)(PROT_READ | PROT_WRITE | PROT_EXEC)) != 0)
		return ERR_INVALID;
	if ((a5 & (PROT_READ | PROT_EXEC)) != 0)
		rights |= RIGHT_READ;
	if ((a5 & PROT_WRITE) != 0)
		rights |= RIGHT_WRITE;
	error = lookup(a0, OBJECT_HVSPACE, RIGHT_WRITE, &space);
	if (error != 0)
		return error;
	error = lookup(a2, OBJECT_FOLIO, rights, &folio);
	if (error != 0)
		goto out_put;
	error = user_pin_folio((handle_t)a2, folio, (uint32_t)a5);
	if (error == 0) {
		error = hvspace_map(hvspace_from_object(space), a1, folio_from_object(folio), a3,
		                    a4, (uint32_t)a5);
		folio_unpin(folio_from_object(folio));
	}
	object_put(folio);
out_put:
	object_put(space);
	return error;
}

error_t sys_hvspace_unmap(SYSCALL_ARGS)
{
	struct object *space;
	error_t error = lookup(a0, OBJECT_HVSPACE, RIGHT_WRITE, &space);

	if (error != 0)
		return error;
	error = hvspace_unmap(hvspace_from_object(space), a1, a2);
	object_put(space);
	return error;
}

error_t sys_hvspace_bind_notify(SYSCALL_ARGS)
{
	struct object *space;
	struct object *event = NULL;
	error_t error = lookup(a0, OBJECT_HVSPACE, RIGHT_WRITE, &space);

	if (error != 0)
		return error;
	if (a3 != HANDLE_NONE)
		error = lookup(a3, OBJECT_EVENT, RIGHT_WRITE, &event);
	if (error == 0)
		error = hvspace_bind_notify(hvspace_from_object(space), a1, (uint32_t)a2,
		                            event != NULL ? event_from_object(event) : NULL);
	object_put(event);
	object_put(space);
	return error;
}

error_t sys_vcpu_create(SYSCALL_ARGS)
{
	struct object *space;
	struct vcpu *vcpu;
	error_t error = lookup(a0, OBJECT_HVSPACE, RIGHT_WRITE, &space);

	if (error != 0)
		return error;
	error = a1 > UINT32_MAX ? ERR_RANGE
				: vcpu_object_create(caller()->account, hvspace_from_object(space),
	                                             (uint32_t)a1, &vcpu);
	object_put(space);
	return error != 0 ? error : give_handle(&vcpu->object, a2);
}

error_t sys_vcpu_get_state(SYSCALL_ARGS)
{
	struct vcpu_state state;
	struct object *vcpu;
	error_t error = lookup(a0, OBJECT_VCPU, RIGHT_CONTROL, &vcpu);

	if (error != 0)
		return error;
	error = vcpu_get_state(vcpu_from_object(vcpu), &state);
	object_put(vcpu);
	return error != 0 ? error : user_write(a1, &state, sizeof(state));
}

error_t sys_vcpu_set_state(SYSCALL_ARGS)
{
	struct vcpu_state state;
	struct object *vcpu;
	error_t error = user_read(&state, a1, sizeof(state));

	if (error != 0)
		return error;
	error = lookup(a0, OBJECT_VCPU, RIGHT_CONTROL, &vcpu);
	if (error != 0)
		return error;
	error = vcpu_set_state(vcpu_from_object(vcpu), &state);
	object_put(vcpu);
	return error;
}

error_t sys_vcpu_set_irq(SYSCALL_ARGS)
{
	struct object *vcpu;
	error_t error = lookup(a0, OBJECT_VCPU, RIGHT_CONTROL, &vcpu);

	if (error != 0)
		return error;
	error = vcpu_set_irq(vcpu_from_object(vcpu), (uint32_t)a1, (uint32_t)a2);
	object_put(vcpu);
	return error;
}

error_t sys_vcpu_kick(SYSCALL_ARGS)
{
	struct object *vcpu;
	error_t error = lookup(a0, OBJECT_VCPU, RIGHT_CONTROL, &vcpu);

	if (error != 0)
		return error;
	vcpu_kick(vcpu_from_object(vcpu));
	object_put(vcpu);
	return 0;
}

error_t sys_vcpu_stats(SYSCALL_ARGS)
{
	struct vcpu_stats stats;
	struct object *vcpu;
	error_t error = lookup(a0, OBJECT_VCPU, RIGHT_CONTROL, &vcpu);

	if (error != 0)
		return error;
	vcpu_stats(vcpu_from_object(vcpu), &stats);
	object_put(vcpu);
	return user_write(a1, &stats, sizeof(stats));
}
