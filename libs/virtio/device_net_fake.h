// SPDX-License-Identifier: MIT
//
// For the tests of the network card: its guest, and its owner, who takes frames.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/virtio/device_net.h"
#include "libs/virtio/device_test.h"

#define HEADER ((uint32_t)sizeof(struct virtio_net_hdr))
#define ALL_FEATURES                                                                              \
	(VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_MAC | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | \
	 VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 |             \
	 VIRTIO_NET_F_GUEST_TSO6)
// The offset in the guest's memory of the buffers that it offers, 2048 bytes from one to the next.
#define RX_DATA (TEST_BUFFERS + 32 * 1024u)

extern struct test_guest *guest;
extern struct net_device *dev;
// Where the owner takes frames: at once, when it has room, or not at all, when it drops them.
extern uint8_t room[NET_DEVICE_MAX_FRAME];
extern bool has_room, wants_drop;
// The guest offers one more frame for each that it sends.
extern bool refill;
// The last frame, and how many went to the owner, were refused, and how often the guest offered
// buffers that were waited for.
extern struct msg_netdev_frame sent;
extern uint32_t num_sent, num_refused, num_ready;

// Around each test, as cmocka calls them: a card with all features whose link is up.
int setup(void **state);
// See setup.
int teardown(void **state);

#define net_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// The guest sends the frame of `len` bytes that lies in its memory behind the header, after this
// header.
void guest_send_header(uint32_t len, const struct virtio_net_hdr *header);
// The guest sends a frame of `len` bytes that count up from 0.
void guest_send(uint32_t len, uint8_t flags, uint8_t gso_type);
// The guest offers `count` buffers of `len` bytes.
void offer_buffers(uint32_t count, uint32_t len);
// A frame comes for the guest. Returns false when it has to wait.
bool receive_frame(const uint8_t *bytes, const struct msg_netdev_frame *frame);
// The same with `len` bytes that count up from 1.
bool receive(size_t len);
