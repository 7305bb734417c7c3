// SPDX-License-Identifier: MIT
//
// What Docker's API has and this engine has not: each with its reason.
#include "apps/engine/engine.h"
#include "libs/http/router.h"

#define BUILD "building images is not supported: build it elsewhere, and pull or load it"
#define PUSH "pushing images is not supported"
#define SWARM "swarm is not supported: this is one machine"
#define PLUGINS "plugins are not supported"
#define WEBSOCKET "attaching by WebSocket is not supported: attach with an upgraded connection"
#define CHECKPOINTS "checkpoints are not supported"

static const struct refusal {
	struct http_route route;
	const char *why;
} refusals[] = {
	{ { "POST", "/build", NULL }, BUILD },
	{ { "POST", "/build/{*}", NULL }, BUILD },
	{ { "POST", "/session", NULL }, BUILD },
	{ { "POST", "/grpc", NULL }, BUILD },
	{ { "POST", "/images/{*}/push", NULL }, PUSH },
	{ { "GET", "/swarm", NULL }, SWARM },
	{ { "GET", "/swarm/{*}", NULL }, SWARM },
	{ { "POST", "/swarm/{*}", NULL }, SWARM },
	{ { "GET", "/nodes", NULL }, SWARM },
	{ { "GET", "/nodes/{*}", NULL }, SWARM },
	{ { "POST", "/nodes/{*}", NULL }, SWARM },
	{ { "DELETE", "/nodes/{*}", NULL }, SWARM },
	{ { "GET", "/services", NULL }, SWARM },
	{ { "GET", "/services/{*}", NULL }, SWARM },
	{ { "POST", "/services/{*}", NULL }, SWARM },
	{ { "DELETE", "/services/{*}", NULL }, SWARM },
	{ { "GET", "/tasks", NULL }, SWARM },
	{ { "GET", "/tasks/{*}", NULL }, SWARM },
	{ { "GET", "/secrets", NULL }, SWARM },
	{ { "GET", "/secrets/{*}", NULL }, SWARM },
	{ { "POST", "/secrets/{*}", NULL }, SWARM },
	{ { "DELETE", "/secrets/{*}", NULL }, SWARM },
	{ { "GET", "/configs", NULL }, SWARM },
	{ { "GET", "/configs/{*}", NULL }, SWARM },
	{ { "POST", "/configs/{*}", NULL }, SWARM },
	{ { "DELETE", "/configs/{*}", NULL }, SWARM },
	{ { "GET", "/plugins/{*}", NULL }, PLUGINS },
	{ { "POST", "/plugins/{*}", NULL }, PLUGINS },
	{ { "DELETE", "/plugins/{*}", NULL }, PLUGINS },
	{ { "GET", "/containers/{}/attach/ws", NULL }, WEBSOCKET },
	{ { "GET", "/containers/{}/checkpoints", NULL }, CHECKPOINTS },
	{ { "POST", "/containers/{}/checkpoints", NULL }, CHECKPOINTS },
};

#define NUM_REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

// One at a time: the reason stands beside the route.
static const struct refusal *find(const struct http_request_head *head, struct http_match *match)
{
	for (size_t i = 0; i < NUM_REFUSALS; i++)
		if (http_route_find(&refusals[i].route, 1, true, head, match) == 0)
			return &refusals[i];
	return NULL;
}

static bool is_list_of_plugins(const struct http_request_head *head)
{
	static const struct http_route plugins = { "GET", "/plugins", NULL };
	struct http_match match;

	return http_route_find(&plugins, 1, true, head, &match) == 0;
}

void refusal_serve(struct http_exchange *exchange, const struct http_request_head *head)
{
	struct http_match match;
	const struct refusal *refusal = find(head, &match);

	// There are none, which is an answer.
	if (is_list_of_plugins(head))
		reply_json(exchange, 200, (struct span){ .data = (const uint8_t *)"[]", .len = 2 });
	else if (refusal != NULL)
		reply_error(exchange, 501, "%s", refusal->why);
	else
		reply_error(exchange, 404, "page not found");
}
