// SPDX-License-Identifier: MIT
//
// A container whose guest is a script: what bootd says is written by the test, byte by byte, and
// what the container's owner hears is kept. What is beneath are the fakes of vm_fake.h.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/linux/run/guest_container_internal.h"
#include "libs/linux/vm/vm_fake.h"

// What the container's owner has heard, and how much output it takes.
struct heard {
	int status;
	bool lacked_memory;
	char error[VM_ERROR_MAX];
	uint32_t started, ended, lost, input_ready;
	char output[256];
	size_t output_len;
	size_t output_room;
};

// NULL once it has ended.
extern struct guest_container *container;
extern struct heard heard;
// What guest_read() has found.
extern uint8_t requests[8192];
extern size_t requests_len;
// What the next container gets.
extern handle_t connector, root_channel, writable_channel;

// Around each test, as cmocka calls them: a container with a root disk of 8 sectors, not started.
int setup(void **state);
// The same with a writable disk, which is not ready.
int setup_writable(void **state);
// The same with a network, which is not there yet.
int setup_network(void **state);
// See setup: with the host's folders.
int setup_files(void **state);
extern const struct vm_share test_share;
// See setup.
int teardown(void **state);
// Makes a container in a VM that was booted ahead, or in one of its own (NULL).
void create_container(struct vm *warm);

// The offset of a queue's buffers in the guest's memory.
uint32_t buffer_of(uint32_t queue);
// Sends bytes on a queue of the console.
void guest_send(uint32_t queue, const void *bytes, uint32_t len);
// Sends an event on the console's control queue.
void guest_control(uint32_t port, uint16_t event, uint16_t value);
// Boots: the driver comes up, bootd opens its control port and gives it buffers.
void guest_boot(void);
// Takes what came on the control port to the end of `requests`.
void guest_read(void);
// bootd sends a frame.
void guest_frame(uint16_t type, uint32_t process, uint32_t request, const void *body, uint32_t len);
// bootd says that it is ready.
void guest_ready(void);
// bootd answers a request with 0 or a negative error number of Linux.
void guest_reply(uint32_t request, int32_t linux_status);
// The process has ended (EXITED) or could not be started (FAILED).
void guest_exited(uint16_t type, uint32_t s);
// Output of an added process, at most 3996 bytes.
void guest_stream(uint32_t process, uint32_t stream, const void *bytes, uint32_t len);
// All from booting to a running process.
void guest_start(void);
// Expects that the container ends with this status, and an error that holds `part` (NULL: none).
void expect_end(int s, const char *part);
// Expects that bootd was sent these requests since the last time. Returns the offset of the last
// one's body.
size_t expect_requests(const uint16_t *types, size_t count);

#define EXPECT_REQUESTS(...)                               \
	expect_requests((const uint16_t[]){ __VA_ARGS__ }, \
	                sizeof((const uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t))

#define container_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
