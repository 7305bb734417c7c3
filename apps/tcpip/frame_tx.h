// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "libs/abi/message.h"
#include "lwip/pbuf.h"

// Makes a MSG_NETDEV_FRAME of a frame: gathered once, into a folio of its own, or inline when it is small. With `partial`, a
// TCP segment's checksum is left to whoever needs it. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t frame_tx_message(struct message *m, const struct pbuf *p, bool partial);
