// SPDX-License-Identifier: MIT
//
// Which networks there are. Texts are Docker's: people search for them.
#include "apps/containers/networks.h"

#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/filters/filters.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Of the machine's own network (QEMU's user network), whose addresses nobody else gets.
#define UPLINK_SUBNET ((struct subnet){ 10u << 24 | 2u << 8, 24 })
#define UPLINK_GATEWAY (10u << 24 | 2u << 8 | 2u)

// --- Finding -------------------------------------------------------------------------------------

static struct network *find_name(struct containers *all, const char *name)
{
	list_for_each(entry, &all->networks) {
		struct network *network = container_of(entry, struct network, entry);

		if (strcmp(network->settings.name, name) == 0)
			return network;
	}
	return NULL;
}

static struct network *find_id(struct containers *all, const char *id)
{
	list_for_each(entry, &all->networks) {
		struct network *network = container_of(entry, struct network, entry);

		if (strcmp(network->id_text, id) == 0)
			return network;
	}
	return NULL;
}

// A whole id goes before a name, and a name before the beginning of an id.
struct network *network_find(struct containers *all, const char *text)
{
	struct network *found = find_id(all, text);
	size_t len = strlen(text), count = 0;

	if (found == NULL)
		found = find_name(all, text);
	if (found != NULL)
		return found;
	list_for_each(entry, &all->networks) {
		struct network *network = container_of(entry, struct network, entry);

		if (len == 0 || strncmp(network->id_text, text, len) != 0)
			continue;
		found = network;
		count++;
	}
	return count == 1 ? found : NULL;
}

struct network *endpoint_network(struct containers *all, const struct endpoint *endpoint)
{
	return find_name(all, endpoint->network);
}

bool endpoint_is_active(const struct container *c)
{
	return c->vmm != NULL && c->vmm->order_sent;
}

// --- Addresses -----------------------------------------------------------------------------------

const struct container *network_holder(struct containers *all, const struct network *network,
                                       uint32_t address)
{
	list_for_each(entry, &all->containers) {
		struct container *c = container_of(entry, struct container, entry);

		list_for_each(pos, &c->endpoints) {
			struct endpoint *endpoint = container_of(pos, struct endpoint, entry);

			if (address_load(endpoint->address) == address &&
			    strcmp(endpoint->network, network->settings.name) == 0)
				return c;
		}
	}
	return NULL;
}

// The lowest that is free: there are few containers that run, so few are looked at.
uint32_t network_choose(struct containers *all, const struct network *network)
{
	const struct subnet *range = network->settings.range.prefix_len > 0
		? &network->settings.range
		: &network->subnet;
	uint32_t size = range->prefix_len < 32 ? UINT32_MAX >> range->prefix_len : 0;

	for (uint32_t host = 0; host <= size; host++) {
		uint32_t address = range->base | host;

		if (address != network->gateway && !network_reserves(&network->settings, address) &&
		    subnet_has_host(&network->subnet, address) &&
		    network_holder(all, network, address) == NULL)
			return address;
	}
	return 0;
}

static const struct network *find_overlapping(struct containers *all, const struct subnet *subnet)
{
	list_for_each(entry, &all->networks) {
		const struct network *network = container_of(entry, struct network, entry);

		if (network->subnet.prefix_len > 0 && subnet_overlaps(&network->subnet, subnet))
			return network;
	}
	return NULL;
}

// --- Making --------------------------------------------------------------------------------------

void network_discard(struct network *network)
{
	network_settings_deinit(&network->settings);
	heap_free(network);
}

void network_add(struct containers *all, struct network *network)
{
	list_push_back(&all->networks, &network->entry);
	all->num_networks++;
	if (network->number > all->last_network)
		all->last_network = network->number;
}

static void add_ours(struct containers *all, const char *name, enum network_kind kind)
{
	struct network *network = heap_alloc(sizeof(*network));
	char *copy = string_copy(name);

	assert(network != NULL && copy != NULL);
	network->kind = kind;
	network->settings.name = copy;
	memcpy(network->id, name, strlen(name));
	hex_write(network->id, sizeof(network->id), network->id_text);
	if (kind == NETWORK_BRIDGE) {
		network->subnet = UPLINK_SUBNET;
		network->gateway = UPLINK_GATEWAY;
	}
	network_add(all, network);
}

void networks_init(struct containers *all)
{
	list_init(&all->networks);
	add_ours(all, "bridge", NETWORK_BRIDGE);
	add_ours(all, "host", NETWORK_HOST);
	add_ours(all, "none", NETWORK_NONE);
}

error_t network_make(struct network *network, struct span body,
                     char error[static SETTINGS_ERROR_MAX])
{
	error_t err = network_settings_parse(&network->settings, body, error);

	if (err < 0)
		return err;
	network->subnet = network->settings.subnet;
	network->gateway = network->settings.gateway;
	return 0;
}

// Gives the network its addresses; false, and the request was answered, when it cannot have them.
static bool choose_subnet(struct request *request, struct network *network)
{
	const struct network *other = NULL;
	bool chosen = network->subnet.prefix_len > 0;

	if (chosen)
		other = find_overlapping(request->all, &network->subnet);
	for (size_t i = 0; !chosen && subnet_default(i, &network->subnet); i++)
		chosen = find_overlapping(request->all, &network->subnet) == NULL;
	if (other != NULL)
		request_refuse(request, 403,
		               "invalid pool request: Pool overlaps with other one on this address "
		               "space: network %s has it",
		               other->settings.name);
	else if (!chosen)
		request_refuse(
			request, 400,
			"could not find an available, non-overlapping IPv4 address pool among the "
			"defaults to assign to the network");
	// Docker's choice for who names none.
	if (network->gateway == 0)
		network->gateway = (network->settings.range.prefix_len > 0
		                            ? network->settings.range.base
		                            : network->subnet.base) |
			1;
	if (!subnet_has_host(&network->subnet, network->gateway))
		network->gateway = network->subnet.base | 1;
	return chosen && other == NULL;
}

