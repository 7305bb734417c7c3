// SPDX-License-Identifier: MIT
//
// Output that a channel or memory has no room for, over a fake of the kernel and of the container.
#include "libs/linux/api/task.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "libs/starina/clients_fake.h"

#define BYTES 4096u  // more than a message takes without a folio

static struct loop loop;
static struct linux_runtime runtime;
static struct task task;
static bool out_of_memory;
static unsigned num_resumed;
static size_t left;  // of BYTES

static void write_output(void)
{
	static const uint8_t bytes[BYTES];

	fake_memory_fail(out_of_memory ? 1 : 0);
	left -= task_output_write(&task.out, (struct span){ .data = bytes, .len = left });
}

void guest_container_output_resume(struct guest_container *c, enum guest_stream stream)
{
	(void)c;
	assert_int_equal(stream, GUEST_STDOUT);
	num_resumed++;
	write_output();
}

void guest_container_output_close(struct guest_container *c, enum guest_stream stream)
{
	(void)c;
	(void)stream;
}

size_t guest_container_stdin_write(struct guest_container *c, struct span bytes)
{
	(void)c;
	return bytes.len;
}

void guest_container_stdin_close(struct guest_container *c)
{
	(void)c;
}

void task_fail(struct task *t, int status, const char *format, ...)
{
	(void)t;
	(void)status;
	fail_msg("%s", format);
}

static int setup(void **state)
{
	static char container;

	(void)state;
	fake_reset();
	assert_int_equal(loop_init(&loop), 0);
	runtime = (struct linux_runtime){ .supply.loop = &loop };
	task = (struct task){ .runtime = &runtime };
	task.container = (struct guest_container *)(void *)&container;
	task.out = (struct task_output){ .task = &task,
		                         .stream = GUEST_STDOUT,
		                         .stdio = COMMAND_PIPED };
	task.err.task = &task;
	assert_int_equal(task_streams_open(&task), 0);
	out_of_memory = false;
	num_resumed = 0;
	left = BYTES;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	task_streams_close(&task);
	task_streams_free(&task);
	loop_deinit(&loop);
	assert_int_equal(fake_num_handles(), 0);
	return 0;
}

static void turn(unsigned times)
{
	while (times-- > 0)
		(void)loop_turn(&loop, 0);
}

static void output_waits_for_memory_without_a_spin(void **state)
{
	(void)state;
	out_of_memory = true;
	write_output();
	assert_int_equal(left, BYTES);
	turn(10);
	assert_int_equal(num_resumed, 0);
	fake_time_pass(NSEC_PER_SEC);
	turn(10);
	assert_int_equal(num_resumed, 1);  // there is still none
	assert_int_equal(left, BYTES);
	out_of_memory = false;
	fake_time_pass(NSEC_PER_SEC);
	turn(10);
	assert_int_equal(left, 0);
	assert_int_equal(num_resumed, 2);
}

static void output_waits_for_the_reader(void **state)
{
	struct message m;
	handle_t folio;

	(void)state;
	for (unsigned i = 0; i < CHANNEL_MAX_QUEUED; i++) {
		left = BYTES;
		write_output();
		assert_int_equal(left, 0);
	}
	left = BYTES;
	write_output();
	turn(10);
	assert_int_equal(left, BYTES);
	assert_int_equal(num_resumed, 0);
	assert_true(fake_take(task.out.app_end, &m, &folio));
	handle_close(folio);
	turn(10);
	assert_int_equal(left, 0);
}

static void a_reader_that_leaves_ends_the_wait(void **state)
{
	(void)state;
	out_of_memory = true;
	write_output();
	handle_close(task_take_end(&task.out.app_end));
	turn(10);
	assert_false(task.out.pipe_open);
	out_of_memory = false;
	fake_time_pass(NSEC_PER_SEC);
	turn(10);
	assert_int_equal(num_resumed, 1);  // it was told that nobody reads
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(output_waits_for_memory_without_a_spin, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(output_waits_for_the_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_that_leaves_ends_the_wait, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
