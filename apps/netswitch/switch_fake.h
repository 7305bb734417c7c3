// SPDX-License-Identifier: MIT
//
// A switch with its ports for the tests, over fakes of channels, folios and the clock. After each
// test nothing may be left.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "apps/netswitch/switch.h"

#define CHANNELS 40
// Messages that wait in a channel.
#define CAPACITY 128
// Channels of the ports.
#define UPLINK 1
#define OWN 2
#define VM 3  // and those after it
#define TAKES_ALL (NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6)

struct fake_shared {
	size_t handles;   // to the same bytes
	uint8_t *frozen;  // how they were when the folio was duplicated; NULL: it was not
};
struct fake_folio {
	uint8_t *bytes;  // NULL: a free handle
	size_t size;
	struct fake_shared *shared;
	rights_t rights;
};

// What the switch has sent on a channel, and what it waits for.
struct fake_channel {
	struct message queue[CAPACITY];
	size_t len;
	bool gone;
	struct source *source;
	bool wants_messages;
	bool wants_writable;
};

extern struct fake_channel channels[CHANNELS];
extern nsec_t now;
extern struct netswitch sw;
extern const uint8_t own_mac[6];
// A machine beyond the uplink.
extern const uint8_t far_mac[6];
extern const uint8_t everybody[6];

// Around each test, as cmocka calls them: a switch with its uplink and our own stack, which has no
// network yet.
int setup(void **state);
// See setup.
int teardown(void **state);

#define switch_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// What a handle names.
struct fake_folio *folio_of(handle_t h);
// Handles of folios that are open.
size_t folio_handles(void);
// Our own stack tells the switch its network.
void give_network(void);
// A channel's peer takes all that waits in it.
void drain(handle_t channel);
// A channel's peer closes it.
void leave(handle_t channel);
// A channel's peer sends `m`.
void say(handle_t channel, struct message *m);
// A virtual machine asks for a port with the address 10.0.2.`host` (0: any).
struct port *join(handle_t channel, uint32_t features, uint8_t host);
// A virtual machine that has its port.
struct port *vm(handle_t channel, uint32_t features);
// What waits in a channel, and is all: 0 for a port, the error otherwise.
error_t answer(handle_t channel);
// An IPv4 packet of `len` bytes as a frame; in a folio when it is large.
struct message frame(const uint8_t *to, const struct port *from, size_t len,
                     struct msg_netdev_frame meta);
// Such a frame without offloads arrives on the port `from`.
void forward(struct port *from, const uint8_t *to, size_t len);
