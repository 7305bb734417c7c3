// SPDX-License-Identifier: MIT
//
// Containers in networks: what they ask for, what they have while they run, and how that changes.
#include "apps/containers/containers.h"
#include "apps/containers/mac.h"
#include "apps/containers/networks.h"
#include "apps/containers/settings_own.h"
#include "libs/abi/networks.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// --- What is asked for ---------------------------------------------------------------------------

static error_t add_all(struct string_list *list, const struct string_list *more)
{
	error_t err = 0;

	for (size_t i = 0; err == 0 && i < more->count; i++)
		err = string_list_add(list, more->items[i]);
	return err;
}

static error_t set_names(struct endpoint *endpoint, const struct endpoint_settings *s)
{
	error_t err;

	endpoint_free_names(endpoint);
	endpoint->driver_options = s->driver_options != NULL ? string_copy(s->driver_options)
							     : NULL;
	if (s->driver_options != NULL && endpoint->driver_options == NULL)
		return ERR_NO_MEMORY;
	err = add_all(&endpoint->aliases, &s->aliases);
	return err == 0 ? add_all(&endpoint->links, &s->links) : err;
}

static error_t endpoint_set(const struct container *c, struct endpoint *endpoint,
                            const struct network *network, const struct endpoint_settings *s,
                            char error[static SETTINGS_ERROR_MAX])
{
	bool has_address = s->address != NULL && s->address[0] != '\0';
	bool is_ours = network != NULL && network->kind != NETWORK_USER;
	uint8_t mac[NETDEV_MAC_LEN];
	uint32_t address = 0;
	error_t err;

	if (is_ours && s->aliases.count > 0)
		return settings_refuse(
			error,
			"network-scoped alias is supported only for containers in user "
			"defined networks");
	if (is_ours && has_address)
		return settings_refuse(
			error,
			"user specified IP address is supported on user defined networks "
			"only");
	if (has_address && !address_read(s->address, &address))
		return settings_refuse(error, "invalid IPv4 address: %.64s", s->address);
	if (has_address && network != NULL && !subnet_has_host(&network->subnet, address))
		return settings_refuse(
			error,
			"invalid config for network %s: invalid endpoint settings: no "
			"configured subnet or ip range contain the IP address %s",
			network->settings.name, s->address);
	address_store(address, endpoint->wanted);
	if (s->mac != NULL && s->mac[0] != '\0' && mac_read(s->mac, mac)) {
		err = mac_fits(c, mac, error);
		if (err < 0)
			return err;
		memcpy(endpoint->mac, mac, sizeof(mac));
	}
	return set_names(endpoint, s);
}

static const char *name_of(struct containers *all, const char *text)
{
	const struct network *network =
		network_find(all, strcmp(text, "default") == 0 ? "bridge" : text);

	return network != NULL ? network->settings.name : text;
}

static error_t take_one(void *context, const char *text, const struct endpoint_settings *s,
                        char error[static SETTINGS_ERROR_MAX])
{
	struct container *c = context;
	const char *name = name_of(c->all, text);
	struct endpoint *endpoint = endpoint_find(c, name);
	error_t err = 0;

	if (strcmp(name, "host") == 0)
		return settings_refuse(error, "%s", settings_network_wrong("host"));
	if (endpoint == NULL && !list_is_empty(&c->endpoints) &&
	    (strcmp(name, "none") == 0 || endpoints_has(c, "none")))
		return settings_refuse(
			error,
			"container cannot be connected to multiple networks with one of the "
			"networks in private (none) mode");
	if (endpoint == NULL)
		err = endpoint_add(c, name, &endpoint);
	if (err == ERR_LIMIT)
		return settings_refuse(error, "a container is in at most %u networks",
		                       NETDEV_NETWORKS_MAX);
	return err < 0 ? err : endpoint_set(c, endpoint, network_find(c->all, name), s, error);
}

// What NetworkingConfig names.
struct named {
	const struct container *c;
	bool any;
	bool own;  // the network that HostConfig names
};

static error_t see_name(void *context, const char *text, const struct endpoint_settings *s,
                        char error[static SETTINGS_ERROR_MAX])
{
	struct named *named = context;
	const struct container *c = named->c;

	(void)s;
	(void)error;
	named->any = true;
	named->own = named->own ||
		strcmp(name_of(c->all, text), name_of(c->all, settings_network(&c->settings))) == 0;
	return 0;
}

// As with dockerd, whoever says which networks it is in means no other. `none` is none beside
// others, and a MAC address needs its network.
static bool is_in_own(const struct container *c, const struct named *named)
{
	const char *mac = c->settings.host.mac;

	return !named->any || named->own || !settings_has_network(&c->settings) ||
		(mac != NULL && mac[0] != '\0');
}

