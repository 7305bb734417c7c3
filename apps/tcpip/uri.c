// SPDX-License-Identifier: MIT
#include "apps/tcpip/uri.h"

#include "libs/base/decimal.h"
#include "libs/base/string.h"

static error_t parse_port(struct span text, uint16_t *port)
{
	uint64_t value;

	if (text.len > 5 || !decimal_read(text, UINT16_MAX, &value) || value == 0)
		return ERR_INVALID;
	*port = (uint16_t)value;
	return 0;
}

error_t socket_uri_parse(struct span text, struct socket_uri *out)
{
	struct span host;
	size_t colon;

	out->udp = span_take_prefix(&text, "udp");
	if (!out->udp && !span_take_prefix(&text, "tcp"))
		return ERR_INVALID;
	out->listen = span_take_prefix(&text, "-listen");
	if (!span_take_prefix(&text, ":"))
		return ERR_INVALID;
	for (colon = text.len; colon > 0 && text.data[colon - 1] != ':'; colon--)
		;
	if (colon == 0)
		return ERR_INVALID;
	host = (struct span){ .data = text.data, .len = colon - 1 };
	if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
		host.data++;
		host.len -= 2;
	} else if (memchr(host.data, ':', host.len) != NULL) {
		return ERR_INVALID;
	}
	if (host.len == 0 || host.len >= sizeof(out->host) ||
	    memchr(host.data, '\0', host.len) != NULL)
		return ERR_INVALID;
	memcpy(out->host, host.data, host.len);
	out->host[host.len] = '\0';
	return parse_port((struct span){ .data = text.data + colon, .len = text.len - colon },
	                  &out->port);
}
