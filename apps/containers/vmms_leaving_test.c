// SPDX-License-Identifier: MIT
// Processes that are to end, and do not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "libs/base/string.h"

static struct containers all;
static char stopped[APP_NAME_MAX];
static unsigned num_stopped;
static nsec_t now, deadline;
static struct source *source;

void vmms_stop(struct containers *of, const char *app)
{
	assert_ptr_equal(of, &all);
	str_copy(stopped, app, sizeof(stopped));
	num_stopped++;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = now;
	return 0;
}

error_t timer_create(handle_t *out)
{
	*out = 1;
	return 0;
}

error_t timer_set(handle_t timer, nsec_t at)
{
	assert_int_equal(timer, 1);
	deadline = at;
	return 0;
}

error_t loop_add(struct loop *loop, struct source *of, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	(void)loop;
	(void)handle;
	source = of;
	source->ops = ops;
	source->context = context;
	return 0;
}

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

_Noreturn void assert_failed(const char *expression, const char *file, int line)
{
	fail_msg("%s:%d: %s", file, line, expression);
	__builtin_unreachable();
}

void *heap_alloc(size_t size)
{
	return test_calloc(1, size);
}

void heap_free(void *memory)
{
	test_free(memory);
}

static void pass(unsigned seconds)
{
	now += seconds * NSEC_PER_SEC;
	if (deadline <= now)
		source->ops->signalled(&all.loop, source);
}

static void check_stopped(unsigned count, const char *app)
{
	assert_int_equal(num_stopped, count);
	assert_string_equal(stopped, app);
}

static int setup(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	all.has_manager = true;
	num_stopped = 0;
	stopped[0] = '\0';
	assert_int_equal(leaving_init(&all), 0);
	return 0;
}

static void test_ends(void **state)
{
	(void)state;
	leaving_add(&all, "", false);
	assert_int_equal(leaving_count(&all), 0);
	leaving_add(&all, "vmm.1", false);
	pass(5);
	leaving_add(&all, "vmm.1", true);
	leaving_add(&all, "vmm.2", false);
	leaving_add(&all, "vmm.3", true);
	assert_int_equal(leaving_count(&all), 3);
	assert_true(leaving_ended(&all, "vmm.2"));
	assert_false(leaving_ended(&all, "vmm.2"));
	pass(5);
	check_stopped(1, "vmm.1");
	pass(100);
	check_stopped(1, "vmm.1");
	pass(600);
	check_stopped(2, "vmm.3");
	assert_int_equal(leaving_count(&all), 0);
	assert_int_equal(deadline, NSEC_NEVER);
}

// Nobody can end it meanwhile.
static void test_no_manager(void **state)
{
	(void)state;
	leaving_add(&all, "vmm.1", false);
	all.has_manager = false;
	pass(60);
	check_stopped(0, "");
	assert_false(leaving_hurry(&all));
	all.has_manager = true;
	pass(60);
	check_stopped(1, "vmm.1");
}

// One that may be about to end does so by itself.
static void test_hurry(void **state)
{
	(void)state;
	assert_false(leaving_hurry(&all));
	leaving_add(&all, "vmm.1", true);
	assert_false(leaving_hurry(&all));
	pass(11);
	assert_true(leaving_hurry(&all));
	check_stopped(1, "vmm.1");
	assert_int_equal(leaving_count(&all), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ends, setup),
		cmocka_unit_test_setup(test_no_manager, setup),
		cmocka_unit_test_setup(test_hurry, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
