// SPDX-License-Identifier: MIT
//
// The clients of the container's streams. Output goes to all of them, at the speed of the slowest,
// as with a terminal; without one it is lost, and the container never waits.
#include "apps/vmm/vmm.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// How long output waits for memory that is out: nothing tells when there is some again.
#define RETRY_DELAY (10 * NSEC_PER_MSEC)

static bool wants(const struct attachment *a, enum guest_stream stream)
{
	uint32_t flag = stream == GUEST_STDOUT ? VMM_ATTACH_STDOUT : VMM_ATTACH_STDERR;

	return a->used && !a->output_over && (a->flags & flag) != 0;
}

static bool any_unsent(const struct vmm *vmm)
{
	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++)
		if (vmm->attached[i].used && vmm->attached[i].has_unsent)
			return true;
	return false;
}

void attach_resume(struct vmm *vmm)
{
	struct guest_container *container = vmm->container;

	if (container == NULL || (any_unsent(vmm) && !vmm->killed))
		return;
	guest_container_output_resume(container, GUEST_STDOUT);
	// The first may have brought the end.
	if (vmm->container == container)
		guest_container_output_resume(container, GUEST_STDERR);
}

static void drop_unsent(struct attachment *a)
{
	if (a->has_unsent)
		message_discard(&a->unsent);
	a->has_unsent = false;
}

static void detach(struct attachment *a)
{
	struct vmm *vmm = a->vmm;

	drop_unsent(a);
	payload_release(&a->input);
	loop_close(&vmm->loop, &a->source);
	*a = (struct attachment){ 0 };
	attach_resume(vmm);
}

// --- Output --------------------------------------------------------------------------------------

// What does not fit waits in the attachment; consumes the message.
static void send_or_keep(struct attachment *a, struct message *m)
{
	error_t err = channel_send(a->source.handle, m);

	if (err == 0)
		return;
	if (err == ERR_FULL) {
		a->unsent = *m;
		a->has_unsent = true;
		source_want_writable(&a->source, true);
		return;
	}
	// `closed` comes.
	message_discard(m);
	a->output_over = true;
}

static void send_end(struct attachment *a)
{
	static const struct msg_end end;
	struct message m;
	error_t err = message_encode_end(&m, &end, NULL, 0);

	assert(err == 0);
	if (a->output_over || a->has_unsent)
		return;
	if (channel_send(a->source.handle, &m) == ERR_FULL)
		source_want_writable(&a->source, true);
	else
		a->output_over = true;
}

void attach_retry_later(struct vmm *vmm)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = timer_set(vmm->retry_timer, now + RETRY_DELAY);
	assert(err == 0);
}

// One piece for all; false when memory is out, and none has it.
static bool send_piece(struct vmm *vmm, enum guest_stream stream, struct span piece)
{
	struct message messages[VMM_MAX_ATTACHED];
	struct span bytes = frame_make((vmm->flags & VMM_TTY) != 0, stream, piece);
	size_t made = 0;

	for (; made < VMM_MAX_ATTACHED; made++)
		if (wants(&vmm->attached[made], stream) &&
		    payload_make(&messages[made], bytes.data, bytes.len) < 0)
			break;
	for (size_t i = 0; i < made; i++) {
		if (!wants(&vmm->attached[i], stream))
			continue;
		if (made < VMM_MAX_ATTACHED)
			message_discard(&messages[i]);
		else
			send_or_keep(&vmm->attached[i], &messages[i]);
	}
	return made == VMM_MAX_ATTACHED;
}

size_t attach_output(struct vmm *vmm, enum guest_stream stream, struct span bytes)
{
	size_t done = 0;

	while (done < bytes.len && !any_unsent(vmm)) {
		size_t left = bytes.len - done;
		struct span piece = { .data = bytes.data + done,
			              .len = left < VMM_PIECE_MAX ? left : VMM_PIECE_MAX };

		if (!send_piece(vmm, stream, piece)) {
			attach_retry_later(vmm);
			break;
		}
		done += piece.len;
	}
	// One that is killed does not wait for who does not read.
	return vmm->killed ? bytes.len : done;
}

// --- Input ---------------------------------------------------------------------------------------

static void input_ends(struct attachment *a)
{
	struct vmm *vmm = a->vmm;

	// As with dockerd, a terminal outlives those who type at it.
	if ((a->flags & VMM_ATTACH_STDIN) == 0 || (vmm->flags & VMM_TTY) != 0)
		return;
	if ((vmm->flags & VMM_STDIN_ONCE) == 0 || vmm->stdin_over || vmm->container == NULL)
		return;
	vmm->stdin_over = true;
	guest_container_stdin_close(vmm->container);
}

