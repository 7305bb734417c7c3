// SPDX-License-Identifier: MIT
#include "guest/bootd/control_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest/bootd/console_port.h"
#include "guest/bootd/container_stats.h"
#include "guest/bootd/control_frame.h"
#include "guest/bootd/control_requests.h"

void session_flush(struct session *session)
{
	// The container's process says itself that it starts, with the replies before that: what
	// is gathered meanwhile comes behind it.
	if (session->process.state == PROCESS_STARTING)
		return;
	control_out_flush(&session->out);
	session->shut_down |= session->out.broken;
}

// Handles the first frame of the buffer. Returns how many bytes it took, 0 when it is not complete.
static size_t take_frame(struct session *session, const uint8_t *data, size_t size)
{
	struct control_header header;
	int error = frame_parse(data, size, &header);

	switch (error) {
	case 0:
		control_request(session, &header, data + sizeof(header));
		return sizeof(header) + header.length;
	case -EAGAIN: return 0;
	case -EMSGSIZE:
		control_out_reply(&session->out, &header, error, "the frame is too long");
		session->skip = header.length;
		return sizeof(header);
	case -EPROTONOSUPPORT:
		control_out_reply(&session->out, &header, error,
		                  "another version of the control protocol");
		session->skip = header.length;
		return sizeof(header);
	default:
		// Where the next frame starts is anybody's guess.
		header = (struct control_header){ 0 };
		control_out_reply(&session->out, &header, error,
		                  "not a frame of the control protocol: giving up");
		session->shut_down = true;
		return size;
	}
}

static size_t skip_some(struct session *session, size_t size)
{
	size_t skipped = size < session->skip ? size : session->skip;

	session->skip -= skipped;
	return skipped;
}

void session_read(struct session *session)
{
	size_t at = 0;
	ssize_t got = read(session->out.fd, session->in + session->in_used,
	                   sizeof(session->in) - session->in_used);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		session->shut_down = true;
		return;
	}
	session->in_used += (size_t)got;
	while (at < session->in_used && !session->shut_down) {
		size_t left = session->in_used - at;
		size_t taken = session->skip > 0 ? skip_some(session, left)
						 : take_frame(session, session->in + at, left);

		if (taken == 0)
			break;
		at += taken;
	}
	session->in_used -= at;
	if (at > 0 && session->in_used > 0)
		memmove(session->in, session->in + at, session->in_used);
}

void session_report(struct session *session)
{
	struct process *process = &session->process;

	if (process->state == PROCESS_FAILED && process->failure.error != 0) {
		control_out_event(&session->out, CONTROL_EVENT_FAILED, process->number,
		                  (uint32_t)process->failure.status, process->failure.message);
		process->failure.error = 0;
	} else if (container_process_finished(process)) {
		session->lingers = session->has_network && linger_goes_on(&session->linger);
		if (session->lingers)
			return;
		// The VM ends with this event; what the container wrote is to be on its disk, if it
		// is kept, and with the host, by then.
		if (session->layer == LAYER_DISK || session->config.num_added > 0) {
			if (session->layer == LAYER_SCRATCH)
				rootfs_give_up_disk();
			sync();
		}
		process_table_finish(&session->added, &session->out);
		control_out_event(
			&session->out, CONTROL_EVENT_EXITED, process->number,
			process->status | (container_lacked_memory() ? CONTROL_EXITED_OOM : 0), "");
		process->state = PROCESS_FAILED;
	}
}

size_t session_poll(const struct session *session, struct pollfd *entries)
{
	entries[0] = (struct pollfd){ .fd = session->out.fd, .events = POLLIN };
	container_process_poll(&session->process, entries + 1);
	return 1 + PROCESS_NUM_POLLS +
		process_table_poll(&session->added, entries + 1 + PROCESS_NUM_POLLS);
}

void session_run(struct session *session, const struct pollfd *entries)
{
	process_table_run(&session->added, entries + 1 + PROCESS_NUM_POLLS, &session->out);
	container_process_run(&session->process, entries + 1);
	session_report(session);
	if (entries[0].revents != 0)
		session_read(session);
}

int session_pause(const struct session *session)
{
	return session->lingers ? session->linger.pause_ms : -1;
}

int session_init(struct session *session)
{
	struct timespec now;
	struct control_header header = { .type = CONTROL_EVENT_READY };
	struct control_ready ready = { .version = CONTROL_VERSION };

	session->process.pidfd = session->process.socket = session->process.master =
		session->process.shares = -1;
	for (int i = 0; i < PROCESS_NUM_RELAYS; i++) {
		session->process.pipes[i] = -1;
		relay_init(&session->process.relays[i], NULL, -1, -1, -1);
	}
	session->out.fd = console_port_open(GUEST_PORT_CONTROL, 0);
	if (session->out.fd < 0)
		return session->out.fd;
	clock_gettime(CLOCK_BOOTTIME, &now);
	ready.boot_time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	control_out_frame(&session->out, &header, &ready, sizeof(ready), NULL, 0);
	session_flush(session);
	return 0;
}
