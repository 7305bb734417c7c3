// SPDX-License-Identifier: MIT
//
// A call: a request in hand, which is a function that is run until it is done (call.c), and the
// table of operations (request.c).
#pragma once

#include "apps/fs/disk.h"
#include "libs/abi/files.h"
#include "libs/abi/fuse.h"
#include "libs/base/list.h"
#include "libs/base/span.h"
#include "libs/ext4/ext4.h"
#include "libs/starina/payload.h"

struct fs;
struct node;
struct session;

// What a function of a call returns beside 0 (it is done) and negative LINUX_E*.
enum {
	CALL_WAIT = UPDATE_WAIT,  // run again when the file system says so
	CALL_MORE = UPDATE_MORE,  // run again
	CALL_PARKED = 3,          // call_continue will be called
};

enum call_lock { LOCK_NONE = 0, LOCK_SHARED, LOCK_EXCLUSIVE };

// The bytes of a READ or WRITE on their way.
struct transfer {
	struct disk_io io;
	struct ext4_reservation reserved;  // count 0: none
	uint64_t offset;                   // of the file, where the data begin
	uint32_t size;                     // of the data
	uint32_t first;                    // block
	uint32_t count;                    // of blocks
	uint32_t done;                     // of these
	uint32_t now;                      // blocks that are on their way
	uint64_t low, high;     // bytes of the file that are moved: as a rule, whole blocks
	uint32_t at;            // where in the folio the first block is
	const uint8_t *source;  // of a write
	uint32_t source_at;     // in the request's folio
	uint64_t file_size;     // before
	handle_t folio;         // while `io` does not have it
	uint32_t bounced;       // bytes of it that are memory of ours
	bool is_used;           // the folio had something before: holes are zeroed
	bool is_whole;          // it is done as a whole, or has failed
	bool kills_setid;
	bool appends;
	uint64_t appended;  // bytes, before the app died
	int status;         // of the last `io`
};

// How far a write is that appends: the file's end was at `offset`, and `done` bytes are the file's.
struct write_part {
	uint64_t offset;
	uint64_t done;
};

// One block of a file that is read, changed and written.
struct block_edit {
	struct disk_io io;
	handle_t folio;
	uint32_t stage;
	int status;
};

#define CALL_INLINE_OUT 512u

// A request in hand, or something that the file system does for itself (no session).
struct call {
	struct fs *fs;
	struct session *session;
	struct list entry;       // of its session
	struct list wait_entry;  // of who will have it run again
	struct fuse_in_header in;
	int (*run)(struct call *call);
	struct node *node;    // of in.nodeid, pinned
	enum call_lock lock;  // on node's bytes

	// The request's bytes behind the header: inline, or in the folio, there from body_at on.
	struct span body;
	struct payload payload;
	uint32_t body_at;
	handle_t loan;  // a folio that the reply may be in
	uint8_t inline_in[FILES_INLINE_MAX];

	// The reply's body: here, in memory of the heap, or in a folio with room for the header
	// before it.
	uint8_t *out;
	uint32_t out_len;
	uint32_t out_max;
	uint8_t *out_heap;
	handle_t out_folio;
	uint32_t out_offset;  // of the body in the folio
	uint8_t inline_out[CALL_INLINE_OUT];

	// Nodes that the reply gives the session: they are counted when it is sent.
	struct ext4_node entry_node;
	bool gives_entry;
	bool gives_nameless;  // that entry has no name
	bool gives_entries;   // READDIRPLUS: those in `out`
	struct transfer data;
	struct block_edit edit;
	uint32_t stage;  // of an operation with several
	struct ext4_sync sync;
	int sync_status;
};

// --- request.c ---

// The function that serves an opcode. NULL: there is none.
int (*operation_of(uint32_t opcode))(struct call *call);

// --- call.c ---

