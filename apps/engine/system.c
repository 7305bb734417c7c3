// SPDX-License-Identifier: MIT
//
// What a client asks first: whether there is an engine, and which.
#include "apps/engine/engine.h"

// Without Builder-Version clients take the classic builder, and not BuildKit.
void ping_serve(const struct request *request)
{
	static const char fields[] = "Cache-Control: no-cache, no-store, must-revalidate\r\n"
				     "Pragma: no-cache\r\n"
				     "Swarm: inactive\r\n";

	reply(request, 200, fields, "text/plain; charset=utf-8", "OK", 2);
}

void version_serve(const struct request *request)
{
	reply_json(request, 200,
	           "{\"Platform\":{\"Name\":\"Starina\"},\"Components\":[{\"Name\":\"Engine\","
	           "\"Version\":\"" ENGINE_VERSION "\",\"Details\":{\"ApiVersion\":\"" API_VERSION
	           "\",\"Arch\":\"riscv64\",\"BuildTime\":\"\",\"Experimental\":\"false\","
	           "\"GitCommit\":\"\",\"GoVersion\":\"\",\"KernelVersion\":\"\","
	           "\"MinAPIVersion\":\"" API_VERSION_MIN "\",\"Os\":\"linux\"}}],"
	           "\"Version\":\"" ENGINE_VERSION "\",\"ApiVersion\":\"" API_VERSION
	           "\",\"MinAPIVersion\":\"" API_VERSION_MIN "\",\"GitCommit\":\"\","
	           "\"GoVersion\":\"\",\"Os\":\"linux\",\"Arch\":\"riscv64\","
	           "\"KernelVersion\":\"\",\"BuildTime\":\"\"}\n");
}
