// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "libs/abi/netdev.h"
#include "lwip/pbuf.h"

// Makes a MSG_NETDEV_FRAME of a frame: gathered once, into a folio of its own, or inline when it is
// small. The checksum of a TCP segment, which lwIP has left out, is computed here, or left to
// others when `partial` or when the frame is for a port of the switch. Errors: ERR_NO_MEMORY,
// ERR_LIMIT.
__must_check error_t frame_tx_message(struct message *m, const struct pbuf *p, bool partial);

// Where the TCP header of a frame of ours begins, of which `len` bytes are in hand; 0 when it has
// none.
size_t frame_tx_find_tcp(const uint8_t *frame, size_t len);
// Whether a frame is for a port of the switch.
bool frame_tx_is_for_port(const uint8_t *frame);
// Makes the checksum of a TCP segment, in one piece of frame->length bytes, that of the pseudo
// header, and the frame one that says so.
void frame_tx_leave_checksum(uint8_t *bytes, struct msg_netdev_frame *frame);
