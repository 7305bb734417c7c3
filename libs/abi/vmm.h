// SPDX-License-Identifier: MIT
//
// The service "vmm", provided by `containers`. Its clients are the processes that have a virtual
// machine each (apps/vmm): they boot it, wait for a container, run that one, and end. Who a client
// is its token says, which `containers` has made for it. A vmm survives `containers`: it connects
// again, and says what has become of its container.
//
// What its guest needs of the disks a vmm opens at the service "grants", which `containers`
// provides, too, by the URIs of "blkdev" and "store" (MSG_OPEN): the boot disk, and once it has
// VMM_START the image and the layer of its container, its volumes, each in a session of its own
// ("volumes:all/NAME/"), and VMM_LOG_URI with its id. All else is ERR_ACCESS there.
//
// vmm: HELLO, then STATE, and STATE again at each change; PROCESS of each that was added. The rest
// is for the vmm to do.
#pragma once

#include "libs/abi/message.h"

#define VMM_LOG_URI "store:logs/"
#define VMM_TOKEN_SIZE 16u
#define VMM_ID_SIZE 32u

struct msg_vmm_hello {
	uint8_t token[VMM_TOKEN_SIZE];
};

enum vmm_state {
	VMM_BOOTING = 0,  // nothing was asked of it, and its virtual machine is not ready
	VMM_IDLE = 1,     // ready for a container
	VMM_STARTING = 2,
	VMM_RUNNING = 3,
	VMM_ENDED =
		4,  // the container has; the process ends when `containers` has closed the channel
};

// Tail: what went wrong, when the status is not the container's own process's.
struct msg_vmm_state {
	uint32_t state;                  // enum vmm_state
	int32_t status;                  // VMM_ENDED: what a shell would say
	uint8_t container[VMM_ID_SIZE];  // all zero: none
	uint8_t address[4];              // of the virtual machine, in network order; all zero: none
	uint8_t gateway[4];              // of its network, likewise
	uint32_t prefix_len;             // of its network
	uint32_t flags;                  // VMM_FAILED, VMM_PAUSED, VMM_LACKED_MEMORY
};

// It never ran: what is wrong is in the tail.
#define VMM_FAILED (1u << 0)
// Its processes stand still (VMM_QUERY_FREEZE).
#define VMM_PAUSED (1u << 1)
// VMM_ENDED: it, or a process of it, was ended for want of memory.
#define VMM_LACKED_MEMORY (1u << 7)

// Of vmm_start.
#define VMM_TTY (1u << 0)         // its output is one stream, without headers
#define VMM_OPEN_STDIN (1u << 1)  // its stdin is open, else it is at its end
#define VMM_STDIN_ONCE (1u << 2)  // its stdin ends with the first attachment that gave some
#define VMM_NETWORK (1u << 3)
#define VMM_LAYER (1u << 4)    // what it writes goes to the file layers/ID of the store
#define VMM_SCRATCH (1u << 5)  // what is in that file is of no use after its end

// Runs a container, once. One handle: a folio with its config.json (OCI runtime spec). Tail: the
// path of its root file system in the store (libs/abi/files.h), as "images/NAME"; none: it is on
// the disk "images".
struct msg_vmm_start {
	uint8_t container[VMM_ID_SIZE];
	uint32_t flags;  // VMM_TTY to VMM_SCRATCH
	uint32_t config_length;
	// The part of that disk; 0, 0: all of it.
	uint64_t first_sector;
	uint64_t num_sectors;
};

#define VMM_SHARE_HOST (1u << 0)  // what was bound by `number` (host_bind); else a volume
#define VMM_SHARE_READ_ONLY (1u << 1)
#define VMM_SHARE_STORE (1u << 2)  // a folder in IMAGES_STORE

// Before vmm_start: the next entry of the virtual machine's file system device, from 0 (libs/linux/
// vm/vm_share.h). Tail: the volume's name.
struct msg_vmm_share {
	uint32_t flags;  // VMM_SHARE_*
	uint32_t number;
};

// Process 1 is the container's, others are those that vmm_exec has added.
struct msg_vmm_signal {
	uint32_t process;
	uint32_t signal;  // Linux's number
};

struct msg_vmm_resize {
	uint32_t process;
	uint16_t rows;
	uint16_t columns;
};

// Ends the container, with the status 137: its guest kills it, and writes out what it has written.
// `at_once` 1, and the second time: its virtual machine ends. Of one that has no container, the
// process does.
struct msg_vmm_kill {
	uint32_t at_once;
};

#define VMM_ATTACH_STDIN (1u << 0)
#define VMM_ATTACH_STDOUT (1u << 1)
#define VMM_ATTACH_STDERR (1u << 2)

#define VMM_DETACH_KEYS_MAX 16u

// What a client types to leave a terminal, whose process goes on. `count` 0: it does not.
struct vmm_detach_keys {
	uint32_t count;
	uint8_t keys[VMM_DETACH_KEYS_MAX];
};

// One handle: a channel of bytes (MSG_DATA, MSG_END), to the container's stdin and from its output.
// Without a terminal the output is in the frames of Docker's API: the stream's number, three bytes
// of 0, the length as a big-endian number of 4 bytes, the bytes. It ends when the container does.
struct msg_vmm_attach {
	uint32_t flags;  // VMM_ATTACH_*
	struct vmm_detach_keys keys;
};

