// SPDX-License-Identifier: MIT
//
// Processes that are made at run time, by the calls that make them.
#include "kernel/object/launcher.h"

#include "kernel/object/all_test.h"
#include "kernel/object/folio.h"
#include "kernel/object/space.h"
#include "kernel/object/test_support.h"
#include "libs/base/fmt.h"

#define TEXT 0x10000ul
#define DATA 0x20000ul

// It lives as long as the machine, so it is made before anything is counted.
static struct launcher *launcher;
static handle_t holder;
static const struct environ env = { .num_entries = 1, .restarts = 3 };

static void ends_with_9(void *arg)
{
	(void)arg;
	(void)CALL_1(process_exit, 9);
}

static void waits(void *arg)
{
	handle_t poll;

	(void)arg;
	assert_int_equal(CALL_1(poll_create, DATA), 0);
	assert_int_equal(space_copy_from(process_current()->space, &poll, DATA, sizeof(poll)), 0);
	(void)CALL_5(poll_wait, poll, DATA + 64, 1, NSEC_NEVER, DATA + 32);
	sched_return_to_app();
}

static void hold_launcher(void)
{
	assert_int_equal(handle_insert(&self->handles, &launcher->object,
	                               launcher->object.ops->rights, &holder),
	                 0);
}

static int setup(void **state)
{
	host_init();
	host_program = ends_with_9;
	if (launcher == NULL)
		assert_int_equal(launcher_create(&launcher), 0);
	// The first place takes memory that stays.
	assert_int_equal(launcher_keep_handle(launcher, 0, NULL, HANDLE_NONE), 0);
	if (test_setup(state) != 0)
		return -1;
	hold_launcher();
	return 0;
}
#define launcher_test_case(name) cmocka_unit_test_setup_teardown(name, setup, test_teardown)

// Two pages: of 0x11, and of 0x22. Nobody can write to them again.
static handle_t program(void)
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

static error_t create(const char *name, handle_t *out)
{
	struct process_options options = { .memory_limit = 1 << 20 };

	memcpy(options.name, name, strlen(name) + 1);
	return CALL_3(process_create, holder, &options, out);
}

static error_t map(handle_t process, handle_t folio, uint64_t address, uint32_t prot)
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

static error_t begin(handle_t process, handle_t symbols)
{
	const struct process_start start = { .entry = TEXT,
		                             .symbols = symbols,
		                             .symbols_size = symbols != HANDLE_NONE ? 64 : 0 };

	return CALL_3(process_start, process, &start, &env);
}

