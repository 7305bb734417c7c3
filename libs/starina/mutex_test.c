// SPDX-License-Identifier: MIT
#include "libs/starina/mutex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct mutex mutex;
static uint32_t yields;
static void (*meanwhile)(void);  // what another thread does

error_t thread_yield(void)
{
	yields++;
	meanwhile();
	return 0;
}

static void unlock_at_third(void)
{
	assert_int_equal(mutex.waiting, 1);
	if (yields == 3)
		mutex_unlock(&mutex);
}

static void waiter_goes(void)
{
	if (yields == 5)
		mutex.waiting = 0;
}

static void test_lock(void **state)
{
	(void)state;
	mutex_lock(&mutex);
	assert_int_equal(yields, 0);
	meanwhile = unlock_at_third;
	mutex_lock(&mutex);
	assert_int_equal(yields, 3);
	assert_int_equal(mutex.waiting, 0);
	mutex_unlock(&mutex);
}

static void test_give_way(void **state)
{
	(void)state;
	yields = 0;
	mutex_give_way(&mutex);
	assert_int_equal(yields, 0);
	mutex.waiting = 1;
	meanwhile = waiter_goes;
	mutex_give_way(&mutex);
	assert_int_equal(yields, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
