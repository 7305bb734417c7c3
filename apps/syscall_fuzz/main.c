// SPDX-License-Identifier: MIT
//
// Has other apps make random system calls, ends some of them at random times, starts them again,
// and looks at the end whether all that they used was given back. Boot arguments:
// syscall_fuzz.seed=N syscall_fuzz.calls=N syscall_fuzz.fence_rarity=N. The machine goes off then,
// with 0 if all was well. tools/fuzz/syscalls.py runs it.
#include "libs/base/string.h"
#include "libs/call_fuzz/caller.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define NUM_CALLERS 3
#define MAX_CLIENTS 16
#define TICK (20 * NSEC_PER_MSEC)
// Without a call in so long there is a hang: a caller that only waits for others is killed long
// before.
#define HANG_AFTER (180 * NSEC_PER_SEC)
#define TELL_EVERY (5 * NSEC_PER_SEC)
// The callers are killed when they have been silent for so long, and then for twice that, and so
// on.
#define STUCK_AFTER (2 * NSEC_PER_SEC)
// So often one is killed at work.
#define CALLS_A_KILL 40000u
// Slabs in which little is used, page tables of addresses that were not used before.
#define PAGES_SLACK 64u

static const char *const names[NUM_CALLERS] = { "fuzz_caller_a", "fuzz_caller_b", "fuzz_caller_c" };

static struct fuzz {
	struct loop loop;
	struct service_listener listener;
	struct source callers[NUM_CALLERS];
	struct source clients[MAX_CLIENTS];
	handle_t system;
	uint64_t seed;
	uint64_t fence_rarity;
	uint64_t random;
	uint64_t calls;
	uint64_t starts;
	nsec_t last_progress;
	nsec_t last_told;
} fuzz;

static nsec_t now(void)
{
	nsec_t t;

	assert(clock_get(CLOCK_MONOTONIC, &t) == 0);
	return t;
}

static uint64_t choose(uint64_t bound)
{
	fuzz.random = fuzz.random * 6364136223846793005ull + 1442695040888963407ull;
	return (fuzz.random >> 33) % bound;
}

static _Noreturn void fail(const char *why)
{
	log_error("syscall_fuzz: %s (seed %llu, %llu calls)", why, (unsigned long long)fuzz.seed,
	          (unsigned long long)fuzz.calls);
	system_power_off(fuzz.system, 1);
	process_exit(1);
}

// --- Callers as clients ---

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct msg_fuzz_progress msg;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	(void)source;
	if (message_decode_fuzz_progress(m, &msg, &tail, &tail_len) != 0)
		return;
	fuzz.calls += msg.calls;
	fuzz.last_progress = now();
}

static void client_closed(struct loop *loop, struct source *source)
{
	loop_close(loop, source);
	source->handle = HANDLE_NONE;
}

static const struct source_ops client_ops = { .message = client_message, .closed = client_closed };

static void accepted(void *context, handle_t channel)
{
	struct msg_fuzz_begin msg = { .seed = fuzz.seed * 1000003 + fuzz.starts++,
		                      .fence_rarity = fuzz.fence_rarity };
	struct message m;

	(void)context;
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		struct source *client = &fuzz.clients[i];

		if (client->handle != HANDLE_NONE)
			continue;
		assert(loop_add(&fuzz.loop, client, channel, &client_ops, NULL) == 0);
		if (message_encode_fuzz_begin(&m, &msg, NULL, 0) == 0 &&
		    channel_send(channel, &m) != 0)
			client_closed(&fuzz.loop, client);
		return;
	}
	handle_close(channel);
}

// --- Callers as processes ---

static void caller_closed(struct loop *loop, struct source *source)
{
	loop_close(loop, source);
	source->handle = HANDLE_NONE;
}

static const struct source_ops caller_ops = { .closed = caller_closed };

// Callers start and kill each other, too.
static bool watch(size_t i)
{
	struct source *caller = &fuzz.callers[i];
	handle_t process;

	if (caller->handle != HANDLE_NONE)
		return true;
	if (system_find_process(fuzz.system, names[i], strlen(names[i]), &process) != 0)
		return false;
	assert(loop_add(&fuzz.loop, caller, process, &caller_ops, NULL) == 0);
	return true;
}

static void kill(size_t i)
{
	error_t err = watch(i) ? process_kill(fuzz.callers[i].handle) : 0;

	assert(err == 0 || err == ERR_BAD_STATE);
}

