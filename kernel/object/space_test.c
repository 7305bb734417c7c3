// SPDX-License-Identifier: MIT
//
// Spaces: what they are made of, that all is given back, whatever fails on the way, and copies.
#include "kernel/object/space_test.h"

#include "kernel/arch/riscv64/mmu.h"
#include "kernel/object/all_test.h"

struct process *user;
static uint8_t initial[DATA_SIZE];
static struct user_image image = {
	.text_address = TEXT_ADDRESS,
	.text_size = 2 * PAGE_SIZE,
	.rodata_address = RODATA_ADDRESS,
	.rodata_size = PAGE_SIZE,
	.data = initial,
	.data_address = DATA_ADDRESS,
	.data_size = DATA_SIZE,
	.data_total = DATA_TOTAL,
	.thread_return = TEXT_ADDRESS + 4,
};
static const struct app_spec spec = { .name = "user" };
const struct app_image user_app = { .spec = &spec, .user = &image };
static paddr_t segments;  // text, then read-only data

static void make_image(void)
{
	assert_int_equal(page_alloc(2, &segments), 0);
	image.text = page_to_virt(segments);
	image.rodata = page_to_virt(segments + image.text_size);
	memset(page_to_virt(segments), 5, image.text_size);
	memset(page_to_virt(segments + image.text_size), 6, image.rodata_size);
	memset(initial, 7, sizeof(initial));
}

int space_setup(void **state)
{
	(void)test_setup(state);
	make_image();
	assert_int_equal(process_create("user", &user_app, 64, 16 * BLOCK_SIZE, &user), 0);
	host_enter_process(user);
	return 0;
}

int space_teardown(void **state)
{
	host_enter_process(NULL);
	test_end(user);
	page_free(segments, 2);
	return test_teardown(state);
}

static void expect_bytes(uintptr_t addr, size_t len, uint8_t byte)
{
	static uint8_t bytes[DATA_TOTAL];

	assert_int_equal(space_copy_from(user->space, bytes, addr, len), 0);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(bytes[i], byte);
}

static void an_app_begins_with_its_segments(void **state)
{
	(void)state;
	expect_bytes(TEXT_ADDRESS, 2 * PAGE_SIZE, 5);
	expect_bytes(RODATA_ADDRESS, PAGE_SIZE, 6);
	expect_bytes(DATA_ADDRESS, DATA_SIZE, 7);
	expect_bytes(DATA_ADDRESS + DATA_SIZE, DATA_TOTAL - DATA_SIZE, 0);
	assert_false(user_can_write(TEXT_ADDRESS));
	assert_false(user_can_write(RODATA_ADDRESS));
	assert_true(user_can_write(DATA_ADDRESS + DATA_TOTAL - 1));
	assert_true(user_can_read(user->env_addr));
	assert_false(user_can_write(user->env_addr));
	assert_int_equal(initial[0], 7);
}

static void nothing_else_is_there(void **state)
{
	static const uintptr_t nowhere[] = {
		0,
		PAGE_SIZE - 1,
		TEXT_ADDRESS - 1,
		TEXT_ADDRESS + 2 * PAGE_SIZE,
		RODATA_ADDRESS + PAGE_SIZE,
		DATA_ADDRESS - 1,
		DATA_ADDRESS + DATA_TOTAL,
		USER_END - 1,
		USER_END,
		0x4000000000,                 // the hole of Sv39
		0x4000000000 + DATA_ADDRESS,  // what it would be without its upper bits
		DIRECT_MAP_BASE,
		DIRECT_MAP_BASE + DATA_ADDRESS,
		KERNEL_VIRT,
		UINTPTR_MAX,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		assert_false(user_can_read(nowhere[i]));
		assert_false(user_can_write(nowhere[i]));
		assert_false(space_resolve_fault(user->space, nowhere[i], false));
		assert_int_equal(CALL_3(folio_create, PAGE_SIZE, 0, nowhere[i]), ERR_ADDRESS);
	}
	assert_false(user_has(user->env_addr - PAGE_SIZE));
}

