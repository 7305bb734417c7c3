// SPDX-License-Identifier: MIT
#include "tools/run/engine/host_port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MAX_STOP_SECONDS 86400ul
#define HELLO "starina-host 1 "

void host_port_init(struct host_port *port, int channel, struct publisher *publisher,
                    struct binder *binder)
{
	*port = (struct host_port){ .channel = channel, .publisher = publisher, .binder = binder };
	line_reader_init(&port->lines, port->line, sizeof(port->line));
}

// --- To the OS -----------------------------------------------------------------------------------

// There is room for the answers of all requests that may be without one; an OS that asks more, and
// reads nothing, has to do without.
__attribute__((format(printf, 2, 3))) static void say(struct host_port *port, const char *format,
                                                      ...)
{
	size_t room = sizeof(port->out) - port->out_length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(port->out + port->out_length, room, format, args);
	va_end(args);
	if (length > 0 && (size_t)length < room)
		port->out_length += (size_t)length;
}

static void out_flush(struct host_port *port)
{
	ssize_t written =
		send(port->channel, port->out, port->out_length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (written <= 0)
		return;  // QEMU's end is seen by reading
	port->out_length -= (size_t)written;
	memmove(port->out, port->out + written, port->out_length);
}

static void stop_say(struct host_port *port)
{
	if (!port->stop_asked || port->stop_sent || !port->greeted)
		return;
	port->stop_sent = true;
	say(port, "stop\n");
}

void host_port_stop(struct host_port *port)
{
	port->stop_asked = true;
	stop_say(port);
}

static void time_say(struct host_port *port)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) == 0)
		say(port, "time %lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
}

// --- Requests ------------------------------------------------------------------------------------

static void answered(void *context, unsigned value, const char *error)
{
	struct host_port *port = context;

	port->busy = false;
	if (port->void_request)
		port->void_request = false;
	else if (error)
		say(port, "error %lu %s\n", port->busy_id, error);
	else
		say(port, "ok %lu %u\n", port->busy_id, value);
}

static void published(void *context, uint16_t host_port, const char *error)
{
	answered(context, host_port, error);
}

// "make /srv/data" or "keep /srv/data".
static void bind_ask(struct host_port *port, const char *words)
{
	bool make = strncmp(words, "make /", 6) == 0;

	if (make || strncmp(words, "keep /", 6) == 0)
		binder_request(port->binder, make, words + 5, answered, port);
	else
		answered(port, 0, "malformed request");
}

static void request_begin(struct host_port *port, const struct host_request *request)
{
	port->busy = true;
	port->busy_id = request->id;
	if (request->kind == HOST_REQUEST_BIND)
		bind_ask(port, request->words);
	else
		publisher_request(port->publisher, request->kind == HOST_REQUEST_PUBLISH,
		                  request->words, published, port);
}

static void requests_advance(struct host_port *port)
{
	while (!port->busy && port->num_requests > 0) {
		struct host_request request = port->requests[0];

		memmove(port->requests, port->requests + 1,
		        --port->num_requests * sizeof(port->requests[0]));
		request_begin(port, &request);
	}
}

static void request_take(struct host_port *port, enum host_request_kind kind, const char *text)
{
	struct host_request *request = &port->requests[port->num_requests];
	char *words;
	unsigned long id = strtoul(text, &words, 10);

	if (words == text || *words != ' ')
		return;
	if (port->num_requests == ENGINE_HOST_REQUESTS) {
		say(port, "error %lu too many requests\n", id);
		return;
	}
	request->id = id;
	request->kind = kind;
	snprintf(request->words, sizeof(request->words), "%s", words + 1);
	port->num_requests++;
}

// --- From the OS ---------------------------------------------------------------------------------

static void hello_take(struct host_port *port, const char *nonce)
{
	if (strlen(nonce) != HOST_PORT_NONCE || strspn(nonce, "0123456789abcdef") != strlen(nonce))
		return;
	port->greeted = true;
	port->engine_ready = false;
	port->stop_sent = false;
	port->num_requests = 0;
	port->void_request = port->busy;
	// The rest of what was on its way is one line with this, which is none.
	port->out_length = 0;
	say(port, "\nsync %s\n", nonce);
	stop_say(port);
}

static void line_take(struct host_port *port, const char *line)
{
	if (strncmp(line, HELLO, strlen(HELLO)) == 0) {
		hello_take(port, line + strlen(HELLO));
		return;
	}
	if (!port->greeted)
		return;
	if (strcmp(line, "ready") == 0)
		port->engine_ready = true;
	else if (strcmp(line, "away") == 0)
		port->engine_ready = false;
	else if (strcmp(line, "lost") == 0)
		port->num_lost++;
	else if (strcmp(line, "time") == 0)
		time_say(port);
	else if (strncmp(line, "publish ", 8) == 0)
		request_take(port, HOST_REQUEST_PUBLISH, line + 8);
	else if (strncmp(line, "unpublish ", 10) == 0)
		request_take(port, HOST_REQUEST_UNPUBLISH, line + 10);
	else if (strncmp(line, "bind ", 5) == 0)
		request_take(port, HOST_REQUEST_BIND, line + 5);
	else if (strncmp(line, "stopping ", 9) == 0) {
		unsigned long seconds = strtoul(line + 9, NULL, 10);

		port->stop_seconds =
			(unsigned)(seconds < MAX_STOP_SECONDS ? seconds : MAX_STOP_SECONDS);
	}
}

static void bytes_take(struct host_port *port, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (line_reader_push(&port->lines, bytes[i]))
			line_take(port, port->line);
	}
}

static void in_read(struct host_port *port)
{
	char bytes[4096];
	ssize_t length = recv(port->channel, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (length > 0) {
		bytes_take(port, bytes, (size_t)length);
	} else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
		port->channel = -1;
		port->engine_ready = false;
	}
}

// --- The loop ------------------------------------------------------------------------------------

// Nothing is read while there may be no room for its answers.
struct pollfd host_port_prepare(const struct host_port *port)
{
	bool reads = port->out_length < sizeof(port->out) / 2;

	return (struct pollfd){
		.fd = port->channel,
		.events = (short)((reads ? POLLIN : 0) | (port->out_length > 0 ? POLLOUT : 0)),
	};
}

void host_port_move(struct host_port *port, const struct pollfd *fd)
{
	if (port->channel >= 0 && (fd->revents & POLLOUT))
		out_flush(port);
	if (port->channel >= 0 && (fd->revents & (POLLIN | POLLHUP | POLLERR)))
		in_read(port);
	requests_advance(port);
	if (port->channel >= 0 && port->out_length > 0)
		out_flush(port);
}
