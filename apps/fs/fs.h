// SPDX-License-Identifier: MIT
//
// The provider of "volumes", "own" and "store" (libs/abi/files.h): FUSE sessions on the ext4 file
// system of the state disk, and its files as block devices (file_disk.c). main.c has the services,
// mount.c the file system and its clock, disk.c the block device, client.c and session.c clients
// and their requests, request.c the table of operations, call.c what runs and waits, node.c which
// nodes are in use, kept.c what a restart leaves; *_ops.c, data.c and data_write.c have the
// operations. All state is in one struct.
#pragma once

#include "apps/fs/call.h"
#include "apps/fs/disk.h"
#include "libs/abi/app.h"
#include "libs/abi/files.h"
#include "libs/abi/fuse.h"
#include "libs/abi/linux_error.h"
#include "libs/base/list.h"
#include "libs/ext4/ext4.h"
#include "libs/locks/locks.h"
#include "libs/starina/loop.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"

#define FS_CACHE_BLOCKS 3072u
#define FS_MAX_SESSIONS 64u
// Of them, those of files as disks are counted apart.
#define FS_MAX_DISKS 128u
#define FS_KEPT_BYTES (4u * 1024 * 1024)
// Ranges that are locked, of all sessions and of one.
#define FS_MAX_LOCKS 2048u
#define FS_MAX_SESSION_LOCKS 512u
// Bytes of data of one READ or WRITE at most.
#define FS_MAX_DATA FILES_MAX_DATA
// What writes of not whole blocks may have of our memory, together; more of them wait.
#define FS_BOUNCE_MAX (8u * 1024 * 1024)
// Nodes that all sessions may have together: no more than our memory has room for, for without any
// nothing works, for nobody. Each is 160 bytes of ours; a guest of Linux has a KiB for it.
#define FS_MAX_REFS (2u * 1024 * 1024)
#define FS_REF_BYTES 160u
// Of these, those without a name: fewer than there may be orphans, for truncates need some, too.
#define FS_MAX_NAMELESS (EXT4_MAX_ORPHANS / 4 * 3)
// How long a client may believe what it was told, in seconds: of a node that it has alone, and of
// one that others have, too.
#define FS_VALID_ALONE 10u
#define FS_VALID_SHARED 1u
// How long the sessions of an instance before are waited for.
#define FS_RETURN_SECONDS 60u

struct fs;

// --- Nodes ---

#define NODE_BUCKETS 16384u

// Of a mode.
#define LINUX_S_IFMT 0xf000u
#define LINUX_S_IFREG 0x8000u
#define LINUX_S_IFDIR 0x4000u
#define LINUX_S_IFLNK 0xa000u

// An inode that a session has looked up, or that a call works on.
struct node {
	struct node *next;  // of its bucket
	struct ext4_node id;
	uint32_t refs;     // of sessions
	bool was_shared;   // several had it at a time
	uint32_t pins;     // of calls
	bool nameless;     // to be released when nobody has it
	bool from_before;  // an orphan of an instance before: sessions may still have it
	// Calls that work on its bytes: many readers, or one that changes them.
	uint32_t readers;
	bool writer;
	struct list waiting;        // calls, in the order they came
	struct node *next_release;  // behind it
};

// That a session has a node.
struct ref {
	struct ref *next;   // of its bucket
	struct list entry;  // of its session
	struct session *session;
	struct node *node;
	uint64_t lookups;
};

// --- Sessions ---

enum fs_service {
	FS_VOLUMES,
	FS_OWN,
	FS_STORE,
	FS_UNMOUNT,
};

// A connection to a service: it may open sessions.
struct client {
	struct fs *fs;
	enum fs_service service;
	struct source source;
	struct list entry;
	bool opening;  // a session, once the disk is mounted
	uint32_t open_id;
	char app[APP_NAME_MAX];         // FS_OWN: whose folder it is to get
	char share[EXT4_NAME_MAX + 1];  // its URI
};

