// SPDX-License-Identifier: MIT
//
// The ext4 file system, of Linux's disk format (Linux: Documentation/filesystems/ext4), with a
// journal of JBD2's. This library knows no system call: it lies on a struct ext4_device and runs
// in its owner's event loop. Nothing is cached but metadata; where a file's bytes lie is told by
// ext4_map, and the owner reads and writes them.
//
// Operations work on an update (update.h), and return 0, UPDATE_WAIT, UPDATE_MORE or a negative
// LINUX_E*; after anything but 0 and UPDATE_MORE the update has to be dropped. What Linux's VFS
// checks (permissions, types of opens, lengths of paths) is the caller's client's to check; that
// a name, a node or a disk's structure is sound is checked here. Found damage is -LINUX_EUCLEAN,
// and is logged once.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/base/span.h"
#include "libs/ext4/device.h"
#include "libs/ext4/update.h"

#define EXT4_ROOT_INODE 2u
#define EXT4_NAME_MAX 255u
// Files without a name, and such as are being cut. Their table takes memory as there are more: 16
// bytes for each, twice, and half as much while it grows.
#define EXT4_MAX_ORPHANS (1u << 20)
#define EXT4_ORPHAN_BYTES 48u

// An inode and its generation: an inode number that is used again has another one. Only some bits
// of it are compared, so that an owner need not keep more.
#define EXT4_GENERATION_MASK 0xffffffu
struct ext4_node {
	uint32_t inode;
	uint32_t generation;
};

struct ext4_time {
	int64_t seconds;
	uint32_t nanoseconds;
};

struct ext4_attr {
	struct ext4_node node;
	uint32_t mode;  // with the type, as Linux's st_mode
	uint32_t links;
	uint32_t uid;
	uint32_t gid;
	uint32_t device;  // of a device node, as Linux's new_encode_dev
	uint64_t size;
	uint64_t blocks;  // of 512 bytes
	struct ext4_time atime, mtime, ctime;
};

// What a memory of a former instance holds, and this one goes on with (journal/redo.h).
struct ext4_redo {
	uint8_t *bytes;  // NULL: none; what was answered is safe by fsync only
	size_t size;     // at least EXT4_REDO_MIN
};
#define EXT4_REDO_MIN (1024u * 1024)

struct ext4_options {
	struct ext4_device *device;
	uint32_t cache_blocks;  // at least EXT4_CACHE_MIN
	bool read_only;
	// A disk with nothing to mend is only read before ext4_begin.
	bool deferred;
	struct ext4_redo redo;
	// An operation that waits may be run again.
	void (*resume)(void *context);
	void *context;
};

#define EXT4_CACHE_MIN 256u

// Mounts: checks the superblock, replays the journal, then what the redo memory has. Blocks (the
// device's `wait`). No request of a former instance may be on its way to the disk. Errors:
// -LINUX_EINVAL (no ext4, or a feature that is not known: `why` says which), -LINUX_EUCLEAN,
// -LINUX_EIO, -LINUX_EROFS (it must be replayed, and the device is read-only), -LINUX_ENOMEM.
// `why` is a sentence for the user, NUL-terminated.
int ext4_mount(const struct ext4_options *options, struct ext4 **out, char *why, size_t why_size);
// Whether it was mounted with options.deferred, had nothing to mend (a log to replay, redo memory,
// orphans), and ext4_begin has not been called: updates with credits are -LINUX_EROFS, and neither
// ticks nor ext4_unmount write.
bool ext4_is_deferred(const struct ext4 *fs);
// Marks the disk as in use, so that it may be written; has no effect if it is not deferred. Between
// updates. Blocks. After an error (-LINUX_EIO, -LINUX_ENOMEM) it can only be unmounted.
int ext4_begin(struct ext4 *fs);
// Commits, checkpoints, marks the file system clean, and frees all. Blocks. Gives the first error
// that was met.
int ext4_unmount(struct ext4 *fs);
// What is later read as the current time, for all that an operation stamps. Set it before each.
void ext4_set_time(struct ext4 *fs, struct ext4_time now);

#define EXT4_COMMIT_SECONDS 5u
// A tick of the owner's clock, at least once a second, in seconds since any origin: a transaction
// that is older than EXT4_COMMIT_SECONDS is committed.
void ext4_tick(struct ext4 *fs, uint64_t seconds);

