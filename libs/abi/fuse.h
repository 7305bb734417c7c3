// SPDX-License-Identifier: MIT
//
// The wire format of FUSE, version 7.31 and later, as Linux speaks it over virtio-fs (virtio 1.2,
// section 5.11): constants and layouts. A request is fuse_in_header, the operation's struct, and
// names or data; a reply is fuse_out_header and the operation's. All fields are little-endian, as
// this machine, its guests and its hosts are. Error numbers and mode bits are Linux's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FUSE_VERSION_MAJOR 7u
#define FUSE_VERSION_MINOR 38u      // what our servers speak
#define FUSE_VERSION_MINOR_MIN 31u  // what a client has to speak at least
#define FUSE_ROOT_ID 1u

enum fuse_opcode {
	FUSE_LOOKUP = 1,
	FUSE_FORGET = 2,
	FUSE_GETATTR = 3,
	FUSE_SETATTR = 4,
	FUSE_READLINK = 5,
	FUSE_SYMLINK = 6,
	FUSE_MKNOD = 8,
	FUSE_MKDIR = 9,
	FUSE_UNLINK = 10,
	FUSE_RMDIR = 11,
	FUSE_RENAME = 12,
	FUSE_LINK = 13,
	FUSE_OPEN = 14,
	FUSE_READ = 15,
	FUSE_WRITE = 16,
	FUSE_STATFS = 17,
	FUSE_RELEASE = 18,
	FUSE_FSYNC = 20,
	FUSE_SETXATTR = 21,
	FUSE_GETXATTR = 22,
	FUSE_LISTXATTR = 23,
	FUSE_REMOVEXATTR = 24,
	FUSE_FLUSH = 25,
	FUSE_INIT = 26,
	FUSE_OPENDIR = 27,
	FUSE_READDIR = 28,
	FUSE_RELEASEDIR = 29,
	FUSE_FSYNCDIR = 30,
	FUSE_GETLK = 31,
	FUSE_SETLK = 32,
	FUSE_SETLKW = 33,
	FUSE_ACCESS = 34,
	FUSE_CREATE = 35,
	FUSE_INTERRUPT = 36,
	FUSE_DESTROY = 38,
	FUSE_BATCH_FORGET = 42,
	FUSE_FALLOCATE = 43,
	FUSE_READDIRPLUS = 44,
	FUSE_RENAME2 = 45,
	FUSE_LSEEK = 46,
	FUSE_COPY_FILE_RANGE = 47,
	FUSE_SYNCFS = 50,
	FUSE_TMPFILE = 51,
};

struct fuse_in_header {
	uint32_t len;  // of the whole request
	uint32_t opcode;
	uint64_t unique;
	uint64_t nodeid;
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
	uint16_t total_extlen;
	uint16_t padding;
};
_Static_assert(sizeof(struct fuse_in_header) == 40, "fuse_in_header");

// Whether a request is answered. (Ours: a RELEASE or RELEASEDIR whose `unique` is 0 is not, for a
// client that does not wait for it. Linux uses no such one.)
static inline bool fuse_is_answered(const struct fuse_in_header *in)
{
	switch (in->opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: return false;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: return in->unique != 0;
	default: return true;
	}
}

struct fuse_out_header {
	uint32_t len;   // of the whole reply
	int32_t error;  // 0 or a negative errno
	uint64_t unique;
};
_Static_assert(sizeof(struct fuse_out_header) == 16, "fuse_out_header");

#define FUSE_ATTR_SUBMOUNT (1u << 0)
// Ours (guest/kernel/patches): nothing is kept of an open, so OPEN need only come to truncate, and
// RELEASE need not. Linux without the patch sends both.
#define FUSE_ATTR_STATELESS (1u << 30)

struct fuse_attr {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;  // of 512 bytes
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
	uint32_t blksize;
	uint32_t flags;  // FUSE_ATTR_*
};
_Static_assert(sizeof(struct fuse_attr) == 88, "fuse_attr");

struct fuse_entry_out {
	uint64_t nodeid;  // 0: there is no such entry, which may be remembered
	uint64_t generation;
	uint64_t entry_valid;  // seconds
	uint64_t attr_valid;
	uint32_t entry_valid_nsec;
	uint32_t attr_valid_nsec;
	struct fuse_attr attr;
};
_Static_assert(sizeof(struct fuse_entry_out) == 128, "fuse_entry_out");

