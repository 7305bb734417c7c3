// SPDX-License-Identifier: MIT
//
// The system calls: one contract each. This is all that an app can ask of the kernel.
//
// Every call: arguments are checked and copied in before anything changes; on an error nothing has
// changed and out-pointers are untouched. A pointer to memory that the caller may not read or write
// is ERR_ADDRESS, an unknown handle ERR_BAD_HANDLE, an object of another type ERR_WRONG_TYPE, a
// missing right ERR_ACCESS. These four are not repeated below. No call blocks but poll_wait,
// poll_recv and vcpu_run.
//
// In-kernel apps reach these through one symbol, starina_syscall (libs/starina/syscall.S), so that
// an app moves to user mode by a relink.
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/error.h"
#include "libs/abi/folio.h"
#include "libs/abi/handle.h"
#include "libs/abi/launcher.h"
#include "libs/abi/look.h"
#include "libs/abi/message.h"
#include "libs/abi/poll.h"
#include "libs/abi/system.h"
#include "libs/abi/time.h"
#include "libs/abi/vm.h"

// Does nothing; for measuring.
error_t null_call(void);

// --- Handles ---

// Closes `h`; the object goes when its last reference does.
error_t handle_close(handle_t h);
// A second handle to the object of `h`, with `rights` (a subset of its rights, or RIGHTS_SAME). A
// folio is read-only from then on, for ever: who has it mapped for writing can only read (in user
// mode a write is a fault). Rights: DUPLICATE. Errors: ERR_LIMIT, ERR_BAD_STATE (a folio that is
// mapped in an hvspace).
__must_check error_t handle_duplicate(handle_t h, rights_t rights, handle_t *out);

// --- Channels ---

// Makes a channel; out[0] and out[1] are its ends. Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t channel_create(handle_t out[2]);
// Queues `*m` for the peer. Consumes the handles of `*m` on success only: on every error the caller
// still owns all of it. Rights: WRITE; TRANSFER on each handle sent. Errors: ERR_FULL (until
// WRITABLE), ERR_PEER_CLOSED, ERR_INVALID (lengths, duplicate handles, an end of this very
// channel), ERR_BAD_STATE (a folio that is mapped in an hvspace), ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t channel_send(handle_t channel, const struct message *m);
// Takes the oldest message. Its handles become the caller's. Rights: READ.
// Errors: ERR_EMPTY, ERR_PEER_CLOSED (once drained), ERR_LIMIT (no handle slots free: the message
// stays queued).
__must_check error_t channel_recv(handle_t channel, struct message *m);

// --- Polls ---

// An empty poll. Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t poll_create(handle_t *out);
// Watches `h` for `interest` (READY_* bits); `cookie` comes back with its events. The entry is
// removed when `h` is closed or sent away. Rights: WRITE on the poll, POLL on `h`. Errors:
// ERR_EXISTS, ERR_CYCLE, ERR_RANGE (nested deeper than POLL_MAX_DEPTH), ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t poll_add(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie);
// Changes the entry's interest and cookie. Errors: ERR_NOT_FOUND.
__must_check error_t poll_update(handle_t poll, handle_t h, uint32_t interest, uint64_t cookie);
// No wait that starts after this returns the entry's cookie. Errors: ERR_NOT_FOUND.
__must_check error_t poll_remove(handle_t poll, handle_t h);
// Blocks until an entry is ready or CLOCK_MONOTONIC passes `deadline` (0 never blocks, NSEC_NEVER
// has none). Writes at most `max` (1 to POLL_MAX_BATCH) events and their number. Ready entries take
// turns. Rights: READ. Errors: ERR_TIMED_OUT.
__must_check error_t poll_wait(handle_t poll, struct poll_event *events, size_t max,
                               nsec_t deadline, size_t *num_events);
