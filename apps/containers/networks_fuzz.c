// SPDX-License-Identifier: MIT
// Any bytes as what clients say of networks: bodies of create, connect, disconnect, and a
// container's NetworkingConfig.
#include <stdlib.h>
#include <string.h>

#include "apps/containers/settings_networks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_endpoint(const struct endpoint_settings *s)
{
	uint32_t address;

	for (size_t i = 0; i < s->aliases.count; i++)
		check(strlen(s->aliases.items[i]) < 128 &&
		      strchr(s->aliases.items[i], '"') == NULL);
	check(s->address == NULL || s->address[0] == '\0' || address_read(s->address, &address));
}

static error_t each(void *context, const char *network, const struct endpoint_settings *endpoint,
                    char error[static SETTINGS_ERROR_MAX])
{
	(void)context;
	error[0] = '\0';
	check(network[0] != '\0');
	check_endpoint(endpoint);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = { .data = data, .len = size };
	struct network_settings network;
	struct connect_settings connect;
	struct endpoint_settings endpoint;
	char error[SETTINGS_ERROR_MAX], *text = calloc(1, size + 1);

	if (network_settings_parse(&network, body, error) == 0) {
		check(network.name != NULL && network.name[0] != '\0');
		check(network.subnet.prefix_len == 0 || subnet_is_usable(&network.subnet));
		check(network.gateway == 0 || subnet_has_host(&network.subnet, network.gateway));
		check(network.range.prefix_len == 0 ||
		      subnet_contains(&network.subnet, &network.range));
	}
	network_settings_deinit(&network);
	if (connect_settings_parse(&connect, body, error) == 0)
		check(connect.container != NULL);
	connect_settings_deinit(&connect);
	if (endpoint_settings_parse(&endpoint, body, error) == 0)
		check_endpoint(&endpoint);
	endpoint_settings_deinit(&endpoint);
	memcpy(text, data, size);
	(void)!networking_read(text, each, NULL, error);
	free(text);
	return 0;
}
