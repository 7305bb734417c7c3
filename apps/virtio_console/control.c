// SPDX-License-Identifier: MIT
#include "apps/virtio_console/console.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"

static void buffer_post(struct console *console, size_t index)
{
	const struct virtqueue_buffer buffer = {
		.paddr = console->control_rx_area.paddr + index * CONTROL_RX_BYTES,
		.len = CONTROL_RX_BYTES,
		.device_writes = true,
	};

	if (virtqueue_push(&console->control_rx, &buffer, 1,
	                   console->control_rx_area.bytes + index * CONTROL_RX_BYTES) != 0)
		console_fail(console, "its control queue is full");
}

error_t control_init(struct console *console)
{
	error_t err;

	err = dma_alloc(CONTROL_RX_BUFFERS * CONTROL_RX_BYTES, &console->control_rx_area);
	if (err == 0)
		err = dma_alloc(CONTROL_TX_SLOTS * sizeof(struct virtio_console_control),
		                &console->control_tx_area);
	for (size_t i = 0; err == 0 && i < CONTROL_RX_BUFFERS && i < console->control_rx.size; i++)
		buffer_post(console, i);
	return err;
}

static void port_added(struct console *console, struct port *port)
{
	error_t err;

	if (port->added)
		return;
	err = port_add(port);
	if (err != 0)
		log_error("no memory for port %u: %s", port->id, error_text(err));
	control_send(console, port->id, VIRTIO_CONSOLE_PORT_READY, err == 0);
}

static void port_named(struct port *port, struct span name)
{
	size_t len = name.len < sizeof(port->name) ? name.len : sizeof(port->name) - 1;

	if (port->name[0] != '\0')
		return;
	for (size_t i = 0; i < len && name.data[i] != '\0'; i++)
		port->name[i] = name.data[i] > ' ' && name.data[i] <= '~' ? (char)name.data[i]
									  : '?';
	log_debug("port %u is \"%s\"", port->id, port->name);
}

static void control_handle(struct console *console, struct reader *r)
{
	uint32_t id = reader_le32(r);
	uint16_t event = reader_le16(r);
	uint16_t value = reader_le16(r);
	struct port *port;

	if (reader_status(r) != 0)
		return;
	if (id >= console->num_ports) {
		if (event == VIRTIO_CONSOLE_DEVICE_ADD) {
			log_warn("port %u is not used: %u are the most", id, console->num_ports);
			control_send(console, id, VIRTIO_CONSOLE_PORT_READY, 0);
		}
		return;
	}
	port = &console->ports[id];
	if (event == VIRTIO_CONSOLE_DEVICE_ADD)
		port_added(console, port);
	if (!port->added)
		return;
	if (event == VIRTIO_CONSOLE_DEVICE_REMOVE)
		port_remove(port);
	else if (event == VIRTIO_CONSOLE_PORT_OPEN)
		port_host_opened(port, value != 0);
	else if (event == VIRTIO_CONSOLE_PORT_NAME)
		port_named(port, r->rest);
}

void control_poll(struct console *console)
{
	bool any = false;
	error_t err;

	do {
		uint32_t written;
		void *token;

		while ((err = virtqueue_pop(&console->control_rx, &token, &written)) == 0) {
			uint8_t copy[CONTROL_RX_BYTES];
			struct reader r;

			// Copied once: the device may write to it at any time.
			memcpy(copy, token, written);
			r = reader_make(copy, written);
			buffer_post(console,
			            (size_t)((uint8_t *)token - console->control_rx_area.bytes) /
			                    CONTROL_RX_BYTES);
			control_handle(console, &r);
			any = true;
		}
		if (err != ERR_EMPTY)
			console_fail(console, "it broke its control queue");
	} while (!virtqueue_enable_interrupts(&console->control_rx, 1));
	virtio_queue_kick(&console->device, VIRTIO_CONSOLE_QUEUE_CONTROL_RX, &console->control_rx);
	if (any)
		session_retry(console);
}
