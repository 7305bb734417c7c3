// SPDX-License-Identifier: MIT
//
// Files for native apps: the client of one FUSE session (libs/abi/files.h). Everything is asked for
// at once and answered by a callback from the loop; what is asked while the session is being opened
// waits for it. simple.h has the same for programs that would rather wait.
//
//	files_start(&files, &loop, environ_connector(env, "files"), "files:host");
//	error = files_open(&files, "notes/today", FILE_READ, opened, context);
//
// A function that returns an error has done nothing, and its callback does not come; else it comes
// once, from the loop. A callback may call any function here, files_stop included.
//
// Paths are UTF-8, with "/" between names, and begin at the share's root, with or without a "/".
// They are followed name by name: ".." and symbolic links stay within the share ("/" of an absolute
// link is the share's root), and more than FILES_LINKS_MAX links are ERR_CYCLE.
//
// Errors are those of files_error for what the provider answered, and besides: ERR_NO_MEMORY,
// ERR_LIMIT; ERR_TOO_LARGE (a path, a name); ERR_PEER_CLOSED (the session is gone), ERR_PROTOCOL
// (what the provider answered is not an answer).
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/files.h"
#include "libs/base/span.h"
#include "libs/starina/opener.h"

#define FILES_PATH_MAX 4096u  // with the terminating NUL, and with what links add to it
#define FILES_NAME_MAX 255u
#define FILES_LINKS_MAX 40u
#define FILES_DEPTH_MAX 256u
// Bytes of one request to read or to write: with its header it fits into 64 pages.
#define FILES_PIECE_MAX (252u * 1024)
// What is free in a folio before the bytes that file_write_folio sends: a multiple of 8.
#define FILES_WRITE_ROOM 128u

enum file_type {
	FILE_TYPE_OTHER = 0,  // a device, a pipe, a socket
	FILE_TYPE_FILE,
	FILE_TYPE_FOLDER,
	FILE_TYPE_LINK,
};

struct file_info {
	enum file_type type;
	uint32_t mode;  // Linux's permission bits
	uint32_t uid, gid;
	uint64_t number;
	uint64_t size;
	uint64_t allocated;  // bytes that it takes up: fewer, when it has holes
	uint32_t num_links;
	int64_t modified;  // seconds since 1970
	uint32_t modified_ns;
};

struct file_entry {
	char name[FILES_NAME_MAX + 1];
	enum file_type type;
	bool has_info;  // false: it was gone, or could not be looked at
	struct file_info info;
};

struct file_space {
	uint64_t total;  // bytes
	uint64_t free;   // of them, for us
	uint64_t free_files;
};

// What was read: in a folio, whose range [offset, offset + bytes.len) it is, or without one.
struct file_piece {
	struct span bytes;
	handle_t folio;
	uint32_t offset;
};

struct file;  // open

// Storage is the caller's.
struct files {
	// Why there is no session any more: 0 while there may be one. `text` is for people, "" if
	// there is none.
	error_t error;
	char text[OPENER_TEXT_MAX];
	// The session was lost, after all callbacks. NULL: nobody wants to know. Set after
	// files_start.
	void (*lost)(void *context);
	void *context;
	// Symbolic links do not leave the folder so deep in which they lie: 0 is the root; with 1,
	// the root's folders do not lead into one another. Set after files_start.
	uint32_t link_depth;
	// Private.
	struct loop *loop;
	enum { FILES_STOPPED, FILES_OPENING, FILES_GREETING, FILES_OPEN, FILES_LOST } state;
	struct opener opener;
	struct source session;
	struct list waiting;  // requests that are to be sent
	struct list sent;     // and those without an answer yet
	uint32_t num_sent;
	uint64_t last_unique;
	uint32_t max_write;
	struct list forgotten;  // nodes to be told of
	uint32_t num_forgotten;
	struct list operations;
	struct list files;
	bool *stopped;  // of who calls back, and has to know
};

typedef void (*files_done_fn)(void *context, error_t error);
typedef void (*files_info_fn)(void *context, error_t error, const struct file_info *info);
// The file is the callback's, to be closed by file_close.
typedef void (*files_open_fn)(void *context, error_t error, struct file *file);
typedef void (*files_link_fn)(void *context, error_t error, const char *target);
typedef void (*files_space_fn)(void *context, error_t error, const struct file_space *space);
typedef void (*files_entry_fn)(void *context, const struct file_entry *entry);
// `count` bytes were read or written, also when something failed then.
typedef void (*files_count_fn)(void *context, error_t error, size_t count);
// The piece's folio is the callback's (which takes it by setting it to HANDLE_NONE, or leaves it).
typedef void (*files_piece_fn)(void *context, error_t error, struct file_piece *piece);

// The error for a Linux error number (positive), as a provider answers it: 2 (ENOENT) is
// ERR_NOT_FOUND. docs/files.md has the table; a number that it does not know is ERR_IO.
error_t files_error(uint32_t number);

// --- The session ---------------------------------------------------------------------------------

