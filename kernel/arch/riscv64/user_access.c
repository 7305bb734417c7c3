// SPDX-License-Identifier: MIT
#define STARINA_USER_CALLS
#include "kernel/arch/riscv64/user_access.h"

#include "kernel/object/process.h"
#include "kernel/object/space.h"
#include "kernel/object/thread.h"

// Looks up what a window on the page shows. `*unmaps`: the count with which that is so. Returns
// false when there may be no such window.
static bool look_up(struct space *space, uintptr_t page, bool write, struct arch_window *out,
                    uint64_t *unmaps)
{
	bool writable = false;
	const uint8_t *at;

	spin_lock(&space->lock);
	at = arch_space_window(&space->arch, page, &writable);
	*unmaps = space->arch.unmaps;
	spin_unlock(&space->lock);
	if (at == NULL || (write && !writable))
		return false;
	*out = (struct arch_window){
		.read_page = page,
		.write_page = writable ? page : USER_NO_PAGE,
		.offset = (uintptr_t)at - page,
	};
	return true;
}

void app_window_open(enum app_window which, uintptr_t addr, bool write)
{
	struct arch_thread *thread = &arch_current_thread()->arch;
	struct arch_window window;
	uint64_t unmaps;

	if (!look_up(process_current()->space, addr & ~(PAGE_SIZE - 1), write, &window, &unmaps))
		return;
	// What the other one shows may be gone.
	if (thread->windows_unmaps != unmaps && thread->shared_unmaps != unmaps)
		thread->windows[1 - which] = (struct arch_window){ USER_NO_PAGE, USER_NO_PAGE, 0 };
	thread->windows[which] = window;
	// Only threads of the process make another one, this one if it is alone.
	if (__atomic_load_n(&thread->space->shared, __ATOMIC_RELAXED)) {
		thread->windows_unmaps = USER_NO_UNMAPS;
		thread->shared_unmaps = unmaps;
	} else {
		thread->windows_unmaps = unmaps;
		thread->shared_unmaps = USER_NO_UNMAPS;
	}
}
