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
	{ "vms", vms_write },
};

API_START(resource_get)
{
	struct json_writer w = { 0 };

	(void)head;
	for (size_t i = 0; i < NUM_RESOURCES; i++) {
		error_t err;

		if (strcmp(match->params[0], resources[i].name) != 0)
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
	api_error(exchange, 404, "not_found",
	          "there is no such path: see " API_PREFIX "/openapi.json");
}
