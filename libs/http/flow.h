// SPDX-License-Identifier: MIT
//
// How much is on its way: messages of the peer's that may wait in the channel (MSG_WINDOW), and
// what of ours the network has not taken from it (MSG_SYNC, libs/abi/tcpip.h). Private to
// libs/http.
#pragma once

#include "libs/http/connection_state.h"

// So many responses may be on their way into the network. The next request is read once all of
// them are out of the channel: else a peer that asks and does not read would have a channel full of
// pages, as often as it has connections.
#define HTTP_MAX_UNTAKEN 4u
// So many bytes of bodies and streams may be.
#define HTTP_SEND_WINDOW (128u * 1024)
// Messages of the peer's that may wait in the channel, while requests are not read either.
#define HTTP_WINDOW 16u

// At the start: the peer may send.
void http_flow_open(struct http_connection *c);
// A message of the peer's was taken from the channel.
void http_flow_received(struct http_connection *c);
// A response is finished, and another request may follow.
void http_flow_response_done(struct http_connection *c);
// A piece of a body was sent.
void http_flow_sent(struct http_connection *c);
// Whether more bytes may be sent. If not, `taken` is signalled when they may.
bool http_flow_has_room(const struct http_connection *c);
