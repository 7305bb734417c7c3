// SPDX-License-Identifier: MIT
//
// The device's own root: a folder that lists nothing, of which names are looked up in vm_files.c.
// While the guest rehearses, it has one entry.
#include "libs/base/string.h"
#include "libs/linux/vm/vm_files_private.h"

#define FOLDER 0040755u
#define REHEARSAL_NODE (FUSE_ROOT_ID + 1u)
#define REHEARSAL_NAME "0"
#define BLOCK 4096u
#define LINUX_NAME_MAX 255u
#define MAX_READAHEAD (1024u * 1024)

// Ends a request with the reply's body.
static void reply(struct vm_files *files, struct fs_device_request *request, const void *body,
                  size_t len)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + len),
		                       .unique = request->header.unique };
	uint8_t bytes[sizeof(out) + 128];

	if (len > sizeof(bytes) - sizeof(out)) {
		files_fail(files, request, LINUX_EIO);
		return;
	}
	memcpy(bytes, &out, sizeof(out));
	if (len > 0)
		memcpy(bytes + sizeof(out), body, len);
	if (fs_device_put(request, (struct span){ .data = bytes, .len = out.len }))
		fs_device_done(request, out.len);
}

static void close_session(struct files_session *session)
{
	files_session_close(session, FILES_SESSION_CLOSED);
	files_fail_session(session);
}

// No session has a node any more.
static void forget_nodes(struct vm_files *files)
{
	files->forgotten = 0;
	files_nodes_clear(&files->nodes);
}

// One bit of `destroying` is done; the last one answers the guest.
static void destroy_done(struct vm_files *files, uint32_t slot)
{
	struct fs_device_request *request = files->destroy;

	files->destroying &= ~(1ull << slot);
	if (request == NULL || files->destroying != 0)
		return;
	files->destroy = NULL;
	for (uint32_t i = 0; i < files->num_sessions; i++)
		close_session(&files->sessions[i]);
	forget_nodes(files);
	files_rehearsal_end(files);
	reply(files, request, NULL, 0);
}

// Whether nobody has spoken in it: it is as good as a new one, which would be lost for the same
// reason.
static bool is_as_new(const struct files_session *session)
{
	switch (session->state) {
	case FILES_SESSION_WAITING: return true;
	case FILES_SESSION_OPENING: return session->deaths == 0;
	case FILES_SESSION_LOST: return session->files->init.major == 0;
	default: return false;
	}
}

// The guest begins anew: what it has asked for before is over.
static void begin_anew(struct vm_files *files)
{
	for (uint32_t i = 0; i < files->num_sessions; i++) {
		struct files_session *session = &files->sessions[i];

		if (is_as_new(session))
			files_fail_session(session);
		else
			close_session(session);
	}
	forget_nodes(files);
}

// --- FUSE_DESTROY --------------------------------------------------------------------------------

// The guest has done with its files: all providers are told, so that they can write what they have,
// and the guest goes on once they have.
static void destroy(struct vm_files *files, struct fs_device_request *request)
{
	if (files->destroy != NULL) {
		files_fail(files, request, LINUX_EIO);
		return;
	}
	files->destroy = request;
	files->destroy_sent = 0;
	files->destroying = 1;  // not done before all were asked
	for (uint32_t i = 0; i < files->num_sessions; i++) {
		if (files->sessions[i].greeted)
			files->destroying |= 1ull << files_slot_of(&files->sessions[i]);
	}
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_session_pump(&files->sessions[i]);
	destroy_done(files, 0);
}

error_t files_destroy_send(struct files_session *session)
{
	struct vm_files *files = session->files;
	uint64_t bit = 1ull << files_slot_of(session);
	struct fuse_in_header in = { .len = sizeof(in),
		                     .opcode = FUSE_DESTROY,
		                     .nodeid = FUSE_ROOT_ID };
	struct msg_files_fuse fuse = { .length = sizeof(in) };
	struct message m;
	error_t err;

	if ((files->destroying & ~files->destroy_sent & bit) == 0)
		return 0;
	in.unique = files->destroy->header.unique;
	err = message_encode_files_fuse(&m, &fuse, &in, sizeof(in));
	if (err == 0)
		err = files_session_send(session, &m);
	if (err == 0)
		files->destroy_sent |= bit;
	return err;
}

void files_destroyed(struct files_session *session)
{
	destroy_done(session->files, files_slot_of(session));
}

// --- FUSE_INIT -----------------------------------------------------------------------------------

static bool is_of_volumes(const struct files_session *session)
{
	return strncmp(session->uri, FILES_VOLUMES_PREFIX, sizeof(FILES_VOLUMES_PREFIX) - 1) == 0;
}

// The guest has one connection for all: it may use what all providers have.
static uint32_t common_flags(const struct vm_files *files)
{
	for (uint32_t i = 0; i < files->num_sessions; i++) {
		if (!is_of_volumes(&files->sessions[i]))
			return FILES_INIT_FLAGS;
	}
	return FILES_VOLUMES_FLAGS;
}