struct session {
	struct fs *fs;
	struct list entry;
	struct source source;
	struct list refs;
	uint32_t num_refs;
	uint32_t num_nameless;  // of these
	struct list calls;      // that are to be answered
	struct ext4_node root;
	struct node *root_node;  // pinned, so that it stays when its name goes
	uint32_t num_calls;
	uint32_t minor;  // of the protocol; 0 before INIT
	uint32_t flags;  // FUSE_INIT's that both have
	uint32_t index;  // in kept memory; FS_MAX_SESSIONS: it is not kept
	uint32_t salt;   // of its places in the table of refs
	bool read_only;
	bool volumes;    // what its root has are submounts
	bool returned;   // from an instance before: what nodes it has is not known
	bool changed;    // a call of it may have changed something
	bool destroyed;  // the client has done with it
	bool ended;      // its channel is closed, calls are left
	bool lends;      // the client wants its folios back
	bool is_disk;    // of the file that is its root, as a block device (file_disk.c)
	uint64_t num_sectors;
	char only[EXT4_NAME_MAX + 1];  // the one child that its root has for it; "": it has all
};

// --- The file system ---

enum fs_state {
	FS_CLOSED = 0,
	FS_OPENING,  // the disk
	FS_MOUNTED,
	FS_FAILED,  // `why` says how
};

struct fs {
	struct loop loop;
	struct service_listener listener;
	struct service_listener own;
	struct service_listener store;
	struct service_listener unmount;
	bool ending;  // for good: the machine goes off
	struct list clients;
	bool clients_wait;  // for a disk that somebody else has
	struct list sessions;
	uint32_t num_sessions;
	uint32_t num_disks;      // of them
	uint32_t num_destroyed;  // likewise
	uint32_t last_salt;

	enum fs_state state;
	bool ahead;  // nobody has asked for a session yet: the disk is only read
	error_t error;
	char why[160];
	handle_t blkdev;  // connector
	struct opener opener;
	struct disk disk;
	struct ext4 *ext4;
	struct update update;

	struct source clock;  // a timer
	struct source more;   // an event: there is more to run
	struct list ready;    // calls to run
	struct list stalled;  // calls that wait for the file system
	bool running;
	uint32_t num_calls;
	uint32_t num_releases;   // nodes that are to be freed: others wait for room meanwhile
	uint32_t num_releasing;  // of these, those that a call frees
	// The rest, in the order they came.
	struct node *release_first, *release_last;
	uint32_t bounced;      // bytes of memory that writes of not whole blocks have
	struct list bouncing;  // calls that wait for some of it
	struct list leaving;   // calls that are answered when nobody uses the disk
	uint32_t num_leaving;

	struct node *nodes[NODE_BUCKETS];
	struct ref *refs[NODE_BUCKETS];
	uint32_t num_refs;
	uint32_t max_refs;
	uint32_t num_nameless;  // of these
	uint32_t max_nameless;
	uint32_t num_returned;
	uint32_t num_awaited;    // sessions of before that have not returned
	uint64_t awaited_until;  // seconds

	struct kept *kept;  // NULL: there is none
	struct lock_table locks;
	uint64_t version;  // of what sessions have cached (session_version); 0: nobody has asked
};

// What a session is of.
struct share {
	struct ext4_node root;
	bool volumes;
	bool read_only;
	bool is_disk;                  // the root is a file
	uint64_t size;                 // of the file
	char only[EXT4_NAME_MAX + 1];  // as session's
};

// --- mount.c ---

