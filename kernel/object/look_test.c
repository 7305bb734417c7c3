// SPDX-License-Identifier: MIT
#include "kernel/object/look.h"

#include "kernel/debug/log.h"
#include "kernel/debug/log_ring.h"
#include "kernel/object/all_test.h"
#include "kernel/object/channel.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/service.h"
#include "kernel/object/test_support.h"
#include "kernel/object/trace.h"
#include "kernel/object/system.h"
#include "libs/abi/folio.h"

static handle_t look;

static int setup(void **state)
{
	struct look *object;
	int failed = test_setup(state);

	assert_int_equal(look_object_create(self->account, &object), 0);
	assert_int_equal(
		handle_insert(&self->handles, &object->object, object->object.ops->rights, &look),
		0);
	object_put(&object->object);
	return failed;
}

#define look_case(name) cmocka_unit_test_setup_teardown(name, setup, test_teardown)

static error_t read_look(uint64_t kind, uint64_t argument, void *buffer, size_t size,
                         uint64_t *used)
{
	return sys_look_read((uintptr_t)look, kind, argument, (uintptr_t)buffer, size,
	                     (uintptr_t)used);
}

static void rights(void **state)
{
	struct look_memory memory;
	uint64_t used = 99;
	handle_t system;
	handle_t blind;

	(void)state;
	assert_int_equal(handle_insert(&self->handles, system_object(), RIGHTS_ALL, &system), 0);
	assert_int_equal(CALL_3(handle_duplicate, look, RIGHT_TRANSFER, &blind), 0);
	assert_int_equal(CALL_2(look_watch, blind, 0), ERR_ACCESS);
	assert_int_equal(CALL_2(look_watch, system, 0), ERR_WRONG_TYPE);
	assert_int_equal(sys_look_read((uintptr_t)blind, LOOK_MEMORY, 0, (uintptr_t)&memory,
	                               sizeof(memory), (uintptr_t)&used),
	                 ERR_ACCESS);
	assert_int_equal(sys_look_read((uintptr_t)system, LOOK_MEMORY, 0, (uintptr_t)&memory,
	                               sizeof(memory), (uintptr_t)&used),
	                 ERR_WRONG_TYPE);
	// A look is no more than that.
	assert_int_equal(CALL_2(system_power_off, look, 0), ERR_WRONG_TYPE);
	assert_int_equal(CALL_2(process_kill, look, 0), ERR_WRONG_TYPE);
	assert_int_equal(used, 99);
}

static void arguments(void **state)
{
	struct look_memory memory;
	uint64_t used = 99;

	(void)state;
	assert_int_equal(read_look(0, 0, &memory, sizeof(memory), &used), ERR_NOT_SUPPORTED);
	assert_int_equal(read_look(UINT64_MAX, 0, &memory, sizeof(memory), &used),
	                 ERR_NOT_SUPPORTED);
	assert_int_equal(read_look(LOOK_MEMORY, 1, &memory, sizeof(memory), &used), ERR_RANGE);
	assert_int_equal(read_look(LOOK_HARTS, 1, &memory, sizeof(memory), &used), ERR_RANGE);
	assert_int_equal(read_look(LOOK_PROCESSES, UINT64_MAX, &memory, sizeof(memory), &used),
	                 ERR_RANGE);
	assert_int_equal(read_look(LOOK_THREADS, 1ul << 32, &memory, sizeof(memory), &used),
	                 ERR_RANGE);
	assert_int_equal(read_look(LOOK_THREADS, UINT32_MAX, &memory, sizeof(memory), &used),
	                 ERR_NOT_FOUND);
	assert_int_equal(read_look(LOOK_MEMORY, 0, &memory, LOOK_MAX_BYTES + 1, &used),
	                 ERR_TOO_LARGE);
	assert_int_equal(CALL_2(look_watch, look, 4), ERR_INVALID);
	assert_int_equal(used, 99);
}

