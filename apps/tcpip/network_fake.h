// SPDX-License-Identifier: MIT
//
// The network around a TCP/IP server that is fuzzed: the switch, and hosts whose packets fit the
// server's state, nearly. Host 0 is beyond the uplink, 1 and 2 are virtual machines.
#pragma once

#include "apps/tcpip/tcpip.h"

// The switch's end of the channel to the server; HANDLE_NONE: there is none.
extern handle_t network_device;

// Before all others. Returns the connector that the server finds its switch by.
handle_t network_init(struct tcpip *server);
// Takes what the server sent: ARP requests are answered, DNS queries remembered. If it looks for a
// switch there is a fresh one.
void network_turn(void);

// A frame of any bytes with the NETDEV_FRAME_* `flags`, in a folio, or in its message if it fits.
void network_give_frame(const uint8_t *frame, size_t len, uint16_t flags, bool inline_frame);
// A segment that fits a connection, or opens one: the first byte has the flags, the second moves
// the sequence number, the third the acknowledgment, and the rest is data. `how` has its sender.
void network_give_tcp(uint8_t how, const uint8_t *data, size_t len);
void network_give_udp(unsigned who, uint16_t from, uint16_t to, const uint8_t *data, size_t len);
// A packet of the protocol in the first byte, with right checksums of IP and ICMP. An IPv4
// fragment, if `how` says so, at a place of the second.
void network_give_ipv4(uint8_t how, const uint8_t *data, size_t len);
void network_give_ipv6(uint8_t how, const uint8_t *data, size_t len);
// A DHCP answer to what was asked; the data are options.
void network_give_dhcp(uint8_t how, const uint8_t *data, size_t len);
// An answer to the last query: its id and question, and what the data say besides.
void network_give_dns(uint8_t how, const uint8_t *data, size_t len);
// The switch says that a virtual machine is gone.
void network_lose(unsigned who);