// A call for the file system itself. NULL: there is no memory.
struct call *call_create(struct fs *fs, int (*run)(struct call *call));
void call_free(struct call *call);
// Errors: event_create's, loop_add's.
__must_check error_t calls_init(struct fs *fs);
// It is run with the next calls_run: a new call, or one that was parked.
void call_continue(struct call *call);
// Runs what can run, as far as that is fair to who is not heard meanwhile: the rest is run later.
// At the end of each turn of the event loop.
void calls_run(struct fs *fs);
// What ext4 calls as options.resume.
void calls_resume(void *fs);
// The call is answered when nobody uses the disk and that is clean, or somebody uses it again.
// Returns CALL_PARKED.
int call_leave(struct call *call);

// The request behind its header.
struct reader call_reader(const struct call *call);
// Takes a struct of the request. -LINUX_EINVAL: there is no more.
int call_take(struct reader *in, void *out, size_t size);
// Whether a name is "." or "..".
bool call_is_dots(struct span name);
// Takes a string, without its NUL; or a name of one component, neither "." nor "..".
int call_string(struct reader *in, struct span *out);
int call_name(struct reader *in, struct span *out);
// Adds to the reply's body. It has to fit.
void call_put(struct call *call, const void *data, size_t size);
// Makes room for a reply's body of `size` bytes. -LINUX_ENOMEM.
int call_room(struct call *call, uint32_t size);
// Begins the update, and the reply; with credits, only in a session that may write (-LINUX_EROFS).
int call_begin(struct call *call, uint32_t credits);
// Ends it: commits it after 0 and UPDATE_MORE, else drops it. Returns `result`, or CALL_WAIT in the
// place of -LINUX_ENOSPC while nodes are being freed. After 0 the reply is kept with the update, so
// it has to be put before.
int call_end(struct call *call, int result);
// Ends an update that only read. Returns as call_end does.
int call_end_read(struct call *call, int result);
// Ends an update after which the call goes on: nothing is kept. Returns as call_end does.
int call_end_part(struct call *call, int result);
// Takes the lock on the node's bytes, which the call has until it is freed. CALL_PARKED: later.
int call_lock(struct call *call, enum call_lock lock);

// --- The operations ---

// FUSE's name of each, and the function that serves it.
#define FS_OPERATIONS(X)               \
	X(LOOKUP, op_lookup)           \
	X(GETATTR, op_getattr)         \
	X(SETATTR, op_setattr)         \
	X(READLINK, op_readlink)       \
	X(SYMLINK, op_symlink)         \
	X(MKNOD, op_mknod)             \
	X(MKDIR, op_mkdir)             \
	X(UNLINK, op_unlink)           \
	X(RMDIR, op_rmdir)             \
	X(RENAME, op_rename)           \
	X(RENAME2, op_rename2)         \
	X(LINK, op_link)               \
	X(CREATE, op_create)           \
	X(TMPFILE, op_tmpfile)         \
	X(OPEN, op_open)               \
	X(OPENDIR, op_opendir)         \
	X(READ, op_read)               \
	X(WRITE, op_write)             \
	X(FSYNC, op_fsync)             \
	X(FSYNCDIR, op_fsync)          \
	X(SYNCFS, op_fsync)            \
	X(FALLOCATE, op_fallocate)     \
	X(LSEEK, op_lseek)             \
	X(GETLK, op_getlk)             \
	X(SETLK, op_setlk)             \
	X(STATFS, op_statfs)           \
	X(READDIR, op_readdir)         \
	X(READDIRPLUS, op_readdirplus) \
	X(SETXATTR, op_setxattr)       \
	X(GETXATTR, op_getxattr)       \
	X(LISTXATTR, op_listxattr)     \
	X(REMOVEXATTR, op_removexattr)

// Not in the table: it is of a session.
int op_destroy(struct call *call);

#define FS_OPERATION(NAME, function) int function(struct call *call);
FS_OPERATIONS(FS_OPERATION)
