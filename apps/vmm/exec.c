// SPDX-License-Identifier: MIT
//
// Processes that are added to the container, each with the one client that its streams go to. A
// process outlives its client: what it writes is dropped then, and its input is at its end. A
// client outlives its process until it has all output.
#include "libs/linux/run/guest_process.h"

#include "apps/vmm/vmm.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Those included whose clients have not gone.
#define MAX_EXECS 128u
#define STATUS_NOT_FOUND 127

struct exec {
	struct vmm *vmm;
	struct list entry;  // of vmm->execs
	uint32_t number;
	uint32_t flags;
	bool started;
	struct guest_process *process;  // NULL once it has ended
	struct source client;
	bool has_client;
	bool output_over;       // MSG_END was sent
	bool broke_off;         // the client's channel is closed in its place
	bool has_unsent;        // `unsent` waits for room
	struct message unsent;  // owns its handle
	bool input_over;        // MSG_END came
	struct detach detach;
	struct payload input;     // in hand
	struct message received;  // holds its bytes when they came inline
	size_t input_done;
};

static bool is_raw(const struct exec *e)
{
	return (e->flags & VMM_EXEC_FRAMES) == 0 && (e->flags & (VMM_TTY | VMM_EXEC_RAW)) != 0;
}

static void resume(struct exec *e)
{
	if (e->process == NULL || e->has_unsent)
		return;
	guest_process_output_resume(e->process, GUEST_STDOUT);
	guest_process_output_resume(e->process, GUEST_STDERR);
}

void exec_resume(struct vmm *vmm)
{
	list_for_each(entry, &vmm->execs)
		resume(container_of(entry, struct exec, entry));
}

static void free_if_over(struct exec *e)
{
	if (e->process != NULL || e->has_client)
		return;
	list_remove(&e->entry);
	e->vmm->num_execs--;
	heap_free(e);
}

bool exec_all_have_output(const struct vmm *vmm)
{
	list_for_each(entry, &vmm->execs) {
		const struct exec *e = container_of(entry, struct exec, entry);

		if (e->has_client && !e->output_over)
			return false;
	}
	return true;
}

// --- Output --------------------------------------------------------------------------------------

static void send_or_keep(struct exec *e, struct message *m)
{
	error_t err = channel_send(e->client.handle, m);

	if (err == 0)
		return;
	if (err == ERR_FULL) {
		e->unsent = *m;
		e->has_unsent = true;
		source_want_writable(&e->client, true);
		return;
	}
	// `closed` comes.
	message_discard(m);
	e->output_over = true;
}

static size_t give_output(struct exec *e, enum guest_stream stream, struct span bytes)
{
	uint32_t unwanted = stream == GUEST_STDOUT ? VMM_EXEC_NO_STDOUT : VMM_EXEC_NO_STDERR;
	size_t done = 0;

	if (!e->has_client || e->output_over || (e->flags & unwanted) != 0 || e->vmm->killed)
		return bytes.len;
	while (done < bytes.len && !e->has_unsent) {
		size_t left = bytes.len - done;
		struct span piece = { .data = bytes.data + done,
			              .len = left < VMM_PIECE_MAX ? left : VMM_PIECE_MAX };
		struct span framed = frame_make(is_raw(e), stream, piece);
		struct message m;

		if (payload_make(&m, framed.data, framed.len) < 0) {
			attach_retry_later(e->vmm);
			break;
		}
		send_or_keep(e, &m);
		done += piece.len;
	}
	return done;
}

static size_t process_output(void *context, enum guest_stream stream, struct span bytes)
{
	return give_output(context, stream, bytes);
}

static void close_client(struct exec *e)
{
	payload_release(&e->input);
	e->input = (struct payload){ 0 };
	e->input_done = 0;
	loop_close(&e->vmm->loop, &e->client);
	e->has_client = false;
}

static void send_end(struct exec *e)
{
	static const struct msg_end end;
	struct message m;
	error_t err = message_encode_end(&m, &end, NULL, 0);

	assert(err == 0);
	if (!e->has_client || e->output_over || e->has_unsent)
		return;
	if (e->broke_off) {
		close_client(e);
		return;
	}
	if (channel_send(e->client.handle, &m) == ERR_FULL)
		source_want_writable(&e->client, true);
	else
		e->output_over = true;
}

// --- Input ---------------------------------------------------------------------------------------

// Gives the process what is in hand.
static void pump(struct exec *e)
{
	struct span rest = input_rest(&e->input, e->input_done);

	if (e->process == NULL || (e->flags & VMM_EXEC_STDIN) == 0)
		e->input_done += rest.len;
	else if (rest.len > 0)
		e->input_done += guest_process_stdin_write(e->process, rest);
	if (e->input_done == e->input.bytes.len) {
		payload_release(&e->input);
		e->input = (struct payload){ 0 };
		e->input_done = 0;
		if (e->input_over && e->process != NULL && (e->flags & VMM_TTY) == 0)
			guest_process_stdin_close(e->process);
	}
	if (e->has_client)
		source_want_messages(&e->client, e->input.bytes.len == 0);
}

static void process_input_ready(void *context)
{
	pump(context);
}

// --- The process ---------------------------------------------------------------------------------

static void process_started(void *context)
{
	struct exec *e = context;

	e->started = true;
	link_tell_process(e->vmm, e->number, VMM_RUNNING, 0, NULL);
}

// Whoever asked for its stdout or not: docker's clients show it as they show output.
static void say(struct exec *e, const char *text)
{
	e->flags &= ~VMM_EXEC_NO_STDOUT;
	(void)give_output(e, GUEST_STDOUT, text_span(text));
	(void)give_output(e, GUEST_STDOUT, (struct span){ (const uint8_t *)"\r\n", 2 });
}

