// SPDX-License-Identifier: MIT
//
// Processes, their threads and handles.
#include "apps/httpd/api/look.h"
#include "libs/base/decimal.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define ID_MAX UINT32_MAX

// --- Records -------------------------------------------------------------------------------------

static const char *state_name(uint32_t state)
{
	static const char *const names[] = { [LOOK_STARTING] = "starting",
		                             [LOOK_RUNNING] = "running",
		                             [LOOK_ENDING] = "ending" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static void process_write(struct json_writer *w, const struct look_process *p)
{
	write_open(w, NULL, "{");
	write_number(w, "id", p->id);
	write_text(w, "name", p->name);
	write_text(w, "mode", (p->flags & LOOK_USER_MODE) != 0 ? "user" : "kernel");
	write_flag(w, "launched", (p->flags & LOOK_LAUNCHED) != 0);
	write_text(w, "state", state_name(p->state));
	write_number(w, "started_ms", p->started_ns / NSEC_PER_MSEC);
	write_number(w, "cpu_ns", p->cpu_ns);
	write_number(w, "memory", p->memory);
	write_number(w, "memory_limit", p->memory_limit);
	write_number(w, "kernel_memory", p->kernel_memory);
	write_number(w, "kernel_limit", p->kernel_limit);
	write_number(w, "handles", p->handles);
	write_number(w, "handle_limit", p->handle_limit);
	write_number(w, "threads", p->threads);
	write_number(w, "thread_limit", p->thread_limit);
	write_number(w, "waiting", p->waiting);
	write_number(w, "restarts", p->restarts);
	write_end(w, "last_end", p->last_end, p->last_status);
	write_close(w, "}");
}

error_t processes_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct look_buffer buffer = { 0 };
	error_t err = snapshot(httpd, LOOK_PROCESSES, 0, &buffer);
	size_t count = 0;
	const struct look_process *all = look_process_records(&buffer, &count);

	if (err == 0) {
		write_open(w, name, "[");
		for (size_t i = 0; i < count; i++)
			process_write(w, &all[i]);
		write_close(w, "]");
	}
	look_buffer_free(&buffer);
	return err;
}

static void thread_write(struct json_writer *w, const struct look_thread *t)
{
	static const char *const states[] = { [LOOK_THREAD_RUNNABLE] = "runnable",
		                              [LOOK_THREAD_RUNNING] = "running",
		                              [LOOK_THREAD_WAITING] = "waiting",
		                              [LOOK_THREAD_DEAD] = "dead" };
	static const char
		*const waits[] = { [LOOK_WAIT_POLL] = "poll", [LOOK_WAIT_GUEST] = "guest" };

	write_open(w, NULL, "{");
	write_number(w, "id", t->id);
	write_number(w, "process", t->process);
	write_text(w, "state",
	           t->state > 0 && t->state < sizeof(states) / sizeof(states[0]) ? states[t->state]
	                                                                         : "unknown");
	write_number(w, "hart", t->hart);
	if (t->waits > 0 && t->waits < sizeof(waits) / sizeof(waits[0]))
		write_text(w, "waits", waits[t->waits]);
	else
		write_null(w, "waits");
	write_flag(w, "idle", t->idle != 0);
	write_number(w, "cpu_ns", t->cpu_ns);
	write_close(w, "}");
}

error_t threads_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct look_buffer buffer = { 0 };
	error_t err = snapshot(httpd, LOOK_THREADS, 0, &buffer);
	size_t count = 0;
	const struct look_thread *all = look_thread_records(&buffer, &count);

	if (err == 0) {
		write_open(w, name, "[");
		for (size_t i = 0; i < count; i++)
			thread_write(w, &all[i]);
		write_close(w, "]");
	}
	look_buffer_free(&buffer);
	return err;
}

// --- One process ---------------------------------------------------------------------------------

// The process that a path names, by its number or its name; NULL: the exchange was answered.
static const struct look_process *process_find(const struct look_buffer *processes,
                                               struct http_exchange *exchange, const char *which)
{
	size_t count;
	const struct look_process *all = look_process_records(processes, &count);
	uint64_t id = 0;
	bool is_number = decimal_read(text_span(which), ID_MAX, &id);

	for (size_t i = 0; i < count; i++) {
		if (is_number ? all[i].id == id : strcmp(all[i].name, which) == 0)
			return &all[i];
	}
	api_error(exchange, 404, "not_found",
	          "there is no process %.64s: GET " API_PREFIX "/processes lists those that run",
	          which);
	return NULL;
}

