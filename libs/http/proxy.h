// SPDX-License-Identifier: MIT
//
// A reverse proxy for one exchange: the request goes on to another server, its response comes back;
// bodies stream both ways, with backpressure. What the other server says is hostile: a response
// that is none is answered with 502.
#pragma once

#include "libs/http/handler.h"

struct http_proxy;

// Takes the exchange over; called from its handler's `request`. The connection to the other server
// is given later, once, by http_proxy_connected. NULL when memory is out: the exchange was
// answered.
struct http_proxy *http_proxy_create(struct loop *loop, struct http_exchange *exchange,
                                     const struct http_request_head *head);
// The connection (consumed), or HANDLE_NONE: the exchange is answered with 502.
void http_proxy_connected(struct http_proxy *proxy, handle_t channel);
