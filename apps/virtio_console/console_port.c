// SPDX-License-Identifier: MIT
//
// A port's byte streams. Received pages go to the client as they are, small pieces inline; the
// folios that the client sends go to the device as they are.
#include "apps/virtio_console/console.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// --- Received ---

// Posts all buffers that are not with the device, with fresh pages where theirs went to the client.
// Without memory for those the device waits; the next poll tries again.
static void rx_fill(struct port *port)
{
	for (size_t i = 0; i < RX_BUFFERS; i++) {
		struct rx_buffer *buffer = &port->rx_buffers[i];
		struct virtqueue_buffer chain = { .len = PAGE_SIZE, .device_writes = true };

		if (buffer->posted)
			continue;
		if (buffer->page.folio == HANDLE_NONE && dma_alloc(PAGE_SIZE, &buffer->page) != 0)
			break;
		chain.paddr = buffer->page.paddr;
		if (virtqueue_push(&port->rx, &chain, 1, buffer) != 0)
			break;
		buffer->posted = true;
	}
	virtio_queue_kick(&port->console->device, VIRTIO_CONSOLE_QUEUE_RX(port->id), &port->rx);
}

// The next buffer that the device has filled. Errors: ERR_EMPTY.
static error_t rx_pop(struct port *port, struct rx_buffer **buffer, uint32_t *len)
{
	void *token;
	error_t err = virtqueue_pop(&port->rx, &token, len);

	if (err == ERR_EMPTY)
		return err;
	if (err != 0)
		console_fail(port->console, "it broke a receive queue");
	*buffer = token;
	(*buffer)->posted = false;
	return 0;
}

// Sends to the client, or keeps the message until there is room. Consumes it.
static void client_send(struct port *port, struct message *m)
{
	error_t err = channel_send(port->client.handle, m);

	if (err == ERR_FULL) {
		port->held = *m;
		port->holds = true;
		source_want_writable(&port->client, true);
	} else if (err != 0) {
		// The client is gone; its end will be seen soon.
		message_discard(m);
	}
}

static void rx_deliver(struct port *port, struct rx_buffer *buffer, uint32_t len)
{
	struct msg_data data = { .length = len };
	struct message m;
	error_t err;

	if (len == 0)
		return;
	if (len <= MSG_DATA_INLINE_MAX) {
		err = message_encode_data(&m, &data, buffer->page.bytes, len);
	} else {
		err = message_encode_data(&m, &data, NULL, 0);
		m.handles[0] = buffer->page.folio;
		m.num_handles = 1;
		buffer->page = (struct dma_buffer){ 0 };
	}
	assert(err == 0);
	client_send(port, &m);
}

// Sends what was gathered: one message where each page would be one.
static void rx_deliver_gathered(struct port *port, uint32_t len)
{
	struct msg_data data = { .length = len };
	struct message m;
	error_t err = message_encode_data(&m, &data, NULL, 0);

	assert(err == 0);
	m.handles[0] = port->gather.folio;
	m.num_handles = 1;
	port->gather = (struct dma_buffer){ 0 };
	client_send(port, &m);
}

// Takes all that has come, of a port where several pages come at a time: mapping each of them would
// cost its client more than a copy costs here. Returns false when nothing has come, or there is no
// memory for it.
static bool rx_gather(struct port *port)
{
	struct rx_buffer *first = NULL, *buffer;
	uint32_t total = 0, first_len = 0, len;

	if (!port->gathers)
		return false;
	if (port->gather.folio == HANDLE_NONE &&
	    dma_alloc(RX_BUFFERS * PAGE_SIZE, &port->gather) != 0)
		return false;
	for (uint32_t i = 0; i < RX_BUFFERS && rx_pop(port, &buffer, &len) == 0; i++) {
		if (first == NULL) {
			first = buffer;
			first_len = len;
			continue;
		}
		if (total == 0) {
			memcpy(port->gather.bytes, first->page.bytes, first_len);
			total = first_len;
		}
		memcpy(port->gather.bytes + total, buffer->page.bytes, len);
		total += len;
	}
	if (first == NULL)
		return false;
	if (total > 0)
		rx_deliver_gathered(port, total);
	else
		rx_deliver(port, first, first_len);
	return true;
}

