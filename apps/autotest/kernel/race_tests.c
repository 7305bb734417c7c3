// SPDX-License-Identifier: MIT
//
// Two threads of one app do at the same time what makes no sense: the kernel's lists must stay
// whole, and a legal access must not end the app.
#include "apps/autotest/autotest.h"

static volatile uint32_t rounds_begun;
static volatile uint32_t rounds_done;
static volatile bool stop_partner;
static handle_t shared;
static volatile uint8_t *shared_memory;

// --- One timer, set by two threads ---

static void set_timer_in_a_loop(void *arg)
{
	(void)arg;
	while (!stop_partner)
		assert(timer_set(shared, test_now() + 50000) == 0);
	thread_exit();
}

static void two_threads_set_one_timer(struct autotest *t)
{
	handle_t thread = HANDLE_NONE;
	handle_t timer = HANDLE_NONE;

	stop_partner = false;
	expect(t, timer_create(&shared) == 0 && timer_create(&timer) == 0);
	expect(t, thread_create(set_timer_in_a_loop, NULL, 0, &thread) == 0);
	for (uint32_t i = 0; i < 5000; i++)
		assert(timer_set(shared, test_now() + 50000) == 0);
	stop_partner = true;
	expect(t, handle_wait(thread, READY_CLOSED, test_deadline()) == 0);
	// What is armed now still fires.
	expect(t,
	       timer_set(shared, test_now() + 1000) == 0 &&
	               timer_set(timer, test_now() + 1000) == 0);
	expect(t, handle_wait(shared, READY_READABLE, test_deadline()) == 0);
	expect(t, handle_wait(timer, READY_READABLE, test_deadline()) == 0);
	handle_close(thread);
	handle_close(timer);
	handle_close(shared);
}

// --- One page, touched for the first time by two threads ---

#define NUM_PAGES 16u
#define TOUCH_ROUNDS 60u

static void touch_pages(void)
{
	for (size_t i = 0; i < NUM_PAGES; i++)
		shared_memory[i * PAGE_SIZE] |= 1;
}

static void touch_in_step(void *arg)
{
	(void)arg;
	for (uint32_t i = 1; i <= TOUCH_ROUNDS; i++) {
		while (rounds_begun < i && !stop_partner)
			;
		touch_pages();
		rounds_done = i;
	}
	thread_exit();
}

static void two_threads_touch_one_page(struct autotest *t)
{
	handle_t thread = HANDLE_NONE;
	handle_t folio = HANDLE_NONE;
	void *memory = NULL;

	rounds_begun = 0;
	rounds_done = 0;
	stop_partner = false;
	expect(t, folio_create(NUM_PAGES * PAGE_SIZE, FOLIO_LAZY, &folio) == 0);
	expect(t, folio_map(folio, PROT_READ | PROT_WRITE, &memory) == 0);
	if (t->failed)
		return;
	shared_memory = memory;
	expect(t, thread_create(touch_in_step, NULL, 0, &thread) == 0);
	for (uint32_t i = 1; i <= TOUCH_ROUNDS && !t->failed; i++) {
		rounds_begun = i;
		touch_pages();
		while (rounds_done < i)
			;
		expect(t, folio_discard(folio, 0, NUM_PAGES * PAGE_SIZE) == 0);
	}
	stop_partner = true;
	expect(t, handle_wait(thread, READY_CLOSED, test_deadline()) == 0);
	handle_close(thread);
	handle_close(folio);
}

const struct test race_tests[] = {
	{ "two threads set one timer", two_threads_set_one_timer },
	{ "two threads touch one page", two_threads_touch_one_page },
	{ 0 },
};
