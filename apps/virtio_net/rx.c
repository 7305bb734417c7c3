// SPDX-License-Identifier: MIT
//
// Receiving. The frame's page goes to the client as it is; the virtio header has a buffer of its
// own. A frame that fits into a message is copied instead, which is cheaper than a fresh page for
// the device.
#include "apps/virtio_net/net.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// The Ethernet header is 14 bytes: this aligns what follows it.
#define FRAME_OFFSET 2u
#define FRAME_MIN 14u
#define FRAME_INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_netdev_frame))
// Frames of one turn, so that sending gets its turn too.
#define RX_BUDGET 64u

// A fresh page for the buffer. Errors: folio_create's.
static error_t buffer_fill(struct rx_buffer *buffer)
{
	struct folio_info info;
	handle_t folio;
	error_t err;

	err = folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &folio);
	if (err != 0)
		return err;
	err = folio_info(folio, &info);
	if (err != 0) {
		handle_close(folio);
		return err;
	}
	*buffer = (struct rx_buffer){ .folio = folio, .paddr = info.paddr };
	return 0;
}

static void buffer_post(struct net *net, struct rx_buffer *buffer)
{
	size_t index = (size_t)(buffer - net->rx_buffers);
	const struct virtqueue_buffer chain[] = {
		{
			.paddr = net->rx_headers.paddr + index * sizeof(struct virtio_net_hdr),
			.len = sizeof(struct virtio_net_hdr),
			.device_writes = true,
		},
		{ .paddr = buffer->paddr + FRAME_OFFSET,
		  .len = PAGE_SIZE - FRAME_OFFSET,
		  .device_writes = true },
	};
	error_t err = virtqueue_push(&net->rx, chain, 2, buffer);

	// Each buffer has its two descriptors.
	if (err != 0)
		net_fail(net, "its receive queue is full");
}

static void again_signalled(struct loop *loop, struct source *source)
{
	struct net *net = source->context;
	uint64_t count;
	error_t err = event_take(source->handle, &count);

	(void)loop;
	if (err == 0)
		rx_poll(net);
}

static const struct source_ops again_ops = { .signalled = again_signalled };

error_t rx_init(struct net *net)
{
	// A smaller ring of the device's has fewer.
	size_t num_buffers = net->rx.size / 2u;
	handle_t event;
	error_t err;

	err = dma_alloc(RX_BUFFERS * sizeof(struct virtio_net_hdr), &net->rx_headers);
	for (size_t i = 0; err == 0 && i < num_buffers; i++) {
		err = buffer_fill(&net->rx_buffers[i]);
		if (err == 0)
			buffer_post(net, &net->rx_buffers[i]);
	}
	if (err == 0)
		err = event_create(&event);
	if (err == 0)
		err = loop_add(&net->loop, &net->rx_again, event, &again_ops, net);
	return err;
}

// What the device wrote into the buffer; NULL when it cannot be mapped.
static const uint8_t *buffer_frame(struct rx_buffer *buffer)
{
	void *base;

	if (buffer->bytes == NULL && folio_map(buffer->folio, PROT_READ, &base) == 0)
		buffer->bytes = base;
	return buffer->bytes == NULL ? NULL : buffer->bytes + FRAME_OFFSET;
}

// Makes the client's message of what the device wrote, with the buffer's page or, when it is small,
// a copy; false when it is not a frame.
static bool frame_make(struct net *net, struct rx_buffer *buffer, uint32_t written,
                       struct message *m)
{
	const uint8_t *copied = NULL;
	size_t index = (size_t)(buffer - net->rx_buffers);
	struct msg_netdev_frame frame = { .offset = FRAME_OFFSET };
	struct virtio_net_hdr header;

	if (written < sizeof(header) + FRAME_MIN)
		return false;
	memcpy(&header, net->rx_headers.bytes + index * sizeof(header), sizeof(header));
	frame.length = written - (uint32_t)sizeof(header);
	// 5.1.6.4: with GUEST_CSUM, a frame that only needs its checksum comes from this very
	// machine and is as good as verified.
	if ((header.flags & (VIRTIO_NET_HDR_F_DATA_VALID | VIRTIO_NET_HDR_F_NEEDS_CSUM)) != 0 &&
	    virtio_device_has(&net->device, VIRTIO_NET_F_GUEST_CSUM))
		frame.flags = NETDEV_FRAME_CSUM_VERIFIED;
	if (frame.length <= FRAME_INLINE_MAX)
		copied = buffer_frame(buffer);
	if (message_encode_netdev_frame(m, &frame, copied, copied != NULL ? frame.length : 0) != 0)
		return false;
	if (copied == NULL) {
		m->handles[0] = buffer->folio;
		m->num_handles = 1;
	}
	return true;
}

// Sends a received frame on and gives the device a page for it: a fresh one, or the same when it
// did not go along.
static void frame_deliver(struct net *net, struct rx_buffer *buffer, uint32_t written)
{
	struct rx_buffer old;
	struct message m;
	error_t err = 0;

	if (net->client.handle == HANDLE_NONE || !frame_make(net, buffer, written, &m)) {
		net->rx_dropped++;
		buffer_post(net, buffer);
		return;
	}
	old = *buffer;
	if (m.num_handles == 1)
		err = buffer_fill(buffer);
	if (err != 0) {
		net->rx_dropped++;
		buffer_post(net, buffer);
		return;
	}
	err = channel_send(net->client.handle, &m);
	if (err == ERR_FULL) {
		net->rx_held = m;
		net->rx_holds = true;
		source_want_writable(&net->client, true);
	} else if (err != 0) {
		// The client is gone; its end will be seen soon.
		if (m.num_handles == 1) {
			handle_close(buffer->folio);
			*buffer = old;
		}
		net->rx_dropped++;
	}
	buffer_post(net, buffer);
}

void rx_poll(struct net *net)
{
	unsigned int budget = RX_BUDGET;

	do {
		void *token;
		uint32_t written;
		error_t err;

		while (!net->rx_holds && budget > 0 &&
		       (err = virtqueue_pop(&net->rx, &token, &written)) != ERR_EMPTY) {
			if (err != 0)
				net_fail(net, "it broke its receive queue");
			frame_deliver(net, token, written);
			budget--;
		}
		if (net->rx_holds)
			break;
		if (budget == 0) {
			err = event_signal(net->rx_again.handle, 1);
			assert(err == 0);
			break;
		}
	} while (!virtqueue_enable_interrupts(&net->rx, 1));
	virtio_queue_kick(&net->device, VIRTIO_NET_QUEUE_RX, &net->rx);
}

void rx_resume(struct net *net)
{
	error_t err = channel_send(net->client.handle, &net->rx_held);

	if (err == ERR_FULL)
		return;
	if (err != 0)
		message_discard(&net->rx_held);
	net->rx_holds = false;
	source_want_writable(&net->client, false);
	rx_poll(net);
}

void rx_drop_held(struct net *net)
{
	if (!net->rx_holds)
		return;
	message_discard(&net->rx_held);
	net->rx_holds = false;
	rx_poll(net);
}
