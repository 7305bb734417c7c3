// SPDX-License-Identifier: MIT
//
// Driver of the network device (virtio 1.2, 5.1): the "netdev" service. main.c has the device and
// the service, rx.c and tx.c the two directions. All state is in one struct.
#pragma once

#include "libs/abi/netdev.h"
#include "libs/offload/offload.h"
#include "libs/starina/loop.h"
#include "libs/starina/service.h"
#include "libs/virtio/mmio.h"

#define RING_SIZE 256u
// Each frame takes two descriptors, for its virtio header and for itself.
#define RX_BUFFERS (RING_SIZE / 2)
#define TX_SLOTS (RING_SIZE / 2)

// Frames that are made here, of large ones, have the usual MTU.
#define SEGMENTS_MTU 1500u
#define FRAME_OVERHEAD 18u  // Ethernet header and a VLAN tag, over the MTU
#define WORD 8u

// What a slot of tx_area holds: the virtio header, and the frame when it came inline or is a
// segment of a large one.
struct tx_area {
	struct virtio_net_hdr header;
	uint8_t frame[SEGMENTS_MTU + FRAME_OVERHEAD + WORD + 2];  // a multiple of 4 in all
};

// A page that received frames go to.
struct rx_buffer {
	handle_t folio;
	uint64_t paddr;
	const uint8_t *bytes;  // where it is mapped, once a frame was copied from it
};

struct tx_slot {
	handle_t folio;  // HANDLE_NONE: the frame is in the slot's tx_area
	struct tx_slot *next_free;
};

struct net {
	struct loop loop;
	struct virtio_device device;
	struct source interrupt;
	struct service_listener listener;
	struct source client;  // handle is HANDLE_NONE while there is none
	handle_t next_client;  // connected while the one before was not seen to be gone yet
	struct msg_netdev_info info;
	// of those in `info`, what the device does; the rest is done here
	uint32_t device_features;

	struct virtqueue rx;
	struct dma_buffer rx_headers;  // struct virtio_net_hdr[RX_BUFFERS]
	struct rx_buffer rx_buffers[RX_BUFFERS];
	struct source rx_again;  // event: the turn's budget was used up
	struct message rx_held;  // the client's queue was full
	bool rx_holds;
	uint64_t rx_dropped;

	struct virtqueue tx;
	struct dma_buffer tx_areas;  // struct tx_area[TX_SLOTS]
	struct tx_slot tx_slots[TX_SLOTS];
	struct tx_slot *tx_free;
	bool tx_full;
	// A large frame that is being cut into segments, as slots come free. The client's messages
	// wait meanwhile.
	bool tx_cutting;
	struct segmenter tx_segments;
	handle_t tx_large;
	uint32_t tx_folios;      // with the device
	struct source tx_timer;  // to take the last of a burst back
	bool tx_timer_set;
};

// Ends the app (it will be restarted): the device broke its rules.
_Noreturn void net_fail(struct net *net, const char *why);

// Makes the buffers and gives them to the device. Errors: dma_alloc's, folio_create's, loop_add's.
__must_check error_t rx_init(struct net *net);
// Takes what was received and sends it to the client, as long as its queue has room.
void rx_poll(struct net *net);
// The client has room again.
void rx_resume(struct net *net);
// The client is gone: what was held for it goes.
void rx_drop_held(struct net *net);

// Errors: dma_alloc's, timer_create's, loop_add's.
__must_check error_t tx_init(struct net *net);
// Queues a frame message of the client for the device; consumes its handles. Stops the client's
// messages when there is no room for more.
void tx_frame(struct net *net, struct message *m);
// The client is gone: the rest of a large frame goes.
void tx_drop_large(struct net *net);
// Shows the device what was queued.
void tx_kick(struct net *net);
// Takes back what the device has sent, closes its folios and lets the client go on.
void tx_reclaim(struct net *net);
