// SPDX-License-Identifier: MIT
//
// A process with a space of its own for each test, which is the caller, and what it sees.
#pragma once

#include "kernel/object/folio.h"
#include "kernel/object/space.h"
#include "kernel/object/test_support.h"

#define TEXT_ADDRESS 0x10000ul
#define RODATA_ADDRESS 0x20000ul
#define DATA_ADDRESS 0x30000ul
#define DATA_SIZE 5000u                     // of .data, each byte of which is 7
#define DATA_TOTAL (3 * PAGE_SIZE)          // with .bss
#define OUT (DATA_ADDRESS + PAGE_SIZE * 2)  // for what calls write

extern struct process *user;
extern const struct app_image user_app;

// Around each test, outside of test_setup and test_teardown.
int space_setup(void **state);
int space_teardown(void **state);
#define space_test_case(name) cmocka_unit_test_setup_teardown(name, space_setup, space_teardown)

static inline bool user_can_read(uintptr_t addr)
{
	uint8_t byte;

	return space_copy_from(user->space, &byte, addr, 1) == 0;
}

// Writes there, if it can.
static inline bool user_can_write(uintptr_t addr)
{
	uint8_t byte = 0x3c;

	return space_copy_to(user->space, addr, &byte, 1) == 0;
}

// Whether something is mapped there now; nothing is populated.
static inline bool user_has(uintptr_t addr)
{
	paddr_t paddr;

	return arch_space_paddr(&user->space->arch, addr & ~(PAGE_SIZE - 1), &paddr);
}

// The word that a call has written to OUT.
static inline uint64_t user_out(void)
{
	uint64_t word;

	assert_int_equal(space_copy_from(user->space, &word, OUT, sizeof(word)), 0);
	return word;
}

static inline handle_t user_folio(size_t size, uint32_t flags)
{
	assert_int_equal(CALL_3(folio_create, size, flags, OUT), 0);
	return (handle_t)user_out();
}

static inline struct folio *user_folio_of(handle_t handle)
{
	struct object *object;

	assert_int_equal(handle_lookup(&user->handles, handle, OBJECT_FOLIO, 0, &object), 0);
	object_put(object);
	return folio_from_object(object);
}

static inline uintptr_t user_map(handle_t folio, uint32_t prot)
{
	assert_int_equal(CALL_3(folio_map, folio, prot, OUT), 0);
	return user_out();
}

static inline handle_t user_duplicate(handle_t handle, rights_t rights)
{
	assert_int_equal(CALL_3(handle_duplicate, handle, rights, OUT), 0);
	return (handle_t)user_out();
}
