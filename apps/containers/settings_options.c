// SPDX-License-Identifier: MIT
//
// Options of a network, as dockerd's bridge driver has them: those that are so anyway, those that
// mean a bridge that is not there, and no others, for they might be meant to keep somebody out.
#include "apps/containers/settings_networks.h"
#include "apps/containers/settings_own.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

// NULL: any value, which has no effect.
static const struct {
	const char *name;
	const char *value;
} known[] = {
	{ "com.docker.network.bridge.default_bridge", "false" },
	{ "com.docker.network.bridge.enable_icc", "true" },
	{ "com.docker.network.bridge.enable_ip_masquerade", "true" },
	{ "com.docker.network.bridge.gateway_mode_ipv4", "nat" },
	{ "com.docker.network.bridge.host_binding_ipv4", "0.0.0.0" },
	{ "com.docker.network.bridge.name", NULL },
	{ "com.docker.network.container_iface_prefix", "eth" },
	{ "com.docker.network.driver.mtu", NULL },
	{ "com.docker.network.enable_ipv4", "true" },
	{ "com.docker.network.enable_ipv6", "false" },
};

static bool is_good(struct span name, const char *value)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_is(name, known[i].name))
			return known[i].value == NULL || strcmp(known[i].value, value) == 0;
	return false;
}

error_t network_options_check(const char *options, char error[static SETTINGS_ERROR_MAX])
{
	struct json_reader r = json_reader_make(text_span(options));
	bool good = true;
	struct span name;

	json_enter_object(&r);
	while (good && json_next_member(&r, &name)) {
		char *value = json_take_string(&r);

		good = value != NULL && is_good(name, value);
		if (value != NULL && !good)
			fmt_write(error, SETTINGS_ERROR_MAX,
			          "Options: %.*s=%.64s is not supported: leave it out",
			          (int)(name.len < 128 ? name.len : 128), (const char *)name.data,
			          value);
		heap_free(value);
	}
	return good && json_at_end(&r) ? 0 : ERR_INVALID;
}

error_t network_reserved_read(const char *addresses, struct network_settings *out,
                              char error[static SETTINGS_ERROR_MAX])
{
	struct json_reader r = json_reader_make(text_span(addresses));
	bool good = true;
	struct span name;

	json_enter_object(&r);
	while (good && json_next_member(&r, &name)) {
		char *text = json_take_string(&r);
		uint32_t address = 0;

		good = text != NULL && out->num_reserved < NETWORK_RESERVED_MAX &&
			address_read(text, &address) && subnet_has_host(&out->subnet, address);
		if (good)
			out->reserved[out->num_reserved++] = address;
		else
			fmt_write(
				error, SETTINGS_ERROR_MAX,
				"no matching subnet for aux-address %.64s: it is an address of the "
				"subnet, and there are at most %u",
				text != NULL ? text : "", NETWORK_RESERVED_MAX);
		heap_free(text);
	}
	return good && json_at_end(&r) ? 0 : ERR_INVALID;
}

bool network_reserves(const struct network_settings *s, uint32_t address)
{
	for (size_t i = 0; i < s->num_reserved; i++)
		if (s->reserved[i] == address)
			return true;
	return false;
}
