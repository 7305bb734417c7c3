// SPDX-License-Identifier: MIT
//
// What Docker's API has and this engine has not: each with its reason.
#include "apps/engine/engine.h"
#include "libs/base/string.h"
#include "libs/http/router.h"

#define BUILD "building images is not supported: build it elsewhere, and pull or load it"
#define PUSH "pushing images is not supported"
#define SWARM "swarm is not supported: this is one machine"
#define NO_MANAGER "This node is not a swarm manager: " SWARM
#define NO_SWARM "This node is not part of a swarm"
#define PLUGINS "plugins are not supported"
#define NO_PLUGIN "plugin not found: there are none"
#define WEBSOCKET "attaching by WebSocket is not supported: attach with an upgraded connection"
#define CHECKPOINTS "checkpoints are not supported"
#define SEARCH "searching a registry is not supported: its web page does it"

#define NOT_FOUND 404
#define NOT_IMPLEMENTED 501
// What dockerd answers as long as it is in no swarm.
#define UNAVAILABLE 503

// The first one that fits counts.
static const struct refusal {
	struct http_route route;
	const char *why;
	unsigned status;  // 0: NOT_IMPLEMENTED
} refusals[] = {
	{ { "POST", "/build", NULL }, BUILD, 0 },
	{ { "POST", "/build/cancel", NULL }, BUILD, 0 },
	{ { "POST", "/session", NULL }, BUILD, 0 },
	{ { "POST", "/grpc", NULL }, BUILD, 0 },
	{ { "POST", "/images/{*}/push", NULL }, PUSH, 0 },
	{ { "GET", "/images/search", NULL }, SEARCH, 0 },
	{ { "POST", "/swarm/init", NULL }, SWARM, 0 },
	{ { "POST", "/swarm/join", NULL }, SWARM, 0 },
	{ { "POST", "/swarm/leave", NULL }, NO_SWARM, UNAVAILABLE },
	{ { "GET", "/swarm", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/swarm/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "POST", "/swarm/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/nodes", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/nodes/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "POST", "/nodes/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "DELETE", "/nodes/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/services", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/services/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "POST", "/services/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "DELETE", "/services/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/tasks", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/tasks/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/secrets", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/secrets/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "POST", "/secrets/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "DELETE", "/secrets/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/configs", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/configs/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "POST", "/configs/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "DELETE", "/configs/{*}", NULL }, NO_MANAGER, UNAVAILABLE },
	{ { "GET", "/plugins/privileges", NULL }, PLUGINS, 0 },
	{ { "POST", "/plugins/pull", NULL }, PLUGINS, 0 },
	{ { "POST", "/plugins/create", NULL }, PLUGINS, 0 },
	{ { "GET", "/plugins/{*}", NULL }, NO_PLUGIN, NOT_FOUND },
	{ { "POST", "/plugins/{*}", NULL }, NO_PLUGIN, NOT_FOUND },
	{ { "DELETE", "/plugins/{*}", NULL }, NO_PLUGIN, NOT_FOUND },
	{ { "GET", "/containers/{}/attach/ws", NULL }, WEBSOCKET, 0 },
	{ { "GET", "/containers/{}/checkpoints", NULL }, CHECKPOINTS, 0 },
	{ { "POST", "/containers/{}/checkpoints", NULL }, CHECKPOINTS, 0 },
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
		reply_json(exchange, 200, text_span(json));
	else if (refusal != NULL)
		reply_error(exchange, refusal->status != 0 ? refusal->status : NOT_IMPLEMENTED,
		            "%s", refusal->why);
	else
		reply_error(exchange, NOT_FOUND, "page not found");
}