static void copies_go_on_in_the_next_page(void **state)
{
	static uint8_t in[DATA_TOTAL], out[DATA_TOTAL];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 31);
	assert_int_equal(space_copy_to(user->space, DATA_ADDRESS, in, sizeof(in)), 0);
	assert_int_equal(space_copy_from(user->space, out, DATA_ADDRESS, sizeof(out)), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(space_copy_from(user->space, out, DATA_ADDRESS + PAGE_SIZE - 3, 6), 0);
	assert_memory_equal(in + PAGE_SIZE - 3, out, 6);
}

static void copies_end_where_memory_does(void **state)
{
	uint8_t bytes[16] = { 0 };

	(void)state;
	assert_int_equal(space_copy_from(user->space, bytes, DATA_ADDRESS + DATA_TOTAL - 8, 16),
	                 ERR_ADDRESS);
	assert_int_equal(space_copy_to(user->space, DATA_ADDRESS + DATA_TOTAL - 8, bytes, 16),
	                 ERR_ADDRESS);
	assert_int_equal(space_copy_to(user->space, TEXT_ADDRESS + 2 * PAGE_SIZE - 8, bytes, 16),
	                 ERR_ADDRESS);
	assert_int_equal(space_copy_from(user->space, bytes, DATA_ADDRESS, SIZE_MAX), ERR_ADDRESS);
	assert_int_equal(space_copy_from(user->space, bytes, UINTPTR_MAX - 7, 16), ERR_ADDRESS);
	assert_int_equal(space_copy_from(user->space, bytes, USER_END - 8, SIZE_MAX - 8),
	                 ERR_ADDRESS);
	assert_int_equal(space_copy_from(user->space, bytes, DATA_ADDRESS, 0), 0);
}

// --- All is given back ---

// What a process has a space for, without the process. `*addr` is not 0 on success.
static error_t build(struct account *account, struct space **space, uintptr_t *addr)
{
	error_t error = space_create(account, space);

	*addr = 0;
	if (error != 0)
		return error;
	error = space_load(*space, &image);
	if (error == 0)
		error = space_map_pages(*space, segments, PAGE_SIZE, addr);
	if (error == 0)
		error = space_map_zeroed(*space, 5 * PAGE_SIZE, addr);
	return error;
}

// Builds one, and takes it apart, whether it is whole or not.
static error_t try_build(struct account *account)
{
	uint64_t used = account->kernel_used;
	size_t blocks = host_kmalloc_live();
	uint64_t pages = page_free_count();
	struct space *space = NULL;
	uintptr_t addr;
	error_t error = build(account, &space, &addr);

	if (error == 0) {
		uint64_t unmaps = space->arch.unmaps;

		space_unmap(space, addr);
		// One fence for all its pages.
		assert_int_equal(space->arch.unmaps, unmaps + 1);
	}
	if (space != NULL)
		space_destroy(space);
	assert_int_equal(account->kernel_used, used);
	assert_int_equal(host_kmalloc_live(), blocks);
	assert_int_equal(page_free_count(), pages);
	return error;
}

static void what_a_space_takes_is_charged(void **state)
{
	uint64_t used = user->account->kernel_used;
	uint64_t pages = page_free_count();
	struct space *space;
	uintptr_t addr;

	(void)state;
	assert_int_equal(build(user->account, &space, &addr), 0);
	// Of the pages those of .data, .bss and the last mapping are not kernel memory.
	assert_int_equal(space->arch.num_tables, 5);
	assert_int_equal(pages - page_free_count(), 5 + DATA_TOTAL / PAGE_SIZE + 5);
	assert_true(user->account->kernel_used - used > 5 * PAGE_SIZE + sizeof(*space));
	assert_true(user->account->kernel_used - used < 6 * PAGE_SIZE + sizeof(*space));
	space_destroy(space);
	assert_int_equal(user->account->kernel_used, used);
	assert_int_equal(page_free_count(), pages);
}

static void the_heap_may_be_empty_at_any_point(void **state)
{
	unsigned n = 0;
	error_t error;

	(void)state;
	do {
		host_fail_kmalloc(++n);
		error = try_build(user->account);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	} while (error != 0);
	host_fail_kmalloc(0);
	assert_true(n > 3);
}

