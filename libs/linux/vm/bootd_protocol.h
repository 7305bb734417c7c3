// SPDX-License-Identifier: MIT
//
// The control protocol between the VMM (libs/linux) and bootd, the guest's PID 1.
//
// It travels on the virtio-console port "control" as a byte stream of frames: a fixed header, then
// `length` bytes of body. All integers are little-endian. Each request carries a `request` number
// that its reply repeats; events carry 0. `process` names a process of the guest (1 is the
// container's init; later ones are those that START added, as OCI's exec does), 0 the guest as a
// whole.
//
// Requests may be sent without waiting for replies; they are handled in order, and replies are
// written together (each write costs VM exits): those to CONFIGURE, MOUNT, NETWORK, CREATE and
// START come with STARTED in one write, and those to what was asked behind START come after it. A
// failed CONFIGURE, MOUNT, NETWORK or CREATE sends FAILED
// before its reply. A guest that waits for its container may be sent PREPARE first: then CREATE
// takes the prepared container when CONFIGURE asked for nothing that it lacks, and makes one else.
// An execve that fails sends FAILED after STARTED. bootd opens the control port first (data that
// comes before a port is open is dropped by Linux), stdin once execve happened, stdout and stderr
// at their first byte; a prepared guest has all of them open. The VMM says that its end of each
// port is open (VIRTIO_CONSOLE_PORT_OPEN) in the order of their numbers and, for stdin, closes it
// after the last byte: that is the end of file. Ports have queues of their own: before the VMM acts
// on EXITED it drains stdout and stderr.
//
// START with a number above 1 adds a process to the container that runs, as many as
// CONTROL_MAX_ADDED at a time. A reply with an error is all that comes of it; else STARTED once
// execve has happened, and then EXITED; or FAILED in place of both. Numbers are used once. Added
// processes end with process 1 at the latest, whose EXITED comes after theirs. Their streams travel
// in frames: of each stream at most CONTROL_WINDOW bytes are on their way, and the receiver says
// with WINDOW how many of them it has used up, so nobody who reads slowly holds anybody else up.
// Bytes for a process that has ended meanwhile are ignored.
//
// Both sides treat the other as hostile: a frame with an unknown type, an impossible length, or in
// the wrong state is answered with an error (by bootd) or ends the VM (by the VMM), never a crash.
#pragma once

#include <stdint.h>

#define CONTROL_VERSION 5u
#define CONTROL_MAGIC 0x52544353u  // "SCTR"
// Large enough for a config.json with a 100 KB argv and environment.
#define CONTROL_MAX_BODY (1024u * 1024u)
// What bootd sends is shorter: a frame of a stream is the longest.
#define CONTROL_MAX_EVENT_BODY (16u * 1024)

// The container's own process.
#define CONTROL_PROCESS_INIT 1u
#define CONTROL_MAX_ADDED 64u
#define CONTROL_WINDOW (64u * 1024)
#define CONTROL_MAX_DATA (CONTROL_MAX_EVENT_BODY - (uint32_t)sizeof(struct control_stream))

// An annotation of config.json: the image's volumes, as the text of a JSON array of absolute paths.
#define CONTROL_VOLUMES_ANNOTATION "org.starina.volumes"
// A member of a `process` object: it is no program, but "archive", "layer",
// "layer-frozen" or "pause" (guest/bootd/config.h).
#define CONTROL_BUILTIN "org.starina.builtin"
// Which entry of the VM's file system device is mounted where (guest/bootd/config.h).
#define CONTROL_SHARE_ANNOTATION "dev.starina.share:"
// Where a tmpfs is mounted, and the size of /dev/shm (the same).
#define CONTROL_TMPFS_ANNOTATION "dev.starina.tmpfs:"
#define CONTROL_SHM_SIZE_ANNOTATION "dev.starina.shm_size"

// Ports of the guest's multiport virtio-console: port N is /dev/vport<index of the virtio
// device>pN. bootd looks for it; it finds it at once when the console is the first virtio device in
// the FDT.
enum guest_port {
	GUEST_PORT_STDIN = 0,
	GUEST_PORT_STDOUT = 1,
	GUEST_PORT_STDERR = 2,
	GUEST_PORT_CONTROL = 3,
	GUEST_NUM_PORTS = 4,
};

