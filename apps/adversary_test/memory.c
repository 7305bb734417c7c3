// SPDX-License-Identifier: MIT
//
// Touches of memory that is not the adversary's, and instructions that it may not run.
#include "apps/adversary_test/judge.h"
#include "libs/starina/service.h"

#define MAX_PLACES 40

extern const uint8_t starina_syscall[];

static volatile uint64_t data = ADVERSARY_SECRET;
static const uint64_t constant = ADVERSARY_SECRET;

static struct places {
	uint64_t at[MAX_PLACES];
	size_t count;
	handle_t folio;
} places;

static void add(uint64_t at)
{
	assert(places.count < MAX_PLACES);
	places.at[places.count++] = at;
}

// What the kernel's half has: text, data, stacks, the direct map, registers; in-kernel apps'
// memory; physical addresses; ends of the ranges.
static void find_places(struct judge *j)
{
	static const uint64_t fixed[] = {
		0,
		0xff8,
		0x0c000000,  // PLIC
		0x10000000,  // UART
		0x80000000,  // RAM, as the firmware has it
		0x80200000,
		0x3ffffff000,  // the last page of the lower half, and what comes behind
		0x4000000000,
		0x8000000000000000,
		0xffffffbffffffff8,
		0xffffffc000000000,  // the first of the upper half
		0xffffffff80200000,
		0xfffffffffffff000,
		0xfffffffffffffff8,
	};
	const struct env_entry *device = environ_device(j->env, "google,goldfish-rtc", 0);
	volatile uint64_t on_stack = ADVERSARY_SECRET;
	void *at = NULL;

	places.count = 0;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		add(fixed[i]);
	add((uintptr_t)starina_syscall);
	add((uintptr_t)find_places & ~7ul);
	add((uintptr_t)&data);
	add((uintptr_t)&constant);
	add((uintptr_t)&on_stack);
	add(config_address(j, "boot_stack"));
	add(config_address(j, "harts"));
	add(config_address(j, "syscall_table"));
	expect(j, device != NULL && folio_map(device->handle, PROT_READ, &at) == 0);
	add((uintptr_t)at + device->reg_offset);
	// In the direct map, for this is an in-kernel app.
	expect(j, folio_create(PAGE_SIZE, 0, &places.folio) == 0);
	expect(j, folio_map(places.folio, PROT_READ | PROT_WRITE, &at) == 0);
	*(volatile uint64_t *)at = ADVERSARY_SECRET;
	add((uintptr_t)at);
	// All the same with the bits that Sv39 ignores, if it did.
	add((uintptr_t)at & ((1ull << 39) - 1));
	add((uintptr_t)&data & ((1ull << 39) - 1));
}

static void all_places(struct judge *j, uint32_t deed)
{
	find_places(j);
	for (size_t i = 0; i < places.count && !j->failed; i++)
		(void)adversary_does(j, deed, places.at[i], 0, ENDS_BY_FAULT);
	expect(j, data == ADVERSARY_SECRET);
	handle_close(places.folio);
}

static void loads_fault(struct judge *j)
{
	all_places(j, ADVERSARY_LOAD);
}

static void stores_fault(struct judge *j)
{
	all_places(j, ADVERSARY_STORE);
}

static void jumps_fault(struct judge *j)
{
	all_places(j, ADVERSARY_JUMP);
}

static void threads_fault(struct judge *j)
{
	all_places(j, ADVERSARY_BAD_THREAD);
}

static void own_memory_faults(struct judge *j)
{
	for (uint32_t deed = ADVERSARY_OWN_TEXT; deed < ADVERSARY_BAD_THREAD; deed++) {
		for (uint32_t i = 0; i < 3 && !j->failed; i++)
			(void)adversary_does(j, deed, 0, i, ENDS_BY_FAULT);
	}
}

static void privileged_instructions_fault(struct judge *j)
{
	uint64_t i = 0;

	while (!j->failed &&
	       adversary_does(j, ADVERSARY_PRIVILEGED, i, 0, ENDS_BY_FAULT) != ADVERSARY_NO_SUCH)
		i++;
	log_info("%llu privileged instructions", (unsigned long long)i);
	expect(j, i > 100);
}

static void pointers_are_refused(struct judge *j)
{
	find_places(j);
	for (size_t i = 0; i < places.count && !j->failed; i++)
		(void)adversary_does(j, ADVERSARY_POINTERS, places.at[i], 0, ENDS_DONE);
	expect(j, data == ADVERSARY_SECRET);
	for (size_t i = 0; i < places.count && !j->failed; i += 5)
		(void)adversary_does(j, ADVERSARY_ALL_CALLS, places.at[i], 500, ENDS_DONE);
	expect(j, data == ADVERSARY_SECRET);
	handle_close(places.folio);
}

const struct test memory_tests[] = {
	{ "loads of what is not its own fault", loads_fault },
	{ "stores to what is not its own fault", stores_fault },
	{ "jumps to what is not its own fault", jumps_fault },
	{ "threads that begin elsewhere fault", threads_fault },
	{ "what it may not do with its own memory faults", own_memory_faults },
	{ "privileged instructions fault", privileged_instructions_fault },
	{ "pointers to what is not its own are refused", pointers_are_refused },
	{ 0 },
};