// One with text and data, not started.
static handle_t make(const char *name)
{
	handle_t folio = program();
	handle_t process;

	assert_int_equal(create(name, &process), 0);
	assert_int_equal(map(process, folio, TEXT, PROT_READ | PROT_EXEC), 0);
	assert_int_equal(map(process, folio, DATA, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	return process;
}

static struct process_info info_of(handle_t process)
{
	struct process_info info;

	assert_int_equal(CALL_2(process_info, process, &info), 0);
	return info;
}

static struct process *process_of(handle_t handle)
{
	struct object *object;

	assert_int_equal(handle_lookup(&self->handles, handle, OBJECT_PROCESS, 0, &object), 0);
	object_put(object);  // the handle has one
	return process_from_object(object);
}

static uint8_t byte_at(const struct process *process, uintptr_t addr)
{
	uint8_t byte;

	assert_int_equal(space_copy_from(process->space, &byte, addr, 1), 0);
	return byte;
}

static void it_sees_its_parts(void **state)
{
	handle_t handle = make("made");
	struct process *process = process_of(handle);
	uint8_t zero = 0;

	(void)state;
	assert_int_equal(byte_at(process, TEXT), 0x11);
	assert_int_equal(space_copy_to(process->space, TEXT, &zero, 1), ERR_ADDRESS);
	assert_true(arch_space_executes(&process->space->arch, TEXT));
	assert_false(arch_space_executes(&process->space->arch, DATA));
	assert_int_equal(byte_at(process, DATA), 0x22);
	assert_int_equal(byte_at(process, DATA + 99), 0x22);
	assert_int_equal(byte_at(process, DATA + 100), 0);
	assert_int_equal(space_copy_to(process->space, DATA, &zero, 1), 0);
	// Its data is its own, and charged to it; the text is nobody's more.
	assert_int_equal(info_of(handle).memory, PAGE_SIZE);
	assert_int_equal(self->account->folio_used, 2 * PAGE_SIZE);
	assert_int_equal(begin(handle, HANDLE_NONE), 0);
	assert_int_equal(process->env->num_entries, 1);
	assert_int_equal(info_of(handle).state, PROCESS_RUNNING);
	host_run(NSEC_NEVER);
	assert_int_equal(info_of(handle).state, PROCESS_ENDED);
	assert_int_equal(info_of(handle).end, PROCESS_END_EXIT);
	assert_int_equal(info_of(handle).status, 9);
	assert_non_null(strstr(host_log(), "made: ended with status 9"));
	// With the process the folio is gone.
	assert_int_equal(self->account->folio_used, 0);
}

static void it_waits_and_is_killed(void **state)
{
	handle_t process = make("made");

	(void)state;
	host_program = waits;
	assert_int_equal(begin(process, HANDLE_NONE), 0);
	assert_int_equal(begin(process, HANDLE_NONE), ERR_BAD_STATE);
	host_run(arch_clock_now());
	assert_int_equal(info_of(process).waiting, 1);
	assert_int_equal(info_of(process).threads, 1);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(info_of(process).end, PROCESS_END_KILLED);
	assert_non_null(strstr(host_log(), "made: killed"));
}

// Another hart may end it in the middle of a call that gives it something.
static void it_stays_whole_during_a_call(void **state)
{
	handle_t handle = make("made");
	struct process *process = process_of(handle);

	(void)state;
	assert_int_equal(process_build_begin(process), 0);
	assert_int_equal(begin(handle, HANDLE_NONE), ERR_BAD_STATE);
	assert_int_equal(CALL_1(process_kill, handle), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(info_of(handle).state, PROCESS_RUNNING);
	assert_non_null(process->space);
	assert_int_equal(handle_reserve(&process->handles, 1), 0);
	handle_unreserve(&process->handles, 1);
	// No further one begins.
	assert_int_equal(map(handle, HANDLE_NONE, TEXT, PROT_READ), ERR_BAD_STATE);
	process_build_end(process);
	host_run(NSEC_NEVER);
	assert_int_equal(info_of(handle).state, PROCESS_ENDED);
	assert_null(process->space);
}

static void w_and_x_exclude_each_other(void **state)
{
	handle_t folio = program();
	handle_t process = make("made");
	handle_t writable;

	(void)state;
	assert_int_equal(map(process, folio, 0x30000, PROT_READ | PROT_WRITE | PROT_EXEC),
	                 ERR_INVALID);
	assert_int_equal(map(process, folio, 0x30000, PROT_WRITE), ERR_INVALID);
	// A folio that can be written to; one that cannot be, but for its only handle.
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_CONTIGUOUS, &writable), 0);
	assert_int_equal(map(process, writable, 0x30000, PROT_READ | PROT_EXEC), ERR_ACCESS);
	assert_int_equal(map(process, writable, 0x30000, PROT_READ), ERR_ACCESS);
	assert_int_equal(map(process, writable, 0x30000, PROT_READ | PROT_WRITE), ERR_ACCESS);
	assert_int_equal(begin(process, writable), ERR_ACCESS);
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
	handle_t folio = program();
	handle_t process = make("made");

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
		assert_int_equal(CALL_3(process_start, process, &starts[i], &env), ERR_RANGE);
	assert_int_equal(CALL_3(process_start, process, &starts[0], NULL), ERR_ADDRESS);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

static void symbols_are_checked(void **state)
{
	handle_t folio = program();
	handle_t process = make("made");
	struct process_start start = { .entry = TEXT, .symbols = folio };

	(void)state;
	start.symbols_offset = 4;
	assert_int_equal(CALL_3(process_start, process, &start, &env), ERR_INVALID);
	start.symbols_offset = 3 * PAGE_SIZE;
	assert_int_equal(CALL_3(process_start, process, &start, &env), ERR_RANGE);
	start.symbols_offset = PAGE_SIZE;
	start.symbols_size = UINT64_MAX;
	assert_int_equal(CALL_3(process_start, process, &start, &env), ERR_RANGE);
	start.symbols_size = PAGE_SIZE;
	assert_int_equal(CALL_3(process_start, process, &start, &env), 0);
	assert_int_equal(CALL_1(handle_close, folio), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(info_of(process).status, 9);
}

static void names_and_limits_are_checked(void **state)
{
	static const char *const wrong[] = { "", "a b", "a\n", "\x80" };
	struct process_options options = { .name = "small", .kernel_limit = 100 };
	handle_t process = make("made");
	handle_t other;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(create(wrong[i], &other), ERR_INVALID);
	assert_int_equal(create("made", &other), ERR_EXISTS);
	assert_int_equal(create("kernel", &other), ERR_EXISTS);
	assert_int_equal(CALL_3(process_create, holder, &options, &other), ERR_LIMIT);
	options.kernel_limit = 0;
	options.thread_limit = PROCESS_MAX_THREADS + 1;
	assert_int_equal(CALL_3(process_create, holder, &options, &other), ERR_INVALID);
	memset(options.name, 'x', sizeof(options.name));
	options.thread_limit = 1;
	assert_int_equal(CALL_3(process_create, holder, &options, &other), ERR_INVALID);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
	// The name is free again, though the handle is open.
	process = make("made");
	assert_int_equal(CALL_1(process_kill, process), 0);
}

static void handles_move_into_it(void **state)
{
	handle_t process = make("made");
	handle_t ends[2];
	handle_t poll;
	handle_t given = HANDLE_NONE;
	struct message m = test_message(5, HANDLE_NONE);

	(void)state;
	assert_int_equal(CALL_1(channel_create, ends), 0);
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, ends[0], READY_READABLE, 1), 0);
	assert_int_equal(CALL_3(process_grant, process, ends[0], 64), ERR_ADDRESS);
	assert_int_equal(CALL_3(process_grant, process, ends[0], &given), 0);
	assert_int_not_equal(given, HANDLE_NONE);
	assert_int_equal(CALL_1(handle_close, ends[0]), ERR_BAD_HANDLE);
	assert_int_equal(CALL_2(channel_send, ends[1], &m), 0);
	assert_int_equal(test_ready(poll, 1), 0);
	assert_int_equal(CALL_3(process_grant, process, ends[0], &given), ERR_BAD_HANDLE);
	assert_int_equal(CALL_3(handle_duplicate, ends[1], RIGHT_WRITE, &ends[0]), 0);
	assert_int_equal(CALL_3(process_grant, process, ends[0], &given), ERR_ACCESS);
	assert_int_equal(CALL_1(handle_close, ends[0]), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(CALL_2(channel_send, ends[1], &m), ERR_PEER_CLOSED);
}

static void it_provides(void **state)
{
	handle_t process = make("made");
	handle_t connector;
	handle_t weak;
	handle_t given;
	handle_t client;

	(void)state;
	assert_int_equal(CALL_4(service_create, holder, "made", 0, &connector), ERR_INVALID);
	assert_int_equal(CALL_4(service_create, holder, "made", 4, &connector), 0);
	assert_int_equal(CALL_2(service_connect, connector, &client), ERR_NOT_READY);
	assert_int_equal(CALL_3(handle_duplicate, connector, RIGHT_READ, &weak), 0);
	assert_int_equal(CALL_3(service_provide, weak, process, &given), ERR_ACCESS);
	assert_int_equal(CALL_3(service_provide, connector, process, &given), 0);
	assert_int_equal(CALL_3(service_provide, connector, process, &given), ERR_BAD_STATE);
	assert_int_equal(CALL_2(service_connect, weak, &client), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(CALL_2(service_connect, weak, &client), ERR_NOT_READY);
	// Another one takes it over.
	process = make("made");
	assert_int_equal(CALL_3(service_provide, connector, process, &given), 0);
	assert_int_equal(CALL_1(handle_close, connector), 0);
	assert_int_equal(CALL_1(handle_close, weak), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

static void it_needs_the_right(void **state)
{
	struct process_options options = { .name = "made" };
	handle_t process = make("mine");
	handle_t weak;
	handle_t out = 0;

	(void)state;
	assert_int_equal(CALL_3(process_create, process, &options, &out), ERR_WRONG_TYPE);
	assert_int_equal(CALL_3(process_create, 77, &options, &out), ERR_BAD_HANDLE);
	assert_int_equal(CALL_3(handle_duplicate, holder, RIGHT_READ, &weak), 0);
	assert_int_equal(CALL_3(process_create, weak, &options, &out), ERR_ACCESS);
	assert_int_equal(CALL_4(service_create, weak, "made", 4, &out), ERR_ACCESS);
	assert_int_equal(CALL_3(launcher_keep, weak, 0, HANDLE_NONE), ERR_ACCESS);
	assert_int_equal(CALL_4(launcher_connector, weak, "nobody", 6, &out), ERR_NOT_FOUND);
	assert_int_equal(CALL_3(handle_duplicate, process, RIGHT_READ, &weak), 0);
	assert_int_equal(map(weak, HANDLE_NONE, TEXT, PROT_READ), ERR_ACCESS);
	assert_int_equal(begin(weak, HANDLE_NONE), ERR_ACCESS);
	assert_int_equal(CALL_3(process_grant, weak, holder, &out), ERR_ACCESS);
	// The right itself stays where it is.
	assert_int_equal(CALL_3(process_grant, process, holder, &out), ERR_ACCESS);
	assert_int_equal(CALL_1(process_kill, process), 0);
	assert_int_equal(out, 0);
}

static void what_is_not_started_ends_with_the_holder(void **state)
{
	handle_t unstarted = make("unstarted");
	handle_t started = make("started");
	handle_t given;

	(void)state;
	// That it has a handle to itself does not keep it.
	assert_int_equal(CALL_3(handle_duplicate, unstarted, RIGHTS_SAME, &given), 0);
	assert_int_equal(CALL_3(process_grant, unstarted, given, &given), 0);
	// And with its own last handle.
	assert_int_equal(CALL_1(handle_close, make("unnamed")), 0);
	host_run(arch_clock_now());
	assert_false(process_name_is_taken("unnamed"));
	host_program = waits;
	assert_int_equal(begin(started, HANDLE_NONE), 0);
	assert_int_equal(CALL_1(handle_close, holder), 0);
	host_run(arch_clock_now());
	assert_int_equal(info_of(unstarted).state, PROCESS_ENDED);
	assert_int_equal(info_of(started).state, PROCESS_RUNNING);
	assert_int_equal(CALL_1(process_kill, started), 0);
}

static void what_is_kept_is_found_again(void **state)
{
	handle_t process = make("made");
	handle_t folio = program();
	handle_t found;

	(void)state;
	assert_int_equal(CALL_3(launcher_kept, holder, 1, &found), ERR_NOT_FOUND);
	assert_int_equal(CALL_3(launcher_kept, holder, LAUNCHER_MAX_KEPT, &found), ERR_RANGE);
	assert_int_equal(CALL_3(launcher_keep, holder, LAUNCHER_MAX_KEPT, folio), ERR_RANGE);
	assert_int_equal(CALL_3(launcher_keep, holder, 1, holder), ERR_WRONG_TYPE);
	host_program = waits;
	assert_int_equal(begin(process, HANDLE_NONE), 0);
	assert_int_equal(CALL_3(launcher_keep, holder, 1, process), 0);
	assert_int_equal(CALL_3(launcher_keep, holder, 2, folio), 0);
	// The app ends, and comes again.
	test_limits(64, 1 << 20);
	hold_launcher();
	assert_int_equal(CALL_3(launcher_kept, holder, 1, &process), 0);
	assert_int_equal(info_of(process).state, PROCESS_RUNNING);
	assert_int_equal(CALL_1(process_kill, process), 0);
	assert_int_equal(CALL_3(launcher_kept, holder, 2, &found), 0);
	assert_int_equal(CALL_3(launcher_keep, holder, 2, found), 0);
	assert_int_equal(CALL_3(launcher_keep, holder, 1, HANDLE_NONE), 0);
	assert_int_equal(CALL_3(launcher_keep, holder, 2, HANDLE_NONE), 0);
	assert_int_equal(CALL_3(launcher_kept, holder, 2, &found), ERR_NOT_FOUND);
}

// Each handle that is found is one more.
static void a_folio_that_is_kept_is_read_only(void **state)
{
	handle_t process = make("made");
	handle_t folio;
	handle_t found;
	handle_t again;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(CALL_3(folio_create, PAGE_SIZE, FOLIO_CONTIGUOUS, &folio), 0);
	assert_int_equal(CALL_3(folio_map, folio, PROT_READ | PROT_WRITE, &bytes), 0);
	assert_int_equal(CALL_3(launcher_keep, holder, 1, folio), 0);
	assert_int_equal(CALL_3(launcher_kept, holder, 1, &found), 0);
	assert_int_equal(CALL_3(launcher_kept, holder, 1, &again), 0);
	assert_int_equal(CALL_3(folio_map, found, PROT_READ | PROT_WRITE, &bytes), ERR_ACCESS);
	assert_int_equal(CALL_3(folio_map, again, PROT_READ | PROT_WRITE, &bytes), ERR_ACCESS);
	assert_int_equal(CALL_3(folio_map, found, PROT_READ, &bytes), 0);
	assert_int_equal(map(process, again, 0x30000, PROT_READ | PROT_EXEC), 0);
	assert_int_equal(CALL_3(launcher_keep, holder, 1, HANDLE_NONE), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
}

// Whatever allocation fails, the call says so and leaves nothing.
static void memory_may_run_out(void **state)
{
	handle_t folio = program();
	handle_t process = HANDLE_NONE;
	handle_t connector;
	handle_t given;
	error_t error;
	unsigned n;

	(void)state;
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = create("made", &process);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	assert_true(n > 4);
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = map(process, folio, TEXT, PROT_READ | PROT_EXEC);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = map(process, folio, DATA, PROT_READ | PROT_WRITE);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = CALL_4(service_create, holder, "made", 4, &connector);
	}
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = CALL_3(service_provide, connector, process, &given);
	}
	for (n = 1, error = ERR_NO_MEMORY; error != 0; n++) {
		host_fail_kmalloc(n);
		error = begin(process, folio);
		assert_true(error == 0 || error == ERR_NO_MEMORY);
	}
	host_fail_kmalloc(0);
	host_run(NSEC_NEVER);
	assert_int_equal(info_of(process).status, 9);
}

static void there_are_so_many(void **state)
{
	struct process_options options = { .memory_limit = 1 << 20 };
	static handle_t processes[LAUNCHER_MAX_PROCESSES + 1];
	uint32_t n = 0;
	error_t error = 0;

	(void)state;
	test_limits(2000, 64 << 20);
	hold_launcher();
	while (error == 0 && n <= LAUNCHER_MAX_PROCESSES) {
		fmt_write(options.name, sizeof(options.name), "made.%u", n);
		error = CALL_3(process_create, holder, &options, &processes[n]);
		n += error == 0 ? 1 : 0;
	}
	assert_int_equal(error, ERR_LIMIT);
	assert_int_equal(n, LAUNCHER_MAX_PROCESSES);
	assert_int_equal(CALL_1(process_kill, processes[7]), 0);
	host_run(NSEC_NEVER);
	assert_int_equal(create("made.again", &processes[7]), 0);
	assert_int_equal(CALL_1(handle_close, holder), 0);
	host_run(NSEC_NEVER);
}

int test_launchers(void)
{
	const struct CMUnitTest tests[] = {
		launcher_test_case(it_sees_its_parts),
		launcher_test_case(it_waits_and_is_killed),
		launcher_test_case(it_stays_whole_during_a_call),
		launcher_test_case(w_and_x_exclude_each_other),
		launcher_test_case(addresses_are_checked),
		launcher_test_case(symbols_are_checked),
		launcher_test_case(names_and_limits_are_checked),
		launcher_test_case(handles_move_into_it),
		launcher_test_case(it_provides),
		launcher_test_case(it_needs_the_right),
		launcher_test_case(what_is_not_started_ends_with_the_holder),
		launcher_test_case(what_is_kept_is_found_again),
		launcher_test_case(a_folio_that_is_kept_is_read_only),
		launcher_test_case(memory_may_run_out),
		launcher_test_case(there_are_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
