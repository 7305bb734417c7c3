// SPDX-License-Identifier: MIT
//
// A virtual machine's port at the switch, and frames for it: the tests play the VMM, so that they
// can send what no decent guest would.
#pragma once

#include "apps/autotest/devices/devices.h"
#include "libs/abi/netdev.h"
#include "libs/base/span.h"

#define FRAME_MAX 6000u
#define ALL_FEATURES (NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6)

struct switch_port {
	handle_t channel;
	struct msg_netdev_port port;
};

// One frame that is being made (frame_writer.len bytes so far) or was received.
extern uint8_t frame[FRAME_MAX];
extern struct writer frame_writer;
// What came with the received one.
extern struct msg_netdev_frame frame_meta;
extern const uint8_t frame_broadcast[6];

// --- Ports ---

// Joins, wanting `address` (all zero: any); returns the switch's answer. The channel is open in any
// case.
__must_check error_t port_try_join(struct autotest *t, struct switch_port *vm,
                                   const uint8_t address[4], uint32_t features);
// The same, which has to succeed.
struct switch_port port_join(struct autotest *t, const uint8_t address[4], uint32_t features);
// Sends the frame, with what its header says.
void port_send_as(struct autotest *t, const struct switch_port *vm, struct msg_netdev_frame meta);
// Sends the frame.
void port_send(struct autotest *t, const struct switch_port *vm);
// Receives a frame. Errors: recv_wait's.
__must_check error_t port_recv(const struct switch_port *vm, nsec_t deadline);
// Receives until an ARP reply from `ip` comes; its MAC address goes to `mac`.
__must_check bool port_resolve(struct autotest *t, const struct switch_port *vm, const uint8_t *ip,
                               uint8_t mac[6]);
// Asks for the MAC address of `ip` again and again, for who has it may be on its way back.
__must_check bool port_resolve_in_time(struct autotest *t, const struct switch_port *vm,
                                       const uint8_t *ip);
// The port's IPv6 address with prefix fe80::/64.
void port_link_local(const struct switch_port *vm, uint8_t out[16]);

// --- Frames ---

// Begins a frame with its Ethernet header.
void frame_begin(const uint8_t *to, const uint8_t *from, uint16_t type);
// ARP (RFC 826).
void frame_arp(const struct switch_port *vm, uint16_t operation, const uint8_t *sender_mac,
               const uint8_t *sender_ip, const uint8_t *target_ip);
// An ICMP echo request (RFC 792).
void frame_echo_request(const struct switch_port *vm, const uint8_t *to_mac, const uint8_t *to_ip,
                        size_t payload);
// A UDP datagram to all.
void frame_udp(const struct switch_port *vm, const uint8_t *from_ip, uint16_t from_port,
               uint16_t to_port);
// An IPv6 packet with an ICMPv6 message about `target`, to all nodes.
void frame_icmpv6(const struct switch_port *vm, const uint8_t *from_ip, uint8_t type,
                  const uint8_t *target);
// A TCP segment of `payload` bytes that leaves cutting and checksums to others; returns its header.
struct msg_netdev_frame frame_large_segment(const struct switch_port *from,
                                            const struct switch_port *to, size_t payload);
