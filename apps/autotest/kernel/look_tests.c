// SPDX-License-Identifier: MIT
#include "apps/autotest/kernel/launch.h"
#include "libs/abi/echo.h"
#include "libs/base/string.h"
#include "libs/look/look.h"

static handle_t look_of(const struct autotest *t)
{
	return environ_look(t->env);
}

static const struct look_process *find(const struct look_buffer *buffer, const char *name)
{
	size_t count;
	const struct look_process *records = look_process_records(buffer, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(records[i].name, name) == 0)
			return &records[i];
	}
	return NULL;
}

static void it_tells_of_processes(struct autotest *t)
{
	handle_t made = launch(t, "looked_at", program_waits);
	struct look_buffer buffer = { 0 };
	const struct look_process *found;
	const struct look_process *self;
	handle_t process;
	uint32_t id = 0;

	expect(t, look_take(look_of(t), LOOK_PROCESSES, 0, &buffer) == 0);
	self = find(&buffer, "autotest");
	expect(t, self != NULL && self->state == LOOK_RUNNING && self->threads >= 1);
	expect(t, self != NULL && self->cpu_ns > 0 && self->handles > 0 && self->memory > 0);
	found = find(&buffer, "looked_at");
	expect(t,
	       found != NULL && (found->flags & LOOK_LAUNCHED) != 0 &&
	               (found->flags & LOOK_USER_MODE) != 0);
	if (found != NULL)
		id = found->id;
	expect(t, look_find_process(&buffer, id) == found);
	expect(t, look_take(look_of(t), LOOK_THREADS, id, &buffer) == 0);
	expect(t, buffer.used == sizeof(struct look_thread));
	expect(t, system_open_process(t->system, id, &process) == 0);
	expect(t, process_kill(process) == 0);
	handle_close(process);
	expect(t, launch_end(t, made).end == PROCESS_END_KILLED);
	expect(t, look_take(look_of(t), LOOK_THREADS, id, &buffer) == ERR_NOT_FOUND);
	look_buffer_free(&buffer);
}

static void time_goes_to_who_uses_it(struct autotest *t)
{
	nsec_t begin = test_now();
	uint64_t cpu_before = 0;
	uint64_t cpu = 0;
	struct look_buffer buffer = { 0 };
	const struct look_process *self;

	expect(t, look_take(look_of(t), LOOK_PROCESSES, 0, &buffer) == 0);
	self = find(&buffer, "autotest");
	if (self != NULL)
		cpu_before = self->cpu_ns;
	while (test_now() < begin + 2 * NSEC_PER_MSEC)
		;
	expect(t, look_take(look_of(t), LOOK_PROCESSES, 0, &buffer) == 0);
	self = find(&buffer, "autotest");
	if (self != NULL)
		cpu = self->cpu_ns;
	expect(t, cpu > cpu_before && cpu - cpu_before <= test_now() - begin);
	look_buffer_free(&buffer);
}

static void it_tells_of_the_machine(struct autotest *t)
{
	struct system_info info = test_system_info(t);
	struct look_buffer buffer = { 0 };
	const struct look_hart *harts;
	const struct look_memory *memory;
	uint64_t switches = 0;
	size_t count;

	expect(t, look_take(look_of(t), LOOK_HARTS, 0, &buffer) == 0);
	harts = look_hart_records(&buffer, &count);
	expect(t, count == info.num_harts);
	for (size_t i = 0; i < count; i++) {
		expect(t, harts[i].id == i && harts[i].idle_ns <= test_now());
		switches += harts[i].switches;
	}
	expect(t, switches >= info.context_switches);
	expect(t, look_take(look_of(t), LOOK_MEMORY, 0, &buffer) == 0);
	memory = look_memory_records(&buffer, &count);
	expect(t,
	       count == 1 && memory->total == info.total_pages * PAGE_SIZE &&
	               memory->free <= memory->total && memory->kernel > 0 && memory->folios > 0);
	look_buffer_free(&buffer);
}

static bool has_line(const struct look_ring *ring, const char *bytes, const char *text)
{
	size_t at = 0;

	for (uint64_t i = 0; i < ring->count; i++) {
		struct look_line line;

		memcpy(&line, bytes + at, sizeof(line));
		if (line.length == strlen(text) && strcmp(line.app, "autotest") == 0 &&
		    memcmp(bytes + at + sizeof(line), text, line.length) == 0)
			return true;
		at += LOOK_LINE_SIZE(line.length);
	}
	return false;
}

static void the_log_can_be_followed(struct autotest *t)
{
	static struct {
		struct look_ring ring;
		char bytes[64 * 1024];
	} told;
	struct poll_event event = { 0 };
	handle_t poll = HANDLE_NONE;
	uint64_t next = UINT64_MAX;
	bool found = false;
	uint64_t used;
	size_t n = 0;

	expect(t, poll_create(&poll) == 0);
	expect(t, poll_add(poll, look_of(t), READY_READABLE, 3) == 0);
	expect(t, look_read(look_of(t), LOOK_LOG, next, &told, sizeof(told), &used) == 0);
	next = told.ring.next;
	log_info("a line to be followed");
	while (!found && !t->failed) {
		expect(t, poll_wait(poll, &event, 1, test_deadline(), &n) == 0 && n == 1);
		expect(t, look_read(look_of(t), LOOK_LOG, next, &told, sizeof(told), &used) == 0);
		next = told.ring.next;
		found = has_line(&told.ring, told.bytes, "a line to be followed");
	}
	handle_close(poll);
}

