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

static inline bool store_mmio(uintptr_t addr, const struct vcpu_exit *exit)
{
	uintptr_t at;
	bool stored = app_windows_hold() &&
		app_window(WINDOW_EVENT, addr, sizeof(*exit), true, &at) &&
		app_store_2(at, exit->reason, exit->mmio.address) &&
		app_store_2(at + 16, exit->mmio.data, exit->mmio.width);

	app_windows_release();
	return stored;
}

static inline error_t write_exit(uintptr_t addr, const struct vcpu_exit *exit)
{
	if ((exit->reason == VCPU_EXIT_MMIO_WRITE || exit->reason == VCPU_EXIT_MMIO_READ) &&
	    store_mmio(addr, exit))
		return 0;
	return user_write(addr, exit, sizeof(*exit));
}

// What the guest's last load is given, at `addr` of the exit at `exit`.
static inline error_t read_mmio_data(uintptr_t exit, uintptr_t addr, uint64_t *out)
{
	uintptr_t at;
	bool loaded = app_windows_hold() &&
		app_window(WINDOW_EVENT, addr, sizeof(*out), true, &at) && app_load(at, out);

	app_windows_release();
	if (loaded)
		return 0;
	app_window_open(WINDOW_EVENT, exit, true);
	return user_read(out, addr, sizeof(*out));
}

error_t sys_vcpu_run(SYSCALL_ARGS)
{
	struct vcpu_exit exit = { 0 };
	struct object *vcpu;
	struct object *poll = NULL;
	error_t error;

	// Of what comes in only an MMIO read's value means anything.
	if (!app_words_ok(a2, sizeof(exit)) || !user_owns(a2, sizeof(exit), true))
		return ERR_ADDRESS;
	error = read_mmio_data(a2, a2 + offsetof(struct vcpu_exit, mmio.data), &exit.mmio.data);
	if (error != 0)
		return error;
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
