// SPDX-License-Identifier: MIT
#include "guest/bootd/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest/bootd/config.h"
#include "guest/bootd/mount.h"
#include "guest/bootd/network_files.h"

#define INTERFACE "eth0"

void network_loopback_up(void)
{
	struct ifreq request = { .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	strcpy(request.ifr_name, "lo");
	(void)ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

static struct sockaddr address_of(const uint8_t address[4])
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr out;

	memcpy(&in.sin_addr, address, 4);
	memcpy(&out, &in, sizeof(out));
	return out;
}

static int set_flags_of(int fd, const char *name, short flags)
{
	struct ifreq request = { .ifr_flags = flags };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

static int set_flags(int fd, short flags)
{
	return set_flags_of(fd, INTERFACE, flags);
}

static int set_mac(int fd, const uint8_t mac[6])
{
	struct ifreq request = { .ifr_name = INTERFACE };

	// The usual case: the driver has read it off the card.
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		return -1;
	if (memcmp(request.ifr_hwaddr.sa_data, mac, 6) == 0)
		return 0;
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, mac, 6);
	return ioctl(fd, SIOCSIFHWADDR, &request);
}

static int set_mtu(int fd, int mtu)
{
	struct ifreq request = { .ifr_name = INTERFACE };

	if (ioctl(fd, SIOCGIFMTU, &request) != 0)
		return -1;
	if (request.ifr_mtu == mtu)
		return 0;
	request.ifr_mtu = mtu;
	return ioctl(fd, SIOCSIFMTU, &request);
}

static int set_address(int fd, const char *name, const uint8_t address[4], unsigned int prefix_len)
{
	struct ifreq request = { .ifr_addr = address_of(address) };
	uint32_t mask = htonl(prefix_len == 0 ? 0 : UINT32_MAX << (32 - prefix_len));
	uint8_t bytes[4];

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCSIFADDR, &request) != 0)
		return -1;
	memcpy(bytes, &mask, sizeof(bytes));
	request.ifr_netmask = address_of(bytes);
	return ioctl(fd, SIOCSIFNETMASK, &request);
}

static const uint8_t any[4];

static int change_default_route(int fd, unsigned long what, int allowed, const uint8_t gateway[4])
{
	struct rtentry route = {
		.rt_dst = address_of(any),
		.rt_genmask = address_of(any),
		.rt_gateway = address_of(gateway),
		.rt_flags = RTF_UP | RTF_GATEWAY,
	};

	if (memcmp(gateway, any, sizeof(any)) == 0)
		return 0;
	return ioctl(fd, what, &route) != 0 && errno != allowed ? -1 : 0;
}

static int add_default_route(int fd, const uint8_t gateway[4])
{
	return change_default_route(fd, SIOCADDRT, EEXIST, gateway);
}

static int remove_default_route(int fd, const uint8_t gateway[4])
{
	return change_default_route(fd, SIOCDELRT, ESRCH, gateway);
}

int network_configure(const struct control_network *network, struct failure *failure)
{
	const char *step = "socket";
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (network->prefix_len > 32)
		errno = EINVAL;
	// Down first: a new MAC address makes new IPv6 addresses, and routes of another network go.
	else if (fd >= 0 && (step = "find", set_flags(fd, 0)) == 0 &&
	         (step = "set the MAC address of", set_mac(fd, network->mac)) == 0 &&
	         (step = "set the MTU of", set_mtu(fd, network->mtu)) == 0 &&
	         (step = "set the address of",
	          set_address(fd, INTERFACE, network->address, network->prefix_len)) == 0 &&
	         (step = "bring up", set_flags(fd, IFF_UP)) == 0 &&
	         (step = "set the default route of", add_default_route(fd, network->gateway)) == 0)
		step = NULL;
	int result = step == NULL ? 0 : failure_errno(failure, "network: %s " INTERFACE, step);
	if (fd >= 0)
		close(fd);
	return result;
}

_Static_assert(sizeof(((struct control_networks *)0)->entries[0]) == 8, "without padding");

// An address more is one of a labelled alias, which goes when that is taken down.
static int join_one(int fd, size_t number, struct control_networks *has,
                    const struct control_networks *wanted)
{
	char name[IFNAMSIZ];
	int result = 0;

	if (memcmp(&has->entries[number], &wanted->entries[number], sizeof(has->entries[0])) == 0)
		return 0;
	snprintf(name, sizeof(name), INTERFACE ":%zu", number + 1);
	if (memcmp(has->entries[number].address, any, sizeof(any)) != 0)
		result = set_flags_of(fd, name, 0);
	has->entries[number] = wanted->entries[number];
	if (result == 0 && memcmp(wanted->entries[number].address, any, sizeof(any)) != 0)
		result = set_address(fd, name, wanted->entries[number].address,
		                     wanted->entries[number].prefix_len);
	return result;
}

int network_join(struct control_networks *has, const struct control_networks *wanted,
                 const uint8_t gateway[4], struct failure *failure)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), result = fd < 0 ? -1 : 0;

	for (size_t i = 0; fd >= 0 && i < CONTROL_NETWORKS_MAX; i++) {
		if (wanted->entries[i].prefix_len > 32)
			errno = EINVAL;
		if (wanted->entries[i].prefix_len > 32 || join_one(fd, i, has, wanted) != 0)
			result = -1;
	}
	has->uplink = wanted->uplink;
	if (result == 0)
		result = wanted->uplink != 0 ? add_default_route(fd, gateway)
					     : remove_default_route(fd, gateway);
	if (result != 0)
		result = failure_errno(failure, "network: change the addresses of " INTERFACE);
	if (fd >= 0)
		close(fd);
	return result;
}

// Whether config.json gives the file `path` itself.
static bool config_has_file(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config->num_files; i++)
		if (strcmp(config->files[i].key, path) == 0)
			return true;
	return false;
}

static int write_hosts(const struct config *config)
{
	const char *more = config->hosts != NULL ? config->hosts : "";
	size_t size = NETWORK_FILE_MAX + strlen(more);
	char *text;
	int result;

	if (config->whole_hosts != NULL)
		return mount_write_file("/etc/hosts", config->whole_hosts);
	text = malloc(size);
	if (text == NULL)
		return -1;
	network_hosts(text, NETWORK_FILE_MAX, config->network, config->hostname,
	              config->domainname);
	strcat(text, more);
	result = mount_write_file("/etc/hosts", text);
	free(text);
	return result;
}

int network_write_files(const struct config *config, struct failure *failure)
{
	char text[NETWORK_FILE_MAX];

	if (write_hosts(config) != 0)
		return failure_errno(failure, "write /etc/hosts");
	if (config_has_file(config, "/etc/resolv.conf") ||
	    network_resolv_conf(text, sizeof(text), config->network) == 0)
		return 0;
	if (mount_write_file("/etc/resolv.conf", text) != 0)
		return failure_errno(failure, "write /etc/resolv.conf");
	return 0;
}
