// SPDX-License-Identifier: MIT
//
// A hostile VMM on the control port: any bytes, in any pieces, to the real session. Below it a fake
// guest checks that what is asked of it may be done then. Added processes are fakes, too: the input
// says what they write, read and report, and when they end.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/bootd/console_port.h"
#include "guest/bootd/control_frame.h"
#include "guest/bootd/control_session_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct session session;

// --- Added processes -----------------------------------------------------------------------------

// The ends that the process would have; -1: it has closed them. `pidfd` becomes readable when it is
// closed.
static struct child {
	int pidfd, socket, stdio[3];
	uint32_t number;
} children[256];
static size_t num_children;

int added_child_start(struct config_process *process, int init, struct added_child *child,
                      struct failure *failure)
{
	struct child *c = &children[num_children];
	int ends[2];

	check(init >= 0 && process->args.count > 0);
	if (num_children == sizeof(children) / sizeof(children[0]))
		return failure_set(failure, FAILURE_SETUP, -EAGAIN, "enough");
	num_children++;
	check(pipe2(ends, O_NONBLOCK) == 0);
	child->pidfd = ends[0];
	c->pidfd = ends[1];
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) == 0);
	child->socket = ends[0];
	c->socket = ends[1];
	check(pipes_make(child->pipes, c->stdio, process->terminal) == 0);
	for (size_t i = 0; i < 3 && !process->terminal; i++) {
		fcntl(child->pipes[i], F_SETFL, O_NONBLOCK);
		fcntl(c->stdio[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static void child_ends(struct child *c)
{
	fds_close(&c->socket, 1);
	fds_close(c->stdio, 3);
	fds_close(&c->pidfd, 1);
}

static void report_terminal(int socket, int master)
{
	struct report report = { .kind = REPORT_CREATED, .has_master = true };
	struct iovec vector = { &report, sizeof(report) };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr message = { .msg_iov = &vector,
		                  .msg_iovlen = 1,
		                  .msg_control = control.space,
		                  .msg_controllen = sizeof(control.space) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &master, sizeof(int));
	(void)!sendmsg(socket, &message, MSG_NOSIGNAL);
}

// The container's own process ends, and all others before it.
static void container_ends(void)
{
	for (size_t i = 0; i < num_children; i++)
		child_ends(&children[i]);
	if (session.process.state == PROCESS_RUNNING)
		session.process.state = PROCESS_EXITED;
}

// What one of them does; a terminal is a socket pair here.
static void child_acts(uint8_t which, uint8_t what)
{
	struct child *c = &children[num_children > 0 ? which % num_children : 0];
	static uint8_t bytes[UINT8_MAX * 157];
	struct failure failure = { .status = FAILURE_NOT_FOUND, .error = -ENOENT };
	int ends[2];

	switch (what % 8) {
	case 0:
		if (what == 0xf8)
			container_ends();
		else
			child_ends(c);
		break;
	case 1: fds_close(&c->socket, 1); break;
	case 2:
		if (c->socket >= 0) {
			struct report report = { .kind = REPORT_FAILED, .failure = failure };

			(void)!send(c->socket, &report, sizeof(report), MSG_NOSIGNAL);
			child_ends(c);
		}
		break;
	case 3:
		if (c->socket >= 0 && c->stdio[0] < 0 &&
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0) {
			report_terminal(c->socket, ends[0]);
			close(ends[0]);
			c->stdio[0] = ends[1];
			c->stdio[1] = dup(ends[1]);
		}
		break;
	case 4:
	case 5: (void)!write(c->stdio[1 + what % 2], bytes, (size_t)which * 157); break;
	case 6: (void)!read(c->stdio[0], bytes, (size_t)what * 157); break;
	default: fds_close(&c->stdio[what / 8 % 3], 1); break;
	}
}

// --- The session ---------------------------------------------------------------------------------

// A process's output comes between its start and its end.
static void check_order(const struct control_header *header)
{
	static bool started[128];
	uint32_t number = header->process;

	if (header->type == CONTROL_EVENT_READY)
		memset(started, 0, sizeof(started));
	// The only requests that name higher numbers are those of bytes that are anything.
	if (number < 2 || number >= sizeof(started))
		return;
	if (header->type == CONTROL_EVENT_STARTED)
		check(!started[number]);
	else if (header->type == CONTROL_EVENT_EXITED || header->type == CONTROL_STREAM_DATA)
		check(started[number]);
	if (header->type == CONTROL_EVENT_STARTED || header->type == CONTROL_EVENT_EXITED)
		started[number] = header->type == CONTROL_EVENT_STARTED;
}

// All that bootd says is whole frames.
static void read_frames(int peer)
{
	static uint8_t buffer[1 << 20];
	struct control_header header;
	ssize_t got;
	size_t used = 0;

	while ((got = read(peer, buffer + used, sizeof(buffer) - used)) > 0)
		used += (size_t)got;
	for (size_t at = 0; at < used; at += sizeof(header) + header.length) {
		check(frame_parse(buffer + at, used - at, &header) == 0);
		check_order(&header);
		check(header.type >= CONTROL_REPLY && header.length <= CONTROL_MAX_EVENT_BODY);
	}
}

static void begin(int control)
{
	// Without its buffers, which are a megabyte.
	memset(&session, 0, offsetof(struct session, out));
	session.out.used = session.in_used = session.skip = 0;
	session.out.broken = false;
	fake_guest.process = &session.process;
	fake_guest.control_end = control;
	memset(children, -1, sizeof(children));
	num_children = 0;
	fake_guest.has_image = fake_guest.has_layers = false;
	check(session_init(&session) == 0);
}

// One turn of bootd's main loop.
static void turn(int peer)
{
	static struct pollfd entries[SESSION_MAX_POLLS];
	size_t count = session_poll(&session, entries);

	check(count <= SESSION_MAX_POLLS && session.added.count <= CONTROL_MAX_ADDED);
	check(poll(entries, count, 0) >= 0);
	entries[0].revents = 0;
	session_run(&session, entries);
	session_flush(&session);
	read_frames(peer);
}

static void send_piece(int peer, const uint8_t *data, size_t size)
{
	if (session.shut_down)
		return;
	check(write(peer, data, size) == (ssize_t)size);
	session_read(&session);
	session_report(&session);
	turn(peer);
}

// Pieces of uneven sizes, so that frames are cut anywhere.
static void send_bytes(int peer, const uint8_t *data, size_t size)
{
	while (size > 0) {
		size_t piece = 1 + (size_t)data[0] * 16;

		if (piece > size)
			piece = size;
		send_piece(peer, data, piece);
		data += piece;
		size -= piece;
	}
}

#define PROCESS(more) "{\"args\":[\"x\"]" more "}"
// Of a process with the number that the next byte gives.
#define ADDED 0x4000
// No request: an added process acts.
#define CHILD 0x2000
#define TEN(text) text text text text text text text text text text
#define LONG_INPUT TEN(TEN(TEN("0123456789")))
#define CONFIG(more) "{\"process\":{\"args\":[\"x\"]" more "}}"

static const struct {
	uint16_t type;
	uint16_t fixed;  // bytes of body that the input gives
	const char *text;
} kinds[] = {
	{ CONTROL_CONFIGURE, sizeof(struct control_configure), CONFIG("") },
	{ CONTROL_CONFIGURE, sizeof(struct control_configure), CONFIG(",\"terminal\":true") },
	{ CONTROL_CONFIGURE, sizeof(struct control_configure), "{}" },
	{ CONTROL_MOUNT, sizeof(struct control_mount), "" },
	{ CONTROL_CREATE, 0, "" },
	{ CONTROL_START, 0, "" },
	{ CONTROL_SIGNAL, sizeof(struct control_signal), "" },
	{ CONTROL_RESIZE, sizeof(struct control_resize), "" },
	{ CONTROL_SHUTDOWN, 0, "" },
	{ CONTROL_NETWORK, sizeof(struct control_network), "" },
	{ CONTROL_PREPARE, sizeof(struct control_prepare), "" },
	{ CONTROL_RELEASE, 0, "" },
	{ ADDED | CONTROL_START, 0, PROCESS("") },
	{ ADDED | CONTROL_START, 0, PROCESS(",\"terminal\":true") },
	{ ADDED | CONTROL_START, 0, "{}" },
	{ ADDED | CONTROL_SIGNAL, sizeof(struct control_signal), "" },
	{ ADDED | CONTROL_RESIZE, sizeof(struct control_resize), "" },
	{ ADDED | CONTROL_STREAM_DATA, sizeof(struct control_stream), "some input" },
	{ ADDED | CONTROL_STREAM_DATA, sizeof(struct control_stream), LONG_INPUT },
	{ ADDED | CONTROL_STREAM_END, sizeof(struct control_stream), "" },
	{ ADDED | CONTROL_STREAM_WINDOW, sizeof(struct control_window), "" },
	{ CHILD, 2, "" },
	{ CONTROL_STATS, 0, "" },
	{ CONTROL_FREEZE, sizeof(struct control_freeze), "" },
	{ CONTROL_KEEP, 0, "" },
	{ CONTROL_TOP, sizeof(struct control_top), "" },
	{ CONTROL_LIMIT, sizeof(struct control_limits), "" },
	{ CONTROL_NETWORKS, sizeof(struct control_networks), "" },
};

static void send_request(int peer, size_t kind, uint32_t process, const uint8_t *body)
{
	struct control_header header = { .type = kinds[kind].type & 0xfff,
		                         .process = process,
		                         .request = 1 };
	static uint8_t frame[16384];
	size_t used = 0;

	check(frame_append(frame, sizeof(frame), &used, &header, body, kinds[kind].fixed,
	                   kinds[kind].text, strlen(kinds[kind].text)) == 0);
	send_piece(peer, frame, used);
}

// Requests in a right form: a byte says which, and whether zeros or the next bytes are its body.
static void send_requests(int peer, const uint8_t *data, size_t size)
{
	while (size > 0) {
		const size_t kind = (data[0] & 0x7f) % (sizeof(kinds) / sizeof(kinds[0]));
		const size_t numbers = kinds[kind].type & ADDED && size > 1 ? 1 : 0;
		const uint32_t process = numbers > 0 ? data[1] % 100 : 0;
		// Of the longest of them.
		uint8_t body[sizeof(struct control_networks)] = { 0 };
		size_t length = data[0] >> 7 != 0 ? kinds[kind].fixed : 0;

		if (length > size - 1 - numbers)
			length = size - 1 - numbers;
		memcpy(body, data + 1 + numbers, length);
		if (kinds[kind].type == CHILD) {
			child_acts(body[0], body[1]);
			turn(peer);
		} else {
			send_request(peer, kind, process, body);
		}
		data += 1 + numbers + length;
		size -= 1 + numbers + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 0;
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	fake_guest.failures = data[0];
	begin(ends[0]);
	if (data[1] & 1)
		send_requests(ends[1], data + 2, size - 2);
	else
		send_bytes(ends[1], data + 2, size - 2);
	for (size_t i = 0; i < num_children; i++)
		child_ends(&children[i]);
	if (!session.shut_down)
		turn(ends[1]);
	process_table_finish(&session.added, &session.out);
	check(session.added.count == 0);
	close(ends[0]);
	close(ends[1]);
	if (session.configured)
		config_deinit(&session.config);
	return 0;
}
