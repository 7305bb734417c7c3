// SPDX-License-Identifier: MIT
//
// Requests for the page that come while the page is read from the boot disk: they are answered when
// it is there, or known not to be.
#include "apps/httpd/api/api.h"
#include "apps/httpd/httpd.h"
#include "libs/base/string.h"

struct held {
	struct api_job job;
	struct list entry;
	bool takes_gzip;
	char target[PAGE_NAME_MAX + 1];  // a "/" and the name
};

static void held_gone(struct api_job *job)
{
	list_remove(&((struct held *)job)->entry);
}

bool held_take(struct httpd *httpd, struct http_exchange *exchange,
               const struct http_request_head *head)
{
	static const struct api_job_ops ops = { .gone = held_gone };
	const struct http_field *field = http_field_find(head, "Accept-Encoding");
	struct held *held;

	if (httpd->token_state != TOKEN_AWAITED || head->target.len >= sizeof(held->target))
		return false;
	held = api_job_create(httpd, exchange, sizeof(*held), &ops);
	if (held == NULL)
		return true;
	memcpy(held->target, head->target.data, head->target.len);
	held->takes_gzip = field != NULL && http_list_has(field->value, "gzip");
	list_push_back(&httpd->held, &held->entry);
	return true;
}

void held_release(struct httpd *httpd)
{
	list_for_each_safe(entry, &httpd->held)
	{
		struct held *held = container_of(entry, struct held, entry);
		struct http_request_head head = { .target = text_span(held->target) };

		if (held->takes_gzip) {
			head.fields[0].name = text_span("Accept-Encoding");
			head.fields[0].value = text_span("gzip");
			head.num_fields = 1;
		}
		page_respond(httpd, held->job.exchange, &head);
	}
}
