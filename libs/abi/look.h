// SPDX-License-Identifier: MIT
//
// Looking at the system: what the holder of a look handle (NEED_LOOK) is told. `look_read` copies
// records of one kind into the caller's buffer. Records are of fixed size but for the log's; they
// name objects by numbers that are never used again, and times are CLOCK_MONOTONIC. Each record was
// true at one moment; two records may be of two moments (docs/architecture.md, "Looking").
#pragma once

#include <stdint.h>

#include "libs/abi/app.h"
#include "libs/abi/system.h"
#include "libs/abi/time.h"

enum look_kind {
	LOOK_PROCESSES = 1,  // struct look_process, by id; argument: the lowest id
	LOOK_THREADS = 2,    // struct look_thread; argument: the process's id, 0: all
	LOOK_HARTS = 3,      // struct look_hart, by id; argument: 0
	LOOK_MEMORY = 4,     // one struct look_memory; argument: 0
	LOOK_LOG = 5,  // struct look_ring, then struct look_line with its text, again and again;
	// argument: the first line's sequence number
	LOOK_SERVICES = 6,  // struct look_service, by id; argument: the lowest id
	LOOK_CHANNELS = 7,  // struct look_channel_end; argument: the process's id, 0: all
	LOOK_VCPUS = 8,     // struct look_vcpu; argument: the process's id, 0: all
	LOOK_TRACE = 9,     // struct look_ring, then struct look_event; argument: LOOK_TRACE_FROM
	LOOK_HANDLES = 10,  // struct look_handle; argument: the process's id
	LOOK_INTERRUPTS = 11,  // struct look_interrupt, by line; argument: 0
	LOOK_APPS = 12,        // struct look_app of the apps of the image; argument: 0
};

// At most so many bytes are asked for at once.
#define LOOK_MAX_BYTES (16u * 1024 * 1024)

// --- Processes and threads ---

enum look_process_state {
	LOOK_STARTING = 0,  // a launcher fills it
	LOOK_RUNNING = 1,
	LOOK_ENDING = 2,  // its threads run out, or it is taken apart
};

// How the last process of the same app has ended.
enum look_end {
	LOOK_END_NONE = 0,  // there was none, or nobody knows
	LOOK_END_EXIT = 1,  // process_exit, with `status`
	LOOK_END_FAULT = 2,
	LOOK_END_KILLED = 3,
};

#define LOOK_USER_MODE 1u  // runs in an address space of its own
#define LOOK_LAUNCHED 2u   // a launcher has made it; without it, it is of the image

struct look_process {
	uint32_t id;
	uint32_t state;  // enum look_process_state
	uint32_t flags;  // LOOK_USER_MODE, LOOK_LAUNCHED
	uint32_t restarts;
	char name[APP_NAME_MAX];
	uint64_t started_ns;
	uint64_t cpu_ns;  // of all its threads, ended ones too
	uint64_t memory;  // bytes of folios
	uint64_t memory_limit;
	uint64_t kernel_memory;  // bytes
	uint64_t kernel_limit;
	uint32_t handles;
	uint32_t handle_limit;
	uint32_t threads;
	uint32_t thread_limit;
	uint32_t waiting;   // threads that wait for something
	uint32_t last_end;  // enum look_end
	int32_t last_status;
	uint32_t reserved;
};

enum look_thread_state {
	LOOK_THREAD_RUNNABLE = 1,  // waits for a hart
	LOOK_THREAD_RUNNING = 2,   // on `hart`
	LOOK_THREAD_WAITING = 3,   // for what `waits` says
	LOOK_THREAD_DEAD = 4,
};

enum look_wait {
	LOOK_WAIT_NONE = 0,
	LOOK_WAIT_POLL = 1,   // in poll_wait or poll_recv
	LOOK_WAIT_GUEST = 2,  // in vcpu_run: its guest waits for an interrupt
};

struct look_thread {
	uint32_t id;
	uint32_t process;  // id; 0: of the kernel
	uint32_t state;    // enum look_thread_state
	uint32_t hart;     // where it runs, or ran last
	uint32_t waits;    // enum look_wait
	uint32_t idle;     // 1: a hart's idle thread
	uint64_t cpu_ns;
};

// --- The machine ---

struct look_hart {
	uint32_t id;
	uint32_t reserved;  // which thread runs there is told by LOOK_THREADS
	uint64_t idle_ns;
	uint64_t switches;
	uint64_t wakeups;  // times that it left its sleep
	uint64_t interrupts;
};

struct look_memory {
	uint64_t total;  // bytes
	uint64_t free;
	uint64_t kernel;  // charged to processes as kernel memory
	uint64_t folios;  // charged to processes as folios
	uint64_t objects;
	uint64_t handles;
};

struct look_interrupt {
	uint32_t line;
	uint32_t process;  // id of the owner; 0: none has it now
	uint64_t count;
};

// --- Rings: the log and the trace ---

// Begins what LOOK_LOG and LOOK_TRACE tell. What a slow reader missed was overwritten, whole.
struct look_ring {
	uint64_t next;   // sequence number to go on from
	uint64_t lost;   // how many from the wanted one on to `next` were overwritten
	uint64_t count;  // how many follow
};

// A line of the log; `length` bytes of text follow, without an end, padded to 8 bytes.
struct look_line {
	uint64_t sequence;
	uint64_t time_ns;
	uint16_t length;
	uint16_t level;  // enum log_level
	uint32_t reserved;
	char app[APP_NAME_MAX];  // "kernel": the kernel's own
};

