// SPDX-License-Identifier: MIT
//
// A test app: a server of what libs/http has beside pages, in the form that a container engine
// needs it: upgraded and raw streams, logs that are followed, long polls, bodies that are
// collected. One port is open; the other is behind a gate.
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/router.h"
#include "libs/http/server.h"
#include "libs/http/stream.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define MAX_WAITING 256
#define COLLECT_MAX 65536u
#define PIECE 4096u

static const uint8_t gate[HTTP_GATE_BYTES + 1] = "0123456789abcdefghijklmnopqrstuv";

static struct {
	struct loop loop;
	struct http_server open, guarded;
	struct http_exchange *waiting[MAX_WAITING];
	struct http_exchange *stuck;
	uint64_t flooded;
	unsigned peer_ends, gone;
} app;

static void respond(struct http_exchange *exchange, unsigned status, const char *text)
{
	http_respond(exchange, status, "text/plain", text, strlen(text));
}

static void give_up_on(struct http_exchange *exchange, error_t err)
{
	if (err < 0)
		http_abort(exchange);
}

// --- Streams: what comes in goes out -------------------------------------------------------------

static void echo_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	(void)context;
	// What is paused is given no more.
	if (!http_can_send(exchange))
		http_pause_body(exchange, true);
	give_up_on(exchange, http_send(exchange, bytes.data, bytes.len));
}

static void echo_writable(void *context, struct http_exchange *exchange)
{
	(void)context;
	http_pause_body(exchange, false);
}

// The peer has said all: there is a last word.
static void echo_end(void *context, struct http_exchange *exchange)
{
	error_t err = http_send(exchange, "END\n", 4);

	(void)context;
	give_up_on(exchange, err < 0 ? err : http_send_end(exchange));
}

static void count_gone(void *context, struct http_exchange *exchange)
{
	(void)context;
	(void)exchange;
	app.gone++;
}

static const struct http_handler echo_handler = { .body = echo_body,
	                                          .body_end = echo_end,
	                                          .writable = echo_writable,
	                                          .gone = count_gone };

static void attach_start(struct http_exchange *exchange)
{
	bool upgrade = exchange->user != NULL;
	struct span fields =
		text_span(upgrade ? "Upgrade: tcp\r\n"
	                          : "Content-Type: application/vnd.docker.raw-stream\r\n");
	error_t err = http_stream_start(exchange, upgrade ? 101 : 200, fields, &echo_handler, NULL);

	if (err == ERR_BAD_STATE || err == ERR_NOT_SUPPORTED)
		respond(exchange, 400, "no stream\n");
}

static void attach_body_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	attach_start(exchange);
}

static const struct http_handler attach_handler = { .body_end = attach_body_end };

static void attach(void *context, struct http_exchange *exchange,
                   const struct http_request_head *head, const struct http_match *match)
{
	(void)context;
	(void)match;
	exchange->user = http_list_has(head->upgrade, "tcp") ? exchange : NULL;
	exchange->handler = &attach_handler;
	http_collect_body(exchange, COLLECT_MAX);
}

static void stuck_gone(void *context, struct http_exchange *exchange)
{
	(void)context;
	app.gone++;
	if (app.stuck == exchange)
		app.stuck = NULL;
}

// A stream whose input nobody takes, and which says a byte when others are released.
static const struct http_handler stuck_handler = { .gone = stuck_gone };

static void stuck(void *context, struct http_exchange *exchange,
                  const struct http_request_head *head, const struct http_match *match)
{
	(void)context;
	(void)head;
	(void)match;
	if (http_stream_start(exchange, 101, text_span("Upgrade: tcp\r\n"), &stuck_handler, NULL) <
	    0) {
		http_abort(exchange);
		return;
	}
	http_pause_body(exchange, true);
	app.stuck = exchange;
}

// --- Responses that do not end by themselves -----------------------------------------------------

static void follow_end(void *context, struct http_exchange *exchange)
{
	(void)context;
	app.peer_ends++;
	http_abort(exchange);
}

static const struct http_handler follow_handler = { .peer_end = follow_end, .gone = count_gone };

// Starts a response of chunks whose head goes at once.
static void start_chunks(struct http_exchange *exchange, const struct http_handler *handler)
{
	exchange->handler = handler;
	give_up_on(exchange,
	           http_respond_fields(exchange, 200, text_span("Content-Type: text/plain\r\n"),
	                               false, 0));
}

// As logs that are followed: one line, and nothing after it.
static void follow(void *context, struct http_exchange *exchange,
                   const struct http_request_head *head, const struct http_match *match)
{
	(void)context;
	(void)head;
	(void)match;
	start_chunks(exchange, &follow_handler);
	give_up_on(exchange, http_send(exchange, "line\n", 5));
}

static void wait_gone(void *context, struct http_exchange *exchange)
{
	(void)context;
	app.gone++;
	for (size_t i = 0; i < MAX_WAITING; i++) {
		if (app.waiting[i] == exchange)
			app.waiting[i] = NULL;
	}
}

static const struct http_handler wait_handler = { .gone = wait_gone };

static void wait(void *context, struct http_exchange *exchange,
                 const struct http_request_head *head, const struct http_match *match)
{
	(void)context;
	(void)head;
	(void)match;
	for (size_t i = 0; i < MAX_WAITING; i++) {
		if (app.waiting[i] != NULL)
			continue;
		app.waiting[i] = exchange;
		start_chunks(exchange, &wait_handler);
		return;
	}
	respond(exchange, 503, "too many wait\n");
}

