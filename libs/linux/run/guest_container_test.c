// SPDX-License-Identifier: MIT
//
// A container's life: from bootd's first word to its status, and what a guest may not do on the
// way.
#include <string.h>

#include "libs/linux/run/guest_fake.h"

static void test_run(void **state)
{
	static const uint16_t types[] = { CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_CREATE,
		                          CONTROL_START };
	size_t at = 0;

	(void)state;
	guest_start();
	assert_int_equal(heard.started, 1);
	guest_read();
	for (uint32_t i = 0; i < 4; i++) {
		struct control_header header;

		assert_true(at + sizeof(header) <= requests_len);
		memcpy(&header, requests + at, sizeof(header));
		assert_int_equal(header.type, types[i]);
		assert_int_equal(header.request, i + 1);
		if (i == 0)
			assert_memory_equal(requests + at + sizeof(header) +
			                            sizeof(struct control_configure),
			                    "{}", 2);
		at += sizeof(header) + header.length;
	}
	assert_int_equal(at, requests_len);
	guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_STDOUT), "hello", 5);
	guest_exited(CONTROL_EVENT_EXITED, 7);
	expect_end(7, NULL);
	assert_false(heard.lacked_memory);
	assert_int_equal(heard.output_len, 5);
	assert_memory_equal(heard.output, "hello", 5);
}

// The app takes its time with the output; the end waits, but the guest does not go on.
static void test_output_outlives_guest(void **state)
{
	(void)state;
	guest_start();
	heard.output_room = 2;
	guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_STDOUT), "hello", 5);
	guest_exited(CONTROL_EVENT_EXITED, 0);
	turn();
	assert_int_equal(heard.ended, 0);
	assert_int_equal(vm->machine.num_running, 0);
	heard.output_room = 100;
	guest_container_output_resume(container, GUEST_STDOUT);
	expect_end(0, NULL);
	assert_memory_equal(heard.output, "hello", 5);
}

static void hostile_before_ready(uint32_t which)
{
	switch (which) {
	case 0: guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0); break;
	case 1: guest_exited(CONTROL_EVENT_EXITED, 0); break;
	case 2:
		guest_reply(1, 0);  // to no request
		break;
	case 3: guest_frame(CONTROL_EVENT_READY, 0, 0, "short", 5); break;
	case 4:
		guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_CONTROL),
		           "this is not a frame of the protocol", 32);
		break;
	default:
		guest_frame(CONTROL_CONFIGURE, 0, 0, NULL, 0);  // not for the guest to send
		break;
	}
}

static void test_want_of_memory(void **state)
{
	(void)state;
	guest_start();
	guest_exited(CONTROL_EVENT_EXITED, 137 | CONTROL_EXITED_OOM);
	expect_end(137, NULL);
	assert_true(heard.lacked_memory);
}

static void hostile_while_running(uint32_t which)
{
	struct control_header header = { .magic = CONTROL_MAGIC,
		                         .version = CONTROL_VERSION,
		                         .type = CONTROL_REPLY,
		                         .length = CONTROL_LINK_MAX_BODY + 1 };

	switch (which) {
	case 0:
		guest_ready();  // again
		break;
	case 1: guest_exited(CONTROL_EVENT_EXITED, 256); break;
	case 2: guest_exited(CONTROL_EVENT_FAILED, 0); break;
	case 3: guest_reply(UINT32_MAX, 0); break;
	case 4:
		guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_CONTROL), &header, sizeof(header));
		break;
	case 5:
		guest_reply(4, -5);  // once more
		break;
	default: guest_frame(0xffff, 1, 0, NULL, 0); break;
	}
}

static void test_hostile_frames(void **state)
{
	for (uint32_t i = 0; i < 13; i++) {
		if (i > 0)
			setup(state);
		if (i < 6) {
			guest_boot();
			hostile_before_ready(i);
		} else {
			guest_start();
			hostile_while_running(i - 6);
		}
		expect_end(125, "broke the control protocol");
		if (i < 12)
			teardown(state);
	}
}

static void test_refused_requests(void **state)
{
	(void)state;
	guest_boot();
	guest_ready();
	guest_reply(1, 0);
	guest_reply(2, INT32_MIN);
	expect_end(125, "bootd refused");
}

static void test_not_found(void **state)
{
	(void)state;
	guest_start();
	guest_exited(CONTROL_EVENT_FAILED, 127);
	expect_end(127, "could not be started");
}

