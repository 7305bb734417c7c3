// SPDX-License-Identifier: MIT
// Messages to a channel that is full, or gone.
#include "libs/requests/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static struct source source;
static struct outbox box;
static unsigned room, num_allocated, num_discarded;
static bool is_gone, no_memory;
static uint32_t last;

void *heap_alloc(size_t size)
{
	num_allocated += no_memory ? 0 : 1;
	return no_memory ? NULL : calloc(1, size);
}

void heap_free(void *p)
{
	num_allocated -= p != NULL ? 1 : 0;
	free(p);
}

error_t channel_send(handle_t channel, const struct message *m)
{
	(void)channel;
	if (is_gone)
		return ERR_PEER_CLOSED;
	if (room == 0)
		return ERR_FULL;
	room--;
	// In the order they were sent.
	assert_int_equal(m->type, last + 1);
	last = m->type;
	return 0;
}

void message_discard(struct message *m)
{
	(void)m;
	num_discarded++;
}

void source_want_writable(struct source *of, bool want)
{
	of->wants_writable = want;
}

static error_t send(uint32_t number)
{
	struct message m = { .type = number };

	return outbox_send(&box, &m);
}

static int set_up(void **state)
{
	(void)state;
	source = (struct source){ 0 };
	outbox_init(&box, &source);
	room = num_discarded = last = 0;
	is_gone = no_memory = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	outbox_drop(&box);
	return num_allocated == 0 ? 0 : -1;
}

static void test_full(void **state)
{
	(void)state;
	room = 1;
	for (uint32_t i = 1; i <= 4; i++)
		assert_int_equal(send(i), 0);
	assert_int_equal(last, 1);
	assert_true(source.wants_writable);
	room = 2;
	outbox_writable(&box);
	assert_int_equal(last, 3);
	assert_true(source.wants_writable);
	// What comes later has to wait, too.
	room = 2;
	assert_int_equal(send(5), 0);
	assert_int_equal(last, 3);
	outbox_writable(&box);
	assert_int_equal(last, 5);
	assert_false(source.wants_writable);
	assert_int_equal(num_discarded, 0);
}

static void test_gone(void **state)
{
	(void)state;
	assert_int_equal(send(1), 0);
	assert_int_equal(send(2), 0);
	is_gone = true;
	outbox_writable(&box);
	assert_false(source.wants_writable);
	assert_int_equal(send(3), ERR_PEER_CLOSED);
	assert_int_equal(num_discarded, 3);
	is_gone = false;
	no_memory = true;
	assert_int_equal(send(1), ERR_NO_MEMORY);
	assert_int_equal(num_discarded, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
