// SPDX-License-Identifier: MIT
//
// GET live: a WebSocket on which the system's state comes again and again, for as long as the
// client reads.
#include "apps/httpd/api/logs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define ASKED_MAX 4096u  // bytes of what a client says
#define INTERVAL_MIN 100u
#define INTERVAL_MAX 60000u
#define INTERVAL_USUAL 1000u
#define LIVES_MAX 32u
#define LOGS (1u << NUM_RESOURCES)

struct live {
	struct httpd *httpd;
	struct websocket *ws;
	struct source timer;
	bool is_due;     // the client did not read when it was time
	uint32_t asked;  // bits of resources, and of the log
	nsec_t interval;
	bool log_known;  // where the log goes on
	uint64_t log_next;
};

// --- What is sent --------------------------------------------------------------------------------

// Lines that came since the last message, or the last ones at first.
static void write_logs(struct live *live, struct json_writer *w)
{
	struct log_query query = { .has_since = live->log_known,
		                   .since = live->log_next,
		                   .limit = LOG_LIMIT_USUAL,
		                   .level = LOG_DEBUG };

	if (logs_write(live->httpd, w, "logs", &query, &live->log_next) == 0)
		live->log_known = true;
}

static void send_state(struct live *live)
{
	struct json_writer w = { 0 };
	const char *text;
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	live->is_due = false;
	write_open(&w, NULL, "{");
	write_number(&w, "time_ns", err == 0 ? now : 0);
	wiring_keep(live->httpd);
	for (size_t i = 0; i < NUM_RESOURCES; i++) {
		if ((live->asked & 1u << i) != 0)
			(void)resources[i].write(live->httpd, &w, resources[i].name);
	}
	wiring_forget(live->httpd);
	if ((live->asked & LOGS) != 0)
		write_logs(live, &w);
	write_close(&w, "}");
	text = json_writer_text(&w);
	if (text == NULL)
		websocket_close(live->ws, WEBSOCKET_FAILED, "out of memory");
	else if (websocket_send(live->ws, true,
	                        (struct span){ .data = (const uint8_t *)text, .len = w.len }) != 0)
		websocket_close(live->ws, WEBSOCKET_FAILED, "out of memory");
	json_writer_deinit(&w);
}

static void timer_set_next(struct live *live)
{
	nsec_t now = 0;

	if (clock_get(CLOCK_MONOTONIC, &now) != 0 ||
	    timer_set(live->timer.handle, now + live->interval) != 0)
		websocket_close(live->ws, WEBSOCKET_FAILED, "there is no timer");
}

static void timer_fired(struct loop *loop, struct source *source)
{
	struct live *live = source->context;
	struct http_connection *connection = websocket_hold(live->ws);

	(void)loop;
	timer_set_next(live);
	if (websocket_can_send(live->ws))
		send_state(live);
	else
		live->is_due = true;
	http_let_go(connection);
}

static const struct source_ops timer_ops = { .signalled = timer_fired };

// --- What the client wants -----------------------------------------------------------------------

static void take_topics(struct json_reader *r, uint32_t *asked)
{
	*asked = 0;
	json_enter_array(r);
	while (json_next_element(r)) {
		char *name = json_take_string(r);

		for (size_t i = 0; name != NULL && i < NUM_RESOURCES; i++) {
			if (strcmp(resources[i].name, name) == 0)
				*asked |= 1u << i;
		}
		if (name != NULL && strcmp(name, "logs") == 0)
			*asked |= LOGS;
		heap_free(name);
	}
}

static void take_since(struct json_reader *r, struct live *live)
{
	live->log_next = json_take_u64(r);
	live->log_known = true;
}

// {"interval_ms":N,"what":["processes",...],"logs_since":N}; what there is not is left out.
static bool asked_read(struct live *live, struct span text)
{
	struct json_reader r = json_reader_make(text);
	uint64_t interval = INTERVAL_USUAL;
	uint32_t asked = 0;
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "interval_ms"))
			interval = json_take_u64(&r);
		else if (span_is(key, "what"))
			take_topics(&r, &asked);
		else if (span_is(key, "logs_since"))
			take_since(&r, live);
		else
			json_skip(&r);
	}
	if (json_reader_status(&r) != 0 || !json_at_end(&r) || interval < INTERVAL_MIN ||
	    interval > INTERVAL_MAX)
		return false;
	live->asked = asked;
	live->interval = interval * NSEC_PER_MSEC;
	return true;
}

static void ws_message(void *context, struct websocket *ws, bool is_text, struct span bytes)
{
	struct live *live = context;

	if (!is_text || !asked_read(live, bytes)) {
		websocket_close(ws, WEBSOCKET_REFUSED,
		                "say {\"interval_ms\":100 to 60000,\"what\":[names]}");
		return;
	}
	timer_set_next(live);
	if (websocket_can_send(ws))
		send_state(live);
}

static void ws_writable(void *context, struct websocket *ws)
{
	struct live *live = context;

	if (live->is_due && websocket_can_send(ws))
		send_state(live);
}

static void ws_gone(void *context, struct websocket *ws)
{
	struct live *live = context;

	(void)ws;
	loop_close(&live->httpd->loop, &live->timer);
	live->httpd->num_lives--;
	watch_update(live->httpd);
	heap_free(live);
}

static const struct websocket_handler ws_handler = { .message = ws_message,
	                                             .writable = ws_writable,
	                                             .gone = ws_gone };

// --- The start -----------------------------------------------------------------------------------

static error_t live_create(struct httpd *httpd, struct live **out)
{
	struct live *live = heap_alloc(sizeof(*live));
	handle_t timer;
	error_t err;

	if (live == NULL)
		return ERR_NO_MEMORY;
	*live = (struct live){ .httpd = httpd };
	err = timer_create(&timer);
	if (err == 0) {
		err = loop_add(&httpd->loop, &live->timer, timer, &timer_ops, live);
		if (err != 0)
			handle_close(timer);
	}
	if (err != 0) {
		heap_free(live);
		return err;
	}
	httpd->num_lives++;
	watch_update(httpd);
	*out = live;
	return 0;
}

API_START(live_get)
{
	struct httpd *httpd = context;
	struct live *live;
	error_t err;

	(void)match;
	if (!api_wants_websocket(exchange, head))
		return;
	if (httpd->num_lives >= LIVES_MAX) {
		api_error(exchange, 503, "limit", "there are %u live views already: close one",
		          LIVES_MAX);
		return;
	}
	err = live_create(httpd, &live);
	if (err != 0) {
		api_failed(exchange, err, "the live view");
		return;
	}
	err = websocket_start(exchange, websocket_key(head), API_PROTOCOL, ASKED_MAX, &ws_handler,
	                      live, &live->ws);
	if (err != 0)
		ws_gone(live, NULL);
}
