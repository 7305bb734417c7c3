// SPDX-License-Identifier: MIT
//
// What virtio's header of a frame (virtio 1.2, section 5.1.6) says is left to do to it, and what a
// frame of the network device protocol says (struct msg_netdev_frame). A guest's header is taken by
// nobody's word: whoever fills in a checksum that lies elsewhere than in a TCP or UDP header would
// write where the guest wants it, over an address that was judged before.
#pragma once

#include <stdbool.h>

#include "libs/abi/netdev.h"
#include "libs/base/span.h"
#include "libs/virtio/spec.h"

// Below, a frame cut into segments is a flood; Linux sends none of less but to a peer that asks for
// it.
#define NET_GSO_SIZE_MIN 48u

// The NETDEV_FEATUREs that a driver with these virtio features takes.
uint32_t net_driver_takes(uint64_t driver_features);
// Reads the header of a frame of `len` bytes that the guest sends. Returns false when it asks for
// what it did not negotiate or what no frame of this length can have. The frame's own bytes are
// still to be judged, by net_frame_check.
__must_check bool net_header_read(const struct virtio_net_hdr *header, uint64_t driver_features,
                                  size_t len, struct msg_netdev_frame *out);
// Judges our copy of the frame against what is left to do to it: the checksum is that of a TCP or
// UDP header over IP, and segments are of at most `mtu` bytes of IP. Takes the GSO flag away from a
// frame that needs no cutting.
__must_check bool net_frame_check(struct span bytes, size_t mtu, struct msg_netdev_frame *frame);
// Writes the header of a frame for the guest, but for num_buffers. Returns false when the driver
// does not take such a one.
__must_check bool net_header_write(struct span bytes, const struct msg_netdev_frame *frame,
                                   uint64_t driver_features, struct virtio_net_hdr *out);
