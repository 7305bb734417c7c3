// SPDX-License-Identifier: MIT

#include "libs/virtio/device_net.h"

#include "libs/base/string.h"
#include "libs/virtio/device_net_header.h"

#define HEADER_SIZE sizeof(struct virtio_net_hdr)

static struct device_queue *rx_queue(struct net_device *dev)
{
	return &dev->mmio.queues[VIRTIO_NET_QUEUE_RX];
}

static struct device_queue *tx_queue(struct net_device *dev)
{
	return &dev->mmio.queues[VIRTIO_NET_QUEUE_TX];
}

// --- From the guest ------------------------------------------------------------------------------

// The header of the chain in hand. Returns false for what is not a frame.
static bool read_header(const struct net_device *dev, struct msg_netdev_frame *frame)
{
	const struct device_chain *chain = &dev->tx_chain;
	uint64_t len = chain->readable_len - HEADER_SIZE;
	struct virtio_net_hdr header;

	return chain->readable_len >= HEADER_SIZE && len >= NET_DEVICE_MIN_FRAME &&
		len <= NET_DEVICE_MAX_FRAME &&
		device_chain_read(chain, 0, &header, sizeof(header)) == sizeof(header) &&
		net_header_read(&header, dev->mmio.driver_features, (size_t)len, frame);
}

// Takes the frame of the chain in hand, or throws it away. Returns false when it has to wait for
// room.
static bool take_frame(struct net_device *dev)
{
	struct msg_netdev_frame frame;
	uint8_t *out;

	if (!read_header(dev, &frame)) {
		dev->tx_dropped++;
		return true;
	}
	if (!dev->ops->buffer(dev->context, frame.length, &out))
		return false;
	if (out == NULL) {
		dev->tx_dropped++;
		return true;
	}
	// Judged is the copy: the guest may write to its own meanwhile.
	device_chain_read(&dev->tx_chain, HEADER_SIZE, out, frame.length);
	if (net_frame_check((struct span){ .data = out, .len = frame.length }, NET_DEVICE_MTU,
	                    &frame)) {
		dev->ops->transmitted(dev->context, &frame);
	} else {
		dev->tx_dropped++;
		dev->ops->transmitted(dev->context, NULL);
	}
	return true;
}

static void transmit(struct net_device *dev)
{
	struct device_queue *q = tx_queue(dev);
	uint32_t budget = DEVICE_QUEUE_BUDGET;
	error_t err = 0;

	if (!dev->link_up || dev->tx_held)
		return;
	do {
		device_queue_suppress_notify(q);
		while (!dev->tx_held && budget > 0 &&
		       (err = device_queue_pop(q, &dev->tx_chain)) == 0) {
			budget--;
			if (take_frame(dev)) {
				device_queue_push(q, dev->tx_chain.head, 0);
			} else {
				device_queue_unpop(q);
				dev->tx_held = true;
			}
		}
	} while (!dev->tx_held && virtio_mmio_more(&dev->mmio, VIRTIO_NET_QUEUE_TX, budget == 0));
	if (err == ERR_PROTOCOL)
		virtio_mmio_needs_reset(&dev->mmio);
	virtio_mmio_queue_interrupt(&dev->mmio, VIRTIO_NET_QUEUE_TX);
}

void net_device_resume(struct net_device *dev)
{
	dev->tx_held = false;
	if (virtio_mmio_is_running(&dev->mmio))
		transmit(dev);
}

bool net_device_has_frames(const struct net_device *dev)
{
	return dev->link_up && virtio_mmio_is_running(&dev->mmio) &&
		device_queue_has_work(&dev->mmio.queues[VIRTIO_NET_QUEUE_TX]);
}

// --- To the guest --------------------------------------------------------------------------------

struct rx_buffers {
	uint16_t count;
	uint16_t heads[NET_DEVICE_MAX_BUFFERS];
	uint32_t written[NET_DEVICE_MAX_BUFFERS];
};

