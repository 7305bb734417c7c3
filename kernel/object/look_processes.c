// SPDX-License-Identifier: MIT
//
// What a look tells of processes, their threads, and what these run on.
#include "kernel/arch/arch.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/object/look.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"
#include "libs/base/string.h"

// --- Processes ---

static uint64_t thread_ns(struct thread *thread)
{
	return arch_ticks_ns(sched_thread_ticks(thread));
}

static void fill_limits(const struct process *process, struct look_process *record)
{
	const struct account *account = process->account;

	record->memory = __atomic_load_n(&account->folio_used, __ATOMIC_RELAXED);
	record->memory_limit = account->folio_limit;
	// One byte stands for the process itself.
	record->kernel_memory = __atomic_load_n(&account->kernel_used, __ATOMIC_RELAXED) - 1;
	record->kernel_limit = account->kernel_limit;
	record->handles = __atomic_load_n(&process->handles.used, __ATOMIC_RELAXED);
	record->handle_limit = process->handles.limit;
	record->thread_limit = process->thread_limit;
}

static uint32_t state_of(const struct process *process)
{
	if (process_is_ending(process))
		return LOOK_ENDING;
	return process->launcher != NULL &&
			__atomic_load_n(&process->started, __ATOMIC_ACQUIRE) == 0
		? LOOK_STARTING
		: LOOK_RUNNING;
}

static error_t tell_process(struct process *process, struct look_out *out)
{
	struct look_process record = {
		.id = process->id,
		.state = state_of(process),
		.flags = (process->image == NULL || process->image->user != NULL ? LOOK_USER_MODE
		                                                                 : 0) |
			(process->launcher != NULL ? LOOK_LAUNCHED : 0),
		.restarts = process->restarts,
		.started_ns = process->made_at,
		.last_end = process->last_end,
		.last_status = process->last_status,
	};

	memcpy(record.name, process->name, sizeof(record.name));
	fill_limits(process, &record);
	spin_lock(&process->lock);
	record.threads = process->num_threads;
	record.cpu_ns = arch_ticks_ns(process->gone_ticks);
	list_for_each(pos, &process->threads) {
		struct thread *thread = container_of(pos, struct thread, process_entry);

		record.cpu_ns += thread_ns(thread);
		record.waiting += __atomic_load_n(&thread->blocked, __ATOMIC_RELAXED) != 0;
	}
	spin_unlock(&process->lock);
	return look_put(out, &record, sizeof(record));
}

error_t look_tell_processes(uint64_t argument, struct look_out *out)
{
	if (argument > UINT32_MAX)
		return ERR_RANGE;
	return look_each_process((uint32_t)argument, 0, out, tell_process);
}

// --- Threads ---

#define THREAD_BATCH 16u

static uint32_t thread_state(const struct thread *thread)
{
	switch (__atomic_load_n(&thread->state, __ATOMIC_RELAXED)) {
	case THREAD_RUNNING: return LOOK_THREAD_RUNNING;
	case THREAD_BLOCKED: return LOOK_THREAD_WAITING;
	case THREAD_DEAD: return LOOK_THREAD_DEAD;
	case THREAD_NEW:
	case THREAD_RUNNABLE: break;
	}
	return LOOK_THREAD_RUNNABLE;
}

// All waits of threads of processes are of these two kinds.
static uint32_t waits_for(const struct thread *thread)
{
	return __atomic_load_n(&thread->wake.table, __ATOMIC_RELAXED) == &thread_waits_for_guest
		? LOOK_WAIT_GUEST
		: LOOK_WAIT_POLL;
}

static struct look_thread describe(struct thread *thread, uint32_t process)
{
	uint32_t state = thread_state(thread);

	return (struct look_thread){
		.id = thread->id,
		.process = process,
		.state = state,
		.hart = __atomic_load_n(&thread->hart, __ATOMIC_RELAXED),
		.waits = state == LOOK_THREAD_WAITING ? waits_for(thread) : LOOK_WAIT_NONE,
		.cpu_ns = thread_ns(thread),
	};
}

// A few at a time, of one moment.
static size_t describe_some(struct process *process, uint32_t from, struct look_thread *records,
                            size_t max)
{
	size_t count = 0;

	spin_lock(&process->lock);
	list_for_each(pos, &process->threads) {
		struct thread *thread = container_of(pos, struct thread, process_entry);

		if (thread->id >= from && count < max)
			records[count++] = describe(thread, process->id);
	}
	spin_unlock(&process->lock);
	return count;
}

static error_t tell_threads(struct process *process, struct look_out *out)
{
	struct look_thread records[THREAD_BATCH];
	uint32_t from = 0;
	error_t error = 0;
	size_t count;

	do {
		count = describe_some(process, from, records, THREAD_BATCH);
		for (size_t i = 0; i < count && error == 0; i++) {
			error = look_put(out, &records[i], sizeof(records[i]));
			from = records[i].id + 1;
		}
		if (error == 0 && count == THREAD_BATCH)
			error = look_rest();
	} while (error == 0 && count == THREAD_BATCH);
	return error;
}

error_t look_tell_threads(uint64_t argument, struct look_out *out)
{
	error_t error = 0;

	if (argument > UINT32_MAX)
		return ERR_RANGE;
	for (uint32_t i = 0; i < num_harts && argument == 0 && error == 0; i++) {
		struct look_thread record;

		if (!__atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE))
			continue;
		record = describe(harts[i].idle, 0);
		record.idle = 1;
		error = look_put(out, &record, sizeof(record));
	}
	return error != 0 ? error : look_each_process(0, (uint32_t)argument, out, tell_threads);
}

// --- The machine ---

static error_t tell_hart(const struct hart *hart, struct look_out *out)
{
	struct thread *idle = hart->idle;
	struct look_hart record = {
		.id = hart->id,
		.idle_ns = thread_ns(idle),
		.switches = __atomic_load_n(&hart->context_switches, __ATOMIC_RELAXED),
		.wakeups = __atomic_load_n(&hart->idle_wakeups, __ATOMIC_RELAXED),
		.interrupts = __atomic_load_n(&hart->interrupts, __ATOMIC_RELAXED),
	};

	return look_put(out, &record, sizeof(record));
}

error_t look_tell_harts(uint64_t argument, struct look_out *out)
{
	error_t error = argument != 0 ? ERR_RANGE : 0;

	for (uint32_t i = 0; i < num_harts && error == 0; i++) {
		if (__atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE))
			error = tell_hart(&harts[i], out);
	}
	return error;
}

// Adds what one process is charged.
static error_t add_charges(struct process *process, struct look_out *out)
{
	struct look_memory *sum = (struct look_memory *)out->address;

	sum->kernel += __atomic_load_n(&process->account->kernel_used, __ATOMIC_RELAXED) - 1;
	sum->folios += __atomic_load_n(&process->account->folio_used, __ATOMIC_RELAXED);
	return 0;
}

error_t look_tell_memory(uint64_t argument, struct look_out *out)
{
	struct look_memory record = {
		.total = page_total_count() * PAGE_SIZE,
		.free = (page_free_count() + kmalloc_kept_pages()) * PAGE_SIZE,
		.objects = object_count(),
		.handles = handle_count(),
	};
	struct look_out sum = { .address = (uintptr_t)&record };
	error_t error = argument != 0 ? ERR_RANGE : look_each_process(0, 0, &sum, add_charges);

	return error != 0 ? error : look_put(out, &record, sizeof(record));
}
