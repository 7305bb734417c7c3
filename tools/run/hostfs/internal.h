// SPDX-License-Identifier: MIT
//
// Between the files of hostfs: node.c (nodes, from names to numbers), override.c (what the
// container sees of owners and modes), handle.c (open files), and the operations: attr_ops.c,
// name_ops.c, file_ops.c, dir_ops.c, xattr_ops.c, which request.c calls.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include "libs/abi/fuse.h"
#include "libs/locks/locks.h"
#include "tools/run/hostfs/hostfs.h"

#define NODE_BUCKETS 65536u
#define MAX_HANDLES 65536u
#define MAX_LOCKS 1024u
// Open directories of which something was read that the guest has not asked for.
#define MAX_LISTINGS 32u
// How long the guest may believe what it was told, in seconds: the host changes files, too.
#define VALID_SECONDS 1u
// Node ids from here on in their low half are none of a file's (changes.h).
#define SPECIAL_SLOT 0x80000000u

struct node {
	uint64_t id;
	unsigned share;
	dev_t dev;
	ino_t ino;
	mode_t type;        // S_IFMT of the host's inode
	int fd;             // O_PATH; -1: it has none now (place.c), or is the root
	uint64_t lookups;   // of the guest's
	bool is_root;       // it has the shares
	bool is_share;      // it stays
	struct node *next;  // of its bucket
	// Where it was seen last; NULL: it has no name that we know of.
	struct node *parent;
	char *name;
	struct node *next_place;     // of its bucket in hostfs.places
	uint32_t watch;              // index + 1; 0: none (watch.c)
	uint32_t children;           // nodes that have it as parent
	uint32_t opens;              // handles of it
	struct host_locks *locks;    // NULL: it has had none (lock_ops.c)
	uint32_t pins;               // it is in use
	struct node *newer, *older;  // by their last use, of those with a descriptor
};

struct listing;

struct handle {
	bool used;
	bool is_dir;
	struct node *node;
	int fd;
	uint64_t position;        // in a directory: of the next entry
	struct listing *listing;  // from there on; NULL: nothing was read
};

struct hostfs {
	bool privileged;  // we may give files to others
	uid_t uid;
	gid_t gid;
	struct hostfs_share shares[HOSTFS_MAX_SHARES];
	unsigned num_shares;
	struct node *share_nodes[HOSTFS_MAX_SHARES];
	struct node root;
	bool is_rooted;  // the one share is what the client knows as the root

	struct node **slots;  // by the low half of the id
	uint32_t *generations;
	uint32_t num_slots;
	uint32_t *free_slots;
	uint32_t num_free;
	uint32_t num_nodes;
	struct node *buckets[NODE_BUCKETS];
	struct node *places[NODE_BUCKETS];  // by parent and name
	uint32_t num_kept;                  // descriptors (place.c)

	struct watches *watches;  // NULL: nobody asks for changes
	struct changes *changes;
	uint32_t num_phantoms;

	struct handle *handles;
	uint32_t num_handles;
	struct listing *listings[MAX_LISTINGS];
	uint32_t next_listing;

	struct lock_table locks;  // of this client; no entries: it has had none
};

// A request in hand.
struct call {
	struct hostfs *fs;
	struct fuse_in_header in;
	const uint8_t *body;  // what is left of the request
	size_t body_len;
	struct node *node;  // of in.nodeid, in use
	const uint8_t *request;
	size_t request_len;
	struct {
		dev_t dev;
		ino_t ino;
	} changed[2];  // files that it may change: its own node's, and another
	uint8_t *out;  // the reply's body
	size_t out_max;
	size_t out_len;
};

// What the container is told of a file's owner and mode.
struct ownership {
	uint32_t uid;
	uint32_t gid;
	mode_t mode;  // with the type
	uint32_t major, minor;
};

// --- request.c: all return 0 or a negative errno ---

