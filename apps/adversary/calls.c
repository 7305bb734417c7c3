// SPDX-License-Identifier: MIT
//
// Calls with pointers to what the app may not read or write.
#include "apps/adversary/adversary.h"
#include "libs/abi/syscall.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"

#define ERR_LAST (-80)  // no error number is less
#define NUM_BYTES 64

static const uint8_t constant[NUM_BYTES] __attribute__((aligned(8))) = { 1 };
static volatile uint64_t racing;  // the address of a page that comes and goes

error_t starina_call(uint64_t number, const uint64_t args[6]);
__asm__(".text\n"
        "starina_call:\n"
        "	mv	a7, a0\n"
        "	mv	t0, a1\n"
        "	ld	a0, 0(t0)\n"
        "	ld	a1, 8(t0)\n"
        "	ld	a2, 16(t0)\n"
        "	ld	a3, 24(t0)\n"
        "	ld	a4, 32(t0)\n"
        "	ld	a5, 40(t0)\n"
        "	tail	starina_syscall\n");

static struct handles {
	handle_t channel[2];
	handle_t poll;
	handle_t event;
	handle_t timer;
	handle_t folio;
	void *at;
	handle_t launcher;
	handle_t process;  // made, not started
	handle_t connector;
} own;

static void make_handles(const struct environ *env)
{
	static const struct process_options options = { .name = "adversary.made" };

	own.launcher = environ_launcher(env);
	check(process_create(own.launcher, &options, &own.process) == 0);
	check(service_create(own.launcher, "made", 4, &own.connector) == 0);
	check(channel_create(own.channel) == 0);
	check(poll_create(&own.poll) == 0);
	check(event_create(&own.event) == 0);
	check(timer_create(&own.timer) == 0);
	check(poll_add(own.poll, own.event, READY_READABLE, 1) == 0);
	check(event_signal(own.event, 1) == 0);
	own.folio = make_folio(PAGE_SIZE, 0, &own.at);
}

// A place that may not be read.
static void try_in(uint64_t address)
{
	const void *bad = (const void *)(uintptr_t)address;
	struct process_runtime runtime;
	handle_t folio;

	check(channel_send(own.channel[0], bad) == ERR_ADDRESS);
	check(log_write(LOG_INFO, bad, NUM_BYTES) == ERR_ADDRESS);
	check(folio_create_with(bad, NUM_BYTES, &folio) == ERR_ADDRESS);
	check(process_create(own.launcher, bad, &folio) == ERR_ADDRESS);
	check(process_map(own.process, bad) == ERR_ADDRESS);
	check(process_map_runtime(own.process, bad, 16, &runtime) == ERR_ADDRESS);
	check(process_start(own.process, bad, bad) == ERR_ADDRESS);
	check(service_create(own.launcher, bad, 16, &folio) == ERR_ADDRESS);
	check(launcher_connector(own.launcher, bad, 16, &folio) == ERR_ADDRESS);
}

// A place that may not be written. What was to be taken along is still there.
static void try_out(uint64_t address)
{
	void *bad = (void *)(uintptr_t)address;
	struct poll_event event;
	struct message m;
	size_t n;

	check(random_get(bad, NUM_BYTES) == ERR_ADDRESS);
	check(channel_create(bad) == ERR_ADDRESS);
	check(event_create(bad) == ERR_ADDRESS);
	check(timer_create(bad) == ERR_ADDRESS);
	check(poll_create(bad) == ERR_ADDRESS);
	check(folio_create(PAGE_SIZE, 0, bad) == ERR_ADDRESS);
	check(folio_create_with(constant, NUM_BYTES, bad) == ERR_ADDRESS);
	check(folio_map(own.folio, PROT_READ, bad) == ERR_ADDRESS);
	check(folio_info(own.folio, bad) == ERR_ADDRESS);
	check(handle_duplicate(own.event, RIGHTS_SAME, bad) == ERR_ADDRESS);
	check(clock_get(CLOCK_MONOTONIC, bad) == ERR_ADDRESS);
	check(event_take(own.event, bad) == ERR_ADDRESS);
	check(poll_wait(own.poll, bad, 1, 0, &n) == ERR_ADDRESS);
	check(poll_wait(own.poll, &event, 1, 0, bad) == ERR_ADDRESS);
	check(poll_recv(own.poll, bad, 1, 0, &n, &m) == ERR_ADDRESS);
	check(process_grant(own.process, own.event, bad) == ERR_ADDRESS);
	check(service_provide(own.connector, own.process, bad) == ERR_ADDRESS);
	check(service_create(own.launcher, "other", 5, bad) == ERR_ADDRESS);
	message_init(&m, 77);
	m.len = NUM_BYTES;
	check(channel_send(own.channel[0], &m) == 0);
	check(channel_recv(own.channel[1], bad) == ERR_ADDRESS);
	check(channel_recv(own.channel[1], &m) == 0 && m.type == 77);
}

