// SPDX-License-Identifier: MIT

#include "libs/virtio/device_console.h"

#include "libs/base/string.h"
#include "libs/virtio/spec.h"

static struct device_queue *rx_queue(struct console_device *dev, uint32_t port)
{
	return &dev->mmio.queues[VIRTIO_CONSOLE_QUEUE_RX(port)];
}

static struct device_queue *tx_queue(struct console_device *dev, uint32_t port)
{
	return &dev->mmio.queues[VIRTIO_CONSOLE_QUEUE_TX(port)];
}

// Sends one control message. Returns false when the driver has no buffer for it yet.
static bool send_control(struct console_device *dev, uint32_t port, uint16_t event, uint16_t value)
{
	struct device_queue *q = &dev->mmio.queues[VIRTIO_CONSOLE_QUEUE_CONTROL_RX];
	struct virtio_console_control message = { .id = port, .event = event, .value = value };
	size_t written;
	error_t err;

	err = device_queue_pop(q, &dev->rx_chain);
	if (err == ERR_PROTOCOL)
		virtio_mmio_needs_reset(&dev->mmio);
	if (err < 0)
		return false;
	written = device_chain_write(&dev->rx_chain, 0, &message, sizeof(message));
	device_queue_push(q, dev->rx_chain.head, (uint32_t)written);
	return true;
}

// Sends the control messages that wait. Only the latest state of each port is worth telling, so
// there is no queue that a guest could fill.
static void flush_control(struct console_device *dev)
{
	struct device_queue *q = &dev->mmio.queues[VIRTIO_CONSOLE_QUEUE_CONTROL_RX];
	bool waiting = false;

	if (!virtio_mmio_is_running(&dev->mmio))
		return;
	do {
		waiting = false;
		for (uint32_t i = 0; i < dev->num_ports; i++) {
			struct console_port *port = &dev->ports[i];

			if (port->send_add && send_control(dev, i, VIRTIO_CONSOLE_DEVICE_ADD, 1))
				port->send_add = false;
			if (port->send_open && port->guest_ready &&
			    send_control(dev, i, VIRTIO_CONSOLE_PORT_OPEN, port->host_open))
				port->send_open = false;
			waiting |= port->send_add || (port->send_open && port->guest_ready);
		}
	} while (waiting && device_queue_want_notify(q));
	if (!waiting)
		device_queue_suppress_notify(q);
	virtio_mmio_queue_interrupt(&dev->mmio, VIRTIO_CONSOLE_QUEUE_CONTROL_RX);
}

static void take_control(struct console_device *dev, const struct virtio_console_control *message)
{
	struct console_port *port;

	if (message->event == VIRTIO_CONSOLE_DEVICE_READY) {
		for (uint32_t i = 0; i < dev->num_ports && message->value == 1; i++)
			dev->ports[i].send_add = true;
		return;
	}
	if (message->id >= dev->num_ports)
		return;
	port = &dev->ports[message->id];
	if (message->event == VIRTIO_CONSOLE_PORT_READY) {
		port->guest_ready = message->value == 1;
		port->send_open = port->host_open;
	} else if (message->event == VIRTIO_CONSOLE_PORT_OPEN &&
	           port->guest_open != (message->value == 1)) {
		port->guest_open = message->value == 1;
		dev->ops->guest_open(dev->context, message->id, port->guest_open);
		if (port->guest_open && port->input_wanted) {
			port->input_wanted = false;
			dev->ops->input_ready(dev->context, message->id);
		}
	}
}

static void receive_control(struct console_device *dev)
{
	struct device_queue *q = &dev->mmio.queues[VIRTIO_CONSOLE_QUEUE_CONTROL_TX];
	struct virtio_console_control message;
	uint32_t budget = DEVICE_QUEUE_BUDGET;
	error_t err = 0;

	do {
		device_queue_suppress_notify(q);
		while (budget > 0 && (err = device_queue_pop(q, &dev->tx_chain)) == 0) {
			budget--;
			size_t len =
				device_chain_read(&dev->tx_chain, 0, &message, sizeof(message));

			device_queue_push(q, dev->tx_chain.head, 0);
			if (len == sizeof(message))
				take_control(dev, &message);
		}
	} while (virtio_mmio_more(&dev->mmio, VIRTIO_CONSOLE_QUEUE_CONTROL_TX, budget == 0));
	if (err == ERR_PROTOCOL)
		virtio_mmio_needs_reset(&dev->mmio);
	virtio_mmio_queue_interrupt(&dev->mmio, VIRTIO_CONSOLE_QUEUE_CONTROL_TX);
	flush_control(dev);
}