// Adds a process to the container that runs. Handles: a folio with its `process` object (OCI
// runtime spec), then a channel, as of vmm_attach, unless nobody is attached.
struct msg_vmm_exec {
	uint32_t process;  // its number for `containers`, which no other that runs has; not 0 or 1
	uint32_t flags;    // VMM_TTY, VMM_EXEC_STDIN
	uint32_t config_length;
	struct vmm_detach_keys keys;
};

// Of vmm_exec: its stdin is the channel's, else it is at its end.
#define VMM_EXEC_STDIN (1u << 8)
// Nobody wants its output.
#define VMM_EXEC_NO_STDOUT (1u << 9)
#define VMM_EXEC_NO_STDERR (1u << 10)
// Its output has no frames. Nothing is said on it of what went wrong, and it has its end (MSG_END)
// only after the status 0.
#define VMM_EXEC_RAW (1u << 11)
// Its output has frames, also with a terminal.
#define VMM_EXEC_FRAMES (1u << 12)

// From the vmm: what has become of an added process. Tail: what went wrong, when the status is not
// the process's own.
struct msg_vmm_process {
	uint32_t process;
	uint32_t state;  // VMM_RUNNING or VMM_ENDED
	int32_t status;  // VMM_ENDED: what a shell would say
	uint32_t flags;  // VMM_FAILED
};

enum vmm_query {
	// The answer's tail: struct control_stats (libs/linux/vm/bootd_protocol.h).
	VMM_QUERY_STATS = 1,
	// One handle: a folio with a struct vmm_top_entry of each process, and its command line.
	VMM_QUERY_TOP = 2,
	// Value 1: all the container's processes stop where they are; 0: they go on.
	VMM_QUERY_FREEZE = 3,
	// The question's tail: struct control_limits, which the container is held to in place of
	// what it was. What its virtual machine has not got is refused.
	VMM_QUERY_LIMIT = 4,
	// Nothing: the answer comes behind all that the vmm has told until then. Also of a
	// container that does not run any more.
	VMM_QUERY_SYNC = 5,
	// What it has written is kept, in spite of VMM_SCRATCH.
	VMM_QUERY_KEEP = 6,
};

// To the vmm: what is asked of a container that runs. From it: the answer, of the same id and
// `what`; its tail says what went wrong when there is an error. What was asked before the channel
// to `containers` was lost is not answered.
struct msg_vmm_query {
	uint32_t id;
	uint32_t what;    // enum vmm_query
	int32_t value;    // of the question; of the answer: 0 or ERR_*
	uint32_t length;  // of what is in the folio
};

// Then `length` bytes, with blanks between arguments; the next one follows without padding.
struct vmm_top_entry {
	uint32_t pid;       // as the container has it
	uint32_t parent;    // likewise; 0: none
	uint32_t uid;       // user
	uint32_t terminal;  // Linux's device number; 0: none
	uint32_t length;
	uint32_t state;          // a letter, as in Linux's proc(5)
	uint64_t start_time_ns;  // since 1970-01-01 UTC
	uint64_t cpu_time_ns;
	uint64_t virtual_bytes;
	uint64_t resident_bytes;
};

// With VMM_LOG_KEEP, before vmm_start: what the container writes is kept in the folder of its id in
// "store:logs" (libs/logs), in files of `max_bytes` (0: no limit), `max_files` of them at most.
// With VMM_LOG_WATCH: vmm_logged comes once, as soon as more than `known` bytes lie there.
struct msg_vmm_log {
	uint64_t max_bytes;
	uint64_t known;
	uint32_t max_files;
	uint32_t flags;  // VMM_LOG_*
};

#define VMM_LOG_KEEP (1u << 0)
#define VMM_LOG_WATCH (1u << 1)

// From the vmm: what lies in the log of its container's run.
struct msg_vmm_logged {
	uint64_t total;  // bytes
	uint32_t file;   // number of the newest
	uint32_t reserved;
};

#define VMM_MESSAGES(X)                           \
	X(VMM_HELLO, vmm_hello, 128, 0, NONE)     \
	X(VMM_STATE, vmm_state, 129, 0, UTF8)     \
	X(VMM_START, vmm_start, 130, 1, UTF8)     \
	X(VMM_SIGNAL, vmm_signal, 131, 0, NONE)   \
	X(VMM_RESIZE, vmm_resize, 132, 0, NONE)   \
	X(VMM_KILL, vmm_kill, 133, 0, NONE)       \
	X(VMM_ATTACH, vmm_attach, 134, 1, NONE)   \
	X(VMM_EXEC, vmm_exec, 135, 2, NONE)       \
	X(VMM_PROCESS, vmm_process, 136, 0, UTF8) \
	X(VMM_QUERY, vmm_query, 137, 1, BYTES)    \
	X(VMM_LOG, vmm_log, 138, 0, NONE)         \
	X(VMM_LOGGED, vmm_logged, 139, 0, NONE)   \
	X(VMM_SHARE, vmm_share, 140, 0, UTF8)

enum { VMM_MESSAGES(MESSAGE_NUMBER) };
VMM_MESSAGES(MESSAGE_DECODER)
VMM_MESSAGES(MESSAGE_ENCODER)