// As poll_wait, and takes a message along, as channel_recv would: when the first event is of a
// channel that has one, was made by this process through a handle with READ, and with READABLE in
// its interest. Then events[0].received is 1, `*m` is the channel's oldest message, its handles are
// the caller's, and events[0].ready is what the entry is ready for without it (READABLE: there is
// another one; it may be 0). Otherwise received is 0 and `*m` untouched: so it is for all events
// but the first, and when no handle slots are free (channel_recv tells: ERR_LIMIT). A message is
// given to the thread that waits for it without being queued. On errors none was taken. Order holds
// for what one thread receives: of several that wait in one poll, one that has no room for its
// message puts it back, and another may have had the next. Rights: READ on the poll. Errors:
// ERR_TIMED_OUT.
__must_check error_t poll_recv(handle_t poll, struct poll_event *events, size_t max,
                               nsec_t deadline, size_t *num_events, struct message *m);

// --- Timers, events, interrupts ---

// A timer that is not armed. Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t timer_create(handle_t *out);
// READABLE once CLOCK_MONOTONIC reaches `deadline`, until set anew; NSEC_NEVER disarms. Rights:
// WRITE.
__must_check error_t timer_set(handle_t timer, nsec_t deadline);
// An event with count 0. Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t event_create(handle_t *out);
// Adds `n` to the event's count (which sticks at its maximum). Rights: WRITE.
__must_check error_t event_signal(handle_t event, uint64_t n);
// Takes the whole count. Rights: READ. Errors: ERR_EMPTY.
__must_check error_t event_take(handle_t event, uint64_t *count);
// Ends the handling of an interrupt: clears READABLE and lets the line raise it again. Rights:
// WRITE.
__must_check error_t interrupt_ack(handle_t interrupt);

// --- Memory ---

// A zeroed folio of `size` bytes (rounded up to PAGE_SIZE). flags: FOLIO_CONTIGUOUS or FOLIO_LAZY.
// Errors: ERR_NO_MEMORY, ERR_LIMIT (the process's memory limit), ERR_INVALID.
__must_check error_t folio_create(size_t size, uint32_t flags, handle_t *out);
// A contiguous folio with a copy of `len` bytes, 1 to FOLIO_MAX_COPIED: what is sent away at once
// need not be mapped first. Errors: ERR_NO_MEMORY, ERR_LIMIT, ERR_INVALID.
__must_check error_t folio_create_with(const void *bytes, size_t len, handle_t *out);
// Maps the whole folio into the caller's space, readable or writable (`prot`), and writes its
// address. Mapping again gives the same address. The mapping lasts until folio_unmap, or until the
// caller closes or sends away its handle. Rights: MAP; READ and WRITE as `prot` asks. Errors:
// ERR_NO_MEMORY, ERR_ACCESS (also PROT_WRITE of a folio that was duplicated).
__must_check error_t folio_map(handle_t folio, uint32_t prot, void **out);
error_t folio_unmap(handle_t folio);
// Size and kind of a folio and, for who has a device (a need of its spec), its physical address.
__must_check error_t folio_info(handle_t folio, struct folio_info *out);
// Gives the memory of [offset, offset + length) of a lazy folio back: it reads as zero from now on.
// Whole pages. Meanwhile it is neither sent nor duplicated: ERR_BAD_STATE. Rights: WRITE. Errors:
// ERR_RANGE, ERR_NOT_SUPPORTED (not lazy), ERR_ACCESS (it was duplicated).
__must_check error_t folio_discard(handle_t folio, size_t offset, size_t length);

// --- Threads and processes ---

// Runs entry(arg) in a new thread of this process. `out` (may be NULL) becomes a handle that is
// CLOSED at its end. stack_size 0: APP_DEFAULT_STACK. Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t thread_create(void (*entry)(void *arg), void *arg, size_t stack_size,
                                   handle_t *out);