enum control_type {
	// Requests, VMM to bootd. Each is answered by one CONTROL_REPLY.
	// body: struct control_configure, then the OCI runtime-spec config.json
	CONTROL_CONFIGURE = 1,
	CONTROL_MOUNT = 2,   // body: struct control_mount: put the root file system together
	CONTROL_CREATE = 3,  // body: none: everything short of execve (OCI create)

	// body: none for process 1; for an added process its OCI `process` object
	CONTROL_START = 4,
	CONTROL_SIGNAL = 5,    // body: struct control_signal
	CONTROL_RESIZE = 6,    // body: struct control_resize
	CONTROL_SHUTDOWN = 7,  // body: none: kill what runs, unmount, power the guest off

	// body: struct control_network: who the guest is; before CREATE, and again when that
	// changes
	CONTROL_NETWORK = 8,
	// body: struct control_prepare: all of a container that its configuration seldom changes
	CONTROL_PREPARE = 9,
	// body: none: what PREPARE made goes, and the root disk may be taken away
	CONTROL_RELEASE = 10,

	// Of the container that runs.
	CONTROL_STATS = 11,   // body: none; the reply's: struct control_stats
	CONTROL_FREEZE = 12,  // body: struct control_freeze
	// body: struct control_top; the reply's: struct control_top_page
	CONTROL_TOP = 13,
	CONTROL_LIMIT = 14,  // body: struct control_limits

	// body: struct control_networks: what of networks the machine is in, now and after each
	// change; after NETWORK
	CONTROL_NETWORKS = 15,

	// body: none: what is on a disk that was mounted with CONTROL_SCRATCH is to be kept
	CONTROL_KEEP = 16,

	// body: struct control_reply, then a UTF-8 message when status is not 0, else what the
	// request's type tells
	CONTROL_REPLY = 32,

	// Events, bootd to VMM.
	CONTROL_EVENT_READY = 64,    // body: struct control_ready: bootd's main was reached
	CONTROL_EVENT_STARTED = 65,  // body: none: the next thing that happens is execve

	// body: struct control_exited, then a UTF-8 message: execve did not happen
	CONTROL_EVENT_FAILED = 66,
	// body: struct control_exited; all output of the process went out before it
	CONTROL_EVENT_EXITED = 67,

	// Streams of added processes; neither requests nor events.
	// both ways; body: struct control_stream, then 1 to CONTROL_MAX_DATA bytes
	CONTROL_STREAM_DATA = 96,
	// VMM to bootd; body: struct control_stream: the end of stdin, or nobody takes the output
	CONTROL_STREAM_END = 97,
	// both ways, from the receiver; body: struct control_window
	CONTROL_STREAM_WINDOW = 98,
};

enum control_stream_number {
	CONTROL_STDIN = 0,
	CONTROL_STDOUT = 1,  // of a process with a terminal: all its output
	CONTROL_STDERR = 2,
};

struct control_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t process;
	uint32_t request;
	uint32_t length;    // bytes of body
	uint32_t reserved;  // 0
};

struct control_configure {
	uint64_t wall_time_ns;  // since 1970-01-01 UTC; 0 when the host has no clock
	uint8_t entropy[32];    // credited to the guest's pool

	// config.json follows
};

enum control_root_flags {
	CONTROL_ROOT_READONLY = 1u << 0,  // no writable overlay
	// What is on the writable disk is of no use once the container has ended.
	CONTROL_SCRATCH = 1u << 1,
};

// /dev/vda is the root image (squashfs). Its writable layer is a tmpfs, or /dev/vdb when
// `writable_disk` is 1.
struct control_mount {
	uint32_t flags;
	uint32_t writable_disk;
	uint64_t root_sectors;  // size of the root image, which the guest waits to see; 0: any
};

enum control_prepare_flags {
	// Only what makes a start fast. Nothing is kept of what is on the root disk, which may be
	// taken away then; the container gets a disk of its own.
	CONTROL_REHEARSE = 1u << 0,
};

