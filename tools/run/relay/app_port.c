// SPDX-License-Identifier: MIT
#include "tools/run/relay/app_port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libs/loader/loader.h"
#include "tools/common/error.h"
#include "tools/common/log.h"

#define CLIENT_MS 5000  // a client has said what it wants by then
#define READY_MS 20000  // and the OS is up
#define HEAD_MAX 64
#define REQUEST_MAX (HEAD_MAX + APP_FILE_MAX)
#define NEVER UINT64_MAX

enum { FD_OS, FD_CLIENTS };

void app_port_init(struct app_port *port, int channel, int listener)
{
	*port = (struct app_port){
		.channel = channel,
		.listener = listener,
		.client = -1,
		.due_at = NEVER,
	};
	line_reader_init(&port->lines, port->line, sizeof(port->line));
}

int app_socket_open(int directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask = umask(0177);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	// By the folder's descriptor: a path of any length is short then.
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/apps.sock",
	         directory);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0)
		error = errno;
	umask(mask);
	if (error != 0 && fd >= 0)
		close(fd);
	errno = error;
	return error != 0 ? -1 : fd;
}

// --- The end of a request -----------------------------------------------------------------------

static void client_tell(int client, const char *word, const char *text)
{
	char line[APP_PORT_LINE_MAX + 16];
	int length = snprintf(line, sizeof(line), "%s %s\n", word, text);

	// The buffer of a fresh socket has room for a line; a client that is gone does not matter.
	(void)!send(client, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void boot_app_tell(struct app_port *port)
{
	if (!port->told)
		return;
	if (port->told_well)
		log_info("%s: %s", port->told->path, port->told_text);
	else
		log_error("%s: %s", port->told->path, port->told_text);
	port->told = NULL;
}

static void finish(struct app_port *port, bool well, const char *text)
{
	if (port->client >= 0) {
		client_tell(port->client, well ? "ok" : "error", text);
		close(port->client);
	} else {
		port->told = &port->apps[port->next_app - 1];
		port->told_well = well;
		error_printable(port->told_text, sizeof(port->told_text), text);
	}
	free(port->request);
	port->request = NULL;
	port->request_length = 0;
	port->client = -1;
	port->due_at = NEVER;
	port->state = APP_PORT_IDLE;
}

void app_port_deinit(struct app_port *port)
{
	if (port->client >= 0)
		finish(port, false, "the system ended before it had taken the app");
	boot_app_tell(port);
	free(port->out);
	port->out = NULL;
}

// --- To the OS ----------------------------------------------------------------------------------

static void out_drop(struct app_port *port)
{
	free(port->out);
	port->out = NULL;
	port->out_length = port->out_done = 0;
}

// In place of what is on its way.
static bool out_set(struct app_port *port, const char *head, const char *bytes, size_t size)
{
	size_t length = strlen(head);

	out_drop(port);
	port->out = malloc(length + size);
	if (!port->out)
		return false;
	memcpy(port->out, head, length);
	if (size > 0)
		memcpy(port->out + length, bytes, size);
	port->out_length = length + size;
	return true;
}

static void ask(struct app_port *port, const char *word, const char *bytes, size_t size)
{
	char head[HEAD_MAX];

	port->state = APP_PORT_ASKS;
	port->due_at = NEVER;
	snprintf(head, sizeof(head), "%s %u %zu\n", word, ++port->id, size);
	if (!out_set(port, head, bytes, size))
		finish(port, false, "the host is out of memory");
}

static void out_flush(struct app_port *port)
{
	ssize_t written = port->out_length > port->out_done
		? send(port->channel, port->out + port->out_done, port->out_length - port->out_done,
	               MSG_DONTWAIT | MSG_NOSIGNAL)
		: 0;

	if (written > 0)
		port->out_done += (size_t)written;
	else if (written < 0 && errno != EAGAIN && errno != EINTR)
		out_drop(port);  // the end of QEMU will be seen
	if (port->out && port->out_done == port->out_length)
		out_drop(port);
}

// --- From the OS --------------------------------------------------------------------------------

static void answer_take(struct app_port *port, bool well, const char *text)
{
	char *rest;
	unsigned long id = strtoul(text, &rest, 10);

	if (port->state == APP_PORT_ASKS && rest != text && *rest == ' ' && id == port->id)
		finish(port, well, rest + 1);
}

static void hello_take(struct app_port *port, const char *nonce)
{
	char head[HEAD_MAX];

	if (strlen(nonce) != 16)
		return;
	if (port->state == APP_PORT_ASKS)
		finish(port, false, "the app push of the OS began anew meanwhile; try it again");
	// What it got of an older request does not end in a newline.
	snprintf(head, sizeof(head), "\nsync %s\n", nonce);
	port->ready = out_set(port, head, NULL, 0);
}

static void line_take(struct app_port *port, const char *line)
{
	if (strncmp(line, "ok ", 3) == 0)
		answer_take(port, true, line + 3);
	else if (strncmp(line, "error ", 6) == 0)
		answer_take(port, false, line + 6);
	else if (strncmp(line, "starina-apps 1 ", 15) == 0)
		hello_take(port, line + 15);
}

static void os_read(struct app_port *port)
{
	char bytes[1024];
	ssize_t length = recv(port->channel, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (length == 0)
		port->channel = -1;  // QEMU has ended
	for (ssize_t i = 0; i < length; i++) {
		if (line_reader_push(&port->lines, bytes[i]))
			line_take(port, port->line);
	}
}

// --- Clients ------------------------------------------------------------------------------------

static void client_accept(struct app_port *port)
{
	int client = accept4(port->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client < 0)
		return;
	port->client = client;
	port->state = APP_PORT_READS;
	port->due_at = clock_ms() + CLIENT_MS;
	port->request = malloc(REQUEST_MAX);
	if (!port->request)
		finish(port, false, "the host is out of memory");
	else if (port->absent)
		finish(port, false,
		       "the image that runs takes no apps from the host; add app_manager and push to APPS");
}

// The file of the request, once all of it is there. Returns -1 for what is no request.
static int request_parse(const struct app_port *port, const char **bytes, size_t *size)
{
	const char *end = memchr(port->request, '\n', port->request_length);
	unsigned long value;
	char rest;

	if (!end)
		return port->request_length > HEAD_MAX ? -1 : 0;
	if (end - port->request > HEAD_MAX ||
	    sscanf(port->request, "replace %lu%c", &value, &rest) != 2 || rest != '\n' ||
	    value == 0 || value > APP_FILE_MAX)
		return -1;
	*bytes = end + 1;
	*size = value;
	return (size_t)(port->request + port->request_length - *bytes) >= value;
}

static void request_send(struct app_port *port)
{
	const char *bytes;
	size_t size;

	if (request_parse(port, &bytes, &size) == 1)
		ask(port, "replace", bytes, size);
}

static void client_read(struct app_port *port)
{
	ssize_t length = recv(port->client, port->request + port->request_length,
	                      REQUEST_MAX - 1 - port->request_length, MSG_DONTWAIT);
	const char *bytes;
	size_t size;
	int complete;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length > 0)
		port->request_length += (size_t)length;
	port->request[port->request_length] = '\0';
	complete = length > 0 ? request_parse(port, &bytes, &size) : -1;
	if (complete < 0) {
		finish(port, false, "the request is \"replace SIZE\" and so many bytes");
	} else if (complete > 0) {
		port->state = APP_PORT_WAITS;
		port->due_at = clock_ms() + READY_MS;
	}
}

// --- The loop -----------------------------------------------------------------------------------

void app_port_prepare(const struct app_port *port, struct pollfd fds[APP_PORT_NUM_FDS])
{
	bool boot_apps = port->ready && port->next_app < port->num_apps;

	fds[FD_OS] = (struct pollfd){ .fd = port->channel, .events = POLLIN };
	if (port->out)
		fds[FD_OS].events |= POLLOUT;
	fds[FD_CLIENTS] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (port->state == APP_PORT_READS)
		fds[FD_CLIENTS].fd = port->client;
	else if (port->state == APP_PORT_IDLE && !boot_apps)
		fds[FD_CLIENTS].fd = port->listener;
}

uint64_t app_port_due(const struct app_port *port)
{
	return port->due_at;
}

void app_port_move(struct app_port *port, const struct pollfd fds[APP_PORT_NUM_FDS], bool may_log)
{
	if (fds[FD_OS].revents & (POLLIN | POLLHUP))
		os_read(port);
	if (fds[FD_CLIENTS].revents && fds[FD_CLIENTS].fd == port->listener)
		client_accept(port);
	else if (fds[FD_CLIENTS].revents && port->state == APP_PORT_READS)
		client_read(port);
	out_flush(port);
	if (port->state == APP_PORT_WAITS && port->ready && !port->out)
		request_send(port);
	if (may_log)
		boot_app_tell(port);
	if (port->state == APP_PORT_IDLE && port->ready && !port->out && !port->told &&
	    port->next_app < port->num_apps) {
		const struct boot_app *app = &port->apps[port->next_app++];

		ask(port, "start", app->bytes, app->size);
	}
	if (port->due_at <= clock_ms())
		finish(port, false,
		       port->state == APP_PORT_READS
		               ? "the request did not come within 5 s"
		               : "the system has not come up within 20 s; its log says more");
	out_flush(port);
}