// Ends the calling thread; the process goes on.
_Noreturn void thread_exit(void);
// Lets other threads of this hart run.
error_t thread_yield(void);
// Ends the process with all its threads.
_Noreturn void process_exit(int status);
// What the process is and does. Rights: READ.
__must_check error_t process_info(handle_t process, struct process_info *out);
// Ends another process, as a fault would. Rights: CONTROL. Errors: ERR_BAD_STATE when it has ended.
__must_check error_t process_kill(handle_t process);

// --- Processes that an app makes ---

// An empty process in user mode, for the holder of `launcher` (NEED_LAUNCHER) to fill and start.
// One that is not started ends with its last handle, or the launcher's. All that it takes is
// charged to its own limits. Rights: CONTROL. Errors: ERR_INVALID (name, thread limit), ERR_EXISTS
// (an app of the image, a process of a launcher, or the kernel has the name), ERR_LIMIT
// (LAUNCHER_MAX_PROCESSES), ERR_NO_MEMORY.
__must_check error_t process_create(handle_t launcher, const struct process_options *options,
                                    handle_t *out);
// Gives a process that was not started a part of its program. No memory is ever both writable and
// executable: what is not writable is a part of a folio that nobody can write to. Rights: CONTROL;
// MAP and READ on the folio. Errors: ERR_INVALID (prot, alignment, no size), ERR_RANGE (outside
// the program's addresses or the folio), ERR_EXISTS (overlaps), ERR_ACCESS (a folio that somebody
// may write to), ERR_NOT_SUPPORTED (a lazy folio, or a device's), ERR_BAD_STATE (started or ended),
// ERR_TOO_LARGE (PROCESS_DATA_MAX), ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t process_map(handle_t process, const struct process_segment *segment);
// Maps the program of the image's runtime `name` (is_runtime of its spec) into a process that was
// not started: text and read-only data, which all processes share, and data of the process's own.
// `*out` is what process_start needs; names for backtraces are the kernel's. After an error the
// process has no part of it. Rights: CONTROL. Errors: ERR_NOT_FOUND (no such runtime), ERR_EXISTS
// (overlaps what is mapped), ERR_BAD_STATE (started or ended), ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t process_map_runtime(handle_t process, const char *name, size_t name_len,
                                         struct process_runtime *out);
// Moves `h` into a process that was not started; `*out` is its number there. Rights: CONTROL;
// TRANSFER on `h`. Errors: ERR_BAD_STATE (also a folio that is mapped in an hvspace), ERR_LIMIT,
// ERR_NO_MEMORY.
__must_check error_t process_grant(handle_t process, handle_t h, handle_t *out);
// Starts the first thread. The process sees a copy of `env`. Rights: CONTROL. Errors: ERR_INVALID,
// ERR_RANGE (an address that is not the process's to have, or outside of the folio), ERR_BAD_STATE
// (also: another thread gives it something now), ERR_LIMIT, ERR_NO_MEMORY; as process_map for
// `start->symbols`.
__must_check error_t process_start(handle_t process, const struct process_start *start,
                                   const struct environ *env);
// A service without a provider: `*out` is a connector, with CONTROL. Rights: CONTROL on the
// launcher. Errors: ERR_INVALID (the name's length), ERR_EXISTS (the image has it), ERR_LIMIT,
// ERR_NO_MEMORY.
__must_check error_t service_create(handle_t launcher, const char *name, size_t name_len,
                                    handle_t *out);
// Makes a process that was not started the provider of the connector's service; `*out` is the
// number of the service's handle there. From now on connections are queued. Rights: CONTROL on
// both. Errors: ERR_BAD_STATE (also: it has a provider), ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t service_provide(handle_t connector, handle_t process, handle_t *out);
// A connector to the service `name` of an app of the image. Rights: READ on the launcher. Errors:
// ERR_NOT_FOUND.
__must_check error_t launcher_connector(handle_t launcher, const char *name, size_t name_len,
                                        handle_t *out);
