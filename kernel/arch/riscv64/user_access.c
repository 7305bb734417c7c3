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

void user_windows_keep(const struct arch_space *space, uintptr_t addr, size_t size, uint64_t unmaps)
{
	struct arch_thread *thread = &arch_current_thread()->arch;

	if (thread->space != space)
		return;
	for (unsigned i = 0; i < NUM_APP_WINDOWS; i++) {
		// Whole pages. USER_NO_PAGE is in none.
		if (thread->windows[i].read_page - addr < size)
			thread->windows[i] = no_window;
	}
	if (thread->windows_unmaps == unmaps)
		thread->windows_unmaps++;
	if (thread->shared_unmaps == unmaps)
		thread->shared_unmaps++;
}

// Whether the window shows all of it, and is held from then on; else it may be the next time.
static bool hold_small(uintptr_t addr, size_t len, bool write, uintptr_t *at)
{
	if (len > SMALL || addr % PAGE_SIZE + len > PAGE_SIZE)
		return false;
	if (app_windows_hold() && app_window(WINDOW_OTHER, addr, len, write, at))
		return true;
	app_windows_release();
	app_window_open(WINDOW_OTHER, addr, write);
	return false;
}

static __attribute__((noinline)) error_t copy_from(void *dst, uintptr_t src, size_t len)
{
	uintptr_t at;

	if (!hold_small(src, len, false, &at))
		return space_copy_from(process_current()->space, dst, src, len);
	memcpy(dst, (const void *)at, len);
	app_windows_release();
	return 0;
}

static __attribute__((noinline)) error_t copy_to(uintptr_t dst, const void *src, size_t len)
{
	uintptr_t at;

	if (!hold_small(dst, len, true, &at))
		return space_copy_to(process_current()->space, dst, src, len);
	memcpy((void *)at, src, len);
	app_windows_release();
	return 0;
}

// What is copied most: a word, or a handle. It lies in one page.
static inline bool is_word(uintptr_t addr, const void *bytes, size_t len)
{
	return (len == sizeof(uint64_t) || len == sizeof(handle_t)) &&
		((addr | (uintptr_t)bytes) & (len - 1)) == 0;
}

static inline void copy_word(void *dst, const void *src, size_t len)
{
	if (len == sizeof(uint64_t))
		__builtin_memcpy(__builtin_assume_aligned(dst, sizeof(uint64_t)),
		                 __builtin_assume_aligned(src, sizeof(uint64_t)), sizeof(uint64_t));
	else
		__builtin_memcpy(__builtin_assume_aligned(dst, sizeof(handle_t)),
		                 __builtin_assume_aligned(src, sizeof(handle_t)), sizeof(handle_t));
}

// These do nothing but call the others, or copy a word, so that they need no registers saved.
error_t user_copy_from(void *dst, uintptr_t src, size_t len)
{
	uintptr_t at;

	if (!is_word(src, dst, len) || !app_windows_hold() ||
	    !app_window(WINDOW_OTHER, src, len, false, &at))
		return copy_from(dst, src, len);
	copy_word(dst, (const void *)at, len);
	app_windows_release();
	return 0;
}

error_t user_copy_to(uintptr_t dst, const void *src, size_t len)
{
	uintptr_t at;

	if (!is_word(dst, src, len) || !app_windows_hold() ||
	    !app_window(WINDOW_OTHER, dst, len, true, &at))
		return copy_to(dst, src, len);
	copy_word((void *)at, src, len);
	app_windows_release();
	return 0;
}