static void processes_come_by_number(void **state)
{
	struct process *others[20];
	struct look_process records[24];
	uint64_t used;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(process_create("other", &everything, 10, 1 << 20, &others[i]), 0);
	memset(records, 0, sizeof(records));
	assert_int_equal(read_look(LOOK_PROCESSES, 0, records, sizeof(records), &used), 0);
	assert_int_equal(used, 21 * sizeof(records[0]));
	assert_int_equal(records[0].id, self->id);
	assert_string_equal(records[0].name, "test");
	assert_int_equal(records[0].handles, self->handles.used);
	assert_int_equal(records[20].id, others[19]->id);
	assert_int_equal(records[20].memory_limit, 1 << 20);
	assert_int_equal(records[20].state, LOOK_RUNNING);
	assert_int_equal(records[21].id, 0);
	// From one on, and what does not fit is left out, whole.
	memset(records, 0, sizeof(records));
	assert_int_equal(read_look(LOOK_PROCESSES, others[3]->id, records,
	                           3 * sizeof(records[0]) - 1, &used),
	                 0);
	assert_int_equal(used, 17 * sizeof(records[0]));
	assert_int_equal(records[0].id, others[3]->id);
	assert_int_equal(records[1].id, others[4]->id);
	assert_int_equal(records[2].id, 0);
	for (size_t i = 0; i < 20; i++)
		test_end(others[i]);
	assert_int_equal(read_look(LOOK_PROCESSES, 0, records, sizeof(records), &used), 0);
	assert_int_equal(used, sizeof(records[0]));
}

static void take_3_ms(void *arg)
{
	(void)arg;
	host_advance(3 * NSEC_PER_MSEC);
}

static void wait_for_ever(void *arg)
{
	struct poll_event event;
	size_t n;

	(void)CALL_5(poll_wait, (handle_t)(uintptr_t)arg, &event, 1, NSEC_NEVER, &n);
}

static void threads_have_their_time(void **state)
{
	struct look_process process;
	struct look_thread threads[4];
	struct look_hart hart;
	uint64_t idle;
	uint64_t used;
	handle_t poll;

	(void)state;
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(read_look(LOOK_HARTS, 0, &hart, sizeof(hart), &used), 0);
	idle = hart.idle_ns;
	assert_int_equal(CALL_4(thread_create, wait_for_ever, (uintptr_t)poll, 0, NULL), 0);
	assert_int_equal(CALL_4(thread_create, take_3_ms, NULL, 0, NULL), 0);
	host_run(0);
	host_advance(5 * NSEC_PER_MSEC);
	// What ended threads had is not forgotten.
	assert_int_equal(read_look(LOOK_PROCESSES, self->id, &process, sizeof(process), &used), 0);
	assert_int_equal(process.cpu_ns, 3 * NSEC_PER_MSEC);
	assert_int_equal(process.threads, 1);
	assert_int_equal(process.waiting, 1);
	assert_int_equal(read_look(LOOK_THREADS, self->id, threads, sizeof(threads), &used), 0);
	assert_int_equal(used, sizeof(threads[0]));
	assert_int_equal(threads[0].process, self->id);
	assert_int_equal(threads[0].state, LOOK_THREAD_WAITING);
	assert_int_equal(threads[0].waits, LOOK_WAIT_POLL);
	assert_int_equal(threads[0].cpu_ns, 0);
	// The hart that sleeps now has its time up to now.
	assert_int_equal(read_look(LOOK_HARTS, 0, &hart, sizeof(hart), &used), 0);
	assert_int_equal(used, sizeof(hart));
	assert_int_equal(hart.idle_ns - idle, 5 * NSEC_PER_MSEC);
	// With its idle thread.
	assert_int_equal(read_look(LOOK_THREADS, 0, threads, sizeof(threads), &used), 0);
	assert_int_equal(used, 2 * sizeof(threads[0]));
	assert_int_equal(threads[0].idle, 1);
	assert_int_equal(threads[1].process, self->id);
}

static void memory_adds_up(void **state)
{
	struct look_memory before;
	struct look_memory memory;
	uint64_t used;
	handle_t folio;

	(void)state;
	assert_int_equal(read_look(LOOK_MEMORY, 0, &before, sizeof(before), &used), 0);
	assert_int_equal(CALL_3(folio_create, 3 * PAGE_SIZE, FOLIO_CONTIGUOUS, &folio), 0);
	assert_int_equal(read_look(LOOK_MEMORY, 0, &memory, sizeof(memory), &used), 0);
	assert_int_equal(used, sizeof(memory));
	assert_int_equal(memory.folios - before.folios, 3 * PAGE_SIZE);
	assert_int_equal(memory.handles - before.handles, 1);
	assert_int_equal(memory.objects - before.objects, 1);
	assert_true(before.free - memory.free >= 3 * PAGE_SIZE);
	assert_true(memory.kernel > before.kernel && memory.total >= memory.free);
}

