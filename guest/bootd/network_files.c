// SPDX-License-Identifier: MIT
#include "guest/bootd/network_files.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HOSTS                                         \
	"127.0.0.1\tlocalhost\n"                      \
	"::1\tlocalhost ip6-localhost ip6-loopback\n" \
	"fe00::\tip6-localnet\n"                      \
	"ff00::\tip6-mcastprefix\n"                   \
	"ff02::1\tip6-allnodes\n"                     \
	"ff02::2\tip6-allrouters\n"

static size_t written(int length, size_t size)
{
	return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

size_t network_hosts(char *text, size_t size, const struct control_network *network,
                     const char *hostname, const char *domainname)
{
	const uint8_t *a = network->address;
	bool has_domain = domainname != NULL && domainname[0] != '\0';
	bool has_short;
	size_t first;

	if (hostname == NULL)
		return written(snprintf(text, size, HOSTS), size);
	// Known by the name with its domain, and by the first word of that.
	first = strcspn(hostname, ".");
	has_short = has_domain || hostname[first] != '\0';
	return written(snprintf(text, size, HOSTS "%u.%u.%u.%u\t%s%s%s%s%.*s\n", a[0], a[1], a[2],
	                        a[3], hostname, has_domain ? "." : "", has_domain ? domainname : "",
	                        has_short ? " " : "", has_short ? (int)first : 0, hostname),
	               size);
}

size_t network_resolv_conf(char *text, size_t size, const struct control_network *network)
{
	static const uint8_t none[4];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(network->dns) / sizeof(network->dns[0]); i++) {
		const uint8_t *a = network->dns[i];

		if (memcmp(a, none, sizeof(none)) != 0)
			used += written(snprintf(text + used, size - used,
			                         "nameserver %u.%u.%u.%u\n", a[0], a[1], a[2],
			                         a[3]),
			                size - used);
	}
	return used;
}