static uint32_t max_buffers(const struct net_device *dev)
{
	return (dev->mmio.driver_features & VIRTIO_NET_F_MRG_RXBUF) != 0 ? NET_DEVICE_MAX_BUFFERS
									 : 1;
}

// Pops buffers for the frame and fills them, but for the header. Errors: ERR_EMPTY, ERR_PROTOCOL,
// ERR_TOO_LARGE; `*used` are those that were popped.
static error_t fill_buffers(struct net_device *dev, struct span frame, struct rx_buffers *used)
{
	uint32_t limit = max_buffers(dev);
	size_t done = 0;

	for (used->count = 0; used->count < limit;) {
		struct device_chain *chain = used->count == 0 ? &dev->rx_chain : &dev->rx_more;
		size_t skip = used->count == 0 ? HEADER_SIZE : 0;
		error_t err = device_queue_pop(rx_queue(dev), chain);
		size_t n;

		if (err < 0)
			return err;
		n = device_chain_write(chain, skip, frame.data + done, frame.len - done);
		used->heads[used->count] = chain->head;
		used->written[used->count++] = (uint32_t)(skip + n);
		if (skip > chain->writable_len)
			return ERR_TOO_LARGE;
		done += n;
		if (done == frame.len)
			return 0;
	}
	return ERR_TOO_LARGE;
}

// Asks whether the buffers that are there are enough for a frame that one of the usual size does
// not hold: filling some of them in vain would be a copy for nothing each time that the guest
// offers another. Errors: ERR_EMPTY (too few), ERR_PROTOCOL.
static error_t count_buffers(struct net_device *dev, size_t len)
{
	uint32_t limit = max_buffers(dev), count = 0;
	uint64_t room = 0;
	error_t err = 0;

	while (room < len && count < limit &&
	       (err = device_queue_pop(rx_queue(dev), &dev->rx_more)) == 0) {
		room += dev->rx_more.writable_len;
		count++;
	}
	for (uint32_t i = 0; i < count; i++)
		device_queue_unpop(rx_queue(dev));
	return err;
}

static void put_buffers(struct net_device *dev, const struct rx_buffers *used, bool filled)
{
	for (uint16_t i = 0; i < used->count; i++)
		device_queue_put(rx_queue(dev), used->heads[i], filled ? used->written[i] : 0);
	device_queue_publish(rx_queue(dev));
}

// Errors: ERR_EMPTY (nothing was taken; more buffers may come), ERR_PROTOCOL, ERR_TOO_LARGE.
static error_t deliver(struct net_device *dev, struct span bytes, struct virtio_net_hdr *header)
{
	struct rx_buffers used = { 0 };
	error_t err = 0;

	if (bytes.len > NET_DEVICE_MIN_FRAME + NET_DEVICE_MTU)
		err = count_buffers(dev, HEADER_SIZE + bytes.len);
	if (err == 0)
		err = fill_buffers(dev, bytes, &used);
	switch (err) {
	case 0:
		header->num_buffers = used.count;
		device_chain_write(&dev->rx_chain, 0, header, sizeof(*header));
		put_buffers(dev, &used, true);
		break;
	case ERR_EMPTY:
		for (uint16_t i = 0; i < used.count; i++)
			device_queue_unpop(rx_queue(dev));
		break;
	case ERR_TOO_LARGE:
		// Given back unused: the next frame may be a smaller one.
		put_buffers(dev, &used, false);
		break;
	default: virtio_mmio_needs_reset(&dev->mmio); break;
	}
	return err;
}

