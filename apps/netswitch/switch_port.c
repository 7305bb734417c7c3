// SPDX-License-Identifier: MIT
//
// A port: the queue toward its peer, and when its peer has to stop sending.
#include "apps/netswitch/switch.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

struct queued_frame {
	struct list entry;
	struct message message;
};

void port_init(struct port *port, struct netswitch *sw, enum port_kind kind)
{
	*port = (struct port){ .sw = sw,
		               .kind = kind,
		               .is_plain = true,
		               .reach = NETDEV_REACH_UPLINK | NETDEV_REACH_BRIDGE };
	list_init(&port->queue);
	list_init(&port->entry);
}

error_t port_open(struct port *port, handle_t channel, const struct source_ops *ops)
{
	error_t err = loop_add(&port->sw->loop, &port->channel, channel, ops, port);

	port->waits = false;
	if (err == 0)
		return 0;
	log_error("cannot watch a port: %s", error_text(err));
	handle_close(channel);
	port->channel.handle = HANDLE_NONE;
	return err;
}

static void update_wants(struct port *port)
{
	if (port->channel.handle != HANDLE_NONE)
		source_want_messages(&port->channel, !port->waits && !port->throttled);
}

// --- Toward the peer ---

static void stop_waiting(struct port *port)
{
	if (!port->waits)
		return;
	port->waits = false;
	update_wants(port);
}

// A port does not know for whom it waits: if it was another, it waits there again at its next
// frame.
static void wake_others(struct port *port)
{
	struct netswitch *sw = port->sw;

	if (!port->others_wait)
		return;
	port->others_wait = false;
	stop_waiting(&sw->uplink);
	stop_waiting(&sw->own);
	list_for_each(entry, &sw->vm_ports)
		stop_waiting(container_of(entry, struct port, entry));
}

void port_close(struct port *port)
{
	struct list *entry;

	loop_close(&port->sw->loop, &port->channel);
	port->up = false;
	while ((entry = list_pop_front(&port->queue)) != NULL) {
		struct queued_frame *queued = container_of(entry, struct queued_frame, entry);

		message_discard(&queued->message);
		heap_free(queued);
	}
	port->num_queued = 0;
	wake_others(port);
}

static void drop(struct port *port, struct message *m)
{
	port->overflows++;
	message_discard(m);
}

static void enqueue(struct port *port, struct message *m, struct port *from)
{
	struct queued_frame *queued = NULL;

	if (port->kind != PORT_VM || port->num_queued < QUEUE_MAX)
		queued = heap_alloc(sizeof(*queued));
	if (queued == NULL) {
		drop(port, m);
		return;
	}
	queued->message = *m;
	list_push_back(&port->queue, &queued->entry);
	if (port->num_queued++ == 0)
		source_want_writable(&port->channel, true);
	if (port->kind != PORT_VM && port->num_queued >= QUEUE_MAX && from != NULL) {
		port->others_wait = true;
		from->waits = true;
		update_wants(from);
	}
}

void port_send(struct port *port, struct message *m, struct port *from)
{
	error_t err = ERR_FULL;

	if (port->channel.handle == HANDLE_NONE) {
		message_discard(m);
		return;
	}
	if (m->type == MSG_NETDEV_FRAME)
		traffic_add(&port->to, m);
	if (port->num_queued == 0)
		err = channel_send(port->channel.handle, m);
	if (err == ERR_FULL)
		enqueue(port, m, from);
	else if (err != 0)
		drop(port, m);  // when the peer is gone, its end is seen soon
}

void port_writable(struct loop *loop, struct source *source)
{
	struct port *port = source->context;

	(void)loop;
	while (port->num_queued > 0) {
		struct queued_frame *queued =
			container_of(port->queue.next, struct queued_frame, entry);
		error_t err = channel_send(source->handle, &queued->message);

		if (err == ERR_FULL)
			break;
		if (err != 0)
			drop(port, &queued->message);
		list_remove(&queued->entry);
		heap_free(queued);
		port->num_queued--;
	}
	if (port->num_queued == 0)
		source_want_writable(source, false);
	if (port->num_queued <= QUEUE_WAKE)
		wake_others(port);
}

// --- The rate of virtual machines ---
//
// Each frame costs its sender a share of a second. Costs add up in `paid_until`, and while that
// lies more than `burst` in the future the port is not served: its channel fills, its VMM stops
// taking frames off the guest's queue, the guest waits.

void port_charge(struct port *port, unsigned n)
{
	port->batch_cost += n;
}

void port_account(struct port *port)
{
	const struct netswitch *sw = port->sw;
	nsec_t now;

	if (port->kind != PORT_VM || port->batch_cost == 0 || clock_get(CLOCK_MONOTONIC, &now) != 0)
		return;
	if (port->paid_until < now)
		port->paid_until = now;
	port->paid_until += port->batch_cost * sw->frame_cost;
	port->batch_cost = 0;
	if (port->paid_until > now + sw->burst) {
		port->throttled = true;
		update_wants(port);
	}
}

nsec_t ports_unthrottle(struct netswitch *sw, nsec_t now)
{
	nsec_t next = NSEC_NEVER;

	list_for_each(entry, &sw->vm_ports) {
		struct port *port = container_of(entry, struct port, entry);
		// Half of the burst is to be had again, so that it does not wake for each frame.
		nsec_t at = port->paid_until - sw->burst / 2;

		if (!port->throttled)
			continue;
		if (at <= now) {
			port->throttled = false;
			update_wants(port);
		} else if (at < next) {
			next = at;
		}
	}
	return next;
}
