// SPDX-License-Identifier: MIT
#include "apps/httpd/api/api.h"

#include "apps/httpd/api/routes.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

static const struct http_route routes[] = {
#define ROUTE(method, path, start, ...) { method, API_PREFIX path, start },
	API_ROUTES(ROUTE)
#undef ROUTE
};

#define NUM_ROUTES (sizeof(routes) / sizeof(routes[0]))

void *api_job_create(struct httpd *httpd, struct http_exchange *exchange, size_t size,
                     const struct api_job_ops *ops)
{
	struct api_job *job = heap_alloc(size);

	if (job == NULL) {
		http_abort(exchange);
		return NULL;
	}
	job->kind = JOB_API;
	job->ops = ops;
	job->httpd = httpd;
	job->exchange = exchange;
	exchange->user = job;
	return job;
}

bool api_wants_websocket(struct http_exchange *exchange, const struct http_request_head *head)
{
	error_t err = websocket_check(head, API_PROTOCOL);

	if (err == 0)
		return true;
	if (err == ERR_NOT_FOUND)
		api_error(exchange, 426, "websocket", "this is a WebSocket: ask for an upgrade");
	else if (err == ERR_NOT_SUPPORTED)
		api_error(exchange, 426, "websocket", "WebSockets are of version 13 here");
	else
		api_error(exchange, 400, "websocket",
		          "not a WebSocket as of RFC 6455 with the subprotocol " API_PROTOCOL);
	return false;
}

// Whether the target begins so; `rest` is from its last "/" on.
static bool has_prefix(struct span target, const char *prefix, struct span *rest)
{
	size_t len = strlen(prefix);

	if (target.len < len || memcmp(target.data, prefix, len) != 0)
		return false;
	*rest = (struct span){ .data = target.data + len - 1, .len = target.len - (len - 1) };
	return true;
}

// Whether the request may go on; if not, it was answered.
static bool may_ask(struct httpd *httpd, struct http_exchange *exchange,
                    const struct http_request_head *head, const struct http_route *route)
{
	if (!auth_is_local(head)) {
		api_error(exchange, 403, "foreign",
		          "the Host or Origin is not this server: open the address that run.sh "
		          "printed");
		return false;
	}
	if (route != NULL && route->start == status_get)
		return true;
	if (httpd->token_state == TOKEN_AWAITED) {
		api_error(exchange, 503, "starting", "the system starts: try again in a moment");
		return false;
	}
	if (httpd->token_state == TOKEN_KNOWN && auth_has_token(head, httpd->token))
		return true;
	api_error(exchange, 401, "unauthorized",
	          "this needs \"Authorization: Bearer TOKEN\"; the token of this boot is in the "
	          "address that run.sh printed, and in build/run/web.addr");
	return false;
}

static void route_request(struct httpd *httpd, struct http_exchange *exchange,
                          const struct http_request_head *head)
{
	struct http_match match;
	error_t err = http_route_find(routes, NUM_ROUTES, false, head, &match);

	if (!may_ask(httpd, exchange, head, err == 0 ? match.route : NULL))
		return;
	if (err == 0)
		match.route->start(httpd, exchange, head, &match);
	else if (err == ERR_NOT_SUPPORTED)
		api_error(exchange, 405, "method",
		          "this path has no such method: see " API_PREFIX "/openapi.json");
	else if (err == ERR_NOT_FOUND)
		api_error(exchange, 404, "not_found",
		          "there is no such path: see " API_PREFIX "/openapi.json");
	else
		api_failed(exchange, err, "the request's target");
}

bool api_request(struct httpd *httpd, struct http_exchange *exchange,
                 const struct http_request_head *head)
{
	struct http_target target;
	struct span rest;

	if (has_prefix(head->target, "/api/", &rest)) {
		route_request(httpd, exchange, head);
	} else if (has_prefix(head->target, "/engine/", &rest)) {
		if (may_ask(httpd, exchange, head, NULL))
			engine_request(httpd, exchange, head, rest);
	} else if (http_target_split(head->target, &target) == 0 &&
	           span_is(target.path, "/metrics") && span_is(head->method, "GET")) {
		if (may_ask(httpd, exchange, head, NULL))
			metrics_prometheus(httpd, exchange);
	} else {
		return false;
	}
	return true;
}
