// SPDX-License-Identifier: MIT
#include "tools/run/engine/docker_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/base/list.h"
#include "tools/common/log.h"
#include "tools/run/relay/stream.h"

#define EVENTS 64  // taken at once

enum side_name { CLIENT, OS, SIDES };

// One of the two sockets of a connection.
struct side {
	struct connection *connection;
	int fd;
	uint32_t watched;  // EPOLL events
	bool hung_up;      // nothing can be sent to it any more, and it is not watched
	bool told_end;     // that nothing more is sent to it
};

struct connection {
	struct list entry;
	struct list young;  // in no list when it is not
	uint64_t opened_at;
	struct side sides[SIDES];
	struct stream up;  // to the OS
	struct stream down;
};

struct docker_relay {
	int epoll;
	int listener;
	bool accepts;
	bool watches;  // the listener
	int spare;     // a descriptor to do without, when there are no more
	uint16_t port;
	unsigned count;
	unsigned num_young;
	struct list young;  // connections that are on their way, the oldest first
	struct list connections;
	struct list ended;  // but an event in hand may still name them
	uint8_t secret[ENGINE_SECRET_SIZE];
};

// --- The listener --------------------------------------------------------------------------------

static bool has_room(const struct docker_relay *relay)
{
	return relay->accepts && relay->count < DOCKER_RELAY_MAX &&
		relay->num_young < DOCKER_RELAY_YOUNG;
}

static void listener_watch(struct docker_relay *relay)
{
	bool wanted = has_room(relay);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	if (wanted == relay->watches)
		return;
	if (epoll_ctl(relay->epoll, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, relay->listener,
	              &event) == 0)
		relay->watches = wanted;
}

struct docker_relay *docker_relay_create(int listener, unsigned port,
                                         const uint8_t secret[ENGINE_SECRET_SIZE],
                                         struct error *err)
{
	struct docker_relay *relay = calloc(1, sizeof(*relay));

	if (!relay) {
		error_set(err, "out of memory");
		return NULL;
	}
	relay->listener = listener;
	relay->port = (uint16_t)port;
	memcpy(relay->secret, secret, sizeof(relay->secret));
	list_init(&relay->connections);
	list_init(&relay->ended);
	list_init(&relay->young);
	relay->epoll = epoll_create1(EPOLL_CLOEXEC);
	relay->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (relay->epoll < 0 || relay->spare < 0) {
		error_set_errno(err, errno, "cannot watch docker's socket");
		docker_relay_destroy(relay);
		return NULL;
	}
	return relay;
}

int docker_relay_fd(const struct docker_relay *relay)
{
	return relay->epoll;
}

unsigned docker_relay_count(const struct docker_relay *relay)
{
	return relay->count;
}

void docker_relay_accept(struct docker_relay *relay, bool accepts)
{
	relay->accepts = accepts;
	listener_watch(relay);
}

// --- A connection --------------------------------------------------------------------------------

static void grow_up(struct docker_relay *relay, struct connection *connection)
{
	if (list_is_empty(&connection->young))
		return;
	list_remove(&connection->young);
	relay->num_young--;
}

// The oldest that is on its way; NULL: none.
static struct connection *young_first(const struct docker_relay *relay)
{
	return list_is_empty(&relay->young)
		? NULL
		: container_of(relay->young.next, struct connection, young);
}

uint64_t docker_relay_due(const struct docker_relay *relay)
{
	const struct connection *first = young_first(relay);

	return first ? first->opened_at + DOCKER_RELAY_YOUNG_MS : UINT64_MAX;
}

static void young_expire(struct docker_relay *relay)
{
	uint64_t now = clock_ms();

	while (docker_relay_due(relay) <= now)
		grow_up(relay, young_first(relay));
}

static void connection_end(struct docker_relay *relay, struct connection *connection)
{
	grow_up(relay, connection);
	for (unsigned i = 0; i < SIDES; i++) {
		close(connection->sides[i].fd);
		connection->sides[i].fd = -1;
	}
	list_remove(&connection->entry);
	list_push_back(&relay->ended, &connection->entry);
	relay->count--;
}

static void ended_free(struct docker_relay *relay)
{
	struct list *entry;

	while ((entry = list_pop_front(&relay->ended)) != NULL)
		free(container_of(entry, struct connection, entry));
}

void docker_relay_drop(struct docker_relay *relay)
{
	list_for_each_safe(entry, &relay->connections)
		connection_end(relay, container_of(entry, struct connection, entry));
	ended_free(relay);
}

void docker_relay_destroy(struct docker_relay *relay)
{
	if (!relay)
		return;
	docker_relay_drop(relay);
	if (relay->epoll >= 0)
		close(relay->epoll);
	if (relay->spare >= 0)
		close(relay->spare);
	explicit_bzero(relay->secret, sizeof(relay->secret));
	free(relay);
}

// What `side` is watched for: what its two streams wait for. An end is told without being asked
// for.
static void side_watch(struct docker_relay *relay, struct side *side, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = side };

	if (side->hung_up || events == side->watched)
		return;
	if (epoll_ctl(relay->epoll, EPOLL_CTL_MOD, side->fd, &event) == 0)
		side->watched = events;
}

