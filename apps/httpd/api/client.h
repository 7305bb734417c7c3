// SPDX-License-Identifier: MIT
//
// A connection to a service that is made anew when its provider ends. Several resources have one.
#pragma once

#include "libs/starina/service.h"

struct httpd;

struct api_client {
	struct source source;  // its context is the httpd
	bool connected;
	// Private.
	struct service_client service;
	struct httpd *httpd;
	const struct source_ops *ops;
	const char *lacks;
};

// Connects to the service, if the image has it. `lacks` says what there is not when it cannot be
// waited for.
void api_client_start(struct httpd *httpd, struct api_client *client, const char *service,
                      const struct source_ops *ops, const char *lacks);
// The provider has ended: the channel is closed.
void api_client_lost(struct api_client *client);
// Connects again.
void api_client_again(struct api_client *client);
