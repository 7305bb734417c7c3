// SPDX-License-Identifier: MIT
#include "apps/containers/port_list.h"

#include "libs/abi/host.h"
#include "libs/base/decimal.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

error_t port_list_add(struct port_list *list, const struct port *port)
{
	struct port *items;

	if (list->count == PORT_LIST_MAX)
		return ERR_LIMIT;
	items = heap_alloc((list->count + 1) * sizeof(*items));
	if (items == NULL)
		return ERR_NO_MEMORY;
	if (list->count > 0)
		memcpy(items, list->items, list->count * sizeof(*items));
	items[list->count++] = *port;
	heap_free(list->items);
	list->items = items;
	return 0;
}

bool port_list_has(const struct port_list *list, const struct port *port)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].protocol == port->protocol &&
		    list->items[i].number == port->number)
			return true;
	return false;
}

void port_list_deinit(struct port_list *list)
{
	heap_free(list->items);
	*list = (struct port_list){ 0 };
}

// A number of at most `max`, behind which `*text` is then; false when there is none.
static bool take_number(const char **text, uint32_t max, uint32_t *out)
{
	struct span rest = text_span(*text);
	uint64_t value;

	if (!decimal_take(&rest, max, &value))
		return false;
	*text = (const char *)rest.data;
	*out = (uint32_t)value;
	return true;
}

bool port_read(struct port *port, const char *text)
{
	struct span protocol;
	uint32_t number;

	if (!take_number(&text, UINT16_MAX, &number) || number == 0)
		return false;
	port->number = (uint16_t)number;
	protocol = text_span(text);
	port->protocol = span_equals_nocase(protocol, "/udp") ? HOST_UDP : HOST_TCP;
	return protocol.len == 0 || port->protocol == HOST_UDP ||
		span_equals_nocase(protocol, "/tcp");
}

bool port_read_host(struct port *port, const char *text)
{
	uint32_t first, last;

	port->first = port->last = 0;
	if (*text == '\0')
		return true;
	if (!take_number(&text, UINT16_MAX, &first))
		return false;
	last = first;
	if (*text == '-') {
		text++;
		if (!take_number(&text, UINT16_MAX, &last) || first == 0)
			return false;
	}
	port->first = (uint16_t)first;
	port->last = (uint16_t)last;
	return *text == '\0' && first <= last;
}

bool port_read_address(struct port *port, const char *text)
{
	memset(port->host, 0, sizeof(port->host));
	if (*text == '\0')
		return true;
	for (size_t i = 0; i < sizeof(port->host); i++) {
		uint32_t byte;

		if ((i > 0 && *text++ != '.') || !take_number(&text, UINT8_MAX, &byte))
			return false;
		port->host[i] = (uint8_t)byte;
	}
	return *text == '\0';
}

void port_text(const struct port *port, char out[static PORT_TEXT_MAX])
{
	fmt_write(out, PORT_TEXT_MAX, "%u/%s", port->number,
	          port->protocol == HOST_UDP ? "udp" : "tcp");
}