struct control_prepare {
	uint64_t wall_time_ns;  // as control_configure's: what is made now has this time
	uint64_t root_sectors;  // as control_mount's
	uint32_t flags;
	uint32_t reserved;
};

// Addresses are in network order; all zero: none.
struct control_network {
	uint8_t mac[6];
	uint16_t mtu;
	uint8_t address[4];
	uint8_t gateway[4];
	uint8_t dns[2][4];
	uint8_t prefix_len;
	uint8_t reserved[3];
};

#define CONTROL_NETWORKS_MAX 16u

// Addresses besides that of control_network. An entry that stays keeps its place.
struct control_networks {
	uint32_t uplink;  // 0: there is no way out, so no default route
	struct {
		uint8_t address[4];  // all zero: none
		uint8_t prefix_len;
		uint8_t reserved[3];
	} entries[CONTROL_NETWORKS_MAX];
};

struct control_signal {
	uint32_t signal;  // Linux's number
};

struct control_resize {
	uint16_t rows;
	uint16_t columns;
};

struct control_freeze {
	uint32_t frozen;  // 1: nothing in the container goes on until this is 0 again
};

// 0: none.
struct control_limits {
	uint64_t memory;      // bytes
	uint64_t pids;        // processes and threads
	uint64_t cpu_quota;   // microseconds of processor time in each cpu_period
	uint64_t cpu_period;  // microseconds, 1000 to 1000000
};

struct control_top {
	uint32_t after;  // the `key` of the last entry of the page before; 0: the first page
};

struct control_reply {
	int32_t status;  // 0, or a negative Linux errno
};

struct control_stream {
	uint32_t stream;  // enum control_stream_number
};

struct control_window {
	uint32_t stream;
	uint32_t bytes;  // that were used up, and may be on their way again
};

struct control_interface {
	uint64_t bytes;
	uint64_t packets;
	uint64_t errors;
	uint64_t dropped;
};

// Counts are since the container's start.
struct control_stats {
	uint64_t memory;         // bytes in use
	uint64_t memory_cached;  // of them: of files, and not used lately
	uint64_t memory_limit;
	uint64_t oom_kills;  // processes that were ended for want of memory
	uint64_t cpu_us;     // processor time
	uint64_t cpu_user_us;
	uint64_t cpu_system_us;
	uint64_t cpu_periods;  // of cpu_period
	uint64_t cpu_throttled_periods;
	uint64_t cpu_throttled_us;
	uint64_t pids;        // processes and threads
	uint64_t pids_limit;  // 0: none
	struct control_interface received;
	struct control_interface sent;
	uint64_t disk_read;  // bytes, of all disks
	uint64_t disk_written;
};

// Then its command line, of `length` bytes, with blanks between arguments; the next one follows
// without padding.
struct control_top_entry {
	uint32_t key;
	uint32_t pid;     // as the container sees it
	uint32_t parent;  // likewise; 0: none
	uint32_t uid;
	uint32_t terminal;  // its device number, as in proc(5); 0: none
	uint32_t length;
	uint64_t start_time_ns;  // since 1970-01-01 UTC
	uint64_t cpu_time_ns;
	uint64_t virtual_bytes;
	uint64_t resident_bytes;
	uint32_t state;  // a letter, as in proc(5)
	uint32_t reserved;
};

#define CONTROL_TOP_MAX_COMMAND 1024u

struct control_top_page {
	uint32_t more;  // 1: there may be a further page

	// struct control_top_entry follows, as many as there are
};

struct control_ready {
	uint32_t version;  // CONTROL_VERSION of bootd
	uint32_t reserved;
	uint64_t boot_time_ns;  // the guest's CLOCK_BOOTTIME
};

struct control_exited {
	// What a shell would say: the exit code, or 128 + the signal that ended it;
	// 125 the container could not be set up, 126 not executable, 127 not found.
	uint32_t status;  // and CONTROL_EXITED_OOM
};

// Of process 1: it, or others of the container, were ended for want of memory.
#define CONTROL_EXITED_OOM (1u << 31)
