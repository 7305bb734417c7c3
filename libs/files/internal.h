// SPDX-License-Identifier: MIT
//
// Between the files of libs/files: requests.c (what is asked), session.c (and answered), walk.c
// (from a path to a node), names.c, list.c and open.c (operations of paths), file.c and transfer.c
// (of open files).
#pragma once

#include "libs/abi/fuse.h"
#include "libs/abi/linux_error.h"
#include "libs/files/files.h"
#include "libs/starina/payload.h"

// Linux's O_* flags and file types, which are FUSE's.
#define O_WRONLY 0x1u
#define O_RDWR 0x2u
#define O_CREAT 0x40u
#define O_EXCL 0x80u
#define O_APPEND 0x400u
#define O_DIRECTORY 0x10000u
#define MODE_TYPE 0xf000u
#define MODE_FOLDER 0x4000u
#define MODE_FILE 0x8000u
#define MODE_LINK 0xa000u

// --- requests.c, session.c -----------------------------------------------------------------------

// The body of a reply. `payload` may be taken.
struct reply {
	struct span body;
	struct payload *payload;  // NULL: it came inline
	uint32_t offset;          // of the body in the payload's folio
};

struct request {
	struct list entry;
	struct files *files;
	struct message m;
	uint64_t unique;
	// Once, from the loop: with an error, or a reply. The request is its owner's again.
	void (*answered)(struct request *request, error_t error, struct reply *reply);
	uint32_t number;  // Linux's, of the error; 0: none
};

// Makes a request of its parts, and sends it as soon as it can. Errors: ERR_NO_MEMORY, ERR_LIMIT,
// that of a session that is gone. `answered` does not come then.
__must_check error_t request_send(struct files *files, struct request *request, uint32_t opcode,
                                  uint64_t node, const struct span *parts, size_t num_parts);
// The same with the last `len` bytes in a folio (consumed on success) from `start` on; the parts go
// before them. Errors: ERR_RANGE.
__must_check error_t request_send_folio(struct files *files, struct request *request,
                                        uint32_t opcode, uint64_t node, struct span part,
                                        handle_t folio, uint32_t start, uint32_t len);
// Makes a message of one request. Errors: ERR_NO_MEMORY, ERR_LIMIT, ERR_TOO_LARGE.
__must_check error_t request_encode(struct message *m, uint32_t opcode, uint64_t node,
                                    uint64_t unique, const struct span *parts, size_t num_parts);
// Sends what the provider's limit and the channel allow.
void requests_pump(struct files *files, bool all_forgotten);
// That of a session that is gone, or 0.
__must_check error_t session_error(const struct files *files);
// Copies the next bytes of a reply. Returns ERR_PROTOCOL when there are fewer.
__must_check error_t reply_take(struct reply *reply, void *out, size_t size);

#define PART(object) ((struct span){ .data = (const uint8_t *)&(object), .len = sizeof(object) })

// A node that the provider counts a lookup of. The root is none.
struct node {
	struct list entry;
	uint64_t id;
	uint32_t mode;
};

// The provider is told that it is not used (consumed), some time. `files` may be NULL: the session
// is over.
void node_forget(struct files *files, struct node *node);

// --- Operations ----------------------------------------------------------------------------------

// What an operation begins with.
struct operation {
	struct list entry;
	struct files *files;  // NULL: it was stopped, from within its own callback
	struct file *file;    // NULL: it is of a path
	void *context;
	bool cancelled;
	bool paused;
	// Goes on, or ends when it is cancelled. Not NULL while it waits to be resumed, and has no
	// request.
	void (*resume)(struct operation *op);
	struct request request;
};

// Memory for one of `size` bytes. Errors: ERR_NO_MEMORY, that of a session that is gone.
__must_check error_t operation_begin(struct files *files, struct file *file, size_t size,
                                     void *context, void **out);
// Frees it.
void operation_end(struct operation *op);

// What files.h tells of attributes.
void info_from_attr(const struct fuse_attr *attr, struct file_info *out);

// --- walk.c --------------------------------------------------------------------------------------

enum walk_mode {
	WALK_FOLLOW,  // to what the path leads to
	WALK_LINK,    // to the last name, even if it is a link
	WALK_PARENT,  // to the folder that has the last name, which is not looked up
	WALK_CREATE,  // to what the path leads to, or to the folder where that is not yet
};

struct walk {
	struct operation op;
	enum walk_mode mode;
	uint32_t num_links;
	uint32_t depth;
	struct list nodes;   // from the root's child to where it is
	struct node *found;  // memory for the next one
	bool at_parent;      // `name` is in the node, and was not looked up or is not there
	bool looked_up;      // the node is what `name` is, and `attr` its attributes
	bool must_be_folder;
	char name[FILES_NAME_MAX + 1];
	const char *rest;  // of the path, in `path`
	char *path;
	struct fuse_attr attr;
	// It is there: goes on with the operation, and may end it. Returns an error when it cannot,
	// with which the caller ends it.
	error_t (*arrived)(struct walk *walk);
	// Ends the operation with an error, which is told.
	void (*failed)(struct walk *walk, error_t error);
};

// Makes an operation of `size` bytes that begins with a walk along `path`, which is copied. Errors:
// ERR_NO_MEMORY, ERR_TOO_LARGE, ERR_INVALID (it is empty), that of a session that is gone.
__must_check error_t walk_begin(struct files *files, const char *path, enum walk_mode mode,
                                size_t size, void *context, void **out);
// Begins with another path, from the root. Errors: ERR_TOO_LARGE, ERR_INVALID.
__must_check error_t walk_restart(struct walk *walk, const char *path, enum walk_mode mode);
// Goes to the next name, or arrives. Errors: as request_send's and `arrived`'s.
__must_check error_t walk_go(struct walk *walk);
// The same for who begins it: an error ends the operation without telling.
__must_check error_t walk_start(struct walk *walk);
// The node where it is.
uint64_t walk_node(const struct walk *walk);
bool walk_is_folder(const struct walk *walk);
// Takes it out of the walk. NULL: it is the root.
struct node *walk_take(struct walk *walk);
// Forgets its nodes and frees it.
void walk_end(struct walk *walk);

// --- file.c --------------------------------------------------------------------------------------

struct file {
	struct list entry;
	struct files *files;
	struct node *node;
	uint64_t fh;
	uint32_t flags;    // FILE_*
	uint32_t pending;  // operations
	bool has_fh;
	bool closed;
	struct request release;
};

// Frees it without a word to the provider: the session is gone, or it was never opened.
void file_free(struct file *file);
// An operation of it has ended.
void file_unuse(struct file *file);
