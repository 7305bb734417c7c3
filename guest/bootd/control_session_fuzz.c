// SPDX-License-Identifier: MIT
//
// A hostile VMM on the control port: any bytes, in any pieces. The requests' order is kept by the
// real session; what they would do to a guest is done by nobody, and checks that it may be done.
// Added processes are nobody's either: the input says what they write, read, report and when they
// end.
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

#include "guest/bootd/cgroup.h"
#include "guest/bootd/console_port.h"
#include "guest/bootd/container_stats.h"
#include "guest/bootd/control_frame.h"
#include "guest/bootd/control_session.h"
#include "guest/bootd/network.h"
#include "guest/bootd/prepare.h"
#include "guest/bootd/pty.h"
#include "guest/bootd/rootfs.h"
#include "guest/bootd/wall_clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct session session;
static int control_end;
static uint8_t failures;  // a bit for each thing that fails
static bool has_image;
static bool has_layers;

static void check(bool condition)
{
	if (!condition)
		abort();
}

static int outcome(int bit, struct failure *failure)
{
	return failures >> bit & 1 ? failure_set(failure, FAILURE_SETUP, -EIO, "it is to fail") : 0;
}

void clock_and_entropy_set(uint64_t wall_time_ns, const uint8_t *entropy, size_t size)
{
	(void)wall_time_ns;
	check(size == 0 || entropy != NULL);
}

int console_port_open(enum guest_port port, int flags)
{
	(void)flags;
	return port == GUEST_PORT_CONTROL ? control_end : -ENOENT;
}

void network_loopback_up(void)
{
}

int network_configure(const struct control_network *network, struct failure *failure)
{
	(void)network;
	return outcome(0, failure);
}

int network_join(struct control_networks *has, const struct control_networks *wanted,
                 const uint8_t gateway[4], struct failure *failure)
{
	(void)gateway;
	(void)failure;
	*has = *wanted;
	return 0;
}

int rootfs_mount_image(uint64_t sectors, struct failure *failure)
{
	(void)sectors;
	check(!has_layers);
	has_image = true;
	return outcome(1, failure);
}

int rootfs_mount_layers(enum layer layer, struct failure *failure)
{
	(void)layer;
	check(has_image && !has_layers);
	has_layers = (failures >> 2 & 1) == 0;
	return outcome(2, failure);
}

int rootfs_unmount(struct failure *failure)
{
	check(has_layers);
	has_image = has_layers = (failures >> 3 & 1) != 0;
	return outcome(3, failure);
}

void cgroup_allow_all(void)
{
}

int cgroup_limit(const struct config_resources *resources, struct failure *failure)
{
	check(resources->cpu_quota == 0 || resources->cpu_period >= 1000);
	return outcome(0, failure);
}

int cgroup_hold(struct failure *failure)
{
	return cgroup_freeze(true, failure);
}

void cgroup_release(void)
{
}

int cgroup_freeze(bool frozen, struct failure *failure)
{
	(void)frozen;
	return outcome(1, failure);
}

bool container_lacked_memory(void)
{
	return false;
}

void container_stats_read(struct control_stats *stats)
{
	check(session.process.state == PROCESS_RUNNING);
	memset(stats, 1, sizeof(*stats));
}

size_t container_top_read(uint32_t after, uint8_t *page, size_t capacity)
{
	check(session.process.state == PROCESS_RUNNING);
	memset(page, 1, capacity);
	return capacity - after % 100;
}

bool linger_goes_on(struct linger_wait *linger)
{
	(void)linger;
	return false;
}

int pty_resize(int master, uint16_t rows, uint16_t columns)
{
	(void)rows;
	(void)columns;
	check(master >= 0);
	return 0;
}

int prepare_container(struct process *process, uint64_t root_sectors,
                      const struct control_network *network, int control, struct failure *failure)
{
	(void)root_sectors;
	(void)network;
	(void)control;
	check(process->state == PROCESS_NONE && !has_layers);
	if (outcome(4, failure) != 0)
		return failure->error;
	has_image = has_layers = true;
	process->state = PROCESS_PREPARED;
	return 0;
}

int prepare_rehearsal(uint64_t root_sectors, const struct control_network *network, int control,
                      struct failure *failure)
{
	(void)root_sectors;
	(void)network;
	(void)control;
	check(!has_layers && !has_image);
	return outcome(4, failure) != 0 ? failure->error : 0;
}

void container_process_set_order_text(struct process *process, const uint8_t *text, size_t size)
{
	static uint8_t order[CONTROL_MAX_BODY];

	check(process->state == PROCESS_PREPARED && size <= sizeof(order));
	memcpy(order, text, size);
}

static int create(struct process *process, const struct config *config, struct failure *failure)
{
	check(has_layers && config->process.args.count > 0 &&
	      config->process.args.items[0] != NULL);
	if (outcome(5, failure) != 0)
		return failure->error;
	process->state = PROCESS_CREATED;
	process->master = config->process.terminal ? 0 : -1;
	return 0;
}

int container_process_create(struct process *process, struct config *config, bool readonly_root,
                             int control, struct failure *failure)
{
	(void)readonly_root;
	(void)control;
	check(process->state == PROCESS_NONE);
	return create(process, config, failure);
}

int container_process_create_prepared(struct process *process, const struct config *config,
                                      bool readonly_root, struct failure *failure)
{
	(void)readonly_root;
	check(process->state == PROCESS_PREPARED);
	return create(process, config, failure);
}

void container_process_discard(struct process *process)
{
	check(process->state == PROCESS_PREPARED);
	process->state = PROCESS_NONE;
}

int container_process_go(struct process *process, const uint8_t *frames, size_t size)
{
	(void)frames;
	(void)size;
	check(process->state == PROCESS_CREATED);
	if (failures >> 6 & 1)
		return -E2BIG;
	process->state = failures >> 7 & 1 ? PROCESS_FAILED : PROCESS_RUNNING;
	process->failure.error = -ENOENT;
	process->pidfd = 0;
	return 0;
}

void container_process_poll(const struct process *process, struct pollfd *entries)
{
	(void)process;
	for (size_t i = 0; i < PROCESS_NUM_POLLS; i++)
		entries[i] = (struct pollfd){ .fd = -1 };
}

void container_process_run(struct process *process, const struct pollfd *entries)
{
	(void)process;
	(void)entries;
}

int container_process_signal(const struct process *process, int signal)
{
	check(process->state >= PROCESS_CREATED && signal >= 1 && signal <= 64);
	return 0;
}

bool container_process_finished(const struct process *process)
{
	return process->state == PROCESS_EXITED;
}

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
	static uint8_t bytes[40000];
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
	control_end = control;
	memset(children, -1, sizeof(children));
	num_children = 0;
	has_image = has_layers = false;
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
	failures = data[0];
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