static bool name_is_free(struct request *request, const struct network *network)
{
	const struct network *other = find_name(request->all, network->settings.name);

	if (other == NULL)
		return true;
	if (other->kind != NETWORK_USER)
		request_refuse(request, 403, "operation is not permitted on predefined %s network",
		               other->settings.name);
	else
		request_refuse(request, 409, "network with name %s already exists",
		               other->settings.name);
	return false;
}

static void tell(struct containers *all, const struct network *network, const char *action)
{
	struct json_writer w = { 0 };

	json_write_raw(&w, "{\"name\":");
	json_write_string(&w, network->settings.name);
	json_write_raw(&w, ",\"type\":\"bridge\"}");
	events_tell(all, "network", action, network->id_text, json_writer_text(&w));
	json_writer_deinit(&w);
}

static void answer_created(struct request *request, const struct network *network)
{
	struct json_writer w = { 0 };

	json_write_raw(&w, "{\"Id\":");
	json_write_string(&w, network->id_text);
	json_write_raw(&w,
	               network->settings.options != NULL
	                       ? ",\"Warning\":\"Options have no effect: there is no bridge\"}"
	                       : ",\"Warning\":\"\"}");
	reply_json(request->client, request->id, 201, &w);
}

void operation_network_create(struct request *request)
{
	struct containers *all = request->all;
	struct network *network = heap_alloc(sizeof(*network));
	char error[SETTINGS_ERROR_MAX] = "out of memory";
	error_t err;

	if (network == NULL || all->num_networks == NETWORKS_MAX) {
		request_refuse(request, 500, "%s",
		               network == NULL ? error
		                               : "there are too many networks: remove some");
		heap_free(network);
		return;
	}
	err = network_make(network, request->body, error);
	if (err == 0)
		err = random_get(network->id, sizeof(network->id));
	hex_write(network->id, sizeof(network->id), network->id_text);
	if (err < 0) {
		request_refuse(request, err == ERR_INVALID || err == ERR_PROTOCOL ? 400 : 500, "%s",
		               error);
		network_discard(network);
		return;
	}
	if (!name_is_free(request, network) || !choose_subnet(request, network)) {
		network_discard(network);
		return;
	}
	network->number = all->last_network + 1;
	network->created_at = record_time();
	err = network_write(all, network);
	if (err < 0) {
		request_refuse(request, 500, "network %s cannot be kept: %s",
		               network->settings.name, error_text(err));
		network_forget(all, network);
		network_discard(network);
		return;
	}
	network_add(all, network);
	tell(all, network, "create");
	answer_created(request, network);
}

// --- Removing ------------------------------------------------------------------------------------

const struct container *network_user(struct containers *all, const struct network *network)
{
	list_for_each(entry, &all->containers) {
		const struct container *c = container_of(entry, struct container, entry);

		if (endpoint_is_active(c) && endpoints_has(c, network->settings.name))
			return c;
	}
	return NULL;
}

static void take_away(struct containers *all, struct network *network)
{
	tell(all, network, "destroy");
	network_forget(all, network);
	list_remove(&network->entry);
	all->num_networks--;
	network_discard(network);
}

void operation_network_remove(struct request *request)
{
	struct network *network = network_find(request->all, request->target);
	const struct container *user;

	if (network == NULL) {
		request_refuse(request, 404, "network %s not found", request->target);
		return;
	}
	if (network->kind != NETWORK_USER) {
		request_refuse(request, 403, "%s is a pre-defined network and cannot be removed",
		               network->settings.name);
		return;
	}
	user = network_user(request->all, network);
	if (user != NULL) {
		request_refuse(request, 403,
		               "error while removing network: network %s has active endpoints "
		               "(name:\"%s\" id:\"%.12s\")",
		               network->settings.name, user->name, user->id_text);
		return;
	}
	take_away(request->all, network);
	reply_empty(request->client, request->id, 204, 0);
}

void operation_networks_prune(struct request *request)
{
	static const char *const known[] = { "until", "label", "label!", NULL };
	struct containers *all = request->all;
	char *text = query_take(request, "filters");
	char error[FILTERS_ERROR_MAX];
	nsec_t until = NSEC_NEVER;
	struct json_writer w = { 0 };
	struct filters filters;
	error_t err = filters_parse(&filters, text, known, error);

	heap_free(text);
	if (err == 0)
		err = filters_until(&filters, wall_time(), &until, error);
	if (err < 0) {
		filters_deinit(&filters);
		request_refuse(request, err == ERR_INVALID ? 400 : 500, "%s",
		               err == ERR_INVALID ? error : "out of memory");
		return;
	}
	json_write_raw(&w, "{\"NetworksDeleted\":[");
	list_for_each_safe(pos, &all->networks)
	{
		struct network *network = container_of(pos, struct network, entry);

		if (network->kind != NETWORK_USER || network_user(all, network) != NULL ||
		    network->created_at >= until ||
		    !filters_has_labels(&filters, "label", network->settings.labels) ||
		    !filters_lacks_labels(&filters, "label!", network->settings.labels))
			continue;
		json_write_string(&w, network->settings.name);
		take_away(all, network);
	}
	json_write_raw(&w, "]}");
	filters_deinit(&filters);
	events_prune(all, "network", 0);
	reply_json(request->client, request->id, 200, &w);
}
