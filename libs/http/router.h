// SPDX-License-Identifier: MIT
//
// Which route of a table a request goes: by its method and its path, whose parameters are decoded.
//
// A pattern is parts between "/": "/containers/{}/json". "{}" stands for one part, decoded, so that
// a name in it may have a "/" that came as "%2F"; "{*}" stands for one part or more, "/" included
// ("/images/{*}/json" takes /images/library/nginx/json): at most one of a pattern. The first route
// that fits counts.
#pragma once

#include "libs/http/exchange.h"
#include "libs/http/target.h"

#define HTTP_MAX_PARAMS 3
#define HTTP_MAX_PATH 2048

struct http_match;

struct http_route {
	const char *method;  // "GET" is for HEAD, too
	const char *pattern;
	// As `request` of struct http_handler; `match` lasts for this call.
	void (*start)(void *context, struct http_exchange *exchange,
	              const struct http_request_head *head, const struct http_match *match);
};

// What a request's path and query say.
struct http_match {
	const struct http_route *route;
	struct span query;
	const char *params[HTTP_MAX_PARAMS];  // decoded; NULL behind the last
	unsigned version;                     // of the prefix "/v1.41": 141; 0: there is none
	char text[HTTP_MAX_PATH];
};

// Finds the route among `count` of the table. Where `has_version` says so, paths may begin with
// "/vMAJOR.MINOR" (one digit, one or two digits), which is left out. Errors: ERR_NOT_FOUND (no
// route has such a path: 404), ERR_NOT_SUPPORTED (one has, but for other methods: 405), ERR_INVALID
// (malformed target, or one with a NUL: 400), ERR_TOO_LARGE (the parameters are of more than
// HTTP_MAX_PATH bytes: 414).
__must_check error_t http_route_find(const struct http_route *routes, size_t count,
                                     bool has_version, const struct http_request_head *head,
                                     struct http_match *match);
