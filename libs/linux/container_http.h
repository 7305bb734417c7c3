// SPDX-License-Identifier: MIT
//
// Requests to a native HTTP server that a container answers. Apps that use it link libs/http, too.
#pragma once

#include "libs/http/handler.h"
#include "libs/linux/container.h"

// Hands the exchange over to the HTTP server on `port` of the container; called from the handler's
// `request` and nowhere else. Request and response stream both ways; the handler hears of the
// exchange no more. A container that does not run, or whose server does not answer in time, is
// answered with 502.
void http_proxy(struct http_exchange *exchange, const struct http_request_head *head,
                struct container *container, uint16_t port);
