// SPDX-License-Identifier: MIT
#include "apps/autotest/autotest.h"

#define NUM_THREADS 6
#define LARGE_STACK (4ul * 1024 * 1024)
#define LARGE_FOLIO (8 * BLOCK_SIZE)

static volatile uint64_t turns[NUM_THREADS];
static volatile bool stop;

static void spin(void *arg)
{
	volatile uint64_t *turn = arg;

	while (!stop)
		(*turn)++;
	thread_exit();
}

// More threads than harts that never call the kernel: only preemption lets each have its turn.
static void threads_are_preempted(struct autotest *t)
{
	handle_t threads[NUM_THREADS] = { 0 };
	nsec_t deadline = test_deadline();
	bool all = false;

	stop = false;
	for (int i = 0; i < NUM_THREADS; i++)
		expect(t, thread_create(spin, (void *)&turns[i], 0, &threads[i]) == 0);
	while (!all && test_now() < deadline) {
		all = true;
		for (int i = 0; i < NUM_THREADS; i++)
			all = all && turns[i] > 0;
	}
	expect(t, all);
	stop = true;
	for (int i = 0; i < NUM_THREADS; i++) {
		expect(t, handle_wait(threads[i], READY_CLOSED, test_deadline()) == 0);
		handle_close(threads[i]);
	}
}

// Calls that take long, while threads wait for the harts: they go on in the midst of them.
static void use_stack(void *arg)
{
	volatile uint8_t bytes[LARGE_STACK - 2 * PAGE_SIZE];

	for (size_t i = 0; i < sizeof(bytes); i += PAGE_SIZE)
		bytes[i] = (uint8_t)(i / PAGE_SIZE);
	for (size_t i = 0; i < sizeof(bytes); i += PAGE_SIZE)
		*(uint64_t *)arg += bytes[i] == (uint8_t)(i / PAGE_SIZE);
	thread_exit();
}

static void long_calls_are_interrupted(struct autotest *t)
{
	handle_t spinners[NUM_THREADS] = { 0 };
	handle_t thread = HANDLE_NONE;
	handle_t folio = HANDLE_NONE;
	uint64_t right = 0;
	struct folio_info info = { 0 };
	uint8_t *p = NULL;

	stop = false;
	for (int i = 0; i < NUM_THREADS; i++)
		expect(t, thread_create(spin, (void *)&turns[i], 0, &spinners[i]) == 0);
	expect(t, thread_create(use_stack, &right, LARGE_STACK, &thread) == 0);
	expect(t, folio_create(LARGE_FOLIO, FOLIO_LAZY, &folio) == 0);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, (void **)&p) == 0);
	for (size_t i = 0; i < LARGE_FOLIO && !t->failed; i += BLOCK_SIZE)
		p[i] = 1;
	expect(t, folio_discard(folio, 0, LARGE_FOLIO) == 0);
	expect(t, folio_info(folio, &info) == 0 && info.populated == 0);
	for (size_t i = 0; i < LARGE_FOLIO && !t->failed; i += BLOCK_SIZE)
		expect(t, p[i] == 0);
	handle_close(folio);
	expect(t, handle_wait(thread, READY_CLOSED, test_deadline()) == 0);
	expect(t, right == (LARGE_STACK - 2 * PAGE_SIZE) / PAGE_SIZE);
	handle_close(thread);
	stop = true;
	for (int i = 0; i < NUM_THREADS; i++) {
		expect(t, handle_wait(spinners[i], READY_CLOSED, test_deadline()) == 0);
		handle_close(spinners[i]);
	}
}

static volatile double sums[NUM_THREADS];

static void add_fractions(void *arg)
{
	size_t index = (size_t)(uintptr_t)arg;
	double sum = 0;

	for (int i = 1; i <= 200000; i++)
		sum += 1.0 / (double)(i + (int)index);
	sums[index] = sum;
	thread_exit();
}

static double expected_sum(size_t index)
{
	volatile double sum = 0;

	for (int i = 1; i <= 200000; i++)
		sum = sum + 1.0 / (double)(i + (int)index);
	return sum;
}

static void floating_point_survives_switches(struct autotest *t)
{
	handle_t threads[NUM_THREADS] = { 0 };

	for (size_t i = 0; i < NUM_THREADS; i++)
		expect(t, thread_create(add_fractions, (void *)(uintptr_t)i, 0, &threads[i]) == 0);
	for (size_t i = 0; i < NUM_THREADS; i++) {
		expect(t, handle_wait(threads[i], READY_CLOSED, test_deadline()) == 0);
		handle_close(threads[i]);
	}
	for (size_t i = 0; i < NUM_THREADS; i++)
		expect(t, sums[i] - expected_sum(i) == 0);
}

static void wall_clock_is_set(struct autotest *t)
{
	nsec_t wall = 0;
	nsec_t deadline = test_deadline();
	error_t err;

	while ((err = clock_get(CLOCK_WALL, &wall)) == ERR_NOT_READY && test_now() < deadline)
		thread_yield();
	expect(t, err == 0 && wall > 1600000000ull * NSEC_PER_SEC);
}

const struct test thread_tests[] = {
	{ "threads are preempted", threads_are_preempted },
	{ "long calls are interrupted", long_calls_are_interrupted },
	{ "floating point survives switches", floating_point_survives_switches },
	{ "the wall clock is set", wall_clock_is_set },
	{ 0 },
};