struct fuse_attr_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t dummy;
	struct fuse_attr attr;
};

// --- INIT ---

#define FUSE_ASYNC_READ (1u << 0)
#define FUSE_POSIX_LOCKS (1u << 1)
#define FUSE_ATOMIC_O_TRUNC (1u << 3)
#define FUSE_EXPORT_SUPPORT (1u << 4)
#define FUSE_BIG_WRITES (1u << 5)
#define FUSE_DONT_MASK (1u << 6)
#define FUSE_FLOCK_LOCKS (1u << 10)
#define FUSE_AUTO_INVAL_DATA (1u << 12)
#define FUSE_DO_READDIRPLUS (1u << 13)
#define FUSE_READDIRPLUS_AUTO (1u << 14)
#define FUSE_ASYNC_DIO (1u << 15)
#define FUSE_NO_OPEN_SUPPORT (1u << 17)
#define FUSE_PARALLEL_DIROPS (1u << 18)
#define FUSE_MAX_PAGES (1u << 22)
#define FUSE_CACHE_SYMLINKS (1u << 23)
#define FUSE_NO_OPENDIR_SUPPORT (1u << 24)
#define FUSE_SUBMOUNTS (1u << 27)
#define FUSE_HANDLE_KILLPRIV_V2 (1u << 28)

struct fuse_init_in {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint32_t flags2;
	uint32_t unused[11];
};
// What clients of every version send.
#define FUSE_INIT_IN_MIN 16u

struct fuse_init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran;
	uint16_t max_pages;
	uint16_t map_alignment;
	uint32_t flags2;
	uint32_t unused[7];
};
_Static_assert(sizeof(struct fuse_init_out) == 64, "fuse_init_out");

// --- Nodes ---

struct fuse_forget_in {
	uint64_t nlookup;
};

struct fuse_forget_one {
	uint64_t nodeid;
	uint64_t nlookup;
};

struct fuse_batch_forget_in {
	uint32_t count;
	uint32_t dummy;
};

struct fuse_getattr_in {
	uint32_t flags;
	uint32_t dummy;
	uint64_t fh;
};

#define FATTR_MODE (1u << 0)
#define FATTR_UID (1u << 1)
#define FATTR_GID (1u << 2)
#define FATTR_SIZE (1u << 3)
#define FATTR_ATIME (1u << 4)
#define FATTR_MTIME (1u << 5)
#define FATTR_FH (1u << 6)
#define FATTR_ATIME_NOW (1u << 7)
#define FATTR_MTIME_NOW (1u << 8)
#define FATTR_KILL_SUIDGID (1u << 11)

struct fuse_setattr_in {
	uint32_t valid;  // FATTR_*
	uint32_t padding;
	uint64_t fh;
	uint64_t size;
	uint64_t lock_owner;
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t unused4;
	uint32_t uid;
	uint32_t gid;
	uint32_t unused5;
};
_Static_assert(sizeof(struct fuse_setattr_in) == 88, "fuse_setattr_in");

struct fuse_kstatfs {
	uint64_t blocks;
	uint64_t bfree;
	uint64_t bavail;
	uint64_t files;
	uint64_t ffree;
	uint32_t bsize;
	uint32_t namelen;
	uint32_t frsize;
	uint32_t padding;
	uint32_t spare[6];
};

// --- Names ---

// Each is followed by one name; SYMLINK, RENAME and RENAME2 by two.
struct fuse_mknod_in {
	uint32_t mode;
	uint32_t rdev;
	uint32_t umask;
	uint32_t padding;
};

struct fuse_mkdir_in {
	uint32_t mode;
	uint32_t umask;
};

struct fuse_rename_in {
	uint64_t newdir;
};

#define FUSE_RENAME_NOREPLACE (1u << 0)
#define FUSE_RENAME_EXCHANGE (1u << 1)

struct fuse_rename2_in {
	uint64_t newdir;
	uint32_t flags;
	uint32_t padding;
};

struct fuse_link_in {
	uint64_t oldnodeid;
};

