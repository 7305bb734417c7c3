// SPDX-License-Identifier: MIT
//
// Which request is what. Paths may begin with the API's version ("/v1.45"); one without has the
// newest. As dockerd does, a path that there is with another method is not found either.
#include "apps/engine/engine.h"
#include "libs/base/string.h"
#include "libs/http/router.h"
#include "libs/http/target.h"
#include "libs/starina/alloc.h"

static void start_ping(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head, const struct http_match *match);
static void start_version(void *context, struct http_exchange *exchange,
                          const struct http_request_head *head, const struct http_match *match);
static void start_call(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head, const struct http_match *match);
static void start_transfer(void *context, struct http_exchange *exchange,
                           const struct http_request_head *head, const struct http_match *match);

static void start_archive(void *context, struct http_exchange *exchange,
                          const struct http_request_head *head, const struct http_match *match);

// Method, pattern, who starts it, and which operation of "containers" or "images" it is.
#define ROUTES(X)                                                                       \
	X("GET", "/_ping", start_ping, 0)                                               \
	X("GET", "/version", start_version, 0)                                          \
	X("POST", "/auth", start_call, IMAGES_LOGIN)                                    \
	X("GET", "/system/df", start_call, CONTAINERS_USAGE)                            \
	X("POST", "/containers/prune", start_call, CONTAINERS_PRUNE)                    \
	X("GET", "/info", start_call, CONTAINERS_INFO)                                  \
	X("GET", "/events", start_transfer, CONTAINERS_EVENTS)                          \
	X("GET", "/containers/{}/archive", start_archive, CONTAINERS_ARCHIVE_GET)       \
	X("GET", "/containers/{}/export", start_transfer, CONTAINERS_EXPORT)            \
	X("POST", "/commit", start_call, CONTAINERS_COMMIT)                             \
	X("GET", "/containers/{}/changes", start_transfer, CONTAINERS_CHANGES)          \
	X("PUT", "/containers/{}/archive", start_transfer, CONTAINERS_ARCHIVE_PUT)      \
	X("GET", "/containers/json", start_call, CONTAINERS_LIST)                       \
	X("GET", "/containers/{}/logs", start_transfer, CONTAINERS_LOGS)                \
	X("POST", "/containers/create", start_call, CONTAINERS_CREATE)                  \
	X("GET", "/containers/{}/json", start_call, CONTAINERS_INSPECT)                 \
	X("POST", "/containers/{}/start", start_call, CONTAINERS_START)                 \
	X("POST", "/containers/{}/stop", start_call, CONTAINERS_STOP)                   \
	X("POST", "/containers/{}/restart", start_call, CONTAINERS_RESTART)             \
	X("POST", "/containers/{}/kill", start_call, CONTAINERS_KILL)                   \
	X("POST", "/containers/{}/wait", start_call, CONTAINERS_WAIT)                   \
	X("POST", "/containers/{}/rename", start_call, CONTAINERS_RENAME)               \
	X("POST", "/containers/{}/resize", start_call, CONTAINERS_RESIZE)               \
	X("POST", "/containers/{}/update", start_call, CONTAINERS_UPDATE)               \
	X("POST", "/containers/{}/attach", start_call, CONTAINERS_ATTACH)               \
	X("POST", "/containers/{}/pause", start_call, CONTAINERS_PAUSE)                 \
	X("POST", "/containers/{}/unpause", start_call, CONTAINERS_UNPAUSE)             \
	X("GET", "/containers/{}/top", start_call, CONTAINERS_TOP)                      \
	X("GET", "/containers/{}/stats", start_transfer, CONTAINERS_STATS)              \
	X("POST", "/containers/{}/exec", start_call, CONTAINERS_EXEC_CREATE)            \
	X("POST", "/exec/{}/start", start_call, CONTAINERS_EXEC_START)                  \
	X("POST", "/exec/{}/resize", start_call, CONTAINERS_EXEC_RESIZE)                \
	X("GET", "/exec/{}/json", start_call, CONTAINERS_EXEC_INSPECT)                  \
	X("DELETE", "/containers/{*}", start_call, CONTAINERS_REMOVE)                   \
	X("GET", "/networks", start_call, CONTAINERS_NETWORKS)                          \
	X("GET", "/networks/", start_call, CONTAINERS_NETWORKS)                         \
	X("POST", "/networks/create", start_call, CONTAINERS_NETWORK_CREATE)            \
	X("POST", "/networks/prune", start_call, CONTAINERS_NETWORKS_PRUNE)             \
	X("GET", "/networks/{}", start_call, CONTAINERS_NETWORK_INSPECT)                \
	X("DELETE", "/networks/{}", start_call, CONTAINERS_NETWORK_REMOVE)              \
	X("POST", "/networks/{}/connect", start_call, CONTAINERS_NETWORK_CONNECT)       \
	X("POST", "/networks/{}/disconnect", start_call, CONTAINERS_NETWORK_DISCONNECT) \
	X("GET", "/volumes", start_call, CONTAINERS_VOLUMES)                            \
	X("POST", "/volumes/create", start_call, CONTAINERS_VOLUME_CREATE)              \
	X("POST", "/volumes/prune", start_call, CONTAINERS_VOLUMES_PRUNE)               \
	X("GET", "/volumes/{}", start_call, CONTAINERS_VOLUME_INSPECT)                  \
	X("DELETE", "/volumes/{}", start_call, CONTAINERS_VOLUME_REMOVE)                \
	X("GET", "/images/json", start_call, IMAGES_SHOW_ALL)                           \
	X("POST", "/images/create", start_transfer, IMAGES_CREATE)                      \
	X("POST", "/images/load", start_transfer, IMAGES_LOAD)                          \
	X("POST", "/images/prune", start_call, IMAGES_PRUNE)                            \
	X("GET", "/images/get", start_transfer, IMAGES_SAVE_ALL)                        \
	X("GET", "/images/{*}/json", start_call, IMAGES_INSPECT)                        \
	X("GET", "/images/{*}/history", start_call, IMAGES_HISTORY)                     \
	X("GET", "/images/{*}/get", start_transfer, IMAGES_SAVE)                        \
	X("POST", "/images/{*}/tag", start_call, IMAGES_TAG)                            \
	X("DELETE", "/images/{*}", start_call, IMAGES_REMOVE)                           \
	X("GET", "/distribution/{*}/json", start_call, IMAGES_DISTRIBUTION)

