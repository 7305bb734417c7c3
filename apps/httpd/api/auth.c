// SPDX-License-Identifier: MIT
#include "apps/httpd/api/api.h"
#include "libs/base/string.h"

#define BEARER "Bearer "
#define IN_PROTOCOL "token."

static struct span behind(struct span s, size_t len)
{
	return (struct span){ .data = s.data + len, .len = s.len - len };
}

// --- Host and Origin -----------------------------------------------------------------------------

// Takes ":PORT" off the end.
static struct span without_port(struct span host)
{
	size_t len = host.len;

	while (len > 0 && host.data[len - 1] >= '0' && host.data[len - 1] <= '9')
		len--;
	if (len > 0 && len < host.len && host.data[len - 1] == ':')
		host.len = len - 1;
	return host;
}

// Whether all bytes of `s` are of `set`, and there are some.
static bool is_of(struct span s, const char *set)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\0' || strchr(set, s.data[i]) == NULL)
			return false;
	}
	return s.len > 0;
}

// What looks like an address is none of the names that DNS has: no top-level domain is a number
// (RFC 3696 2).
static bool is_address(struct span host)
{
	if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
		return is_of((struct span){ .data = host.data + 1, .len = host.len - 2 },
		             "0123456789abcdefABCDEF:.");
	return is_of(host, "0123456789.");
}

bool auth_is_local(const struct http_request_head *head)
{
	const struct http_field *origin = http_field_find(head, "Origin");
	const struct http_field *site = http_field_find(head, "Sec-Fetch-Site");
	struct span host = without_port(head->host);

	if (!span_equals_nocase(host, "localhost") && !is_address(host))
		return false;
	if (site != NULL && !span_is(site->value, "same-origin") && !span_is(site->value, "none"))
		return false;
	if (origin == NULL)
		return true;
	host = origin->value;
	if (!span_take_prefix_nocase(&host, "http://"))
		return false;
	return host.len == head->host.len && memcmp(host.data, head->host.data, host.len) == 0;
}

// --- The token -----------------------------------------------------------------------------------

// Takes as long for any text of this length.
static bool is_token(struct span text, const char *token)
{
	uint8_t differs = 0;

	if (text.len != WEB_TOKEN_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < text.len; i++)
		differs |= text.data[i] ^ (uint8_t)token[i];
	return differs == 0;
}

// Whether one of the subprotocols (RFC 6455 4.1) is the token's.
static bool protocols_have(struct span list, const char *token)
{
	bool has = false;

	while (list.len > 0) {
		const uint8_t *comma = memchr(list.data, ',', list.len);
		size_t len = comma != NULL ? (size_t)(comma - list.data) : list.len;
		struct span one = { .data = list.data, .len = len };

		while (one.len > 0 && (one.data[0] == ' ' || one.data[0] == '\t'))
			one = behind(one, 1);
		while (one.len > 0 &&
		       (one.data[one.len - 1] == ' ' || one.data[one.len - 1] == '\t'))
			one.len--;
		if (span_take_prefix_nocase(&one, IN_PROTOCOL) && is_token(one, token))
			has = true;
		list = behind(list, comma != NULL ? len + 1 : len);
	}
	return has;
}

bool auth_has_token(const struct http_request_head *head, const char *token)
{
	const struct http_field *field = http_field_find(head, "Authorization");
	const struct http_field *protocols = http_field_find(head, "Sec-WebSocket-Protocol");

	if (field != NULL) {
		struct span credentials = field->value;

		return span_take_prefix_nocase(&credentials, BEARER) &&
			is_token(credentials, token);
	}
	return head->upgrade.len > 0 && http_list_has(head->upgrade, "websocket") &&
		protocols != NULL && protocols_have(protocols->value, token);
}
