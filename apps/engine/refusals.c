// SPDX-License-Identifier: MIT
//
// What Docker's API has and this engine has not: each with its reason.
#include "apps/engine/engine.h"
#include "libs/base/string.h"
#include "libs/http/router.h"

#define BUILD "building images is not supported: build it elsewhere, and pull or load it"
#define PUSH "pushing images is not supported"
#define SWARM "swarm is not supported: this is one machine"
#define PLUGINS "plugins are not supported"
#define WEBSOCKET "attaching by WebSocket is not supported: attach with an upgraded connection"
#define CHECKPOINTS "checkpoints are not supported"
#define SEARCH "searching a registry is not supported: its web page does it"

static const struct refusal {
	struct http_route route;
	const char *why;
} refusals[] = {
	{ { "POST", "/build", NULL }, BUILD },
	{ { "POST", "/build/cancel", NULL }, BUILD },
	{ { "POST", "/session", NULL }, BUILD },
	{ { "POST", "/grpc", NULL }, BUILD },
	{ { "POST", "/images/{*}/push", NULL }, PUSH },
	{ { "GET", "/images/search", NULL }, SEARCH },
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

// What there is nothing of, which is an answer.
static const struct answer {
	struct http_route route;
	const char *json;
} answers[] = {
	{ { "GET", "/plugins", NULL }, "[]\n" },
	{ { "POST", "/build/prune", NULL }, "{\"CachesDeleted\":null,\"SpaceReclaimed\":0}\n" },
};

static const char *find_answer(const struct http_request_head *head, struct http_match *match)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (http_route_find(&answers[i].route, 1, true, head, match) == 0)
			return answers[i].json;
	return NULL;
}

void refusal_serve(struct http_exchange *exchange, const struct http_request_head *head)
{
	struct http_match match;
	const struct refusal *refusal = find(head, &match);
	const char *json = find_answer(head, &match);

	if (json != NULL)
		reply_json(exchange, 200,
		           (struct span){ .data = (const uint8_t *)json, .len = strlen(json) });
	else if (refusal != NULL)
		reply_error(exchange, 501, "%s", refusal->why);
	else
		reply_error(exchange, 404, "page not found");
}
