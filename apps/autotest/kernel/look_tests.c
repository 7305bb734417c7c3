// SPDX-License-Identifier: MIT
#include "apps/autotest/kernel/launch.h"
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

const struct test look_tests[] = {
	{ "look: processes and threads", it_tells_of_processes },
	{ "look: time goes to who uses it", time_goes_to_who_uses_it },
	{ "look: harts and memory", it_tells_of_the_machine },
	{ 0 },
};
