// SPDX-License-Identifier: MIT
//
// The web server: the API of the system and its page (api/api.h), a status page where there is no
// other, and what the tests of the network need.
#include "apps/httpd/api/api.h"
#include "apps/httpd/httpd.h"
#include "apps/httpd/job.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static struct httpd state;

static void respond_text(struct http_exchange *exchange, unsigned status, const char *text)
{
	http_respond(exchange, status, "text/plain; charset=utf-8", text, strlen(text));
}

void page_respond(struct httpd *httpd, struct http_exchange *exchange,
                  const struct http_request_head *head)
{
	if (page_request(&httpd->page, exchange, head))
		return;
	if (span_is(head->target, "/"))
		status_page(httpd, exchange);
	else
		respond_text(exchange, 404, "not found\n");
}

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	struct httpd *httpd = context;
	struct span rest = head->target;
	bool get = span_is(head->method, "GET") || span_is(head->method, "HEAD");

	if (get && span_is(head->target, "/status.json"))
		status_json(httpd, exchange);
	else if (get && span_take_prefix(&rest, "/bytes/"))
		bytes_start(exchange, rest);
	else if (get && span_take_prefix(&rest, "/files/"))
		files_request(httpd, exchange, head, rest);
	else if (span_is(head->method, "POST") && span_is(head->target, "/checksum"))
		checksum_start(exchange);
	else if (api_request(httpd, exchange, head))
		return;
	else if (get && held_take(httpd, exchange, head))
		return;
	else if (get)
		page_respond(httpd, exchange, head);
	else
		respond_text(exchange, 405, "method not allowed\n");
}

static enum job_kind job_kind(const struct http_exchange *exchange)
{
	return exchange->user == NULL ? JOB_NONE : *(const enum job_kind *)exchange->user;
}

static struct api_job *api_job_of(const struct http_exchange *exchange)
{
	return job_kind(exchange) == JOB_API ? exchange->user : NULL;
}

static void on_body(void *context, struct http_exchange *exchange, struct span bytes)
{
	struct api_job *job = api_job_of(exchange);

	(void)context;
	if (job_kind(exchange) == JOB_CHECKSUM)
		checksum_body(exchange, bytes);
	else if (job != NULL && job->ops->body != NULL)
		job->ops->body(job, bytes);
}

static void on_body_end(void *context, struct http_exchange *exchange)
{
	struct api_job *job = api_job_of(exchange);

	(void)context;
	if (job_kind(exchange) == JOB_CHECKSUM)
		checksum_end(exchange);
	else if (job != NULL && job->ops->body_end != NULL)
		job->ops->body_end(job);
}

static void on_writable(void *context, struct http_exchange *exchange)
{
	struct api_job *job = api_job_of(exchange);

	(void)context;
	if (job_kind(exchange) == JOB_BYTES)
		bytes_continue(exchange);
	else if (job_kind(exchange) == JOB_FILES)
		files_continue(exchange);
	else if (job != NULL && job->ops->writable != NULL)
		job->ops->writable(job);
}

static void on_peer_end(void *context, struct http_exchange *exchange)
{
	const struct api_job *job = api_job_of(exchange);

	(void)context;
	if (job != NULL && job->ops->lasts)
		http_abort(exchange);
}

static void on_gone(void *context, struct http_exchange *exchange)
{
	struct api_job *job = api_job_of(exchange);

	(void)context;
	if (job_kind(exchange) == JOB_FILES)
		files_gone(exchange);
	else if (job != NULL && job->ops->gone != NULL)
		job->ops->gone(job);
	heap_free(exchange->user);
}

static const struct http_handler handler = {
	.request = on_request,
	.body = on_body,
	.body_end = on_body_end,
	.writable = on_writable,
	.peer_end = on_peer_end,
	.gone = on_gone,
};

static void httpd_main(const struct environ *env)
{
	struct httpd *httpd = &state;
	error_t err;

	httpd->env = env;
	httpd->system = environ_system(env);
	httpd->look = environ_look(env);
	err = loop_init(&httpd->loop);
	httpd->token_state = TOKEN_AWAITED;
	list_init(&httpd->held);
	files_init(httpd);
	if (!err)
		err = http_server_start(&httpd->loop, &httpd->server,
		                        environ_connector(env, "tcpip"),
		                        environ_config(env, "listen"), &handler, httpd);
	if (err) {
		log_error("cannot start: %s", error_text(err));
		process_exit(1);
	}
	api_start(httpd);
	loop_run(&httpd->loop);
}

APP(httpd, .main = httpd_main, .restart = RESTART_ALWAYS, .memory_limit = 64ul * 1024 * 1024,
    .handle_limit = 16384,
    .needs = {
	    { NEED_SERVICE, "tcpip", NULL, 0 },
	    { NEED_SYSTEM, "info", NULL, 1 },
	    { NEED_LOOK, "look", NULL, 1 },
	    { NEED_SERVICE, "files", NULL, 1 },
	    { NEED_SERVICE, "volumes", NULL, 1 },
	    { NEED_SERVICE, "blkdev", NULL, 1 },
	    { NEED_SERVICE, "apps", NULL, 1 },
	    { NEED_SERVICE, "commands", NULL, 1 },
	    { NEED_SERVICE, "traffic", NULL, 1 },
	    { NEED_CONFIG, "files", NULL, 1 },
	    { NEED_CONFIG, "shares", NULL, 1 },
	    { NEED_CONFIG, "listen", "tcp-listen:0.0.0.0:80", 0 },
    });
