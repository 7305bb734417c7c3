// SPDX-License-Identifier: MIT
#include "tools/run/hostfs/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/abi/files_port.h"
#include "libs/abi/fuse.h"
#include "tools/run/hostfs/sandbox.h"
#include "tools/run/hostfs/sessions.h"
#include "tools/run/hostfs/window.h"

#define HOSTFS_MAX_REACHED 64u  // by the server, at its start
#define HEADER sizeof(struct files_port_header)
#define MAX_FRAME (HEADER + HOSTFS_MAX_MESSAGE)
// More than one frame, so that small ones come many at a time.
#define BUFFER_SIZE (2 * MAX_FRAME)

struct server {
	int socket;
	struct window window;
	struct sessions sessions;
	struct binds binds;
	int bind_socket;    // -1: nobody binds
	bool skips_pad;     // until the OS says hello
	size_t start, end;  // what was read and not served
	uint8_t buffer[BUFFER_SIZE];
	uint8_t reply[MAX_FRAME];
};

static bool write_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t length = write(fd, data, size);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return false;
		data += length;
		size -= (size_t)length;
	}
	return true;
}

#define SECTOR 512u
_Static_assert(FILES_WINDOW_SLOT_BYTES >= HOSTFS_MAX_MESSAGE + SECTOR, "a slot");

// Sends a frame, whose body lies in server->reply behind the room for a header.
static bool frame_send(struct server *server, uint32_t session, size_t length)
{
	struct files_port_header header = { .length = (uint32_t)(HEADER + length),
		                            .session = (uint16_t)session };

	memcpy(server->reply, &header, HEADER);
	return write_all(server->socket, server->reply, HEADER + length);
}

static bool control_serve(struct server *server, const uint8_t *body, size_t length)
{
	struct files_port_control control;

	if (length != sizeof(control))
		return false;
	memcpy(&control, body, sizeof(control));
	switch (control.kind) {
	case FILES_PORT_HELLO:
		sessions_part(&server->sessions);
		memcpy(server->reply + HEADER, &control, sizeof(control));
		return frame_send(server, 0, sizeof(control));
	case FILES_PORT_SESSION:
		sessions_name(&server->sessions, control.session, control.value[0]);
		return true;
	default: return false;
	}
}

static bool is_pad(const uint8_t *bytes, size_t length)
{
	size_t i = 0;

	while (i < length && bytes[i] == FILES_PORT_PAD)
		i++;
	return i == length;
}

// The reply of that length is in the request's slot: a long one stays there. The OS takes whole
// sectors: nothing of another's reply before is in the last one.
static bool placed_send(struct server *server, const struct files_port_header *request,
                        uint8_t *reply, size_t length)
{
	struct files_port_header header = { .length = (uint32_t)(HEADER + length),
		                            .session = request->session,
		                            .slot = request->slot,
		                            .flags = FILES_PORT_PLACED };

	memset(reply + length, 0, SECTOR - 1);
	if (length >= FILES_WINDOW_MIN_BYTES)
		return write_all(server->socket, (const uint8_t *)&header, HEADER);
	memcpy(server->reply + HEADER, reply, length);
	return frame_send(server, request->session, length);
}

static bool request_serve(struct server *server, const struct files_port_header *header,
                          const uint8_t *body, size_t length)
{
	bool placed = (header->flags & FILES_PORT_PLACED) != 0;
	uint8_t *slot = placed
		? NULL
		: window_slot(&server->window, header->slot, 0, FILES_WINDOW_SLOT_BYTES);
	uint8_t *out = slot ? slot : server->reply + HEADER;
	size_t reply = sessions_serve(&server->sessions, header->session, body, length, out);

	if (reply == SESSIONS_NO_SESSION)
		return frame_send(server, header->session, 0);
	if (reply == 0)
		return true;
	return slot ? placed_send(server, header, out, reply)
		    : frame_send(server, header->session, reply);
}

// A frame that was cut ends in what is there to end it, and is none.
static bool frame_serve(struct server *server, const struct files_port_header *header,
                        const uint8_t *body)
{
	bool placed = (header->flags & FILES_PORT_PLACED) != 0;
	size_t length = header->length - HEADER;
	const uint8_t *last = placed ? body - 1 : body + length - 1;

	if (placed)
		body = window_slot(&server->window, header->slot, header->offset, length);
	if (!body || header->check != files_port_check(body, length)) {
		server->skips_pad = true;
		return is_pad(last, 1);
	}
	if (header->session == 0)
		return control_serve(server, body, length);
	return request_serve(server, header, body, length);
}

static void pad_skip(struct server *server)
{
	while (server->start < server->end && server->buffer[server->start] == FILES_PORT_PAD)
		server->start++;
	server->skips_pad = server->start == server->end;
}

// Serves the frames that are there as a whole. Returns false when one is none, or nobody takes the
// reply.
static bool frames_serve(struct server *server)
{
	while (server->end - server->start >= HEADER) {
		const uint8_t *frame = server->buffer + server->start;
		struct files_port_header header;
		size_t length;

		if (server->skips_pad || is_pad(frame, HEADER)) {
			pad_skip(server);
			continue;
		}
		memcpy(&header, frame, HEADER);
		if (header.length < HEADER || header.length > MAX_FRAME)
			return false;
		length = (header.flags & FILES_PORT_PLACED) != 0 ? HEADER : header.length;
		if (length > server->end - server->start)
			break;
		server->start += length;
		if (!frame_serve(server, &header, frame + HEADER))
			return false;
	}
	return true;
}