error_t endpoints_make(struct container *c, char error[static SETTINGS_ERROR_MAX])
{
	// As with dockerd, the MAC address is of the network that HostConfig names.
	const struct endpoint_settings own = { .mac = c->settings.host.mac };
	struct named named = { .c = c };
	error_t err = networking_read(c->settings.networking, see_name, &named, error);
	struct endpoint *endpoint;

	if (err == 0 && is_in_own(c, &named))
		err = take_one(c, settings_network(&c->settings), &own, error);
	if (err == 0)
		err = networking_read(c->settings.networking, take_one, c, error);
	// HostConfig.Links are those of the network that HostConfig names.
	endpoint = endpoint_find(c, name_of(c->all, settings_network(&c->settings)));
	return err == 0 && endpoint != NULL ? add_all(&endpoint->links, &c->settings.host.links)
					    : err;
}

// --- What it has while it runs -------------------------------------------------------------------

static error_t take_address(struct container *c, struct endpoint *endpoint,
                            const struct network *network, char error[static SETTINGS_ERROR_MAX])
{
	uint32_t address = address_load(endpoint->wanted);
	const struct container *holder;

	if (address != 0) {
		holder = network_holder(c->all, network, address);
		if (address == network->gateway || (holder != NULL && holder != c)) {
			settings_refuse(error, "Address already in use");
			return ERR_EXISTS;
		}
		if (!subnet_has_host(&network->subnet, address))
			return settings_refuse(error, "network %s has no address %u.%u.%u.%u",
			                       network->settings.name, endpoint->wanted[0],
			                       endpoint->wanted[1], endpoint->wanted[2],
			                       endpoint->wanted[3]);
	} else {
		address = network_choose(c->all, network);
	}
	if (address == 0) {
		settings_refuse(
			error,
			"no available IPv4 addresses on this network's address pools: %s (%.12s)",
			network->settings.name, network->id_text);
		return ERR_LIMIT;
	}
	address_store(address, endpoint->address);
	return 0;
}

error_t endpoints_take(struct container *c, char error[static SETTINGS_ERROR_MAX])
{
	error_t err = mac_take(c, error);

	list_for_each(entry, &c->endpoints) {
		struct endpoint *endpoint = container_of(entry, struct endpoint, entry);
		const struct network *network = endpoint_network(c->all, endpoint);

		if (err < 0)
			break;
		if (network == NULL) {
			settings_refuse(error, "network %s not found", endpoint->network);
			err = ERR_NOT_FOUND;
		} else if (network->kind == NETWORK_USER) {
			err = take_address(c, endpoint, network, error);
		}
	}
	if (err < 0)
		endpoints_release(c);
	return err;
}

void endpoints_release(struct container *c)
{
	mac_release(c);
	list_for_each(entry, &c->endpoints)
		memset(container_of(entry, struct endpoint, entry)->address, 0, 4);
}

static void fill(const struct container *c, struct netdev_networks *out)
{
	*out = (struct netdev_networks){ 0 };
	memcpy(out->mac, c->mac, sizeof(out->mac));
	list_for_each(entry, &c->endpoints) {
		const struct endpoint *endpoint = container_of(entry, struct endpoint, entry);
		const struct network *network = endpoint_network(c->all, endpoint);
		struct netdev_membership *member = &out->entries[endpoint->slot];

		if (network != NULL && network->kind == NETWORK_BRIDGE)
			out->reach |= NETDEV_REACH_BRIDGE | NETDEV_REACH_UPLINK;
		if (network == NULL || network->kind != NETWORK_USER ||
		    address_load(endpoint->address) == 0)
			continue;
		if (!network->settings.internal)
			out->reach |= NETDEV_REACH_UPLINK;
		member->network = network->number;
		memcpy(member->address, endpoint->address, sizeof(member->address));
		member->prefix_len = (uint8_t)network->subnet.prefix_len;
	}
}

void endpoints_tell(const struct container *c)
{
	struct msg_vmm_networks told;
	struct message m;
	error_t err;

	if (c->vmm == NULL || !c->vmm->connected)
		return;
	fill(c, &told.networks);
	err = message_encode_vmm_networks(&m, &told, NULL, 0);
	assert(err == 0);
	(void)vmms_send(c->vmm, &m);
}

// --- Changes -------------------------------------------------------------------------------------

static void tell_event(const struct container *c, const struct network *network, const char *action)
{
	struct json_writer w = { 0 };

	json_write_raw(&w, "{\"container\":");
	json_write_string(&w, c->id_text);
	json_write_raw(&w, ",\"name\":");
	json_write_string(&w, network->settings.name);
	json_write_raw(&w, ",\"type\":");
	json_write_raw(&w, network->kind == NETWORK_NONE ? "\"null\"}" : "\"bridge\"}");
	events_tell(c->all, "network", action, network->id_text, json_writer_text(&w));
	json_writer_deinit(&w);
}

