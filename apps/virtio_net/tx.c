// SPDX-License-Identifier: MIT
//
// Sending. Frames in folios go to the device as they are; inline ones are copied into the slot.
// Sent ones are taken back when others are sent or received, so that the device need not interrupt
// for each; the folios of the last are by a timer, which is not set when none are left: an idle
// network wakes nobody.
#include "apps/virtio_net/net.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define FRAME_MIN 14u
#define TCP_HEADER_MIN 20u
#define GSO_FLAGS (NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)

#define TX_LAST_AFTER NSEC_PER_SEC

static void timer_start(struct net *net)
{
	nsec_t now = 0;
	error_t err;

	if (net->tx_timer_set || net->tx_folios == 0)
		return;
	err = clock_get(CLOCK_MONOTONIC, &now);
	if (err == 0)
		err = timer_set(net->tx_timer.handle, now + TX_LAST_AFTER);
	assert(err == 0);
	net->tx_timer_set = true;
}

static void timer_signalled(struct loop *loop, struct source *source)
{
	struct net *net = source->context;
	error_t err = timer_set(source->handle, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	net->tx_timer_set = false;
	tx_reclaim(net);
	timer_start(net);
}

static const struct source_ops timer_ops = { .signalled = timer_signalled };

error_t tx_init(struct net *net)
{
	handle_t timer;
	error_t err;

	// A smaller ring of the device's has fewer.
	for (size_t i = 0; i < net->tx.size / 2u; i++) {
		net->tx_slots[i].next_free = net->tx_free;
		net->tx_free = &net->tx_slots[i];
	}
	err = dma_alloc(TX_SLOTS * sizeof(struct tx_area), &net->tx_areas);
	if (err == 0)
		err = timer_create(&timer);
	if (err == 0)
		err = loop_add(&net->loop, &net->tx_timer, timer, &timer_ops, net);
	return err;
}

static void slot_free(struct net *net, struct tx_slot *slot)
{
	if (slot->folio != HANDLE_NONE) {
		handle_close(slot->folio);
		net->tx_folios--;
	}
	slot->folio = HANDLE_NONE;
	slot->next_free = net->tx_free;
	net->tx_free = slot;
}

// 5.1.6.2: segmentation, of frames that have their checksum left to the device too. Errors:
// ERR_PROTOCOL.
static error_t header_add_gso(const struct net *net, const struct msg_netdev_frame *frame,
                              struct virtio_net_hdr *header)
{
	bool v4 = (frame->flags & NETDEV_FRAME_GSO_TCP4) != 0;
	bool v6 = (frame->flags & NETDEV_FRAME_GSO_TCP6) != 0;
	uint32_t feature = v4 ? NETDEV_FEATURE_TSO4 : NETDEV_FEATURE_TSO6;

	if (!v4 && !v6)
		return 0;
	if (v4 == v6 || (net->device_features & feature) == 0 ||
	    (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 || frame->gso_size == 0)
		return ERR_PROTOCOL;
	header->gso_type = v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	header->gso_size = frame->gso_size;
	// A hint only: as long as a TCP header without options makes it.
	header->hdr_len = (uint16_t)(frame->csum_start + TCP_HEADER_MIN);
	return 0;
}

// The virtio header that the frame asks for. Errors: ERR_PROTOCOL.
static error_t header_make(const struct net *net, const struct msg_netdev_frame *frame,
                           struct virtio_net_hdr *header)
{
	*header = (struct virtio_net_hdr){ .gso_type = VIRTIO_NET_HDR_GSO_NONE };
	if ((frame->flags & NETDEV_FRAME_NEEDS_CSUM) == 0)
		return header_add_gso(net, frame, header);
	if ((net->device_features & NETDEV_FEATURE_TX_CSUM) == 0 ||
	    !range_within((uint64_t)frame->csum_start + frame->csum_offset, sizeof(uint16_t),
	                  frame->length))
		return ERR_PROTOCOL;
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = frame->csum_start;
	header->csum_offset = frame->csum_offset;
	return header_add_gso(net, frame, header);
}

// Where the device finds the frame. Errors: ERR_PROTOCOL, folio_info's.
static error_t frame_locate(const struct msg_netdev_frame *frame, handle_t folio, uint64_t *paddr)
{
	struct folio_info info;
	error_t err = folio_info(folio, &info);

	if (err != 0)
		return err;
	// A lazy folio has no address.
	if (info.paddr == 0 || !range_within(frame->offset, frame->length, info.size))
		return ERR_PROTOCOL;
	*paddr = info.paddr + frame->offset;
	return 0;
}

static struct tx_area *slot_area(const struct net *net, const struct tx_slot *slot, uint64_t *paddr)
{
	size_t index = (size_t)(slot - net->tx_slots);

	*paddr = net->tx_areas.paddr + index * sizeof(struct tx_area);
	return (struct tx_area *)(void *)net->tx_areas.bytes + index;
}

// Gives the device the first free slot, whose area has the header, with a frame. Errors:
// virtqueue_push's.
static error_t slot_push(struct net *net, uint64_t area_paddr, uint64_t frame_paddr,
                         uint32_t length)
{
	struct tx_slot *slot = net->tx_free;
	const struct virtqueue_buffer chain[] = {
		{ .paddr = area_paddr, .len = sizeof(struct virtio_net_hdr) },
		{ .paddr = frame_paddr, .len = length },
	};
	error_t err = virtqueue_push(&net->tx, chain, 2, slot);

	if (err == 0)
		net->tx_free = slot->next_free;
	return err;
}

// --- Large frames, toward a device that does not cut them ---

// Makes segments as long as there are slots. Nobody else can take these.
static void cut(struct net *net)
{
	size_t len;

	while (net->tx_free != NULL && (len = segmenter_next_len(&net->tx_segments)) > 0) {
		uint64_t paddr;
		struct tx_area *area = slot_area(net, net->tx_free, &paddr);
		size_t at;
		const uint8_t *payload = segmenter_next_payload(&net->tx_segments, &at);
		size_t pad = ((uintptr_t)payload - (uintptr_t)(area->frame + at)) % WORD;

		area->header = (struct virtio_net_hdr){ .gso_type = VIRTIO_NET_HDR_GSO_NONE };
		segmenter_write(&net->tx_segments,
		                (struct mut_span){ .data = area->frame + pad, .len = len });
		if (slot_push(net, paddr, paddr + offsetof(struct tx_area, frame) + pad,
		              (uint32_t)len) != 0)
			net_fail(net, "its transmit queue has no room for its slots");
	}
	if (segmenter_next_len(&net->tx_segments) == 0)
		tx_drop_large(net);
}

void tx_drop_large(struct net *net)
{
	if (!net->tx_cutting)
		return;
	net->tx_cutting = false;
	handle_close(net->tx_large);
}

// Begins with a large frame, whose folio is ours on success. Errors: ERR_PROTOCOL, folio_info's,
// folio_map's.
static error_t cut_begin(struct net *net, const struct msg_netdev_frame *frame, handle_t folio)
{
	uint8_t copy[OFFLOAD_HEADERS_MAX];
	struct span bytes, headers = { .data = copy };
	struct folio_info info;
	void *base;
	error_t err = folio_info(folio, &info);

	if (err == 0 && (info.paddr == 0 || !range_within(frame->offset, frame->length, info.size)))
		err = ERR_PROTOCOL;
	if (err == 0)
		err = folio_map(folio, PROT_READ, &base);
	if (err != 0)
		return err;
	bytes = (struct span){ .data = (const uint8_t *)base + frame->offset,
		               .len = frame->length };
	headers.len = bytes.len < sizeof(copy) ? bytes.len : sizeof(copy);
	memcpy(copy, bytes.data, headers.len);
	if (!offload_fits(frame, headers))
		return ERR_PROTOCOL;
	segmenter_init(&net->tx_segments, frame, headers, bytes);
	if (segmenter_next_len(&net->tx_segments) > SEGMENTS_MTU + FRAME_OVERHEAD)
		return ERR_PROTOCOL;
	net->tx_large = folio;
	net->tx_cutting = true;
	cut(net);
	return 0;
}

// Whether the frame is to be cut here.
static bool is_to_be_cut(const struct net *net, const struct msg_netdev_frame *frame)
{
	uint32_t needs = (frame->flags & NETDEV_FRAME_GSO_TCP4 ? NETDEV_FEATURE_TSO4 : 0) |
		(frame->flags & NETDEV_FRAME_GSO_TCP6 ? NETDEV_FEATURE_TSO6 : 0);

	return (needs & ~net->device_features & net->info.features) != 0;
}

// --- Frames ---

static error_t frame_push(struct net *net, struct message *m)
{
	uint64_t area_paddr, frame_paddr;
	struct tx_slot *slot = net->tx_free;
	struct tx_area *area = slot_area(net, slot, &area_paddr);
	struct msg_netdev_frame frame;
	const uint8_t *tail;
	size_t tail_len;
	error_t err;

	err = message_decode_netdev_frame(m, &frame, &tail, &tail_len);
	if (err != 0)
		return err;
	if (m->num_handles == 0)
		frame.length = (uint32_t)tail_len;
	if (frame.length < FRAME_MIN ||
	    frame.length >
	            (frame.flags & GSO_FLAGS ? NETDEV_GSO_MAX : net->info.mtu + FRAME_OVERHEAD))
		return ERR_PROTOCOL;
	if (m->num_handles == 1 && is_to_be_cut(net, &frame))
		return cut_begin(net, &frame, m->handles[0]);
	err = header_make(net, &frame, &area->header);
	frame_paddr = area_paddr + offsetof(struct tx_area, frame);
	if (err == 0 && m->num_handles == 1)
		err = frame_locate(&frame, m->handles[0], &frame_paddr);
	if (err != 0)
		return err;
	if (m->num_handles == 0)
		memcpy(area->frame, tail, tail_len);
	err = slot_push(net, area_paddr, frame_paddr, frame.length);
	if (err != 0)
		return err;
	slot->folio = m->num_handles == 1 ? m->handles[0] : HANDLE_NONE;
	net->tx_folios += m->num_handles;
	return 0;
}

void tx_frame(struct net *net, struct message *m)
{
	error_t err = frame_push(net, m);

	if (err != 0) {
		message_discard(m);
		error_send(net->client.handle, 0, err, "not a frame that this device can send");
	}
	if (net->tx_free == NULL || net->tx_cutting) {
		tx_reclaim(net);
		if (net->tx_free == NULL || net->tx_cutting) {
			net->tx_full = true;
			source_want_messages(&net->client, false);
		}
	}
}

void tx_kick(struct net *net)
{
	virtio_queue_kick(&net->device, VIRTIO_NET_QUEUE_TX, &net->tx);
	tx_reclaim(net);
	timer_start(net);
}

void tx_reclaim(struct net *net)
{
	void *token;
	uint32_t written;
	error_t err;

	do {
		while ((err = virtqueue_pop(&net->tx, &token, &written)) == 0)
			slot_free(net, token);
		if (err != ERR_EMPTY)
			net_fail(net, "it broke its transmit queue");
		// An interrupt once half of the slots are to be had again.
	} while (!virtqueue_enable_interrupts(&net->tx, (uint16_t)(net->tx.size / 4)));
	if (net->tx_cutting && net->tx_free != NULL) {
		cut(net);
		virtio_queue_kick(&net->device, VIRTIO_NET_QUEUE_TX, &net->tx);
	}
	if (net->tx_full && net->tx_free != NULL && !net->tx_cutting) {
		net->tx_full = false;
		if (net->client.handle != HANDLE_NONE)
			source_want_messages(&net->client, true);
	}
}
