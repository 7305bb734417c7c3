// SPDX-License-Identifier: MIT
#include "libs/http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "libs/base/string.h"

static const struct http_route routes[] = {
	{ "GET", "/", NULL },
	{ "GET", "/_ping", NULL },
	{ "GET", "/containers/json", NULL },
	{ "POST", "/containers/create", NULL },
	{ "DELETE", "/containers/{}", NULL },
	{ "GET", "/containers/{}/json", NULL },
	{ "POST", "/containers/{}/{}/of/{}", NULL },
	{ "GET", "/images/{*}/json", NULL },
	{ "DELETE", "/images/{*}", NULL },
	{ "PUT", "/{}/archive", NULL },
};
#define COUNT (sizeof(routes) / sizeof(routes[0]))

static error_t find(const char *method, const char *target, struct http_match *match)
{
	struct http_request_head head = { .method = text_span(method),
		                          .target = text_span(target) };

	return http_route_find(routes, COUNT, true, &head, match);
}

static void finds_routes(void **state)
{
	static const struct {
		const char *method, *target, *pattern, *params[HTTP_MAX_PARAMS];
		unsigned version;
	} rows[] = {
		{ "GET", "/", "/", { NULL }, 0 },
		{ "HEAD", "/_ping?x", "/_ping", { NULL }, 0 },
		{ "GET", "http://host:1/_ping", "/_ping", { NULL }, 0 },
		{ "GET", "/v1.41/_ping", "/_ping", { NULL }, 141 },
		{ "GET", "/v1.5/containers/json", "/containers/json", { NULL }, 105 },
		{ "DELETE", "/containers/v1.41", "/containers/{}", { "v1.41" }, 0 },
		{ "DELETE", "/containers/json", "/containers/{}", { "json" }, 0 },
		{ "GET", "/containers/a%20b%2Fc/json", "/containers/{}/json", { "a b/c" }, 0 },
		{ "GET", "/containers/a+b/json", "/containers/{}/json", { "a+b" }, 0 },
		{ "POST",
		  "/v1.41/containers/a/b/of/c?d=e",
		  "/containers/{}/{}/of/{}",
		  { "a", "b", "c" },
		  141 },
		{ "GET", "/images/nginx/json", "/images/{*}/json", { "nginx" }, 0 },
		{ "GET", "/images/r:5000/a/b:c/json", "/images/{*}/json", { "r:5000/a/b:c" }, 0 },
		{ "DELETE", "/images/a/json", "/images/{*}", { "a/json" }, 0 },
		{ "PUT", "/images/archive", "/{}/archive", { "images" }, 0 },
	};
	struct http_match match;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (find(rows[i].method, rows[i].target, &match) != 0)
			fail_msg("%s %s finds nothing", rows[i].method, rows[i].target);
		assert_string_equal(match.route->pattern, rows[i].pattern);
		assert_int_equal(match.version, rows[i].version);
		for (size_t p = 0; p < HTTP_MAX_PARAMS; p++) {
			if (rows[i].params[p] == NULL)
				assert_null(match.params[p]);
			else
				assert_string_equal(match.params[p], rows[i].params[p]);
		}
	}
}

static void says_why_there_is_none(void **state)
{
	static const struct {
		const char *method, *target;
		error_t err;
	} rows[] = {
		{ "GET", "/none", ERR_NOT_FOUND },
		{ "GET", "/_ping/", ERR_NOT_FOUND },
		{ "GET", "/_ping/x", ERR_NOT_FOUND },
		{ "GET", "//_ping", ERR_NOT_FOUND },
		{ "GET", "/_pin", ERR_NOT_FOUND },
		{ "GET", "/v1.41", ERR_NOT_FOUND },
		{ "GET", "/v1.411/_ping", ERR_NOT_FOUND },
		{ "GET", "/v1/_ping", ERR_NOT_FOUND },
		{ "GET", "/v1.41/v1.41/_ping", ERR_NOT_FOUND },
		{ "GET", "/containers//json", ERR_NOT_FOUND },
		{ "GET", "/images/json", ERR_NOT_SUPPORTED },
		{ "POST", "/_ping", ERR_NOT_SUPPORTED },
		{ "HEAD", "/containers/create", ERR_NOT_SUPPORTED },
		{ "get", "/_ping", ERR_NOT_SUPPORTED },
		{ "DELETE", "/containers/%zz", ERR_INVALID },
		{ "DELETE", "/containers/%4", ERR_INVALID },
		{ "DELETE", "/containers/a%00b", ERR_INVALID },
		{ "OPTIONS", "*", ERR_INVALID },
		{ "GET", "http://host", ERR_INVALID },
	};
	static char large[HTTP_MAX_PATH + 32] = "/containers/";
	struct http_match match;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (find(rows[i].method, rows[i].target, &match) != rows[i].err)
			fail_msg("%s %s", rows[i].method, rows[i].target);
	}
	memset(large + strlen(large), 'x', HTTP_MAX_PATH);
	assert_int_equal(find("DELETE", large, &match), ERR_TOO_LARGE);
	large[strlen("/containers/") + HTTP_MAX_PATH - 1] = '\0';
	assert_int_equal(find("DELETE", large, &match), 0);
}

static void reads_queries(void **state)
{
	struct span query = text_span("t=1&names=a&names=b+c%26&empty&=x&na%6des=d&bad=%x&&last=");
	char out[8];

	(void)state;
	assert_int_equal(http_query_value(query, "t", 0, out, sizeof(out)), 0);
	assert_string_equal(out, "1");
	assert_int_equal(http_query_value(query, "names", 1, out, sizeof(out)), 0);
	assert_string_equal(out, "b c&");
	assert_int_equal(http_query_value(query, "names", 2, out, sizeof(out)), 0);
	assert_string_equal(out, "d");
	assert_int_equal(http_query_value(query, "names", 3, out, sizeof(out)), ERR_NOT_FOUND);
	assert_int_equal(http_query_value(query, "empty", 0, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(http_query_value(query, "last", 0, out, sizeof(out)), 0);
	assert_int_equal(http_query_value(query, "bad", 0, out, sizeof(out)), ERR_INVALID);
	assert_int_equal(http_query_value(query, "name", 0, out, sizeof(out)), ERR_NOT_FOUND);
	assert_int_equal(http_query_value(query, "names", 1, out, 4), ERR_TOO_LARGE);
	assert_int_equal(http_query_value(text_span(""), "t", 0, out, sizeof(out)), ERR_NOT_FOUND);
}

static void reads_switches(void **state)
{
	static const struct {
		const char *query;
		bool otherwise, on;
	} rows[] = {
		{ "", false, false },
		{ "", true, true },
		{ "x=1", false, true },
		{ "x=true", false, true },
		{ "x=0", true, false },
		{ "x=False", true, false },
		{ "x=", true, false },
		{ "x", true, false },
		{ "x=no", true, false },
		{ "x=0&x=1", false, true },
		{ "x=1&x=0", true, false },
		{ "y=1", false, false },
		{ "x=12345678901234567890", false, true },
	};
	bool on;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			http_query_switch(text_span(rows[i].query), "x", rows[i].otherwise, &on),
			0);
		if (on != rows[i].on)
			fail_msg("%s", rows[i].query);
	}
	assert_int_equal(http_query_switch(text_span("x=%"), "x", false, &on), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_routes),
		cmocka_unit_test(says_why_there_is_none),
		cmocka_unit_test(reads_queries),
		cmocka_unit_test(reads_switches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
