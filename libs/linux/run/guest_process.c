// SPDX-License-Identifier: MIT

#include "libs/linux/run/guest_process.h"

#include "libs/base/string.h"
#include "libs/linux/run/guest_process_internal.h"
#include "libs/linux/vm/control_link.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

static struct guest_process *process_of(struct list *entry)
{
	return container_of(entry, struct guest_process, entry);
}

static struct guest_process *find(const struct guest_container *c, uint32_t number)
{
	list_for_each(pos, &c->processes) {
		if (process_of(pos)->number == number)
			return process_of(pos);
	}
	return NULL;
}

// Of those that bootd has in its table.
static uint32_t count_running(const struct guest_container *c)
{
	uint32_t count = 0;

	list_for_each(pos, &c->processes)
		count += process_of(pos)->state < GUEST_PROCESS_EXITED ? 1 : 0;
	return count;
}

error_t guest_container_exec(struct guest_container *c, struct span process,
                             const struct guest_process_ops *ops, void *context,
                             struct guest_process **out)
{
	struct guest_process *p;
	error_t err;

	if (c->state != CONTAINER_RUNNING)
		return ERR_BAD_STATE;
	if (count_running(c) == CONTROL_MAX_ADDED)
		return ERR_LIMIT;
	p = heap_alloc(sizeof(*p));
	if (p == NULL)
		return ERR_NO_MEMORY;
	p->c = c;
	p->ops = ops;
	p->context = context;
	p->number = c->next_process;
	guest_process_streams_init(p);
	err = vm_request(c->vm, CONTROL_START, p->number, process, span_make(NULL, 0),
	                 &p->start_request);
	if (err < 0) {
		heap_free(p);
		return err;
	}
	c->next_process++;
	list_push_back(&c->processes, &p->entry);
	*out = p;
	return 0;
}

void guest_process_send(struct guest_process *p, enum control_type type, struct span fixed,
                        struct span tail)
{
	error_t err;

	if (p->state >= GUEST_PROCESS_EXITED || p->c->state != CONTAINER_RUNNING)
		return;
	err = vm_send(p->c->vm, type, p->number, fixed, tail);
	if (err < 0)
		guest_container_fail(p->c, "a process's stream could not be sent (%s)",
		                     error_text(err));
}

static void request(struct guest_process *p, enum control_type type, const void *body, size_t len)
{
	uint32_t number;
	error_t err;

	if (p->state >= GUEST_PROCESS_EXITED || p->c->state != CONTAINER_RUNNING)
		return;
	err = vm_request(p->c->vm, type, p->number, span_make(body, len), span_make(NULL, 0),
	                 &number);
	if (err < 0)
		guest_container_fail(p->c, "a request for a process could not be queued (%s)",
		                     error_text(err));
}

void guest_process_signal(struct guest_process *p, uint32_t number)
{
	struct control_signal body = { .signal = number };

	if (number > 0 && number <= 64)
		request(p, CONTROL_SIGNAL, &body, sizeof(body));
}

void guest_process_resize(struct guest_process *p, uint16_t rows, uint16_t columns)
{
	struct control_resize body = { .rows = rows, .columns = columns };

	request(p, CONTROL_RESIZE, &body, sizeof(body));
}

// --- The end -------------------------------------------------------------------------------------

static void set_end(struct guest_process *p, int status, const char *error)
{
	p->state = GUEST_PROCESS_EXITED;
	if (!p->failed) {
		p->status = status;
		p->failed = error != NULL;
		str_copy(p->error, error != NULL ? error : "", sizeof(p->error));
	}
	guest_container_settle_later(p->c);
}

void guest_process_fail(struct guest_process *p, const char *text)
{
	if (p->failed)
		return;
	p->failed = true;
	p->status = GUEST_STATUS_KILLED;
	str_copy(p->error, text, sizeof(p->error));
	guest_process_output_drop(p);
	guest_process_signal(p, GUEST_SIGKILL);
}

static void free_process(struct guest_process *p)
{
	guest_process_streams_deinit(p);
	heap_free(p);
}