// Takes the next `size` bytes of the request. -EINVAL: it has less.
int call_take(struct call *call, void *out, size_t size);
// Takes a name of one component: not empty, neither "." nor "..", without "/".
int call_name(struct call *call, const char **name);
// Takes any string.
int call_string(struct call *call, const char **text);
// Adds to the reply. -ERANGE: there is no room.
int call_put(struct call *call, const void *data, size_t size);
// -EROFS when the call's node is in a share that must not be changed, or is none of a share.
int call_may_write(const struct call *call);

// --- node.c ---

// Whether the session may have one node more: 0, or -ENFILE. It leaves at least as many to the
// others as it has itself.
int node_room(const struct hostfs *fs);
// Puts a node of the open O_PATH descriptor (consumed) into the table, or finds it there, and
// counts a lookup.
int node_get(struct hostfs *fs, unsigned share, int fd, struct node **out);
// The same of an entry of a directory that is in use.
int node_lookup(struct hostfs *fs, struct node *parent, const char *name, struct node **out);
// An O_PATH descriptor of an entry, not followed, or a negative errno.
int node_open_entry(const struct node *parent, const char *name);
// The node of an entry, if the guest has it. NULL: it has not.
struct node *node_peek(struct hostfs *fs, const struct node *parent, const char *name);
// NULL: the guest does not have such a node.
struct node *node_find(struct hostfs *fs, uint64_t id);
void node_forget(struct hostfs *fs, struct node *node, uint64_t lookups);
// Frees a node that neither the guest nor another node or handle has, and nobody uses.
void node_release(struct hostfs *fs, struct node *node);
int nodes_init(struct hostfs *fs);
void nodes_deinit(struct hostfs *fs);
// The name by which a node's inode can be reached: "/proc/self/fd/N".
struct proc_path {
	char text[32];
};
struct proc_path node_path(const struct node *node);
// Opens a regular file or a directory. The flags are the host's.
int node_open(struct hostfs *fs, struct node *node, int flags);
// What the guest is told for the number `ino` of the node's device: to it, all of a share is one
// device, also what is mounted there on the host.
uint64_t node_number(const struct hostfs *fs, const struct node *node, ino_t ino);
// A node's attributes, and an entry of it.
int node_attr(struct hostfs *fs, const struct node *node, struct fuse_attr *attr);
int node_entry(struct hostfs *fs, const struct node *node, struct fuse_entry_out *entry);

// --- place.c ---

// Sees to it that the node has a descriptor. -ESTALE: it is not where it was.
int node_use(struct node *node);
// Gives it a descriptor (consumed) in place of the one that it has, or takes it (-1).
void node_set_fd(struct node *node, int fd);
// The node was seen as that entry of `parent`.
int node_place(struct hostfs *fs, struct node *node, struct node *parent, const char *name);
// The node that was seen there last. NULL: none that is known.
struct node *node_at(struct hostfs *fs, const struct node *parent, const char *name);
// It has no place from now on.
void node_unplace(struct hostfs *fs, struct node *node);
// After an open that returned `fd` and errno: whether it is worth another try, as descriptors were
// taken from nodes of any session.
bool fds_are_short(int fd);
// Whether the session may keep `count` more descriptors open. -ENFILE: it has so many that no other
// could have as many.
int fds_room(const struct hostfs *fs, uint32_t count);
// The session is about to keep them. Errors: fds_room's.
int fds_keep(struct hostfs *fs, uint32_t count);
void fds_drop(struct hostfs *fs, uint32_t count);

// --- override.c ---

// What the container sees of `st`.
void ownership_read(const struct hostfs *fs, const struct node *node, const struct stat *st,
                    struct ownership *out);
// Makes the container see `wanted`: on the host as far as this user can, else in the attribute.
int ownership_write(const struct hostfs *fs, const struct node *node, const struct stat *st,
                    const struct ownership *wanted);