static void a_process_is_opened_by_number(void **state)
{
	struct process *other;
	handle_t system;
	handle_t looking;
	handle_t process;

	(void)state;
	assert_int_equal(process_create("other", &everything, 10, 1 << 20, &other), 0);
	assert_int_equal(handle_insert(&self->handles, system_object(), RIGHTS_ALL, &system), 0);
	assert_int_equal(handle_insert(&self->handles, system_object(), RIGHT_READ, &looking), 0);
	assert_int_equal(CALL_3(system_open_process, system, 0, &process), ERR_NOT_FOUND);
	assert_int_equal(CALL_3(system_open_process, system, other->id + 1, &process),
	                 ERR_NOT_FOUND);
	assert_int_equal(CALL_3(system_open_process, system, (1ul << 32) + other->id, &process),
	                 ERR_NOT_FOUND);
	assert_int_equal(CALL_3(system_open_process, looking, other->id, &process), 0);
	assert_int_equal(CALL_1(process_kill, process), ERR_ACCESS);
	assert_int_equal(CALL_3(system_open_process, system, other->id, &process), 0);
	assert_int_equal(CALL_1(process_kill, process), 0);
	test_end(other);
}

static void the_log_is_told(void **state)
{
	static struct {
		struct look_ring ring;
		uint8_t bytes[8192];
	} told;
	const struct look_line *line = (const struct look_line *)(const void *)told.bytes;
	uint64_t used;
	uint64_t from;
	handle_t poll;

	(void)state;
	assert_int_equal(CALL_1(poll_create, &poll), 0);
	assert_int_equal(read_look(LOOK_LOG, UINT64_MAX, &told, sizeof(told), &used), 0);
	assert_int_equal(told.ring.count, 0);
	assert_int_equal(used, sizeof(told.ring));
	from = told.ring.next;
	assert_int_equal(CALL_4(poll_add, poll, look, READY_READABLE, 5), 0);
	assert_int_equal(test_ready(poll, 5), 0);
	klog_app("somebody", LOG_WARN, "a line", 6);
	klog(LOG_INFO, "number %d", 2);
	// Those who wait hear of it on the way out of the kernel.
	sched_send_kicks();
	assert_int_equal(test_ready(poll, 5), READY_READABLE);
	assert_int_equal(read_look(LOOK_LOG, from, &told, sizeof(told), &used), 0);
	assert_int_equal(told.ring.count, 2);
	assert_int_equal(told.ring.lost, 0);
	assert_int_equal(told.ring.next, from + 2);
	assert_int_equal(used, sizeof(told.ring) + LOOK_LINE_SIZE(6) + LOOK_LINE_SIZE(8));
	assert_int_equal(line->sequence, from);
	assert_int_equal(line->level, LOG_WARN);
	assert_string_equal(line->app, "somebody");
	assert_int_equal(line->length, 6);
	assert_memory_equal(line + 1, "a line\0\0", 8);
	line = (const struct look_line *)(const void *)(told.bytes + LOOK_LINE_SIZE(6));
	assert_string_equal(line->app, "kernel");
	assert_memory_equal(line + 1, "number 2", 8);
	assert_int_equal(test_ready(poll, 5), 0);
	assert_int_equal(read_look(LOOK_LOG, from, &told, LOOK_LINE_MAX, &used), ERR_TOO_LARGE);
}

// 10,000 lines, and a reader who comes back late: what it missed is counted, what it is told is
// whole.
static void a_slow_reader_of_the_log(void **state)
{
	static struct {
		struct look_ring ring;
		uint8_t bytes[3000];
	} told;
	char text[LOOK_LINE_MAX];
	uint64_t sequence;
	uint64_t lines = 0;
	uint64_t lost = 0;
	uint64_t used;
	uint64_t from;

	(void)state;
	assert_int_equal(read_look(LOOK_LOG, UINT64_MAX, &told, sizeof(told), &used), 0);
	from = told.ring.next;
	for (uint32_t i = 0; i < 10000; i++) {
		memset(text, 'a' + (int)(i % 26), sizeof(text));
		log_ring_add("flood", LOG_INFO, text, i * 7919 % (LOOK_LINE_MAX + 1), i);
	}
	sequence = from;
	do {
		size_t at = 0;

		assert_int_equal(read_look(LOOK_LOG, sequence, &told, sizeof(told), &used), 0);
		for (uint64_t n = 0; n < told.ring.count; n++) {
			struct look_line line;
			uint32_t i;

			memcpy(&line, told.bytes + at, sizeof(line));
			i = (uint32_t)(line.sequence - from);
			assert_int_equal(line.time_ns, i);
			assert_int_equal(line.length, i * 7919 % (LOOK_LINE_MAX + 1));
			for (size_t k = 0; k < line.length; k++)
				assert_int_equal(told.bytes[at + sizeof(line) + k], 'a' + i % 26);
			at += LOOK_LINE_SIZE(line.length);
		}
		assert_int_equal(at + sizeof(told.ring), used);
		lines += told.ring.count;
		lost += told.ring.lost;
		sequence = told.ring.next;
	} while (told.ring.count > 0);
	assert_int_equal(lines + lost, 10000);
	assert_true(lines > 500 && lost > 5000);
	assert_int_equal(sequence, from + 10000);
}

