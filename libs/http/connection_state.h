// SPDX-License-Identifier: MIT
//
// One connection of a server: requests come in, one exchange at a time is answered. Of its files
// each knows those before it: output.c (messages, and what of them the channel has no room for),
// response.c (heads and bodies), connection.c (what comes in, and its life), handler.c (what the
// handler asks for). Private to libs/http.
//
// Input is taken from the channel only as far as it can be used: while a response is unfinished and
// its request is all read, what came of the next request waits in `held`. Output that the channel
// has no room for waits in `unsent`.
#pragma once

#include "libs/http/chunked.h"
#include "libs/http/exchange.h"
#include "libs/starina/payload.h"

// So many responses may be on their way into the network. The next request is read once all of
// them are out of the channel: else a peer that asks and does not read would have a channel full of
// pages, as often as it has connections.
#define HTTP_MAX_UNTAKEN 4u
// Messages of the peer's that may wait in the channel, while requests are not read either.
#define HTTP_WINDOW 16u

enum http_state {
	HTTP_STATE_HEAD,      // reading a head
	HTTP_STATE_BODY,      // reading a body
	HTTP_STATE_RESPONSE,  // all read; the response is not finished
};

struct http_connection {
	struct http_service *service;
	struct list entry;  // in the service's connections
	struct source channel;
	enum http_state state;
	bool keep_alive;
	bool started;  // the response's head was sent
	bool in_exchange;
	bool refused;     // the exchange is ours, not the handler's
	bool chunked;     // the request's body
	bool paused;      // the handler does not take the body now
	bool old_client;  // HTTP/1.0: knows no chunks
	bool peer_ended;
	bool dead;      // to be destroyed once no callback of it is running
	unsigned busy;  // callbacks running
	unsigned idle_ticks;
	struct http_exchange exchange;
	uint64_t body_left;
	struct http_chunked chunks;
	size_t head_len;
	struct payload held;  // input that is not used yet: `rest` of it
	struct span rest;
	uint8_t held_inline[MESSAGE_MAX_DATA];
	struct list unsent;
	// How much of what was sent the peer has let go of: see HTTP_MAX_UNTAKEN.
	struct source taken;  // an event
	bool has_taken;
	bool waits_for_taken;
	unsigned untaken;
	unsigned received;  // messages of the peer's, since the window was widened
	uint8_t head[HTTP_MAX_HEAD];
};
