// SPDX-License-Identifier: MIT
#include "apps/tcpip/listen_address.h"

#include "libs/base/string.h"

error_t listen_address(const struct socket_uri *uri, ip_addr_t *out)
{
	if (strcmp(uri->host, "*") == 0)
		*out = *IP_ANY_TYPE;
	else if (!ipaddr_aton(uri->host, out))
		return ERR_INVALID;
	return 0;
}

error_t listen_bound(err_t err)
{
	if (err == ERR_OK)
		return 0;
	return err == ERR_USE ? ERR_EXISTS : ERR_INVALID;
}
