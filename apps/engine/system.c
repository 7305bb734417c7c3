// SPDX-License-Identifier: MIT
//
// What a client asks first: whether there is an engine, and which.
#include "apps/engine/engine.h"

// The builder 1 is the classic one, 2 is BuildKit.
void ping_serve(struct http_exchange *exchange)
{
	static const char fields[] = "Cache-Control: no-cache, no-store, must-revalidate\r\n"
				     "Pragma: no-cache\r\n"
				     "Builder-Version: 1\r\n"
				     "Swarm: inactive\r\n";

	reply(exchange, 200, fields, "text/plain; charset=utf-8",
	      (struct span){ .data = (const uint8_t *)"OK", .len = 2 });
}

void version_serve(struct http_exchange *exchange)
{
	static const char version[] =
		"{\"Platform\":{\"Name\":\"Starina\"},\"Components\":[{\"Name\":\"Engine\","
		"\"Version\":\"" ENGINE_VERSION "\",\"Details\":{\"ApiVersion\":\"" API_VERSION
		"\",\"Arch\":\"riscv64\",\"BuildTime\":\"\",\"Experimental\":\"false\","
		"\"GitCommit\":\"\",\"GoVersion\":\"\",\"KernelVersion\":\"\","
		"\"MinAPIVersion\":\"" API_VERSION_MIN "\",\"Os\":\"linux\"}}],"
		"\"Version\":\"" ENGINE_VERSION "\",\"ApiVersion\":\"" API_VERSION
		"\",\"MinAPIVersion\":\"" API_VERSION_MIN "\",\"GitCommit\":\"\","
		"\"GoVersion\":\"\",\"Os\":\"linux\",\"Arch\":\"riscv64\","
		"\"KernelVersion\":\"\",\"BuildTime\":\"\"}\n";

	reply_json(exchange, 200,
	           (struct span){ .data = (const uint8_t *)version, .len = sizeof(version) - 1 });
}
