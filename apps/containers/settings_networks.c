// SPDX-License-Identifier: MIT
#include "apps/containers/settings_networks.h"

#include "apps/containers/links_text.h"
#include "apps/containers/mac.h"
#include "apps/containers/settings_fields.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

#define NAME_MAX 128u

// --- A network -----------------------------------------------------------------------------------

#define AT(member) offsetof(struct network_settings, member)

static const struct field ipam_fields[] = {
	{ "Driver", FIELD_STRING, AT(ipam_driver), 0, NULL, NULL },
	{ "Config", FIELD_RAW, AT(ipam_config), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static const struct field network_fields[] = {
	{ "Name", FIELD_STRING, AT(name), 0, NULL, NULL },
	{ "Driver", FIELD_STRING, AT(driver), 0, NULL, NULL },
	{ "Scope", FIELD_STRING, AT(scope), 0, NULL, NULL },
	{ "Internal", FIELD_BOOL, AT(internal), 0, NULL, NULL },
	{ "EnableIPv4", FIELD_BOOL, AT(ipv4), AT(has_ipv4), NULL, NULL },
	{ "EnableIPv6", FIELD_BOOL, AT(ipv6), 0, NULL, NULL },
	{ "IPAM", FIELD_OBJECT, 0, 0, ipam_fields, "IPAM." },
	{ "Labels", FIELD_LABELS, AT(labels), 0, NULL, NULL },
	{ "Options", FIELD_LABELS, AT(options), 0, NULL, NULL },
	// All containers of this machine may be attached: it is for inspect alone.
	{ "Attachable", FIELD_BOOL, AT(attachable), 0, NULL, NULL },
	// It is always checked.
	{ "CheckDuplicate", FIELD_ANY, 0, 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

struct pool_settings {
	char *subnet;
	char *range;
	char *gateway;
	char *auxiliary;
};

static const struct field pool_fields[] = {
	{ "Subnet", FIELD_STRING, offsetof(struct pool_settings, subnet), 0, NULL, NULL },
	{ "IPRange", FIELD_STRING, offsetof(struct pool_settings, range), 0, NULL, NULL },
	{ "Gateway", FIELD_STRING, offsetof(struct pool_settings, gateway), 0, NULL, NULL },
	{ "AuxiliaryAddresses", FIELD_LABELS, offsetof(struct pool_settings, auxiliary), 0, NULL,
	  NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static error_t check_pool(struct network_settings *out, const struct pool_settings *pool,
                          char error[static SETTINGS_ERROR_MAX])
{
	if (!is_set(pool->subnet))
		return is_set(pool->range) || is_set(pool->gateway)
			? settings_refuse(error,
		                          "IPAM.Config needs a Subnet for its IPRange or Gateway")
			: 0;
	if (!subnet_read(pool->subnet, &out->subnet) || !subnet_is_usable(&out->subnet))
		return settings_refuse(
			error, "invalid subnet %.64s: it is an IPv4 subnet of hosts, /8 to /29",
			pool->subnet);
	if (is_set(pool->range) &&
	    (!subnet_read(pool->range, &out->range) || !subnet_contains(&out->subnet, &out->range)))
		return settings_refuse(error,
		                       "invalid ip-range %.64s: it does not lie in subnet %.64s",
		                       pool->range, pool->subnet);
	if (is_set(pool->gateway) &&
	    (!address_read(pool->gateway, &out->gateway) ||
	     !subnet_has_host(&out->subnet, out->gateway)))
		return settings_refuse(
			error,
			"no matching subnet for gateway %.64s: it is no address of subnet %.64s",
			pool->gateway, pool->subnet);
	return 0;
}

static error_t read_pools(struct network_settings *out, char error[static SETTINGS_ERROR_MAX])
{
	struct json_reader r = json_reader_make(text_span(out->ipam_config));
	error_t err = 0;
	bool found = false;

	json_enter_array(&r);
	while (err == 0 && json_next_element(&r)) {
		struct pool_settings pool = { 0 };
		struct span text = json_take_raw(&r);

		if (found)
			return settings_refuse(error, "IPAM.Config: a network has one IPv4 subnet");
		found = true;
		err = fields_read(&pool, pool_fields, text, error);
		if (err == 0)
			err = check_pool(out, &pool, error);
		if (err == 0 && pool.auxiliary != NULL) {
			out->auxiliary = pool.auxiliary;
			pool.auxiliary = NULL;
			err = network_reserved_read(out->auxiliary, out, error);
		}
		heap_free(pool.auxiliary);
		heap_free(pool.subnet);
		heap_free(pool.range);
		heap_free(pool.gateway);
	}
	if (err == 0 && !json_at_end(&r))
		err = settings_refuse(error, "IPAM.Config is a list of objects");
	return err;
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9');

		if (!letter && (i == 0 || (c != '_' && c != '.' && c != '-')))
			return false;
	}
	return len > 0 && len < NAME_MAX;
}

// dockerd takes all but blanks. These stay as they are in a key of a document, and in a path.
static bool is_network(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~' || strchr("\"\\/", name[i]) != NULL)
			return false;
	return len > 0 && len < NAME_MAX && name[0] != ' ' && name[len - 1] != ' ';
}

static bool is_or_none(const char *text, const char *wanted)
{
	return !is_set(text) || strcmp(text, wanted) == 0;
}

static error_t check_network(const struct network_settings *s,
                             char error[static SETTINGS_ERROR_MAX])
{
	if (!is_set(s->name))
		return settings_refuse(error, "network name is missing");
	if (!is_network(s->name))
		return settings_refuse(
			error,
			"invalid network name: \"%.64s\": characters of ASCII but \", \\ and / "
			"are allowed, at most %u, and no space at an end",
			s->name, NAME_MAX - 1);
	if (!is_or_none(s->driver, "bridge") && strcmp(s->driver, "default") != 0)
		return settings_refuse(
			error,
			"could not find plugin %.64s in v1 plugin registry: networks "
			"of this machine have the driver bridge",
			s->driver);
	if (!is_or_none(s->scope, "local"))
		return settings_refuse(error, "Scope %.64s is not supported: networks are local",
		                       s->scope);
	if (s->has_ipv4 && !s->ipv4)
		return settings_refuse(error,
		                       "EnableIPv4=false is not supported: networks are of IPv4");
	// The words, and the status (500), by which clients (kind is one) know a host that was
	// started without IPv6: they go on without.
	if (s->ipv6) {
		(void)settings_refuse(
			error,
			"Cannot read IPv6 setup for bridge %.64s: networks of this machine "
			"have addresses of IPv4 only",
			s->name);
		return ERR_NOT_SUPPORTED;
	}
	if (!is_or_none(s->ipam_driver, "default"))
		return settings_refuse(error, "IPAM.Driver %.64s is not supported: leave it out",
		                       s->ipam_driver);
	return 0;
}

error_t network_settings_parse(struct network_settings *out, struct span body,
                               char error[static SETTINGS_ERROR_MAX])
{
	error_t err;

	*out = (struct network_settings){ 0 };
	err = fields_read(out, network_fields, body, error);
	if (err == 0)
		err = check_network(out, error);
	if (err == 0 && out->ipam_config != NULL)
		err = read_pools(out, error);
	if (err == 0 && out->options != NULL)
		err = network_options_check(out->options, error);
	return err;
}

void network_settings_deinit(struct network_settings *s)
{
	heap_free(s->name);
	heap_free(s->driver);
	heap_free(s->scope);
	heap_free(s->labels);
	heap_free(s->ipam_driver);
	heap_free(s->ipam_config);
	heap_free(s->options);
	heap_free(s->auxiliary);
	*s = (struct network_settings){ 0 };
}

// --- Who is to be in a network -------------------------------------------------------------------

static const struct field connect_fields[] = {
	{ "Container", FIELD_STRING, offsetof(struct connect_settings, container), 0, NULL, NULL },
	{ "EndpointConfig", FIELD_RAW, offsetof(struct connect_settings, endpoint), 0, NULL, NULL },
	{ "Force", FIELD_BOOL, offsetof(struct connect_settings, force), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

error_t connect_settings_parse(struct connect_settings *out, struct span body,
                               char error[static SETTINGS_ERROR_MAX])
{
	error_t err;

	*out = (struct connect_settings){ 0 };
	err = fields_read(out, connect_fields, body, error);
	if (err == 0 && !is_set(out->container))
		err = settings_refuse(error, "Container is missing: name the container");
	return err;
}

void connect_settings_deinit(struct connect_settings *s)
{
	heap_free(s->container);
	heap_free(s->endpoint);
	*s = (struct connect_settings){ 0 };
}

static const struct field endpoint_ipam_fields[] = {
	{ "IPv4Address", FIELD_STRING, offsetof(struct endpoint_settings, address), 0, NULL, NULL },
	{ "IPv6Address", FIELD_REFUSED, 0, 0, NULL, "IPAMConfig.IPv6Address: no network has IPv6" },
	{ "LinkLocalIPs", FIELD_REFUSED, 0, 0, NULL,
	  "IPAMConfig.LinkLocalIPs: all networks of a container share one card, on which "
	  "link-local addresses would be those of each" },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static const struct field endpoint_fields[] = {
	{ "IPAMConfig", FIELD_OBJECT, 0, 0, endpoint_ipam_fields, "IPAMConfig." },
	{ "Aliases", FIELD_STRINGS, offsetof(struct endpoint_settings, aliases), 0, NULL, NULL },
	{ "Links", FIELD_STRINGS, offsetof(struct endpoint_settings, links), 0, NULL, NULL },
	// The way out is the same by all networks.
	{ "GwPriority", FIELD_ANY, 0, 0, NULL, NULL },
	{ "DriverOpts", FIELD_LABELS, offsetof(struct endpoint_settings, driver_options), 0, NULL,
	  NULL },
	{ "MacAddress", FIELD_STRING, offsetof(struct endpoint_settings, mac), 0, NULL, NULL },
	// What inspect tells, which clients send back.
	{ "NetworkID", FIELD_ANY, 0, 0, NULL, NULL },
	{ "EndpointID", FIELD_ANY, 0, 0, NULL, NULL },
	{ "Gateway", FIELD_ANY, 0, 0, NULL, NULL },
	{ "IPAddress", FIELD_ANY, 0, 0, NULL, NULL },
	{ "IPPrefixLen", FIELD_ANY, 0, 0, NULL, NULL },
	{ "DNSNames", FIELD_ANY, 0, 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

// One label or several (RFC 1123, section 2.1), with the underscores that people use.
static bool is_alias(const char *name)
{
	return is_name(name);
}

error_t endpoint_settings_parse(struct endpoint_settings *out, struct span text,
                                char error[static SETTINGS_ERROR_MAX])
{
	char target[LINK_NAME_MAX], alias[LINK_NAME_MAX];
	uint32_t address;
	error_t err;

	*out = (struct endpoint_settings){ 0 };
	err = fields_read(out, endpoint_fields, text, error);
	if (err == 0 && is_set(out->address) && !address_read(out->address, &address))
		err = settings_refuse(error, "invalid IPv4 address: %.64s", out->address);
	if (err == 0 && out->mac != NULL)
		err = mac_check(out->mac, error);
	for (size_t i = 0; err == 0 && i < out->aliases.count; i++)
		if (!is_alias(out->aliases.items[i]))
			err = settings_refuse(error, "the alias \"%.64s\" is no name of a host",
			                      out->aliases.items[i]);
	for (size_t i = 0; err == 0 && i < out->links.count; i++)
		if (!link_read(out->links.items[i], target, alias))
			err = settings_refuse(error, "bad format for links: %.64s",
			                      out->links.items[i]);
	return err;
}

void endpoint_settings_deinit(struct endpoint_settings *s)
{
	string_list_deinit(&s->aliases);
	string_list_deinit(&s->links);
	heap_free(s->driver_options);
	heap_free(s->address);
	heap_free(s->mac);
	*s = (struct endpoint_settings){ 0 };
}

// --- A container's -------------------------------------------------------------------------------

struct networking {
	char *endpoints;  // JSON
};

static const struct field networking_fields[] = {
	{ "EndpointsConfig", FIELD_RAW, offsetof(struct networking, endpoints), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static error_t read_one(struct span key, struct span value, endpoint_each_fn *each, void *context,
                        char error[static SETTINGS_ERROR_MAX])
{
	struct endpoint_settings endpoint = { 0 };
	struct json_reader r = json_reader_make(value);
	char name[NAME_MAX];
	error_t err = 0;

	if (key.len >= sizeof(name))
		return settings_refuse(error, "NetworkingConfig: a network's name is too long");
	memcpy(name, key.data, key.len);
	name[key.len] = '\0';
	if (!is_network(name))
		return settings_refuse(error, "NetworkingConfig: \"%.64s\" is no name of a network",
		                       name);
	if (!json_take_null(&r))
		err = endpoint_settings_parse(&endpoint, value, error);
	if (err == 0)
		err = each(context, name, &endpoint, error);
	endpoint_settings_deinit(&endpoint);
	return err;
}

error_t networking_read(const char *text, endpoint_each_fn *each, void *context,
                        char error[static SETTINGS_ERROR_MAX])
{
	struct networking networking = { 0 };
	struct json_reader r;
	struct span key, value;
	error_t err;

	if (text == NULL)
		return 0;
	err = fields_read(&networking, networking_fields, text_span(text), error);
	if (err < 0 || networking.endpoints == NULL) {
		heap_free(networking.endpoints);
		return err;
	}
	r = json_reader_make(text_span(networking.endpoints));
	json_enter_object(&r);
	while (err == 0 && json_next_member(&r, &key)) {
		value = json_take_raw(&r);
		err = read_one(key, value, each, context, error);
	}
	if (err == 0 && !json_at_end(&r))
		err = settings_refuse(error,
		                      "NetworkingConfig.EndpointsConfig is not what it is to be");
	heap_free(networking.endpoints);
	return err;
}

struct network_names {
	char text[SETTINGS_ERROR_MAX];
	size_t len;
	size_t count;
};

// Adds a name, as far as there is room.
static error_t take_name(void *context, const char *network,
                         const struct endpoint_settings *endpoint,
                         char error[static SETTINGS_ERROR_MAX])
{
	struct network_names *names = context;

	(void)endpoint;
	(void)error;
	if (names->len < sizeof(names->text))
		names->len += fmt_write(names->text + names->len, sizeof(names->text) - names->len,
		                        names->count > 0 ? ", %s" : "%s", network);
	names->count++;
	return 0;
}

error_t networking_check_single(const char *networking, char error[static SETTINGS_ERROR_MAX])
{
	struct network_names names = { .count = 0 };
	error_t err = networking_read(networking, take_name, &names, error);

	if (err == 0 && names.count > 1)
		err = settings_refuse(error,
		                      "Container cannot be connected to network endpoints: %s",
		                      names.text);
	return err;
}

const char *settings_network(const struct settings *s)
{
	return !is_set(s->network_mode) || strcmp(s->network_mode, "default") == 0
		? "bridge"
		: s->network_mode;
}

bool settings_has_network(const struct settings *s)
{
	return strcmp(settings_network(s), "none") != 0;
}

const char *settings_network_wrong(const char *mode)
{
	if (!is_set(mode))
		return NULL;
	if (strcmp(mode, "host") == 0)
		return "network mode host is not supported: a container has a virtual machine of its "
		       "own, and with it its own network";
	if (strncmp(mode, "container:", 10) == 0)
		return "network mode container: is not supported: each container has a virtual "
		       "machine of its own";
	return is_network(mode) ? NULL : "HostConfig.NetworkMode is no name of a network";
}
