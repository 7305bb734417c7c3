// SPDX-License-Identifier: MIT
#pragma once

#include "libs/http/server.h"

// Serves the connection `channel`. Consumes the channel, on failure too.
void http_connection_create(struct http_server *server, handle_t channel);