static void services_and_channels(void **state)
{
	static struct look_service services[64];
	struct look_channel_end ends[4];
	struct look_handle handles[16];
	struct message m = test_message(7, HANDLE_NONE);
	struct service *service;
	struct process *server;
	struct channel_end *end;
	struct object *accepted;
	handle_t connector;
	handle_t provided;
	handle_t client;
	uint64_t used;
	uint32_t id;

	(void)state;
	assert_int_equal(process_create("server", &everything, 10, 1 << 20, &server), 0);
	assert_int_equal(service_create("looked", self->account, &service), 0);
	id = service->id;
	assert_int_equal(service_give_provider(service, &server->handles, &provided), 0);
	service_note_provider(service, server->id);
	assert_int_equal(handle_insert(&self->handles, &service->connector, RIGHTS_ALL, &connector),
	                 0);
	object_put(&service->connector);
	assert_int_equal(CALL_2(service_connect, connector, &client), 0);
	assert_int_equal(read_look(LOOK_SERVICES, id, services, sizeof(services), &used), 0);
	assert_int_equal(used, sizeof(services[0]));
	assert_string_equal(services[0].name, "looked");
	assert_int_equal(services[0].provider, server->id);
	assert_int_equal(services[0].waiting, 1);
	assert_int_equal(service_object_accept(service, &end), 0);
	accepted = &end->object;
	assert_int_equal(CALL_2(channel_send, client, &m), 0);
	assert_int_equal(handle_insert(&server->handles, accepted, RIGHTS_ALL, &provided), 0);
	object_handle_put(accepted);
	assert_int_equal(read_look(LOOK_CHANNELS, 0, ends, sizeof(ends), &used), 0);
	assert_int_equal(used, 2 * sizeof(ends[0]));
	assert_int_equal(ends[0].channel, ends[1].channel);
	assert_int_equal(ends[0].process, self->id);
	assert_int_equal(ends[1].process, server->id);
	assert_int_equal(ends[0].handle, client);
	assert_int_equal(ends[0].end + 2 * ends[1].end, 2);
	assert_int_equal(ends[0].queued + 10 * ends[1].queued, 10);
	assert_int_equal(ends[0].service, id);
	assert_int_equal(ends[1].service, id);
	assert_int_equal(ends[0].closed, 0);
	assert_int_equal(read_look(LOOK_HANDLES, server->id, handles, sizeof(handles), &used), 0);
	assert_int_equal(used, 2 * sizeof(handles[0]));
	assert_int_equal(handles[0].type, OBJECT_SERVICE);
	assert_int_equal(handles[0].object, id);
	assert_int_equal(handles[1].type, OBJECT_CHANNEL);
	assert_int_equal(handles[1].object, ends[0].channel);
	assert_int_equal(handles[1].handle, provided);
	test_end(server);
	assert_int_equal(read_look(LOOK_CHANNELS, self->id, ends, sizeof(ends), &used), 0);
	assert_int_equal(used, sizeof(ends[0]));
	assert_int_equal(ends[0].closed, 1);
	assert_int_equal(read_look(LOOK_SERVICES, id, services, sizeof(services), &used), 0);
	assert_int_equal(services[0].provider, 0);
	assert_int_equal(read_look(LOOK_HANDLES, 0, handles, sizeof(handles), &used),
	                 ERR_NOT_FOUND);
}

// Events of the only hart from `*next` on. Returns how many.
static uint64_t read_trace(uint64_t *next, struct look_event *events, size_t max, uint64_t *lost)
{
	static struct {
		struct look_ring ring;
		struct look_event events[9000];
	} told;
	uint64_t used;

	assert_int_equal(read_look(LOOK_TRACE, LOOK_TRACE_FROM(0, *next), &told,
	                           sizeof(told.ring) + max * sizeof(told.events[0]), &used),
	                 0);
	assert_int_equal(used, sizeof(told.ring) + told.ring.count * sizeof(told.events[0]));
	memcpy(events, told.events, told.ring.count * sizeof(told.events[0]));
	*next = told.ring.next;
	*lost = told.ring.lost;
	return told.ring.count;
}

