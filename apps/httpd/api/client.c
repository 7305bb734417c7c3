// SPDX-License-Identifier: MIT
#include "apps/httpd/api/client.h"

#include "apps/httpd/httpd.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void say_lacks(const struct api_client *client)
{
	log_error("%s", client->lacks);
}

static void connected(void *context, handle_t channel)
{
	struct api_client *client = context;

	if (loop_add(&client->httpd->loop, &client->source, channel, client->ops, client->httpd) !=
	    0)
		handle_close(channel);
	else
		client->connected = true;
}

void api_client_start(struct httpd *httpd, struct api_client *client, const char *service,
                      const struct source_ops *ops, const char *lacks)
{
	handle_t connector = environ_connector(httpd->env, service);

	client->httpd = httpd;
	client->ops = ops;
	client->lacks = lacks;
	if (connector != HANDLE_NONE &&
	    service_client_start(&httpd->loop, &client->service, connector, connected, client) != 0)
		say_lacks(client);
}

void api_client_lost(struct api_client *client)
{
	loop_close(&client->httpd->loop, &client->source);
	client->connected = false;
}

void api_client_again(struct api_client *client)
{
	if (service_client_again(&client->service) != 0)
		say_lacks(client);
}
