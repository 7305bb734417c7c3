// SPDX-License-Identifier: MIT
//
// What a process sees of folios: mappings of its own, for as long as it has a handle that it mapped
// them through.
#include "kernel/object/all_test.h"
#include "kernel/object/space_test.h"

#define RW (PROT_READ | PROT_WRITE)

static uint64_t populated(handle_t handle)
{
	return user_folio_of(handle)->populated * PAGE_SIZE;
}

static void a_contiguous_folio_is_there_at_once(void **state)
{
	handle_t folio = user_folio(3 * PAGE_SIZE, FOLIO_CONTIGUOUS);
	uintptr_t at = user_map(folio, RW);
	const uint8_t *bytes = page_to_virt(user_folio_of(folio)->paddr);

	(void)state;
	for (size_t offset = 0; offset < 3 * PAGE_SIZE; offset += PAGE_SIZE) {
		assert_true(user_has(at + offset));
		assert_true(user_can_write(at + offset + 9));
		assert_int_equal(bytes[offset + 9], 0x3c);
	}
	assert_false(user_has(at - PAGE_SIZE));
	assert_false(user_has(at + 3 * PAGE_SIZE));
	assert_int_equal(user_map(folio, PROT_READ), at);
	assert_true(user_can_write(at));
	assert_int_equal(CALL_1(folio_unmap, folio), 0);
	for (size_t offset = 0; offset < 3 * PAGE_SIZE; offset += PAGE_SIZE)
		assert_false(user_has(at + offset));
	assert_int_equal(CALL_1(folio_unmap, folio), 0);
}

static void what_is_mapped_to_be_read_is_not_written(void **state)
{
	static const uint32_t kinds[] = { FOLIO_CONTIGUOUS, FOLIO_LAZY };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		handle_t folio = user_folio(2 * PAGE_SIZE, kinds[i]);
		uintptr_t at = user_map(folio, PROT_READ);

		assert_true(user_can_read(at));
		assert_false(user_can_write(at));
		assert_false(space_resolve_fault(user->space, at, true));
		assert_true(space_resolve_fault(user->space, at, false));
		// Where nothing is yet, too.
		assert_false(space_resolve_fault(user->space, at + PAGE_SIZE, true));
		// The same mapping with more rights.
		assert_int_equal(user_map(folio, RW), at);
		assert_true(user_can_write(at));
		assert_true(user_can_write(at + PAGE_SIZE));
		assert_true(space_resolve_fault(user->space, at, true));
	}
}

static void registers_are_the_apps_alone(void **state)
{
	struct folio *folio;
	handle_t handle;
	uintptr_t at;
	paddr_t paddr;

	(void)state;
	assert_int_equal(folio_device_create(0x10001000, PAGE_SIZE, &folio), 0);
	assert_int_equal(
		handle_insert(&user->handles, &folio->object, folio->object.ops->rights, &handle),
		0);
	object_put(&folio->object);
	at = user_map(handle, RW);
	assert_true(arch_space_paddr(&user->space->arch, at, &paddr));
	assert_int_equal(paddr, 0x10001000);
	assert_true(arch_space_allows(&user->space->arch, at, true));
	// The kernel does not touch them for anybody.
	assert_false(user_can_read(at));
	assert_false(user_can_write(at));
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, 0, at), ERR_ADDRESS);
}

// --- Lazy folios ---

static void a_lazy_folio_comes_by_touches(void **state)
{
	handle_t folio = user_folio(5 * PAGE_SIZE, FOLIO_LAZY);
	uintptr_t at = user_map(folio, RW);

	(void)state;
	assert_int_equal(populated(folio), 0);
	assert_false(user_has(at));
	assert_true(user_can_write(at + PAGE_SIZE));
	assert_int_equal(populated(folio), PAGE_SIZE);
	assert_true(space_resolve_fault(user->space, at + 3 * PAGE_SIZE + 17, false));
	assert_int_equal(populated(folio), 2 * PAGE_SIZE);
	assert_true(user_has(at + 3 * PAGE_SIZE));
	assert_false(user_has(at + 2 * PAGE_SIZE));
	assert_false(space_resolve_fault(user->space, at + 5 * PAGE_SIZE, false));
	assert_false(space_resolve_fault(user->space, at - 1, false));
}

