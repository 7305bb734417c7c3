// SPDX-License-Identifier: MIT
//
// Resources that are one document each: GET NAME, and a topic of the live view.
#include "apps/httpd/api/api.h"
#include "libs/base/string.h"

const struct resource resources[NUM_RESOURCES] = {
	{ "status", status_write },     { "processes", processes_write },
	{ "threads", threads_write },   { "harts", harts_write },
	{ "memory", memory_write },     { "interrupts", interrupts_write },
	{ "services", services_write }, { "channels", channels_write },
	{ "vms", vms_write },           { "network", network_write },
	{ "disks", disks_write },
};

API_START(resource_get)
{
	struct json_writer w = { 0 };

	struct http_target target;
	struct span name;

	(void)match;
	if (http_target_split(head->target, &target) != 0)
		return;
	name = (struct span){ .data = target.path.data + sizeof(API_PREFIX),
		              .len = target.path.len - sizeof(API_PREFIX) };
	for (size_t i = 0; i < NUM_RESOURCES; i++) {
		error_t err;

		if (!span_is(name, resources[i].name))
			continue;
		err = resources[i].write(context, &w, NULL);
		if (err == 0) {
			api_reply(exchange, 200, &w);
			return;
		}
		json_writer_deinit(&w);
		api_failed(exchange, err, resources[i].name);
		return;
	}
	// A route that has no document.
	api_failed(exchange, ERR_NOT_SUPPORTED, "this document");
}

API_START(openapi_get)
{
	struct json_writer w = { 0 };

	(void)context;
	(void)head;
	(void)match;
	openapi_write(&w);
	api_reply(exchange, 200, &w);
}