// Opens the session `uri` of "files" behind `connector` (not consumed). What goes wrong is told by
// what is asked then.
void files_start(struct files *files, struct loop *loop, handle_t connector, const char *uri);
// The need of an app that has a folder of its own, for its spec.
#define FILES_OWN                            \
	{                                    \
		NEED_SERVICE, "own", NULL, 1 \
	}

// The same of the folder that is the app's own, by its name, and kept on the machine's state disk.
// It is made when it is not there.
void files_start_own(struct files *files, struct loop *loop, const struct environ *env);
// Ends the session: no callback comes after this, and all open files are closed. What was asked and
// is not answered may be done or not. A session that was never started is left alone (when it was
// zeroed).
void files_stop(struct files *files);
// The callbacks of what was asked with `context` do not come; a file that was being opened is
// closed. It may be done or not.
void files_cancel(struct files *files, const void *context);

// --- By path -------------------------------------------------------------------------------------

// What is there; of a symbolic link what it leads to.
__must_check error_t files_stat(struct files *files, const char *path, files_info_fn done,
                                void *context);
// The same without following the last link.
__must_check error_t files_stat_link(struct files *files, const char *path, files_info_fn done,
                                     void *context);

#define FILE_READ (1u << 0)
#define FILE_WRITE (1u << 1)
#define FILE_CREATE (1u << 2)     // unless it is there; with mode 0644
#define FILE_EXCLUSIVE (1u << 3)  // with FILE_CREATE: ERR_EXISTS if it is
#define FILE_TRUNCATE (1u << 4)
#define FILE_APPEND (1u << 5)  // writes go to its end, wherever that is

// Opens a regular file. Errors besides: ERR_INVALID (flags), ERR_IS_FOLDER.
__must_check error_t files_open(struct files *files, const char *path, uint32_t flags,
                                files_open_fn done, void *context);
// Calls `each` for all entries of a folder but "." and "..", in no order, then `done`. Errors
// besides, to `done`: ERR_PROTOCOL (the provider goes round in a circle).
__must_check error_t files_list(struct files *files, const char *path, files_entry_fn each,
                                files_done_fn done, void *context);
// From `each`: after what the provider has sent already (32 KiB at most), no more is asked for
// until files_list_resume.
void files_list_pause(struct files *files, const void *context);
// Goes on. One that was not paused is left alone.
void files_list_resume(struct files *files, const void *context);
__must_check error_t files_make_folder(struct files *files, const char *path, files_done_fn done,
                                       void *context);
__must_check error_t files_make_link(struct files *files, const char *path, const char *target,
                                     files_done_fn done, void *context);
__must_check error_t files_read_link(struct files *files, const char *path, files_link_fn done,
                                     void *context);
// What is at `to` is replaced; with `keep` that is ERR_EXISTS.
__must_check error_t files_rename(struct files *files, const char *from, const char *to, bool keep,
                                  files_done_fn done, void *context);
// Removes a file, a symbolic link, or an empty folder.
__must_check error_t files_remove(struct files *files, const char *path, files_done_fn done,
                                  void *context);
__must_check error_t files_space(struct files *files, files_space_fn done, void *context);
// All that was written in the share lies on the disk then.
__must_check error_t files_sync(struct files *files, files_done_fn done, void *context);

// As files_sync, and the last that is asked of the session: when it is answered and nobody else
// uses the disk, that is clean. For who ends the machine.
__must_check error_t files_finish(struct files *files, files_done_fn done, void *context);

// --- Open files ----------------------------------------------------------------------------------

// Closes the file. Callbacks of what was asked of it do not come. NULL is fine.
void file_close(struct file *file);
__must_check error_t file_stat(struct file *file, files_info_fn done, void *context);
// Reads up to `len` bytes (FILES_PIECE_MAX at most), not copied. Fewer come at the file's end only.
__must_check error_t file_read_piece(struct file *file, uint64_t offset, uint32_t len,
                                     files_piece_fn done, void *context);
// Reads into `buffer`, which is the operation's until `done` or file_close. Fewer come at the
// file's end only.
__must_check error_t file_read(struct file *file, uint64_t offset, void *buffer, size_t len,
                               files_count_fn done, void *context);
// Writes `bytes`, which stay as they are until `done` or file_close. `offset` is of no matter with
// FILE_APPEND.
__must_check error_t file_write(struct file *file, uint64_t offset, const void *bytes, size_t len,
                                files_count_fn done, void *context);
// Writes the range [start, start + len) of a contiguous folio (consumed on success), not copied.
// `start` is at least FILES_WRITE_ROOM and a multiple of 8, and the bytes before it are written
// over; `len` is FILES_PIECE_MAX at most. Fewer may be written. Errors besides: ERR_RANGE.
__must_check error_t file_write_folio(struct file *file, uint64_t offset, handle_t folio,
                                      uint32_t start, uint32_t len, files_count_fn done,
                                      void *context);
__must_check error_t file_truncate(struct file *file, uint64_t size, files_done_fn done,
                                   void *context);
// Gives it to a user and a group, with permission bits `mode`.
__must_check error_t file_set_access(struct file *file, uint32_t mode, uint32_t uid, uint32_t gid,
                                     files_done_fn done, void *context);
// What was written to it lies on the disk then.
__must_check error_t file_sync(struct file *file, files_done_fn done, void *context);