struct fuse_create_in {
	uint32_t flags;  // O_*
	uint32_t mode;
	uint32_t umask;
	uint32_t open_flags;
};

// --- Open files ---

#define FUSE_OPEN_KILL_SUIDGID (1u << 0)  // fuse_open_in.open_flags

#define FOPEN_DIRECT_IO (1u << 0)  // fuse_open_out.open_flags
#define FOPEN_KEEP_CACHE (1u << 1)
#define FOPEN_STREAM (1u << 4)

struct fuse_open_in {
	uint32_t flags;  // O_*
	uint32_t open_flags;
};

struct fuse_open_out {
	uint64_t fh;
	uint32_t open_flags;
	uint32_t padding;
};

struct fuse_release_in {
	uint64_t fh;
	uint32_t flags;
	uint32_t release_flags;
	uint64_t lock_owner;
};

struct fuse_read_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t read_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};

// fuse_write_in.write_flags
#define FUSE_WRITE_CACHE (1u << 0)  // pages, to where they belong
#define FUSE_WRITE_KILL_SUIDGID (1u << 2)

// Followed by `size` bytes.
struct fuse_write_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t write_flags;
	uint64_t lock_owner;
	uint32_t flags;  // O_*, of the file's open
	uint32_t padding;
};

struct fuse_write_out {
	uint32_t size;
	uint32_t padding;
};

#define FUSE_FSYNC_FDATASYNC (1u << 0)

struct fuse_fsync_in {
	uint64_t fh;
	uint32_t fsync_flags;
	uint32_t padding;
};

struct fuse_fallocate_in {
	uint64_t fh;
	uint64_t offset;
	uint64_t length;
	uint32_t mode;
	uint32_t padding;
};

struct fuse_lseek_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t whence;
	uint32_t padding;
};

struct fuse_lseek_out {
	uint64_t offset;
};

struct fuse_copy_file_range_in {
	uint64_t fh_in;
	uint64_t off_in;
	uint64_t nodeid_out;
	uint64_t fh_out;
	uint64_t off_out;
	uint64_t len;
	uint64_t flags;
};

// --- Locks ---

// fuse_file_lock.type: Linux's F_*.
#define FUSE_LOCK_READ 0u
#define FUSE_LOCK_WRITE 1u
#define FUSE_LOCK_NONE 2u

struct fuse_file_lock {
	uint64_t start;
	uint64_t end;  // included
	uint32_t type;
	uint32_t pid;
};

// fuse_lk_in.lk_flags
#define FUSE_LK_FLOCK (1u << 0)     // of flock(2), else of fcntl(2)
#define FUSE_LK_VERSION (1u << 31)  // ours: fuse_lk_version may answer

struct fuse_lk_in {
	uint64_t fh;
	uint64_t owner;
	struct fuse_file_lock lk;
	uint32_t lk_flags;
	uint32_t padding;
};
_Static_assert(sizeof(struct fuse_lk_in) == 48, "fuse_lk_in");

// Of GETLK: the lock that is in the way; FUSE_LOCK_NONE: there is none.
struct fuse_lk_out {
	struct fuse_file_lock lk;
};

// Of a SETLK that was asked with FUSE_LK_VERSION and gave a lock: as long as it is the same, nobody
// else has changed what the client has cached. Without it, anybody may have.
struct fuse_lk_version {
	uint64_t version;
};

// --- Directories ---

// Each entry is followed by its name, and padded to 8 bytes.
struct fuse_dirent {
	uint64_t ino;
	uint64_t off;  // where the next one is read from
	uint32_t namelen;
	uint32_t type;
};

struct fuse_direntplus {
	struct fuse_entry_out entry_out;
	struct fuse_dirent dirent;
};

#define FUSE_DIRENT_ALIGN(size) (((size) + 7u) & ~7ull)

// --- Extended attributes ---

// Followed by the name and the value.
struct fuse_setxattr_in {
	uint32_t size;
	uint32_t flags;
};

// GETXATTR (followed by the name) and LISTXATTR. Of size 0, fuse_getxattr_out answers.
struct fuse_getxattr_in {
	uint32_t size;
	uint32_t padding;
};

struct fuse_getxattr_out {
	uint32_t size;
	uint32_t padding;
};