typedef void (*ext4_sync_fn)(void *context, int status);
struct ext4_sync {
	struct list entry;
	uint32_t transaction;
	ext4_sync_fn done;
	void *context;
};
// Calls done, once, when everything that was committed to updates before the call is on the disk
// (a flush included, when there was nothing to commit). `sync` is the file system's until then.
// status: 0 or -LINUX_EIO; `done` may be called before this returns when that is known already.
void ext4_sync(struct ext4 *fs, struct ext4_sync *sync);

// Counts of the whole file system.
struct ext4_statfs {
	uint64_t blocks, free_blocks, available_blocks;  // of EXT4_BLOCK_SIZE
	uint64_t inodes, free_inodes;
};
// As statfs(2) tells them: what is reserved is not free.
void ext4_statfs(const struct ext4 *fs, struct ext4_statfs *out);

// --- Nodes (inode.c, attr.c) ---

// -LINUX_ESTALE: there is no such inode (any more). Generation 0 of a request for the root, and
// of EXT4_ROOT_INODE only, is any.
int ext4_getattr(struct update *u, struct ext4_node node, struct ext4_attr *out);

enum ext4_set {
	EXT4_SET_MODE = 1 << 0,  // the type stays
	EXT4_SET_UID = 1 << 1,
	EXT4_SET_GID = 1 << 2,
	EXT4_SET_ATIME = 1 << 3,
	EXT4_SET_MTIME = 1 << 4,
	EXT4_SET_CTIME = 1 << 5,  // else it becomes the current time
};
// Credits: 1. Sets what `which` says of `attr`, and gives back all of it.
int ext4_setattr(struct update *u, struct ext4_node node, uint32_t which, struct ext4_attr *attr);
// Sets a file's size. A smaller one frees blocks: UPDATE_MORE while there are more to free (the
// file is on the orphan list meanwhile and has the new size already). Bytes behind the end in
// the last block are the caller's to zero on the disk before a larger size shows them. Credits:
// EXT4_CREDITS_TRUNCATE.
int ext4_truncate(struct update *u, struct ext4_node node, uint64_t size);
// Frees what a node without names holds, then the node. UPDATE_MORE as ext4_truncate.
int ext4_release(struct update *u, struct ext4_node node);
// The orphans that there are: nodes without a name, and files of which a truncate was not finished.
// Calls `found` for each, which changes nothing.
void ext4_orphans(const struct ext4 *fs,
                  void (*found)(void *context, struct ext4_node node, bool named), void *context);

// --- Names (dir.c, htree.c, names.c) ---

// What a new node is like.
struct ext4_new {
	uint32_t mode;  // with the type
	uint32_t uid;
	uint32_t gid;
	uint32_t device;
	struct span target;  // of a symbolic link, 1 to 4095 bytes
};

#define EXT4_CREDITS_NAMES 40u
#define EXT4_CREDITS_TRUNCATE 48u
#define EXT4_CREDITS_EXTEND 24u
#define EXT4_CREDITS_XATTR 12u

// -LINUX_ENOENT, -LINUX_ENOTDIR, -LINUX_ENAMETOOLONG, -LINUX_ESTALE. "." and ".." are found, too.
int ext4_lookup(struct update *u, struct ext4_node dir, struct span name, struct ext4_attr *out);
// -LINUX_EEXIST, -LINUX_ENOSPC (blocks or inodes), -LINUX_EINVAL (a name with '/' or NUL, "." or
// ".."), -LINUX_EMLINK. A setgid folder gives its group, to folders the bit too.
int ext4_create(struct update *u, struct ext4_node dir, struct span name,
                const struct ext4_new *what, struct ext4_attr *out);
// A file without a name, on the orphan list (O_TMPFILE): ext4_link gives it one.
int ext4_create_unnamed(struct update *u, struct ext4_node dir, const struct ext4_new *what,
                        struct ext4_attr *out);
int ext4_link(struct update *u, struct ext4_node node, struct ext4_node dir, struct span name,
              struct ext4_attr *out);
// Both give the node as it is then: with no links it is on the orphan list, and the caller calls
// ext4_release when nobody has it open. unlink: -LINUX_EISDIR; rmdir: -LINUX_ENOTDIR,
// -LINUX_ENOTEMPTY.
int ext4_unlink(struct update *u, struct ext4_node dir, struct span name, struct ext4_attr *out);
int ext4_rmdir(struct update *u, struct ext4_node dir, struct span name, struct ext4_attr *out);