static void pages_may_be_out_at_any_point(void **state)
{
	static paddr_t taken[16384];
	size_t n = 0;
	unsigned spare = 0;
	error_t error;

	(void)state;
	while (page_alloc(0, &taken[n]) == 0)
		n++;
	do {
		error = try_build(user->account);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
		page_free(taken[--n], 0);
		spare++;
	} while (error != 0);
	assert_int_equal(spare, 5 + DATA_TOTAL / PAGE_SIZE + 5 + 1);
	while (n > 0)
		page_free(taken[--n], 0);
}

static void the_limit_may_be_reached_at_any_point(void **state)
{
	uint64_t limit = user->account->kernel_limit;
	unsigned refused = 0;
	error_t error;

	(void)state;
	user->account->kernel_limit = user->account->kernel_used;
	do {
		error = try_build(user->account);
		assert_true(error == 0 || error == ERR_LIMIT || error == ERR_NO_MEMORY);
		refused++;
		user->account->kernel_limit += 100;
	} while (error != 0);
	user->account->kernel_limit = limit;
	assert_true(refused > 5 * PAGE_SIZE / 100);
}

static void a_process_needs_memory_for_its_space(void **state)
{
	size_t blocks = host_kmalloc_live();
	uint64_t pages = page_free_count();
	struct process *process;
	unsigned n = 0;
	error_t error;

	(void)state;
	do {
		host_fail_kmalloc(++n);
		error = process_create("other", &user_app, 64, 1 << 20, &process);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
		if (error != 0)
			assert_int_equal(host_kmalloc_live(), blocks);
		if (error != 0)
			assert_int_equal(page_free_count(), pages);
	} while (error != 0);
	host_fail_kmalloc(0);
	test_end(process);
	assert_int_equal(page_free_count(), pages);
}

// --- Threads ---

static void nothing(void *arg)
{
	(void)arg;
}

static void a_thread_has_a_stack_in_its_space(void **state)
{
	uint64_t pages = page_free_count();
	struct thread *thread;
	uintptr_t bottom;

	(void)state;
	assert_int_equal(thread_create_app(user, nothing, NULL, 4 * PAGE_SIZE, &thread), 0);
	bottom = thread->app_stack_top - thread->app_stack_size;
	assert_false(user->space->arch.shared);
	for (size_t at = 0; at < thread->app_stack_size; at += PAGE_SIZE)
		assert_true(user_can_write(bottom + at));
	// A guard on either side.
	assert_false(user_can_read(bottom - 1));
	assert_false(user_can_read(thread->app_stack_top));
	assert_true(page_free_count() < pages);
	sched_wake(thread);
	host_enter_process(NULL);
	host_run(NSEC_NEVER);
	host_enter_process(user);
	// The last thread's end is the process's.
	assert_null(user->space);
}

static void a_second_thread_shares_the_space(void **state)
{
	struct thread *threads[2];
	uint64_t unmaps;

	(void)state;
	assert_int_equal(thread_create_app(user, nothing, NULL, 4 * PAGE_SIZE, &threads[0]), 0);
	unmaps = user->space->arch.unmaps;
	assert_int_equal(thread_create_app(user, nothing, NULL, 4 * PAGE_SIZE, &threads[1]), 0);
	assert_true(user->space->arch.shared);
	// Windows that are open (user_access.h) close.
	assert_int_not_equal(user->space->arch.unmaps, unmaps);
	sched_wake(threads[0]);
	sched_wake(threads[1]);
}

int test_spaces(void)
{
	const struct CMUnitTest tests[] = {
		space_test_case(an_app_begins_with_its_segments),
		space_test_case(nothing_else_is_there),
		space_test_case(copies_go_on_in_the_next_page),
		space_test_case(copies_end_where_memory_does),
		space_test_case(what_a_space_takes_is_charged),
		space_test_case(the_heap_may_be_empty_at_any_point),
		space_test_case(pages_may_be_out_at_any_point),
		space_test_case(the_limit_may_be_reached_at_any_point),
		space_test_case(a_process_needs_memory_for_its_space),
		space_test_case(a_thread_has_a_stack_in_its_space),
		space_test_case(a_second_thread_shares_the_space),
	};

	return cmocka_run_group_tests_name("spaces", tests, NULL, NULL);
}
