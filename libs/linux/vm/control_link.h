// SPDX-License-Identifier: MIT
//
// The VMM's end of the control protocol with bootd (libs/linux/vm/bootd_protocol.h): frames out of
// a byte stream and into one. The guest is hostile: a frame that breaks the rules ends the VM.
#pragma once

#include "libs/base/span.h"
#include "libs/linux/vm/bootd_protocol.h"

#define CONTROL_LINK_MAX_BODY (16u * 1024)
_Static_assert(CONTROL_LINK_MAX_BODY == CONTROL_MAX_EVENT_BODY, "what bootd may send");
// What a guest may leave unread: a start, the input of all processes, and many small requests.
#define CONTROL_LINK_MAX_PENDING \
	((size_t)2 * CONTROL_MAX_BODY + (size_t)2 * CONTROL_MAX_ADDED * CONTROL_WINDOW)

// Of a text to show.
#define CONTROL_TEXT_MAX 200u

struct control_link {
	// A whole frame arrived; `body` is valid until the callback returns. An error ends the
	// stream.
	error_t (*frame)(void *context, const struct control_header *header, struct span body);
	void *context;
	// Private.
	uint8_t *tx;  // heap; [tx_sent, tx_len) waits to be sent
	size_t tx_len;
	size_t tx_sent;
	size_t tx_capacity;
	uint32_t last_request;
	uint32_t last_reply;  // the request that was answered last
	size_t rx_len;
	uint8_t rx[sizeof(struct control_header) + CONTROL_LINK_MAX_BODY];
};

// An idle link; `frame` is called for each whole frame received, and its error ends the link.
void control_link_init(struct control_link *link,
                       error_t (*frame)(void *context, const struct control_header *header,
                                        struct span body),
                       void *context);
// Frees what waits to be sent.
void control_link_deinit(struct control_link *link);
// Queues a request with a body of `fixed` followed by `tail`, and writes its number. Errors:
// ERR_TOO_LARGE (over CONTROL_MAX_BODY), ERR_LIMIT (the guest does not
// read), ERR_NO_MEMORY.
__must_check error_t control_link_request(struct control_link *link, enum control_type type,
                                          uint32_t process, struct span fixed, struct span tail,
                                          uint32_t *request);
// The same of a frame that nobody answers: those of streams.
__must_check error_t control_link_frame(struct control_link *link, enum control_type type,
                                        uint32_t process, struct span fixed, struct span tail);
// What waits to be sent, and that the first `len` bytes of it were.
struct span control_link_pending(const struct control_link *link);
void control_link_sent(struct control_link *link, size_t len);
// Takes bytes of the stream. Errors: ERR_PROTOCOL (no frame, or a reply to no request or to one
// that has its reply), `frame`'s; the stream cannot be followed any more then.
__must_check error_t control_link_receive(struct control_link *link, struct span bytes);
// The text for people in a frame of the guest's: its beginning, with '?' for what a terminal would
// not show but obey.
void control_text(char out[static CONTROL_TEXT_MAX], struct span text);
// A negative errno as people know it. The guest says any number.
int control_linux_error(int32_t status);