static void a_block_is_mapped_as_one(void **state)
{
	handle_t folio = user_folio(2 * BLOCK_SIZE + PAGE_SIZE, FOLIO_LAZY);
	uintptr_t at = user_map(folio, RW);
	size_t tables = user->space->arch.num_tables;

	(void)state;
	assert_int_equal(at % BLOCK_SIZE, 0);
	assert_true(user_can_write(at + BLOCK_SIZE + 5 * PAGE_SIZE));
	assert_int_equal(populated(folio), BLOCK_SIZE);
	assert_true(user_has(at + 2 * BLOCK_SIZE - PAGE_SIZE));
	assert_false(user_has(at + BLOCK_SIZE - PAGE_SIZE));
	// The middle table only.
	assert_true(user->space->arch.num_tables <= tables + 1);
	assert_true(user_can_write(at + 2 * BLOCK_SIZE));
	assert_int_equal(CALL_1(handle_close, folio), 0);
	assert_false(user_has(at + BLOCK_SIZE));
	assert_false(user_has(at + 2 * BLOCK_SIZE));
}

static void what_is_discarded_is_gone(void **state)
{
	handle_t folio = user_folio(2 * BLOCK_SIZE, FOLIO_LAZY);
	uintptr_t at = user_map(folio, RW);
	uint64_t pages = page_free_count();
	uint8_t byte = 1;

	(void)state;
	assert_true(user_can_write(at + 100));
	assert_true(user_can_write(at + BLOCK_SIZE + 100));
	assert_int_equal(CALL_3(folio_discard, folio, 0, BLOCK_SIZE), 0);
	assert_false(user_has(at));
	assert_true(user_has(at + BLOCK_SIZE));
	assert_int_equal(space_copy_from(user->space, &byte, at + 100, 1), 0);
	assert_int_equal(byte, 0);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	assert_false(user_has(at));
	assert_true(page_free_count() >= pages);
}

static struct folio *discarded;
static bool stayed;

static void note_whether_it_stays(struct folio_user *mapping, size_t offset, size_t length)
{
	(void)mapping;
	(void)offset;
	(void)length;
	stayed = discarded->object.stays;
}

// Else what is discarded may be its receiver's by then.
static void what_is_being_discarded_stays(void **state)
{
	struct folio_user mapping = { .discard = note_whether_it_stays };
	handle_t folio = user_folio(PAGE_SIZE, FOLIO_LAZY);

	(void)state;
	stayed = false;
	discarded = user_folio_of(folio);
	assert_true(user_can_write(user_map(folio, RW)));
	folio_add_user(discarded, &mapping);
	assert_int_equal(CALL_3(folio_discard, folio, 0, PAGE_SIZE), 0);
	assert_true(stayed);
	assert_false(discarded->object.stays);
	folio_remove_user(discarded, &mapping);
}

static void a_touch_without_memory_fails(void **state)
{
	handle_t folio = user_folio(BLOCK_SIZE / 2, FOLIO_LAZY);
	uintptr_t at = user_map(folio, RW);
	uint64_t limit = user->account->kernel_limit;

	(void)state;
	user->account->kernel_limit = user->account->kernel_used;
	assert_false(user_can_write(at));
	assert_false(space_resolve_fault(user->space, at, true));
	user->account->kernel_limit = limit;
	assert_true(user_can_write(at));
}

// --- The last handle ---