bool net_device_receive(struct net_device *dev, struct span bytes,
                        const struct msg_netdev_frame *frame)
{
	struct virtio_net_hdr header;
	error_t err;

	if (!dev->link_up || !virtio_mmio_is_running(&dev->mmio) ||
	    bytes.len < NET_DEVICE_MIN_FRAME || bytes.len > NET_DEVICE_MAX_FRAME ||
	    !net_header_write(bytes, frame, dev->mmio.driver_features, &header)) {
		dev->rx_dropped++;
		return true;
	}
	err = deliver(dev, bytes, &header);
	if (err == ERR_EMPTY && !device_queue_is_full(rx_queue(dev))) {
		// Some may have come between the look and the asking.
		device_queue_want_more(rx_queue(dev));
		err = deliver(dev, bytes, &header);
		dev->rx_wanted = err == ERR_EMPTY;
		if (dev->rx_wanted)
			return false;
	}
	if (err < 0)
		dev->rx_dropped++;
	return true;
}

void net_device_flush(struct net_device *dev)
{
	if (!dev->rx_wanted)
		device_queue_suppress_notify(rx_queue(dev));
	virtio_mmio_queue_interrupt(&dev->mmio, VIRTIO_NET_QUEUE_RX);
}

// --- The device ----------------------------------------------------------------------------------

static void net_notify(void *context, uint32_t queue)
{
	struct net_device *dev = context;

	if (queue == VIRTIO_NET_QUEUE_TX) {
		transmit(dev);
	} else if (dev->rx_wanted) {
		dev->rx_wanted = false;
		if (dev->ops->receive_ready != NULL)
			dev->ops->receive_ready(dev->context);
	}
}

static void net_driver_ok(void *context)
{
	struct net_device *dev = context;

	// The first kick of the receive queue, when it is filled, tells us nothing.
	device_queue_suppress_notify(rx_queue(dev));
}

// A frame that waits for buffers is tried again soon: of the next driver's first ones nobody would
// tell us.
static void net_reset(void *context)
{
	struct net_device *dev = context;

	dev->rx_again = dev->rx_wanted;
	if (dev->rx_again)
		dev->mmio.notify_later(dev->mmio.irq_context, dev->mmio.irq);
}

static void net_serve(void *context)
{
	struct net_device *dev = context;

	if (dev->rx_again)
		net_notify(dev, VIRTIO_NET_QUEUE_RX);
	dev->rx_again = false;
}

static const struct virtio_mmio_ops net_mmio_ops = { .driver_ok = net_driver_ok,
	                                             .reset = net_reset,
	                                             .serve = net_serve,
	                                             .notify = net_notify };

static void set_config(struct net_device *dev, bool interrupt)
{
	struct virtio_net_config config = { .status = dev->link_up ? VIRTIO_NET_S_LINK_UP : 0,
		                            .max_virtqueue_pairs = 1,
		                            .mtu = NET_DEVICE_MTU };

	memcpy(config.mac, dev->mac, sizeof(config.mac));
	virtio_mmio_set_config(&dev->mmio, &config, sizeof(config), interrupt);
}

void net_device_init(struct net_device *dev)
{
	dev->mmio.ops = &net_mmio_ops;
	dev->mmio.context = dev;
	dev->mmio.device_id = VIRTIO_ID_NET;
	dev->mmio.num_queues = 2;
	dev->mmio.features = VIRTIO_NET_F_MAC | VIRTIO_NET_F_MTU | VIRTIO_NET_F_STATUS |
		VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 |
		VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 |
		VIRTIO_NET_F_GUEST_TSO6;
	virtio_mmio_init(&dev->mmio);
	set_config(dev, false);
}

void net_device_set_mac(struct net_device *dev, const uint8_t mac[6])
{
	memcpy(dev->mac, mac, sizeof(dev->mac));
	set_config(dev, false);
}

bool net_device_takes(const struct net_device *dev, uint32_t *features)
{
	if (!virtio_mmio_is_running(&dev->mmio))
		return false;
	*features = net_driver_takes(dev->mmio.driver_features);
	return true;
}

void net_device_set_link(struct net_device *dev, bool up)
{
	if (dev->link_up == up)
		return;
	dev->link_up = up;
	set_config(dev, true);
	if (up && virtio_mmio_is_running(&dev->mmio))
		transmit(dev);
}
