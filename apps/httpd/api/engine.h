// SPDX-License-Identifier: MIT
//
// Between the files that ask the engine: engine.c (requests) and engine_stream.c (streams).
#pragma once

#include "apps/httpd/api/api.h"

#define ENGINE_TEXT(number) ENGINE_TEXT_OF(number)
#define ENGINE_TEXT_OF(number) #number
// Of tcpip. Connections begin with the secret of this boot, which the boot disk has.
#define ENGINE_URI "tcp:127.0.0.1:" ENGINE_TEXT(ENGINE_PORT)

// Whether there is an engine to ask; if not, the exchange was answered.
bool engine_is_served(const struct httpd *httpd, struct http_exchange *exchange);
