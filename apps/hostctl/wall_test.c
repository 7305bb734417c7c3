// SPDX-License-Identifier: MIT
// The wall clock is never behind the host's, and ahead by no more than the quickest answer took.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/hostctl/hostctl.h"
#include "libs/base/fmt.h"

// The host's clock when ours was 0.
#define HOST (1700000000ull * NSEC_PER_SEC + 412345678u)

static struct hostctl ctl;
static nsec_t now, wall;
static unsigned num_asked;
static bool is_full;

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	*out = now;
	return 0;
}

error_t clock_set(handle_t system, nsec_t to)
{
	assert_int_equal(system, 7);
	wall = to - now;
	return 0;
}

bool host_say(struct hostctl *to, const char *format, ...)
{
	assert_ptr_equal(to, &ctl);
	assert_string_equal(format, "time");
	num_asked += !is_full;
	return !is_full;
}

static int setup(void **state)
{
	(void)state;
	ctl = (struct hostctl){ .system = 7 };
	now = 123456789;
	wall = 0;
	num_asked = 0;
	is_full = false;
	return 0;
}

// The question takes `there`, and its answer `back`.
static void answer(nsec_t there, nsec_t back)
{
	char text[32];

	now += there;
	fmt_write(text, sizeof(text), "%llu", (unsigned long long)(HOST + now));
	now += back;
	wall_take(&ctl, text_span(text));
}

static void the_quickest_counts(void **state)
{
	(void)state;
	wall_ask(&ctl);
	answer(50 * NSEC_PER_MSEC, 900 * NSEC_PER_MSEC);
	assert_int_equal(wall, 0);
	answer(200 * NSEC_PER_USEC, 300 * NSEC_PER_USEC);
	while (wall == 0)
		answer(3 * NSEC_PER_MSEC, 0);
	assert_int_equal(num_asked, 8);
	assert_int_equal(wall, HOST + 200 * NSEC_PER_USEC);
}

// What nobody has asked for, and what is no number.
static void nonsense(void **state)
{
	static const char *const texts[] = { "", "x", "-1", "1 ", "99999999999999999999" };

	(void)state;
	answer(1, 1);
	for (unsigned i = 0; i < 5; i++) {
		wall_ask(&ctl);
		wall_take(&ctl, text_span(texts[i]));
	}
	assert_int_equal(wall, 0);
	for (unsigned i = 0; i < 8; i++)
		answer(1, 1);
	assert_int_equal(wall, HOST + 1);
	answer(5, 5);
	assert_int_equal(wall, HOST + 1);
}

static void the_host_does_not_read(void **state)
{
	(void)state;
	is_full = true;
	wall_ask(&ctl);
	answer(1, 1);
	assert_int_equal(wall, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(the_quickest_counts),
		TEST(nonsense),
		TEST(the_host_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
