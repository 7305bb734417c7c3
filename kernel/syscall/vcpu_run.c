// SPDX-License-Identifier: MIT
//
// vcpu_run. Compiled twice, for callers in the kernel's address space and in user mode (USER_CALLS
// in the Makefile).
#include "kernel/arch/arch.h"
#include "kernel/object/poll.h"
#include "kernel/object/vcpu.h"
#include "kernel/syscall/syscall.h"
#include "libs/abi/vm.h"

// The mmio part of an exit and what is before it is all that an MMIO exit has.
_Static_assert(offsetof(struct vcpu_exit, mmio.address) == 8 &&
                       offsetof(struct vcpu_exit, console) == 32,
               "four words");

static inline error_t write_exit(uintptr_t addr, const struct vcpu_exit *exit)
{
	uintptr_t at;

	if ((exit->reason != VCPU_EXIT_MMIO_WRITE && exit->reason != VCPU_EXIT_MMIO_READ) ||
	    !app_windows_hold() || !app_window(WINDOW_EVENT, addr, sizeof(*exit), true, &at))
		return user_write(addr, exit, sizeof(*exit));
	return app_store_2(at, exit->reason, exit->mmio.address) &&
			app_store_2(at + 16, exit->mmio.data, exit->mmio.width)
		? 0
		: ERR_ADDRESS;
}

error_t sys_vcpu_run(SYSCALL_ARGS)
{
	struct vcpu_exit exit = { 0 };
	struct object *vcpu;
	struct object *poll = NULL;
	uintptr_t a2_data;
	uintptr_t at;
	error_t error;

	// Of what comes in only an MMIO read's value means anything.
	if (!app_words_ok(a2, sizeof(exit)) || !user_owns(a2, sizeof(exit), true))
		return ERR_ADDRESS;
	a2_data = a2 + offsetof(struct vcpu_exit, mmio.data);
	if (app_windows_hold() &&
	    app_window(WINDOW_EVENT, a2_data, sizeof(exit.mmio.data), true, &at)) {
		if (!app_load(at, &exit.mmio.data))
			return ERR_ADDRESS;
	} else {
		app_window_open(WINDOW_EVENT, a2, true);
		error = user_read(&exit.mmio.data, a2_data, sizeof(exit.mmio.data));
		if (error != 0)
			return error;
	}
	error = lookup(a0, OBJECT_VCPU, RIGHT_CONTROL, &vcpu);
	if (error != 0)
		return error;
	if (a1 != HANDLE_NONE)
		error = lookup(a1, OBJECT_POLL, RIGHT_READ, &poll);
	if (error == 0)
		error = vcpu_run(vcpu_from_object(vcpu),
		                 poll != NULL ? poll_from_object(poll) : NULL, &exit);
	object_put(poll);
	object_put(vcpu);
	return error != 0 ? error : write_exit(a2, &exit);
}
