// SPDX-License-Identifier: MIT
#include "libs/call_fuzz/caller.h"

#include "libs/abi/syscall.h"
#include "libs/base/string.h"
#include "libs/call_fuzz/call_fuzz.h"
#include "libs/call_fuzz/guest.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define MAX_THREADS 24
#define KERNEL_TEXT 0xffffffff80200000ul
#define EDGE_BYTES (BLOCK_SIZE + 3 * PAGE_SIZE)
#define CODE_BYTES (4 * PAGE_SIZE)
#define STEPS_A_REPORT 64u
#define STEPS_A_THREAD 20000u
#define CALLER_MAX_CALLS 400000u

static struct call_fuzz process;
static struct call_fuzz_thread threads[MAX_THREADS];
static uint64_t sources[MAX_THREADS];
static uint32_t thread_used[MAX_THREADS];
static uint64_t seed;
static uint64_t calls;
static uint32_t driver_id;  // of the process of syscall_fuzz, which nobody may kill
static const uint8_t constant[PAGE_SIZE] = { 0 };
static const char *const app_names[] = { "fuzz_caller_a",
	                                 "fuzz_caller_b",
	                                 "fuzz_caller_c",
	                                 "js",
	                                 "nobody",
	                                 "a name that is longer than names may be",
	                                 NULL };

error_t call_fuzz_enter(uint32_t number, uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3,
                        uintptr_t a4, uintptr_t a5);

// xorshift64*
static uint64_t choose(struct call_fuzz_thread *thread, uint64_t bound)
{
	uint64_t *x = thread->source;

	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return (*x * 0x2545f4914f6cdd1dull >> 16) % bound;
}

