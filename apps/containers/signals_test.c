// SPDX-License-Identifier: MIT
// What is asked of a container that is being started waits for the start, but not for ever.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "libs/starina/syscall.h"

enum { TIMER = 10, LINK = 21, TERM = 15, KILL = 9 };

static struct containers all;
static struct container container;
static struct vmm_process vmm;
static struct source *timer;
static nsec_t now, deadline;
static uint64_t sent;  // bit per number: signals that the vmm was told of
static bool has_ended;
static int status;

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	*out = now;
	return 0;
}

error_t timer_create(handle_t *out)
{
	*out = TIMER;
	return 0;
}

error_t timer_set(handle_t handle, nsec_t at)
{
	assert_int_equal(handle, TIMER);
	deadline = at;
	return 0;
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	(void)loop;
	source->handle = handle;
	source->ops = ops;
	source->context = context;
	timer = source;
	return 0;
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	source->handle = HANDLE_NONE;
	deadline = NSEC_NEVER;
}

bool vmms_send(struct vmm_process *to, struct message *m)
{
	struct msg_vmm_signal signal;
	const uint8_t *tail;
	size_t len;

	assert_ptr_equal(to, &vmm);
	if (message_decode_vmm_signal(m, &signal, &tail, &len) == 0)
		sent |= 1ull << signal.signal;
	else
		sent |= 1ull << KILL;
	return true;
}

void vmms_end(struct vmm_process *of)
{
	assert_ptr_equal(of, &vmm);
	has_ended = true;
}

void container_over(struct container *c, int with, const char *error)
{
	assert_string_equal(error, "");
	signals_end(c);
	status = with;
}

const struct image *container_image(const struct container *c)
{
	(void)c;
	return NULL;
}

bool layer_is_used(const struct container *c)
{
	(void)c;
	return true;
}

void events_container(const struct container *c, const char *action, const char *more)
{
	(void)c;
	(void)more;
	assert_string_equal(action, "kill");
}

void pause_lift(struct container *c)
{
	(void)c;
}

static void pass(nsec_t time)
{
	now += time;
	if (deadline <= now)
		timer->ops->signalled(&all.loop, timer);
}

static void runs(void)
{
	container.started = true;
	signals_send_due(&container);
}

// It has its order, and does not run yet.
static int setup(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	vmm = (struct vmm_process){ .order_sent = true };
	container = (struct container){ .all = &all, .state = CONTAINER_RUNNING, .vmm = &vmm };
	container.stop_timer = HANDLE_NONE;
	list_init(&container.waiters);
	now = NSEC_PER_SEC;
	deadline = NSEC_NEVER;
	sent = 0;
	has_ended = false;
	status = -1;
	return 0;
}

static void test_a_kill(void **state)
{
	(void)state;
	container_signal_send(&container, KILL);
	pass(59 * NSEC_PER_SEC);
	assert_int_equal(sent, 0);
	runs();
	assert_int_equal(sent, 1ull << KILL);
	// A guest that does not kill it ends.
	pass(20 * NSEC_PER_SEC);
	pass(10 * NSEC_PER_SEC);
	assert_true(has_ended);
}

// The time of a stop begins when it runs.
static void test_a_stop(void **state)
{
	(void)state;
	container_stop(&container, TERM, 3);
	pass(30 * NSEC_PER_SEC);
	assert_int_equal(sent, 0);
	runs();
	assert_int_equal(sent, 1ull << TERM);
	pass(2 * NSEC_PER_SEC);
	assert_int_equal(sent, 1ull << TERM);
	pass(NSEC_PER_SEC);
	assert_int_equal(sent, 1ull << TERM | 1ull << KILL);
}

static void test_a_stop_without_a_limit(void **state)
{
	(void)state;
	container_stop(&container, TERM, -1);
	assert_int_equal(deadline, NSEC_NEVER);
	runs();
	assert_int_equal(sent, 1ull << TERM);
	assert_int_equal(deadline, NSEC_NEVER);
}

// Asking again does not prolong it.
static void test_a_start_that_hangs(void **state)
{
	(void)state;
	container_signal_send(&container, KILL);
	pass(30 * NSEC_PER_SEC);
	container_signal_send(&container, KILL);
	container_stop(&container, TERM, 10);
	pass(30 * NSEC_PER_SEC);
	assert_int_equal(sent, 1ull << KILL);
	pass(20 * NSEC_PER_SEC);
	pass(10 * NSEC_PER_SEC);
	assert_true(has_ended);
}

// Nothing was told to run it: there is nothing to be told either.
static void test_without_an_order(void **state)
{
	(void)state;
	vmm.order_sent = false;
	container_stop(&container, TERM, 10);
	pass(59 * NSEC_PER_SEC);
	assert_int_equal(status, -1);
	pass(NSEC_PER_SEC);
	assert_int_equal(status, 137);
	assert_int_equal(sent, 0);
}

// The machine's end, jobs and visits do not wait.
static void test_at_once(void **state)
{
	(void)state;
	all.stopping = true;
	container_stop(&container, TERM, 10);
	assert_int_equal(sent, 1ull << TERM);
	all.stopping = false;
	container.job = 1;
	container_signal_send(&container, KILL);
	assert_int_equal(sent, 1ull << TERM | 1ull << KILL);
	sent = 0;
	container.job = 0;
	container.is_visit = true;
	container_signal_send(&container, KILL);
	assert_int_equal(sent, 1ull << KILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_kill, setup),
		cmocka_unit_test_setup(test_a_stop, setup),
		cmocka_unit_test_setup(test_a_stop_without_a_limit, setup),
		cmocka_unit_test_setup(test_a_start_that_hangs, setup),
		cmocka_unit_test_setup(test_without_an_order, setup),
		cmocka_unit_test_setup(test_at_once, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