static void events_are_noted_while_somebody_looks(void **state)
{
	static struct look_event events[100];
	struct message m = test_message(7, HANDLE_NONE);
	struct look_channel_end told[2];
	uint64_t next = LOOK_TRACE_SEQUENCE_MAX;
	handle_t ends[2];
	uint64_t lost;
	uint64_t used;

	(void)state;
	assert_int_equal(CALL_1(channel_create, ends), 0);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
	assert_int_equal(read_trace(&next, events, 100, &lost), 0);
	assert_int_equal(next, 0);
	assert_int_equal(CALL_2(look_watch, look, LOOK_TRACE_EVENTS), 0);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
	assert_int_equal(CALL_2(channel_recv, ends[1], &m), 0);
	interrupt_fired(9);
	assert_int_equal(read_trace(&next, events, 2, &lost), 2);
	assert_int_equal(events[0].kind, LOOK_SEND);
	assert_int_equal(events[0].value, 7);
	assert_int_equal(events[1].kind, LOOK_RECEIVE);
	assert_int_equal(events[1].argument, events[0].argument);
	assert_int_equal(read_trace(&next, events, 100, &lost), 1);
	assert_int_equal(events[0].kind, LOOK_INTERRUPT);
	assert_int_equal(events[0].argument, 9);
	assert_int_equal(lost, 0);
	// Counted, not noted.
	assert_int_equal(CALL_2(look_watch, look, LOOK_COUNT), 0);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
	assert_int_equal(CALL_2(look_watch, look, 0), 0);
	assert_int_equal(CALL_2(channel_send, ends[0], &m), 0);
	assert_int_equal(read_trace(&next, events, 100, &lost), 0);
	assert_int_equal(read_look(LOOK_CHANNELS, self->id, told, sizeof(told), &used), 0);
	assert_int_equal(told[0].sent, 2);
	assert_int_equal(told[1].sent, 0);
	assert_int_equal(
		read_look(LOOK_TRACE, LOOK_TRACE_FROM(1, 0), events, sizeof(events), &used),
		ERR_RANGE);
	assert_int_equal(read_look(LOOK_TRACE, 0, events, 32, &used), ERR_TOO_LARGE);
	// It ends with the look.
	assert_int_equal(CALL_2(look_watch, look, LOOK_TRACE_EVENTS), 0);
	assert_int_equal(CALL_1(handle_close, look), 0);
	assert_int_equal(harts[0].looked_at, 0);
}

static void a_ring_that_overruns_says_so(void **state)
{
	static struct look_event events[9000];
	uint64_t next = 0;
	uint64_t lost;
	uint64_t count;

	(void)state;
	assert_int_equal(CALL_2(look_watch, look, LOOK_TRACE_EVENTS), 0);
	for (uint32_t i = 0; i < 20000; i++)
		trace_note(&harts[0], LOOK_FAULT, i, i);
	count = read_trace(&next, events, 9000, &lost);
	assert_int_equal(count + lost, 20000);
	// What the next event will be written over is not told.
	assert_int_equal(count, 8191);
	assert_int_equal(next, 20000);
	for (uint64_t i = 0; i < count; i++)
		assert_int_equal(events[i].value, lost + i);
}

static void interrupts_have_owners(void **state)
{
	struct look_interrupt lines[4];
	struct interrupt *interrupt;
	uint64_t used;
	uint64_t before = 0;

	(void)state;
	assert_int_equal(interrupt_object_create(77, &interrupt), 0);
	interrupt_set_owner(interrupt, self->id);
	assert_int_equal(read_look(LOOK_INTERRUPTS, 0, lines, sizeof(lines), &used), 0);
	before = lines[used / sizeof(lines[0]) - 1].count;
	interrupt_fired(77);
	assert_int_equal(read_look(LOOK_INTERRUPTS, 0, lines, sizeof(lines), &used), 0);
	assert_int_equal(lines[used / sizeof(lines[0]) - 1].line, 77);
	assert_int_equal(lines[used / sizeof(lines[0]) - 1].process, self->id);
	assert_int_equal(lines[used / sizeof(lines[0]) - 1].count, before + 1);
	object_put(interrupt_object(interrupt));
}

int test_looks(void)
{
	const struct CMUnitTest tests[] = {
		look_case(rights),
		look_case(arguments),
		look_case(processes_come_by_number),
		look_case(threads_have_their_time),
		look_case(memory_adds_up),
		look_case(a_process_is_opened_by_number),
		look_case(the_log_is_told),
		look_case(a_slow_reader_of_the_log),
		look_case(services_and_channels),
		look_case(interrupts_have_owners),
		look_case(events_are_noted_while_somebody_looks),
		look_case(a_ring_that_overruns_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
