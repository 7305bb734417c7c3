// SPDX-License-Identifier: MIT
#include "apps/bench/bench.h"

#define TIMER_DELAY (200 * 1000ull)

static void op_null_call(void *arg)
{
	(void)arg;
	null_call();
}

// --- Channel, both ends in one thread ---

struct pipe {
	handle_t ends[2];
	struct message out;
	struct message in;
};

static void op_send_recv(void *arg)
{
	struct pipe *p = arg;

	assert(channel_send(p->ends[0], &p->out) == 0);
	assert(channel_recv(p->ends[1], &p->in) == 0);
}

static void bench_channel(struct bench *b)
{
	struct pipe p;

	assert(channel_create(p.ends) == 0);
	message_init(&p.out, MSG_END);
	bench_measure(b, "send_recv_0", op_send_recv, NULL, &p, 1);
	p.out.len = 64;
	bench_measure(b, "send_recv_64", op_send_recv, NULL, &p, 1);
	p.out.len = MESSAGE_MAX_DATA;
	bench_measure(b, "send_recv_256", op_send_recv, NULL, &p, 1);
	handle_close(p.ends[0]);
	handle_close(p.ends[1]);
}

// --- Threads ---

struct sleeper {
	handle_t event;
	handle_t poll;
	uint64_t started;  // before what wakes it
	uint64_t best;
	bool stop;
};

static void sleeper_thread(void *arg)
{
	struct sleeper *s = arg;
	struct poll_event event;
	uint64_t count;
	size_t n;

	while (poll_wait(s->poll, &event, 1, NSEC_NEVER, &n) == 0) {
		s->best = bench_min(s->best, instret() - s->started);
		assert(event_take(s->event, &count) == 0);
		if (s->stop)
			break;
	}
	thread_exit();
}

void bench_wait_for_end(handle_t thread)
{
	struct poll_event event;
	handle_t poll;
	size_t n;

	assert(poll_create(&poll) == 0);
	assert(poll_add(poll, thread, READY_CLOSED, 0) == 0);
	assert(poll_wait(poll, &event, 1, NSEC_NEVER, &n) == 0);
	handle_close(poll);
	handle_close(thread);
}

// From just before event_signal to the return of poll_wait in the thread that waited: with the
// switch to it.
static void bench_wake_up(void)
{
	struct sleeper s = { .best = UINT64_MAX };
	handle_t thread;

	assert(event_create(&s.event) == 0);
	assert(poll_create(&s.poll) == 0);
	assert(poll_add(s.poll, s.event, READY_READABLE, 0) == 0);
	assert(thread_create(sleeper_thread, &s, 0, &thread) == 0);
	for (int round = 0; round <= BENCH_ROUNDS; round++) {
		thread_yield();
		s.stop = round == BENCH_ROUNDS;
		s.started = instret();
		assert(event_signal(s.event, 1) == 0);
		thread_yield();
	}
	bench_report("poll_wake_up", s.best);
	bench_wait_for_end(thread);
	handle_close(s.poll);
	handle_close(s.event);
}

static void yielder_thread(void *arg)
{
	volatile bool *stop = arg;

	while (!*stop)
		thread_yield();
	thread_exit();
}

static void op_yield(void *arg)
{
	(void)arg;
	thread_yield();
}

// Two switches, there and back, each with its thread_yield.
static void bench_switch(struct bench *b)
{
	volatile bool stop = false;
	handle_t thread;

	assert(thread_create(yielder_thread, (void *)(uintptr_t)&stop, 0, &thread) == 0);
	thread_yield();
	bench_measure(b, "thread_switch", op_yield, NULL, NULL, 2);
	stop = true;
	bench_wait_for_end(thread);
}

// From the deadline to the return of poll_wait, the hart being idle meanwhile: with icount and a
// clock of nothing else, the instruction counter reads the nanoseconds since power-on.
static void bench_timer(void)
{
	uint64_t best = UINT64_MAX;
	struct poll_event event;
	handle_t timer, poll;
	nsec_t now;
	size_t n;

	assert(timer_create(&timer) == 0);
	assert(poll_create(&poll) == 0);
	assert(poll_add(poll, timer, READY_READABLE, 0) == 0);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		assert(clock_get(CLOCK_MONOTONIC, &now) == 0);
		assert(timer_set(timer, now + TIMER_DELAY) == 0);
		assert(poll_wait(poll, &event, 1, NSEC_NEVER, &n) == 0);
		best = bench_min(best, instret() - (now + TIMER_DELAY));
	}
	bench_report("timer_to_app", best);
	handle_close(timer);
	handle_close(poll);
}

// --- Memory ---

static void op_folio(void *arg)
{
	handle_t folio;

	assert(folio_create(*(size_t *)arg, FOLIO_CONTIGUOUS, &folio) == 0);
	handle_close(folio);
}

// Single pages are free: how far a block would have to be split, and put together again, depends on
// all that was allocated before.
static void bench_folio(struct bench *b)
{
	handle_t folios[16];
	size_t page = PAGE_SIZE;

	for (int i = 0; i < 16; i++)
		assert(folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folios[i]) == 0);
	for (int i = 0; i < 16; i += 2)
		handle_close(folios[i]);
	bench_measure(b, "folio_alloc_free", op_folio, NULL, &page, 1);
	for (int i = 1; i < 16; i += 2)
		handle_close(folios[i]);
}

void bench_objects(struct bench *b)
{
	bench_measure(b, "null_call", op_null_call, NULL, NULL, 1);
	bench_channel(b);
	bench_wake_up();
	bench_switch(b);
	bench_timer();
	bench_folio(b);
}
