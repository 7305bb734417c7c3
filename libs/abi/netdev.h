// SPDX-License-Identifier: MIT
//
// Network devices and the switch: Ethernet frames over a channel.
//
// "netdev" (virtio_net): a network card. It sends netdev_info on a fresh connection; then frames go
// both ways. "ethernet" (netswitch): the OS's own port of the switch; used by tcpip. The same as
// netdev, and the client may say netdev_accept
//   and netdev_network, and is told which virtual machines are gone (netdev_gone).
// "vmnet" (netswitch): a guarded port for a virtual machine. The client says netdev_join; the
// switch answers netdev_port, once
//   it knows the network, or error; then frames go both ways, and the client may say netdev_accept.
//   Closing the channel gives the
//   port's addresses back. A port whose client says netdev_networks, before netdev_join or later,
//   is in these networks only; others are on the default network, and reach the uplink.
#pragma once

#include <stdbool.h>

#include "libs/abi/message.h"

// What the receiver of frames takes. In netdev_info and netdev_port: what the device or the switch
// takes; in netdev_accept and netdev_join: what the client takes. Nothing is taken that was not
// said.
#define NETDEV_FEATURE_TX_CSUM (1u << 0)  // frames with NETDEV_FRAME_NEEDS_CSUM
// netdev_info only: received frames may be NETDEV_FRAME_CSUM_VERIFIED
#define NETDEV_FEATURE_RX_CSUM (1u << 1)
// frames with NETDEV_FRAME_GSO_TCP4 of up to NETDEV_GSO_MAX bytes (with or without TX_CSUM)
#define NETDEV_FEATURE_TSO4 (1u << 2)
#define NETDEV_FEATURE_TSO6 (1u << 3)

// The largest frame with a GSO flag: an IP packet's 65,535 bytes and the Ethernet header.
#define NETDEV_GSO_MAX (65535u + 14u)

// What the MAC addresses of the switch's ports begin with. A frame to one of them may have
// NEEDS_CSUM and a GSO flag in any case: the switch does the work for those that do not take it.
#define NETDEV_PORT_MAC_0 0x02u
#define NETDEV_PORT_MAC_1 0x53u
// What those of QEMU's user network begin with: its router and its servers.
#define NETDEV_ROUTER_MAC_0 0x52u
#define NETDEV_ROUTER_MAC_1 0x55u

#define NETDEV_MAC_LEN 6u

struct msg_netdev_info {
	uint8_t mac[NETDEV_MAC_LEN];
	uint16_t mtu;
	uint32_t features;
};

#define NETDEV_FRAME_CSUM_VERIFIED (1u << 0)
// checksum from csum_start to the end goes to csum_start + csum_offset
#define NETDEV_FRAME_NEEDS_CSUM (1u << 1)
// A TCP segment to be cut into ones of gso_size bytes of payload; always with NEEDS_CSUM. The IP
// header's length is that of the whole.
#define NETDEV_FRAME_GSO_TCP4 (1u << 2)
#define NETDEV_FRAME_GSO_TCP6 (1u << 3)

// To "ethernet" only: the frame comes from a virtual machine's port, whose MAC address is its
// source. The switch alone says so.
#define NETDEV_FRAME_OF_PORT (1u << 4)

// An Ethernet frame, in the range [offset, offset + length) of the folio that is the message's one
// handle, or inline as the tail when there is no handle and it fits.
struct msg_netdev_frame {
	uint32_t offset;
	uint32_t length;
	uint16_t flags;
	uint16_t csum_start;  // from the start of the frame
	uint16_t csum_offset;
	uint16_t gso_size;  // bytes of payload; 0 without a GSO flag

	// tail: the frame, when there is no handle
};

// What this client takes, from now on.
struct msg_netdev_accept {
	uint32_t features;
};

// Addresses are in network order; all zero: none.
struct netdev_network {
	uint8_t address[4];  // of the one that is told: tcpip's own, or the port's
	uint8_t gateway[4];
	uint8_t dns[2][4];
	uint32_t prefix_len;
};

