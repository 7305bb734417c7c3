// SPDX-License-Identifier: MIT
//
// The talk with bootd, and the four streams.

#include "libs/base/string.h"
#include "libs/linux/container_internal.h"
#include "libs/starina/log.h"

#define PROCESS_INIT 1u

static struct span span_of(const void *data, size_t len)
{
	return (struct span){.data = data, .len = len};
}

static void link_flush(struct container *c)
{
	struct span pending = control_link_pending(&c->link);

	if (pending.len == 0 || !c->has_machine)
		return;
	machine_enter(&c->machine);
	size_t sent = console_device_input(&c->console, GUEST_PORT_CONTROL, pending);
	machine_leave(&c->machine);
	control_link_sent(&c->link, sent);
}

void container_request(struct container *c, enum control_type type, struct span fixed, struct span tail)
{
	uint32_t request;
	error_t err;

	err = control_link_request(&c->link, type, PROCESS_INIT, fixed, tail, &request);
	if (err < 0) {
		container_fail(c, "request %d to bootd could not be queued (error %d)", (int)type, (int)err);
		return;
	}
	if (type == CONTROL_START)
		c->start_request = request;
	link_flush(c);
}

// bootd works on requests in order, so all of them go out at once.
static error_t take_ready(struct container *c, struct span body)
{
	struct control_configure configure = {0};
	struct control_mount mount = {0};
	struct control_ready ready;
	struct reader r = reader_make(body.data, body.len);

	reader_copy(&r, &ready, sizeof(ready));
	if (reader_status(&r) < 0 || c->state != CONTAINER_BOOTING)
		return ERR_PROTOCOL;
	if (ready.version != CONTROL_VERSION) {
		container_fail(c, "bootd speaks version %u of the control protocol, not %u: rebuild the initramfs",
		               ready.version, CONTROL_VERSION);
		return 0;
	}
	log_debug("bootd is up after %u ms of guest time", (unsigned int)(ready.boot_time_ns / NSEC_PER_MSEC));
	c->state = CONTAINER_SETUP;
	container_be_patient(c, true);
	if (clock_get(CLOCK_WALL, &configure.wall_time_ns) < 0)
		configure.wall_time_ns = 0;
	if (random_get(configure.entropy, sizeof(configure.entropy)) < 0)
		return ERR_IO;
	container_request(c, CONTROL_CONFIGURE, span_of(&configure, sizeof(configure)), c->config.config);
	memset(&configure, 0, sizeof(configure));
	container_request(c, CONTROL_MOUNT, span_of(&mount, sizeof(mount)), span_of(NULL, 0));
	container_request(c, CONTROL_CREATE, span_of(NULL, 0), span_of(NULL, 0));
	container_request(c, CONTROL_START, span_of(NULL, 0), span_of(NULL, 0));
	return 0;
}

// A message for people from the guest, as far as it is fit to be shown.
static void copy_text(char *out, size_t size, struct span text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = text.data[i];

		out[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	out[len] = '\0';
}

// A negative errno as people know it. The guest says any number.
static int linux_error(int32_t status)
{
	return status == INT32_MIN ? INT32_MAX : status < 0 ? -status : status;
}

static error_t take_reply(struct container *c, const struct control_header *header, struct span body)
{
	struct reader r = reader_make(body.data, body.len);
	struct control_reply reply;
	char text[200];

	reader_copy(&r, &reply, sizeof(reply));
	if (reader_status(&r) < 0 || header->request == 0 || header->request > c->link.last_request)
		return ERR_PROTOCOL;
	if (reply.status == 0)
		return 0;
	copy_text(text, sizeof(text), r.rest);
	if (header->request <= c->start_request || c->start_request == 0)
		container_fail(c, "%s (Linux error %d)", text[0] != '\0' ? text : "bootd refused a request",
		               linux_error(reply.status));
	else
		log_warn("bootd: %s (Linux error %d)", text, linux_error(reply.status));
	return 0;
}

static error_t take_started(struct container *c)
{
	nsec_t now;

	if (c->state != CONTAINER_SETUP)
		return ERR_PROTOCOL;
	c->state = CONTAINER_RUNNING;
	container_be_patient(c, false);
	if (clock_get(CLOCK_MONOTONIC, &now) < 0)
		now = c->start_time;
	c->ops->started(c->context, now - c->start_time);
	return 0;
}

static error_t take_exited(struct container *c, const struct control_header *header, struct span body)
{
	struct reader r = reader_make(body.data, body.len);
	struct control_exited exited;

	reader_copy(&r, &exited, sizeof(exited));
	if (reader_status(&r) < 0 || exited.status > 255)
		return ERR_PROTOCOL;
	if (header->process != PROCESS_INIT)
		return 0;
	if (header->type == CONTROL_EVENT_FAILED) {
		char text[200];

		// What has not run has not succeeded.
		if (exited.status == 0)
			return ERR_PROTOCOL;

		copy_text(text, sizeof(text), r.rest);
		container_fail(c, "%s", text[0] != '\0' ? text : "the container's process could not be started");
		if (c->failed && c->status == CONTAINER_STATUS_FAILED)
			c->status = (int)exited.status;
		return 0;
	}
	if (c->state != CONTAINER_RUNNING)
		return ERR_PROTOCOL;
	container_exit(c, (int)exited.status);
	return 0;
}

error_t container_frame(void *context, const struct control_header *header, struct span body)
{
	struct container *c = context;

	if (c->state >= CONTAINER_EXITED)
		return 0;
	switch (header->type) {
	case CONTROL_EVENT_READY:
		return take_ready(c, body);
	case CONTROL_REPLY:
		return take_reply(c, header, body);
	case CONTROL_EVENT_STARTED:
		return take_started(c);
	case CONTROL_EVENT_FAILED:
	case CONTROL_EVENT_EXITED:
		return take_exited(c, header, body);
	default:
		return ERR_PROTOCOL;
	}
}

static size_t console_output(void *context, uint32_t port, struct span bytes)
{
	struct container *c = context;

	switch (port) {
	case GUEST_PORT_STDOUT:
		return c->ops->output(c->context, CONTAINER_STDOUT, bytes);
	case GUEST_PORT_STDERR:
		return c->ops->output(c->context, CONTAINER_STDERR, bytes);
	case GUEST_PORT_CONTROL:
		if (c->state < CONTAINER_EXITED && control_link_receive(&c->link, bytes) < 0)
			container_fail(c, "the guest broke the control protocol");
		return bytes.len;
	default:
		return bytes.len;
	}
}

static void console_guest_open(void *context, uint32_t port, bool open)
{
	struct container *c = context;

	log_debug("guest %s port %u", open ? "opened" : "closed", port);
	// What was offered while there was no machine was refused without the device knowing of it.
	if (open && port == GUEST_PORT_STDIN)
		c->ops->input_ready(c->context);
}

static void console_input_ready(void *context, uint32_t port)
{
	struct container *c = context;

	if (port == GUEST_PORT_CONTROL)
		link_flush(c);
	else if (port == GUEST_PORT_STDIN)
		c->ops->input_ready(c->context);
}

const struct console_device_ops container_console_ops = {
	.output = console_output,
	.guest_open = console_guest_open,
	.input_ready = console_input_ready,
};