// Gives the container what is in hand.
static void pump(struct attachment *a)
{
	struct vmm *vmm = a->vmm;
	struct span rest = input_rest(&a->input, a->input_done);
	bool can = vmm->container != NULL && vmm->state == VMM_RUNNING;

	if ((a->flags & VMM_ATTACH_STDIN) == 0 || vmm->stdin_over || vmm->state == VMM_ENDED)
		a->input_done += rest.len;
	else if (can && rest.len > 0)
		a->input_done += guest_container_stdin_write(vmm->container, rest);
	if (a->input_done == a->input.bytes.len) {
		payload_release(&a->input);
		a->input = (struct payload){ 0 };
		a->input_done = 0;
		if (a->input_over && can)
			input_ends(a);
	}
	source_want_messages(&a->source,
	                     a->input.bytes.len == 0 && (can || vmm->state == VMM_ENDED));
}

void attach_input(struct vmm *vmm)
{
	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++)
		if (vmm->attached[i].used)
			pump(&vmm->attached[i]);
}

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct attachment *a = source->context;
	struct vmm *vmm = a->vmm;

	(void)loop;
	if (m->type == MSG_END) {
		message_discard(m);
		a->input_over = true;
	} else if (m->type == MSG_DATA && !a->input_over) {
		a->received = *m;
		if (input_open(&a->detach, &a->received, &a->input) == DETACH_LEAVE) {
			detach(a);
			attach_leave_if_done(vmm);
			return;
		}
	} else {
		message_discard(m);
	}
	pump(a);
}

// --- Clients -------------------------------------------------------------------------------------

// What lies in the channels reaches the clients without this process.
void attach_leave_if_done(const struct vmm *vmm)
{
	bool done = vmm->leaving && exec_all_have_output(vmm);

	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++)
		done = done && (!vmm->attached[i].used || vmm->attached[i].output_over);
	if (done)
		process_exit(0);
}

static void client_writable(struct loop *loop, struct source *source)
{
	struct attachment *a = source->context;
	struct vmm *vmm = a->vmm;

	(void)loop;
	source_want_writable(source, false);
	if (a->has_unsent) {
		a->has_unsent = false;
		send_or_keep(a, &a->unsent);
	}
	if (vmm->state == VMM_ENDED)
		send_end(a);
	else
		attach_resume(vmm);
	attach_leave_if_done(vmm);
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct attachment *a = source->context;
	struct vmm *vmm = a->vmm;

	(void)loop;
	input_ends(a);
	detach(a);
	attach_leave_if_done(vmm);
}

// What it has typed waits for the container to read it, as long as nobody else needs its place.
static void client_hung_up(struct loop *loop, struct source *source)
{
	struct attachment *a = source->context;
	struct vmm *vmm = a->vmm;

	(void)loop;
	a->gone = a->output_over = true;
	drop_unsent(a);
	attach_resume(vmm);
	attach_leave_if_done(vmm);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.writable = client_writable,
	.closed = client_closed,
	.hung_up = client_hung_up,
};

static void retry_signalled(struct loop *loop, struct source *source)
{
	struct vmm *vmm = source->context;
	error_t err = timer_set(vmm->retry_timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	attach_resume(vmm);
	exec_resume(vmm);
}

static const struct source_ops retry_ops = { .signalled = retry_signalled };

error_t attach_init(struct vmm *vmm)
{
	error_t err = timer_create(&vmm->retry_timer);

	if (err == 0)
		err = loop_add(&vmm->loop, &vmm->retry, vmm->retry_timer, &retry_ops, vmm);
	return err;
}

// NULL: all have clients.
static struct attachment *place_take(struct vmm *vmm)
{
	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++)
		if (!vmm->attached[i].used)
			return &vmm->attached[i];
	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++) {
		struct attachment *a = &vmm->attached[i];

		if (!a->gone)
			continue;
		input_ends(a);
		detach(a);
		return a;
	}
	return NULL;
}

void attach_add(struct vmm *vmm, const struct msg_vmm_attach *order, handle_t channel)
{
	struct attachment *a = place_take(vmm);

	if (a == NULL) {
		log_warn("too many clients are attached to the container: one more is refused");
		handle_close(channel);
		return;
	}
	*a = (struct attachment){ .vmm = vmm, .used = true, .flags = order->flags };
	detach_init(&a->detach, &order->keys);
	if (loop_add(&vmm->loop, &a->source, channel, &client_ops, a) < 0) {
		log_warn("a client cannot be attached to the container");
		*a = (struct attachment){ 0 };
		handle_close(channel);
		return;
	}
	pump(a);
	if (vmm->state == VMM_ENDED)
		send_end(a);
}

void attach_end(struct vmm *vmm)
{
	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++)
		if (vmm->attached[i].used)
			send_end(&vmm->attached[i]);
}

void attach_leave(struct vmm *vmm)
{
	vmm->leaving = true;
	attach_leave_if_done(vmm);
}
