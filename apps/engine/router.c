// SPDX-License-Identifier: MIT
//
// Which function serves what. As dockerd does, a path that there is with another method is not
// found either.
#include "apps/engine/engine.h"
#include "libs/base/string.h"

struct route {
	const char *method;
	const char *path;
	void (*serve)(const struct request *request);
};

static const struct route routes[] = {
	{ "GET", "/_ping", ping_serve },
	{ "HEAD", "/_ping", ping_serve },
	{ "GET", "/version", version_serve },
};

static bool digits_take(struct span *rest, unsigned *number)
{
	size_t digits = 0;

	*number = 0;
	while (digits < rest->len && digits < 4 && rest->data[digits] >= '0' &&
	       rest->data[digits] <= '9')
		*number = *number * 10 + (unsigned)(rest->data[digits++] - '0');
	*rest = (struct span){ .data = rest->data + digits, .len = rest->len - digits };
	return digits > 0;
}

// "/v1.43" in front of a path. Returns false when there is none; then `path` stays.
static bool version_take(struct span *path, unsigned *major, unsigned *minor)
{
	struct span rest = *path;

	if (rest.len < 2 || rest.data[0] != '/' || rest.data[1] != 'v')
		return false;
	rest = (struct span){ .data = rest.data + 2, .len = rest.len - 2 };
	if (!digits_take(&rest, major) || rest.len == 0 || rest.data[0] != '.')
		return false;
	rest = (struct span){ .data = rest.data + 1, .len = rest.len - 1 };
	if (!digits_take(&rest, minor) || rest.len == 0 || rest.data[0] != '/')
		return false;
	*path = rest;
	return true;
}

// Returns false when the request is answered: nobody serves this version.
static bool version_check(struct request *request)
{
	unsigned major = 1, minor = API_VERSION_MINOR;

	if (!version_take(&request->path, &major, &minor))
		return true;
	if (major < 1 || (major == 1 && minor < API_VERSION_MINOR_MIN))
		reply_error(
			request, 400,
			"client version %u.%u is too old. Minimum supported API version is " API_VERSION_MIN
			", please upgrade your client to a newer version",
			major, minor);
	else if (major > 1 || minor > API_VERSION_MINOR)
		reply_error(
			request, 400,
			"client version %u.%u is too new. Maximum supported API version is " API_VERSION,
			major, minor);
	else
		return true;
	return false;
}

static void target_split(struct request *request, struct span target)
{
	size_t len = 0;

	while (len < target.len && target.data[len] != '?')
		len++;
	request->path = (struct span){ .data = target.data, .len = len };
	if (len < target.len)
		request->query =
			(struct span){ .data = target.data + len + 1, .len = target.len - len - 1 };
}

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	struct request request = { .exchange = exchange, .head = head };

	(void)context;
	target_split(&request, head->target);
	if (!version_check(&request))
		return;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (span_equals(head->method, routes[i].method) &&
		    span_equals(request.path, routes[i].path)) {
			routes[i].serve(&request);
			return;
		}
	}
	reply_error(&request, 404, "page not found");
}

const struct http_handler engine_handler = { .request = on_request };