static void a_mapping_goes_with_the_last_handle_that_mapped_it(void **state)
{
	handle_t first = user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS);
	handle_t second = user_duplicate(first, RIGHTS_SAME);
	handle_t third = user_duplicate(first, RIGHTS_SAME);
	uintptr_t at = user_map(first, PROT_READ);

	(void)state;
	assert_int_equal(user_map(second, PROT_READ), at);
	assert_int_equal(user_map(second, PROT_READ), at);
	// It has mapped nothing.
	assert_int_equal(CALL_1(handle_close, third), 0);
	assert_true(user_has(at));
	assert_int_equal(CALL_1(folio_unmap, first), 0);
	assert_int_equal(CALL_1(folio_unmap, first), 0);
	assert_true(user_has(at));
	assert_int_equal(CALL_1(handle_close, second), 0);
	assert_false(user_has(at));
	assert_true(user_has(user_map(first, PROT_READ)));
}

// --- More than one handle ---

static void what_is_duplicated_is_read_only_from_then_on(void **state)
{
	static const uint32_t kinds[] = { FOLIO_CONTIGUOUS, FOLIO_LAZY };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		handle_t first = user_folio(2 * PAGE_SIZE, kinds[i]);
		uintptr_t at = user_map(first, RW);
		struct folio_info info;
		handle_t second;

		assert_true(user_can_write(at));
		second = user_duplicate(first, RIGHTS_SAME);
		assert_false(user_can_write(at));
		assert_false(user_can_write(at + PAGE_SIZE));
		assert_false(space_resolve_fault(user->space, at, true));
		assert_true(user_can_read(at) && user_can_read(at + PAGE_SIZE));
		assert_int_equal(user_map(second, PROT_READ), at);
		assert_int_equal(CALL_3(folio_map, first, RW, OUT), ERR_ACCESS);
		assert_int_equal(CALL_3(folio_map, second, RW, OUT), ERR_ACCESS);
		assert_int_equal(CALL_3(folio_discard, first, 0, PAGE_SIZE),
		                 i == 0 ? ERR_NOT_SUPPORTED : ERR_ACCESS);
		// It stays so, with one handle, too.
		assert_int_equal(CALL_1(handle_close, first), 0);
		assert_int_equal(CALL_3(folio_map, second, RW, OUT), ERR_ACCESS);
		assert_false(user_can_write(at));
		assert_true(user_can_read(at));
		assert_int_equal(CALL_2(folio_info, second, OUT), 0);
		assert_int_equal(space_copy_from(user->space, &info, OUT, sizeof(info)), 0);
		assert_true((info.flags & FOLIO_READ_ONLY) != 0);
		assert_int_equal(CALL_1(handle_close, second), 0);
		assert_false(user_has(at));
	}
}

static void a_duplicate_that_fails_changes_nothing(void **state)
{
	handle_t folio = user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS);
	uintptr_t at = user_map(folio, RW);

	(void)state;
	assert_int_equal(CALL_3(handle_duplicate, folio, RIGHT_CONTROL, OUT), ERR_ACCESS);
	user->handles.limit = user->handles.used;
	assert_int_equal(CALL_3(handle_duplicate, folio, RIGHTS_SAME, OUT), ERR_LIMIT);
	user->handles.limit = APP_DEFAULT_HANDLES;
	assert_true(user_can_write(at));
	assert_int_equal(user_map(folio, RW), at);
}

// A table that an earlier map could not pay is not asked for.
static void at_its_limit_a_process_duplicates(void **state)
{
	handle_t large = user_folio(513 * PAGE_SIZE, FOLIO_CONTIGUOUS);
	handle_t other = user_folio(300 * PAGE_SIZE, FOLIO_CONTIGUOUS);
	uintptr_t at = user_map(large, RW);
	size_t tables = user->space->arch.num_tables;
	uint64_t limit = user->account->kernel_limit;

	(void)state;
	user->account->kernel_limit = user->account->kernel_used;
	while (user->space->arch.num_tables == tables) {
		assert_int_not_equal(CALL_3(folio_map, other, RW, OUT), 0);
		user->account->kernel_limit += 100;
	}
	(void)user_duplicate(large, RIGHTS_SAME);
	assert_false(user_can_write(at));
	assert_true(user_can_read(at + 512 * PAGE_SIZE));
	user->account->kernel_limit = limit;
}

