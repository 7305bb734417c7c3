// SPDX-License-Identifier: MIT
#include "tools/run/engine/engine.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/run/qemu/qemu.h"
#include "tools/run/relay/backlog.h"

enum { FD_DOCKER, FD_MONITOR, FD_BINDER, FD_HOST };

static int port_reserve(struct engine *engine, struct error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	engine->reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (engine->reserved < 0 ||
	    bind(engine->reserved, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(engine->reserved, (struct sockaddr *)&address, &length) < 0)
		return error_set_errno(err, errno, "cannot get a port of 127.0.0.1");
	engine->port = ntohs(address.sin_port);
	return 0;
}

// Two descriptors a connection, of ours and of QEMU's.
static void descriptors_raise(void)
{
	const rlim_t wanted = 4ul * DOCKER_RELAY_MAX + 1024;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int engine_open(struct engine *engine, const char *folder, struct error *err)
{
	*engine = ENGINE_NONE;
	if (getrandom(engine->secret, sizeof(engine->secret), 0) != (ssize_t)sizeof(engine->secret))
		return error_set_errno(err, errno, "cannot make a secret for the engine");
	if (docker_socket_open(&engine->socket, folder, err) < 0)
		return -1;
	descriptors_raise();
	return port_reserve(engine, err);
}

void engine_close(struct engine *engine)
{
	engine_end(engine);
	engine_release_port(engine);
	docker_socket_close(&engine->socket);
	explicit_bzero(engine->secret, sizeof(engine->secret));
}

void engine_release_port(struct engine *engine)
{
	if (engine->reserved >= 0)
		close(engine->reserved);
	engine->reserved = -1;
}

int engine_begin(struct engine *engine, const struct qemu *machine, struct error *err)
{
	monitor_init(&engine->monitor, machine->channels[QEMU_MONITOR]);
	publisher_init(&engine->publisher, &engine->monitor, machine->pid);
	binder_init(&engine->binder, machine->binds);
	host_port_init(&engine->host, machine->channels[QEMU_HOST], &engine->publisher,
	               &engine->binder);
	engine->docker = docker_relay_create(engine->socket.fd, engine->port, engine->secret, err);
	return engine->docker ? 0 : -1;
}

void engine_end(struct engine *engine)
{
	docker_relay_destroy(engine->docker);
	engine->docker = NULL;
}

void engine_prepare(const struct engine *engine, struct pollfd fds[ENGINE_NUM_FDS])
{
	fds[FD_DOCKER] = (struct pollfd){ .fd = docker_relay_fd(engine->docker), .events = POLLIN };
	fds[FD_MONITOR] = monitor_prepare(&engine->monitor);
	fds[FD_BINDER] = binder_prepare(&engine->binder);
	fds[FD_HOST] = host_port_prepare(&engine->host);
}

void engine_move(struct engine *engine, const struct pollfd fds[ENGINE_NUM_FDS])
{
	monitor_move(&engine->monitor, &fds[FD_MONITOR]);
	binder_move(&engine->binder, &fds[FD_BINDER]);
	host_port_move(&engine->host, &fds[FD_HOST]);
	if (engine->host.engine_ready && !engine->announced) {
		engine->announced = true;
		docker_socket_announce(&engine->socket);
	}
	if (engine->host.num_lost != engine->num_dropped) {
		engine->num_dropped = engine->host.num_lost;
		docker_relay_drop(engine->docker);
	}
	docker_relay_accept(engine->docker, engine->host.engine_ready);
	docker_relay_move(engine->docker);
}

uint64_t engine_due(const struct engine *engine)
{
	return docker_relay_due(engine->docker);
}

void engine_stop(struct engine *engine)
{
	host_port_stop(&engine->host);
}

unsigned engine_stop_seconds(const struct engine *engine)
{
	return engine->host.stop_seconds;
}
