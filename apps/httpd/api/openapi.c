// SPDX-License-Identifier: MIT
//
// GET openapi.json: the routes as an OpenAPI 3.1 document. It is made of the table that the router
// has, so it cannot tell of others.
#include "apps/httpd/api/api.h"
#include "apps/httpd/api/routes.h"
#include "libs/base/string.h"

static const struct route {
	const char *method, *path, *summary, *query, *body, *answer;
} routes[] = {
#define ROUTE(method, path, start, summary, query, body, answer) \
	{ method, path, summary, query, body, answer },
	API_ROUTES(ROUTE)
#undef ROUTE
};

#define NUM_ROUTES (sizeof(routes) / sizeof(routes[0]))

// "/processes/{}" is "/processes/{name}".
static void path_write(struct json_writer *w, const char *path)
{
	for (; *path != '\0'; path++) {
		json_write_span(w, (struct span){ (const uint8_t *)path, 1 });
		if (path[0] == '{')
			json_write_raw(w, "name");
	}
}

static void parameter_write(struct json_writer *w, struct span name, const char *in)
{
	write_open(w, NULL, "{");
	write_bytes(w, "name", name);
	write_text(w, "in", in);
	write_flag(w, "required", in[0] == 'p');
	write_open(w, "schema", "{");
	write_text(w, "type", "string");
	write_close(w, "}}");
}

static void parameters_write(struct json_writer *w, const struct route *route)
{
	const char *rest = route->query;

	write_open(w, "parameters", "[");
	if (strchr(route->path, '{') != NULL)
		parameter_write(w, (struct span){ (const uint8_t *)"name", 4 }, "path");
	while (*rest != '\0') {
		const char *end = strchr(rest, ' ');
		size_t len = end != NULL ? (size_t)(end - rest) : strlen(rest);

		parameter_write(w, (struct span){ (const uint8_t *)rest, len }, "query");
		rest += len + (end != NULL);
	}
	write_close(w, "]");
}

static void content_write(struct json_writer *w, const char *type)
{
	write_open(w, "content", "{");
	write_open(w, type, "{");
	write_close(w, "}}");
}

static void answers_write(struct json_writer *w, const struct route *route)
{
	bool is_socket = strcmp(route->answer, TYPE_SOCKET) == 0;

	write_open(w, "responses", "{");
	write_open(w, is_socket ? "101" : route->answer[0] == '\0' ? "204" : "200", "{");
	write_text(w, "description", is_socket ? "a WebSocket (RFC 6455), " API_PROTOCOL : "done");
	if (!is_socket && route->answer[0] != '\0')
		content_write(w, route->answer);
	write_close(w, "}");
	write_open(w, "default", "{");
	write_text(w, "description", "{\"error\":{\"code\":...,\"message\":...}}");
	content_write(w, TYPE_JSON);
	write_close(w, "}}");
}

static void route_write(struct json_writer *w, const struct route *route)
{
	char method[8];
	size_t i = 0;

	for (; i < sizeof(method) - 1 && route->method[i] != '\0'; i++)
		method[i] = (char)(route->method[i] | 0x20);
	method[i] = '\0';
	write_open(w, method, "{");
	write_text(w, "summary", route->summary);
	parameters_write(w, route);
	if (route->body[0] != '\0') {
		write_open(w, "requestBody", "{");
		content_write(w, route->body);
		write_close(w, "}");
	}
	answers_write(w, route);
	write_close(w, "}");
}

// Whether an earlier row has the same path: its entry has all methods.
static bool is_repeated(size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(routes[i].path, routes[index].path) == 0)
			return true;
	}
	return false;
}

void openapi_write(struct json_writer *w)
{
	json_write_raw(w,
	               "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Starina\",\"version\":\"1\"},"
	               "\"servers\":[{\"url\":\"" API_PREFIX "\"}],"
	               "\"components\":{\"securitySchemes\":{\"token\":{\"type\":\"http\","
	               "\"scheme\":\"bearer\"}}},\"security\":[{\"token\":[]}],\"paths\":{");
	for (size_t i = 0; i < NUM_ROUTES; i++) {
		if (is_repeated(i))
			continue;
		json_write_raw(w, i == 0 ? "\"" : ",\"");
		path_write(w, routes[i].path);
		json_write_raw(w, "\":{");
		for (size_t k = i; k < NUM_ROUTES; k++) {
			if (strcmp(routes[k].path, routes[i].path) == 0)
				route_write(w, &routes[k]);
		}
		json_write_raw(w, "}");
	}
	json_write_raw(w, "}}");
}
