// SPDX-License-Identifier: MIT
//
// What a relay passes on, over fakes of channels and the loop.
#include "libs/linux/api/socket_relay.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "libs/abi/message.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static struct {
	struct source *source;  // NULL: closed
	uint32_t last;          // the type of what was sent there
	bool full;
} channels[3];
static struct loop loop;
static struct socket_relay relay;
static unsigned num_ended;

error_t channel_send(handle_t channel, const struct message *m)
{
	if (channels[channel].full)
		return ERR_FULL;
	channels[channel].last = m->type;
	return 0;
}

error_t loop_add(struct loop *l, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	*source = (struct source){ .loop = l, .handle = handle, .ops = ops, .context = context };
	channels[handle].source = source;
	return 0;
}

void loop_remove(struct loop *l, struct source *source)
{
	(void)l;
	channels[source->handle].source = NULL;
}

void loop_close(struct loop *l, struct source *source)
{
	loop_remove(l, source);
}

void source_want_messages(struct source *source, bool want)
{
	source->paused = !want;
}

void source_want_writable(struct source *source, bool want)
{
	source->wants_writable = want;
}

void message_discard(struct message *m)
{
	(void)m;
}

static void ended(struct socket_relay *r)
{
	(void)r;
	num_ended++;
}

static int setup(void **state)
{
	(void)state;
	num_ended = 0;
	channels[1].last = channels[2].last = 0;
	channels[1].full = channels[2].full = false;
	return socket_relay_start(&relay, &loop, 1, 2, ended, NULL);
}

static void say(handle_t from, uint32_t type)
{
	channels[from].source->ops->message(&loop, channels[from].source,
	                                    &(struct message){ .type = type });
}

static void test_reset(void **state)
{
	(void)state;
	say(1, MSG_DATA);
	assert_int_equal(channels[2].last, MSG_DATA);
	say(1, MSG_ABORT);
	assert_int_equal(channels[2].last, MSG_ABORT);
	assert_int_equal(num_ended, 1);
	assert_null(channels[1].source);
	assert_null(channels[2].source);
}

// It waits behind what was said before.
static void test_reset_waits(void **state)
{
	(void)state;
	channels[1].full = true;
	say(2, MSG_ABORT);
	assert_int_equal(num_ended, 0);
	assert_true(channels[1].source->wants_writable);
	channels[1].full = false;
	channels[1].source->ops->writable(&loop, channels[1].source);
	assert_int_equal(channels[1].last, MSG_ABORT);
	assert_int_equal(num_ended, 1);
}

static void test_half_close(void **state)
{
	(void)state;
	say(1, MSG_END);
	assert_int_equal(channels[2].last, MSG_END);
	assert_int_equal(num_ended, 0);
	say(2, MSG_END);
	assert_int_equal(num_ended, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_reset, setup),
		cmocka_unit_test_setup(test_reset_waits, setup),
		cmocka_unit_test_setup(test_half_close, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
