// SPDX-License-Identifier: MIT
//
// Scheduling: a run queue per hart, round robin with a time slice, preemptive. A hart with one
// runnable thread has no tick. Idle harts wait in wfi and take work from others' queues.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/arch/arch.h"
#include "kernel/sched/spinlock.h"
#include "libs/abi/time.h"
#include "libs/base/list.h"

struct channel_message;

// A thread that others wait for runs from one to two of these.
#define TIME_SLICE_NS (10 * NSEC_PER_MSEC)

enum thread_state {
	THREAD_NEW,
	THREAD_RUNNABLE,
	THREAD_RUNNING,
	THREAD_BLOCKED,
	THREAD_DEAD,
};

struct hart {
	struct arch_hart arch;  // first: the trap entry finds it by sscratch

	// What a call has to look at before it goes back to the app; 0: nothing. The assembly reads
	// both words as one.
	union {
		struct {
			// bit per hart that this one has still to kick; only its own
			uint32_t kicks;
			uint32_t need_resched;  // 0 or 1; set by others with a kick
		};
		uint64_t attention;
	};
	uint32_t looked_at;    // LOOK_COUNT, LOOK_TRACE_EVENTS: what to do besides; atomic
	uint32_t id;           // index, 0 is the boot hart
	uint32_t firmware_id;  // mhartid as SBI knows it
	struct thread *current;
	struct thread *idle;
	bool online;
	bool in_interrupt;  // a wake-up preempts what the interrupt interrupted

	// A thread that ran here was woken here: what blocks next on this hart is followed by it.
	// Set by the hart only, taken by it or by an idle one, atomically. NULL: none.
	struct thread *handover;
	// Messages without handles that are in no queue: the next ones. Only its own.
	struct channel_message *free_messages;
	uint32_t num_free_messages;
	// The same of messages with handles.
	struct channel_message *free_full_messages;
	uint32_t num_free_full_messages;
	struct spinlock lock;  // guards run_queue
	struct list run_queue;
	uint32_t num_runnable;  // length of run_queue

	// Whom this hart switched away from last, until it is known that the switch is over: nobody
	// else may run it.
	struct thread *switched_from;
	nsec_t slice_end;  // the next tick; NSEC_NEVER: none is wanted

	// the running thread got the hart since the last tick: the next one spares it
	bool fresh_slice;
	nsec_t timer_deadline;  // what the hardware timer is set to
	uint64_t context_switches;
	uint64_t idle_wakeups;
	uint64_t interrupts;
	uint64_t since;  // ticks: up to here threads were told their time; guarded by `lock`
};

extern struct hart harts[MAX_HARTS];
extern uint32_t num_harts;

// A list of blocked threads. Guarded by the lock of the object it is in.
struct wait_queue {
	struct list threads;
};

// An empty queue.
void wait_queue_init(struct wait_queue *queue);
// Blocks the current thread on `queue` until woken, its process dies, or `deadline` passes;
// releases `lock` (which guards the queue) once the thread is queued and does not take it again.
// Returns 0, ERR_TIMED_OUT, or ERR_BAD_STATE (the process is dying: the caller unwinds to the app
// boundary).
error_t wait_queue_wait(struct wait_queue *queue, struct spinlock *lock, nsec_t deadline);
// Wakes one thread or all. The lock that guards the queue is held.
void wait_queue_wake_one(struct wait_queue *queue);
void wait_queue_wake_all(struct wait_queue *queue);

// Once on each hart, by the hart; makes its idle thread the current one.
void sched_init_hart(struct hart *hart);
// Makes a NEW thread, or a blocked one that the caller has claimed (thread_unblock), runnable on an
// idle hart, else on this one. From an interrupt it also preempts what runs here; a call's thread
// is let run on until it blocks.
void sched_wake(struct thread *thread);
// A bit of hart.kicks, above those of harts: sched_send_kicks calls sched_noted, too. For what
// cannot be done where it comes up, with any lock held.
#define SCHED_NOTE (1u << 31)
// Called with no lock held; set once.
extern void (*sched_noted)(void);
// Kicks the harts that sched_wake has put work on. Not done at once: a kick goes through the
// firmware, which is long compared to the locks (a poll's, say) under which threads are woken.
// Called wherever a hart leaves the kernel or gives itself away.
void sched_send_kicks(void);
// Gives the hart to the next runnable thread. The current one stays runnable.
void sched_yield(void);
// Where a long call of an app may be interrupted: others have their turns. Returns false when the
// caller's process is ending: the call unwinds to the app boundary. Does nothing for threads of the
// kernel. No lock is held.
__must_check bool sched_preemption_point(void);
// Called at the end of each trap that ends in an app, and of a call when hart.attention is set:
// yields when need_resched, ends the thread when its process is dying.
void sched_return_to_app(void);
// From the timer interrupt: ends time slices.
void sched_timer_tick(nsec_t now);
// The next tick, NSEC_NEVER when there is to be none: while others wait for the running thread, and
// then until the next one.
nsec_t sched_slice_deadline(void);
// Makes the current thread, if its process is ending, stop at the return to the app: a kick may
// have said so.
void sched_check_ending(void);
// Gives the hart away until the current thread, which has queued itself somewhere, is woken;
// wait_queue_wait's part.
void sched_block_current(void);
// The idle loop; never returns.
_Noreturn void sched_idle(void);
// What a kernel thread's entry calls first: the switch to it is over.
void sched_started(void);
// Whether `thread` has left its hart for good (a dead one's stack may be freed); kicks the hart
// when not.
bool sched_has_left(struct thread *thread);
// Ticks that a thread has had a hart, up to now; never less than before. Takes the lock of its
// hart.
uint64_t sched_thread_ticks(struct thread *thread);
// Ends the current thread, which is never scheduled again.
_Noreturn void sched_exit_current(void);
