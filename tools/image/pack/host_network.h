// SPDX-License-Identifier: MIT
//
// How the host's user reaches registries, for the container that pulls: proxies, and certificate
// authorities beside those that everybody knows.
#pragma once

#include <jansson.h>

#include "tools/common/error.h"

// The environment variable that holds certificates (PEM).
#define HOST_NETWORK_CA "SYSTEM_CA"

// Adds to the list `environment` ("NAME=VALUE") HTTP_PROXY, HTTPS_PROXY and NO_PROXY of ours, in
// either case, and HOST_NETWORK_CA: the certificates in the file STARINA_CA, or, without that, in
// those of /usr/local/share/ca-certificates, unless they are too many. -1 with `err`: that file
// cannot be read, or is too long.
int host_network_add(json_t *environment, struct error *err);
