// SPDX-License-Identifier: MIT
//
// One connection of a server: requests come in, one exchange at a time is answered. Of its files
// each knows those before it: output.c (messages, and what of them the channel has no room for),
// flow.c (how much is on its way), response.c (heads and bodies), input.c (gate, requests and
// bodies), connection.c (its life), handler.c and stream.c (what the handler asks for). Private to
// libs/http.
//
// While nothing is held of the peer's bytes, the next message is taken, whatever the state: so its
// end and its reset are noticed. What cannot be used yet is held, one message at most. Output that
// the channel has no room for waits in `unsent`.
#pragma once

#include "libs/http/chunked.h"
#include "libs/http/exchange.h"
#include "libs/starina/payload.h"

enum http_state {
	HTTP_STATE_GATE,      // reading the secret
	HTTP_STATE_HEAD,      // reading a head
	HTTP_STATE_BODY,      // reading a body
	HTTP_STATE_RESPONSE,  // all read; the response is not finished
	HTTP_STATE_STREAM,    // the handler has taken the connection over
};

struct http_connection {
	struct http_service *service;
	struct list entry;  // in the service's connections
	struct source channel;
	enum http_state state;
	bool keep_alive;
	bool started;  // the response's head was sent
	bool in_exchange;
	bool refused;        // the exchange is ours, not the handler's
	bool chunked;        // the request's body
	bool paused;         // the handler does not take the body now
	bool owes_continue;  // the client waits for "100 Continue"
	bool old_client;     // HTTP/1.0: knows no chunks
	bool peer_ended;     // its direction
	bool told_end;       // ... and the handler knows
	bool out_ended;      // our direction
	bool dead;           // to be destroyed once no callback of it is running
	unsigned busy;       // callbacks running
	unsigned idle_ticks;
	struct http_exchange exchange;
	uint64_t body_left;
	struct http_chunked chunks;
	// A head that has not come to its end, or what there is of the secret.
	uint8_t *head;  // HTTP_MAX_HEAD bytes; NULL: nothing of one has come
	size_t head_len;
	// A body that is collected.
	bool collects;
	bool too_large;  // more than the handler takes: the rest is dropped
	uint8_t *collected;
	size_t collected_len, collected_room, collect_limit;
	// Input that is not used yet: `rest`, in the payload, in the message in hand, or in `kept`,
	// where what is left of a message goes.
	struct payload held;
	struct span rest;
	uint8_t *kept;
	struct list unsent;
	// How much of what was sent the peer has let go of: see flow.h.
	struct source taken;  // an event; its `ops` are set from the start
	bool has_taken;
	bool waits_for_taken;
	unsigned untaken;   // responses since it was asked for
	size_t sent_bytes;  // the same in bytes
	unsigned received;  // messages of the peer's, since the window was widened
};
