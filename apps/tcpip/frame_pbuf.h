// SPDX-License-Identifier: MIT
#pragma once

#include "libs/abi/handle.h"
#include "lwip/pbuf.h"

// A pbuf over [offset, offset + length) of a received folio. Consumes the handle, on failure too.
// NULL when the range is not in the folio or memory is out.
struct pbuf *frame_pbuf_make(handle_t folio, uint32_t offset, uint32_t length);
// The folio that `p` lies in, when nobody else refers to the pbuf, and where in it its payload is;
// else HANDLE_NONE. The pbuf keeps the folio.
handle_t frame_pbuf_folio(const struct pbuf *p, uint32_t *offset);
// The folio of `p` is somebody else's from now on: freeing the pbuf does not close it.
void frame_pbuf_forget_folio(struct pbuf *p);
