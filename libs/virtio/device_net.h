// SPDX-License-Identifier: MIT
//
// A virtio network card (virtio 1.2, section 5.1; device side): one queue pair, mergeable receive buffers, link state. A frame is
// copied once each way, between guest memory and a buffer of the owner's. Not thread-safe: the machine's lock guards it.
#pragma once

#include "libs/virtio/device_mmio.h"

#define NET_DEVICE_MIN_FRAME 14u
#define NET_DEVICE_MTU 1500u
#define NET_DEVICE_MAX_FRAME (NET_DEVICE_MIN_FRAME + NET_DEVICE_MTU)
// Receive buffers that one frame may be spread over.
#define NET_DEVICE_MAX_BUFFERS 16u

struct net_device_ops {
	// The guest sends a frame of `len` bytes (NET_DEVICE_MIN_FRAME to NET_DEVICE_MAX_FRAME). Returns where it goes, with room
	// for it; or NULL: the frame stays in the guest's queue until net_device_resume.
	uint8_t *(*buffer)(void *context, size_t len);
	// The frame is in the buffer that was given. What is in it now does not change any more.
	void (*transmitted)(void *context, size_t len);
	// A frame was refused for want of receive buffers; now there are some. May be NULL.
	void (*receive_ready)(void *context);
};

struct net_device {
	struct virtio_mmio_device mmio;
	const struct net_device_ops *ops;
	void *context;
	uint8_t mac[6];
	// Frames that were thrown away: of a length or with a header that we have not offered.
	uint64_t tx_dropped;
	uint64_t rx_dropped;  // too large for the guest's buffers, or of no length for a frame
	// Private.
	bool link_up;
	bool tx_held;
	bool rx_wanted;
	struct device_chain tx_chain;
	struct device_chain rx_chain;   // the first of a frame: its header is written last
	struct device_chain rx_more;
};

// Sets the model up with its link down. The transport's mem, page, set_irq, notify_later, irq_context and irq, and `ops`, `context` and
// `mac` are set by the caller before.
void net_device_init(struct net_device *dev);
// Plugs the cable in, or out: nothing is taken or given while it is out.
void net_device_set_link(struct net_device *dev, bool up);
// Gives a frame to the guest. Returns false when it has no buffers for it now (receive_ready comes); a frame that can never be
// received is dropped, and taken. net_device_flush has to follow, once a batch.
__must_check bool net_device_receive(struct net_device *dev, struct span frame);
// Tells the guest of what it has received.
void net_device_flush(struct net_device *dev);
// ops->buffer has room again.
void net_device_resume(struct net_device *dev);