// A change that cannot be written is undone.
static error_t write_change(const struct container *c, char error[static SETTINGS_ERROR_MAX])
{
	if (store_write(c))
		return 0;
	settings_refuse(error, "the networks of container %s stay as they were: " STORE_REFUSES,
	                c->id_text);
	return ERR_IO;
}

static void tell_change(struct container *c, const struct network *network, const char *action)
{
	if (endpoint_is_active(c)) {
		names_changed(c->all);
		endpoints_tell(c);
	}
	tell_event(c, network, action);
}

// The network and the container that a request is about; false, and it was answered, when one is
// not there.
static bool find_both(struct request *request, const struct connect_settings *s,
                      struct network **network, struct container **c)
{
	*network = network_find(request->all, request->target);
	if (*network == NULL) {
		request_refuse(request, 404, "network %s not found", request->target);
		return false;
	}
	if (str_copy(request->target, s->container, sizeof(request->target)) >=
	    sizeof(request->target)) {
		request_refuse(request, 404, "No such container: %.64s", s->container);
		return false;
	}
	*c = operation_find(request);
	return *c != NULL;
}

static uint32_t status_of(error_t err)
{
	switch (err) {
	case ERR_NO_MEMORY:
	case ERR_IO: return 500;
	case ERR_INVALID:
	case ERR_PROTOCOL: return 400;
	default: return 403;
	}
}

static error_t connect(struct container *c, const struct network *network, const char *text,
                       char error[static SETTINGS_ERROR_MAX])
{
	struct endpoint_settings s = { 0 };
	struct endpoint *endpoint = endpoint_find(c, network->settings.name), before = { 0 };
	bool is_new = endpoint == NULL;
	error_t err = 0;

	if (network->kind == NETWORK_HOST)
		return settings_refuse(error, "%s", settings_network_wrong("host"));
	if (!is_new && endpoint_is_active(c)) {
		settings_refuse(error, "endpoint with name %s already exists in network %s",
		                c->name, network->settings.name);
		return ERR_EXISTS;
	}
	if (text != NULL)
		err = endpoint_settings_parse(&s, text_span(text), error);
	if (!is_new) {
		before = *endpoint;
		endpoint->aliases = endpoint->links = (struct string_list){ 0 };
		endpoint->driver_options = NULL;
		memset(endpoint->mac, 0, sizeof(endpoint->mac));
	}
	if (err == 0)
		err = take_one(c, network->settings.name, &s, error);
	endpoint_settings_deinit(&s);
	endpoint = endpoint_find(c, network->settings.name);
	if (err == 0 && endpoint_is_active(c) && network->kind == NETWORK_USER)
		err = take_address(c, endpoint, network, error);
	if (err == 0 && !store_accepts(c))
		err = settings_refuse(
			error, "the names that the container has in its networks are too long");
	if (err == 0)
		err = write_change(c, error);
	if (err < 0 && is_new && endpoint != NULL) {
		endpoint_free(endpoint);
	} else if (err < 0 && !is_new) {
		endpoint_free_names(endpoint);
		*endpoint = before;
	} else {
		endpoint_free_names(&before);
	}
	return err;
}

static error_t disconnect(struct container *c, const struct network *network,
                          char error[static SETTINGS_ERROR_MAX])
{
	struct endpoint *endpoint = endpoint_find(c, network->settings.name);
	struct list *before;
	error_t err;

	if (endpoint == NULL) {
		settings_refuse(error, "container %s is not connected to the network %s",
		                c->id_text, network->settings.name);
		return ERR_NOT_FOUND;
	}
	before = endpoint->entry.prev;
	list_remove(&endpoint->entry);
	err = write_change(c, error);
	if (err == 0)
		endpoint_free(endpoint);
	else
		list_insert_after(before, &endpoint->entry);
	return err;
}

static void change(struct request *request, bool connects)
{
	char error[SETTINGS_ERROR_MAX];
	struct connect_settings s;
	struct network *network;
	struct container *c = NULL;
	error_t err = connect_settings_parse(&s, request->body, error);

	if (err == 0 && find_both(request, &s, &network, &c))
		err = connects ? connect(c, network, s.endpoint, error)
			       : disconnect(c, network, error);
	if (err < 0) {
		request_refuse(request, status_of(err), "%s",
		               err == ERR_NO_MEMORY ? "out of memory" : error);
	} else if (c != NULL) {
		tell_change(c, network, connects ? "connect" : "disconnect");
		reply_empty(request->client, request->id, 200, 0);
	}
	connect_settings_deinit(&s);
}

void operation_network_connect(struct request *request)
{
	change(request, true);
}

void operation_network_disconnect(struct request *request)
{
	change(request, false);
}