// The end of memory, so that the last byte of a place is not there, and pages that come and go.
static void try_edges(void)
{
	static struct message m;
	const uint64_t end = (uintptr_t)own.at + PAGE_SIZE;

	for (uint64_t room = 0; room < sizeof(handle_t); room++)
		try_out(end - room);
	try_in(end - 8);
	memset(own.at, 0xff, PAGE_SIZE);
	check(channel_send(own.channel[0], (const void *)(uintptr_t)(end - 24)) != 0);
	message_init(&m, 1);
	m.len = MESSAGE_MAX_DATA;
	memcpy((uint8_t *)own.at + PAGE_SIZE - NUM_BYTES, &m, NUM_BYTES);
	check(channel_send(own.channel[0], (const void *)(uintptr_t)(end - NUM_BYTES)) ==
	      ERR_ADDRESS);
	check(channel_recv(own.channel[1], &m) == ERR_EMPTY);
	// What may be read, but not written.
	try_out((uintptr_t)constant);
	try_out((uintptr_t)deed_calls & ~7ul);
	check(random_get(own.at, 4097) != 0 && random_get(own.at, SIZE_MAX) != 0);
	check(random_get((void *)(UINTPTR_MAX - 7), 64) == ERR_ADDRESS);
	check(log_write(LOG_INFO, (const char *)UINTPTR_MAX, SIZE_MAX) == ERR_ADDRESS);
}

static void map_and_unmap(void *arg)
{
	void *at;

	(void)arg;
	for (;;) {
		handle_t folio = make_folio(PAGE_SIZE, 0, &at);

		racing = (uintptr_t)at + PAGE_SIZE - NUM_BYTES;
		// An unmap makes other harts fence, which takes long in an emulator.
		for (uint32_t i = 0; i < 50; i++)
			thread_yield();
		check(handle_close(folio) == 0);
	}
}

// What is kept outlives the app, and would be taken for a leak.
static bool is_left_out(uint64_t number)
{
	return number == SYSCALL_NR_thread_exit || number == SYSCALL_NR_process_exit ||
		number == SYSCALL_NR_thread_create || number == SYSCALL_NR_log_write ||
		number == SYSCALL_NR_launcher_keep;
}

// All numbers with `address` in one place after the other, what is valid in the others.
static void try_all(const struct deed *deed)
{
	const uint64_t valid[] = { (uint64_t)own.channel[0],
		                   (uint64_t)own.poll,
		                   (uint64_t)own.timer,
		                   (uint64_t)own.folio,
		                   (uint64_t)own.event,
		                   (uint64_t)own.launcher,
		                   (uint64_t)own.process,
		                   (uint64_t)own.connector,
		                   (uintptr_t)own.at,
		                   1,
		                   64,
		                   0,
		                   UINT64_MAX };
	const uint64_t count = sizeof(valid) / sizeof(valid[0]);
	handle_t folio = own.folio;
	uint64_t args[6];

	check(thread_create(map_and_unmap, NULL, 0, NULL) == 0);
	for (uint64_t n = 0; n < deed->rounds; n++) {
		uint64_t number = n % (SYSCALL_MAX + 1);
		uint64_t bad = n / 3 % 4 == 0 ? racing : deed->address;
		error_t error;

		if (is_left_out(number))
			continue;
		for (uint64_t i = 0; i < 6; i++)
			args[i] = valid[(n / SYSCALL_MAX * 7 + n / 64 * i + i) % count];
		args[0] = n % 2 == 0 ? valid[n / SYSCALL_MAX % 8] : args[0];
		args[n / 7 % 6] = bad;
		// Deadlines that are over.
		if (number == SYSCALL_NR_poll_wait || number == SYSCALL_NR_poll_recv)
			args[3] = n % 2;
		if (number == SYSCALL_NR_handle_close)
			args[0] = bad;
		error = starina_call(number, args);
		check(error <= 0 && error >= ERR_LAST);
	}
	check(handle_close(folio) == 0 || true);
}

void deed_calls(const struct deed *deed)
{
	make_handles(deed->env);
	if (deed->deed == ADVERSARY_POINTERS) {
		try_in(deed->address);
		try_out(deed->address);
	} else if (deed->deed == ADVERSARY_EDGES) {
		try_edges();
	} else {
		try_all(deed);
	}
	process_exit(ADVERSARY_DONE);
}