API_START(process_get)
{
	struct look_buffer buffer = { 0 };
	struct json_writer w = { 0 };
	const struct look_process *process;
	error_t err = snapshot(context, LOOK_PROCESSES, 0, &buffer);

	(void)head;
	if (err != 0) {
		api_failed(exchange, err, "the processes");
	} else if ((process = process_find(&buffer, exchange, match->params[0])) != NULL) {
		process_write(&w, process);
		api_reply(exchange, 200, &w);
	}
	look_buffer_free(&buffer);
}

API_START(process_kill_post)
{
	struct httpd *httpd = context;
	struct look_buffer buffer = { 0 };
	const struct look_process *process;
	handle_t handle;
	error_t err = snapshot(httpd, LOOK_PROCESSES, 0, &buffer);

	(void)head;
	if (err != 0) {
		api_failed(exchange, err, "the processes");
	} else if ((process = process_find(&buffer, exchange, match->params[0])) != NULL) {
		err = system_open_process(httpd->system, process->id, &handle);
		if (err == 0) {
			// First: it may be this process.
			api_reply_empty(exchange);
			if (process_kill(handle) != 0)
				log_debug("process %u has ended by itself", process->id);
			handle_close(handle);
		} else {
			api_failed(exchange, err, "the process cannot be ended");
		}
	}
	look_buffer_free(&buffer);
}

// --- Handles -------------------------------------------------------------------------------------

static const char *type_name(uint32_t type)
{
	static const char *const names[] = {
		[OBJECT_CHANNEL] = "channel",     [OBJECT_POLL] = "poll",
		[OBJECT_TIMER] = "timer",         [OBJECT_EVENT] = "event",
		[OBJECT_INTERRUPT] = "interrupt", [OBJECT_FOLIO] = "folio",
		[OBJECT_PROCESS] = "process",     [OBJECT_THREAD] = "thread",
		[OBJECT_SERVICE] = "service",     [OBJECT_CONNECTOR] = "connector",
		[OBJECT_HVSPACE] = "hvspace",     [OBJECT_VCPU] = "vcpu",
		[OBJECT_SYSTEM] = "system",       [OBJECT_LAUNCHER] = "launcher",
		[OBJECT_LOOK] = "look",
	};
	const char *name = type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;

	return name != NULL ? name : "unknown";
}

static void rights_write(struct json_writer *w, uint32_t rights)
{
	static const struct {
		uint32_t right;
		const char *name;
	} names[] = {
		{ RIGHT_READ, "read" },         { RIGHT_WRITE, "write" },
		{ RIGHT_POLL, "poll" },         { RIGHT_MAP, "map" },
		{ RIGHT_TRANSFER, "transfer" }, { RIGHT_DUPLICATE, "duplicate" },
		{ RIGHT_CONTROL, "control" },
	};

	write_open(w, "rights", "[");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((rights & names[i].right) != 0)
			write_text(w, NULL, names[i].name);
	}
	write_close(w, "]");
}

static void handle_write(struct json_writer *w, const struct look_handle *h)
{
	write_open(w, NULL, "{");
	write_signed(w, "handle", h->handle);
	write_text(w, "type", type_name(h->type));
	rights_write(w, h->rights);
	if (h->object != 0)
		write_number(w, "object", h->object);
	if (h->type == OBJECT_FOLIO)
		write_number(w, "size", h->size);
	write_close(w, "}");
}

API_START(handles_get)
{
	struct look_buffer buffer = { 0 }, handles = { 0 };
	struct json_writer w = { 0 };
	const struct look_process *process = NULL;
	error_t err = snapshot(context, LOOK_PROCESSES, 0, &buffer);

	(void)head;
	if (err == 0) {
		process = process_find(&buffer, exchange, match->params[0]);
		if (process == NULL)
			goto out;
		err = snapshot(context, LOOK_HANDLES, process->id, &handles);
	}
	if (err != 0) {
		api_failed(exchange, err, "the handles");
	} else {
		size_t count;
		const struct look_handle *all = look_handle_records(&handles, &count);

		write_open(&w, NULL, "[");
		for (size_t i = 0; i < count; i++)
			handle_write(&w, &all[i]);
		write_close(&w, "]");
		api_reply(exchange, 200, &w);
	}
out:
	look_buffer_free(&handles);
	look_buffer_free(&buffer);
}
