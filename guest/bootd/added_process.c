// SPDX-License-Identifier: MIT
#include "guest/bootd/added_process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest/bootd/cgroup.h"
#include "guest/bootd/pty.h"

// Of each stream of a process that has ended: more than a pipe or a terminal holds. Others that it
// has left behind might write without end.
#define LAST_BYTES (1024u * 1024)

// The VMM is told of input that was used up when it is so much, so that few frames do.
#define TELL_BYTES (CONTROL_WINDOW / 2)

enum added_poll {
	POLL_INPUT = 0,
	POLL_OUTPUTS = 1,  // two
	POLL_SOCKET = 3,
	POLL_PIDFD = 4,
};

int added_process_start(struct added_process *process, uint32_t number,
                        struct config_process *config, int init, struct failure *failure)
{
	struct added_child child;
	bool holds = config->builtin == BUILTIN_FROZEN;
	int error = holds ? cgroup_hold(failure) : 0;

	if (error == 0) {
		error = added_child_start(config, init, &child, failure);
		if (error != 0 && holds)
			cgroup_release();
	}
	if (error != 0)
		return error;
	process->holds = holds;
	process->number = number;
	process->state = ADDED_STARTING;
	process->pidfd = child.pidfd;
	process->socket = child.socket;
	process->terminal = config->terminal;
	process->master = -1;
	for (uint32_t i = 0; i < 2; i++)
		process->outputs[i] = (struct added_output){ .fd = child.pipes[CONTROL_STDOUT + i],
			                                     .window = CONTROL_WINDOW,
			                                     .last = LAST_BYTES };
	process->input.fd = child.pipes[CONTROL_STDIN];
	return 0;
}

// --- Input ---------------------------------------------------------------------------------------

static void tell_consumed(struct added_process *process, struct control_out *out)
{
	struct control_header header = { .type = CONTROL_STREAM_WINDOW,
		                         .process = process->number };
	struct control_window body = { CONTROL_STDIN, (uint32_t)process->input.consumed };

	// Nobody hears more of a process whose failure was told.
	if (process->input.consumed < TELL_BYTES || process->state == ADDED_FAILED)
		return;
	process->input.consumed = 0;
	control_out_frame(out, &header, &body, sizeof(body), NULL, 0);
}

static void take_input(struct added_input *input, size_t size)
{
	input->start = (input->start + size) % sizeof(input->bytes);
	input->used -= size;
	input->consumed += size;
}

static void close_input(struct added_process *process)
{
	// A terminal's end is its master, which is the output's, too.
	if (!process->terminal)
		fds_close(&process->input.fd, 1);
	process->input.fd = -1;
	take_input(&process->input, process->input.used);
}

