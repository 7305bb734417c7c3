// SPDX-License-Identifier: MIT
#pragma once

#include "guest/bootd/control_session.h"

// Does what a request asks and replies, with an error where it comes at the wrong time, is unknown
// or has a body of a wrong length. `body` has the length that the header says.
void control_request(struct session *session, const struct control_header *request,
                     const uint8_t *body);
