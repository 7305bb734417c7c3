// SPDX-License-Identifier: MIT
//
// Docker's API, of the engine if run.sh serves one: /engine/PATH is its PATH.
#include "apps/httpd/api/engine.h"

#include "libs/base/string.h"
#include "libs/http/proxy.h"
#include "libs/starina/alloc.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// A way to the engine that is opened.
struct engine_way {
	struct opener opener;
	struct httpd *httpd;
	struct http_proxy *proxy;
};

static void way_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct engine_way *way = opener->context;
	struct message m;

	(void)error;
	(void)text;
	if (channel != HANDLE_NONE) {
		error = payload_make(&m, way->httpd->engine_secret,
		                     sizeof(way->httpd->engine_secret));
		if (error == 0)
			error = channel_send(channel, &m);
		if (error != 0) {
			handle_close(channel);
			channel = HANDLE_NONE;
		}
	}
	http_proxy_connected(way->proxy, channel);
	heap_free(way);
}

static void relay(struct httpd *httpd, struct http_exchange *exchange,
                  const struct http_request_head *head)
{
	struct engine_way *way = heap_alloc(sizeof(*way));

	if (way == NULL) {
		http_abort(exchange);
		return;
	}
	way->httpd = httpd;
	way->proxy = http_proxy_create(&httpd->loop, exchange, head);
	if (way->proxy == NULL) {
		heap_free(way);
		return;
	}
	opener_start(&way->opener, &httpd->loop, environ_connector(httpd->env, "tcpip"), ENGINE_URI,
	             way_opened, way);
}

// What a browser, or a client of ours, says to this server only: the token most of all.
static bool is_ours(struct span name)
{
	static const char *const names[] = { "authorization", "cookie", "origin", "referer" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_equals_nocase(name, names[i]))
			return true;
	}
	return span_take_prefix_nocase(&name, "sec-");
}

static void fields_drop(struct http_request_head *head)
{
	size_t count = 0;

	for (size_t i = 0; i < head->num_fields; i++) {
		if (!is_ours(head->fields[i].name))
			head->fields[count++] = head->fields[i];
	}
	head->num_fields = count;
}

bool engine_is_served(const struct httpd *httpd, struct http_exchange *exchange)
{
	if (!httpd->has_engine)
		api_error(exchange, 503, "no_engine",
		          "this system serves no containers: start it with ./run.sh --engine");
	return httpd->has_engine;
}

void engine_request(struct httpd *httpd, struct http_exchange *exchange,
                    const struct http_request_head *head, struct span target)
{
	struct http_request_head asked = *head;

	if (!engine_is_served(httpd, exchange))
		return;
	asked.target = target;
	fields_drop(&asked);
	relay(httpd, exchange, &asked);
}

API_START(containers_get)
{
	static const char target[] = "/containers/json?all=1";

	(void)match;
	engine_request(context, exchange, head,
	               (struct span){ (const uint8_t *)target, sizeof(target) - 1 });
}
