// SPDX-License-Identifier: MIT
//
// What clients say of networks: the bodies of POST /networks/create, connect and disconnect, and
// what of them is in the body that a container is created with.
#pragma once

#include "apps/containers/settings.h"
#include "apps/containers/subnet.h"

// A container's place in a network, as it is asked for. All are heap memory; NULL: not set.
struct endpoint_settings {
	struct string_list aliases;
	struct string_list links;
	char *driver_options;  // JSON, for inspect alone
	char *address;
	char *mac;
};

#define NETWORK_RESERVED_MAX 16u

struct network_settings {
	char *name;
	char *driver;
	char *scope;
	bool internal;
	bool attachable;
	bool has_ipv4;
	bool ipv4;
	bool ipv6;
	char *labels;  // JSON
	char *ipam_driver;
	char *ipam_config;     // JSON
	struct subnet subnet;  // of it
	struct subnet range;
	uint32_t gateway;                         // 0: none was named
	char *options;                            // JSON
	char *auxiliary;                          // JSON: names of addresses that are nobody's
	uint32_t reserved[NETWORK_RESERVED_MAX];  // these
	size_t num_reserved;
};

struct connect_settings {
	char *container;
	char *endpoint;  // JSON
	bool force;
};

// Whether a network can have these options (JSON). Errors: ERR_INVALID.
__must_check error_t network_options_check(const char *options,
                                           char error[static SETTINGS_ERROR_MAX]);
// Reads the auxiliary addresses of a pool (JSON), whose subnet is known. Errors: ERR_INVALID.
__must_check error_t network_reserved_read(const char *addresses, struct network_settings *out,
                                           char error[static SETTINGS_ERROR_MAX]);
// Whether an address is one of those.
bool network_reserves(const struct network_settings *settings, uint32_t address);
// Reads such a body, and checks what can be checked of it alone. Errors: as settings_parse's; what
// was read is to be freed in any case; and ERR_NOT_SUPPORTED, of a network of IPv6.
__must_check error_t network_settings_parse(struct network_settings *out, struct span body,
                                            char error[static SETTINGS_ERROR_MAX]);
__must_check error_t connect_settings_parse(struct connect_settings *out, struct span body,
                                            char error[static SETTINGS_ERROR_MAX]);
__must_check error_t endpoint_settings_parse(struct endpoint_settings *out, struct span text,
                                             char error[static SETTINGS_ERROR_MAX]);
// Frees them; they are empty then.
void network_settings_deinit(struct network_settings *settings);
void connect_settings_deinit(struct connect_settings *settings);
void endpoint_settings_deinit(struct endpoint_settings *settings);

typedef error_t endpoint_each_fn(void *context, const char *network,
                                 const struct endpoint_settings *endpoint,
                                 char error[static SETTINGS_ERROR_MAX]);
// Calls `each` for every endpoint of a container's NetworkingConfig (JSON; NULL: none). Errors: as
// settings_parse's, and what `each` returns.
__must_check error_t networking_read(const char *networking, endpoint_each_fn *each, void *context,
                                     char error[static SETTINGS_ERROR_MAX]);
// Whether a NetworkingConfig (JSON; NULL: none) names one network at most, as it has to before API
// 1.44. Errors: as settings_parse's.
__must_check error_t networking_check_single(const char *networking,
                                             char error[static SETTINGS_ERROR_MAX]);
// What HostConfig.NetworkMode names: "bridge" when it says nothing. The settings' own.
const char *settings_network(const struct settings *settings);
// Whether it is any but "none".
bool settings_has_network(const struct settings *settings);
// Why a container cannot have this NetworkMode; NULL: it can.
const char *settings_network_wrong(const char *mode);
