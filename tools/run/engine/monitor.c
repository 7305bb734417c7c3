// SPDX-License-Identifier: MIT
#include "tools/run/engine/monitor.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void command_end(struct monitor *monitor, const char *output)
{
	monitor_done_fn done = monitor->done;

	monitor->done = NULL;
	if (done)
		done(monitor->context, output);
}

// --- To QEMU -------------------------------------------------------------------------------------

// Consumes `request`.
static int request_send(struct monitor *monitor, json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	bool fits = text && length < sizeof(monitor->out) - monitor->out_length;

	json_decref(request);
	if (fits) {
		memcpy(monitor->out + monitor->out_length, text, length);
		monitor->out[monitor->out_length + length] = '\n';
		monitor->out_length += length + 1;
	}
	free(text);
	return fits ? 0 : -1;
}

void monitor_init(struct monitor *monitor, int channel)
{
	*monitor = (struct monitor){ .channel = channel };
	line_reader_init(&monitor->lines, monitor->line, sizeof(monitor->line));
	(void)request_send(monitor, json_pack("{s:s}", "execute", "qmp_capabilities"));
}

int monitor_command(struct monitor *monitor, const char *command, monitor_done_fn done,
                    void *context)
{
	if (monitor->done || monitor->channel < 0)
		return -1;
	if (request_send(monitor,
	                 json_pack("{s:s, s:{s:s}, s:i}", "execute", "human-monitor-command",
	                           "arguments", "command-line", command, "id",
	                           (int)(monitor->id + 1))) < 0)
		return -1;
	monitor->id++;
	monitor->done = done;
	monitor->context = context;
	return 0;
}

static void out_flush(struct monitor *monitor)
{
	ssize_t written = send(monitor->channel, monitor->out, monitor->out_length,
	                       MSG_DONTWAIT | MSG_NOSIGNAL);

	if (written <= 0)
		return;  // QEMU's end is seen by reading
	monitor->out_length -= (size_t)written;
	memmove(monitor->out, monitor->out + written, monitor->out_length);
}

// --- From QEMU -----------------------------------------------------------------------------------

// Events and the greeting have no id, and are passed over.
static void line_take(struct monitor *monitor, const char *line)
{
	json_t *answer = json_loads(line, 0, NULL);
	const json_t *id = json_object_get(answer, "id");

	if (monitor->done && json_is_integer(id) && json_integer_value(id) == (int)monitor->id)
		command_end(monitor, json_string_value(json_object_get(answer, "return")));
	json_decref(answer);
}

static void bytes_take(struct monitor *monitor, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (line_reader_push(&monitor->lines, bytes[i]))
			line_take(monitor, monitor->line);
	}
}

static void in_read(struct monitor *monitor)
{
	char bytes[4096];
	ssize_t length = recv(monitor->channel, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (length > 0) {
		bytes_take(monitor, bytes, (size_t)length);
	} else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
		monitor->channel = -1;
		command_end(monitor, NULL);
	}
}

struct pollfd monitor_prepare(const struct monitor *monitor)
{
	return (struct pollfd){
		.fd = monitor->channel,
		.events = (short)(POLLIN | (monitor->out_length > 0 ? POLLOUT : 0)),
	};
}

void monitor_move(struct monitor *monitor, const struct pollfd *fd)
{
	if (monitor->channel >= 0 && (fd->revents & POLLOUT))
		out_flush(monitor);
	if (monitor->channel >= 0 && (fd->revents & (POLLIN | POLLHUP | POLLERR)))
		in_read(monitor);
}
