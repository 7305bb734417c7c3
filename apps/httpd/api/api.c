// SPDX-License-Identifier: MIT
#include "apps/httpd/api/api.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"

static const struct http_route routes[] = {
	{ "GET", API_PREFIX "/status", status_get },
	{ "GET", API_PREFIX "/live", live_get },
	{ "GET", API_PREFIX "/processes/{}", process_get },
	{ "POST", API_PREFIX "/processes/{}/kill", process_kill_post },
	{ "GET", API_PREFIX "/processes/{}/handles", handles_get },
	{ "GET", API_PREFIX "/logs", logs_get },
	{ "GET", API_PREFIX "/apps", apps_get },
	{ "POST", API_PREFIX "/apps", apps_post },
	{ "PUT", API_PREFIX "/apps/{}", app_put },
	{ "DELETE", API_PREFIX "/apps/{}", app_delete },
	{ "POST", API_PREFIX "/apps/{}/start", app_start_post },
	{ "POST", API_PREFIX "/apps/{}/stop", app_stop_post },
	{ "POST", API_PREFIX "/apps/{}/kill", process_kill_post },
	{ "POST", API_PREFIX "/commands", commands_post },
	{ "GET", API_PREFIX "/terminal", terminal_get },
	{ "GET", API_PREFIX "/{}", resource_get },
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

bool number_read(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || value > (UINT64_MAX - 9) / 10)
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*out = value;
	return value <= max;
}

bool api_wants_websocket(struct http_exchange *exchange, const struct http_request_head *head)
{
	error_t err = websocket_check(head, API_PROTOCOL);

	if (err == 0)
		return true;
	if (err == ERR_NOT_FOUND)
		api_error(exchange, 426, "websocket", "this is a WebSocket: ask for an upgrade");
	else
		api_error(exchange, 400, "websocket",
		          "not a WebSocket as of RFC 6455 with the subprotocol " API_PROTOCOL);
	return false;
}

static bool is_api(const struct http_request_head *head)
{
	static const char prefix[] = "/api/";

	return head->target.len >= sizeof(prefix) - 1 &&
		memcmp(head->target.data, prefix, sizeof(prefix) - 1) == 0;
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

bool api_request(struct httpd *httpd, struct http_exchange *exchange,
                 const struct http_request_head *head)
{
	struct http_match match;
	error_t err;

	if (!is_api(head))
		return false;
	err = http_route_find(routes, NUM_ROUTES, false, head, &match);
	if (!may_ask(httpd, exchange, head, err == 0 ? match.route : NULL))
		return true;
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
	return true;
}