static void it_tells_who_is_connected(struct autotest *t)
{
	handle_t echo = HANDLE_NONE;
	struct look_buffer buffer = { 0 };
	const struct look_service *services;
	const struct look_channel_end *ends;
	uint32_t channel = 0;
	uint32_t service = 0;
	uint32_t provider = 0;
	size_t count;

	expect(t,
	       service_connect_wait(environ_connector(t->env, "echo"), test_deadline(), &echo) ==
	               0);
	expect(t, look_take(look_of(t), LOOK_SERVICES, 0, &buffer) == 0);
	services = look_service_records(&buffer, &count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(services[i].name, "echo") == 0) {
			service = services[i].id;
			provider = services[i].provider;
		}
	}
	expect(t, service != 0 && provider != 0);
	expect(t, look_take(look_of(t), LOOK_CHANNELS, 0, &buffer) == 0);
	ends = look_channel_end_records(&buffer, &count);
	for (size_t i = 0; i < count; i++) {
		if (ends[i].handle == echo && ends[i].service == service)
			channel = ends[i].channel;
	}
	expect(t, channel != 0);
	handle_close(echo);
	look_buffer_free(&buffer);
}

static void it_tells_of_apps_and_interrupts(struct autotest *t)
{
	struct look_buffer buffer = { 0 };
	const struct look_app *apps;
	bool found = false;
	size_t count;

	expect(t, look_take(look_of(t), LOOK_APPS, 0, &buffer) == 0);
	apps = look_app_records(&buffer, &count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(apps[i].name, "autotest") == 0)
			found = apps[i].state == LOOK_APP_RUNNING && apps[i].process != 0;
	}
	expect(t, found);
	expect(t, look_take(look_of(t), LOOK_INTERRUPTS, 0, &buffer) == 0);
	expect(t, look_take(look_of(t), LOOK_VCPUS, 0, &buffer) == 0);
	look_buffer_free(&buffer);
}

// Events of all harts since `next`, as many as there were.
static bool trace_has(struct autotest *t, uint64_t next[], size_t harts, uint32_t kind,
                      uint32_t thread)
{
	static struct {
		struct look_ring ring;
		struct look_event events[8192];
	} told;
	bool found = false;
	uint64_t used;

	for (uint64_t hart = 0; hart < harts; hart++) {
		expect(t,
		       look_read(look_of(t), LOOK_TRACE, LOOK_TRACE_FROM(hart, next[hart]), &told,
		                 sizeof(told), &used) == 0);
		for (uint64_t i = 0; i < told.ring.count; i++) {
			const struct look_event *event = &told.events[i];

			expect(t,
			       event->hart == hart && event->kind >= LOOK_SEND &&
			               event->kind <= LOOK_APP_END && event->time_ns <= test_now());
			found |= event->kind == kind && (thread == 0 || event->thread == thread);
		}
	}
	return found;
}

// Whether events of `kind` are noted while messages go to `echo` and back. Who is answered before
// it waits is not woken, and leaves its hart to nobody; so it may take several.
static bool echo_is_traced(struct autotest *t, handle_t echo, uint64_t next[], size_t harts,
                           uint32_t kind)
{
	struct message m;

	for (int i = 0; i < 1000 && !t->failed; i++) {
		expect(t, message_encode_echo(&m, &(struct msg_echo){ 0 }, "x", 1) == 0);
		expect(t, channel_send(echo, &m) == 0);
		expect(t, recv_wait(echo, test_deadline(), &m) == 0);
		if (trace_has(t, next, harts, kind, 0))
			return true;
	}
	return false;
}

static void events_are_traced(struct autotest *t)
{
	struct system_info info = test_system_info(t);
	struct {
		struct look_ring ring;
		struct look_event event;
	} told;
	uint64_t next[16] = { 0 };
	handle_t echo = HANDLE_NONE;
	uint64_t used;

	for (uint64_t hart = 0; hart < info.num_harts; hart++) {
		expect(t,
		       look_read(look_of(t), LOOK_TRACE,
		                 LOOK_TRACE_FROM(hart, LOOK_TRACE_SEQUENCE_MAX), &told,
		                 sizeof(told), &used) == 0);
		next[hart] = told.ring.next;
	}
	expect(t, look_watch(look_of(t), LOOK_TRACE_EVENTS | LOOK_COUNT) == 0);
	expect(t,
	       service_connect_wait(environ_connector(t->env, "echo"), test_deadline(), &echo) ==
	               0);
	for (uint32_t kind = LOOK_SEND; kind <= LOOK_WAKE; kind++)
		expect(t, echo_is_traced(t, echo, next, info.num_harts, kind));
	expect(t, launch_end(t, launch(t, "traced", program_faults)).end == PROCESS_END_FAULT);
	expect(t, trace_has(t, next, info.num_harts, LOOK_FAULT, 0));
	expect(t, trace_has(t, next, info.num_harts, LOOK_APP_START, 0));
	expect(t, trace_has(t, next, info.num_harts, LOOK_APP_END, 0));
	expect(t, look_watch(look_of(t), 0) == 0);
	handle_close(echo);
}

const struct test look_tests[] = {
	{ "look: processes and threads", it_tells_of_processes },
	{ "look: time goes to who uses it", time_goes_to_who_uses_it },
	{ "look: harts and memory", it_tells_of_the_machine },
	{ "look: the log can be followed", the_log_can_be_followed },
	{ "look: who is connected", it_tells_who_is_connected },
	{ "look: events are traced", events_are_traced },
	{ "look: apps, interrupts, vCPUs", it_tells_of_apps_and_interrupts },
	{ 0 },
};