static void what_is_sent_is_unmapped(void **state)
{
	handle_t folio = user_folio(2 * PAGE_SIZE, FOLIO_CONTIGUOUS);
	uintptr_t at = user_map(folio, RW);
	struct message message = test_message(1, folio);
	handle_t ends[2];

	(void)state;
	assert_int_equal(CALL_1(channel_create, OUT), 0);
	assert_int_equal(space_copy_from(user->space, ends, OUT, sizeof(ends)), 0);
	assert_int_equal(space_copy_to(user->space, OUT, &message, offsetof(struct message, data)),
	                 0);
	assert_true(user_can_write(at + PAGE_SIZE));
	assert_int_equal(CALL_2(channel_send, ends[0], OUT), 0);
	assert_false(user_has(at));
	assert_false(user_has(at + PAGE_SIZE));
	// The receiver, here the same process, maps it anew.
	assert_int_equal(CALL_2(channel_recv, ends[1], OUT), 0);
	assert_int_equal(
		space_copy_from(user->space, &message, OUT, offsetof(struct message, data)), 0);
	at = user_map(message.handles[0], RW);
	assert_int_equal(
		*((uint8_t *)page_to_virt(user_folio_of(message.handles[0])->paddr) + PAGE_SIZE),
		0x3c);
	assert_true(user_has(at));
}

static void a_message_that_stays_keeps_its_mapping(void **state)
{
	handle_t folio = user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS);
	uintptr_t at = user_map(folio, RW);
	struct message message = test_message(1, folio);
	handle_t ends[2];

	(void)state;
	assert_int_equal(CALL_1(channel_create, OUT), 0);
	assert_int_equal(space_copy_from(user->space, ends, OUT, sizeof(ends)), 0);
	assert_int_equal(CALL_1(handle_close, ends[1]), 0);
	assert_int_equal(space_copy_to(user->space, OUT, &message, offsetof(struct message, data)),
	                 0);
	assert_int_equal(CALL_2(channel_send, ends[0], OUT), ERR_PEER_CLOSED);
	assert_true(user_can_write(at));
}

static void a_map_that_cannot_say_where_maps_nothing(void **state)
{
	handle_t folio = user_folio(PAGE_SIZE, FOLIO_CONTIGUOUS);

	(void)state;
	assert_int_equal(CALL_3(folio_map, folio, RW, TEXT_ADDRESS), ERR_ADDRESS);
	assert_true(list_is_empty(&user_folio_of(folio)->users));
	(void)user_map(folio, RW);
	assert_int_equal(CALL_3(folio_map, folio, RW, TEXT_ADDRESS), ERR_ADDRESS);
	assert_false(list_is_empty(&user_folio_of(folio)->users));
}

int test_space_folios(void)
{
	const struct CMUnitTest tests[] = {
		space_test_case(a_contiguous_folio_is_there_at_once),
		space_test_case(what_is_mapped_to_be_read_is_not_written),
		space_test_case(registers_are_the_apps_alone),
		space_test_case(a_lazy_folio_comes_by_touches),
		space_test_case(a_block_is_mapped_as_one),
		space_test_case(what_is_discarded_is_gone),
		space_test_case(what_is_being_discarded_stays),
		space_test_case(a_touch_without_memory_fails),
		space_test_case(a_mapping_goes_with_the_last_handle_that_mapped_it),
		space_test_case(what_is_duplicated_is_read_only_from_then_on),
		space_test_case(a_duplicate_that_fails_changes_nothing),
		space_test_case(at_its_limit_a_process_duplicates),
		space_test_case(what_is_sent_is_unmapped),
		space_test_case(a_message_that_stays_keeps_its_mapping),
		space_test_case(a_map_that_cannot_say_where_maps_nothing),
	};

	return cmocka_run_group_tests_name("folios in spaces", tests, NULL, NULL);
}
