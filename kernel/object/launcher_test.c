// SPDX-License-Identifier: MIT
//
// Processes that are made at run time, by the calls that make them.
#include "kernel/object/launcher_test.h"

#include "kernel/object/all_test.h"
#include "kernel/object/system.h"
#include "libs/base/fmt.h"

// It lives as long as the machine, so it is made before anything is counted.
struct launcher *test_launcher;
handle_t test_holder;
const struct environ made_env = { .num_entries = 1, .restarts = 3 };

void made_ends(void *arg)
{
	(void)arg;
	(void)CALL_1(process_exit, 9);
}

void made_waits(void *arg)
{
	handle_t poll;

	(void)arg;
	assert_int_equal(CALL_1(poll_create, DATA), 0);
	assert_int_equal(space_copy_from(process_current()->space, &poll, DATA, sizeof(poll)), 0);
	(void)CALL_5(poll_wait, poll, DATA + 64, 1, NSEC_NEVER, DATA + 32);
	sched_return_to_app();
}

void launcher_hold(void)
{
	assert_int_equal(handle_insert(&self->handles, &test_launcher->object,
	                               test_launcher->object.ops->rights, &test_holder),
	                 0);
}

int launcher_setup(void **state)
{
	host_init();
	host_program = made_ends;
	if (test_launcher == NULL)
		assert_int_equal(launcher_create(&test_launcher), 0);
	// The first place takes memory that stays.
	assert_int_equal(launcher_keep_handle(test_launcher, 0, NULL, HANDLE_NONE), 0);
	if (test_setup(state) != 0)
		return -1;
	launcher_hold();
	return 0;
}

// Two pages: of 0x11, and of 0x22. Nobody can write to them again.
handle_t made_program(void)
{
	handle_t folio;
	handle_t read_only;
	uint8_t *bytes;

	assert_int_equal(CALL_3(folio_create, 2 * PAGE_SIZE, FOLIO_CONTIGUOUS, &folio), 0);
	assert_int_equal(CALL_3(folio_map, folio, PROT_READ | PROT_WRITE, &bytes), 0);
	memset(bytes, 0x11, PAGE_SIZE);
	memset(bytes + PAGE_SIZE, 0x22, PAGE_SIZE);
	assert_int_equal(CALL_3(handle_duplicate, folio, RIGHTS_SAME, &read_only), 0);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	return read_only;
}

error_t made_create(const char *name, handle_t *out)
{
	struct process_options options = { .memory_limit = 1 << 20 };

	memcpy(options.name, name, strlen(name) + 1);
	return CALL_3(process_create, test_holder, &options, out);
}

error_t made_map(handle_t process, handle_t folio, uint64_t address, uint32_t prot)
{
	const struct process_segment segment = { .address = address,
		                                 .size = PAGE_SIZE,
		                                 .offset = address == DATA ? PAGE_SIZE : 0,
		                                 .length = (prot & PROT_WRITE) != 0 ? 100
		                                                                    : PAGE_SIZE,
		                                 .folio = folio,
		                                 .prot = prot };

	return CALL_2(process_map, process, &segment);
}

error_t made_begin(handle_t process, handle_t symbols)
{
	const struct process_start start = { .entry = TEXT,
		                             .symbols = symbols,
		                             .symbols_size = symbols != HANDLE_NONE ? 64 : 0 };

	return CALL_3(process_start, process, &start, &made_env);
}

