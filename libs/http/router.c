// SPDX-License-Identifier: MIT
#include "libs/http/router.h"

#include "libs/base/string.h"

// The parts of a path or of a pattern that are not looked at yet; both begin with a "/" as long as
// there are some.
static struct span next_part(const struct span *rest)
{
	struct span part = { .data = rest->data + 1, .len = rest->len - 1 };
	const uint8_t *end = part.len > 0 ? memchr(part.data, '/', part.len) : NULL;

	if (end != NULL)
		part.len = (size_t)(end - part.data);
	return part;
}

static void drop_part(struct span *rest, struct span part)
{
	rest->data += part.len + 1;
	rest->len -= part.len + 1;
}

static size_t count_parts(struct span rest)
{
	size_t count = 0;

	for (; rest.len > 0; count++)
		drop_part(&rest, next_part(&rest));
	return count;
}

// One part of a path, or as many as `parts` says, which a parameter of the pattern stands for.
static struct span take_parts(struct span *path, size_t parts)
{
	struct span taken = next_part(path);

	drop_part(path, taken);
	while (--parts > 0) {
		struct span part = next_part(path);

		drop_part(path, part);
		taken.len += part.len + 1;
	}
	return taken;
}

// Whether the path is one of the pattern, and what of it its parameters stand for.
static bool fits(const char *pattern, struct span path, struct span params[HTTP_MAX_PARAMS])
{
	struct span rest = text_span(pattern);
	size_t in_pattern = count_parts(rest), in_path = count_parts(path);
	size_t num_params = 0;

	if (in_path < in_pattern)
		return false;
	while (rest.len > 0 && path.len > 0) {
		struct span want = next_part(&rest), part;
		bool many = span_is(want, "{*}");

		drop_part(&rest, want);
		part = take_parts(&path, many ? in_path - in_pattern + 1 : 1);
		if (!many && !span_is(want, "{}")) {
			if (part.len != want.len || memcmp(part.data, want.data, want.len) != 0)
				return false;
		} else if (part.len == 0 || num_params == HTTP_MAX_PARAMS) {
			return false;
		} else {
			params[num_params++] = part;
		}
	}
	return rest.len == 0 && path.len == 0;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

// Takes "/v1.41" off the path. Returns 141, or 0: it does not begin so.
static unsigned take_version(struct span *path)
{
	struct span part = next_part(path);
	const uint8_t *d = part.data;
	unsigned version;

	if (part.len < 4 || part.len > 5 || part.len + 1 == path->len || d[0] != 'v' ||
	    !is_digit(d[1]) || d[2] != '.' || !is_digit(d[3]) || (part.len == 5 && !is_digit(d[4])))
		return 0;
	version = (unsigned)(d[3] - '0');
	if (part.len == 5)
		version = version * 10 + (unsigned)(d[4] - '0');
	drop_part(path, part);
	return (unsigned)(d[1] - '0') * 100 + version;
}

static bool has_method(const struct http_route *route, const struct http_request_head *head)
{
	return span_is(head->method, route->method) ||
		(strcmp(route->method, "GET") == 0 && span_is(head->method, "HEAD"));
}

static error_t decode_params(struct http_match *match, const struct span params[HTTP_MAX_PARAMS])
{
	size_t used = 0;

	for (size_t i = 0; i < HTTP_MAX_PARAMS && params[i].len > 0; i++) {
		size_t len;
		error_t err = http_percent_decode(params[i], false, match->text + used,
		                                  sizeof(match->text) - used, &len);

		if (err < 0)
			return err;
		match->params[i] = match->text + used;
		used += len + 1;
	}
	return 0;
}

error_t http_route_find(const struct http_route *routes, size_t count, bool has_version,
                        const struct http_request_head *head, struct http_match *match)
{
	struct http_target target;
	error_t err = http_target_split(head->target, &target);
	bool has_path = false;

	if (err < 0)
		return err;
	match->route = NULL;
	match->query = target.query;
	match->version = has_version ? take_version(&target.path) : 0;
	memset(match->params, 0, sizeof(match->params));
	for (size_t i = 0; i < count; i++) {
		struct span params[HTTP_MAX_PARAMS] = { 0 };

		if (!fits(routes[i].pattern, target.path, params))
			continue;
		has_path = true;
		if (!has_method(&routes[i], head))
			continue;
		match->route = &routes[i];
		return decode_params(match, params);
	}
	return has_path ? ERR_NOT_SUPPORTED : ERR_NOT_FOUND;
}