// Sets up all that is there before the disk is. `kept` is the kept memory; HANDLE_NONE: none.
// Errors: folio_map's, loop_add's.
__must_check error_t fs_init(struct fs *fs, handle_t kept);
// Opens and mounts the disk, unless it is; then clients_opened.
void fs_open(struct fs *fs);
// The same before anybody has asked for a session, so that the first one need not wait. Until then
// the disk is only read; one that has something to mend is mended, and closed again. Has no effect
// and logs nothing when the disk is not there or no good.
void fs_open_ahead(struct fs *fs);
// Nobody uses a session any more: all goes to the disk, which is clean then.
void fs_idle(struct fs *fs);
// Ends all sessions for good. Once what they have asked for is done comes fs_idle, and
// clients_opened.
void fs_end(struct fs *fs);
// Seconds of CLOCK_MONOTONIC.
uint64_t fs_seconds(void);
// CLOCK_WALL, or some time when it is not set.
struct ext4_time fs_time(void);
// What a URI of "volumes" names. The disk is mounted. Blocks while it is read. Errors:
// ERR_NOT_FOUND, ERR_IO.
__must_check error_t share_find_volumes(struct fs *fs, const char *uri, struct share *out);
// Cuts "NAME/" off the end of a URI of one child: `only`; "" if it is none such. Returns false when
// NAME is none of a file.
__must_check bool share_cut_child(char *uri, char only[EXT4_NAME_MAX + 1]);
// The same of "own", for the app of that name. Errors: ERR_INVALID (the name is none of a folder),
// too.
__must_check error_t share_find_own(struct fs *fs, const char *app, const char *uri,
                                    struct share *out);
// The same of "store". Errors: ERR_INVALID, too.
__must_check error_t share_find_store(struct fs *fs, const char *uri, struct share *out);

// --- client.c ---

// Accepts the clients of all services. Errors: as service_listen's.
__must_check error_t clients_init(struct fs *fs, handle_t volumes, handle_t own, handle_t store,
                                  handle_t unmount);
// The file system is mounted, or is not to be had: what clients wait for.
void clients_opened(struct fs *fs);

// --- lock_ops.c ---

// The session's locks end.
void session_unlock_all(struct session *session);
// The call is about to change its node. If others have it, what they have cached is not right then:
// they are told so with the next lock.
void call_changes(struct call *call);

// --- session.c ---

// Errors: ERR_LIMIT, ERR_NO_MEMORY, channel_create's.
__must_check error_t session_open(struct fs *fs, const struct share *share, handle_t *out);
// The session's channel is closed, and it is freed when its last call has ended.
void session_end(struct session *session);
// The same from a callback of its channel, of whose batch no end comes then: what is ready runs.
void session_close(struct session *session);
// The call is the session's from now on, and will be answered.
void session_begin(struct session *session, struct call *call);
// Sends the reply of a call (result: 0 or negative LINUX_E*) and frees the call.
void session_answer(struct call *call, int result);

// --- file_disk.c ---

extern const struct source_ops file_disk_ops;
// Tells the client of a session that was just opened what its disk is. Errors: channel_send's.
__must_check error_t file_disk_greet(const struct session *session);
// Whether somebody else has the file as a disk: who opens it for writing has it alone. The others
// are sent away, and the answer is no once all that they have asked for is done.
bool file_disk_is_taken(struct fs *fs, const struct share *share);
// Sends the reply of a call of such a session. Errors: channel_send's.
__must_check error_t file_disk_reply(struct call *call, int result);

// --- node.c ---

