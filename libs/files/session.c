// SPDX-License-Identifier: MIT
//
// The session: each reply finds its request. Replies are looked at as bytes from outside.
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/files/internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define GREETING_UNIQUE 1u
#define LINUX_ERROR_MAX 511

error_t session_error(const struct files *files)
{
	if (files->state == FILES_LOST)
		return files->error;
	return files->state == FILES_STOPPED ? ERR_BAD_STATE : 0;
}

// --- The end -------------------------------------------------------------------------------------

// Answers all requests with an error. Returns false when the session was stopped meanwhile.
static bool fail_all(struct files *files, error_t error)
{
	struct list *const lists[] = { &files->sent, &files->waiting };
	bool stopped = false;

	// Not after this function.
	// cppcheck-suppress autoVariables
	files->stopped = &stopped;
	files->num_sent = 0;
	for (size_t i = 0; i < 2; i++) {
		struct list *entry;

		while (!stopped && (entry = list_pop_front(lists[i])) != NULL) {
			struct request *request = container_of(entry, struct request, entry);

			message_discard(&request->m);
			request->number = 0;
			request->answered(request, error, NULL);
		}
	}
	if (!stopped)
		files->stopped = NULL;
	return !stopped;
}

static void drop_forgotten(struct files *files)
{
	struct list *entry;

	while ((entry = list_pop_front(&files->forgotten)) != NULL)
		heap_free(container_of(entry, struct node, entry));
	files->num_forgotten = 0;
}

static void session_lost(struct files *files, error_t error, const char *text)
{
	loop_close(files->loop, &files->session);
	files->state = FILES_LOST;
	files->error = error;
	str_copy(files->text, text, sizeof(files->text));
	drop_forgotten(files);
	if (fail_all(files, error) && files->lost != NULL)
		files->lost(files->context);
}

static void session_broken(struct files *files)
{
	session_lost(files, ERR_PROTOCOL, "what provides the files sent a reply that is not one");
}

// --- In ------------------------------------------------------------------------------------------

error_t reply_take(struct reply *reply, void *out, size_t size)
{
	if (reply->body.len < size)
		return ERR_PROTOCOL;
	memcpy(out, reply->body.data, size);
	reply->body.data += size;
	reply->body.len -= size;
	reply->offset += (uint32_t)size;
	return 0;
}

static void greet(struct files *files)
{
	struct fuse_init_in in = { .major = FUSE_VERSION_MAJOR,
		                   .minor = FUSE_VERSION_MINOR,
		                   .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_DO_READDIRPLUS |
		                           FUSE_SUBMOUNTS };
	struct span part = PART(in);
	struct message m;

	files->state = FILES_GREETING;
	files->last_unique = GREETING_UNIQUE;
	// The channel is empty, and it is inline. If the peer is gone, that is told by the loop.
	if (request_encode(&m, FUSE_INIT, 0, GREETING_UNIQUE, &part, 1) < 0 ||
	    channel_send(files->session.handle, &m) < 0)
		return;
}

static void greeted(struct files *files, const struct fuse_out_header *header, struct reply *reply)
{
	struct fuse_init_out out;

	if (header->unique == GREETING_UNIQUE && header->error < 0) {
		session_lost(files, files_error((uint32_t)-header->error),
		             "what provides the files has none of that name");
		return;
	}
	if (header->unique != GREETING_UNIQUE || reply_take(reply, &out, sizeof(out)) < 0 ||
	    out.major != FUSE_VERSION_MAJOR || out.minor < FUSE_VERSION_MINOR_MIN ||
	    out.max_write < PAGE_SIZE) {
		session_broken(files);
		return;
	}
	files->max_write = out.max_write < FILES_PIECE_MAX ? out.max_write : FILES_PIECE_MAX;
	files->state = FILES_OPEN;
	requests_pump(files, false);
}

static struct request *take_sent(struct files *files, uint64_t unique)
{
	list_for_each(entry, &files->sent) {
		struct request *request = container_of(entry, struct request, entry);

		if (request->unique != unique)
			continue;
		list_remove(entry);
		files->num_sent--;
		return request;
	}
	return NULL;
}

// Gives a reply to its request. `files` may be gone afterwards.
static void deliver(struct files *files, struct reply *reply)
{
	struct fuse_out_header header;
	size_t length = reply->body.len;
	struct request *request = NULL;

	if (length > FILES_MAX_BYTES || reply_take(reply, &header, sizeof(header)) < 0 ||
	    header.len != length || header.error > 0 || header.error < -LINUX_ERROR_MAX) {
		session_broken(files);
		return;
	}
	if (files->state == FILES_GREETING) {
		greeted(files, &header, reply);
		return;
	}
	request = take_sent(files, header.unique);
	if (request == NULL) {
		session_broken(files);
		return;
	}
	requests_pump(files, false);
	request->number = (uint32_t)-header.error;
	request->answered(request, header.error == 0 ? 0 : files_error(request->number), reply);
}