// The app may destroy it, or others, from the callback.
static void tell_end(struct guest_process *p)
{
	list_remove(&p->entry);
	p->state = GUEST_PROCESS_ENDED;
	if (p->destroyed)
		free_process(p);
	else
		p->ops->ended(p->context, p->status, p->failed ? p->error : NULL);
}

static struct guest_process *find_ended(const struct guest_container *c)
{
	list_for_each(pos, &c->processes) {
		struct guest_process *p = process_of(pos);

		if (p->state == GUEST_PROCESS_EXITED && guest_process_output_is_taken(p))
			return p;
	}
	return NULL;
}

void guest_processes_settle(struct guest_container *c)
{
	struct guest_process *p;

	while ((p = find_ended(c)) != NULL)
		tell_end(p);
}

void guest_processes_end(struct guest_container *c)
{
	while (!list_is_empty(&c->processes)) {
		struct guest_process *p = process_of(c->processes.next);

		if (p->state < GUEST_PROCESS_EXITED)
			set_end(p, GUEST_STATUS_KILLED, c->failed ? c->error : NULL);
		guest_process_output_resume(p, GUEST_STDOUT);
		guest_process_output_resume(p, GUEST_STDERR);
		guest_process_output_drop(p);
		tell_end(p);
	}
}

void guest_process_destroy(struct guest_process *p)
{
	if (p->state == GUEST_PROCESS_ENDED) {
		free_process(p);
		return;
	}
	p->destroyed = true;
	guest_process_output_drop(p);
	guest_process_signal(p, GUEST_SIGKILL);
	guest_container_settle_later(p->c);
}

// --- What bootd says -----------------------------------------------------------------------------

bool guest_process_refused(struct guest_container *c, uint32_t request_number, int32_t status,
                           const char *text)
{
	(void)status;
	list_for_each(pos, &c->processes) {
		struct guest_process *p = process_of(pos);

		if (p->start_request != request_number || p->state != GUEST_PROCESS_STARTING)
			continue;
		set_end(p, GUEST_STATUS_NOT_EXECUTED,
		        text[0] != '\0' ? text : "the process could not be started");
		return true;
	}
	return false;
}

static error_t take_started(struct guest_process *p)
{
	if (p->state != GUEST_PROCESS_STARTING)
		return ERR_PROTOCOL;
	p->state = GUEST_PROCESS_RUNNING;
	if (!p->destroyed && p->ops->started != NULL)
		p->ops->started(p->context);
	return 0;
}

static error_t take_end(struct guest_process *p, uint16_t type, struct span body)
{
	struct reader r = reader_make(body.data, body.len);
	struct control_exited exited;
	char text[CONTROL_TEXT_MAX];

	reader_copy(&r, &exited, sizeof(exited));
	if (reader_status(&r) < 0 || exited.status > 255)
		return ERR_PROTOCOL;
	if (type == CONTROL_EVENT_EXITED) {
		if (p->state != GUEST_PROCESS_RUNNING)
			return ERR_PROTOCOL;
		set_end(p, (int)exited.status, NULL);
		return 0;
	}
	// What has not run has not succeeded.
	if (p->state != GUEST_PROCESS_STARTING || exited.status == 0)
		return ERR_PROTOCOL;
	control_text(text, r.rest);
	set_end(p, (int)exited.status, text[0] != '\0' ? text : "the process could not be started");
	return 0;
}

error_t guest_process_frame(struct guest_container *c, const struct control_header *header,
                            struct span body)
{
	struct guest_process *p = find(c, header->process);

	if (p == NULL || p->state >= GUEST_PROCESS_EXITED)
		return ERR_PROTOCOL;
	switch (header->type) {
	case CONTROL_EVENT_STARTED: return take_started(p);
	case CONTROL_EVENT_FAILED:
	case CONTROL_EVENT_EXITED: return take_end(p, header->type, body);
	case CONTROL_STREAM_DATA:
		return p->state == GUEST_PROCESS_RUNNING ? guest_process_output_take(p, body)
							 : ERR_PROTOCOL;
	case CONTROL_STREAM_WINDOW: return guest_process_input_widen(p, body);
	default: return ERR_PROTOCOL;
	}
}
