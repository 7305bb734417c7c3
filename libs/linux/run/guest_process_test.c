// SPDX-License-Identifier: MIT
//
// Processes that are added to a container: their life, their streams' windows, and what a guest may
// not say of them.
#include <string.h>

#include "libs/linux/run/guest_fake.h"
#include "libs/linux/run/guest_process_internal.h"

#define MAX_PROCESSES (CONTROL_MAX_ADDED + 2)

// What the app has heard of each, and how much output it takes.
static struct process_heard {
	struct guest_process *process;
	uint32_t started, input_ready, ended;
	int status;
	char error[VM_ERROR_MAX];
	size_t output_len, output_room;
	uint8_t output[256];
	bool keeps;  // does not destroy it at its end
} processes[MAX_PROCESSES];

static void take_started(void *context)
{
	((struct process_heard *)context)->started++;
}

static size_t take_output(void *context, enum guest_stream stream, struct span bytes)
{
	struct process_heard *h = context;
	size_t n = bytes.len < h->output_room ? bytes.len : h->output_room;

	assert_true(stream == GUEST_STDOUT || stream == GUEST_STDERR);
	for (size_t i = 0; i < n; i++, h->output_len++)
		h->output[h->output_len % sizeof(h->output)] = bytes.data[i];
	h->output_room -= n;
	return n;
}

static void take_input_ready(void *context)
{
	((struct process_heard *)context)->input_ready++;
}

static void take_ended(void *context, int status, const char *error)
{
	struct process_heard *h = context;

	assert_int_equal(heard.ended, 0);
	h->ended++;
	h->status = status;
	strcpy(h->error, error != NULL ? error : "");
	if (!h->keeps)
		guest_process_destroy(h->process);
}

static const struct guest_process_ops ops = { .started = take_started,
	                                      .output = take_output,
	                                      .input_ready = take_input_ready,
	                                      .ended = take_ended };

static error_t exec(uint32_t i)
{
	processes[i] = (struct process_heard){ .output_room = SIZE_MAX };
	return guest_container_exec(container, text_span("{\"args\":[\"x\"]}"), &ops, &processes[i],
	                            &processes[i].process);
}

static void expect_ended(uint32_t i, int status, const char *error)
{
	turn();
	assert_int_equal(processes[i].ended, 1);
	assert_int_equal(processes[i].status, status);
	assert_string_equal(processes[i].error, error);
}

static void process_event(uint16_t type, uint32_t number, uint32_t status, const char *text)
{
	uint8_t body[64];

	memcpy(body, &status, sizeof(status));
	memcpy(body + sizeof(status), text, strlen(text));
	guest_frame(type, number, 0, body, (uint32_t)(sizeof(status) + strlen(text)));
}

// A container with one process, number 2, that runs.
static void start(void)
{
	guest_start();
	guest_read();
	requests_len = 0;
	assert_int_equal(exec(0), 0);
	guest_reply(vm->link.last_request, 0);
	guest_frame(CONTROL_EVENT_STARTED, 2, 0, NULL, 0);
	assert_int_equal(processes[0].started, 1);
	EXPECT_REQUESTS(CONTROL_START);
}

static void test_run(void **state)
{
	(void)state;
	start();
	guest_stream(2, CONTROL_STDOUT, "hello", 5);
	assert_memory_equal(processes[0].output, "hello", 5);
	process_event(CONTROL_EVENT_EXITED, 2, 7, "");
	assert_int_equal(processes[0].ended, 0);  // from the loop
	expect_ended(0, 7, "");
	// The next has a number of its own.
	assert_int_equal(exec(0), 0);
	guest_frame(CONTROL_EVENT_STARTED, 3, 0, NULL, 0);
	assert_int_equal(processes[0].started, 1);
	process_event(CONTROL_EVENT_EXITED, 3, 0, "");
	expect_ended(0, 0, "");
}

static void test_when(void **state)
{
	(void)state;
	assert_int_equal(exec(0), ERR_BAD_STATE);
	guest_boot();
	guest_ready();
	assert_int_equal(exec(0), ERR_BAD_STATE);
	for (uint32_t i = 1; i <= 4; i++)
		guest_reply(i, 0);
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	for (uint32_t i = 0; i < CONTROL_MAX_ADDED; i++)
		assert_int_equal(exec(i), 0);
	assert_int_equal(exec(CONTROL_MAX_ADDED), ERR_LIMIT);
	guest_frame(CONTROL_EVENT_STARTED, 5, 0, NULL, 0);
	process_event(CONTROL_EVENT_EXITED, 5, 0, "");
	assert_int_equal(exec(CONTROL_MAX_ADDED), 0);
	guest_exited(CONTROL_EVENT_EXITED, 0);
	assert_int_equal(exec(CONTROL_MAX_ADDED + 1), ERR_BAD_STATE);
	expect_end(0, NULL);
}

