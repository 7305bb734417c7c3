// SPDX-License-Identifier: MIT
#include "apps/autotest/kernel/launch.h"
#include "libs/base/string.h"

static void process_runs(struct autotest *t)
{
	struct system_info before = test_system_info(t);
	struct process_info info;

	for (int i = 0; i < 100; i++) {
		info = launch_end(t, launch(t, "made", program_exits));
		expect(t, info.state == PROCESS_ENDED && info.end == PROCESS_END_EXIT);
		expect(t, info.status == 77 && strcmp(info.name, "made") == 0);
	}
	expect(t, test_settles(t, &before));
}

static void faults_end_it(struct autotest *t)
{
	static const uint32_t *const programs[] = { program_faults, program_writes_text,
		                                    program_runs_data };

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		expect(t, launch_end(t, launch(t, "faulty", programs[i])).end == PROCESS_END_FAULT);
}

static void it_can_be_killed(struct autotest *t)
{
	handle_t folio = launch_folio(t, program_waits);
	handle_t process = launch(t, "waiting", program_waits);
	struct process_info info = { 0 };
	nsec_t deadline = test_deadline();

	do {
		thread_yield();
		expect(t, process_info(process, &info) == 0);
	} while (info.waiting == 0 && test_now() < deadline);
	expect(t, info.waiting == 1 && info.threads == 1 && info.state == PROCESS_RUNNING);
	expect(t, process_kill(process) == 0);
	expect(t, launch_end(t, process).end == PROCESS_END_KILLED);
	// Before it was started, too.
	process = launch_make(t, "waiting", folio);
	expect(t, process_kill(process) == 0);
	expect(t, launch_start(process) == ERR_BAD_STATE);
	expect(t, launch_end(t, process).end == PROCESS_END_KILLED);
	handle_close(folio);
}

static void many_run_at_once(struct autotest *t)
{
	static handle_t processes[256];
	struct system_info before = test_system_info(t);
	handle_t folio = launch_folio(t, program_waits);
	struct system_info now;
	char name[APP_NAME_MAX];

	for (size_t i = 0; i < 256; i++) {
		fmt_write(name, sizeof(name), "many.%zu", i);
		processes[i] = launch_make(t, name, folio);
		expect(t, launch_start(processes[i]) == 0);
	}
	now = test_system_info(t);
	expect(t, now.num_processes == before.num_processes + 256);
	log_info("256 processes take %llu KiB",
	         (unsigned long long)(before.free_pages - now.free_pages) * 4);
	for (size_t i = 0; i < 256; i++)
		expect(t, process_kill(processes[i]) == 0);
	for (size_t i = 0; i < 256; i++)
		launch_end(t, processes[i]);
	handle_close(folio);
	expect(t, test_settles(t, &before));
}

// --- What is refused ---

static error_t try_map(handle_t process, const struct process_segment *base, uint64_t address,
                       uint64_t size, uint64_t offset, uint32_t prot)
{
	struct process_segment segment = *base;

	segment.address = address;
	segment.size = size;
	segment.length = (prot & PROT_WRITE) != 0 ? 0 : size;
	segment.offset = offset;
	segment.prot = prot;
	return process_map(process, &segment);
}

static void bad_segments_are_refused(struct autotest *t)
{
	handle_t folio = launch_folio(t, program_exits);
	handle_t process = launch_make(t, "wrong", folio);
	const struct process_segment base = { .folio = folio };
	const uint32_t rx = PROT_READ | PROT_EXEC;
	const uint32_t rw = PROT_READ | PROT_WRITE;
	const uint64_t page = PAGE_SIZE;

	// Writable and executable, neither, not readable, unknown.
	expect(t, try_map(process, &base, 0x40000, page, 0, rx | PROT_WRITE) == ERR_INVALID);
	expect(t, try_map(process, &base, 0x40000, page, 0, 0) == ERR_INVALID);
	expect(t, try_map(process, &base, 0x40000, page, 0, PROT_EXEC) == ERR_INVALID);
	expect(t, try_map(process, &base, 0x40000, page, 0, 0xffffffff) == ERR_INVALID);
	// Not whole pages; nothing.
	expect(t, try_map(process, &base, 0x40001, page, 0, rx) == ERR_INVALID);
	expect(t, try_map(process, &base, 0x40000, page, 8, rx) == ERR_INVALID);
	expect(t, try_map(process, &base, 0x40000, 100, 0, rx) == ERR_INVALID);
	expect(t, try_map(process, &base, 0x40000, 0, 0, rx) == ERR_INVALID);
	// Over others: text, data, around all.
	expect(t, try_map(process, &base, PROGRAM_TEXT, page, 0, rx) == ERR_EXISTS);
	expect(t, try_map(process, &base, PROGRAM_DATA, page, 0, rw) == ERR_EXISTS);
	expect(t, try_map(process, &base, PROGRAM_DATA - page, 3 * page, 0, rw) == ERR_EXISTS);
	// The first page, the kernel's choice, the kernel's half, around the end.
	expect(t, try_map(process, &base, 0, page, 0, rw) == ERR_RANGE);
	expect(t, try_map(process, &base, PROCESS_SEGMENTS_END, page, 0, rx) == ERR_RANGE);
	expect(t,
	       try_map(process, &base, PROCESS_SEGMENTS_END - page, 2 * page, 0, rx) == ERR_RANGE);
	expect(t, try_map(process, &base, 0xffffffff80200000, page, 0, rx) == ERR_RANGE);
	expect(t, try_map(process, &base, 0xffffffc000000000, page, 0, rw) == ERR_RANGE);
	expect(t, try_map(process, &base, 0 - page, page, 0, rx) == ERR_RANGE);
	expect(t, try_map(process, &base, 0x40000, 0 - page, 0, rx) == ERR_RANGE);
	// Beyond the folio, wrapped; beyond the limit.
	expect(t, try_map(process, &base, 0x40000, 3 * page, 0, rx) == ERR_RANGE);
	expect(t, try_map(process, &base, 0x40000, page, 2 * page, rx) == ERR_RANGE);
	expect(t, try_map(process, &base, 0x40000, page, 0 - page, rx) == ERR_RANGE);
	expect(t, try_map(process, &base, 0x40000, 2 << 20, 0, rw) == ERR_LIMIT);
	expect(t, try_map(process, &base, 0x40000, 0 - page, 0, rw) == ERR_TOO_LARGE);
	expect(t, process_kill(process) == 0);
	launch_end(t, process);
	handle_close(folio);
}