// Some are killed before they have run at all.
static void start(size_t i)
{
	handle_t process;

	// The handle is fetched by watch(): somebody else may have started it.
	if (watch(i) || system_start_app(fuzz.system, names[i], strlen(names[i]), &process) != 0)
		return;
	handle_close(process);
	if (choose(16) == 0)
		kill(i);
}

// A line now and then shows that there is no hang.
static void tell(void)
{
	if (now() - fuzz.last_told < TELL_EVERY)
		return;
	fuzz.last_told = now();
	log_info("syscall_fuzz: %llu calls so far", (unsigned long long)fuzz.calls);
}

static void turn_for(nsec_t duration)
{
	nsec_t end = now() + duration;

	tell();
	while (loop_turn(&fuzz.loop, end) == 0 && now() < end)
		;
}

static void make_calls(uint64_t until)
{
	nsec_t patience = STUCK_AFTER;
	uint64_t next_kill = 0;

	fuzz.last_progress = now();
	while (fuzz.calls < until) {
		nsec_t silent = now() - fuzz.last_progress;

		for (size_t i = 0; i < NUM_CALLERS; i++)
			start(i);
		if (fuzz.calls >= next_kill) {
			kill(choose(NUM_CALLERS));
			next_kill = fuzz.calls + choose(CALLS_A_KILL);
		}
		if (silent < STUCK_AFTER)
			patience = STUCK_AFTER;
		for (size_t i = 0; silent > patience && i < NUM_CALLERS; i++)
			kill(i);
		if (silent > patience)
			patience *= 2;
		if (silent > HANG_AFTER)
			fail("hang: no calls any more");
		turn_for(choose(TICK));
	}
}

// Until no caller is left, and none starts another.
static void end_callers(void)
{
	nsec_t deadline = now() + HANG_AFTER;
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = 0; i < NUM_CALLERS; i++) {
			any = watch(i) || any;
			kill(i);
		}
		turn_for(TICK);
		if (now() > deadline)
			fail("hang: a caller that was killed does not end");
	}
}

// --- What is left ---

static struct system_info info(void)
{
	struct system_info i;

	assert(system_info(fuzz.system, &i) == 0);
	return i;
}

static void check_settles(const struct system_info *before)
{
	nsec_t deadline = now() + HANG_AFTER;
	struct system_info after;

	do {
		turn_for(TICK);
		after = info();
		if (after.free_pages + PAGES_SLACK >= before->free_pages &&
		    after.handles <= before->handles &&
		    after.kernel_objects <= before->kernel_objects)
			return;
	} while (now() < deadline);
	log_error("free pages %llu, were %llu; handles %llu, were %llu; objects %llu, were %llu",
	          (unsigned long long)after.free_pages, (unsigned long long)before->free_pages,
	          (unsigned long long)after.handles, (unsigned long long)before->handles,
	          (unsigned long long)after.kernel_objects,
	          (unsigned long long)before->kernel_objects);
	fail("a leak");
}

static void fuzz_main(const struct environ *env)
{
	uint64_t calls = 0;
	struct system_info before;

	fuzz.system = environ_system(env);
	if (environ_config_u64(env, "seed", &fuzz.seed) != 0 ||
	    environ_config_u64(env, "calls", &calls) != 0 ||
	    environ_config_u64(env, "fence_rarity", &fuzz.fence_rarity) != 0)
		fail("syscall_fuzz.seed, .calls and .fence_rarity must be numbers");
	fuzz.random = fuzz.seed;
	assert(loop_init(&fuzz.loop) == 0);
	assert(service_listen(&fuzz.loop, &fuzz.listener, environ_service(env, "syscall_fuzz"),
	                      accepted, NULL) == 0);
	log_info("syscall_fuzz: seed %llu, %llu calls", (unsigned long long)fuzz.seed,
	         (unsigned long long)calls);
	// What the first ones leave in caches is not a leak.
	make_calls(calls / 4);
	end_callers();
	turn_for(10 * TICK);
	before = info();
	make_calls(calls);
	end_callers();
	check_settles(&before);
	log_info("syscall_fuzz: %llu calls of %llu callers, all was given back",
	         (unsigned long long)fuzz.calls, (unsigned long long)fuzz.starts);
	system_power_off(fuzz.system, 0);
}

APP(syscall_fuzz, .main = fuzz_main, .provides = { "syscall_fuzz" },
    .needs = {
	    { NEED_CONFIG, "seed", "1", 0 },
	    { NEED_CONFIG, "calls", "1000000", 0 },
	    { NEED_CONFIG, "fence_rarity", "0", 0 },
	    { NEED_SYSTEM, "control", NULL, 0 },
    });
