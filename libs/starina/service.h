// SPDX-License-Identifier: MIT
//
// Services, both sides: accepting connections, connecting to a provider that may restart at any
// time, and the open request that most services start with.
#pragma once

#include "libs/starina/loop.h"

// --- Provider ---

// Accepts the connections of a service. Storage is the caller's.
struct service_listener {
	// A client connected: `channel` is the callback's.
	void (*accepted)(void *context, handle_t channel);
	void *context;
	// Private.
	struct source source;
};

// Calls `accepted` for each connection to `service` (the environment's handle, not consumed).
// Errors: as loop_add's.
__must_check error_t service_listen(struct loop *loop, struct service_listener *listener,
                                    handle_t service,
                                    void (*accepted)(void *context, handle_t channel),
                                    void *context);

// --- Client ---

// A connection to a service that is made anew as long as the app wants. Storage is the caller's.
struct service_client {
	// Connected: `channel` is the callback's.
	void (*connected)(void *context, handle_t channel);
	void *context;
	// Private.
	struct loop *loop;
	handle_t connector;
	struct source source;  // watches the connector while the provider is not ready
};

// Connects to the service behind `connector` (not consumed) as soon as its provider is ready: from
// within this call, or later from the loop. Errors: as loop_add's.
__must_check error_t service_client_start(struct loop *loop, struct service_client *client,
                                          handle_t connector,
                                          void (*connected)(void *context, handle_t channel),
                                          void *context);
// Once more, after the channel was lost. Errors: as loop_add's.
__must_check error_t service_client_again(struct service_client *client);
// Stops trying.
void service_client_stop(struct service_client *client);

// Connects, and waits until `deadline` (CLOCK_MONOTONIC) for the provider. Blocks. Errors:
// ERR_TIMED_OUT, service_connect's.
__must_check error_t service_connect_wait(handle_t connector, nsec_t deadline, handle_t *out);

// --- The open request ---

// Asks for the object that `uri` names. Errors: ERR_TOO_LARGE, channel_send's.
__must_check error_t open_send(handle_t channel, uint32_t id, const char *uri);
// The request, answered: `object` is the new channel's handle, consumed on success only. Errors:
// channel_send's.
__must_check error_t open_reply_send(handle_t channel, uint32_t id, handle_t object);
// Any request, refused, with a text for people (may be NULL; cut when too long). Errors:
// channel_send's.
error_t error_send(handle_t channel, uint32_t id, error_t error, const char *text);
// Asks for `uri` over a fresh channel and waits for the answer until `deadline`. Blocks; for
// start-up and tests: other messages of the channel are discarded. Errors: ERR_TIMED_OUT,
// ERR_PEER_CLOSED, what the provider answered.
__must_check error_t open_wait(handle_t channel, const char *uri, nsec_t deadline, handle_t *out);
// Receives a message, waiting until `deadline`. Blocks. Errors: ERR_TIMED_OUT, channel_recv's but
// ERR_EMPTY.
__must_check error_t recv_wait(handle_t channel, nsec_t deadline, struct message *m);
// Waits until one of `interest` (READY_*) is there. Blocks. Errors: ERR_TIMED_OUT, poll_add's.
__must_check error_t handle_wait(handle_t h, uint32_t interest, nsec_t deadline);