static void test_not_executed(void **state)
{
	(void)state;
	guest_start();
	assert_int_equal(exec(0), 0);
	guest_reply(vm->link.last_request, 0);
	process_event(CONTROL_EVENT_FAILED, 2, 127, "exec: \"x\": not \x1b[found");
	expect_ended(0, 127, "exec: \"x\": not ?[found");
	assert_int_equal(processes[0].started, 0);
	// A reply that is no success is all that comes.
	assert_int_equal(exec(0), 0);
	guest_reply(vm->link.last_request, -22);
	expect_ended(0, 126, "the process could not be started");
	assert_int_equal(heard.ended, 0);
}

// A slow reader holds up what it reads, and gets all of it.
static void test_output_waits(void **state)
{
	uint8_t bytes[2048] = { 1 };

	(void)state;
	start();
	processes[0].output_room = 100;
	for (uint32_t sent = 0; sent < CONTROL_WINDOW; sent += sizeof(bytes))
		guest_stream(2, CONTROL_STDERR, bytes, sizeof(bytes));
	assert_int_equal(processes[0].output_len, 100);
	process_event(CONTROL_EVENT_EXITED, 2, 3, "");
	turn();
	assert_int_equal(processes[0].ended, 0);
	processes[0].output_room = 50;
	guest_process_output_resume(processes[0].process, GUEST_STDERR);
	assert_int_equal(processes[0].output_len, 150);
	processes[0].output_room = SIZE_MAX;
	guest_process_output_resume(processes[0].process, GUEST_STDERR);
	assert_int_equal(processes[0].output_len, CONTROL_WINDOW);
	expect_ended(0, 3, "");
}

// bootd is told when half a window was used up.
static void test_output_widens(void **state)
{
	uint8_t bytes[2048] = { 1 };
	struct control_window window;

	(void)state;
	start();
	for (uint32_t sent = 0; sent < CONTROL_WINDOW / 2; sent += sizeof(bytes))
		guest_stream(2, CONTROL_STDOUT, bytes, sizeof(bytes));
	memcpy(&window, requests + EXPECT_REQUESTS(CONTROL_STREAM_WINDOW), sizeof(window));
	assert_int_equal(window.stream, CONTROL_STDOUT);
	assert_int_equal(window.bytes, CONTROL_WINDOW / 2);
}

// The driver takes what it was sent: how many bytes of input were among it.
static size_t read_input(void)
{
	struct control_header header;
	size_t input = 0;

	guest_read();
	for (size_t at = 0; at < requests_len; at += sizeof(header) + header.length) {
		memcpy(&header, requests + at, sizeof(header));
		assert_int_equal(header.type, CONTROL_STREAM_DATA);
		assert_int_equal(header.request, 0);
		input += header.length - sizeof(struct control_stream);
	}
	requests_len = 0;
	return input;
}

static void test_input_has_a_window(void **state)
{
	static const uint8_t bytes[CONTROL_WINDOW + 1];
	struct control_window window = { CONTROL_STDIN, CONTROL_WINDOW / 2 };
	struct guest_process *p;

	(void)state;
	start();
	p = processes[0].process;
	assert_int_equal(guest_process_stdin_write(p, (struct span){ bytes, 5 }), 5);
	assert_int_equal(read_input(), 5);
	assert_int_equal(guest_process_stdin_write(p, (struct span){ bytes, sizeof(bytes) }),
	                 CONTROL_WINDOW - 5);
	assert_int_equal(guest_process_stdin_write(p, (struct span){ bytes, 1 }), 0);
	assert_int_equal(processes[0].input_ready, 0);
	guest_frame(CONTROL_STREAM_WINDOW, 2, 0, &window, sizeof(window));
	assert_int_equal(processes[0].input_ready, 1);
	assert_int_equal(guest_process_stdin_write(p, (struct span){ bytes, 7 }), 7);
	guest_process_stdin_close(p);
	guest_process_stdin_close(p);
	assert_int_equal(guest_process_stdin_write(p, (struct span){ bytes, 7 }), 7);
	process_event(CONTROL_EVENT_EXITED, 2, 0, "");
	assert_int_equal(guest_process_stdin_write(p, (struct span){ bytes, 7 }), 7);
	expect_ended(0, 0, "");
}

