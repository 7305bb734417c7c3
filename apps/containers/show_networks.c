// SPDX-License-Identifier: MIT
//
// Networks as JSON, in the forms of Docker's API.
#include "apps/containers/containers.h"
#include "apps/containers/mac.h"
#include "apps/containers/networks.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/filters/filters.h"
#include "libs/starina/alloc.h"

static void key_string(struct json_writer *w, const char *key, const char *value)
{
	json_write_raw(w, key);
	json_write_string(w, value);
}

// An endpoint's own id: Docker's are random, and the same as long as it is there.
static void endpoint_id(const struct container *c, const struct network *network,
                        char out[static HEX_SIZE(VMM_ID_SIZE)])
{
	uint8_t id[VMM_ID_SIZE];

	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = c->id[i] ^ network->id[i];
	hex_write(id, sizeof(id), out);
}

// What a container has in a network; 0: nothing.
static uint32_t address_in(const struct container *c, const struct endpoint *endpoint,
                           const struct network *network)
{
	if (!endpoint_is_active(c))
		return 0;
	return address_load(network->kind == NETWORK_BRIDGE ? c->address : endpoint->address);
}

void show_mac(struct json_writer *w, const struct container *c, bool has_address)
{
	char mac[MAC_TEXT_MAX] = "";

	if (has_address)
		mac_show(c, mac);
	json_write_string(w, mac);
}

// --- Of a container ------------------------------------------------------------------------------

static void write_list(struct json_writer *w, const char *key, const struct string_list *list)
{
	json_write_raw(w, key);
	if (list->count == 0) {
		json_write_raw(w, "null");
		return;
	}
	json_write_raw(w, "[");
	for (size_t i = 0; i < list->count; i++)
		json_write_string(w, list->items[i]);
	json_write_raw(w, "]");
}

static void write_names(struct json_writer *w, const struct container *c,
                        const struct endpoint *endpoint)
{
	char short_id[SHORT_ID_TEXT];

	fmt_write(short_id, sizeof(short_id), "%s", c->id_text);
	json_write_raw(w, ",\"DNSNames\":[");
	json_write_string(w, c->name);
	for (size_t i = 0; i < endpoint->aliases.count; i++)
		json_write_string(w, endpoint->aliases.items[i]);
	json_write_string(w, short_id);
	json_write_raw(w, "]");
}

static void write_aliases(struct json_writer *w, const struct container *c,
                          const struct endpoint *endpoint, bool aliases_have_id)
{
	char short_id[SHORT_ID_TEXT];

	fmt_write(short_id, sizeof(short_id), "%s", c->id_text);
	// Clients that name it themselves have it there already.
	for (size_t i = 0; i < endpoint->aliases.count; i++)
		aliases_have_id = aliases_have_id &&
			strcmp(endpoint->aliases.items[i], short_id) != 0;
	if (!aliases_have_id) {
		write_list(w, ",\"Aliases\":", &endpoint->aliases);
		return;
	}
	json_write_raw(w, ",\"Aliases\":[");
	for (size_t i = 0; i < endpoint->aliases.count; i++)
		json_write_string(w, endpoint->aliases.items[i]);
	json_write_string(w, short_id);
	json_write_raw(w, "]");
}

static void write_endpoint(struct json_writer *w, const struct container *c,
                           const struct endpoint *endpoint, bool aliases_have_id)
{
	const struct network *network = endpoint_network(c->all, endpoint);
	uint32_t address = network != NULL ? address_in(c, endpoint, network) : 0;
	char text[ADDRESS_TEXT_MAX], mac[MAC_TEXT_MAX], id[HEX_SIZE(VMM_ID_SIZE)] = "";

	json_write_string(w, endpoint->network);
	json_write_raw(w, ":{\"IPAMConfig\":");
	if (address_load(endpoint->wanted) != 0) {
		address_write(address_load(endpoint->wanted), text);
		key_string(w, "{\"IPv4Address\":", text);
		json_write_raw(w, "}");
	} else {
		json_write_raw(w, "null");
	}
	write_list(w, ",\"Links\":", &endpoint->links);
	json_write_raw(w, ",\"DriverOpts\":");
	json_write_raw(w, endpoint->driver_options != NULL ? endpoint->driver_options : "null");
	write_aliases(w, c, endpoint,
	              aliases_have_id && (network == NULL || network->kind == NETWORK_USER));
	mac_show(c, mac);
	key_string(w,
	           ",\"MacAddress\":", address != 0 || netdev_mac_is_set(endpoint->mac) ? mac : "");
	key_string(w, ",\"NetworkID\":", network != NULL ? network->id_text : "");
	if (network != NULL && endpoint_is_active(c))
		endpoint_id(c, network, id);
	key_string(w, ",\"EndpointID\":", id);
	address_write(network != NULL ? network->gateway : 0, text);
	key_string(w, ",\"Gateway\":", address != 0 ? text : "");
	address_write(address, text);
	key_string(w, ",\"IPAddress\":", address != 0 ? text : "");
	json_write_raw(w, ",\"IPPrefixLen\":");
	json_write_i64(w, address != 0 ? network->subnet.prefix_len : 0);
	json_write_raw(w,
	               ",\"IPv6Gateway\":\"\",\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0"
	               ",\"GwPriority\":0");
	if (network == NULL || network->kind == NETWORK_USER)
		write_names(w, c, endpoint);
	else
		json_write_raw(w, ",\"DNSNames\":null");
	json_write_raw(w, "}");
}