static void bad_folios_are_refused(struct autotest *t)
{
	handle_t good = launch_folio(t, program_exits);
	handle_t process = launch_make(t, "wrong", good);
	struct process_segment segment = { .address = 0x40000,
		                           .size = PAGE_SIZE,
		                           .length = PAGE_SIZE,
		                           .prot = PROT_READ | PROT_EXEC };
	handle_t other = HANDLE_NONE;

	// None; one that its owner can write to; a lazy one; no folio at all.
	expect(t, process_map(process, &segment) == ERR_BAD_HANDLE);
	expect(t, folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &segment.folio) == 0);
	expect(t, process_map(process, &segment) == ERR_ACCESS);
	handle_close(segment.folio);
	expect(t, folio_create(PAGE_SIZE, FOLIO_LAZY, &segment.folio) == 0);
	expect(t, process_map(process, &segment) == ERR_NOT_SUPPORTED);
	handle_close(segment.folio);
	segment.folio = process;
	expect(t, process_map(process, &segment) == ERR_WRONG_TYPE);
	// Without the right to map it, or to fill the process.
	expect(t, handle_duplicate(good, RIGHT_READ, &segment.folio) == 0);
	expect(t, process_map(process, &segment) == ERR_ACCESS);
	handle_close(segment.folio);
	segment.folio = good;
	expect(t, handle_duplicate(process, RIGHT_READ, &other) == 0);
	expect(t, process_map(other, &segment) == ERR_ACCESS);
	expect(t, launch_start(other) == ERR_ACCESS);
	handle_close(other);
	// A process that is no launcher's, or runs.
	expect(t, system_find_process(t->system, "echo", 4, &other) == 0);
	expect(t, process_map(other, &segment) == ERR_BAD_STATE);
	expect(t, launch_start(other) == ERR_BAD_STATE);
	handle_close(other);
	expect(t, launch_start(process) == 0);
	expect(t, process_map(process, &segment) == ERR_BAD_STATE);
	expect(t, launch_start(process) == ERR_BAD_STATE);
	expect(t, launch_end(t, process).status == 77);
	handle_close(good);
}

static void bad_options_are_refused(struct autotest *t)
{
	static const char *const names[] = { "", "echo", "a b", "tab\t", "taken" };
	struct process_options options = { 0 };
	handle_t launcher = environ_launcher(t->env);
	handle_t folio = launch_folio(t, program_waits);
	handle_t taken = launch_make(t, "taken", folio);
	handle_t process = HANDLE_NONE;
	handle_t weak = HANDLE_NONE;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		error_t error;

		str_copy(options.name, names[i], sizeof(options.name));
		error = process_create(launcher, &options, &process);
		expect(t, error == (i == 1 || i == 4 ? ERR_EXISTS : ERR_INVALID));
	}
	memset(options.name, 'x', sizeof(options.name));
	expect(t, process_create(launcher, &options, &process) == ERR_INVALID);
	str_copy(options.name, "fine", sizeof(options.name));
	options.thread_limit = PROCESS_MAX_THREADS + 1;
	expect(t, process_create(launcher, &options, &process) == ERR_INVALID);
	options.thread_limit = 0;
	options.kernel_limit = 4096;
	expect(t, process_create(launcher, &options, &process) == ERR_LIMIT);
	options.kernel_limit = 0;
	// Without the right.
	expect(t, process_create(t->system, &options, &process) == ERR_WRONG_TYPE);
	expect(t, handle_duplicate(launcher, RIGHT_READ, &weak) == 0);
	expect(t, process_create(weak, &options, &process) == ERR_ACCESS);
	expect(t, launcher_keep(weak, 0, HANDLE_NONE) == ERR_ACCESS);
	expect(t, service_create(weak, "made", 4, &process) == ERR_ACCESS);
	handle_close(weak);
	expect(t, process == HANDLE_NONE);
	expect(t, process_kill(taken) == 0);
	launch_end(t, taken);
	handle_close(folio);
}

