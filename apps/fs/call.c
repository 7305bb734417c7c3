// SPDX-License-Identifier: MIT
//
// Calls: what runs, what waits for whom, and what an operation needs of its request, its update and
// its reply.
#include "apps/fs/fs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Of calls in one turn of the event loop.
#define TURN_STEPS 64u

struct call *call_create(struct fs *fs, int (*run)(struct call *call))
{
	struct call *call = heap_alloc(sizeof(*call));

	if (call == NULL)
		return NULL;
	call->fs = fs;
	call->run = run;
	call->out = call->inline_out;
	call->out_max = sizeof(call->inline_out);
	list_init(&call->entry);
	list_init(&call->wait_entry);
	fs->num_calls++;
	return call;
}

// The next calls in line get the node's bytes: one that changes them, or as many readers as come
// before one that does.
static void unlock(struct call *call)
{
	struct node *node = call->node;

	if (call->lock == LOCK_NONE)
		return;
	if (call->lock == LOCK_SHARED)
		node->readers--;
	else
		node->writer = false;
	call->lock = LOCK_NONE;
	while (!list_is_empty(&node->waiting)) {
		struct call *next = container_of(node->waiting.next, struct call, wait_entry);

		list_remove(&next->wait_entry);
		call_continue(next);
		// Who of them cannot have it yet waits again, at the end of the line.
	}
}

void call_free(struct call *call)
{
	struct fs *fs = call->fs;

	data_end(call);
	unlock(call);
	list_remove(&call->entry);
	list_remove(&call->wait_entry);
	payload_release(&call->payload);
	if (call->out_folio != HANDLE_NONE)
		handle_close(call->out_folio);
	if (call->loan != HANDLE_NONE)
		handle_close(call->loan);
	heap_free(call->out_heap);
	if (call->node != NULL)
		node_unpin(fs, call->node);
	heap_free(call);
	fs->num_calls--;
}

void call_continue(struct call *call)
{
	list_remove(&call->wait_entry);
	list_push_back(&call->fs->ready, &call->wait_entry);
}

static void run(struct call *call)
{
	int result = call->run(call);

	if (result == CALL_WAIT)
		list_push_back(&call->fs->stalled, &call->wait_entry);
	else if (result == CALL_MORE)
		call_continue(call);
	else if (result != CALL_PARKED)
		session_answer(call, result);
}

static void leaving_answer(struct fs *fs)
{
	struct list *entry;

	while ((entry = list_pop_front(&fs->leaving)) != NULL) {
		fs->num_leaving--;
		session_answer(container_of(entry, struct call, wait_entry), 0);
	}
}

// A call of many steps lets those be heard that come meanwhile.
static void run_ready(struct fs *fs)
{
	struct list *entry;

	for (uint32_t i = 0; i < TURN_STEPS && (entry = list_pop_front(&fs->ready)) != NULL; i++)
		run(container_of(entry, struct call, wait_entry));
}

// After what other sources have to say.
static void run_later(struct fs *fs)
{
	error_t err = event_signal(fs->more.handle, 1);

	assert(err == 0);
}

static void more_signalled(struct loop *loop, struct source *source)
{
	struct fs *fs = source->context;
	uint64_t count;
	error_t err = event_take(source->handle, &count);

	(void)loop;
	assert(err == 0);
	calls_run(fs);
}

static const struct source_ops more_ops = { .signalled = more_signalled };

error_t calls_init(struct fs *fs)
{
	handle_t event;
	error_t err = event_create(&event);

	if (err != 0)
		return err;
	list_init(&fs->ready);
	list_init(&fs->stalled);
	list_init(&fs->bouncing);
	list_init(&fs->leaving);
	return loop_add(&fs->loop, &fs->more, event, &more_ops, fs);
}

void calls_run(struct fs *fs)
{
	if (fs->running)
		return;
	fs->running = true;
	run_ready(fs);
	// The last call of a session that somebody waits for may have ended. To look for a file
	// blocks, and calls that were parked may be ready after it.
	if (fs->clients_wait) {
		fs->clients_wait = false;
		clients_opened(fs);
	}
	fs->running = false;
	if (!list_is_empty(&fs->ready))
		run_later(fs);
	if (fs->num_sessions == fs->num_destroyed && fs->num_calls == fs->num_leaving)
		fs_idle(fs);
	else if (fs->num_sessions == fs->num_destroyed)
		return;
	leaving_answer(fs);
}