// Moves `h` (a process, folio or connector; HANDLE_NONE: none) to `place`, and closes what was
// there. What is kept outlives the app: it finds it again when it was restarted. A folio is
// read-only from then on. Rights: CONTROL on the launcher; TRANSFER on `h`. Errors: ERR_RANGE,
// ERR_BAD_STATE (a folio that is mapped in an hvspace), ERR_NO_MEMORY.
__must_check error_t launcher_keep(handle_t launcher, uint32_t place, handle_t h);
// Another handle, with the same rights, to what is kept at `place`. Rights: READ on the launcher.
// Errors: ERR_RANGE, ERR_NOT_FOUND, ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t launcher_kept(handle_t launcher, uint32_t place, handle_t *out);

// --- Services ---

// A fresh channel to the provider. Errors: ERR_NOT_READY while the provider restarts (the connector
// is READABLE when it is worth another try), ERR_FULL.
__must_check error_t service_connect(handle_t connector, handle_t *out);
// The provider's side: takes the oldest waiting connection. Errors: ERR_EMPTY.
__must_check error_t service_accept(handle_t service, handle_t *out);
// The name of the app that made the channel, be it by channel_create or by service_connect: of a
// connection that was accepted, the client's. The kernel knows it; the app has no part in it. The
// app's end may have been sent to another since. Rights: READ.
__must_check error_t channel_maker(handle_t channel, char name[APP_NAME_MAX]);

// --- Random, time, log, system ---

// Fills `buf` with random bytes (at most 4096) from the kernel's ChaCha20 generator.
__must_check error_t random_get(void *buf, size_t len);
// Mixes `len` bytes (at most 4096) into the generator. `system` is the system handle.
__must_check error_t random_seed(handle_t system, const void *buf, size_t len);
// Errors: ERR_NOT_READY for CLOCK_WALL before it was set.
__must_check error_t clock_get(enum clock_id clock, nsec_t *out);
// Says what CLOCK_WALL is now. `system` is the system handle.
__must_check error_t clock_set(handle_t system, nsec_t wall);
// Logs one line (cut at 512 bytes; control bytes are shown as '?') under the app's name.
error_t log_write(enum log_level level, const char *line, size_t len);
// Writes bytes (at most 512) at the console whose registers `device` are, the folio of a device of
// the environment: no line of the log comes between them, and what does not end its line is written
// again below each. "\n" becomes "\r\n"; waits while the UART is busy. Rights: WRITE. Errors:
// ERR_TOO_LARGE, ERR_INVALID (these are not the console's registers).
__must_check error_t console_put(handle_t device, const char *bytes, size_t len);
// Powers the machine off; `code` 0 is success.
error_t system_power_off(handle_t system, int code);
// What the machine has and how it is used. Rights: READ.
__must_check error_t system_info(handle_t system, struct system_info *out);
// Starts the app `name` (of `name_len` bytes) of this image's app table if it is not running, wired
// by its spec. Rights: CONTROL. Errors: ERR_NOT_FOUND, ERR_BAD_STATE (running).
__must_check error_t system_start_app(handle_t system, const char *name, size_t name_len,
                                      handle_t *out);
// A handle to the running process of the app `name`. Rights: READ; with CONTROL, `*out` has it too.
// Errors: ERR_NOT_FOUND.
__must_check error_t system_find_process(handle_t system, const char *name, size_t name_len,
                                         handle_t *out);

// The same for the process `id`, an app's or one that a launcher has made (look_process.id). Rights
// and errors: as system_find_process.
__must_check error_t system_open_process(handle_t system, uint64_t id, handle_t *out);

// --- Looking at the system (libs/abi/look.h) ---

