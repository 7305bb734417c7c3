// SPDX-License-Identifier: MIT
//
// Connections to a container: through tcpip, to its address in the switch's network.

#include "libs/base/fmt.h"
#include "libs/linux/api/container_internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define RETRY_DELAY (50 * NSEC_PER_MSEC)

struct connect {
	struct container *container;  // NULL: it has ended, and the caller was told
	struct loop *loop;
	uint16_t port;
	container_connect_fn done;
	void *context;
	struct list entry;
	struct opener opener;
	bool opening;
	struct source turn;  // a timer: the next try
	handle_t timer;
};

static void turn_at(struct connect *connect, nsec_t when)
{
	error_t err = timer_set(connect->timer, when);

	assert(err == 0);
}

static void destroy(struct connect *connect)
{
	loop_close(connect->loop, &connect->turn);
	heap_free(connect);
}

static void answer(struct connect *connect, handle_t channel, error_t error, const char *text)
{
	if (connect->container != NULL)
		list_remove(&connect->entry);
	connect->container = NULL;
	connect->done(connect->context, channel, error, text);
}

static bool is_young(const struct container *container, nsec_t *now)
{
	return clock_get(CLOCK_MONOTONIC, now) == 0 &&
		*now - container->task.start_time < CONTAINER_CONNECT_PATIENCE;
}

static void opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct connect *connect = opener->context;
	nsec_t now;

	connect->opening = false;
	if (connect->container == NULL) {
		if (channel != HANDLE_NONE)
			handle_close(channel);
		destroy(connect);
		return;
	}
	if (channel == HANDLE_NONE && (error == ERR_REFUSED || error == ERR_TIMED_OUT) &&
	    is_young(connect->container, &now)) {
		turn_at(connect, now + RETRY_DELAY);
		return;
	}
	answer(connect, channel, error, text);
	destroy(connect);
}

static void try(struct connect *connect)
{
	struct container *container = connect->container;
	struct guest_address address;
	const uint8_t *a = address.network.address;
	char uri[OPENER_URI_MAX];

	if (container->task.container == NULL ||
	    !guest_container_address(container->task.container, &address)) {
		answer(connect, HANDLE_NONE, ERR_NOT_FOUND, "the container has no network");
		destroy(connect);
		return;
	}
	fmt_write(uri, sizeof(uri), "tcp:%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3], connect->port);
	connect->opening = true;
	opener_start(&connect->opener, connect->loop, container->task.runtime->tcpip, uri, opened,
	             connect);
}

static void turn(struct loop *loop, struct source *source)
{
	struct connect *connect = source->context;

	(void)loop;
	turn_at(connect, NSEC_NEVER);
	if (connect->container != NULL && connect->container->task.started && !connect->opening)
		try(connect);
}

static const struct source_ops turn_ops = { .signalled = turn };

error_t container_connect(struct container *container, uint16_t port, container_connect_fn done,
                          void *context)
{
	struct connect *connect;
	error_t err;

	if (container == NULL)
		return ERR_NO_MEMORY;
	if (container->task.state == TASK_NEW || container->task.state == TASK_ENDED)
		return ERR_BAD_STATE;
	connect = heap_alloc(sizeof(*connect));
	if (connect == NULL)
		return ERR_NO_MEMORY;
	*connect = (struct connect){ .container = container,
		                     .loop = container->task.runtime->supply.loop,
		                     .port = port,
		                     .done = done,
		                     .context = context };
	err = timer_create(&connect->timer);
	if (err < 0)
		goto out_free;
	err = loop_add(connect->loop, &connect->turn, connect->timer, &turn_ops, connect);
	if (err < 0)
		goto out_timer;
	list_push_back(&container->connects, &connect->entry);
	turn_at(connect, 0);
	return 0;

out_timer:
	handle_close(connect->timer);
out_free:
	heap_free(connect);
	return err;
}

void container_connects_started(struct container *container)
{
	list_for_each(entry, &container->connects)
		turn_at(container_of(entry, struct connect, entry), 0);
}

void container_connects_ended(struct container *container)
{
	while (!list_is_empty(&container->connects)) {
		struct connect *connect =
			container_of(container->connects.next, struct connect, entry);

		answer(connect, HANDLE_NONE, ERR_PEER_CLOSED, "the container has ended");
		if (!connect->opening)
			destroy(connect);
	}
}
