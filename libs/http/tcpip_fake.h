// SPDX-License-Identifier: MIT
//
// tcpip for fuzzers of an HTTP server over system_fake.h, and who connects to the server.
#pragma once

#include "libs/starina/system_fake.h"

// tcpip, which lives again as soon as the server asks at `connector`: it takes the open request and
// gives a listener.
void tcpip_fake_serve(handle_t connector);
// The other end of the connection that the server has opened last ("tcp:..."), which is the
// caller's; HANDLE_NONE: none since the last call.
handle_t tcpip_fake_reached(void);
// The listener goes; with `whole` all of tcpip does.
void tcpip_fake_restart(bool whole);
// A client connects, if `*client` is none yet and the server listens.
void tcpip_fake_connect(handle_t *client);
// The peer at `end` says these bytes; HANDLE_NONE: there is none.
void tcpip_fake_say(handle_t end, const void *bytes, size_t len);
// As bytes that lie somewhere in a folio, of which the message may lie.
void tcpip_fake_say_folio(handle_t end, const uint8_t *bytes, size_t len, uint8_t how);
// The peer takes all that came, and says so where it is asked.
void tcpip_fake_drain(handle_t end);
