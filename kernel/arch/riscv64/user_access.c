// SPDX-License-Identifier: MIT
#define STARINA_USER_CALLS
#include "kernel/arch/riscv64/user_access.h"

#include "kernel/object/process.h"
#include "kernel/object/space.h"
#include "kernel/object/thread.h"
#include "libs/base/string.h"

#define SMALL 64u  // bytes

static const struct arch_window no_window = { USER_NO_PAGE, USER_NO_PAGE, 0 };

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
	// What the others show may be gone.
	if (thread->windows_unmaps != unmaps && thread->shared_unmaps != unmaps) {
		for (unsigned i = 0; i < NUM_APP_WINDOWS; i++)
			thread->windows[i] = no_window;
	}
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

static bool lies_in(uintptr_t page, uintptr_t addr, size_t size)
{
	return page + PAGE_SIZE > addr && page < addr + size;
}

void user_windows_keep(const struct arch_space *space, uintptr_t addr, size_t size, uint64_t unmaps)
{
	struct arch_thread *thread = &arch_current_thread()->arch;

	if (thread->space != space)
		return;
	for (unsigned i = 0; i < NUM_APP_WINDOWS; i++) {
		if (lies_in(thread->windows[i].read_page, addr, size))
			thread->windows[i] = no_window;
	}
	if (thread->windows_unmaps == unmaps)
		thread->windows_unmaps++;
	if (thread->shared_unmaps == unmaps)
		thread->shared_unmaps++;
}

// Where the kernel reaches all of it through WINDOW_OTHER, which is held from then on; NULL: not at
// all, but perhaps the next time.
static uint8_t *hold_small(uintptr_t addr, size_t len, bool write)
{
	uintptr_t at;

	if (len > SMALL || addr % PAGE_SIZE + len > PAGE_SIZE)
		return NULL;
	if (app_windows_hold() && app_window(WINDOW_OTHER, addr, len, write, &at))
		return (uint8_t *)at;
	app_windows_release();
	app_window_open(WINDOW_OTHER, addr, write);
	return NULL;
}

// A word is what is copied most.
static inline void copy_small(void *dst, const void *src, size_t len)
{
	if (len == sizeof(uint64_t))
		__builtin_memcpy(dst, src, sizeof(uint64_t));
	else
		memcpy(dst, src, len);
}

bool user_window_read(void *dst, uintptr_t src, size_t len)
{
	const uint8_t *at = hold_small(src, len, false);

	if (at == NULL)
		return false;
	copy_small(dst, at, len);
	app_windows_release();
	return true;
}

bool user_window_write(uintptr_t dst, const void *src, size_t len)
{
	uint8_t *at = hold_small(dst, len, true);

	if (at == NULL)
		return false;
	copy_small(at, src, len);
	app_windows_release();
	return true;
}
