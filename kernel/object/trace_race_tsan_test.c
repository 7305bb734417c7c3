// SPDX-License-Identifier: MIT
//
// A hart writes to its trace ring while another reads it: what is told is whole and in order, and
// what is not told is counted. Host threads, under ThreadSanitizer, which knows no fences.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/arch/host/host_threads.h"
#include "kernel/mm/page.h"
#include "kernel/object/channel.h"
#include "kernel/object/thread.h"
#include "kernel/object/trace.h"

#define EVENTS 400000u

struct hart harts[MAX_HARTS];
uint32_t num_harts = 1;
static struct thread writer = { .id = 7 };
static bool over;

uint64_t arch_ticks(void)
{
	return 1;
}

nsec_t arch_ticks_ns(uint64_t ticks)
{
	return ticks;
}

error_t page_alloc(unsigned order, paddr_t *out)
{
	void *pages = calloc(1, PAGE_SIZE << order);

	memcpy(out, &pages, sizeof(*out));
	return pages == NULL ? ERR_NO_MEMORY : 0;
}

void *page_to_virt(paddr_t paddr)
{
	return (void *)paddr;
}

void page_free(paddr_t page, unsigned order)
{
	(void)order;
	free((void *)page);
}

error_t look_rest(void)
{
	return 0;
}

static error_t write_here(uintptr_t address, const void *bytes, size_t len)
{
	memcpy((void *)address, bytes, len);
	return 0;
}

static void *write_events(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < EVENTS; i++)
		trace_note(&harts[0], LOOK_FAULT, i, i);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	return NULL;
}

static void nothing_is_torn(void **state)
{
	static struct {
		struct look_ring ring;
		struct look_event events[500];
	} told;
	uint64_t next = 0;
	uint64_t seen = 0;
	uint64_t lost = 0;
	uintptr_t thread;
	bool last;

	(void)state;
	harts[0].current = &writer;
	assert_int_equal(trace_make_rings(), 0);
	trace_set(LOOK_TRACE_EVENTS);
	thread = host_thread_start(write_events, NULL);
	do {
		struct look_out out = { .address = (uintptr_t)&told,
			                .size = sizeof(told),
			                .write = write_here };

		last = __atomic_load_n(&over, __ATOMIC_ACQUIRE);
		assert_int_equal(look_tell_trace(LOOK_TRACE_FROM(0, next), &out), 0);
		for (uint64_t i = 0; i < told.ring.count; i++) {
			assert_true(told.events[i].value >= next);
			assert_int_equal(told.events[i].argument, told.events[i].value);
			assert_int_equal(told.events[i].thread, 7);
			next = told.events[i].value + 1;
		}
		assert_true(told.ring.next >= next);
		next = told.ring.next;
		seen += told.ring.count;
		lost += told.ring.lost;
	} while (!last || told.ring.count > 0);
	assert_int_equal(seen + lost, EVENTS);
	host_thread_join(thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_torn) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
