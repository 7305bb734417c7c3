// SPDX-License-Identifier: MIT
#include "kernel/object/timer.h"

#include "kernel/object/all_test.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/random.h"
#include "kernel/object/test_support.h"

static void a_timer_is_ready_from_its_deadline_on(void **state)
{
	nsec_t now = arch_clock_now();
	handle_t poll;
	handle_t timer;

	(void)state;
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_1(timer_create, &timer), 0);
	assert_int_equal(CALL_4(poll_add, poll, timer, READY_READABLE, 1), 0);
	assert_int_equal(CALL_2(timer_set, timer, now + 100), 0);
	assert_int_equal(host_timer(), now + 100);
	host_advance(99);
	assert_int_equal(test_ready(poll, 1), 0);
	host_advance(1);
	assert_int_equal(test_ready(poll, 1), READY_READABLE);
	assert_int_equal(host_timer(), NSEC_NEVER);
	// Set anew: not ready any more. In the past: ready at once. Never: disarmed.
	assert_int_equal(CALL_2(timer_set, timer, now + 1000), 0);
	assert_int_equal(test_ready(poll, 1), 0);
	assert_int_equal(CALL_2(timer_set, timer, now), 0);
	assert_int_equal(test_ready(poll, 1), READY_READABLE);
	assert_int_equal(CALL_2(timer_set, timer, NSEC_NEVER), 0);
	assert_int_equal(test_ready(poll, 1), 0);
	host_advance(NSEC_PER_SEC);
	assert_int_equal(test_ready(poll, 1), 0);
}

static void timers_fire_in_order_and_once(void **state)
{
	enum { N = 50 };
	nsec_t now = arch_clock_now();
	handle_t poll;
	handle_t timers[N];

	(void)state;
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(CALL_1(timer_create, &timers[i]), 0);
		assert_int_equal(CALL_4(poll_add, poll, timers[i], READY_READABLE, i), 0);
		assert_int_equal(CALL_2(timer_set, timers[i], now + 1 + i * 7 % N), 0);
	}
	for (unsigned t = 1; t <= N; t++) {
		struct poll_event events[POLL_MAX_BATCH];
		size_t n;

		host_advance(1);
		assert_int_equal(CALL_5(poll_wait, poll, events, POLL_MAX_BATCH, 0, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal(1 + events[0].cookie * 7 % N, t);
		assert_int_equal(CALL_1(handle_close, timers[events[0].cookie]), 0);
	}
}

static void an_armed_timer_may_be_closed(void **state)
{
	handle_t timer;

	(void)state;
	assert_int_equal(CALL_1(timer_create, &timer), 0);
	assert_int_equal(CALL_2(timer_set, timer, arch_clock_now() + 10), 0);
	assert_int_equal(CALL_1(handle_close, timer), 0);
	host_advance(100);
}

static void an_interrupt_waits_for_its_acknowledgement(void **state)
{
	struct interrupt *interrupt;
	struct interrupt *second;
	handle_t handle;
	handle_t poll;

	(void)state;
	assert_int_equal(interrupt_object_create(5, &interrupt), 0);
	assert_true(host_irq_enabled(5));
	assert_int_equal(interrupt_object_create(5, &second), ERR_EXISTS);
	assert_true(host_irq_enabled(5));
	assert_int_equal(interrupt_object_create(0, &second), ERR_RANGE);
	assert_int_equal(interrupt_object_create(INTERRUPT_MAX, &second), ERR_RANGE);
	assert_int_equal(
		handle_insert(&self->handles, interrupt_object(interrupt), RIGHTS_ALL, &handle), 0);
	object_put(interrupt_object(interrupt));
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(CALL_4(poll_add, poll, handle, READY_READABLE, 1), 0);
	interrupt_fired(6);
	assert_int_equal(test_ready(poll, 1), 0);
	interrupt_fired(5);
	assert_int_equal(test_ready(poll, 1), READY_READABLE);
	assert_int_equal(CALL_1(interrupt_ack, handle), 0);
	assert_int_equal(test_ready(poll, 1), 0);
	// The line is free again once its object is gone.
	assert_int_equal(CALL_1(handle_close, handle), 0);
	assert_false(host_irq_enabled(5));
	interrupt_fired(5);
	assert_int_equal(interrupt_object_create(5, &second), 0);
	object_put(interrupt_object(second));
	assert_false(host_irq_enabled(5));
}

// RFC 8439, 2.3.2.
static void chacha20_gives_the_block_of_the_rfc(void **state)
{
	static const uint8_t nonce[12] = { 0, 0, 0, 9, 0, 0, 0, 0x4a };
	static const uint8_t start[16] = { 0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
		                           0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4 };
	uint8_t key[32];
	uint8_t out[64];
	uint8_t a[64];
	uint8_t b[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	random_chacha20_block(key, 1, nonce, out);
	assert_memory_equal(out, start, sizeof(start));
	assert_int_equal(out[63], 0x4e);
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

int test_timers(void)
{
	const struct CMUnitTest tests[] = {
		test_case(a_timer_is_ready_from_its_deadline_on),
		test_case(timers_fire_in_order_and_once),
		test_case(an_armed_timer_may_be_closed),
		test_case(an_interrupt_waits_for_its_acknowledgement),
		test_case(chacha20_gives_the_block_of_the_rfc),
	};

	return cmocka_run_group_tests_name("timers, interrupts, random", tests, NULL, NULL);
}