void show_endpoints(struct json_writer *w, const struct container *c, bool aliases_have_id)
{
	const char *separator = "{";

	list_for_each(entry, &c->endpoints) {
		json_write_raw(w, separator);
		write_endpoint(w, c, container_of(entry, struct endpoint, entry), aliases_have_id);
		separator = ",";
	}
	json_write_raw(w, list_is_empty(&c->endpoints) ? "{}" : "}");
}

// --- Of a network --------------------------------------------------------------------------------

static void write_ipam(struct json_writer *w, const struct network *network)
{
	const struct subnet *range = &network->settings.range;
	char subnet[SUBNET_TEXT_MAX], gateway[ADDRESS_TEXT_MAX];

	json_write_raw(w, ",\"IPAM\":{\"Driver\":\"default\",\"Options\":null,\"Config\":");
	if (network->subnet.prefix_len == 0) {
		json_write_raw(w, "null}");
		return;
	}
	subnet_write(&network->subnet, subnet);
	address_write(network->gateway, gateway);
	key_string(w, "[{\"Subnet\":", subnet);
	if (range->prefix_len > 0) {
		subnet_write(range, subnet);
		key_string(w, ",\"IPRange\":", subnet);
	}
	key_string(w, ",\"Gateway\":", gateway);
	if (network->settings.auxiliary != NULL) {
		json_write_raw(w, ",\"AuxiliaryAddresses\":");
		json_write_raw(w, network->settings.auxiliary);
	}
	json_write_raw(w, "}]}");
}

static void write_member(struct json_writer *w, const struct container *c,
                         const struct network *network, uint32_t address)
{
	char text[ADDRESS_TEXT_MAX], with_prefix[SUBNET_TEXT_MAX], mac[MAC_TEXT_MAX],
		id[HEX_SIZE(VMM_ID_SIZE)];

	address_write(address, text);
	fmt_write(with_prefix, sizeof(with_prefix), "%s/%u", text, network->subnet.prefix_len);
	mac_show(c, mac);
	endpoint_id(c, network, id);
	json_write_string(w, c->id_text);
	key_string(w, ":{\"Name\":", c->name);
	key_string(w, ",\"EndpointID\":", id);
	key_string(w, ",\"MacAddress\":", mac);
	key_string(w, ",\"IPv4Address\":", address != 0 ? with_prefix : "");
	json_write_raw(w, ",\"IPv6Address\":\"\"}");
}

static void write_members(struct json_writer *w, struct containers *all,
                          const struct network *network)
{
	const char *separator = "";

	json_write_raw(w, ",\"Containers\":{");
	list_for_each(entry, &all->containers) {
		const struct container *c = container_of(entry, struct container, entry);

		list_for_each(pos, &c->endpoints) {
			const struct endpoint *endpoint = container_of(pos, struct endpoint, entry);

			if (!endpoint_is_active(c) ||
			    strcmp(endpoint->network, network->settings.name) != 0)
				continue;
			json_write_raw(w, separator);
			write_member(w, c, network, address_in(c, endpoint, network));
			separator = ",";
		}
	}
	json_write_raw(w, "}");
}

static const char *driver_of(const struct network *network)
{
	return network->kind == NETWORK_HOST    ? "host"
		: network->kind == NETWORK_NONE ? "null"
						: "bridge";
}

