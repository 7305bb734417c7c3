// SPDX-License-Identifier: MIT
//
// The network device service ("netdev"), provided by virtio_net and used by tcpip. On a fresh connection the
// device sends netdev_info first; then frames go both ways until one side closes.
#pragma once

#include "libs/abi/message.h"

#define NETDEV_FEATURE_TX_CSUM (1u << 0)  // the device fills L4 checksums of sent frames
#define NETDEV_FEATURE_RX_CSUM (1u << 1)  // received frames may say that their checksum was verified

struct msg_netdev_info {
	uint8_t mac[6];
	uint16_t mtu;
	uint32_t features;
};

#define NETDEV_FRAME_CSUM_VERIFIED (1u << 0)
#define NETDEV_FRAME_NEEDS_CSUM (1u << 1)  // checksum from csum_start to the end goes to csum_start + csum_offset

// An Ethernet frame, in the range [offset, offset + length) of the folio that is the message's one handle, or
// inline as the tail when there is no handle and it fits.
struct msg_netdev_frame {
	uint32_t offset;
	uint32_t length;
	uint16_t flags;
	uint16_t csum_start;   // from the start of the frame
	uint16_t csum_offset;
	uint16_t reserved;
	// tail: the frame, when there is no handle
};

#define NETDEV_MESSAGES(X)                                                                         \
	X(NETDEV_INFO, netdev_info, 32, 0)                                                         \
	X(NETDEV_FRAME, netdev_frame, 33, 1)

enum { NETDEV_MESSAGES(MESSAGE_NUMBER) };
NETDEV_MESSAGES(MESSAGE_DECODER)
NETDEV_MESSAGES(MESSAGE_ENCODER)
