// SPDX-License-Identifier: MIT
//
// All tests of the kernel's objects and calls in one program: they share the kernel and the fake
// machine.
#include "kernel/object/all_test.h"

#include <stdio.h>

#include "kernel/object/channel.h"
#include "kernel/object/test_support.h"
#include "kernel/object/trace.h"

struct process *self;
const struct app_image everything = { .data_start = (uint8_t *)PAGE_SIZE,
	                              .bss_end = (uint8_t *)UINTPTR_MAX };

static struct {
	uint64_t objects;
	uint64_t handles;
	uint64_t pages;
	size_t blocks;
} before;

static void begin(uint32_t handles, uint64_t memory)
{
	assert_int_equal(process_create("test", &everything, handles, memory, &self), 0);
	host_enter_process(self);
}

int test_setup(void **state)
{
	(void)state;
	host_init();
	before.objects = object_count();
	before.handles = handle_count();
	before.pages = page_free_count();
	before.blocks = host_kmalloc_live();
	begin(APP_DEFAULT_HANDLES, 64ul * 1024 * 1024);
	return 0;
}

void test_end(struct process *process)
{
	if (process == self)
		host_enter_process(NULL);
	process_end_begin(process, PROCESS_END_KILLED, 0);
	host_run(NSEC_NEVER);
	object_put(&process->object);
}

void test_limits(uint32_t handles, uint64_t memory)
{
	test_end(self);
	begin(handles, memory);
}

int test_teardown(void **state)
{
	(void)state;
	test_end(self);
	channel_trim();
	trace_trim();
	assert_int_equal(object_count(), before.objects);
	assert_int_equal(handle_count(), before.handles);
	assert_int_equal(page_free_count(), before.pages);
	assert_int_equal(host_kmalloc_live(), before.blocks);
	return 0;
}

struct message test_message(uint32_t type, handle_t handle)
{
	struct message m = { .type = type };

	if (handle != HANDLE_NONE) {
		m.handles[0] = handle;
		m.num_handles = 1;
	}
	return m;
}

uint32_t test_ready(handle_t poll, uint64_t cookie)
{
	struct poll_event events[POLL_MAX_BATCH];
	size_t n;

	if (CALL_5(poll_wait, poll, events, POLL_MAX_BATCH, 0, &n) != 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (events[i].cookie == cookie)
			return events[i].ready;
	}
	return 0;
}

int main(void)
{
	int failed = 0;

	failed += test_handles();
	failed += test_channels();
	failed += test_channel_transit();
	failed += test_polls();
	failed += test_poll_recv();
	failed += test_poll_give();
	failed += test_poll_pairs();
	failed += test_timers();
	failed += test_folios();
	failed += test_processes();
	failed += test_spaces();
	failed += test_space_folios();
	failed += test_space_ranges();
	failed += test_preemption();
	failed += test_launchers();
	failed += test_launchers_giving();
	failed += test_runtimes();
	failed += test_looks();
	failed += test_look_times();
	failed += test_services_plan();
	failed += test_services();
	return failed == 0 ? 0 : 1;
}
