// SPDX-License-Identifier: MIT
//
// The network card of a VM between a hand-written guest and a hand-written switch: the kernel and
// the machine are fakes.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/linux/vm/vm_net.h"
#include "libs/virtio/device_test.h"

#define HEADER ((uint32_t)sizeof(struct virtio_net_hdr))
#define FOLIOS 8
#define SENT_MAX 16u
// The offset in the guest's memory of the buffer that it offers.
#define RX_DATA (TEST_BUFFERS + 32 * 1024u)
#define OFFLOADS                                                               \
	(VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | \
	 VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6)

extern struct test_guest *guest;
extern struct vm_net *net;
extern struct loop loop;
// The switch takes what it is sent, and nothing of it is kept.
extern bool forgets_sent;
// The deadline of the card's timer.
extern nsec_t timer;
// The bytes of folios, which have handles 1 to FOLIOS.
extern void *folios[FOLIOS + 1];
// What the card sent to the switch.
extern struct message sent[SENT_MAX];
// Messages in `sent`, connections to a switch, and times that the owner heard of the network, the
// last time well or not.
extern uint32_t num_sent, num_connects, num_settled;
extern bool settled_well;
// What sending and making a folio fail with; 0: they do not.
extern error_t send_error, folio_error;
// What the card waits for on its port.
extern bool wants_writable, wants_messages;
// A switch's answer to a JOIN.
extern const struct msg_netdev_port port;

// Around each test, as cmocka calls them: a card that has asked to join.
int setup(void **state);
// See setup. Fails when anything is left.
int teardown(void **state);

#define net_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// Folios that are open.
uint32_t open_folios(void);
// The switch sends a message.
void switch_sends(struct message *m);
// The switch answers JOIN.
void switch_answers(const struct msg_netdev_port *answer);
// The switch answers JOIN with an error.
void switch_refuses(void);
// The switch sends a frame of `len` bytes that count up from 1, inline or in a folio.
void switch_sends_frame(uint32_t len);
// The guest's driver comes up with these features and mergeable buffers.
void guest_starts(uint64_t features);
// The guest sends a frame of `len` bytes that count up from 0.
void guest_sends(uint32_t len);
// The guest offers a buffer of 2048 bytes at RX_DATA.
void guest_offers_buffer(void);
// What the guest sees of its link.
bool link_is_up(void);
// Expects that this message was a JOIN that wants `address`.
void expect_join(uint32_t index, const char *address);
