// SPDX-License-Identifier: MIT
//
// What the handlers share: arguments are decoded and checked by these, before anything changes.
#pragma once

#include "kernel/arch/arch.h"
#include "kernel/object/handle.h"
#include "kernel/object/object.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/syscall/table.h"
#include "libs/abi/message.h"

#define SYSCALL_ARGS                                                                        \
	uintptr_t a0 __attribute__((unused)), uintptr_t a1 __attribute__((unused)),         \
		uintptr_t a2 __attribute__((unused)), uintptr_t a3 __attribute__((unused)), \
		uintptr_t a4 __attribute__((unused)), uintptr_t a5 __attribute__((unused))

// The calls made most have a handler for each mode.
#ifdef STARINA_USER_CALLS
#define sys_channel_send user_channel_send
#define sys_channel_recv user_channel_recv
#define sys_poll_wait user_poll_wait
#define sys_poll_recv user_poll_recv
#define sys_vcpu_run user_vcpu_run
#endif

#define X(number, name, argc) error_t sys_##name(SYSCALL_ARGS);
SYSCALL_TABLE(X)
#undef X

// The calling process; handlers only run on its threads.
static inline struct process *caller(void)
{
	return arch_current_thread()->process;
}

// As copy_from_app and copy_to_app; debug builds also check that the memory is the caller's own.
// Errors: ERR_ADDRESS.
__must_check error_t user_read(void *dst, uintptr_t src, size_t len);
__must_check error_t user_write(uintptr_t dst, const void *src, size_t len);

// Whether `len` bytes can be written there, 64 at most, for calls that cannot take back what they
// do: what is there is written anew. Errors: ERR_ADDRESS.
__must_check error_t user_check_out(uintptr_t out, size_t len);
// The same of a handle.
static inline __must_check error_t user_check_handle(uintptr_t out)
{
	return user_check_out(out, sizeof(handle_t));
}

// For calls that reach the app's memory word by word (app_access.h): debug builds check whose it
// is, others say yes.
static inline bool user_owns(uintptr_t addr, size_t len, bool write)
{
	return !STARINA_DEBUG || process_owns(caller(), addr, len, write);
}

// The object of a handle of the caller, with a reference. Errors: as handle_lookup.
static inline __must_check error_t lookup(uintptr_t handle, enum object_type type, rights_t rights,
                                          struct object **out)
{
	return handle_lookup(&caller()->handles, (handle_t)handle, type, rights, out);
}

// Gives the caller a handle to a fresh object, with all rights of its type, and writes it to `out`.
// Consumes the caller's reference, also on errors. Errors: ERR_ADDRESS, ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t give_handle(struct object *object, uintptr_t out);
// As give_handle, with these rights only.
__must_check error_t give_handle_with(struct object *object, rights_t rights, uintptr_t out);
// What a handle of the caller named when it was looked up stays with the handle until folio_unpin,
// if that still names it. `prot`: as folio_pin. Errors: ERR_BAD_HANDLE, ERR_ACCESS.
__must_check error_t user_pin_folio(handle_t handle, const struct object *object, uint32_t prot);