static error_t call(struct call_fuzz_thread *thread, uint32_t number, const uintptr_t args[6])
{
	(void)thread;
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	// Without a handle to it no call can end it.
	if (number == SYSCALL_NR_system_open_process && args[1] == driver_id)
		return ERR_NOT_FOUND;
	return call_fuzz_enter(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

static nsec_t now(void)
{
	nsec_t t;

	assert(clock_get(CLOCK_MONOTONIC, &t) == 0);
	return t;
}

// Its line is what tools/fuzz/syscalls.py looks for.
static void broken(struct call_fuzz_thread *thread, uint32_t number, const char *what)
{
	(void)thread;
	log_error("broken promise: call %u: %s", number, what);
	process_exit(1);
}

static void side_thread(void *arg)
{
	uint64_t steps;
	size_t i = 0;

	(void)arg;
	while (i < MAX_THREADS && __atomic_exchange_n(&thread_used[i], 1u, __ATOMIC_ACQUIRE) != 0)
		i++;
	if (i == MAX_THREADS)
		return;
	threads[i].may_block = true;
	steps = choose(&threads[i], STEPS_A_THREAD);
	for (uint64_t step = 0; step < steps; step++)
		call_fuzz_step(&threads[i]);
	__atomic_store_n(&thread_used[i], 0u, __ATOMIC_RELEASE);
}

static const struct call_fuzz_world world = { .choose = choose,
	                                      .call = call,
	                                      .now = now,
	                                      .entry = side_thread,
	                                      .broken = broken };

// --- What a caller begins with ---

static void pin(handle_t handle, uint32_t type)
{
	static size_t count;

	if (handle != HANDLE_NONE && count < CALL_FUZZ_PINNED)
		process.pinned[count++] = (struct call_fuzz_slot){ .handle = handle, .type = type };
}

static void pin_environment(const struct environ *env)
{
	for (uint32_t i = 0; i < env->num_entries; i++) {
		const struct env_entry *entry = &env->entries[i];

		if (entry->kind == ENV_CONNECTOR && strcmp(entry->name, "syscall_fuzz") != 0)
			pin(entry->handle, OBJECT_CONNECTOR);
		else if (entry->kind == ENV_SERVICE)
			pin(entry->handle, OBJECT_SERVICE);
		else if (entry->kind == ENV_SYSTEM)
			pin(entry->handle, OBJECT_SYSTEM);
		else if (entry->kind == ENV_LAUNCHER)
			pin(entry->handle, OBJECT_LAUNCHER);
		else if (entry->kind == ENV_LOOK)
			pin(entry->handle, OBJECT_LOOK);
		else if (entry->kind == ENV_DEVICE)
			pin(entry->interrupt, OBJECT_INTERRUPT);
	}
}

// The process that counts the calls and kills the callers. Errors: system_find_process's.
static error_t find_driver(const struct environ *env)
{
	static const char name[] = "syscall_fuzz";
	struct process_info info;
	handle_t driver;
	error_t err = system_find_process(environ_system(env), name, sizeof(name) - 1, &driver);

	if (err != 0)
		return err;
	err = process_info(driver, &info);
	driver_id = info.id;
	handle_close(driver);
	return err;
}

// Memory behind which nothing is mapped, and a guest's program. Both stay for as long as the
// process lives.
static bool make_memory(void)
{
	handle_t edge;
	handle_t code;
	void *at;

	if (folio_create(EDGE_BYTES, FOLIO_LAZY, &edge) != 0 ||
	    folio_map(edge, PROT_READ | PROT_WRITE, &at) != 0)
		return false;
	process.edge = (uintptr_t)at + EDGE_BYTES;
	process.edge_size = EDGE_BYTES;
	// The calls do not know it: a duplicate would make it read-only.
	if (folio_create(CODE_BYTES, FOLIO_CONTIGUOUS, &code) != 0 ||
	    folio_map(code, PROT_READ | PROT_WRITE, &at) != 0)
		return false;
	call_fuzz_guest(&threads[0], at, CODE_BYTES / sizeof(uint32_t));
	pin(code, OBJECT_FOLIO);
	return true;
}

// The upper half is the kernel's.
static bool is_in_user_mode(void)
{
	return ((uintptr_t)constant >> 38) == 0;
}

static bool begin(const struct environ *env, handle_t *channel)
{
	nsec_t deadline = now() + 60 * NSEC_PER_SEC;
	struct msg_fuzz_begin msg;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;

	if (service_connect_wait(environ_connector(env, "syscall_fuzz"), deadline, channel) != 0 ||
	    recv_wait(*channel, deadline, &m) != 0 ||
	    message_decode_fuzz_begin(&m, &msg, &tail, &tail_len) != 0)
		return false;
	seed = msg.seed;
	for (uint64_t i = 0; i < MAX_THREADS; i++) {
		sources[i] = (seed + i) * 0x9e3779b97f4a7c15ull | 1;
		threads[i].source = &sources[i];
		threads[i].process = &process;
	}
	thread_used[0] = 1;
	process.world = &world;
	process.read_only = (uintptr_t)constant;
	// An app in user mode may not read the kernel's text (boot/kernel.ld), one in the kernel
	// may.
	process.foreign = is_in_user_mode() ? KERNEL_TEXT : (uintptr_t)call_fuzz_main;
	process.apps = app_names;
	process.fence_rarity = (uint32_t)msg.fence_rarity;
	return true;
}

static void report(handle_t channel)
{
	static uint64_t reported;
	struct msg_fuzz_progress msg = { .calls = __atomic_load_n(&calls, __ATOMIC_RELAXED) -
		                                 reported };
	struct message m;

	if (message_encode_fuzz_progress(&m, &msg, NULL, 0) == 0 && channel_send(channel, &m) == 0)
		reported += msg.calls;
}

void call_fuzz_main(const struct environ *env)
{
	handle_t channel;

	// Killed or over a limit: the next one will do.
	if (find_driver(env) != 0 || !begin(env, &channel) || !make_memory())
		return;
	pin_environment(env);
	while (__atomic_load_n(&calls, __ATOMIC_RELAXED) < CALLER_MAX_CALLS) {
		for (uint32_t i = 0; i < STEPS_A_REPORT; i++)
			call_fuzz_step(&threads[0]);
		report(channel);
	}
	process_exit(0);
}
