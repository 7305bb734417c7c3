// SPDX-License-Identifier: MIT
//
// Processes: a running app. It ends by its own call, by a fault, or killed; then its threads run
// out of the kernel and stop at the return to the app, and once the last has stopped the worker
// takes the process apart: handles are closed, folios that nobody else holds are freed, the app's
// data region is restored when it is started again.
#pragma once

#include "kernel/object/app_image.h"
#include "kernel/object/handle.h"
#include "kernel/object/object.h"
#include "kernel/sched/spinlock.h"
#include "kernel/sched/work.h"
#include "libs/abi/app.h"
#include "libs/abi/launcher.h"
#include "libs/abi/system.h"

struct folio;
struct launcher;
struct space;
struct thread;

// What the kernel knows of a user-mode process's program.
struct process_code {
	uintptr_t thread_return;  // where a thread's entry returns to
	uintptr_t text_address;
	size_t text_size;
	const uint8_t *symbols;  // NULL: none
	size_t symbols_size;
	struct folio *folio;  // the symbols are in, with a reference; NULL: the image's are
};

struct process {
	struct object object;
	uint32_t id;
	char name[APP_NAME_MAX];
	const struct app_image *image;
	struct handle_table handles;
	struct account *account;
	struct space *space;  // NULL: it runs in the kernel's address space
	struct environ *env;  // its own pages
	uintptr_t env_addr;   // where the app sees them
	struct process_code code;
	const struct user_image *runtime;  // that its launcher mapped; NULL: none
	uint32_t thread_limit;
	struct launcher *launcher;  // that made it; NULL: the kernel did
	uint32_t started;           // atomic; of a launcher's
	uint32_t builders;          // calls that give it parts; guarded by `lock`
	uint32_t restarts;
	nsec_t made_at;
	// how the app's last process has ended: enum look_end
	uint32_t last_end;
	int32_t last_status;
	bool has_device;       // it may know physical addresses
	bool ending;           // atomic: no thread of it enters the app again
	struct spinlock lock;  // guards what follows
	struct list threads;   // alive ones
	uint32_t num_threads;
	uint64_t gone_ticks;   // that ended threads had a hart
	enum process_end end;  // once it is ending
	int32_t status;
	struct spinlock end_lock;  // rank OBJECT: polls ask with their lock held
	enum process_state state;  // guarded by end_lock
	struct work work;          // to take it apart
	uint32_t apart;            // atomic: that was posted
	struct list all_entry;     // in the list of all processes, guarded by that list's lock
	struct list made_entry;    // in its launcher's, guarded by that one's lock

	// Called by the worker before any handle is closed: stops what may still write to the
	// process's memory. Returns false when it could not: its folios are kept for good then. May
	// be NULL.
	bool (*quiesce)(struct process *process);
	// Called by the worker once the process has been taken apart, before its handles say so.
	// May be NULL.
	void (*ended)(struct process *process);
};

// A process of `image` (NULL: none, for tests) without threads. Errors: ERR_NO_MEMORY.
__must_check error_t process_create(const char *name, const struct app_image *image,
                                    uint32_t handle_limit, uint64_t memory_limit,
                                    struct process **out);
// An empty process of a launcher's, in user mode, with limits that are not 0, without a program.
// Its reference counts as a handle, for object_handle_put: without one it would end.
// Errors: ERR_EXISTS (process_name_is_taken), ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t process_create_empty(const struct process_options *options,
                                          struct launcher *launcher, struct process **out);
// Whether a process of that name, made by a launcher, has not ended yet.
bool process_name_is_taken(const char *name);
// The process of the current thread; NULL for kernel threads.
struct process *process_current(void);
// A call is about to give it parts or to start it: it may end meanwhile, but is not taken apart
// before process_build_end. Errors: ERR_BAD_STATE (started, ending, or not a launcher's).
__must_check error_t process_build_begin(struct process *process);
// The call is about to start it: no other one gives it parts, now or later. Errors: ERR_BAD_STATE
// (one does, or starts it).
__must_check error_t process_build_last(struct process *process);
// The caller has a reference.
void process_build_end(struct process *process);
// Begins the end of `process`: the first call decides `end` and `status`. Wakes and kicks its
// threads; does not wait. Returns false when it was ending already. May be called by a thread of
// it, which then goes on to the app boundary.
bool process_end_begin(struct process *process, enum process_end end, int32_t status);
// A fault of the current thread in app code (or in a copy that the kernel could not recover): logs
// the app's name, the cause and a backtrace, and ends the process. `fp` is the frame pointer. Never
// returns. Called from traps, no lock held.
_Noreturn void process_fault(const char *cause, uintptr_t address, uintptr_t pc, uintptr_t fp,
                             uintptr_t ra);
// Logs the backtrace of a thread of a user-mode app, from its registers at a fault.
void process_log_backtrace(const struct process *process, uintptr_t pc, uintptr_t fp, uintptr_t ra);
// Logs how it has ended; of a fault there is a line already.
void process_log_end(const struct process *process);
// A thread of it has ended and left its stack; called by the worker.
void process_thread_gone(struct process *process, struct thread *thread);
// Whether [addr, addr + len) is the process's own memory (data, environment, stacks, mapped folios;
// not `write`: its read-only data too). Used by debug builds on each pointer argument.
bool process_owns(struct process *process, uintptr_t addr, size_t len, bool write);
// The name of the app whose text `pc` is in; NULL: none.
const char *process_name_of_pc(uintptr_t pc);
void process_get_info(struct process *process, struct process_info *out);
uint32_t process_count(void);
// References to those processes of the list of all, in the order of their numbers, whose
// numbers are `id` or more. Returns how many: at most `max`.
size_t process_collect(uint32_t id, struct process **out, size_t max);

static inline struct process *process_from_object(struct object *object)
{
	return container_of(object, struct process, object);
}
static inline bool process_is_ending(const struct process *process)
{
	return __atomic_load_n(&process->ending, __ATOMIC_SEQ_CST);
}