int call_leave(struct call *call)
{
	list_push_back(&call->fs->leaving, &call->wait_entry);
	call->fs->num_leaving++;
	return CALL_PARKED;
}

void calls_resume(void *context)
{
	struct fs *fs = context;
	struct list *entry;

	while ((entry = list_pop_front(&fs->stalled)) != NULL)
		list_push_back(&fs->ready, entry);
}

int call_lock(struct call *call, enum call_lock lock)
{
	struct node *node = call->node;

	if (call->lock == lock)
		return 0;
	if (node->writer || (lock == LOCK_EXCLUSIVE && node->readers > 0) ||
	    (lock == LOCK_SHARED && !list_is_empty(&node->waiting))) {
		list_push_back(&node->waiting, &call->wait_entry);
		return CALL_PARKED;
	}
	if (lock == LOCK_SHARED) {
		node->readers++;
	} else {
		node->writer = true;
		call_changes(call);
	}
	call->lock = lock;
	return 0;
}

// --- The request ---------------------------------------------------------------------------------

struct reader call_reader(const struct call *call)
{
	return reader_make(call->body.data, call->body.len);
}

int call_take(struct reader *in, void *out, size_t size)
{
	reader_copy(in, out, size);
	return reader_status(in) < 0 ? -LINUX_EINVAL : 0;
}

int call_string(struct reader *in, struct span *out)
{
	size_t len = strnlen((const char *)in->rest.data, in->rest.len);

	if (in->bad || len == in->rest.len)
		return -LINUX_EINVAL;
	*out = reader_bytes(in, len);
	reader_skip(in, 1);
	return 0;
}

bool call_is_dots(struct span name)
{
	return (name.len == 1 && name.data[0] == '.') ||
		(name.len == 2 && name.data[0] == '.' && name.data[1] == '.');
}

int call_name(struct reader *in, struct span *out)
{
	int result = call_string(in, out);

	if (result != 0)
		return result;
	if (out->len > EXT4_NAME_MAX)
		return -LINUX_ENAMETOOLONG;
	if (out->len == 0 || call_is_dots(*out) || memchr(out->data, '/', out->len) != NULL)
		return -LINUX_EINVAL;
	return 0;
}

// --- The reply -----------------------------------------------------------------------------------

void call_put(struct call *call, const void *data, size_t size)
{
	assert(size <= call->out_max - call->out_len);
	memcpy(call->out + call->out_len, data, size);
	call->out_len += (uint32_t)size;
}

int call_room(struct call *call, uint32_t size)
{
	if (size <= call->out_max)
		return 0;
	heap_free(call->out_heap);
	call->out_heap = heap_alloc(size);
	call->out = call->out_heap == NULL ? call->inline_out : call->out_heap;
	call->out_max = call->out_heap == NULL ? sizeof(call->inline_out) : size;
	return call->out_heap == NULL ? -LINUX_ENOMEM : 0;
}

// --- The update ----------------------------------------------------------------------------------

int call_begin(struct call *call, uint32_t credits)
{
	if (credits > 0 && call->session != NULL && call->session->read_only)
		return -LINUX_EROFS;
	call->out_len = 0;
	if (credits > 0) {
		ext4_set_time(call->fs->ext4, fs_time());
		call_changes(call);
	}
	return update_begin(&call->fs->update, call->fs->ext4, credits);
}

// What was removed just before may still be on its way to be free.
static int wait_for_room(const struct call *call, int result)
{
	bool waits = result == -LINUX_ENOSPC && call->session != NULL;

	return waits && call->fs->num_releases > 0 ? CALL_WAIT : result;
}

int call_end_read(struct call *call, int result)
{
	update_drop(&call->fs->update);
	return wait_for_room(call, result);
}

int call_end_part(struct call *call, int result)
{
	if (result == 0 || result == UPDATE_MORE)
		update_commit(&call->fs->update, NULL);
	else
		update_drop(&call->fs->update);
	return wait_for_room(call, result);
}

int call_end(struct call *call, int result)
{
	if (result == 0)
		kept_reply(call);
	return call_end_part(call, result);
}
