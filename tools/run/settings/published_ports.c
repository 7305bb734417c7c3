// SPDX-License-Identifier: MIT
#include "tools/run/settings/published_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_HOST "127.0.0.1"
#define ANY_HOST "0.0.0.0"
#define MAX_PORT 65535u
#define MAX_ITEM 80  // of what is sensible

struct range {
	unsigned first;
	unsigned last;
};

// --- Parsing -------------------------------------------------------------------------------------

// "80" or "80-90". Returns false for what is neither.
static bool range_parse(const char *text, struct range *range)
{
	size_t digits = strspn(text, "0123456789");
	const char *rest = text + digits;

	if (digits == 0 || digits > 5)
		return false;
	range->first = range->last = (unsigned)strtoul(text, NULL, 10);
	if (*rest == '-') {
		digits = strspn(++rest, "0123456789");
		if (digits == 0 || digits > 5)
			return false;
		range->last = (unsigned)strtoul(rest, NULL, 10);
		rest += digits;
	}
	return *rest == '\0' && range->first > 0 && range->first <= range->last &&
		range->last <= MAX_PORT;
}

static bool hosts_overlap(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || strcmp(a, ANY_HOST) == 0 || strcmp(b, ANY_HOST) == 0;
}

static int port_add(struct published_ports *ports, const struct published_port *port,
                    struct error *err)
{
	for (unsigned i = 0; i < ports->count; i++) {
		const struct published_port *other = &ports->items[i];

		if (port->host_port != 0 && other->host_port == port->host_port &&
		    other->udp == port->udp && hosts_overlap(other->host, port->host))
			return error_set(err, "port %u/%s of the host is published twice",
			                 port->host_port, port->udp ? "udp" : "tcp");
	}
	if (ports->count == PORTS_MAX)
		return error_set(err, "these are more than %d ports", PORTS_MAX);
	ports->items[ports->count++] = *port;
	return 0;
}

// Cuts "/udp" or "/tcp" off.
static int protocol_parse(char *item, bool *udp, struct error *err)
{
	char *slash = strchr(item, '/');

	*udp = false;
	if (!slash)
		return 0;
	*slash = '\0';
	*udp = strcasecmp(slash + 1, "udp") == 0;
	if (!*udp && strcasecmp(slash + 1, "tcp") != 0)
		return error_set(err, "the protocol \"%s\" cannot be published; choose tcp or udp",
		                 slash + 1);
	return 0;
}

// Takes the host's address off the front: what stands before the last two parts.
static int host_parse(char **item, char host[INET_ADDRSTRLEN], struct error *err)
{
	char *last = strrchr(*item, ':');
	struct in_addr address;
	char *colon;

	strcpy(host, DEFAULT_HOST);
	if (!last)
		return 0;
	*last = '\0';
	colon = strrchr(*item, ':');
	*last = ':';
	if (!colon)
		return 0;
	*colon = '\0';
	if (strchr(*item, ':'))
		return error_set(err, "\"%s\": only IPv4 addresses of the host can be published on",
		                 *item);
	if (inet_pton(AF_INET, *item, &address) != 1)
		return error_set(
			err, "\"%s\" is not an IPv4 address of the host, as 127.0.0.1 or 0.0.0.0",
			*item);
	inet_ntop(AF_INET, &address, host, INET_ADDRSTRLEN);
	*item = colon + 1;
	return 0;
}

static int item_add(struct published_ports *ports, char *item, struct error *err)
{
	struct published_port port = { 0 };
	struct range container, host = { 0, 0 };
	char *colon;

	if (protocol_parse(item, &port.udp, err) < 0 || host_parse(&item, port.host, err) < 0)
		return -1;
	colon = strrchr(item, ':');
	if (colon)
		*colon = '\0';
	if (!range_parse(colon ? colon + 1 : item, &container))
		return error_set(
			err,
			"\"%s\" is not a port of the container; choose 1 to 65535, or a range as 8000-8010",
			colon ? colon + 1 : item);
	// "127.0.0.1::80" is any free port, as "80" is.
	if (colon && *item && !range_parse(item, &host))
		return error_set(
			err,
			"\"%s\" is not a port of the host; choose 1 to 65535, or a range as 8000-8010",
			item);
	if (host.first != 0 && host.last - host.first != container.last - container.first)
		return error_set(err, "the ranges %u-%u and %u-%u are not equally long", host.first,
		                 host.last, container.first, container.last);
	for (unsigned i = 0; i <= container.last - container.first; i++) {
		port.container_port = (uint16_t)(container.first + i);
		port.host_port = (uint16_t)(host.first != 0 ? host.first + i : 0);
		if (port_add(ports, &port, err) < 0)
			return -1;
	}
	return 0;
}

int ports_parse(struct published_ports *ports, const char *text, struct error *err)
{
	bool is_list = strchr(text, ',') != NULL;

	*ports = (struct published_ports){ 0 };
	for (;;) {
		size_t blanks = strspn(text, " \t");
		size_t length = strcspn(text, ",");
		char item[MAX_ITEM + 1];
		char copy[MAX_ITEM + 1];

		snprintf(item, sizeof(item), "%.*s", (int)(length - blanks), text + blanks);
		item[strcspn(item, " \t")] = '\0';
		strcpy(copy, item);
		if (length > MAX_ITEM || item[0] == '\0' ||
		    blanks + strlen(item) + strspn(text + blanks + strlen(item), " \t") != length)
			return error_set(
				err,
				"\"%.*s\" is not a port to publish; write [[HOSTIP:]HOSTPORT:]PORT[/udp], as 8080:80",
				(int)(length < MAX_ITEM ? length : MAX_ITEM), text);
		if (item_add(ports, copy, err) < 0)
			return is_list ? error_prefix(err, "%s", item) : -1;
		if (text[length] == '\0')
			return 0;
		text += length + 1;
	}
}

// --- The host's side -----------------------------------------------------------------------------

static int reserve(struct published_port *port, struct error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port->host_port) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int one = 1;
	const char *advice = "";

	if (fd < 0)
		return error_set_errno(err, errno, "cannot make a socket");
	inet_pton(AF_INET, port->host, &address.sin_addr);
	// As QEMU does: a connection of a past run that lingers is not an obstacle. With UDP it
	// would let two of us share a port.
	if (!port->udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    (port->udp || listen(fd, 1) == 0) &&
	    getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
		port->host_port = ntohs(address.sin_port);
		return fd;
	}
	if (errno == EADDRINUSE)
		advice = "; choose another, or end what uses it";
	else if (errno == EACCES)
		advice = "; only root may use ports below 1024: choose a higher one";
	else if (errno == EADDRNOTAVAIL)
		advice = "; it is not an address of this host";
	error_set(err, "port %u/%s of %s cannot be used: %s%s", port->host_port,
	          port->udp ? "udp" : "tcp", port->host, strerror(errno), advice);
	close(fd);
	return -1;
}

int ports_reserve(struct published_ports *ports, struct error *err)
{
	// Those that were asked for by number first: a free one must not be one of them.
	for (int any = 0; any < 2; any++) {
		for (unsigned i = 0; i < ports->count; i++) {
			int fd;

			if ((ports->items[i].host_port == 0) != (any == 1))
				continue;
			ports->items[i].chosen = any == 1;
			fd = reserve(&ports->items[i], err);
			if (fd < 0)
				return -1;
			ports->reserved[ports->num_reserved++] = fd;
		}
	}
	return 0;
}

void ports_release(struct published_ports *ports)
{
	while (ports->num_reserved > 0)
		close(ports->reserved[--ports->num_reserved]);
}