static void test_container_ends(void **state)
{
	(void)state;
	start();
	assert_int_equal(exec(1), 0);
	processes[0].keeps = true;
	processes[0].output_room = 1;
	guest_stream(2, CONTROL_STDOUT, "hello", 5);
	guest_exited(CONTROL_EVENT_EXITED, 4);
	expect_end(4, NULL);
	expect_ended(0, 137, "");
	expect_ended(1, 137, "");
	// It is the app's still, and does nothing.
	guest_process_signal(processes[0].process, 15);
	guest_process_output_resume(processes[0].process, GUEST_STDOUT);
	guest_process_output_close(processes[0].process, GUEST_STDOUT);
	guest_process_stdin_close(processes[0].process);
	guest_process_destroy(processes[0].process);
}

static void test_container_fails(void **state)
{
	(void)state;
	start();
	machine_ends(MACHINE_END_REBOOT);
	turn();
	assert_int_equal(processes[0].status, 137);
	assert_non_null(strstr(processes[0].error, "panicked"));
}

static void test_destroyed(void **state)
{
	uint32_t number;

	(void)state;
	start();
	processes[0].output_room = 1;
	guest_stream(2, CONTROL_STDOUT, "hello", 5);
	guest_process_destroy(processes[0].process);
	memcpy(&number, requests + EXPECT_REQUESTS(CONTROL_SIGNAL), sizeof(number));
	assert_int_equal(number, 9);
	guest_stream(2, CONTROL_STDOUT, "hello", 5);
	process_event(CONTROL_EVENT_EXITED, 2, 137, "");
	turn();
	assert_int_equal(processes[0].ended, 0);
	assert_int_equal(processes[0].output_len, 1);
	assert_true(list_is_empty(&container->processes));
}

static void test_requests(void **state)
{
	struct control_resize size;
	struct control_stream stream;

	(void)state;
	start();
	guest_process_signal(processes[0].process, 15);
	guest_process_signal(processes[0].process, 65);
	guest_reply(vm->link.last_request, -3);  // it has just ended
	guest_process_resize(processes[0].process, 3, 4);
	memcpy(&size, requests + EXPECT_REQUESTS(CONTROL_SIGNAL, CONTROL_RESIZE), sizeof(size));
	assert_int_equal(size.columns, 4);
	guest_process_output_close(processes[0].process, GUEST_STDERR);
	guest_process_output_close(processes[0].process, GUEST_STDERR);
	memcpy(&stream, requests + EXPECT_REQUESTS(CONTROL_STREAM_END), sizeof(stream));
	assert_int_equal(stream.stream, CONTROL_STDERR);
	assert_int_equal(heard.ended, 0);
}

static void hostile(uint32_t which)
{
	uint8_t bytes[2048] = { 0 };
	struct control_window window = { CONTROL_STDIN, 1 };

	switch (which) {
	case 0: guest_stream(3, CONTROL_STDOUT, "x", 1); break;  // of nobody
	case 1: guest_stream(2, CONTROL_STDIN, "x", 1); break;
	case 2: guest_stream(2, 3, "x", 1); break;
	case 3: guest_stream(2, CONTROL_STDOUT, "", 0); break;
	case 4: guest_frame(CONTROL_STREAM_DATA, 2, 0, "x", 1); break;
	case 5: guest_frame(CONTROL_STREAM_WINDOW, 2, 0, &window, sizeof(window)); break;
	case 6: guest_frame(CONTROL_STREAM_WINDOW, 2, 0, &window, 4); break;
	case 7: guest_frame(CONTROL_STREAM_END, 2, 0, &window, 4); break;
	case 8: guest_frame(CONTROL_EVENT_STARTED, 2, 0, NULL, 0); break;  // again
	case 9: process_event(CONTROL_EVENT_FAILED, 2, 127, ""); break;    // after STARTED
	case 10: process_event(CONTROL_EVENT_EXITED, 2, 256, ""); break;
	case 11:
		process_event(CONTROL_EVENT_EXITED, 2, 0, "");
		guest_stream(2, CONTROL_STDOUT, "x", 1);
		break;
	default:
		processes[0].output_room = 0;
		for (uint32_t sent = 0; sent <= CONTROL_WINDOW; sent += sizeof(bytes))
			guest_stream(2, CONTROL_STDOUT, bytes, sizeof(bytes));
		break;
	}
}

static void test_hostile(void **state)
{
	for (uint32_t i = 0; i < 13; i++) {
		if (i > 0)
			setup(state);
		start();
		hostile(i);
		expect_end(125, "broke the control protocol");
		assert_int_equal(processes[0].ended, 1);
		if (i < 12)
			teardown(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		container_case(test_run),
		container_case(test_when),
		container_case(test_not_executed),
		container_case(test_output_waits),
		container_case(test_output_widens),
		container_case(test_input_has_a_window),
		container_case(test_container_ends),
		container_case(test_container_fails),
		container_case(test_destroyed),
		container_case(test_requests),
		container_case(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