// Those that wait get their answer.
static void release(void *context, struct http_exchange *exchange,
                    const struct http_request_head *head, const struct http_match *match)
{
	static const char result[] = "{\"StatusCode\":7}\n";

	(void)context;
	(void)head;
	(void)match;
	for (size_t i = 0; i < MAX_WAITING; i++) {
		struct http_exchange *waiting = app.waiting[i];
		error_t err;

		if (waiting == NULL)
			continue;
		app.waiting[i] = NULL;
		err = http_send(waiting, result, sizeof(result) - 1);
		give_up_on(waiting, err < 0 ? err : http_send_end(waiting));
	}
	if (app.stuck != NULL)
		give_up_on(app.stuck, http_send(app.stuck, "x", 1));
	http_respond(exchange, 204, NULL, NULL, 0);
}

static void flood_on(void *context, struct http_exchange *exchange)
{
	static const uint8_t bytes[PIECE];

	(void)context;
	while (http_can_send(exchange)) {
		app.flooded += sizeof(bytes);
		give_up_on(exchange, http_send(exchange, bytes, sizeof(bytes)));
	}
}

static const struct http_handler flood_handler = { .writable = flood_on, .gone = count_gone };

// As much as is taken, for ever.
static void flood(void *context, struct http_exchange *exchange,
                  const struct http_request_head *head, const struct http_match *match)
{
	struct http_connection *connection = http_hold(exchange);

	(void)head;
	(void)match;
	start_chunks(exchange, &flood_handler);
	flood_on(context, exchange);
	http_let_go(connection);
}

// --- The rest ------------------------------------------------------------------------------------

static void collected(void *context, struct http_exchange *exchange)
{
	char text[32];

	(void)context;
	fmt_write(text, sizeof(text), "%zu\n", http_body(exchange).len);
	respond(exchange, 200, text);
}

static const struct http_handler collect_handler = { .body_end = collected };

static void collect(void *context, struct http_exchange *exchange,
                    const struct http_request_head *head, const struct http_match *match)
{
	(void)context;
	(void)head;
	(void)match;
	exchange->handler = &collect_handler;
	http_collect_body(exchange, COLLECT_MAX);
}

static void inspect(void *context, struct http_exchange *exchange,
                    const struct http_request_head *head, const struct http_match *match)
{
	char text[256], filter[64];
	size_t len;

	(void)context;
	(void)head;
	if (http_query_value(match->query, "filter", 1, filter, sizeof(filter)) < 0)
		filter[0] = '\0';
	len = fmt_write(text, sizeof(text), "%u %s %s\n", match->version, match->params[0], filter);
	respond(exchange, len < sizeof(text) ? 200 : 414, len < sizeof(text) ? text : "");
}

static void counts(void *context, struct http_exchange *exchange,
                   const struct http_request_head *head, const struct http_match *match)
{
	char text[192];
	size_t len = fmt_write(
		text, sizeof(text),
		"{\"peer_ends\":%u,\"gone\":%u,\"flooded\":%llu,\"open\":%zu,\"guarded\":%zu}\n",
		app.peer_ends, app.gone, (unsigned long long)app.flooded,
		app.open.service.num_connections, app.guarded.service.num_connections);

	(void)context;
	(void)head;
	(void)match;
	http_respond(exchange, 200, "application/json", text, len);
}

static const struct http_route routes[] = {
	{ "GET", "/counts", counts },   { "POST", "/containers/{}/attach", attach },
	{ "POST", "/stuck", stuck },    { "GET", "/logs", follow },
	{ "POST", "/wait", wait },      { "POST", "/release", release },
	{ "GET", "/flood", flood },     { "POST", "/collect", collect },
	{ "PUT", "/collect", collect }, { "GET", "/images/{*}/json", inspect },
};

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	struct http_match match;
	error_t err =
		http_route_find(routes, sizeof(routes) / sizeof(routes[0]), true, head, &match);

	if (err == 0)
		match.route->start(context, exchange, head, &match);
	else if (err == ERR_NOT_FOUND)
		respond(exchange, 404, "{\"message\":\"page not found\"}\n");
	else
		respond(exchange, err == ERR_NOT_SUPPORTED ? 405 : 400, "no\n");
}

static const struct http_handler handler = { .request = on_request };

static void http_test_main(const struct environ *env)
{
	handle_t tcpip = environ_connector(env, "tcpip");
	error_t err = loop_init(&app.loop);

	if (err == 0)
		err = http_server_start(&app.loop, &app.open, tcpip, "tcp-listen:0.0.0.0:8001",
		                        &handler, NULL);
	if (err == 0)
		err = http_server_start(&app.loop, &app.guarded, tcpip, "tcp-listen:0.0.0.0:8002",
		                        &handler, NULL);
	if (err < 0) {
		log_error("cannot start: %s", error_text(err));
		process_exit(1);
	}
	http_server_configure(&app.open, &(struct http_server_options){ .host_optional = true });
	http_server_configure(&app.guarded, &(struct http_server_options){ .gate = gate });
	loop_run(&app.loop);
}

APP(http_test, .main = http_test_main, .memory_limit = 64ul * 1024 * 1024, .handle_limit = 4096,
    .needs = { { NEED_SERVICE, "tcpip", NULL, 0 } });