#define LOOK_LINE_MAX 512u  // bytes of text
#define LOOK_LINE_SIZE(length) (sizeof(struct look_line) + (((size_t)(length) + 7) & ~(size_t)7))

// The argument of LOOK_TRACE: events of one hart, from a sequence number on.
#define LOOK_TRACE_FROM(hart, sequence) ((uint64_t)(hart) << 56 | (sequence))
#define LOOK_TRACE_SEQUENCE_MAX ((1ull << 56) - 1)

enum look_event_kind {
	LOOK_SEND = 1,       // argument: channel's id; value: the message's type
	LOOK_RECEIVE = 2,    // the same
	LOOK_SWITCH = 3,     // the hart goes to `thread`; argument: the thread that it leaves
	LOOK_WAKE = 4,       // argument: the thread that is woken
	LOOK_INTERRUPT = 5,  // argument: line; 0: the timer
	LOOK_FAULT = 6,      // of the process; value: address
	LOOK_VM_ENTRY = 7,   // argument: the vCPU's number in its VM
	LOOK_VM_EXIT = 8,    // the same; value: scause
	LOOK_APP_START = 9,  // argument: the process's id
	LOOK_APP_END = 10,   // the same; value: enum look_end
};

struct look_event {
	uint64_t time_ns;
	uint32_t thread;   // id of the current thread
	uint32_t process;  // its process; 0: the kernel
	uint16_t kind;     // enum look_event_kind
	uint16_t hart;
	uint32_t argument;
	uint64_t value;
};

// What look_watch turns on.
#define LOOK_COUNT 1u         // messages of channels, and CPU time exactly
#define LOOK_TRACE_EVENTS 2u  // events into the trace rings

// --- Services, channels, handles ---

struct look_service {
	uint32_t id;
	uint32_t provider;  // process's id; 0: it has none now
	uint32_t waiting;   // connections that it has not accepted
	uint32_t reserved;
	char name[ENV_NAME_MAX];
};

// One end of a channel, in the table of a process. The two ends have the same `channel`. An end
// that lies in a message, or waits to be accepted, is in no table.
struct look_channel_end {
	uint32_t channel;  // id
	uint32_t end;      // 0 or 1; of a connection to a service, the client's is 0
	uint32_t process;  // id
	int32_t handle;
	uint32_t queued;  // messages that wait for this end
	uint32_t capacity;
	uint32_t service;  // id of the service that it was connected by; 0: none
	uint32_t closed;   // 1: the other end is gone
	// messages sent from this end while LOOK_COUNT was on; begins again at 2^32
	uint64_t sent;
};

struct look_handle {
	uint32_t process;  // id
	int32_t handle;
	uint32_t type;  // enum object_type
	uint32_t rights;
	uint32_t
		object;  // id of a process, thread, channel or service (a connector's, too); 0: none
	uint32_t reserved;  // who has the other end of a channel is told by LOOK_CHANNELS
	uint64_t size;      // of a folio: bytes
};

// --- Virtual machines ---

// Causes of exits, as struct vcpu_stats (libs/abi/vm.h) has them.
enum look_exit {
	LOOK_EXIT_INTERRUPT = 0,  // of the host
	LOOK_EXIT_FAULT = 1,      // memory that was not mapped yet
	LOOK_EXIT_MMIO_READ = 2,
	LOOK_EXIT_MMIO_WRITE = 3,
	LOOK_EXIT_NOTIFY = 4,  // a queue's notification, handed to an event
	LOOK_EXIT_SBI_TIME = 5,
	LOOK_EXIT_SBI_OTHER = 6,
	LOOK_EXIT_WFI = 7,
	LOOK_EXIT_OTHER = 8,
	LOOK_NUM_EXITS = 9,
};

// One virtual CPU; those of one VM have the same `vm`.
struct look_vcpu {
	uint32_t vm;       // id
	uint32_t process;  // id
	uint32_t vcpu;     // number in its VM
	uint32_t
		thread;  // id of the thread that runs it, or ran it last; its CPU time is the vCPU's
	uint32_t in_guest;  // 1: its guest runs now
	uint32_t reserved;
	uint64_t memory;  // bytes of folios that the VM has mapped
	uint64_t exits[LOOK_NUM_EXITS];
};

// --- Apps of the image ---

enum look_app_state {
	LOOK_APP_RUNNING = 1,
	LOOK_APP_ENDED = 2,       // it can be started
	LOOK_APP_RESTARTING = 3,  // it will be started again by itself
	LOOK_APP_BLOCKED = 4,     // the machine, or the image, has not what it needs
};

struct look_app {
	char name[APP_NAME_MAX];
	uint32_t state;    // enum look_app_state
	uint32_t process;  // id; 0: it does not run
	uint32_t flags;    // LOOK_USER_MODE
	uint32_t restart;  // enum app_restart
	uint32_t restarts;
	uint32_t last_end;  // enum look_end
	int32_t last_status;
	uint32_t handle_limit;
	uint64_t memory_limit;
	char provides[APP_MAX_PROVIDES][ENV_NAME_MAX];  // "" ends it
	struct {
		uint32_t kind;  // enum app_need_kind; 0 ends it
		uint32_t optional;
		char name[ENV_NAME_MAX];
	} needs[APP_MAX_NEEDS];
};
