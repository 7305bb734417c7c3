// SPDX-License-Identifier: MIT
//
// A virtual machine's files: its virtio file system device as a client of "files" and "volumes"
// (libs/abi/files.h), of several sessions at once. The root of the device is vm_files' own: entry
// number i is share i, a child of a session's root, and a submount. The rest goes through as it is,
// but for node ids: their top 8 bits name the session for the guest. A session outlives its
// provider: it is opened again, and gets again what was not answered. All functions are for the
// loop's thread.
#pragma once

#include "libs/abi/files.h"
#include "libs/linux/machine/machine.h"
#include "libs/linux/vm/vm_files_nodes.h"
#include "libs/starina/opener.h"
#include "libs/virtio/device_fs.h"

// The name that the guest mounts.
#define VM_FILES_TAG "starina"

#define VM_MAX_SHARES 32u
#define VM_SHARE_NAME_MAX 256u
// Folios of FILES_LOAN_BYTES that a session keeps between requests.
#define VM_FILES_MAX_LOANS 8u
// Of FUSE, that are counted.
#define VM_FILES_NUM_OPCODES 64u

// What a guest sees as one entry of its device: "0", "1" and so on.
struct vm_share {
	handle_t connector;            // of the service; not consumed
	char uri[OPENER_URI_MAX];      // of the session, as FILES_HOST
	char name[VM_SHARE_NAME_MAX];  // of the child of the session's root
	bool make;                     // it is a folder, made when it is not there
};

enum files_session_state {
	FILES_SESSION_CLOSED = 0,
	FILES_SESSION_OPENING,
	FILES_SESSION_WAITING,   // for the guest to say what it speaks
	FILES_SESSION_GREETING,  // waits for the answer to FUSE_INIT
	FILES_SESSION_OPEN,
	FILES_SESSION_LOST,
};

struct vm_files;

// One of the loop's, made when it is first set.
struct files_timer {
	handle_t handle;  // HANDLE_NONE: none yet
	struct source source;
	bool runs;
};

struct files_session {
	struct vm_files *files;
	handle_t connector;
	const char *uri;
	enum files_session_state state;
	// Private.
	struct opener opener;
	struct source source;
	struct files_timer timer;  // of how long its provider may be away
	uint64_t key;
	uint64_t greeting;  // the `unique` of FUSE_INIT
	bool greeted;
	bool blocked;                        // its channel was full
	uint32_t deaths;                     // of its provider, since it has answered
	handle_t loans[VM_FILES_MAX_LOANS];  // folios to lend
	uint32_t num_loans;
	uint32_t num_lent;  // since one came back
	// requests with a reply, of the guest's, by opcode
	uint32_t asked[VM_FILES_NUM_OPCODES];
};

// What a request of the device is to vm_files.
struct files_pending {
	struct files_session *session;  // NULL: it is nobody's
	const struct vm_share *share;   // not NULL: it looks this share up
	uint64_t order;
	uint32_t opcode;  // FUSE_MKDIR when it makes the share
	bool made;        // the share was tried to be made
	bool ahead;       // it is ours: the share is looked up before the guest asks
	bool too_late;    // the guest has asked
	bool fresh;       // gets a new `unique` when it is sent
	bool sent;
};

// The answer to a share's look-up, until the guest asks.
struct files_ahead {
	bool is_due;  // it is to be asked
	bool is_there;
	nsec_t since;
	struct fuse_entry_out entry;
};

struct vm_files {
	struct fs_device device;
	bool bound;
	// Its one entry is an empty folder of its own, until the guest has done with it.
	bool rehearses;
	// Private.
	struct machine *machine;
	struct loop *loop;
	struct vm_share shares[VM_MAX_SHARES];
	uint32_t num_shares;
	struct files_ahead ahead[VM_MAX_SHARES];  // of each share
	struct vm_share
		changes;  // FILES_CHANGES of the host's folders; no connector: there are none
	struct files_session sessions[VM_MAX_SHARES];  // one of each URI
	uint32_t num_sessions;
	struct files_nodes nodes;  // that the guest was given
	// what the guest was told that it may use; zero: it has not asked
	struct fuse_init_in init;
	// FUSE_INIT that waits for vm_files_bind; NULL: none
	struct fs_device_request *waiting_init;
	struct files_pending pending[FS_DEVICE_MAX_REQUESTS];
	struct fs_device_request *destroy;  // waits for all sessions to answer theirs; NULL: none
	uint64_t destroying;                // sessions that have not answered it
	uint64_t destroy_sent;
	uint64_t count;                 // of requests, for their order
	uint32_t depth;                 // of calls that have the machine's lock
	uint64_t forgotten;             // sessions that have their part of a batch that waits
	bool waits_for_memory;          // a request does, until another ends
	struct files_timer loan_timer;  // of when folios that nobody uses are closed
	bool loans_used;                // since it was set
	struct files_timer look_timer;  // of when the device looks for forgets
};

// Makes the machine's file system device, in its next slot, and attaches it. `files` is zeroed.
// Errors: as machine_slot_create's and machine_attach's.
__must_check error_t vm_files_create(struct vm_files *files, struct machine *machine);
// Fills the device with `count` shares (copied), once. Before, FUSE_INIT waits, for what the guest
// may use depends on the shares, and all else fails with ENOTCONN. The sessions are opened at once,
// and the shares looked up as soon as the guest has said what it speaks, so that it waits for
// neither. Errors: ERR_EXISTS, ERR_LIMIT (more shares or sessions than there may be).
__must_check error_t vm_files_bind(struct vm_files *files, struct loop *loop,
                                   const struct vm_share *shares, size_t count);
// Answers a guest that has no shares yet, so that it can rehearse a mount: entry 0 is an empty
// folder. The guest's FUSE_DESTROY, or vm_files_bind, ends that; the next FUSE_INIT waits.
void vm_files_rehearse(struct vm_files *files);
// Logs (debug) how often the guest has asked each session for what, since the last time.
void vm_files_log(struct vm_files *files);
// Closes the sessions; the machine does not run. Without effect on a zeroed one.
void vm_files_deinit(struct vm_files *files);