static void test_never_ready(void **state)
{
	(void)state;
	guest_boot();
	now += VM_PATIENCE - 1;
	turn();
	assert_int_equal(heard.ended, 0);
	now += 1;
	expect_end(125, "did not boot");
}

static void test_never_started(void **state)
{
	(void)state;
	guest_boot();
	guest_ready();
	now += VM_PATIENCE;
	expect_end(125, "did not start its container");
}

// A container that runs may be silent for ever.
static void test_patience_ends(void **state)
{
	(void)state;
	guest_start();
	now += 100 * VM_PATIENCE;
	turn();
	assert_int_equal(heard.ended, 0);
}

static void test_guest_dies(void **state)
{
	static const struct {
		enum machine_end end;
		const char *text;
	} deaths[] = {
		{ MACHINE_END_SHUTDOWN, "powered off" },
		{ MACHINE_END_REBOOT, "panicked" },
		{ MACHINE_END_FAULT, "fault" },
		{ MACHINE_END_ERROR, "could not be run" },
	};

	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		guest_start();
		machine_ends(deaths[i].end);
		expect_end(125, deaths[i].text);
	}
}

static void test_signals_before_start(void **state)
{
	(void)state;
	guest_boot();
	guest_container_signal(container, 28);  // SIGWINCH
	guest_container_signal(container, 0);
	guest_container_signal(container, 65);
	turn();
	assert_int_equal(heard.ended, 0);
	guest_container_signal(container, 15);
	expect_end(143, NULL);
}

static void test_signal_while_loading(void **state)
{
	(void)state;
	guest_container_start(container);
	guest_container_signal(container, 2);
	assert_int_equal(heard.ended, 0);  // the disk still writes into the machine
	expect_end(130, NULL);
}

// bootd hears of this signal, and of nothing else.
static void expect_signal(uint32_t expected)
{
	struct control_header header;
	uint32_t number;

	guest_read();
	assert_int_equal(requests_len, sizeof(header) + sizeof(struct control_signal));
	memcpy(&header, requests, sizeof(header));
	assert_int_equal(header.type, CONTROL_SIGNAL);
	memcpy(&number, requests + sizeof(header), sizeof(number));
	assert_int_equal(number, expected);
}

static void test_signal_reaches_bootd(void **state)
{
	(void)state;
	guest_start();
	guest_read();
	requests_len = 0;
	guest_container_signal(container, 15);
	expect_signal(15);
	guest_container_signal(container, 9);
	expect_end(137, NULL);
}

// The guest is to write out what the container has written.
static void test_kill_inside(void **state)
{
	(void)state;
	guest_start();
	guest_read();
	requests_len = 0;
	guest_container_kill_inside(container);
	expect_signal(9);
	assert_int_equal(heard.ended, 0);
	guest_container_kill(container);
	expect_end(137, NULL);
}

static void test_kill_inside_before_start(void **state)
{
	(void)state;
	guest_boot();
	guest_container_kill_inside(container);
	expect_end(137, NULL);
}

static void test_output_closed(void **state)
{
	struct virtio_console_control message;
	const struct virtq_used *used;
	uint32_t queue = VIRTIO_CONSOLE_QUEUE_CONTROL_RX;

	(void)state;
	guest_start();
	guest_container_output_close(container, GUEST_STDOUT);
	used = test_used(guest, queue);
	memcpy(&message,
	       guest->memory + buffer_of(queue) +
	               used->ring[(used->idx - 1u) % TEST_QUEUE_SIZE].id * 16,
	       sizeof(message));
	assert_int_equal(message.id, GUEST_PORT_STDOUT);
	assert_int_equal(message.event, VIRTIO_CONSOLE_PORT_OPEN);
	assert_int_equal(message.value, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		container_case(test_run),
		container_case(test_output_outlives_guest),
		container_case(test_want_of_memory),
		container_case(test_hostile_frames),
		container_case(test_refused_requests),
		container_case(test_not_found),
		container_case(test_never_ready),
		container_case(test_never_started),
		container_case(test_patience_ends),
		container_case(test_guest_dies),
		container_case(test_signals_before_start),
		container_case(test_signal_while_loading),
		container_case(test_signal_reaches_bootd),
		container_case(test_kill_inside),
		container_case(test_kill_inside_before_start),
		container_case(test_output_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
