// SPDX-License-Identifier: MIT
//
// A virtio network card (virtio 1.2, section 5.1; device side): one queue pair, link state,
// mergeable receive buffers, and both ways checksums and TCP segmentation left to the other side
// (CSUM, TSO). A frame is copied once each way, between guest memory and a buffer of the owner's.
// Not thread-safe: the machine's lock guards it.
#pragma once

#include "libs/abi/netdev.h"
#include "libs/virtio/device_mmio.h"

#define NET_DEVICE_MIN_FRAME 14u
#define NET_DEVICE_MTU 1500u
// With segmentation left to do; else it is the MTU's.
#define NET_DEVICE_MAX_FRAME NETDEV_GSO_MAX
// Receive buffers that one frame may be spread over: the largest over Linux's smallest.
#define NET_DEVICE_MAX_BUFFERS 48u

struct net_device_ops {
	// The guest sends a frame of `len` bytes (NET_DEVICE_MIN_FRAME to NET_DEVICE_MAX_FRAME).
	// Returns false when it has to stay in the guest's queue until net_device_resume. Else
	// `*out` is where it goes, with room for it, or NULL: it is dropped.
	bool (*buffer)(void *context, size_t len, uint8_t **out);
	// The frame is in the buffer that was given, and was judged: what is in it now does not
	// change any more. NULL: it was found to be none.
	void (*transmitted)(void *context, const struct msg_netdev_frame *frame);
	// A frame was refused for want of receive buffers; now there are some. May be NULL.
	void (*receive_ready)(void *context);
};

struct net_device {
	struct virtio_mmio_device mmio;
	const struct net_device_ops *ops;
	void *context;
	uint8_t mac[6];
	// Frames that were thrown away: of a length or with a header that we have not offered, or
	// as the owner wanted.
	uint64_t tx_dropped;
	// too large for the guest's buffers, of no length for a frame, or with work that it does
	// not take
	uint64_t rx_dropped;
	// Private.
	bool link_up;
	bool tx_held;
	bool rx_wanted;
	bool rx_again;  // the driver reset the device meanwhile
	struct device_chain tx_chain;
	struct device_chain rx_chain;  // the first of a frame: its header is written last
	struct device_chain rx_more;
};

// Sets the model up with its link down. The transport's mem, page, set_irq, notify_later,
// irq_context and irq, and `ops`, `context` and `mac` are set by the caller before.
void net_device_init(struct net_device *dev);
// Another MAC address, while the link is down: a driver that has started already does not look
// again.
void net_device_set_mac(struct net_device *dev, const uint8_t mac[6]);
// Plugs the cable in, or out: nothing is taken or given while it is out.
void net_device_set_link(struct net_device *dev, bool up);
// The NETDEV_FEATUREs that the guest takes. Returns false as long as it has not said so.
__must_check bool net_device_takes(const struct net_device *dev, uint32_t *features);
// Gives a frame to the guest; `frame` says what is left to do to `bytes`. Returns false when it has
// no buffers for it now (receive_ready comes); a frame that can never be received is dropped, and
// taken. net_device_flush has to follow, once a batch.
__must_check bool net_device_receive(struct net_device *dev, struct span bytes,
                                     const struct msg_netdev_frame *frame);
// Tells the guest of what it has received.
void net_device_flush(struct net_device *dev);
// ops->buffer has room again.
void net_device_resume(struct net_device *dev);
// Whether the guest has frames in its queue that the device would take now.
bool net_device_has_frames(const struct net_device *dev);
