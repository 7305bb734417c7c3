// SPDX-License-Identifier: MIT
//
// Where a process sees folios: ranges of addresses, which are used again.
#include "kernel/arch/riscv64/page_table.h"
#include "kernel/object/all_test.h"
#include "kernel/object/space_test.h"

#define RW (PROT_READ | PROT_WRITE)

static void mappings_do_not_touch(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 1, 4, 7, 8, 512, 513, 1 };
	handle_t folios[10];
	uintptr_t at[10];

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		folios[i] = user_folio(sizes[i] * PAGE_SIZE, FOLIO_CONTIGUOUS);
		at[i] = user_map(folios[i], RW);
	}
	for (size_t i = 0; i < 10; i++) {
		assert_true(user_has(at[i]));
		assert_true(user_has(at[i] + (sizes[i] - 1) * PAGE_SIZE));
		assert_false(user_has(at[i] - PAGE_SIZE));
		assert_false(user_has(at[i] + sizes[i] * PAGE_SIZE));
	}
}

static void addresses_are_used_again(void **state)
{
	handle_t folio = user_folio(6 * PAGE_SIZE, FOLIO_CONTIGUOUS);
	handle_t small = user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS);
	uintptr_t at = user_map(folio, RW);
	uint64_t used = user->account->kernel_used;
	uintptr_t next = user->space->next;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(CALL_1(folio_unmap, folio), 0);
		assert_int_equal(user_map(folio, PROT_READ), at);
		// What was writable before is not any more.
		assert_false(user_can_write(at));
	}
	assert_int_equal(user->account->kernel_used, used);
	assert_int_equal(user->space->next, next);
	assert_int_equal(CALL_1(folio_unmap, folio), 0);
	assert_int_not_equal(user_map(small, RW), at);
	// Blocks, too.
	folio = user_folio(2 * BLOCK_SIZE, FOLIO_LAZY);
	at = user_map(folio, RW);
	assert_int_equal(CALL_1(folio_unmap, folio), 0);
	assert_int_equal(user_map(folio, RW), at);
}

// A page's range as each kind of mapping, one after the other.
static void a_range_serves_all_kinds_in_turn(void **state)
{
	static const uint32_t kinds[] = { FOLIO_CONTIGUOUS, FOLIO_LAZY, FOLIO_CONTIGUOUS };
	uintptr_t first = 0, at;
	handle_t folio;
	uint8_t byte;

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		folio = user_folio(PAGE_SIZE, kinds[i % 3]);
		at = user_map(folio, i % 2 == 0 ? RW : PROT_READ);
		if (i == 0)
			first = at;
		assert_int_equal(at, first);
		// What is there is the folio's, whatever was there before.
		assert_int_equal(user_has(at), kinds[i % 3] == FOLIO_CONTIGUOUS);
		assert_int_equal(space_resolve_fault(user->space, at, false), true);
		assert_int_equal(user_can_write(at), i % 2 == 0);
		assert_int_equal(CALL_1(handle_close, folio), 0);
		assert_false(user_has(at));
		assert_false(space_resolve_fault(user->space, at, false));
	}
	// The space's own, as a stack.
	assert_int_equal(space_map_zeroed(user->space, PAGE_SIZE, &at), 0);
	assert_int_equal(at, first);
	assert_true(user_can_write(at));
	assert_false(space_resolve_fault(user->space, at + PAGE_SIZE, false));
	space_unmap(user->space, at);
	assert_false(user_has(at));
	// What is there next is not.
	folio = user_folio(PAGE_SIZE, FOLIO_LAZY);
	assert_int_equal(user_map(folio, RW), first);
	assert_true(user_can_write(first));
	assert_int_equal(CALL_1(folio_unmap, folio), 0);
	assert_int_equal(user_map(folio, PROT_READ), first);
	assert_int_equal(space_copy_from(user->space, &byte, first, 1), 0);
	assert_int_equal(byte, 0x3c);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	assert_int_equal(user_map(user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS), RW), first);
	// It is taken: the next has another one.
	assert_int_not_equal(user_map(user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS), RW), first);
}

static void a_page_of_registers_is_theirs_where_ram_was(void **state)
{
	uintptr_t first = user_map(user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS), RW);
	handle_t folio = user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS);
	uintptr_t at = user_map(folio, RW);
	struct folio *device;
	handle_t handle;
	unsigned level;
	paddr_t paddr;

	(void)state;
	assert_int_equal(CALL_1(handle_close, folio), 0);
	assert_int_equal(folio_device_create(0x10001000, PAGE_SIZE, &device), 0);
	assert_int_equal(
		handle_insert(&user->handles, &device->object, device->object.ops->rights, &handle),
		0);
	object_put(&device->object);
	assert_int_equal(user_map(handle, RW), at);
	assert_true(arch_space_paddr(&user->space->arch, at, &paddr));
	assert_int_equal(paddr, 0x10001000);
	assert_true((*page_table_leaf(user->space->arch.root, at, &level) & PTE_PBMT_IO) != 0);
	assert_false(user_can_read(at));
	assert_int_equal(CALL_1(handle_close, handle), 0);
	assert_int_equal(user_map(user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS), RW), at);
	assert_true(user_can_write(at));
	assert_true(user_can_write(first));
}

static void a_folio_too_large_for_the_area_is_refused(void **state)
{
	struct folio huge = { .size = 1ul << 37, .flags = FOLIO_LAZY };
	uintptr_t at;

	(void)state;
	spinlock_init(&huge.lock, LOCK_RANK_FOLIO);
	list_init(&huge.users);
	assert_int_equal(space_map_folio(user->space, &huge, RW, 0, &at), ERR_NO_MEMORY);
	huge.size = SIZE_MAX & ~(PAGE_SIZE - 1);
	assert_int_equal(space_map_folio(user->space, &huge, RW, 0, &at), ERR_NO_MEMORY);
	assert_true(list_is_empty(&huge.users));
}

static void a_mapping_needs_memory(void **state)
{
	// So large that it needs a table of its own.
	handle_t folio = user_folio(300 * PAGE_SIZE, FOLIO_CONTIGUOUS);
	uint64_t limit = user->account->kernel_limit;
	error_t error;

	(void)state;
	host_fail_kmalloc(1);
	assert_int_equal(CALL_3(folio_map, folio, RW, OUT), ERR_NO_MEMORY);
	host_fail_kmalloc(0);
	user->account->kernel_limit = user->account->kernel_used;
	do {
		error = CALL_3(folio_map, folio, RW, OUT);
		assert_true(list_is_empty(&user_folio_of(folio)->users) == (error != 0));
		user->account->kernel_limit += 100;
	} while (error != 0);
	user->account->kernel_limit = limit;
}

int test_space_ranges(void)
{
	const struct CMUnitTest tests[] = {
		space_test_case(mappings_do_not_touch),
		space_test_case(addresses_are_used_again),
		space_test_case(a_range_serves_all_kinds_in_turn),
		space_test_case(a_page_of_registers_is_theirs_where_ram_was),
		space_test_case(a_folio_too_large_for_the_area_is_refused),
		space_test_case(a_mapping_needs_memory),
	};

	return cmocka_run_group_tests_name("ranges of spaces", tests, NULL, NULL);
}