// From tcpip to the switch: the network that it is in, now and whenever that changes.
struct msg_netdev_network {
	struct netdev_network network;
};

struct msg_netdev_join {
	uint32_t features;
	uint8_t address[4];  // wanted; all zero: any of the pool
};

// The port is up: who the virtual machine is. It may send from these addresses only, and from IPv6
// addresses whose interface identifier is made of the MAC address (RFC 4291, appendix A).
struct msg_netdev_port {
	uint8_t mac[NETDEV_MAC_LEN];
	uint16_t mtu;
	uint32_t features;
	struct netdev_network network;
};

// What a virtual machine reaches by the address that the switch gave it.
#define NETDEV_REACH_UPLINK (1u << 0)  // our own TCP/IP, and what is beyond the uplink
#define NETDEV_REACH_BRIDGE (1u << 1)  // others on the default network

#define NETDEV_NETWORKS_MAX 16u

// A network that a virtual machine is in, and its address there. Addresses are one machine's in
// their network, and no network's addresses are another's or the uplink's.
struct netdev_membership {
	uint32_t network;  // its number; 0: none, the entry is not used
	uint8_t address[4];
	uint8_t prefix_len;
	uint8_t reserved[3];
};

struct netdev_networks {
	uint32_t reach;  // NETDEV_REACH_*
	// Of the port, and of no other any more. All zero: the switch's choice.
	uint8_t mac[NETDEV_MAC_LEN];
	uint8_t reserved[2];
	struct netdev_membership entries[NETDEV_NETWORKS_MAX];
};

// Whether it is one: all zero is none.
static inline bool netdev_mac_is_set(const uint8_t mac[NETDEV_MAC_LEN])
{
	return (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) != 0;
}

// Whether a port may have one that it asks for: no group's, and none that the switch gives out with
// IP addresses, or that leads to the uplink.
static inline bool netdev_mac_is_free(const uint8_t mac[NETDEV_MAC_LEN])
{
	return netdev_mac_is_set(mac) && (mac[0] & 1) == 0 &&
		!(mac[0] == NETDEV_PORT_MAC_0 && mac[1] == NETDEV_PORT_MAC_1) &&
		!(mac[0] == NETDEV_ROUTER_MAC_0 && mac[1] == NETDEV_ROUTER_MAC_1);
}

// Frames go between two virtual machines only in a network that both are in. Whatever the port
// reaches, it may ask our own TCP/IP for names (port 53). After netdev_join our own address is told
// as the server of names. What another port has of the addresses that are told here it has no more.
struct msg_netdev_networks {
	struct netdev_networks networks;
};

// To "ethernet": a virtual machine's port is gone, or called otherwise, and nobody has these
// addresses any more. All its frames came before this.
struct msg_netdev_gone {
	uint8_t mac[NETDEV_MAC_LEN];
	uint8_t reserved[2];
	uint8_t address[4];
};

#define NETDEV_MESSAGES(X)                             \
	X(NETDEV_INFO, netdev_info, 32, 0, NONE)       \
	X(NETDEV_FRAME, netdev_frame, 33, 1, BYTES)    \
	X(NETDEV_ACCEPT, netdev_accept, 34, 0, NONE)   \
	X(NETDEV_NETWORK, netdev_network, 35, 0, NONE) \
	X(NETDEV_JOIN, netdev_join, 36, 0, NONE)       \
	X(NETDEV_PORT, netdev_port, 37, 0, NONE)       \
	X(NETDEV_GONE, netdev_gone, 38, 0, NONE)       \
	X(NETDEV_NETWORKS, netdev_networks, 39, 0, NONE)

enum { NETDEV_MESSAGES(MESSAGE_NUMBER) };
NETDEV_MESSAGES(MESSAGE_DECODER)
NETDEV_MESSAGES(MESSAGE_ENCODER)