static void connection_watch(struct docker_relay *relay, struct connection *connection)
{
	struct pollfd up[STREAM_NUM_FDS];
	struct pollfd down[STREAM_NUM_FDS];

	stream_prepare(&connection->up, up);
	stream_prepare(&connection->down, down);
	side_watch(relay, &connection->sides[CLIENT],
	           (up[0].fd >= 0 ? EPOLLIN : 0u) | (down[1].fd >= 0 ? EPOLLOUT : 0u));
	side_watch(relay, &connection->sides[OS],
	           (down[0].fd >= 0 ? EPOLLIN : 0u) | (up[1].fd >= 0 ? EPOLLOUT : 0u));
}

// All of a direction has gone: its reader hears of the end.
static void end_pass(const struct stream *stream, struct side *to)
{
	if (to->told_end || !stream_is_done(stream))
		return;
	to->told_end = true;
	shutdown(to->fd, SHUT_WR);
}

// A side that has hung up takes nothing, and once what it had said has gone, there is nobody to
// relay for.
static bool is_over(const struct connection *connection)
{
	bool up_done = stream_is_done(&connection->up);
	bool down_done = stream_is_done(&connection->down);

	return (up_done && down_done) || (connection->sides[CLIENT].hung_up && up_done) ||
		(connection->sides[OS].hung_up && down_done) ||
		(connection->sides[CLIENT].hung_up && connection->sides[OS].hung_up);
}

// Moves what can be moved, as far as the events of one side allow.
static void connection_move(struct docker_relay *relay, struct connection *connection)
{
	struct pollfd up[STREAM_NUM_FDS];
	struct pollfd down[STREAM_NUM_FDS];
	bool moved = true;

	// A turn for what comes and one for sending it on: then others have theirs.
	for (unsigned i = 0; i < 2 && moved; i++) {
		stream_prepare(&connection->up, up);
		stream_prepare(&connection->down, down);
		up[0].revents = up[1].revents = down[0].revents = down[1].revents = POLLIN;
		moved = stream_move(&connection->up, up);
		moved |= stream_move(&connection->down, down);
	}
	if (connection->down.eof || connection->down.total > 0 || connection->down.end > 0)
		grow_up(relay, connection);
	end_pass(&connection->up, &connection->sides[OS]);
	end_pass(&connection->down, &connection->sides[CLIENT]);
	if (is_over(connection))
		connection_end(relay, connection);
	else
		connection_watch(relay, connection);
}

// Its other end is gone: that is told again and again, unless nobody asks. What it had sent can
// still be read, and is, as the other side takes it: reading does not run dry before the end.
static void side_hang_up(struct docker_relay *relay, struct side *side)
{
	struct connection *connection = side->connection;
	struct stream *to = side == &connection->sides[OS] ? &connection->up : &connection->down;

	side->hung_up = true;
	epoll_ctl(relay->epoll, EPOLL_CTL_DEL, side->fd, NULL);
	to->broken = true;
}

static void side_event(struct docker_relay *relay, struct side *side, uint32_t events)
{
	if (side->fd < 0)
		return;
	if ((events & (EPOLLHUP | EPOLLERR)) && !side->hung_up)
		side_hang_up(relay, side);
	connection_move(relay, side->connection);
}

// --- New connections -----------------------------------------------------------------------------

static int os_connect(const struct docker_relay *relay)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(relay->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool side_open(struct docker_relay *relay, struct side *side, struct connection *connection,
                      int fd)
{
	struct epoll_event event = { .events = 0, .data.ptr = side };

	*side = (struct side){ .connection = connection, .fd = fd };
	return epoll_ctl(relay->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// Takes over both sockets.
static void connection_open(struct docker_relay *relay, int client, int os)
{
	struct connection *connection = malloc(sizeof(*connection));

	if (!connection || os < 0 ||
	    !side_open(relay, &connection->sides[CLIENT], connection, client) ||
	    !side_open(relay, &connection->sides[OS], connection, os)) {
		close(client);
		if (os >= 0)
			close(os);
		free(connection);
		return;
	}
	stream_init(&connection->up, client, os);
	stream_init(&connection->down, os, client);
	memcpy(connection->up.buffer, relay->secret, sizeof(relay->secret));
	connection->up.end = sizeof(relay->secret);
	list_push_back(&relay->connections, &connection->entry);
	relay->count++;
	connection->opened_at = clock_ms();
	list_init(&connection->young);
	list_push_back(&relay->young, &connection->young);
	relay->num_young++;
	connection_watch(relay, connection);
}

// Out of descriptors: a client that nobody takes would be told of for ever, so it is sent away.
static void client_refuse(struct docker_relay *relay)
{
	int client;

	close(relay->spare);
	client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
	if (client >= 0)
		close(client);
	relay->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void clients_accept(struct docker_relay *relay)
{
	while (has_room(relay)) {
		int client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client < 0) {
			if (errno == EMFILE || errno == ENFILE)
				client_refuse(relay);
			break;
		}
		connection_open(relay, client, os_connect(relay));
	}
}

void docker_relay_move(struct docker_relay *relay)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(relay->epoll, events, EVENTS, 0);

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			side_event(relay, events[i].data.ptr, events[i].events);
		else
			clients_accept(relay);
	}
	ended_free(relay);
	young_expire(relay);
	listener_watch(relay);
}