static int earlier(int wait_ms, int other)
{
	return wait_ms < 0 || (other >= 0 && other < wait_ms) ? other : wait_ms;
}

// Tells the guests that ask for it what was changed on the host. Returns in how many milliseconds
// there is more to do (-1: when something comes), or -2 when nobody takes it.
static int changes_tell(struct server *server)
{
	int earliest = sessions_expire(&server->sessions);

	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		uint32_t session;
		int wait_ms;
		size_t length = sessions_changes(&server->sessions, i, &session,
		                                 server->reply + HEADER, &wait_ms);

		earliest = earlier(earliest, wait_ms);
		if (length > 0 && !frame_send(server, session, length))
			return -2;
	}
	return earliest;
}

// Waits until there are requests, and tells of changes meanwhile. Returns false at the end.
static bool requests_wait(struct server *server)
{
	enum { PORT, WINDOW, BINDS, WATCHES };
	struct pollfd entries[WATCHES + SESSIONS_MAX];

	for (;;) {
		int wait_ms = changes_tell(server);

		if (wait_ms < -1)
			return false;
		entries[PORT] = (struct pollfd){ .fd = server->socket, .events = POLLIN };
		entries[WINDOW] = (struct pollfd){ .fd = server->window.socket, .events = POLLIN };
		entries[BINDS] = (struct pollfd){ .fd = server->bind_socket, .events = POLLIN };
		for (unsigned i = 0; i < SESSIONS_MAX; i++)
			entries[WATCHES + i] =
				(struct pollfd){ .fd = sessions_watch_fd(&server->sessions, i),
				                 .events = POLLIN };
		if (poll(entries, WATCHES + SESSIONS_MAX, wait_ms) < 0) {
			if (errno != EINTR)
				return false;
			continue;
		}
		if (entries[WINDOW].revents != 0)
			window_serve(&server->window);
		if (entries[BINDS].revents != 0 &&
		    !binds_serve(&server->binds, server->bind_socket))
			server->bind_socket = -1;
		if (entries[PORT].revents != 0)
			return true;
	}
}

void hostfs_serve(int socket, int window, const struct hostfs_share *shares, unsigned count,
                  const struct hostfs_binding *binding)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return;
	server->socket = socket;
	window_init(&server->window, window);
	server->sessions = (struct sessions){ .shares = shares, .num_shares = count };
	server->bind_socket = -1;
	if (binding) {
		server->binds.root = binding->root;
		server->binds.path = binding->path;
		server->bind_socket = binding->socket;
		server->sessions.binds = &server->binds;
	}
	while (frames_serve(server)) {
		ssize_t length;

		memmove(server->buffer, server->buffer + server->start,
		        server->end - server->start);
		server->end -= server->start;
		server->start = 0;
		if (!requests_wait(server))
			break;
		length = read(socket, server->buffer + server->end, BUFFER_SIZE - server->end);
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			break;
		server->end += (size_t)length;
	}
	sessions_end(&server->sessions);
	binds_close(&server->binds);
	window_deinit(&server->window);
	free(server);
}

static bool is_kept(int fd, int socket, int window, const struct hostfs_share *shares,
                    unsigned count, const struct hostfs_binding *binding)
{
	bool kept = fd == socket || fd == window || (binding && fd == binding->socket);

	for (unsigned i = 0; i < count; i++)
		kept = kept || fd == shares[i].fd;
	return kept;
}

// Nothing of run.sh's stays open: who waits for the end of its streams must not wait for ours.
static void descriptors_close(int socket, int window, const struct hostfs_share *shares,
                              unsigned count, const struct hostfs_binding *binding)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	for (int fd = 0; null_fd >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null_fd, fd);
	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(dir) &&
		    !is_kept(fd, socket, window, shares, count, binding))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

pid_t hostfs_server_start(int socket, int window, const struct hostfs_share *shares, unsigned count,
                          const struct hostfs_binding *binding, struct error *err)
{
	struct hostfs_share reached[HOSTFS_MAX_REACHED];
	unsigned num_reached = count;
	pid_t parent = getpid();
	struct rlimit limit;
	pid_t pid = fork();

	if (pid < 0)
		return error_set_errno(err, errno, "cannot start the server of the host's folders");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	// What is shared, and what may be.
	memcpy(reached, shares, count * sizeof(*shares));
	if (binding)
		reached[num_reached++] = (struct hostfs_share){ .fd = binding->root };
	descriptors_close(socket, window, reached, num_reached, binding);
	fcntl(socket, F_SETFL, 0);
	if (window >= 0)
		fcntl(window, F_SETFL, 0);
	umask(0);
	// A file that may not become so large is an error of one request.
	signal(SIGXFSZ, SIG_IGN);
	// One descriptor a file that the guest knows.
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	(void)sandbox_enter(reached, num_reached, SANDBOX_LANDLOCK_MAX);
	hostfs_serve(socket, window, shares, count, binding);
	_exit(0);
}