// --- Services, and what is kept ---

static void it_provides(struct autotest *t)
{
	handle_t launcher = environ_launcher(t->env);
	handle_t folio = launch_folio(t, program_answers);
	handle_t connector = HANDLE_NONE;
	handle_t client = HANDLE_NONE;
	handle_t given = HANDLE_NONE;

	expect(t, service_create(launcher, "echo", 4, &connector) == ERR_EXISTS);
	expect(t, service_create(launcher, "", 0, &connector) == ERR_INVALID);
	expect(t, service_create(launcher, "made", 4, &connector) == 0);
	for (int i = 0; i < 20; i++) {
		handle_t process = launch_make(t, "provider", folio);

		expect(t, service_connect(connector, &client) == ERR_NOT_READY);
		expect(t, service_provide(connector, process, &given) == 0);
		expect(t, given == 0x10001);
		expect(t, service_provide(connector, process, &given) == ERR_BAD_STATE);
		expect(t, service_connect(connector, &client) == 0);
		expect(t, launch_start(process) == 0);
		expect(t, launch_end(t, process).status == 5);
		expect(t, handle_wait(client, READY_CLOSED, test_deadline()) == 0);
		handle_close(client);
	}
	handle_close(connector);
	handle_close(folio);
	expect(t, launcher_connector(launcher, "echo", 4, &connector) == 0);
	expect(t, service_connect(connector, &client) == 0);
	handle_close(client);
	handle_close(connector);
	expect(t, launcher_connector(launcher, "made", 4, &connector) == ERR_NOT_FOUND);
}

static void things_are_given(struct autotest *t)
{
	handle_t folio = launch_folio(t, program_answers);
	handle_t process = launch_make(t, "given", folio);
	handle_t ends[2] = { 0 };
	handle_t given = HANDLE_NONE;
	struct message m;

	expect(t, channel_create(ends) == 0);
	message_init(&m, MSG_END);
	expect(t, process_grant(process, ends[0], &given) == 0);
	expect(t, given == 0x10001);
	expect(t, channel_send(ends[0], &m) == ERR_BAD_HANDLE);
	expect(t, channel_send(ends[1], &m) == 0);
	expect(t, process_grant(process, ends[0], &given) == ERR_BAD_HANDLE);
	expect(t, process_kill(process) == 0);
	launch_end(t, process);
	// With the process its handles are gone.
	expect(t, handle_wait(ends[1], READY_CLOSED, test_deadline()) == 0);
	handle_close(ends[1]);
	handle_close(folio);
}

static void things_are_kept(struct autotest *t)
{
	handle_t launcher = environ_launcher(t->env);
	handle_t folio = launch_folio(t, program_exits);
	handle_t event = HANDLE_NONE;
	handle_t copy = HANDLE_NONE;

	expect(t, launcher_kept(launcher, 0, &copy) == ERR_NOT_FOUND);
	expect(t, launcher_kept(launcher, LAUNCHER_MAX_KEPT, &copy) == ERR_RANGE);
	expect(t, launcher_keep(launcher, LAUNCHER_MAX_KEPT, folio) == ERR_RANGE);
	expect(t, event_create(&event) == 0);
	expect(t, launcher_keep(launcher, 0, event) == ERR_WRONG_TYPE);
	handle_close(event);
	expect(t, launcher_keep(launcher, LAUNCHER_MAX_KEPT - 1, folio) == 0);
	expect(t, handle_close(folio) == ERR_BAD_HANDLE);
	expect(t, launcher_kept(launcher, LAUNCHER_MAX_KEPT - 1, &copy) == 0);
	expect(t, launcher_keep(launcher, LAUNCHER_MAX_KEPT - 1, HANDLE_NONE) == 0);
	expect(t, launcher_kept(launcher, LAUNCHER_MAX_KEPT - 1, &folio) == ERR_NOT_FOUND);
	expect(t, launch_end(t, launch(t, "kept", program_exits)).status == 77);
	handle_close(copy);
}

const struct test launch_tests[] = {
	{ "a process that was made runs and ends", process_runs },
	{ "faults end a process that was made", faults_end_it },
	{ "a process that was made can be killed", it_can_be_killed },
	{ "256 processes are made and run at once", many_run_at_once },
	{ "bad segments of a process are refused", bad_segments_are_refused },
	{ "bad folios for a process are refused", bad_folios_are_refused },
	{ "bad options of a process are refused", bad_options_are_refused },
	{ "a process that was made provides a service", it_provides },
	{ "a process that was made is given handles", things_are_given },
	{ "a launcher keeps things", things_are_kept },
	{ 0 },
};
