// SPDX-License-Identifier: MIT
//
// Threads: of a process, or of the kernel alone (process NULL).
#pragma once

#include "kernel/arch/arch.h"
#include "kernel/object/object.h"
#include "kernel/object/timer.h"
#include "kernel/sched/sched.h"

struct process;

#define KERNEL_STACK_SIZE (16ul * 1024)

// What a waker tells a thread that it has claimed, so that the thread need not look. Set with the
// poll lock held.
struct poll_wake {
	// of a thread in poll_recv, which takes messages: its process's. NULL: in poll_wait
	const struct handle_table *table;
	union {
		// in poll_recv: the thread's now, and in no queue; NULL: the thread must look
		struct channel_message *message;
		// in poll_wait: what the entry of `cookie` is ready for; 0: the thread must look
		uint64_t ready;
	};
	uint64_t cookie;
	handle_t handle;  // with a message: of the channel, in `table`
};

// What `wake.table` is while the thread waits for its guest, and not in a poll.
extern const struct handle_table thread_waits_for_guest;

struct thread {
	struct arch_thread arch;     // first
	uintptr_t kernel_stack_top;  // right after: the assembly of a call's entry loads it
	struct process *process;     // NULL: a kernel thread. Holds a reference
	const bool *ending;          // atomic: set when the thread is to end. Its process's
	struct object object;
	uint32_t id;
	enum thread_state state;    // guarded by the run queue lock of hart `hart`
	bool fresh;                 // never ran
	uint32_t hart;              // where it runs, is queued, or ran last
	struct list run_entry;      // in a hart's run queue
	struct list process_entry;  // in process->threads
	uintptr_t app_stack_top;    // 0 for kernel threads
	size_t app_stack_size;
	// Waiting. `blocked` is claimed (1 -> 0, atomically) by who wakes the thread: a waker, its
	// deadline or its death.
	uint64_t blocked;
	error_t wait_result;
	struct list wait_entry;  // guarded by the wait queue's lock
	struct timer_node wait_timer;
	struct poll_wake wake;  // while it waits in a poll
	struct list reap_entry;
	uint64_t ticks;  // that it had a hart; atomic
};

// Makes a thread of `process`, not yet started, that will run entry(arg) on an app stack of
// `stack_size` bytes. Errors: ERR_NO_MEMORY, ERR_LIMIT, ERR_BAD_STATE (the process is ending).
__must_check error_t thread_create_app(struct process *process, void (*entry)(void *arg), void *arg,
                                       size_t stack_size, struct thread **out);
// Makes a kernel thread, not yet started; sched_wake() starts it. entry() must not return. Errors:
// ERR_NO_MEMORY.
__must_check error_t thread_create_kernel(void (*entry)(void *arg), void *arg, struct thread **out);
// A thread for the code that already runs (a hart's boot code): it has no stack of its own to free.
void thread_init_boot(struct thread *thread);
// Frees a dead thread's stacks and lets go of it; called by the worker.
void thread_reap(struct thread *thread);

// Whether a thread is to end: it does not enter the app again.
static inline bool thread_is_ending(const struct thread *thread)
{
	return __atomic_load_n(thread->ending, __ATOMIC_SEQ_CST);
}
// The same, read without order: for who is told again, by a kick.
static inline bool thread_seems_ending(const struct thread *thread)
{
	return __atomic_load_n(thread->ending, __ATOMIC_RELAXED);
}
// Whether the current thread's process is ending: a long wait in the kernel unwinds then to the app
// boundary.
bool thread_should_end(void);
// Claims a blocked thread for the caller to wake. Returns false when it is not blocked or somebody
// else was first.
static inline bool thread_claim(struct thread *thread)
{
	return __atomic_exchange_n(&thread->blocked, 0ul, __ATOMIC_RELAXED) != 0;
}
// Wakes a blocked thread with `result`. Returns false when it was not blocked or somebody else was
// first. May be called with locks of ranks below SCHED held.
bool thread_unblock(struct thread *thread, error_t result);
