// SPDX-License-Identifier: MIT
//
// Published ports: who connects to a port of our own address is connected to the container's.

#include "libs/base/fmt.h"
#include "libs/linux/api/container_internal.h"
#include "libs/linux/api/socket_relay.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// A client that waits for its connection to the container.
struct visitor {
	struct published_port *published;  // NULL: not any more
	handle_t channel;
};

static void relay_ended(struct socket_relay *relay)
{
	list_remove(&relay->entry);
	heap_free(relay);
}

static void visitor_connected(void *context, handle_t channel, error_t error, const char *text)
{
	struct visitor *visitor = context;
	struct published_port *published = visitor->published;
	struct socket_relay *relay =
		channel != HANDLE_NONE && published->listening ? heap_alloc(sizeof(*relay)) : NULL;

	if (channel == HANDLE_NONE)
		log_debug("port %u: %s (%s)", published->port, text, error_text(error));
	if (relay != NULL &&
	    socket_relay_start(relay, published->container->task.runtime->supply.loop,
	                       visitor->channel, channel, relay_ended, NULL) == 0) {
		list_push_back(&published->relays, &relay->entry);
	} else {
		heap_free(relay);
		handle_close(visitor->channel);
		if (channel != HANDLE_NONE)
			handle_close(channel);
	}
	heap_free(visitor);
}

static void listener_message(struct loop *loop, struct source *source, struct message *m)
{
	struct published_port *published = source->context;
	struct visitor *visitor;
	struct msg_connect connect;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (message_decode_connect(m, &connect, &tail, &tail_len) < 0 || m->num_handles != 1) {
		message_discard(m);
		return;
	}
	visitor = heap_alloc(sizeof(*visitor));
	if (visitor == NULL) {
		message_discard(m);
		return;
	}
	*visitor = (struct visitor){ .published = published, .channel = m->handles[0] };
	if (container_connect(published->container, published->container_port, visitor_connected,
	                      visitor) < 0) {
		handle_close(visitor->channel);
		heap_free(visitor);
	}
}

static void open_listener(struct published_port *published);

// tcpip restarts: once more.
static void listener_closed(struct loop *loop, struct source *source)
{
	struct published_port *published = source->context;

	loop_close(loop, source);
	published->listening = false;
	open_listener(published);
}

static const struct source_ops listener_ops = { .message = listener_message,
	                                        .closed = listener_closed };

static void listener_opened(struct opener *opener, handle_t channel, error_t error,
                            const char *text)
{
	struct published_port *published = opener->context;
	struct task *task = &published->container->task;

	published->opening = false;
	if (channel == HANDLE_NONE) {
		task_fail(task, COMMAND_STATUS_FAILED, "port %u cannot be published: %s (%s)",
		          published->port, text, error_text(error));
	} else if (task->end_known ||
	           loop_add(task->runtime->supply.loop, &published->listener, channel,
	                    &listener_ops, published) < 0) {
		handle_close(channel);
	} else {
		published->listening = true;
	}
	task_opened(task);
}

static void open_listener(struct published_port *published)
{
	struct task *task = &published->container->task;
	char uri[OPENER_URI_MAX];

	fmt_write(uri, sizeof(uri), "tcp-listen:0.0.0.0:%u", published->port);
	published->opening = true;
	task_opening(task);
	opener_start(&published->opener, task->runtime->supply.loop, task->runtime->tcpip, uri,
	             listener_opened, published);
}

void container_publish_start(struct container *container)
{
	for (uint32_t i = 0; i < container->num_published; i++)
		open_listener(&container->published[i]);
}

void container_publish_stop(struct container *container)
{
	for (uint32_t i = 0; i < container->num_published; i++) {
		struct published_port *published = &container->published[i];
		struct list *entry;

		if (published->listening)
			loop_close(container->task.runtime->supply.loop, &published->listener);
		published->listening = false;
		while ((entry = list_pop_front(&published->relays)) != NULL) {
			struct socket_relay *relay =
				container_of(entry, struct socket_relay, entry);

			socket_relay_stop(relay);
			heap_free(relay);
		}
	}
}