enum offer {
	OFFER_TAKEN,    // all of the chain
	OFFER_REFUSED,  // the owner will say when it takes more
	OFFER_SPENT,    // the turn's bytes: the rest is for the next one
};

// Offers the chain in hand to the owner, from where it left off, and at most `*budget` bytes.
static enum offer offer_chain(struct console_device *dev, uint32_t index, size_t *budget)
{
	struct console_port *port = &dev->ports[index];
	size_t skip = port->output_done;

	for (size_t i = 0; i < dev->tx_chain.num_readable; i++) {
		struct mut_span s = dev->tx_chain.segments[i];
		size_t taken;

		if (skip >= s.len) {
			skip -= s.len;
			continue;
		}
		struct span rest = { .data = s.data + skip, .len = s.len - skip };
		bool whole = rest.len <= *budget;
		if (!whole)
			rest.len = *budget;
		taken = rest.len > 0 ? dev->ops->output(dev->context, index, rest) : 0;
		port->output_done += taken;
		*budget -= taken;
		if (taken < rest.len)
			return OFFER_REFUSED;
		if (!whole)
			return OFFER_SPENT;
		skip = 0;
	}
	port->output_done = 0;
	return OFFER_TAKEN;
}

static void transmit(struct console_device *dev, uint32_t index)
{
	struct console_port *port = &dev->ports[index];
	struct device_queue *q = tx_queue(dev, index);
	uint32_t chains = DEVICE_QUEUE_BUDGET;
	size_t bytes = CONSOLE_DEVICE_TURN_BYTES;
	enum offer offer = OFFER_TAKEN;
	error_t err = 0;

	if (port->output_held)
		return;
	do {
		device_queue_suppress_notify(q);
		while (offer == OFFER_TAKEN && chains > 0 &&
		       (err = device_queue_pop(q, &dev->tx_chain)) == 0) {
			uint16_t head = dev->tx_chain.head;

			chains--;
			if (dev->tx_chain.readable_len > CONSOLE_DEVICE_MAX_BYTES) {
				device_queue_break(q);
				err = ERR_PROTOCOL;
				break;
			}
			offer = offer_chain(dev, index, &bytes);
			if (offer == OFFER_TAKEN)
				device_queue_push(q, head, 0);
			else
				device_queue_unpop(q);
			port->output_held = offer == OFFER_REFUSED;
		}
		if (err == ERR_PROTOCOL)
			virtio_mmio_needs_reset(&dev->mmio);
	} while (!port->output_held &&
	         virtio_mmio_more(&dev->mmio, VIRTIO_CONSOLE_QUEUE_TX(index),
	                          offer == OFFER_SPENT || chains == 0));
	virtio_mmio_queue_interrupt(&dev->mmio, VIRTIO_CONSOLE_QUEUE_TX(index));
}

size_t console_device_input(struct console_device *dev, uint32_t index, struct span bytes)
{
	struct console_port *port = &dev->ports[index];
	struct device_queue *q = rx_queue(dev, index);
	uint32_t budget = DEVICE_QUEUE_BUDGET;
	size_t done = 0;
	error_t err = 0;

	// A driver drops what comes before it has opened the port.
	if (!virtio_mmio_is_running(&dev->mmio) || !port->guest_open) {
		port->input_wanted = bytes.len > 0;
		return 0;
	}
	do {
		// Buffers may be of no length, and there is no end of them.
		while (done < bytes.len && budget > 0 &&
		       (err = device_queue_pop(q, &dev->rx_chain)) == 0) {
			budget--;
			size_t n = device_chain_write(&dev->rx_chain, 0, bytes.data + done,
			                              bytes.len - done);

			device_queue_push(q, dev->rx_chain.head, (uint32_t)n);
			done += n;
		}
		if (err == ERR_PROTOCOL)
			virtio_mmio_needs_reset(&dev->mmio);
	} while (done < bytes.len &&
	         virtio_mmio_more(&dev->mmio, VIRTIO_CONSOLE_QUEUE_RX(index), budget == 0));
	port->input_wanted = done < bytes.len;
	if (!port->input_wanted)
		device_queue_suppress_notify(q);
	virtio_mmio_queue_interrupt(&dev->mmio, VIRTIO_CONSOLE_QUEUE_RX(index));
	return done;
}

