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

#define HEADER sizeof(struct files_port_header)
#define MAX_FRAME (HEADER + HOSTFS_MAX_MESSAGE)
// More than one frame, so that small ones come many at a time.
#define BUFFER_SIZE (2 * MAX_FRAME)

_Static_assert(FILES_PORT_NAME_MAX == HOSTFS_NAME_MAX &&
                       FILES_PORT_NAME_MAX < sizeof(struct fuse_in_header),
               "names of shares");

struct session {
	uint32_t id;
	struct hostfs *fs;  // NULL: not in use
	bool is_absent;     // of a share that there is not
};

struct server {
	int socket;
	const struct hostfs_share *shares;
	unsigned num_shares;
	struct session sessions[FILES_PORT_MAX_SESSIONS];
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

static struct session *session_find(struct server *server, uint32_t id)
{
	for (unsigned i = 0; i < FILES_PORT_MAX_SESSIONS; i++) {
		if (server->sessions[i].fs && server->sessions[i].id == id)
			return &server->sessions[i];
	}
	return NULL;
}

static void session_end(struct session *session)
{
	hostfs_destroy(session->fs);
	*session = (struct session){ 0 };
}

static const struct hostfs_share *share_find(const struct server *server, const char *name,
                                             size_t length)
{
	for (unsigned i = 0; i < server->num_shares; i++) {
		const struct hostfs_share *share = &server->shares[i];

		if (share->name && strlen(share->name) == length &&
		    memcmp(share->name, name, length) == 0)
			return share;
	}
	return NULL;
}

// The shares with numbers come before those with names.
static unsigned num_numbered(const struct server *server)
{
	unsigned count = 0;

	while (count < server->num_shares && !server->shares[count].name)
		count++;
	return count;
}

// Begins a session of all shares with numbers, or of the one with that name.
static struct session *session_begin(struct server *server, uint32_t id, const char *name,
                                     size_t length)
{
	const struct hostfs_share *share = name ? share_find(server, name, length) : NULL;

	for (unsigned i = 0; i < FILES_PORT_MAX_SESSIONS; i++) {
		struct session *session = &server->sessions[i];

		if (session->fs)
			continue;
		session->fs = share
			? hostfs_create_rooted(share)
			: hostfs_create(server->shares, name ? 0 : num_numbered(server));
		session->is_absent = name && !share;
		session->id = id;
		return session->fs ? session : NULL;
	}
	return NULL;
}

// Serves one request of a session. Returns the length of the reply behind the header; 0: none.
static size_t request_serve(struct server *server, uint32_t id, const uint8_t *request,
                            size_t length, uint8_t *reply)
{
	struct session *session = session_find(server, id);
	struct fuse_in_header in;
	struct fuse_out_header out = { .len = sizeof(out), .error = -ENOTCONN };

	if (length < sizeof(in)) {
		if (session)
			session_end(session);
		else if (length > 0)
			session_begin(server, id, (const char *)request, length);
		return 0;
	}
	memcpy(&in, request, sizeof(in));
	if (!session && in.opcode == FUSE_INIT) {
		session = session_begin(server, id, NULL, 0);
		out.error = -ENOMEM;
	}
	if (session && session->is_absent)
		out.error = -ENOENT;
	else if (session)
		return hostfs_request(session->fs, request, length, reply);
	out.unique = in.unique;
	memcpy(reply, &out, sizeof(out));
	return sizeof(out);
}

// Serves the frames that are there as a whole. Returns false when one is none, or nobody takes the
// reply.
static bool frames_serve(struct server *server)
{
	while (server->end - server->start >= HEADER) {
		struct files_port_header header;
		size_t reply;

		memcpy(&header, server->buffer + server->start, HEADER);
		if (header.length < HEADER || header.length > MAX_FRAME)
			return false;
		if (header.length > server->end - server->start)
			break;
		reply = request_serve(server, header.session,
		                      server->buffer + server->start + HEADER,
		                      header.length - HEADER, server->reply + HEADER);
		server->start += header.length;
		if (reply == 0)
			continue;
		header.length = (uint32_t)(HEADER + reply);
		memcpy(server->reply, &header, HEADER);
		if (!write_all(server->socket, server->reply, header.length))
			return false;
	}
	return true;
}

// Tells the guests that ask for it what was changed on the host. Returns in how many milliseconds
// there is more (-1: when the host changes something), or -2 when nobody takes it.
static int changes_tell(struct server *server)
{
	int earliest = -1;

	for (unsigned i = 0; i < FILES_PORT_MAX_SESSIONS; i++) {
		struct files_port_header header = { .session = server->sessions[i].id };
		size_t reply;
		int wait;

		if (!server->sessions[i].fs)
			continue;
		reply = hostfs_changes(server->sessions[i].fs, server->reply + HEADER, &wait);
		if (wait >= 0 && (earliest < 0 || wait < earliest))
			earliest = wait;
		if (reply == 0)
			continue;
		header.length = (uint32_t)(HEADER + reply);
		memcpy(server->reply, &header, HEADER);
		if (!write_all(server->socket, server->reply, header.length))
			return -2;
	}
	return earliest;
}

// Waits until there are requests, and tells of changes meanwhile. Returns false at the end.
static bool requests_wait(struct server *server)
{
	struct pollfd entries[1 + FILES_PORT_MAX_SESSIONS];

	for (;;) {
		int wait_ms = changes_tell(server);

		if (wait_ms < -1)
			return false;
		entries[0] = (struct pollfd){ .fd = server->socket, .events = POLLIN };
		for (unsigned i = 0; i < FILES_PORT_MAX_SESSIONS; i++) {
			const struct hostfs *fs = server->sessions[i].fs;

			entries[1 + i] = (struct pollfd){ .fd = fs ? hostfs_watch_fd(fs) : -1,
				                          .events = POLLIN };
		}
		if (poll(entries, 1 + FILES_PORT_MAX_SESSIONS, wait_ms) < 0 && errno != EINTR)
			return false;
		if (entries[0].revents != 0)
			return true;
	}
}

void hostfs_serve(int socket, const struct hostfs_share *shares, unsigned count)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return;
	server->socket = socket;
	server->shares = shares;
	server->num_shares = count;
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
	for (unsigned i = 0; i < FILES_PORT_MAX_SESSIONS; i++)
		session_end(&server->sessions[i]);
	free(server);
}

static bool is_kept(int fd, int socket, const struct hostfs_share *shares, unsigned count)
{
	bool kept = fd == socket;

	for (unsigned i = 0; i < count; i++)
		kept = kept || fd == shares[i].fd;
	return kept;
}

// Nothing of run.sh's stays open: who waits for the end of its streams must not wait for ours.
static void descriptors_close(int socket, const struct hostfs_share *shares, unsigned count)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	for (int fd = 0; null_fd >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null_fd, fd);
	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(dir) && !is_kept(fd, socket, shares, count))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

pid_t hostfs_server_start(int socket, const struct hostfs_share *shares, unsigned count,
                          struct error *err)
{
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
	descriptors_close(socket, shares, count);
	fcntl(socket, F_SETFL, 0);
	umask(0);
	// One descriptor a file that the guest knows.
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	(void)sandbox_enter(shares, count, SANDBOX_LANDLOCK_MAX);
	hostfs_serve(socket, shares, count);
	_exit(0);
}