#define ROUTE(method, pattern, start, operation) { method, pattern, start },
#define OPERATION(method, pattern, start, operation) operation,

static const struct http_route routes[] = { ROUTES(ROUTE) };
static const uint32_t operations[] = { ROUTES(OPERATION) };

static void start_ping(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head, const struct http_match *match)
{
	(void)context;
	(void)head;
	(void)match;
	ping_serve(exchange);
}

static void start_version(void *context, struct http_exchange *exchange,
                          const struct http_request_head *head, const struct http_match *match)
{
	(void)context;
	(void)head;
	(void)match;
	version_serve(exchange);
}

// Of a media type that is refused.
#define TYPE_SHOWN_MAX 64u

static char *copy_span(struct span text)
{
	char *copy = heap_alloc(text.len + 1);

	if (copy != NULL && text.len > 0)
		memcpy(copy, text.data, text.len);
	return copy;
}

// What it is about, by the path, or by the query for what has no name yet. Returns whether it fits.
static bool read_target(struct call *call, const struct http_match *match)
{
	error_t err;

	if (match->params[0] != NULL)
		return str_copy(call->target, match->params[0], sizeof(call->target)) <
			sizeof(call->target);
	err = http_query_value(match->query, "name", 0, call->target, sizeof(call->target));
	if (err < 0)
		call->target[0] = '\0';
	return err >= 0 || err == ERR_NOT_FOUND;
}

// Makes the exchange's call; NULL, and it was answered, when that cannot be.
static struct call *make_call(struct engine *engine, struct http_exchange *exchange,
                              const struct http_request_head *head, const struct http_match *match)
{
	struct call *call = heap_alloc(sizeof(*call));
	bool of_images;

	if (call != NULL)
		call->query = copy_span(match->query);
	if (call == NULL || call->query == NULL) {
		heap_free(call);
		reply_error(exchange, 500, "out of memory");
		return NULL;
	}
	call->engine = engine;
	call->exchange = exchange;
	call->operation = operations[match->route - routes];
	of_images = call->operation >= IMAGES_FIRST && call->operation <= IMAGES_LAST;
	call->backend = &engine->backends[of_images ? BACKEND_IMAGES : BACKEND_CONTAINERS];
	call->minor = match->version != 0 ? match->version % 100 : API_VERSION_MINOR;
	call->upgrades = head->upgrade.len > 0;
	call->far = HANDLE_NONE;
	list_init(&call->entry);
	exchange->user = call;
	if (read_target(call, match))
		return call;
	call->is_answered = true;
	reply_error(exchange, 400, "the name is too long, or no name");
	return NULL;
}

static bool takes_json(uint32_t operation)
{
	switch (operation) {
	case IMAGES_LOGIN:
	case CONTAINERS_COMMIT:
	case CONTAINERS_CREATE:
	case CONTAINERS_UPDATE:
	case CONTAINERS_EXEC_CREATE:
	case CONTAINERS_EXEC_START:
	case CONTAINERS_NETWORK_CREATE:
	case CONTAINERS_NETWORK_CONNECT:
	case CONTAINERS_NETWORK_DISCONNECT:
	case CONTAINERS_VOLUME_CREATE: return true;
	default: return false;
	}
}

