// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "libs/abi/message.h"
#include "lwip/pbuf.h"

// Makes a MSG_NETDEV_FRAME of a frame: gathered once, into a folio of its own, or inline when it is small. The checksum of a TCP
// segment, which lwIP has left out, is computed here, or left to others when `partial` or when the frame is for a port of the switch.
// Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t frame_tx_message(struct message *m, const struct pbuf *p, bool partial);
