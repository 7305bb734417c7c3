// SPDX-License-Identifier: MIT
//
// The end of a process that was added to a container: why it failed is told though what has said so
// is gone.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/linux/api/container_internal.h"
#include "libs/linux/run/guest_process.h"

struct guest_process {
	char error[64];
};

static const struct guest_process_ops *ops;
static void *ops_context;
static struct guest_process *guest;
static int told_status;
static char told[64];

error_t guest_container_exec(struct guest_container *c, struct span process,
                             const struct guest_process_ops *callbacks, void *context,
                             struct guest_process **out)
{
	(void)c;
	(void)process;
	ops = callbacks;
	ops_context = context;
	*out = guest = calloc(1, sizeof(*guest));
	return 0;
}

void guest_process_destroy(struct guest_process *p)
{
	free(p);
}

size_t guest_process_stdin_write(struct guest_process *p, struct span bytes)
{
	(void)p;
	return bytes.len;
}

void guest_process_stdin_close(struct guest_process *p)
{
	(void)p;
}

void guest_process_output_resume(struct guest_process *p, enum guest_stream stream)
{
	(void)p;
	(void)stream;
}

void guest_process_signal(struct guest_process *p, uint32_t number)
{
	(void)p;
	(void)number;
}

void guest_process_resize(struct guest_process *p, uint16_t rows, uint16_t columns)
{
	(void)p;
	(void)rows;
	(void)columns;
}

error_t task_exec_write(struct task *task, const struct container_exec *exec, struct json_writer *w)
{
	(void)task;
	(void)exec;
	(void)w;
	return 0;
}

bool task_collect_reserve(struct span *collected, size_t *capacity, size_t len)
{
	(void)collected;
	(void)capacity;
	(void)len;
	return false;
}

error_t loop_turn(struct loop *loop, nsec_t deadline)
{
	(void)loop;
	(void)deadline;
	fail();
	return 0;
}

static void done(void *context, struct container_process *process, int status, const char *error)
{
	(void)context;
	(void)process;
	told_status = status;
	strncpy(told, error != NULL ? error : "", sizeof(told) - 1);
}

static void test_why_it_failed(void **state)
{
	static const char *const args[] = { "x", NULL };
	struct container_exec exec = { .args = args, .done = done };
	struct linux_runtime runtime = { 0 };
	struct container container = {
		.task = { .runtime = &runtime, .container = (void *)&runtime, .started = true }
	};
	struct container_process *process;

	(void)state;
	assert_int_equal(container_exec(&container, &exec, &process), 0);
	strcpy(guest->error, "no such program");
	ops->ended(ops_context, 127, guest->error);
	assert_int_equal(told_status, 127);
	assert_string_equal(told, "no such program");
	container_process_free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_why_it_failed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