// Copies records of `kind` to `buffer`; `argument` is the kind's. Those that do not fit into `size`
// bytes are left out, whole; `*used` is what all of them take, so that a caller whose `used` is
// larger than `size` may try again with more. Of the log and the trace it is what was copied. Not
// for time's sake: others have their turns meanwhile. Rights: READ on `look`, of NEED_LOOK. Errors:
// ERR_NOT_SUPPORTED (the kind), ERR_RANGE (the argument), ERR_NOT_FOUND (no such process),
// ERR_TOO_LARGE (`size` is beyond LOOK_MAX_BYTES; or not even one record of the log or the trace
// fits).
__must_check error_t look_read(handle_t look, uint64_t kind, uint64_t argument, void *buffer,
                               size_t size, uint64_t *used);
// Turns on what `watches` (LOOK_COUNT, LOOK_TRACE_EVENTS) names, and off what it does not; it is on
// for as long as any look wants it, and goes off with the look at the latest. Rights: CONTROL.
// Errors: ERR_INVALID, ERR_NO_MEMORY.
__must_check error_t look_watch(handle_t look, uint64_t watches);

// --- Virtual machines (RISC-V H extension) ---

// A guest-physical address space. Errors: ERR_NOT_SUPPORTED without the H extension.
__must_check error_t hvspace_create(handle_t *out);
// Maps [offset, offset + length) of `folio` at `gpa` with `prot`. Keeps a reference to the folio,
// which can be neither sent nor duplicated until it is unmapped, unless it was duplicated before.
// Whole pages. Rights: WRITE on the hvspace, MAP on the folio, READ and WRITE as `prot` asks.
// Errors: ERR_EXISTS (overlaps), ERR_RANGE, ERR_ACCESS (also PROT_WRITE of a folio that was
// duplicated).
__must_check error_t hvspace_map(handle_t hvspace, gpa_t gpa, handle_t folio, size_t offset,
                                 size_t length, uint32_t prot);
// Unmaps exactly one mapping made before. Errors: ERR_NOT_FOUND.
__must_check error_t hvspace_unmap(handle_t hvspace, gpa_t gpa, size_t length);
// From now on a 4-byte guest write of `value` to `gpa` (a virtio-mmio QueueNotify) signals `event`
// and does not leave the kernel. At most 64 a space. HANDLE_NONE takes the binding away. Errors:
// ERR_EXISTS, ERR_LIMIT.
__must_check error_t hvspace_bind_notify(handle_t hvspace, gpa_t gpa, uint32_t value,
                                         handle_t event);
// A virtual CPU with hart id `id`. vCPU 0 starts running, others are stopped until SBI HSM starts
// them.
__must_check error_t vcpu_create(handle_t hvspace, uint32_t id, handle_t *out);
// Runs the vCPU on the calling thread until the VMM has something to do (`*exit`) or `poll`
// (HANDLE_NONE: none) is ready: readiness is checked with interrupts off just before entry, and
// whatever makes it ready kicks the hart. Blocks while the guest waits for an interrupt. `exit` is
// in and out: see VCPU_EXIT_MMIO_READ. Rights: CONTROL. Errors: ERR_BAD_STATE (another thread runs
// it).
__must_check error_t vcpu_run(handle_t vcpu, handle_t poll, struct vcpu_exit *exit);
// The general registers and pc. Errors: ERR_BAD_STATE while the vCPU runs.
__must_check error_t vcpu_get_state(handle_t vcpu, struct vcpu_state *out);
__must_check error_t vcpu_set_state(handle_t vcpu, const struct vcpu_state *state);
// Sets the level of an interrupt line (VCPU_IRQ_*) into the vCPU; of VCPU_IRQ_SOFT only 1, which
// the guest clears. From any thread; kicks the hart when it has to. Errors: ERR_INVALID.
__must_check error_t vcpu_set_irq(handle_t vcpu, uint32_t irq, uint32_t level);
// Makes the current or next vcpu_run return VCPU_EXIT_POLL.
__must_check error_t vcpu_kick(handle_t vcpu);
// The counts of exits since the vCPU was made.
__must_check error_t vcpu_stats(handle_t vcpu, struct vcpu_stats *out);