static void init(struct vm_files *files, struct fs_device_request *request)
{
	uint8_t bytes[sizeof(struct fuse_in_header) + sizeof(struct fuse_init_in) + 64];
	struct fuse_init_in in = { 0 };
	size_t len = request->length - sizeof(struct fuse_in_header);
	struct fuse_init_out out = { .major = FUSE_VERSION_MAJOR,
		                     .minor = FUSE_VERSION_MINOR,
		                     .max_background = FILES_MAX_REQUESTS / 2,
		                     .congestion_threshold = FILES_MAX_REQUESTS * 3 / 8,
		                     .max_write = FILES_MAX_DATA,
		                     .time_gran = 1,
		                     .max_pages = FILES_MAX_DATA / BLOCK };

	if (len < FUSE_INIT_IN_MIN || request->length > sizeof(bytes) ||
	    !fs_device_take(request, (struct mut_span){ .data = bytes, .len = request->length })) {
		files_fail(files, request, LINUX_EINVAL);
		return;
	}
	memcpy(&in, bytes + sizeof(struct fuse_in_header), len < sizeof(in) ? len : sizeof(in));
	// A client of a later major version asks again with ours.
	if (in.major < FUSE_VERSION_MAJOR ||
	    (in.major == FUSE_VERSION_MAJOR && in.minor < FUSE_VERSION_MINOR_MIN)) {
		files_fail(files, request, LINUX_EPROTO);
		return;
	}
	begin_anew(files);
	// Linux keeps what it has, if that is less: what bootd has set.
	out.max_readahead = MAX_READAHEAD;
	out.flags = in.flags & common_flags(files);
	files->init = (struct fuse_init_in){ .major = FUSE_VERSION_MAJOR,
		                             .minor = FUSE_VERSION_MINOR,
		                             .max_readahead = in.max_readahead,
		                             .flags = out.flags };
	reply(files, request, &out, sizeof(out));
	for (uint32_t i = 0; i < files->num_sessions; i++) {
		files_session_start(&files->sessions[i]);
		files_session_greet(&files->sessions[i]);
	}
}

void files_init_later(struct vm_files *files, struct fs_device_request *request)
{
	struct fs_device_request *waiting = files->waiting_init;

	if (request->header.opcode != FUSE_INIT ||
	    (waiting != NULL && waiting->generation == request->generation)) {
		files_fail(files, request, LINUX_ENOTCONN);
		return;
	}
	// One of before a reset is over.
	if (waiting != NULL)
		files_fail(files, waiting, LINUX_ENOTCONN);
	files->waiting_init = request;
}

// --- The root ------------------------------------------------------------------------------------

static struct fuse_attr folder_attributes(uint64_t node)
{
	return (struct fuse_attr){ .ino = node, .mode = FOLDER, .nlink = 2, .blksize = BLOCK };
}

static void attributes(struct vm_files *files, struct fs_device_request *request)
{
	struct fuse_attr_out out = { .attr_valid = FILES_ROOT_VALID,
		                     .attr = folder_attributes(request->header.nodeid) };

	reply(files, request, &out, sizeof(out));
}

static void root_space(struct vm_files *files, struct fs_device_request *request)
{
	struct fuse_kstatfs out = { .bsize = BLOCK, .frsize = BLOCK, .namelen = LINUX_NAME_MAX };

	reply(files, request, &out, sizeof(out));
}

static void root_open(struct vm_files *files, struct fs_device_request *request)
{
	struct fuse_open_out out = { 0 };

	reply(files, request, &out, sizeof(out));
}

void files_root_request(struct vm_files *files, struct fs_device_request *request)
{
	switch (request->header.opcode) {
	case FUSE_INIT: init(files, request); return;
	case FUSE_DESTROY: destroy(files, request); return;
	default: break;
	}
	if (request->header.nodeid != FUSE_ROOT_ID &&
	    !(files->rehearses && request->header.nodeid == REHEARSAL_NODE)) {
		files_fail(files, request, LINUX_ESTALE);
		return;
	}
	switch (request->header.opcode) {
	case FUSE_GETATTR: attributes(files, request); break;
	case FUSE_STATFS: root_space(files, request); break;
	case FUSE_OPENDIR: root_open(files, request); break;
	case FUSE_ACCESS:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNCDIR:
	case FUSE_SYNCFS: reply(files, request, NULL, 0); break;
	case FUSE_SETATTR:
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
	case FUSE_CREATE: files_fail(files, request, LINUX_EROFS); break;
	default: files_fail(files, request, LINUX_ENOSYS); break;
	}
}

// --- The rehearsal -------------------------------------------------------------------------------

void vm_files_rehearse(struct vm_files *files)
{
	struct fs_device_request *waiting = files->waiting_init;

	if (files->bound)
		return;
	files->rehearses = true;
	if (waiting == NULL)
		return;
	files->waiting_init = NULL;
	files_enter(files);
	files_root_request(files, waiting);
	files_leave(files);
}

void files_rehearsal_end(struct vm_files *files)
{
	if (!files->rehearses)
		return;
	files->rehearses = false;
	files->init = (struct fuse_init_in){ 0 };
}

void files_rehearsal_look_up(struct vm_files *files, struct fs_device_request *request)
{
	uint8_t bytes[sizeof(struct fuse_in_header) + sizeof(REHEARSAL_NAME)];
	struct fuse_entry_out out = { .nodeid = REHEARSAL_NODE,
		                      .entry_valid = FILES_ROOT_VALID,
		                      .attr_valid = FILES_ROOT_VALID,
		                      .attr = folder_attributes(REHEARSAL_NODE) };

	if (request->length != sizeof(bytes) ||
	    !fs_device_take(request, (struct mut_span){ .data = bytes, .len = sizeof(bytes) }) ||
	    memcmp(bytes + sizeof(struct fuse_in_header), REHEARSAL_NAME, sizeof(REHEARSAL_NAME)) !=
	            0) {
		files_fail(files, request, LINUX_ENOENT);
		return;
	}
	out.attr.flags = FUSE_ATTR_SUBMOUNT;
	reply(files, request, &out, sizeof(out));
}