static void write_network(struct json_writer *w, struct containers *all,
                          const struct network *network, bool with_members)
{
	const struct network_settings *s = &network->settings;
	char created[TIME_TEXT_MAX];

	words_time(network->created_at, created);
	key_string(w, "{\"Name\":", s->name);
	key_string(w, ",\"Id\":", network->id_text);
	key_string(w, ",\"Created\":", created);
	key_string(w, ",\"Scope\":\"local\",\"Driver\":", driver_of(network));
	json_write_raw(w, ",\"EnableIPv4\":true,\"EnableIPv6\":false");
	write_ipam(w, network);
	json_write_raw(w, s->internal ? ",\"Internal\":true" : ",\"Internal\":false");
	json_write_raw(w, s->attachable ? ",\"Attachable\":true" : ",\"Attachable\":false");
	json_write_raw(w,
	               ",\"Ingress\":false,\"ConfigFrom\":{\"Network\":\"\"},"
	               "\"ConfigOnly\":false,\"Options\":");
	json_write_raw(w, s->options != NULL ? s->options : "{}");
	json_write_raw(w, ",\"Labels\":");
	json_write_raw(w, s->labels != NULL ? s->labels : "{}");
	if (with_members)
		write_members(w, all, network);
	else
		json_write_raw(w, ",\"Containers\":{}");
	json_write_raw(w, "}");
}

void show_network(struct request *request)
{
	const struct network *network = network_find(request->all, request->target);
	char *scope = query_take(request, "scope");
	bool is_here = scope == NULL || scope[0] == '\0' || strcmp(scope, "local") == 0;
	struct json_writer w = { 0 };

	heap_free(scope);
	if (network == NULL || !is_here) {
		reply_error(request->client, request->id, 404, "network %s not found",
		            request->target);
		return;
	}
	write_network(&w, request->all, network, true);
	reply_json(request->client, request->id, 200, &w);
}

// --- The list ------------------------------------------------------------------------------------

static const char *const network_filters[] = { "name",  "id",       "driver", "type",
	                                       "label", "dangling", "scope",  NULL };

static bool has_filter(const struct filters *filters, const char *key)
{
	return filters_value(filters, key, 0) != NULL;
}

static bool fits(struct containers *all, const struct filters *filters,
                 const struct network *network)
{
	const struct network_settings *s = &network->settings;
	bool is_user = network->kind == NETWORK_USER, dangling = false;
	char error[FILTERS_ERROR_MAX];

	if (filters_switch(filters, "dangling", false, &dangling, error) < 0)
		return false;
	if (has_filter(filters, "dangling") &&
	    dangling != (is_user && network_user(all, network) == NULL))
		return false;
	return filters_match(filters, "name", s->name) &&
		filters_match(filters, "id", network->id_text) &&
		(!has_filter(filters, "driver") ||
	         filters_equal(filters, "driver", driver_of(network))) &&
		(!has_filter(filters, "type") ||
	         filters_equal(filters, "type", is_user ? "custom" : "builtin")) &&
		(!has_filter(filters, "scope") || filters_equal(filters, "scope", "local")) &&
		filters_has_labels(filters, "label", s->labels);
}

// What a filter cannot have. Errors: ERR_INVALID with a text for people.
static error_t check(const struct filters *filters, char error[static FILTERS_ERROR_MAX])
{
	const char *value;
	bool dangling;

	for (size_t i = 0; (value = filters_value(filters, "type", i)) != NULL; i++) {
		if (strcmp(value, "custom") == 0 || strcmp(value, "builtin") == 0)
			continue;
		filters_refuse("type", value, error);
		return ERR_INVALID;
	}
	return filters_switch(filters, "dangling", false, &dangling, error);
}

#define ALONE_SINCE 28u  // of the API's versions, lists have no members

void show_networks(struct request *request)
{
	char *text = query_take(request, "filters");
	char error[FILTERS_ERROR_MAX] = "out of memory";
	const char *separator = "[";
	struct json_writer w = { 0 };
	struct filters filters;
	error_t err = filters_parse(&filters, text, network_filters, error);

	heap_free(text);
	if (err == 0 && (err = check(&filters, error)) < 0)
		filters_deinit(&filters);
	if (err < 0) {
		reply_error(request->client, request->id, err == ERR_INVALID ? 400 : 500, "%s",
		            error);
		return;
	}
	list_for_each(entry, &request->all->networks) {
		const struct network *network = container_of(entry, struct network, entry);

		if (!fits(request->all, &filters, network))
			continue;
		json_write_raw(&w, separator);
		write_network(&w, request->all, network, request->minor < ALONE_SINCE);
		separator = ",";
	}
	json_write_raw(&w, separator[0] == '[' ? "[]" : "]");
	filters_deinit(&filters);
	reply_json(request->client, request->id, 200, &w);
}