// Takes a page. Returns false when none has come.
static bool rx_single(struct port *port)
{
	struct rx_buffer *buffer;
	uint32_t len;

	if (rx_pop(port, &buffer, &len) != 0)
		return false;
	rx_deliver(port, buffer, len);
	return true;
}

static void rx_end(struct port *port)
{
	struct msg_end end = { 0 };
	struct message m;
	error_t err = message_encode_end(&m, &end, NULL, 0);

	assert(err == 0);
	port->end_due = false;
	client_send(port, &m);
}

static void rx_poll(struct port *port)
{
	uint32_t singles = 0;

	if (!port->open)
		return;
	do {
		while (!port->holds && (rx_gather(port) || rx_single(port)))
			singles++;
		port->gathers = port->gathers || singles > 1;
		if (port->holds)
			break;
	} while (!virtqueue_enable_interrupts(&port->rx, 1));
	rx_fill(port);
	if (!port->holds && port->end_due)
		rx_end(port);
}

// What came for a client that is gone is for nobody.
static void rx_flush(struct port *port)
{
	struct rx_buffer *buffer;
	uint32_t len;

	while (rx_pop(port, &buffer, &len) == 0)
		;
	rx_fill(port);
}

// --- Sent ---

static void port_closed(struct port *port)
{
	port->closing = false;
	control_send(port->console, port->id, VIRTIO_CONSOLE_PORT_OPEN, 0);
	port->console->port_freed(port->console);
}

static void tx_reclaim(struct port *port)
{
	uint16_t after;
	error_t err;

	do {
		uint32_t written;
		void *token;

		while ((err = virtqueue_pop(&port->tx, &token, &written)) == 0) {
			struct tx_slot *slot = token;

			if (slot->folio != HANDLE_NONE)
				handle_close(slot->folio);
			slot->folio = HANDLE_NONE;
			slot->next_free = port->tx_free;
			port->tx_free = slot;
			port->tx_in_flight--;
		}
		if (err != ERR_EMPTY)
			console_fail(port->console, "it broke a transmit queue");
		after = (uint16_t)(port->tx_in_flight > 1 ? port->tx_in_flight / 2 : 1);
	} while (!virtqueue_enable_interrupts(&port->tx, after));
	if (port->open && port->tx_free != NULL)
		source_want_messages(&port->client, true);
	if (port->closing && port->tx_in_flight == 0)
		port_closed(port);
}

// Where the device finds the bytes; they are copied when they came inline. Errors: ERR_PROTOCOL,
// folio_info's.
static error_t tx_locate(struct port *port, const struct tx_slot *slot, struct message *m,
                         struct virtqueue_buffer *buffer)
{
	size_t area = (size_t)(slot - port->tx_slots) * MESSAGE_MAX_DATA;
	struct folio_info info;
	struct msg_data data;
	const uint8_t *tail;
	size_t tail_len;
	error_t err;

	err = message_decode_data(m, &data, &tail, &tail_len);
	if (err != 0)
		return err;
	if (m->num_handles == 0) {
		memcpy(port->tx_area.bytes + area, tail, tail_len);
		*buffer = (struct virtqueue_buffer){ .paddr = port->tx_area.paddr + area,
			                             .len = (uint32_t)tail_len };
		return 0;
	}
	err = folio_info(m->handles[0], &info);
	if (err != 0)
		return err;
	if (info.paddr == 0 || !range_within(data.offset, data.length, info.size))
		return ERR_PROTOCOL;
	*buffer =
		(struct virtqueue_buffer){ .paddr = info.paddr + data.offset, .len = data.length };
	return 0;
}

