// SPDX-License-Identifier: MIT
//
// GET logs: lines of the log, or, with follow=1, all that come, for as long as the client reads.
#include "apps/httpd/api/logs.h"
#include "libs/base/decimal.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define NUMBER_SIZE 24
#define FOLLOW_LINES 64u  // that are written at once
#define FOLLOW_INTERVAL (100 * NSEC_PER_MSEC)
#define FOLLOWERS_MAX 32u

struct follower {
	struct api_job job;
	struct log_query query;
	struct source timer;
	bool counted;
};

// --- The query -----------------------------------------------------------------------------------

// A number of the query; what it is stays when there is none. Errors: ERR_INVALID.
static error_t take_number(struct span query, const char *name, uint64_t max, bool *present,
                           uint64_t *out)
{
	char text[NUMBER_SIZE];
	error_t err = http_query_value(query, name, 0, text, sizeof(text));

	*present = err != ERR_NOT_FOUND;
	if (err == ERR_NOT_FOUND)
		return 0;
	return err == 0 && decimal_read(text_span(text), max, out) ? 0 : ERR_INVALID;
}

static error_t take_level(struct span query, uint32_t *level)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	char text[NUMBER_SIZE];
	error_t err = http_query_value(query, "level", 0, text, sizeof(text));

	if (err == ERR_NOT_FOUND)
		return 0;
	for (uint32_t i = 0; err == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*level = i;
			return 0;
		}
	}
	return ERR_INVALID;
}

static error_t query_read(struct span query, struct log_query *out, bool *follows)
{
	bool present;
	error_t err;

	*out = (struct log_query){ .limit = LOG_LIMIT_USUAL, .level = LOG_DEBUG };
	err = take_number(query, "since", INT64_MAX, &out->has_since, &out->since);
	if (err == 0)
		err = take_number(query, "limit", LOG_LIMIT_MAX, &present, &out->limit);
	if (err == 0)
		err = take_level(query, &out->level);
	if (err == 0)
		err = http_query_value(query, "app", 0, out->app, sizeof(out->app));
	if (err == 0 || err == ERR_NOT_FOUND)
		err = http_query_switch(query, "follow", false, follows);
	return err != 0 ? ERR_INVALID : 0;
}

// --- Following -----------------------------------------------------------------------------------

// Writes what there is for as long as the client takes it. Returns false when the job is over.
static bool follow(struct follower *f)
{
	struct http_exchange *exchange = f->job.exchange;
	bool more = true;

	while (more && http_can_send(exchange)) {
		struct json_writer w = { 0 };
		struct log_written written;
		const char *text;
		error_t err = log_lines_write(f->job.httpd, &w, &f->query, true, &written);

		if (err == 0 && written.lost > 0) {
			write_open(&w, NULL, "{");
			write_number(&w, "lost", written.lost);
			write_close(&w, "}\n");
		}
		text = json_writer_text(&w);
		if (err == 0)
			err = text == NULL ? ERR_NO_MEMORY : http_send(exchange, text, w.len);
		json_writer_deinit(&w);
		if (err != 0) {
			http_abort(exchange);
			return false;
		}
		f->query.has_since = true;
		f->query.since = written.next;
		f->query.limit = FOLLOW_LINES;
		more = written.count == FOLLOW_LINES;
	}
	return true;
}

static void timer_set_next(struct follower *f)
{
	nsec_t now = 0;

	if (clock_get(CLOCK_MONOTONIC, &now) != 0 ||
	    timer_set(f->timer.handle, now + FOLLOW_INTERVAL) != 0)
		http_abort(f->job.exchange);
}

static void timer_fired(struct loop *loop, struct source *source)
{
	struct follower *f = source->context;
	struct http_connection *connection = http_hold(f->job.exchange);

	(void)loop;
	timer_set_next(f);
	follow(f);
	http_let_go(connection);
}

static const struct source_ops timer_ops = { .signalled = timer_fired };

static void follower_writable(struct api_job *job)
{
	follow((struct follower *)job);
}

static void follower_gone(struct api_job *job)
{
	struct follower *f = (struct follower *)job;

	if (f->counted)
		job->httpd->num_followers--;
	loop_close(&job->httpd->loop, &f->timer);
}

static const struct api_job_ops follower_ops = { .writable = follower_writable,
	                                         .gone = follower_gone,
	                                         .lasts = true };

static error_t timer_open(struct follower *f)
{
	struct loop *loop = &f->job.httpd->loop;
	handle_t timer;
	error_t err = timer_create(&timer);

	if (err != 0)
		return err;
	err = loop_add(loop, &f->timer, timer, &timer_ops, f);
	if (err != 0)
		handle_close(timer);
	return err;
}

static void follow_start(struct httpd *httpd, struct http_exchange *exchange,
                         const struct log_query *query)
{
	static const char fields[] = API_FIELDS "Content-Type: application/x-ndjson\r\n";
	struct follower *f;

	if (httpd->num_followers >= FOLLOWERS_MAX) {
		api_error(exchange, 503, "limit", "%u clients follow the log already",
		          FOLLOWERS_MAX);
		return;
	}
	f = api_job_create(httpd, exchange, sizeof(*f), &follower_ops);
	if (f == NULL)
		return;
	f->query = *query;
	if (timer_open(f) != 0 ||
	    http_respond_fields(
		    exchange, 200,
		    (struct span){ .data = (const uint8_t *)fields, .len = sizeof(fields) - 1 },
		    false, 0) != 0) {
		http_abort(exchange);
		return;
	}
	f->counted = true;
	httpd->num_followers++;
	timer_set_next(f);
	follow(f);
}

// --- Requests ------------------------------------------------------------------------------------

API_START(logs_get)
{
	struct json_writer w = { 0 };
	struct log_query query;
	bool follows = false;
	uint64_t next;
	error_t err = query_read(match->query, &query, &follows);

	(void)head;
	if (err != 0) {
		api_error(exchange, 400, "invalid",
		          "logs takes since=SEQUENCE, limit=1 to %u, app=NAME, level=error, warn, "
		          "info or debug, follow=1",
		          LOG_LIMIT_MAX);
		return;
	}
	if (follows) {
		follow_start(context, exchange, &query);
		return;
	}
	err = logs_write(context, &w, NULL, &query, &next);
	if (err == 0)
		api_reply(exchange, 200, &w);
	else
		api_failed(exchange, err, "the log");
}
