// SPDX-License-Identifier: MIT
//
// How skopeo and wget, which inherit it, reach the network: by what the host's user has in its
// environment (tools/image/pack/host_network.h).
#pragma once

#include <stdbool.h>

#include "tools/common/error.h"

// A proxy on the host's own loopback is our gateway. What the user's machine itself serves is asked
// without one. The user's certificate authorities count beside Debian's. -1 with `err`.
int network_prepare(struct error *err);
// Removes what was made for that.
void network_forget(void);
// The user's certificate authorities, as the option of wget's that names them, until they are
// forgotten. NULL: there are none.
const char *network_authorities(void);

// What an address is from here, and whether it is of the user's machine; the caller frees it. NULL:
// out of memory.
char *network_address(const char *url, bool *is_local);
// Writes what a proxy's address is from here, when it is on the loopback of the user's machine,
// which `gateway` is; the caller frees it. NULL: it is elsewhere, or there is no memory.
char *network_proxy_address(const char *address, const char *gateway);