static error_t tx_push(struct port *port, struct message *m)
{
	struct tx_slot *slot = port->tx_free;
	struct virtqueue_buffer buffer;
	error_t err = tx_locate(port, slot, m, &buffer);

	if (err != 0)
		return err;
	if (buffer.len == 0) {
		message_discard(m);
		return 0;
	}
	err = virtqueue_push(&port->tx, &buffer, 1, slot);
	if (err != 0)
		return err;
	port->tx_free = slot->next_free;
	port->tx_in_flight++;
	slot->folio = m->num_handles == 1 ? m->handles[0] : HANDLE_NONE;
	return 0;
}

// --- The client ---

static void client_message(struct loop *loop, struct source *source, struct message *m)
{
	struct port *port = source->context;
	error_t err;

	(void)loop;
	// The host cannot be told of half a close: the whole one follows when the channel closes.
	if (m->type == MSG_END) {
		message_discard(m);
		return;
	}
	err = tx_push(port, m);
	if (err != 0) {
		message_discard(m);
		error_send(source->handle, 0, err, "a port takes MSG_DATA and MSG_END");
	}
	if (port->tx_free == NULL)
		source_want_messages(source, false);
}

static void client_batch_end(struct loop *loop, struct source *source)
{
	struct port *port = source->context;

	(void)loop;
	virtio_queue_kick(&port->console->device, VIRTIO_CONSOLE_QUEUE_TX(port->id), &port->tx);
	tx_reclaim(port);
}

static void client_writable(struct loop *loop, struct source *source)
{
	struct port *port = source->context;
	error_t err;

	(void)loop;
	if (port->holds) {
		err = channel_send(source->handle, &port->held);
		if (err == ERR_FULL)
			return;
		if (err != 0)
			message_discard(&port->held);
		port->holds = false;
	}
	source_want_writable(source, false);
	rx_poll(port);
}

static void client_drop(struct port *port)
{
	loop_close(&port->console->loop, &port->client);
	if (port->holds)
		message_discard(&port->held);
	port->holds = false;
	port->end_due = false;
	port->open = false;
}

static void client_closed(struct loop *loop, struct source *source)
{
	struct port *port = source->context;

	(void)loop;
	client_drop(port);
	port->closing = true;
	tx_reclaim(port);
}

static const struct source_ops client_ops = {
	.message = client_message,
	.batch_end = client_batch_end,
	.writable = client_writable,
	.closed = client_closed,
};

// --- The port ---

error_t port_add(struct port *port)
{
	error_t err;

	if (port->tx_area.folio == HANDLE_NONE) {
		err = dma_alloc(TX_SLOTS * MESSAGE_MAX_DATA, &port->tx_area);
		if (err != 0)
			return err;
		for (size_t i = 0; i < TX_SLOTS && i < port->tx.size; i++) {
			port->tx_slots[i].next_free = port->tx_free;
			port->tx_free = &port->tx_slots[i];
		}
	}
	port->added = true;
	port->host_open = false;
	port->host_closed = false;
	rx_fill(port);
	return 0;
}

void port_remove(struct port *port)
{
	port->added = false;
	port->name[0] = '\0';
	if (port->open)
		client_drop(port);
	port->closing = port->tx_in_flight > 0;
}

void port_host_opened(struct port *port, bool open)
{
	if (port->host_open && !open) {
		port->host_closed = true;
		port->end_due = port->open;
	} else if (open) {
		port->host_closed = false;
	}
	port->host_open = open;
}

error_t port_open(struct port *port, handle_t channel)
{
	error_t err;

	rx_flush(port);
	err = loop_add(&port->console->loop, &port->client, channel, &client_ops, port);
	if (err != 0)
		return err;
	port->open = true;
	port->holds = false;
	port->end_due = port->host_closed;
	if (port->tx_free == NULL)
		source_want_messages(&port->client, false);
	control_send(port->console, port->id, VIRTIO_CONSOLE_PORT_OPEN, 1);
	rx_poll(port);
	return 0;
}

void port_poll(struct port *port)
{
	if (!port->added && !port->closing)
		return;
	rx_poll(port);
	tx_reclaim(port);
}
