// SPDX-License-Identifier: MIT
#include "apps/httpd/api/asked.h"

#include "apps/httpd/api/api.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// A request that waits for the answer.
struct asked_job {
	struct api_job job;
	struct list entry;
};

static void jobs_answer(struct asked_document *document, error_t error)
{
	struct list *entry;

	while ((entry = list_pop_front(&document->jobs)) != NULL) {
		struct asked_job *job = container_of(entry, struct asked_job, entry);
		struct http_exchange *exchange = job->job.exchange;
		struct http_connection *connection = http_hold(exchange);
		struct json_writer w = { 0 };

		list_init(&job->entry);
		if (error == 0)
			error = document->ops->write(document->httpd, &w, NULL);
		if (error == 0)
			api_reply(exchange, 200, &w);
		else
			api_failed(exchange, error, document->ops->what);
		http_let_go(connection);
	}
}

void asked_refresh(struct asked_document *document)
{
	if (document->client.connected && !document->is_asked)
		document->is_asked = document->ops->ask(document) == 0;
}

void asked_failed(struct asked_document *document, error_t error)
{
	jobs_answer(document, error);
	document->is_asked = false;
}

// --- The service ---------------------------------------------------------------------------------

// The document whose client has the source.
static struct asked_document *document_of(struct source *source)
{
	struct api_client *client = container_of(source, struct api_client, source);

	return container_of(client, struct asked_document, client);
}

static void service_message(struct loop *loop, struct source *source, struct message *m)
{
	struct asked_document *document = document_of(source);
	nsec_t now = 0;

	(void)loop;
	if (!document->ops->take(document, m)) {
		message_discard(m);
		asked_failed(document, ERR_NOT_READY);
		return;
	}
	document->time = clock_get(CLOCK_MONOTONIC, &now) == 0 ? now : 0;
	jobs_answer(document, 0);
	document->is_asked = false;
}

static void service_closed(struct loop *loop, struct source *source)
{
	struct asked_document *document = document_of(source);

	(void)loop;
	api_client_lost(&document->client);
	asked_failed(document, ERR_PEER_CLOSED);
	api_client_again(&document->client);
}

static const struct source_ops service_ops = { .message = service_message,
	                                       .closed = service_closed };

void asked_start(struct httpd *httpd, struct asked_document *document, const struct asked_ops *ops,
                 const char *lacks)
{
	document->ops = ops;
	document->httpd = httpd;
	list_init(&document->jobs);
	api_client_start(httpd, &document->client, ops->service, &service_ops, lacks);
}

// --- A request -----------------------------------------------------------------------------------

static void job_gone(struct api_job *job)
{
	list_remove(&container_of(job, struct asked_job, job)->entry);
}

static const struct api_job_ops job_ops = { .gone = job_gone };

void asked_get(struct asked_document *document, struct http_exchange *exchange)
{
	struct asked_job *job;

	asked_refresh(document);
	if (!document->is_asked) {
		api_failed(exchange, ERR_NOT_READY, document->ops->what);
		return;
	}
	job = api_job_create(document->httpd, exchange, sizeof(*job), &job_ops);
	if (job != NULL)
		list_push_back(&document->jobs, &job->entry);
}