// Takes setuid and setgid away, as a write does.
int ownership_kill_setid(const struct hostfs *fs, const struct node *node);
// Bits of a mode that are the host's own.
mode_t ownership_host_mode(mode_t mode);
// What the container sees the directory's entry as, DT_*: a regular file of the host may stand for
// a device, a FIFO or a socket.
unsigned char ownership_entry_type(const struct node *dir, const struct dirent64 *entry);

// --- handle.c ---

// Whether there may be one more, before an open that makes or cuts a file: fds_room's errors.
int handle_room(const struct hostfs *fs);
// Takes a handle for the node's open file or directory (consumed).
int handle_add(struct hostfs *fs, struct node *node, int fd, uint64_t *fh);
// The node's handle of that number. NULL: it has none, or is no file, or no directory.
struct handle *handle_file(struct hostfs *fs, const struct node *node, uint64_t fh);
struct handle *handle_dir(struct hostfs *fs, const struct node *node, uint64_t fh);
void handle_drop(struct hostfs *fs, const struct node *node, uint64_t fh);
void handles_deinit(struct hostfs *fs);

// --- listing.c ---

// Sees to it that the handle's next entry is the one at `offset`.
int listing_seek(struct hostfs *fs, struct handle *handle, uint64_t offset);
// Gives the handle's next entry, good until the next call. NULL: there is none.
int listing_peek(struct handle *handle, const struct dirent64 **entry);
// That entry is done.
void listing_next(struct handle *handle, const struct dirent64 *entry);
// Forgets what was read.
void listing_drop(struct handle *handle);
void listings_deinit(struct hostfs *fs);

// --- lock_ops.c ---

// Nobody has the node open: its descriptors for locks go, if it has no locks.
void host_locks_idle(struct hostfs *fs, struct node *node);
// The node goes, and with it its locks.
void host_locks_end(struct hostfs *fs, struct node *node);

// --- The operations ---

// FUSE's name of each, and the function that serves it: it takes the rest of the request, puts what
// the reply has besides its header, and returns 0 or a negative errno.
#define HOSTFS_OPERATIONS(X)                   \
	X(LOOKUP, op_lookup)                   \
	X(GETATTR, op_getattr)                 \
	X(SETATTR, op_setattr)                 \
	X(READLINK, op_readlink)               \
	X(STATFS, op_statfs)                   \
	X(SYNCFS, op_syncfs)                   \
	X(SYMLINK, op_symlink)                 \
	X(MKNOD, op_mknod)                     \
	X(MKDIR, op_mkdir)                     \
	X(UNLINK, op_unlink)                   \
	X(RMDIR, op_rmdir)                     \
	X(RENAME, op_rename)                   \
	X(RENAME2, op_rename2)                 \
	X(LINK, op_link)                       \
	X(CREATE, op_create)                   \
	X(TMPFILE, op_tmpfile)                 \
	X(OPEN, op_open)                       \
	X(READ, op_read)                       \
	X(WRITE, op_write)                     \
	X(RELEASE, op_release)                 \
	X(FSYNC, op_fsync)                     \
	X(FALLOCATE, op_fallocate)             \
	X(LSEEK, op_lseek)                     \
	X(COPY_FILE_RANGE, op_copy_file_range) \
	X(OPENDIR, op_opendir)                 \
	X(READDIR, op_readdir)                 \
	X(READDIRPLUS, op_readdirplus)         \
	X(FSYNCDIR, op_fsyncdir)               \
	X(GETLK, op_getlk)                     \
	X(SETLK, op_setlk)                     \
	X(SETXATTR, op_setxattr)               \
	X(GETXATTR, op_getxattr)               \
	X(LISTXATTR, op_listxattr)             \
	X(REMOVEXATTR, op_removexattr)

#define HOSTFS_OPERATION(NAME, function) int function(struct call *call);
HOSTFS_OPERATIONS(HOSTFS_OPERATION)
