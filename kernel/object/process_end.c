// SPDX-License-Identifier: MIT
//
// How a process ends: its threads run out of the kernel, and the worker takes apart what they
// leave.
#include "kernel/arch/arch.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/object/launcher.h"
#include "kernel/object/process_private.h"
#include "kernel/object/space.h"
#include "kernel/object/thread.h"
#include "kernel/object/trace.h"
#include "kernel/sched/sched.h"
#include "libs/abi/poll.h"

static void post_take_apart(struct process *process)
{
	if (__atomic_exchange_n(&process->apart, 1u, __ATOMIC_SEQ_CST) != 0)
		return;
	object_get(&process->object);
	work_post(&process->work);
}

// Whether nobody is left who uses what it has.
static bool is_over_locked(const struct process *process)
{
	return process_is_ending(process) && process->num_threads == 0 && process->builders == 0;
}

void process_take_apart_if_over(struct process *process)
{
	bool over;

	spin_lock(&process->lock);
	over = is_over_locked(process);
	spin_unlock(&process->lock);
	if (over)
		post_take_apart(process);
}

bool process_end_begin(struct process *process, enum process_end end, int32_t status)
{
	spin_lock(&process->lock);
	if (process_is_ending(process)) {
		spin_unlock(&process->lock);
		return false;
	}
	process->end = end;
	process->status = status;
	__atomic_store_n(&process->ending, true, __ATOMIC_SEQ_CST);
	list_for_each(pos, &process->threads)
		(void)thread_unblock(container_of(pos, struct thread, process_entry),
		                     ERR_BAD_STATE);
	// One without threads has nobody to tell that it has ended.
	if (process->num_threads == 0) {
		spin_unlock(&process->lock);
		process_take_apart_if_over(process);
		return true;
	}
	spin_unlock(&process->lock);

	sched_check_ending();
	// Threads of it that run the app on other harts are brought into the kernel, whose exit
	// they will not pass.
	for (uint32_t i = 0; i < num_harts; i++) {
		if (&harts[i] != arch_this_hart() &&
		    __atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE))
			arch_hart_kick(i);
	}
	return true;
}

void process_fault(const char *cause, uintptr_t address, uintptr_t pc, uintptr_t fp, uintptr_t ra)
{
	struct process *process = process_current();

	kassert(process != NULL);
	if (process_end_begin(process, PROCESS_END_FAULT, 0)) {
		trace_seldom(LOOK_FAULT, process->id, address);
		klog(LOG_ERROR, "%s: %s at address 0x%lx, pc 0x%lx: the app is ended",
		     process->name, cause, (unsigned long)address, (unsigned long)pc);
		if (process->space != NULL)
			process_log_backtrace(process, pc, fp, ra);
		else
			backtrace_log(process->name, pc, fp, ra);
	}
	sched_exit_current();
}

void process_thread_gone(struct process *process, struct thread *thread)
{
	bool last;

	spin_lock(&process->lock);
	list_remove(&thread->process_entry);
	process->gone_ticks += sched_thread_ticks(thread);
	process->num_threads--;
	last = process->num_threads == 0;
	if (process->space != NULL && process->num_threads == 1)
		arch_space_set_shared(&process->space->arch, false);
	spin_unlock(&process->lock);
	if (!last)
		return;
	// The end of the last thread is the end of the process, if it was not ending before.
	(void)process_end_begin(process, PROCESS_END_EXIT, 0);
	process_take_apart_if_over(process);
}

// A device that does not stop may write to any folio of the process, so these are never freed.
static void keep_folios(struct handle_table *table)
{
	for (uint32_t i = 1; i < table->capacity; i++) {
		if (table->slots[i].object != NULL &&
		    table->slots[i].object->ops->type == OBJECT_FOLIO)
			object_get(table->slots[i].object);
	}
}

// The worker's part: no thread is left.
void process_take_apart(struct work *work)
{
	struct process *process = container_of(work, struct process, work);
	void (*ended)(struct process *) = process->ended;

	trace_seldom(LOOK_APP_END, process->id, LOOK_END_EXIT + (uint64_t)process->end);
	if (process->quiesce != NULL && !process->quiesce(process))
		keep_folios(&process->handles);
	handle_table_deinit(&process->handles);
	if (process->space != NULL)
		space_destroy(process->space);
	process->space = NULL;
	process_unlist(process);
	if (process->launcher != NULL)
		launcher_process_gone(process);
	// Before anybody else is told: who waited for the end may start the app again at once.
	if (ended != NULL)
		ended(process);
	spin_lock(&process->end_lock);
	process->state = PROCESS_ENDED;
	spin_unlock(&process->end_lock);
	object_notify(&process->object, READY_CLOSED);
	object_put(&process->object);
}

void process_log_end(const struct process *process)
{
	if (process->end == PROCESS_END_EXIT)
		klog(process->status == 0 ? LOG_INFO : LOG_WARN, "%s: ended with status %d",
		     process->name, process->status);
	else if (process->end == PROCESS_END_KILLED)
		kinfo("%s: killed", process->name);
}