// `containers` is told first: who has read all output finds the status there.
static void over(struct exec *e, int status, const char *error)
{
	char text[VM_ERROR_MAX + 128];
	bool failed = error != NULL && !e->started;

	if (failed) {
		status = status == STATUS_NOT_FOUND ? status : GUEST_STATUS_NOT_EXECUTED;
		// Docker's words.
		fmt_write(text, sizeof(text),
		          "OCI runtime exec failed: exec failed: unable to start container "
		          "process: %s: unknown",
		          error);
	}
	link_tell_process(e->vmm, e->number, VMM_ENDED, status, failed ? text : NULL);
	if (failed && (e->flags & VMM_EXEC_RAW) == 0)
		say(e, text);
	e->broke_off = (e->flags & VMM_EXEC_RAW) != 0 && status != 0;
	send_end(e);
	// What it has not read goes with it.
	pump(e);
	free_if_over(e);
}

static void process_ended(void *context, int status, const char *error)
{
	struct exec *e = context;
	char text[VM_ERROR_MAX];

	// The text is the process's own.
	if (error != NULL)
		str_copy(text, error, sizeof(text));
	guest_process_destroy(e->process);
	e->process = NULL;
	over(e, status, error != NULL ? text : NULL);
}

static const struct guest_process_ops process_ops = {
	.started = process_started,
	.output = process_output,
	.input_ready = process_input_ready,
	.ended = process_ended,
};

// --- Clients -------------------------------------------------------------------------------------

static void client_closed(struct loop *loop, struct source *source)
{
	struct exec *e = source->context;
	struct vmm *vmm = e->vmm;

	loop_close(loop, source);
	if (e->has_unsent)
		message_discard(&e->unsent);
	e->has_client = e->has_unsent = false;
	e->input_over = true;
	pump(e);
	resume(e);
	free_if_over(e);
	attach_leave_if_done(vmm);
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct exec *e = source->context;

	if (m->type == MSG_END) {
		message_discard(m);
		e->input_over = true;
	} else if (m->type == MSG_DATA && !e->input_over) {
		e->received = *m;
		if (input_open(&e->detach, &e->received, &e->input) == DETACH_LEAVE) {
			client_closed(loop, source);
			return;
		}
	} else {
		message_discard(m);
	}
	pump(e);
}

static void client_writable(struct loop *loop, struct source *source)
{
	struct exec *e = source->context;
	struct vmm *vmm = e->vmm;

	(void)loop;
	source_want_writable(source, false);
	if (e->has_unsent) {
		e->has_unsent = false;
		send_or_keep(e, &e->unsent);
	}
	if (e->process == NULL) {
		send_end(e);
		free_if_over(e);
	} else {
		resume(e);
	}
	attach_leave_if_done(vmm);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.writable = client_writable,
	.closed = client_closed,
};

// --- The start -----------------------------------------------------------------------------------

static struct exec *find(const struct vmm *vmm, uint32_t number)
{
	list_for_each(entry, &vmm->execs) {
		struct exec *e = container_of(entry, struct exec, entry);

		if (e->number == number)
			return e;
	}
	return NULL;
}

static struct exec *make(struct vmm *vmm, const struct msg_vmm_exec *fixed, handle_t client)
{
	struct exec *e = vmm->num_execs < MAX_EXECS && find(vmm, fixed->process) == NULL
		? heap_alloc(sizeof(*e))
		: NULL;

	if (e == NULL)
		return NULL;
	*e = (struct exec){ .vmm = vmm, .number = fixed->process, .flags = fixed->flags };
	if (client != HANDLE_NONE && loop_add(&vmm->loop, &e->client, client, &client_ops, e) < 0) {
		heap_free(e);
		return NULL;
	}
	e->has_client = client != HANDLE_NONE;
	detach_init(&e->detach, &fixed->keys);
	list_push_back(&vmm->execs, &e->entry);
	vmm->num_execs++;
	return e;
}

static const char *reason(error_t error)
{
	return error == ERR_BAD_STATE ? "the container does not run"
		: error == ERR_LIMIT  ? "too many processes were added to the container"
				      : error_text(error);
}

void exec_start(struct vmm *vmm, const struct msg_vmm_exec *fixed, handle_t folio, handle_t client)
{
	struct payload config;
	error_t err = payload_open_folio(folio, 0, fixed->config_length, &config);
	struct exec *e = err == 0 ? make(vmm, fixed, client) : NULL;

	if (e == NULL) {
		if (client != HANDLE_NONE)
			handle_close(client);
		if (err == 0)
			payload_release(&config);
		link_tell_process(vmm, fixed->process, VMM_ENDED, GUEST_STATUS_NOT_EXECUTED,
		                  "too many processes were added to the container");
		return;
	}
	err = vmm->container != NULL
		? guest_container_exec(vmm->container, config.bytes, &process_ops, e, &e->process)
		: ERR_BAD_STATE;
	payload_release(&config);
	if (err < 0) {
		e->process = NULL;
		over(e, GUEST_STATUS_NOT_EXECUTED, reason(err));
		return;
	}
	if ((fixed->flags & VMM_EXEC_STDIN) == 0 || client == HANDLE_NONE)
		guest_process_stdin_close(e->process);
	resume(e);
}

void exec_signal(struct vmm *vmm, uint32_t number, uint32_t signal)
{
	struct exec *e = find(vmm, number);

	if (e != NULL && e->process != NULL)
		guest_process_signal(e->process, signal);
}

void exec_resize(struct vmm *vmm, uint32_t number, uint16_t rows, uint16_t columns)
{
	struct exec *e = find(vmm, number);

	if (e != NULL && e->process != NULL)
		guest_process_resize(e->process, rows, columns);
}
