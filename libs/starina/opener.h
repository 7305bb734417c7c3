// SPDX-License-Identifier: MIT
//
// Opens an object of a service by its URI, asynchronously.
#pragma once

#include "libs/starina/service.h"

#define OPENER_URI_MAX 192
#define OPENER_TEXT_MAX 128

struct opener {
	struct loop *loop;
	char uri[OPENER_URI_MAX];
	// The object's channel, which is the callback's; or HANDLE_NONE, with an error and the
	// service's words ("" if none).
	void (*done)(struct opener *opener, handle_t channel, error_t error, const char *text);
	void *context;
	// Private.
	handle_t connector;  // of its own: several openers may wait for one service to come back
	struct service_client client;
	struct source source;
	bool connected;
	uint32_t deaths;  // of the provider, while it was asked
};

// Opens `uri` at the service behind `connector` (not consumed), and again when the provider dies
// before it has answered. `done` may come from within this call.
void opener_start(struct opener *opener, struct loop *loop, handle_t connector, const char *uri,
                  void (*done)(struct opener *opener, handle_t channel, error_t error,
                               const char *text),
                  void *context);
// Gives up: `done` does not come. Without effect on one that is done, or was never started (when it
// was zeroed).
void opener_stop(struct opener *opener);