static void session_message(struct loop *loop, struct source *source, struct message *m)
{
	struct files *files = source->context;
	struct payload payload = { 0 };
	struct msg_files_fuse fuse;
	const uint8_t *tail;
	size_t tail_len;
	struct reply reply = { 0 };
	error_t err = message_decode_files_fuse(m, &fuse, &tail, &tail_len);

	(void)loop;
	if (err == 0 && m->num_handles == 1) {
		m->num_handles = 0;
		err = payload_open_folio(m->handles[0], fuse.offset, fuse.length, &payload);
		reply = (struct reply){ .payload = &payload, .offset = fuse.offset };
	} else if (err == 0) {
		payload.bytes = (struct span){ .data = tail, .len = tail_len };
		err = tail_len == fuse.length ? 0 : ERR_PROTOCOL;
	}
	if (err == 0) {
		reply.body = payload.bytes;
		deliver(files, &reply);
	} else {
		session_broken(files);
	}
	payload_release(&payload);
	message_discard(m);
}

static void session_batch_end(struct loop *loop, struct source *source)
{
	struct files *files = source->context;

	(void)loop;
	requests_pump(files, files->num_sent == 0);
}

static void session_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	requests_pump(source->context, true);
}

static void session_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	session_lost(source->context, ERR_PEER_CLOSED, "what provides the files has ended");
}

static const struct source_ops session_ops = {
	.message = session_message,
	.batch_end = session_batch_end,
	.writable = session_writable,
	.closed = session_closed,
};

// --- The session ---------------------------------------------------------------------------------

static void session_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct files *files = opener->context;

	if (channel != HANDLE_NONE)
		error = loop_add(files->loop, &files->session, channel, &session_ops, files);
	if (error < 0) {
		if (channel != HANDLE_NONE)
			handle_close(channel);
		files->session = (struct source){ 0 };
		session_lost(files, error, text);
		return;
	}
	greet(files);
}

void files_start(struct files *files, struct loop *loop, handle_t connector, const char *uri)
{
	*files = (struct files){ .loop = loop, .state = FILES_OPENING };
	list_init(&files->waiting);
	list_init(&files->sent);
	list_init(&files->forgotten);
	list_init(&files->operations);
	list_init(&files->files);
	opener_start(&files->opener, loop, connector, uri, session_opened, files);
}

void files_start_own(struct files *files, struct loop *loop, const struct environ *env)
{
	files_start(files, loop, environ_connector(env, "own"), FILES_OWN_FOLDER);
}

// What waits to be resumed goes on, once.
static void operation_resume(struct operation *op)
{
	void (*resume)(struct operation * op) = op->resume;

	op->paused = false;
	op->resume = NULL;
	if (resume != NULL)
		resume(op);
}

void files_list_pause(struct files *files, const void *context)
{
	if (files->state == FILES_STOPPED)
		return;
	list_for_each(entry, &files->operations) {
		struct operation *op = container_of(entry, struct operation, entry);

		op->paused |= op->context == context;
	}
}

void files_list_resume(struct files *files, const void *context)
{
	if (files->state == FILES_STOPPED)
		return;
	list_for_each(entry, &files->operations) {
		struct operation *op = container_of(entry, struct operation, entry);

		// Its callback may end others, or all: one at a time.
		if (op->context == context && op->paused) {
			operation_resume(op);
			return;
		}
	}
}

void files_stop(struct files *files)
{
	struct list *entry;
	bool *stopped = files->stopped;

	if (files->state == FILES_STOPPED)
		return;
	files->state = FILES_STOPPED;
	opener_stop(&files->opener);
	loop_close(files->loop, &files->session);
	list_for_each(at, &files->operations)
		container_of(at, struct operation, entry)->cancelled = true;
	fail_all(files, ERR_PEER_CLOSED);
	while ((entry = list_pop_front(&files->operations)) != NULL) {
		struct operation *op = container_of(entry, struct operation, entry);

		op->files = NULL;
		operation_resume(op);
	}
	while (!list_is_empty(&files->files))
		file_free(container_of(files->files.next, struct file, entry));
	drop_forgotten(files);
	if (stopped != NULL)
		*stopped = true;
}

void files_cancel(struct files *files, const void *context)
{
	if (files->state == FILES_STOPPED)
		return;
	list_for_each_safe(entry, &files->operations)
	{
		struct operation *op = container_of(entry, struct operation, entry);

		if (op->context != context)
			continue;
		op->cancelled = true;
		operation_resume(op);
	}
}

error_t operation_begin(struct files *files, struct file *file, size_t size, void *context,
                        void **out)
{
	error_t err = session_error(files);
	struct operation *op;

	if (err < 0)
		return err;
	op = heap_alloc(size);
	if (op == NULL)
		return ERR_NO_MEMORY;
	op->files = files;
	op->file = file;
	op->context = context;
	list_push_back(&files->operations, &op->entry);
	if (file != NULL)
		file->pending++;
	*out = op;
	return 0;
}

void operation_end(struct operation *op)
{
	struct file *file = op->file;

	list_remove(&op->entry);
	heap_free(op);
	if (file != NULL)
		file_unuse(file);
}