// The number that a session knows the node by.
uint64_t node_id(const struct session *session, struct ext4_node node);
// The node that the call's session means by an id. -LINUX_ESTALE: it has no such node.
// -LINUX_ENOMEM, -LINUX_ENFILE, CALL_WAIT.
int node_find(struct call *call, uint64_t id, struct ext4_node *out);
// The node of an inode that is there, made if nobody has it. NULL: there is no memory.
struct node *node_get(struct fs *fs, struct ext4_node id);
// NULL: it is not in use.
struct node *node_peek(struct fs *fs, struct ext4_node id);
// Pins the node for the call, as its own. -LINUX_ENOMEM.
int node_pin(struct call *call, struct ext4_node id);
void node_unpin(struct fs *fs, struct node *node);
// Whether the session may have one node more: 0, or -LINUX_ENFILE. It leaves at least as many to
// the others as it has itself.
int node_room(const struct session *session);
// Counts a lookup. -LINUX_ENOMEM, -LINUX_ENFILE: node_room's.
int node_ref(struct session *session, struct ext4_node id);
void node_forget(struct session *session, uint64_t id, uint64_t lookups);
// The session ended: it has no nodes any more.
void session_forget_all(struct session *session);
// Whether the session may have one node without a name more: 0, or -LINUX_ENFILE. It leaves at
// least as many to the others as it has itself.
int session_nameless_room(const struct session *session);
// The same of all that have the node.
int node_nameless_room(struct fs *fs, struct ext4_node id);
// The node has got a name.
void node_named(struct fs *fs, struct ext4_node id);
// The node has lost its last name: it is released when nobody has it.
void node_nameless(struct fs *fs, struct ext4_node id);
// Orphans of before that are in use by nobody that may still come.
void nodes_settle(struct fs *fs);
// Frees a node that nobody has, or begins to release it.
void node_unused(struct fs *fs, struct node *node);
// Whether another session than this one has the node.
bool node_is_shared(const struct session *session, struct ext4_node id);
// How long the session may believe what it is told of a node, in seconds.
uint64_t node_valid(const struct session *session, struct ext4_node id);

// --- kept.c ---

// What is kept of an instance before. `bytes` of FS_KEPT_BYTES, or NULL.
void kept_init(struct fs *fs, void *bytes);
// The part of it that is the file system's.
struct ext4_redo kept_redo(const struct fs *fs);
// After a mount: forgets what the file system does not have.
void kept_mounted(struct fs *fs);
// The client's key of the session. false: somebody has it, or there is no room.
bool kept_session(struct session *session, uint64_t key);
void kept_session_init(struct session *session);
void kept_session_end(struct session *session);
// Before an update is committed that ends the call: keeps its reply.
void kept_reply(struct call *call);
// Whether the request was done before: puts the reply that it had.
bool kept_done(struct call *call);
// Before an update is committed that makes the first `done` bytes of a write that appends the
// file's: keeps how far it is.
void kept_part(const struct call *call, uint64_t done);
// Whether the call is such a write, which the death of an instance before broke off.
bool kept_part_done(const struct call *call, struct write_part *out);
uint32_t kept_awaited(const struct fs *fs);
// Those who did not come back.
void kept_forget_awaited(struct fs *fs);

// --- data.c, data_write.c ---

// Zeroes [from, to) of the call's file, which is within one block, on the disk: what lies behind
// the end, or is at the edge of a hole. Call it until it returns 0. CALL_WAIT, CALL_PARKED.
int data_zero(struct call *call, uint64_t from, uint64_t to);
// Reads the range of the call's file, which it may have locked, into the folio (consumed) at `at`;
// both in whole sectors. Then the folio is call->out_folio; what failed is left in
// call->data.folio. Returns as operations do.
int data_read(struct call *call, uint64_t offset, uint32_t size, handle_t folio, uint32_t at);
// Writes all bytes of call->payload, which are at `at` in its folio, to the call's file, which it
// has locked. Then the folio is call->data.folio, or call->payload.folio still. Returns as
// operations do.
int data_write(struct call *call, uint64_t offset, uint32_t size, uint32_t at);
// Gives back what a transfer has.
void data_end(struct call *call);

// --- attr_ops.c ---

// Attributes as FUSE tells them.
void attr_to_fuse(const struct ext4_attr *attr, struct fuse_attr *out);
// Puts an entry of `parent`, which the session has looked up by that, into a reply.
void entry_to_fuse(const struct call *call, struct ext4_node parent, const struct ext4_attr *attr,
                   struct fuse_entry_out *out);
// The mode without setuid, and without setgid where the group may execute.
uint32_t mode_without_setid(uint32_t mode);
// Takes both away in the call's update.
int kill_setid(struct call *call);