static void write_input(struct added_process *process)
{
	struct added_input *input = &process->input;

	while (input->fd >= 0 && input->used > 0) {
		size_t size = sizeof(input->bytes) - input->start;
		ssize_t written;

		if (size > input->used)
			size = input->used;
		written = write(input->fd, input->bytes + input->start, size);
		if (written > 0)
			take_input(input, (size_t)written);
		else if (written < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		else
			close_input(process);
	}
	// Nothing says "end of file" to a terminal; its user does, by a key.
	if (input->ended && !process->terminal)
		close_input(process);
}

bool added_process_input(struct added_process *process, const uint8_t *bytes, size_t size,
                         struct control_out *out)
{
	struct added_input *input = &process->input;
	size_t at = (input->start + input->used) % sizeof(input->bytes);
	size_t first = sizeof(input->bytes) - at < size ? sizeof(input->bytes) - at : size;

	if (input->ended || size > sizeof(input->bytes) - input->used - input->consumed)
		return false;
	memcpy(input->bytes + at, bytes, first);
	memcpy(input->bytes, bytes + first, size - first);
	input->used += size;
	// Of a terminal that is not there yet it waits.
	if (input->fd >= 0)
		write_input(process);
	else if (process->state != ADDED_STARTING || !process->terminal)
		take_input(input, input->used);
	tell_consumed(process, out);
	return true;
}

// --- Output --------------------------------------------------------------------------------------

static void close_output(struct added_process *process, uint32_t i)
{
	struct added_output *output = &process->outputs[i];

	if (output->fd >= 0 && output->fd == process->master) {
		process->input.fd = -1;
		process->master = -1;
	}
	fds_close(&output->fd, 1);
}

// Reads once. Returns whether there may be more that the window has room for.
static bool read_output(struct added_process *process, uint32_t i, struct control_out *out)
{
	struct added_output *output = &process->outputs[i];
	size_t max = output->window < output->last ? output->window : output->last;
	ssize_t got;

	if (output->fd < 0 || output->window == 0)
		return false;
	got = max == 0
		? 0
		: control_out_stream(out, process->number, CONTROL_STDOUT + i, output->fd, max);
	if (got > 0) {
		output->window -= (size_t)got;
		output->last -= process->state == ADDED_EXITED ? (size_t)got : 0;
		return true;
	}
	// All that the process has written is there when it ends. A terminal's master says EIO when
	// its last user is gone.
	if (got == 0 || (errno != EAGAIN && errno != EINTR) || process->state == ADDED_EXITED)
		close_output(process, i);
	return false;
}

void added_process_end_stream(struct added_process *process, uint32_t stream)
{
	if (stream != CONTROL_STDIN) {
		close_output(process, stream - CONTROL_STDOUT);
		return;
	}
	process->input.ended = true;
	if (process->input.used == 0)
		write_input(process);
}

bool added_process_widen(struct added_process *process, uint32_t stream, uint32_t bytes)
{
	struct added_output *output = &process->outputs[stream - CONTROL_STDOUT];

	if (bytes > CONTROL_WINDOW - output->window)
		return false;
	output->window += bytes;
	return true;
}

int added_process_resize(struct added_process *process, uint16_t rows, uint16_t columns)
{
	if (process->master >= 0)
		return pty_resize(process->master, rows, columns);
	if (process->state != ADDED_STARTING || !process->terminal)
		return -ENOTTY;
	process->resized = true;
	process->rows = rows;
	process->columns = columns;
	return 0;
}

// --- Its life ------------------------------------------------------------------------------------

void added_process_poll(const struct added_process *process, struct pollfd *entries)
{
	const struct added_input *input = &process->input;

	entries[POLL_INPUT] =
		(struct pollfd){ .fd = input->used > 0 ? input->fd : -1, .events = POLLOUT };
	for (uint32_t i = 0; i < 2; i++) {
		const struct added_output *output = &process->outputs[i];
		// A terminal echoes what comes before the program, which has to be told of first.
		bool wanted = output->window > 0 && process->state != ADDED_STARTING;

		entries[POLL_OUTPUTS + i] =
			(struct pollfd){ .fd = wanted ? output->fd : -1, .events = POLLIN };
	}
	entries[POLL_SOCKET] = (struct pollfd){ .fd = process->socket, .events = POLLIN };
	entries[POLL_PIDFD] = (struct pollfd){ .fd = process->pidfd, .events = POLLIN };
}

static void begin(struct added_process *process, struct control_out *out)
{
	struct control_header started = { .type = CONTROL_EVENT_STARTED,
		                          .process = process->number };

	process->state = ADDED_RUNNING;
	fds_close(&process->socket, 1);
	control_out_frame(out, &started, NULL, 0, NULL, 0);
}

static void fail(struct added_process *process, const struct failure *failure,
                 struct control_out *out)
{
	// What docker says of an exec that could not be set up.
	int status = failure->status == FAILURE_SETUP ? FAILURE_NOT_EXECUTABLE : failure->status;

	process->state = ADDED_FAILED;
	fds_close(&process->socket, 1);
	control_out_event(out, CONTROL_EVENT_FAILED, process->number, (uint32_t)status,
	                  failure->message);
}

// execve closed the socket, or the terminal or a failure was reported on it. Returns whether there
// may be more to hear.
static bool handle_socket(struct added_process *process, struct control_out *out)
{
	struct report report = { 0 };
	int shares = -1;
	ssize_t got =
		report_receive(process->socket, MSG_DONTWAIT, &report, &process->master, &shares);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got != (ssize_t)sizeof(report)) {
		begin(process, out);
	} else if (report.kind == REPORT_FAILED) {
		fail(process, &report.failure, out);
	} else if (process->terminal && process->outputs[0].fd < 0) {
		process->outputs[0].fd = process->input.fd = process->master;
		if (process->resized)
			(void)pty_resize(process->master, process->rows, process->columns);
		write_input(process);
		tell_consumed(process, out);
	}
	return process->socket >= 0;
}

// What it has written is told before its end.
static bool report_end(struct added_process *process, struct control_out *out)
{
	for (uint32_t i = 0; i < 2; i++) {
		while (read_output(process, i, out))
			;
		if (process->outputs[i].fd >= 0)
			return false;
	}
	control_out_event(out, CONTROL_EVENT_EXITED, process->number, process->status, "");
	return true;
}

static void reap(struct added_process *process, struct control_out *out)
{
	// Its last words are read first; else its end would be taken for its start.
	while (process->socket >= 0 && handle_socket(process, out))
		;
	fds_close(&process->socket, 1);
	process->status = pidfd_reap(&process->pidfd);
	if (process->holds)
		cgroup_release();
	process->holds = false;
	if (process->state != ADDED_FAILED)
		process->state = ADDED_EXITED;
	if (!process->terminal)
		close_input(process);
}

bool added_process_settle(struct added_process *process, struct control_out *out)
{
	if (process->pidfd >= 0)
		return true;
	if (process->state == ADDED_EXITED)
		return !report_end(process, out);
	for (uint32_t i = 0; i < 2; i++)
		close_output(process, i);
	return false;
}

bool added_process_run(struct added_process *process, const struct pollfd *entries,
                       struct control_out *out)
{
	if (process->socket >= 0 && entries[POLL_SOCKET].revents != 0)
		(void)handle_socket(process, out);
	if (entries[POLL_INPUT].fd >= 0 && entries[POLL_INPUT].revents != 0) {
		write_input(process);
		tell_consumed(process, out);
	}
	for (uint32_t i = 0; i < 2; i++) {
		if (entries[POLL_OUTPUTS + i].fd >= 0 && entries[POLL_OUTPUTS + i].revents != 0)
			(void)read_output(process, i, out);
	}
	if (process->pidfd >= 0 && entries[POLL_PIDFD].revents != 0)
		reap(process, out);
	return added_process_settle(process, out);
}

void added_process_finish(struct added_process *process, struct control_out *out)
{
	if (process->pidfd >= 0)
		reap(process, out);
	if (!added_process_settle(process, out))
		return;
	for (uint32_t i = 0; i < 2; i++)
		close_output(process, i);
	(void)added_process_settle(process, out);
}
