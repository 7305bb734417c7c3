// SPDX-License-Identifier: MIT
// When the next virtual machine boots: not beside a container that starts or has just started.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "apps/containers/settings_check.h"
#include "libs/abi/apps.h"
#include "libs/starina/environ.h"

#define MSEC NSEC_PER_MSEC

enum { RETRY_TIMER = 10, MANAGER = 20, LINK = 21 };

static struct containers all;
static struct container container;
static nsec_t now, deadline;
static struct source *retry;
static unsigned num_asked;  // processes

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	*out = now;
	return 0;
}

// The first one is that of retries.
error_t timer_create(handle_t *out)
{
	static handle_t last;

	*out = all.retry_timer == HANDLE_NONE ? (last = RETRY_TIMER) : ++last;
	return 0;
}

error_t timer_set(handle_t timer, nsec_t at)
{
	if (timer == RETRY_TIMER)
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
	if (handle == RETRY_TIMER)
		retry = source;
	return 0;
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	source->handle = HANDLE_NONE;
}

error_t channel_send(handle_t channel, const struct message *m)
{
	struct msg_apps_start start;
	const uint8_t *tail;
	size_t len;

	assert_int_equal(channel, MANAGER);
	if (message_decode_apps_start(m, &start, &tail, &len) == 0)
		num_asked++;
	return 0;
}

void message_discard(struct message *m)
{
	(void)m;
}

error_t service_client_start(struct loop *loop, struct service_client *client, handle_t connector,
                             void (*connected)(void *context, handle_t channel), void *context)
{
	(void)loop;
	(void)client;
	(void)connector;
	connected(context, MANAGER);
	return 0;
}

error_t service_client_again(struct service_client *client)
{
	(void)client;
	return 0;
}

handle_t environ_connector(const struct environ *env, const char *service)
{
	(void)env;
	(void)service;
	return HANDLE_NONE;
}

error_t random_get(void *out, size_t size)
{
	memset(out, 7, size);
	return 0;
}

int64_t settings_nano_cpus(const struct settings *settings)
{
	return settings->nano_cpus;
}

void container_vmm_lost(struct container *c)
{
	(void)c;
}

// Time passes, and the timer is done when it is due.
static void pass(nsec_t time)
{
	nsec_t end = now + time;

	while (deadline <= end) {
		now = deadline;
		retry->ops->signalled(&all.loop, retry);
	}
	now = end;
}

static struct vmm_process *newest(void)
{
	assert_false(list_is_empty(&all.vmms));
	return container_of(all.vmms.prev, struct vmm_process, entry);
}

static void boots(struct vmm_process *vmm)
{
	vmm->connected = true;
	vmm->vm = VMM_IDLE;
}

// One virtual machine waits, and a container takes it.
static int setup(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	memset(&container, 0, sizeof(container));
	all.has_hypervisor = true;
	all.app_size = 1;
	all.pool_size = 1;
	now = NSEC_PER_SEC;
	deadline = NSEC_NEVER;
	num_asked = 0;
	assert_int_equal(vmms_init(&all), 0);
	pass(NSEC_PER_SEC);
	assert_int_equal(num_asked, 1);
	boots(newest());
	container = (struct container){ .all = &all, .state = CONTAINER_RUNNING };
	container.vmm = vmms_take(&all, &container);
	assert_ptr_equal(container.vmm, newest());
	container.vmm->order_sent = true;
	vmms_retry(&all);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	while (!list_is_empty(&all.vmms)) {
		newest()->container = NULL;
		vmms_lose(newest());
	}
	return 0;
}

static void starts(void)
{
	container.started = true;
	container.vmm->vm = VMM_RUNNING;
	vmms_container_runs(container.vmm);
	vmms_retry(&all);
}

static void test_a_start(void **state)
{
	(void)state;
	pass(5 * NSEC_PER_SEC);
	assert_int_equal(num_asked, 1);
	starts();
	pass(499 * MSEC);
	assert_int_equal(num_asked, 1);
	pass(1 * MSEC);
	assert_int_equal(num_asked, 2);
	// It boots, and no other one beside it.
	vmms_retry(&all);
	pass(NSEC_PER_SEC);
	assert_int_equal(num_asked, 2);
}

static void test_a_short_run(void **state)
{
	(void)state;
	starts();
	pass(250 * MSEC);
	assert_int_equal(num_asked, 1);
	vmms_release(container.vmm);
	pass(199 * MSEC);
	assert_int_equal(num_asked, 1);
	pass(1 * MSEC);
	assert_int_equal(num_asked, 2);
}

// What was not to be had is asked for again in time, whoever has just started.
static void test_retries(void **state)
{
	struct container other = { .all = &all, .state = CONTAINER_RUNNING };

	(void)state;
	starts();
	pass(200 * MSEC);
	all.has_manager = false;
	other.vmm = vmms_take(&all, &other);
	assert_non_null(other.vmm);
	all.has_manager = true;
	vmms_retry(&all);
	pass(199 * MSEC);
	assert_int_equal(num_asked, 1);
	pass(1 * MSEC);
	assert_int_equal(num_asked, 2);
	other.vmm->container = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_short_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retries, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