// One with text and data, not started.
handle_t made(const char *name)
{
	handle_t folio = made_program();
	handle_t process;

	assert_int_equal(made_create(name, &process), 0);
	assert_int_equal(made_map(process, folio, TEXT, PROT_READ | PROT_EXEC), 0);
	assert_int_equal(made_map(process, folio, DATA, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	return process;
}

struct process_info made_info(handle_t process)
{
	struct process_info info;

	assert_int_equal(CALL_2(process_info, process, &info), 0);
	return info;
}

struct process *made_process(handle_t handle)
{
	struct object *object;

	assert_int_equal(handle_lookup(&self->handles, handle, OBJECT_PROCESS, 0, &object), 0);
	object_put(object);  // the handle has one
	return process_from_object(object);
}

uint8_t made_byte(const struct process *process, uintptr_t addr)
{
	uint8_t byte;

	assert_int_equal(space_copy_from(process->space, &byte, addr, 1), 0);
	return byte;
}

static void it_sees_its_parts(void **state)
{
	handle_t handle = made("made");
	struct process *process = made_process(handle);
	uint8_t zero = 0;

	(void)state;
	assert_int_equal(made_byte(process, TEXT), 0x11);
	assert_int_equal(space_copy_to(process->space, TEXT, &zero, 1), ERR_ADDRESS);
	assert_true(arch_space_executes(&process->space->arch, TEXT));
	assert_false(arch_space_executes(&process->space->arch, DATA));
	assert_int_equal(made_byte(process, DATA), 0x22);
	assert_int_equal(made_byte(process, DATA + 99), 0x22);
	assert_int_equal(made_byte(process, DATA + 100), 0);
	assert_int_equal(space_copy_to(process->space, DATA, &zero, 1), 0);
	// Its data is its own, and charged to it; the text is nobody's more.
	assert_int_equal(made_info(handle).memory, PAGE_SIZE);
	assert_int_equal(self->account->folio_used, 2 * PAGE_SIZE);
	assert_int_equal(made_begin(handle, HANDLE_NONE), 0);
	assert_int_equal(process->env->num_entries, 1);
	assert_int_equal(made_info(handle).state, PROCESS_RUNNING);
	host_run(NSEC_NEVER);
	assert_int_equal(made_info(handle).state, PROCESS_ENDED);
	assert_int_equal(made_info(handle).end, PROCESS_END_EXIT);
	assert_int_equal(made_info(handle).status, 9);
	assert_non_null(strstr(host_log(), "made: ended with status 9"));
	// With the process the folio is gone.
	assert_int_equal(self->account->folio_used, 0);
}

static void it_waits_and_is_killed(void **state)
{
	handle_t process = made("made");

	(void)state;
	host_program = made_waits;
	assert_int_equal(made_begin(process, HANDLE_NONE), 0);
	assert_int_equal(made_begin(process, HANDLE_NONE), ERR_BAD_STATE);
	host_run(arch_clock_now());
	assert_int_equal(made_info(process).waiting, 1);
	assert_int_equal(made_info(process).threads, 1);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(made_info(process).end, PROCESS_END_KILLED);
	assert_non_null(strstr(host_log(), "made: killed"));
}

// Another hart may end it in the middle of a call that gives it something.
static void it_stays_whole_during_a_call(void **state)
{
	handle_t handle = made("made");
	struct process *process = made_process(handle);

	(void)state;
	assert_int_equal(process_build_begin(process), 0);
	assert_int_equal(made_begin(handle, HANDLE_NONE), ERR_BAD_STATE);
	assert_int_equal(CALL_1(process_kill, handle), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(made_info(handle).state, PROCESS_RUNNING);
	assert_non_null(process->space);
	assert_int_equal(handle_reserve(&process->handles, 1), 0);
	handle_unreserve(&process->handles, 1);
	// No further one begins.
	assert_int_equal(made_map(handle, HANDLE_NONE, TEXT, PROT_READ), ERR_BAD_STATE);
	process_build_end(process);
	host_run(NSEC_NEVER);
	assert_int_equal(made_info(handle).state, PROCESS_ENDED);
	assert_null(process->space);
}

// Who finds it before its maker has a handle, and closes it again, does not end it.
static void it_stays_whole_until_its_maker_has_it(void **state)
{
	struct process_options options = { .name = "found", .memory_limit = 1 << 20 };
	struct process *process;
	handle_t system;
	handle_t found;

	(void)state;
	assert_int_equal(handle_insert(&self->handles, system_object(), RIGHTS_ALL, &system), 0);
	assert_int_equal(launcher_make_process(test_launcher, &options, &process), 0);
	assert_int_equal(CALL_3(system_open_process, system, process->id, &found), 0);
	assert_int_equal(CALL_1(handle_close, found), 0);
	assert_false(process_is_ending(process));
	object_get(&process->object);
	object_handle_put(&process->object);
	assert_true(process_is_ending(process));
	object_put(&process->object);
	host_run(NSEC_NEVER);
}

static void w_and_x_exclude_each_other(void **state)
{
	handle_t folio = made_program();
	handle_t process = made("made");
	handle_t writable;

	(void)state;
	assert_int_equal(made_map(process, folio, 0x30000, PROT_READ | PROT_WRITE | PROT_EXEC),
	                 ERR_INVALID);
	assert_int_equal(made_map(process, folio, 0x30000, PROT_WRITE), ERR_INVALID);
	// A folio that can be written to; one that cannot be, but for its only handle.
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_CONTIGUOUS, &writable), 0);
	assert_int_equal(made_map(process, writable, 0x30000, PROT_READ | PROT_EXEC), ERR_ACCESS);
	assert_int_equal(made_map(process, writable, 0x30000, PROT_READ), ERR_ACCESS);
	assert_int_equal(made_map(process, writable, 0x30000, PROT_READ | PROT_WRITE), ERR_ACCESS);
	assert_int_equal(made_begin(process, writable), ERR_ACCESS);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

static void addresses_are_checked(void **state)
{
	static const struct {
		uint64_t address, size, offset;
		error_t error;
	} wrong[] = {
		{ 0x30001, PAGE_SIZE, 0, ERR_INVALID },
		{ 0x30000, 1, 0, ERR_INVALID },
		{ 0x30000, 0, 0, ERR_INVALID },
		{ 0x30000, PAGE_SIZE, 16, ERR_INVALID },
		{ 0, PAGE_SIZE, 0, ERR_RANGE },
		{ TEXT, PAGE_SIZE, 0, ERR_EXISTS },
		{ DATA - PAGE_SIZE, 2 * PAGE_SIZE, 0, ERR_EXISTS },
		{ PROCESS_SEGMENTS_END, PAGE_SIZE, 0, ERR_RANGE },
		{ PROCESS_SEGMENTS_END - PAGE_SIZE, 2 * PAGE_SIZE, 0, ERR_RANGE },
		{ 0xffffffff80200000, PAGE_SIZE, 0, ERR_RANGE },
		{ -PAGE_SIZE, PAGE_SIZE, 0, ERR_RANGE },
		{ 0x30000, -PAGE_SIZE, 0, ERR_RANGE },
		{ 0x30000, 3 * PAGE_SIZE, 0, ERR_RANGE },
		{ 0x30000, PAGE_SIZE, 2 * PAGE_SIZE, ERR_RANGE },
		{ 0x30000, PAGE_SIZE, -PAGE_SIZE, ERR_RANGE },
	};
	static const struct process_start starts[] = {
		{ .entry = 0 },
		{ .entry = USER_END },
		{ .entry = 0xffffffff80200000 },
		{ .entry = TEXT, .thread_return = UINT64_MAX },
		{ .entry = TEXT, .text_address = UINT64_MAX },
		{ .entry = TEXT, .text_address = TEXT, .text_size = UINT64_MAX },
	};
	const struct process_segment huge = { .address = 0x30000,
		                              .size = PROCESS_DATA_MAX + PAGE_SIZE,
		                              .prot = PROT_READ | PROT_WRITE };
	handle_t folio = made_program();
	handle_t process = made("made");

	(void)state;
	assert_int_equal(CALL_2(process_map, process, &huge), ERR_TOO_LARGE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct process_segment segment = { .address = wrong[i].address,
			                                 .size = wrong[i].size,
			                                 .offset = wrong[i].offset,
			                                 .length = wrong[i].size,
			                                 .folio = folio,
			                                 .prot = PROT_READ | PROT_EXEC };

		assert_int_equal(CALL_2(process_map, process, &segment), wrong[i].error);
	}
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		assert_int_equal(CALL_3(process_start, process, &starts[i], &made_env), ERR_RANGE);
	assert_int_equal(CALL_3(process_start, process, &starts[0], NULL), ERR_ADDRESS);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

static void symbols_are_checked(void **state)
{
	handle_t folio = made_program();
	handle_t process = made("made");
	struct process_start start = { .entry = TEXT, .symbols = folio };

	(void)state;
	start.symbols_offset = 4;
	assert_int_equal(CALL_3(process_start, process, &start, &made_env), ERR_INVALID);
	start.symbols_offset = 3 * PAGE_SIZE;
	assert_int_equal(CALL_3(process_start, process, &start, &made_env), ERR_RANGE);
	start.symbols_offset = PAGE_SIZE;
	start.symbols_size = UINT64_MAX;
	assert_int_equal(CALL_3(process_start, process, &start, &made_env), ERR_RANGE);
	start.symbols_size = PAGE_SIZE;
	assert_int_equal(CALL_3(process_start, process, &start, &made_env), 0);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(made_info(process).status, 9);
}

static void names_and_limits_are_checked(void **state)
{
	static const char *const wrong[] = { "", "a b", "a\n", "\x80" };
	struct process_options options = { .name = "small", .kernel_limit = 100 };
	handle_t process = made("made");
	handle_t other;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(made_create(wrong[i], &other), ERR_INVALID);
	assert_int_equal(made_create("made", &other), ERR_EXISTS);
	assert_int_equal(made_create("kernel", &other), ERR_EXISTS);
	assert_int_equal(CALL_3(process_create, test_holder, &options, &other), ERR_LIMIT);
	options.kernel_limit = 0;
	options.thread_limit = PROCESS_MAX_THREADS + 1;
	assert_int_equal(CALL_3(process_create, test_holder, &options, &other), ERR_INVALID);
	memset(options.name, 'x', sizeof(options.name));
	options.thread_limit = 1;
	assert_int_equal(CALL_3(process_create, test_holder, &options, &other), ERR_INVALID);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
	// The name is free again, though the handle is open.
	process = made("made");
	assert_int_equal(CALL_1(process_kill, process), 0);
}

// Whatever allocation fails, the call says so and leaves nothing.
static void memory_may_run_out(void **state)
{
	handle_t folio = made_program();
	handle_t process = HANDLE_NONE;
	handle_t connector;
	handle_t given;
	error_t error;
	unsigned n;

	(void)state;
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = made_create("made", &process);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	assert_true(n > 4);
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = made_map(process, folio, TEXT, PROT_READ | PROT_EXEC);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = made_map(process, folio, DATA, PROT_READ | PROT_WRITE);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = CALL_4(service_create, test_holder, "made", 4, &connector);
	}
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = CALL_3(service_provide, connector, process, &given);
	}
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = made_begin(process, folio);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	host_fail_kmalloc(0);
	host_run(NSEC_NEVER);
	assert_int_equal(made_info(process).status, 9);
}

static void there_are_so_many(void **state)
{
	struct process_options options = { .memory_limit = 1 << 20 };
	static handle_t processes[LAUNCHER_MAX_PROCESSES + 1];
	uint32_t n = 0;
	error_t error = 0;

	(void)state;
	test_limits(2000, 64 << 20);
	launcher_hold();
	while (error == 0 && n <= LAUNCHER_MAX_PROCESSES) {
		fmt_write(options.name, sizeof(options.name), "made.%u", n);
		error = CALL_3(process_create, test_holder, &options, &processes[n]);
		n += error == 0 ? 1 : 0;
	}
	assert_int_equal(error, ERR_LIMIT);
	assert_int_equal(n, LAUNCHER_MAX_PROCESSES);
	assert_int_equal(CALL_1(process_kill, processes[7]), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(made_create("made.again", &processes[7]), 0);
	assert_int_equal(CALL_1(handle_close, test_holder), 0);
	host_run(NSEC_NEVER);
}

int test_launchers(void)
{
	const struct CMUnitTest tests[] = {
		launcher_test_case(it_sees_its_parts),
		launcher_test_case(it_waits_and_is_killed),
		launcher_test_case(it_stays_whole_during_a_call),
		launcher_test_case(it_stays_whole_until_its_maker_has_it),
		launcher_test_case(w_and_x_exclude_each_other),
		launcher_test_case(addresses_are_checked),
		launcher_test_case(symbols_are_checked),
		launcher_test_case(names_and_limits_are_checked),
		launcher_test_case(memory_may_run_out),
		launcher_test_case(there_are_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
