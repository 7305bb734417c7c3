// SPDX-License-Identifier: MIT
//
// Loads, stores and jumps to what is not the app's, or not so.
#include "apps/adversary/adversary.h"
#include "libs/base/string.h"
#include "libs/starina/service.h"

#define RETURN 0x00008067u  // jalr zero, 0(ra)

static const uint64_t constant[] = { 1 };
static uint32_t code[] = { RETURN, RETURN };

static void load(uint64_t address)
{
	if (*(volatile uint64_t *)(uintptr_t)address == ADVERSARY_SECRET)
		process_exit(ADVERSARY_SAW);
}

static void store(uint64_t address)
{
	*(volatile uint64_t *)(uintptr_t)address = 0xbadbadbadull;
}

static void jump(uint64_t address)
{
	void (*volatile function)(void) = (void (*)(void))(uintptr_t)address;

	function();
}

static void jump_to_stack(void)
{
	volatile uint32_t on_stack[2] = { RETURN, RETURN };

	jump((uintptr_t)on_stack);
}

static void tell_stack(void *arg)
{
	uint64_t here = 0;

	*(volatile uint64_t *)arg = (uintptr_t)&here;
	thread_exit();
}

static void use_old_stack(void)
{
	volatile uint64_t address = 0;
	handle_t thread;

	check(thread_create(tell_stack, (void *)(uintptr_t)&address, 0, &thread) == 0);
	check(handle_wait(thread, READY_CLOSED, NSEC_NEVER) == 0);
	// The stack goes a little later than that is seen.
	for (nsec_t end = now() + PATIENCE; now() < end;)
		store(address);
}

static void start_thread(uint64_t address)
{
	// 0 is refused.
	if (address == 0)
		address = 8;
	check(thread_create((void (*)(void *))(uintptr_t)address, NULL, 0, NULL) == 0);
	wait_for_fault();
}

static void use_folio(const struct deed *deed)
{
	void *at;
	handle_t folio = make_folio(3 * PAGE_SIZE, 0, &at);

	memset(at, 0xad, 3 * PAGE_SIZE);
	if (deed->deed == ADVERSARY_OLD_FOLIO) {
		check(handle_close(folio) == 0);
	} else if (deed->deed == ADVERSARY_UNMAPPED_FOLIO) {
		check(folio_unmap(folio) == 0);
	} else if (deed->deed == ADVERSARY_SHARED_FOLIO) {
		check(handle_duplicate(folio, RIGHTS_SAME, &folio) == 0);
		// To read is its right.
		check(*((const volatile uint8_t *)at + 2 * PAGE_SIZE) == 0xad);
	} else if (deed->deed == ADVERSARY_SENT_FOLIO) {
		send_folio(deed->judge, 0, folio);
	} else {
		memcpy(at, code, sizeof(code));
		__asm__ volatile("fence.i" ::: "memory");
		jump((uintptr_t)at);
	}
	store((uintptr_t)at + deed->rounds % 3 * PAGE_SIZE);
}

void deed_touch(const struct deed *deed)
{
	switch (deed->deed) {
	case ADVERSARY_LOAD: load(deed->address); break;
	case ADVERSARY_STORE: store(deed->address); break;
	case ADVERSARY_JUMP: jump(deed->address); break;
	case ADVERSARY_OWN_TEXT: store((uintptr_t)deed_touch & ~7ul); break;
	case ADVERSARY_OWN_CONSTANT: store((uintptr_t)constant); break;
	case ADVERSARY_JUMP_DATA: jump((uintptr_t)code); break;
	case ADVERSARY_JUMP_STACK: jump_to_stack(); break;
	case ADVERSARY_OLD_STACK: use_old_stack(); break;
	case ADVERSARY_BAD_THREAD: start_thread(deed->address); break;
	default: use_folio(deed); break;
	}
}
