// SPDX-License-Identifier: MIT
#define STARINA_USER_CALLS
#include "kernel/arch/riscv64/user_access.h"

#include "kernel/object/thread.h"

void app_window_open(enum app_window which, uintptr_t addr, bool write)
{
	// The current thread is the space's only one, if there may be a window: nobody unmaps what
	// is looked up here.
	struct arch_thread *thread = &arch_current_thread()->arch;
	struct arch_window *window = &thread->windows[which];
	uintptr_t page = addr & ~(PAGE_SIZE - 1);
	bool writable = false;
	const uint8_t *at = arch_space_pinned(thread->space, page, &writable);

	if (at == NULL || (write && !writable))
		return;
	// What the other one shows may be gone.
	if (!app_windows_hold())
		thread->windows[1 - which] = (struct arch_window){ USER_NO_PAGE, USER_NO_PAGE, 0 };
	thread->windows_unmaps = thread->space->unmaps;
	*window = (struct arch_window){
		.read_page = page,
		.write_page = writable ? page : USER_NO_PAGE,
		.offset = (uintptr_t)at - page,
	};
}