static void buffers_came(struct console_device *dev, uint32_t index)
{
	struct console_port *port = &dev->ports[index];

	if (!port->input_wanted || !port->guest_open ||
	    !device_queue_has_work(rx_queue(dev, index)))
		return;
	port->input_wanted = false;
	dev->ops->input_ready(dev->context, index);
}

static void console_notify(void *context, uint32_t queue)
{
	struct console_device *dev = context;
	uint32_t port = queue < 2 ? 0 : queue / 2 - 1;

	if (queue == VIRTIO_CONSOLE_QUEUE_CONTROL_RX)
		flush_control(dev);
	else if (queue == VIRTIO_CONSOLE_QUEUE_CONTROL_TX)
		receive_control(dev);
	else if (queue % 2 == 0)
		buffers_came(dev, port);
	else
		transmit(dev, port);
}

static void console_driver_ok(void *context)
{
	struct console_device *dev = context;

	// The first kick of a receive queue, when it is filled, tells us nothing.
	for (uint32_t i = 0; i < dev->num_ports; i++)
		device_queue_suppress_notify(rx_queue(dev, i));
	device_queue_suppress_notify(&dev->mmio.queues[VIRTIO_CONSOLE_QUEUE_CONTROL_RX]);
}

static void console_reset(void *context)
{
	struct console_device *dev = context;

	for (uint32_t i = 0; i < dev->num_ports; i++) {
		struct console_port *port = &dev->ports[i];

		*port = (struct console_port){ .host_open = port->host_open,
			                       .input_wanted = port->input_wanted };
	}
}

// What was taken of a chain in it is not to be left out of the next one.
static void console_queue_reset(void *context, uint32_t queue)
{
	struct console_device *dev = context;

	for (uint32_t i = 0; i < dev->num_ports; i++) {
		if (queue == VIRTIO_CONSOLE_QUEUE_TX(i))
			dev->ports[i].output_done = 0;
	}
}

static const struct virtio_mmio_ops console_mmio_ops = {
	.driver_ok = console_driver_ok,
	.reset = console_reset,
	.queue_reset = console_queue_reset,
	.notify = console_notify,
};

void console_device_init(struct console_device *dev, uint32_t num_ports,
                         const struct console_device_ops *ops, void *context)
{
	struct virtio_console_config config = { .max_nr_ports = num_ports };

	dev->ops = ops;
	dev->context = context;
	dev->num_ports = num_ports;
	dev->mmio.ops = &console_mmio_ops;
	dev->mmio.context = dev;
	dev->mmio.device_id = VIRTIO_ID_CONSOLE;
	dev->mmio.num_queues = 2 * (num_ports + 1);
	// Linux's driver spins until a control message has been taken.
	dev->mmio.spinning_queues = 1u << VIRTIO_CONSOLE_QUEUE_CONTROL_TX;
	// It also fills each queue of input with pages, those of ports that never have input too.
	dev->mmio.small_queues = 1u << VIRTIO_CONSOLE_QUEUE_CONTROL_RX;
	for (uint32_t i = 0; i < num_ports; i++)
		dev->mmio.small_queues |= 1u << VIRTIO_CONSOLE_QUEUE_RX(i);
	dev->mmio.features = VIRTIO_CONSOLE_F_MULTIPORT;
	virtio_mmio_init(&dev->mmio);
	virtio_mmio_set_config(&dev->mmio, &config, sizeof(config), false);
}

void console_device_set_open(struct console_device *dev, uint32_t index, bool open)
{
	struct console_port *port = &dev->ports[index];

	if (port->host_open == open)
		return;
	port->host_open = open;
	port->send_open = true;
	flush_control(dev);
}

void console_device_resume(struct console_device *dev, uint32_t index)
{
	dev->ports[index].output_held = false;
	if (virtio_mmio_is_running(&dev->mmio))
		transmit(dev, index);
}

bool console_device_drain(struct console_device *dev, uint32_t index)
{
	// Until its driver starts it, or starts it again, it takes nothing.
	if (!virtio_mmio_is_running(&dev->mmio))
		return true;
	transmit(dev, index);
	return !device_queue_has_work(tx_queue(dev, index));
}
