// SPDX-License-Identifier: MIT

#include "libs/linux/container_http.h"

#include "libs/http/proxy.h"
#include "libs/linux/api/container_internal.h"
#include "libs/starina/log.h"

static void connected(void *context, handle_t channel, error_t error, const char *text)
{
	if (channel == HANDLE_NONE)
		log_debug("the container's server cannot be reached: %s (%s)", text,
		          error_text(error));
	http_proxy_connected(context, channel);
}

void http_proxy(struct http_exchange *exchange, const struct http_request_head *head,
                struct container *container, uint16_t port)
{
	struct http_proxy *proxy;

	if (container == NULL) {
		http_respond(exchange, 502, "text/plain", "there is no container\n", 22);
		return;
	}
	proxy = http_proxy_create(container->task.runtime->supply.loop, exchange, head);
	if (proxy != NULL && container_connect(container, port, connected, proxy) < 0)
		http_proxy_connected(proxy, HANDLE_NONE);
}