enum ext4_rename_flags {
	EXT4_RENAME_NOREPLACE = 1 << 0,
	EXT4_RENAME_EXCHANGE = 1 << 1,
};
// As rename(2), renameat2(2). `replaced`: what lost the new name (inode 0: nothing did), as
// ext4_unlink gives it. -LINUX_EINVAL: a folder into itself.
int ext4_rename(struct update *u, struct ext4_node dir, struct span name, struct ext4_node new_dir,
                struct span new_name, uint32_t flags, struct ext4_attr *replaced);

// One entry. false: enough.
typedef bool (*ext4_entry_fn)(void *context, struct span name, uint32_t inode, uint8_t type,
                              uint64_t next);
// The entries from `position` on (0: all; else what an entry had as `next`), "." and ".." among
// them. Maybe only some of these, but never none if there are any. `type` is Linux's DT_*.
// Positions stay good while entries come and go: an entry that is there all the time is seen
// exactly once.
int ext4_readdir(struct update *u, struct ext4_node dir, uint64_t position, ext4_entry_fn entry,
                 void *context);
// The target, without a NUL. At most EXT4_BLOCK_SIZE bytes.
int ext4_readlink(struct update *u, struct ext4_node node, uint8_t *out, size_t *len);
// The node of an inode number that an entry gave.
int ext4_node_of(struct update *u, uint32_t inode, struct ext4_attr *out);

// --- Where bytes lie (extent.c, allocator.c) ---

struct ext4_run {
	uint64_t disk;   // the first block on the disk; 0: a hole
	uint32_t count;  // of blocks, at least 1
	bool unwritten;  // reads as zeroes
};
// Where `count` blocks from `block` of the file lie: the first run of them.
int ext4_map(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
             struct ext4_run *out);
// The first data (or hole) at or after `block`, as lseek(2) finds it. -LINUX_ENXIO is the
// caller's. UPDATE_MORE: it is at or after *out, from which the caller goes on.
int ext4_seek(struct update *u, struct ext4_node node, uint32_t block, bool hole, uint32_t *out);

// Blocks that are free on the disk and promised to one who writes data to them before they
// become a file's. In memory only.
struct ext4_reservation {
	struct list entry;
	uint64_t block;
	uint32_t count;
};
// Reserves up to `count` blocks, near to what the file has before `block`. -LINUX_ENOSPC.
int ext4_reserve(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
                 struct ext4_reservation *out);
// Gives back what is left of it.
void ext4_unreserve(struct ext4 *fs, struct ext4_reservation *reservation);
// Makes the first `count` blocks of the reservation the file's blocks from `block` on, which are
// holes, and takes them out of the reservation when the update is committed (until then, running
// it again is fine): call ext4_reservation_used after update_commit. `unwritten`: they read as
// zeroes. Sets size (if larger) and times. Credits: EXT4_CREDITS_EXTEND.
int ext4_extend(struct update *u, struct ext4_node node, uint32_t block,
                const struct ext4_reservation *reservation, uint32_t count, bool unwritten,
                uint64_t size);
void ext4_reservation_used(struct ext4 *fs, struct ext4_reservation *reservation, uint32_t count);
// Marks `count` blocks from `block`, which are unwritten, as written, or stamps a write into
// blocks that are written: sets size (if larger) and times. Credits: EXT4_CREDITS_EXTEND.
// UPDATE_MORE: there is more to mark, and the size is as it was.
int ext4_written(struct update *u, struct ext4_node node, uint32_t block, uint32_t count,
                 uint64_t size);
// Makes `count` blocks from `block` a hole. UPDATE_MORE as ext4_truncate.
int ext4_punch(struct update *u, struct ext4_node node, uint32_t block, uint32_t count);

// --- Extended attributes (xattr.c) ---

// Names are whole, as "user.mime". Lengths through *len; -LINUX_ERANGE: there is no room for it,
// *len says how much it takes (out may be NULL with a length of 0, which is no error).
// -LINUX_ENODATA, -LINUX_EOPNOTSUPP (a prefix that ext4 does not have).
int ext4_getxattr(struct update *u, struct ext4_node node, struct span name, uint8_t *out,
                  size_t *len);
int ext4_listxattr(struct update *u, struct ext4_node node, uint8_t *out, size_t *len);
enum ext4_xattr_flags { EXT4_XATTR_CREATE = 1, EXT4_XATTR_REPLACE = 2 };  // as setxattr(2)
// -LINUX_ENOSPC: it does not fit into the inode and one block. Credits: EXT4_CREDITS_XATTR.
int ext4_setxattr(struct update *u, struct ext4_node node, struct span name, struct span value,
                  uint32_t flags);
int ext4_removexattr(struct update *u, struct ext4_node node, struct span name);