// Whether the body, if there is one, says of itself that it is what is read. A client that says
// nothing is believed; dockerd would refuse it.
static bool check_type(struct http_exchange *exchange, const struct http_request_head *head)
{
	static const char json[] = "application/json";
	const struct http_field *type = http_field_find(head, "Content-Type");
	size_t len = 0;

	if (type == NULL || type->value.len == 0 || head->framing == HTTP_BODY_NONE)
		return true;
	while (len < type->value.len && type->value.data[len] != ';' &&
	       type->value.data[len] != ' ')
		len++;
	if (span_equals_nocase((struct span){ type->value.data, len }, json))
		return true;
	reply_error(
		exchange, 400, "unsupported Content-Type header (%.*s): must be 'application/json'",
		(int)(len < TYPE_SHOWN_MAX ? len : TYPE_SHOWN_MAX), (const char *)type->value.data);
	return false;
}

static void start_call(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head, const struct http_match *match)
{
	if (takes_json(operations[match->route - routes]) && !check_type(exchange, head))
		return;
	if (make_call(context, exchange, head, match) != NULL)
		http_collect_body(exchange, CONTAINERS_BODY_MAX);
}

// It is sent at once: its body follows, and its answer may begin before that has ended.
static void start_transfer(void *context, struct http_exchange *exchange,
                           const struct http_request_head *head, const struct http_match *match)
{
	const struct http_field *login = http_field_find(head, "X-Registry-Auth");
	struct call *call = make_call(context, exchange, head, match);

	if (call == NULL)
		return;
	call->transfers = true;
	call_send(call, login != NULL ? login->value : (struct span){ 0 });
}

static void start_archive(void *context, struct http_exchange *exchange,
                          const struct http_request_head *head, const struct http_match *match)
{
	struct call *call = make_call(context, exchange, head, match);

	if (call == NULL)
		return;
	if (head->method.len == 4)  // HEAD
		call->operation = CONTAINERS_ARCHIVE_STAT;
	call->transfers = true;
	call_send(call, (struct span){ 0 });
	archive_begin(call);
}

// Whether the version is served; the request is answered otherwise.
static bool check_version(struct http_exchange *exchange, unsigned version)
{
	unsigned major = version / 100, minor = version % 100;

	if (version == 0 ||
	    (major == 1 && minor >= API_VERSION_MINOR_MIN && minor <= API_VERSION_MINOR))
		return true;
	if (major < 1 || (major == 1 && minor < API_VERSION_MINOR_MIN))
		reply_error(
			exchange, 400,
			"client version %u.%u is too old. Minimum supported API version is " API_VERSION_MIN
			", please upgrade your client to a newer version",
			major, minor);
	else
		reply_error(
			exchange, 400,
			"client version %u.%u is too new. Maximum supported API version is " API_VERSION,
			major, minor);
	return false;
}

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	struct http_match match;
	error_t err =
		http_route_find(routes, sizeof(routes) / sizeof(routes[0]), true, head, &match);

	if (err == ERR_INVALID || err == ERR_TOO_LARGE)
		reply_error(exchange, 400, "the path or its query is malformed");
	else if (err < 0)
		refusal_serve(exchange, head);
	else if (check_version(exchange, match.version))
		match.route->start(context, exchange, head, &match);
}

static void on_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	struct call *call = exchange->user;

	(void)context;
	if (call != NULL && call->transfers)
		transfer_take(call, bytes);
}

static void on_body_end(void *context, struct http_exchange *exchange)
{
	struct call *call = exchange->user;

	(void)context;
	if (call != NULL && call->transfers)
		transfer_take_end(call);
	else if (call != NULL && !call->is_answered)
		call_send(call, http_body(exchange));
}

static void on_writable(void *context, struct http_exchange *exchange)
{
	struct call *call = exchange->user;

	(void)context;
	if (call != NULL && call->transfers)
		transfer_go_on(call);
}

// A client that ends its direction before it has an answer has gone.
static void on_peer_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	http_abort(exchange);
}

static void on_gone(void *context, struct http_exchange *exchange)
{
	(void)context;
	if (exchange->user != NULL)
		call_free(exchange->user);
	exchange->user = NULL;
}

const struct http_handler engine_handler = {
	.request = on_request,
	.body = on_body,
	.body_end = on_body_end,
	.writable = on_writable,
	.peer_end = on_peer_end,
	.gone = on_gone,
};
