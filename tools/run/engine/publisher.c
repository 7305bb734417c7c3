// SPDX-License-Identifier: MIT
#include "tools/run/engine/publisher.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/run/relay/backlog.h"

// The network that QEMU makes, and the OS in it.
#define NETWORK 0x0a000200u
#define NETWORK_MASK 0xffffff00u
#define OS_ADDRESS 0x0a00020fu

void publisher_init(struct publisher *publisher, struct monitor *monitor, pid_t qemu)
{
	publisher->monitor = monitor;
	publisher->qemu = qemu;
	publisher->count = 0;
	publisher->done = NULL;
}

static void finish(struct publisher *publisher, uint16_t host_port, const char *error)
{
	published_fn done = publisher->done;

	publisher->done = NULL;
	done(publisher->context, host_port, error);
}

__attribute__((format(printf, 2, 3))) static void fail(struct publisher *publisher,
                                                       const char *format, ...)
{
	char text[PUBLISHER_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	finish(publisher, 0, text);
}

// --- What is asked for ---------------------------------------------------------------------------

static bool port_read(const char *word, uint16_t *port)
{
	size_t digits = strspn(word, "0123456789");
	unsigned long value = strtoul(word, NULL, 10);

	if (digits == 0 || digits > 5 || word[digits] != '\0' || value > 65535)
		return false;
	*port = (uint16_t)value;
	return true;
}

// "tcp 0.0.0.0 8080 10.0.2.100 80"; of an unpublish the first three words. NULL, or what is wrong.
static const char *words_read(struct publication *out, bool publish, const char *words)
{
	char protocol[8];
	char host[48];
	char host_port[8];
	char address[48] = "10.0.2.100";
	char port[8] = "1";
	char rest;
	int count = sscanf(words, publish ? "%7s %47s %7s %47s %7s %c" : "%7s %47s %7s %c",
	                   protocol, host, host_port, publish ? address : &rest, port, &rest);

	if (count != (publish ? 5 : 3))
		return "malformed request";
	out->udp = strcmp(protocol, "udp") == 0;
	if (!out->udp && strcmp(protocol, "tcp") != 0)
		return "invalid proto";
	if (inet_pton(AF_INET, host, &out->host) != 1)
		return strchr(host, ':') ? "only IPv4 addresses can be published on"
					 : "invalid IP address";
	if (!port_read(host_port, &out->host_port) || !port_read(port, &out->port) ||
	    out->port == 0)
		return "invalid port specification";
	if (inet_pton(AF_INET, address, &out->address) != 1 ||
	    (ntohl(out->address.s_addr) & NETWORK_MASK) != NETWORK)
		return "the target is not in the machine's network";
	if (ntohl(out->address.s_addr) == OS_ADDRESS && out->port == ENGINE_PORT)
		return "the engine's own port is not published";
	return NULL;
}

static bool hosts_overlap(struct in_addr a, struct in_addr b)
{
	return a.s_addr == b.s_addr || a.s_addr == INADDR_ANY || b.s_addr == INADDR_ANY;
}

// Who has the port already; NULL: nobody.
static struct publication *find(struct publisher *publisher, const struct publication *asked)
{
	for (unsigned i = 0; asked->host_port != 0 && i < publisher->count; i++) {
		struct publication *other = &publisher->all[i];

		if (other->udp == asked->udp && other->host_port == asked->host_port &&
		    hosts_overlap(other->host, asked->host))
			return other;
	}
	return NULL;
}

// Whether QEMU will get the port, or why not, and which it is when any will do. 0, or errno.
static int probe(struct publication *asked)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons(asked->host_port),
		                       .sin_addr = asked->host };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, (asked->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int one = 1;
	int error = 0;

	if (fd < 0)
		return errno;
	// As QEMU does. With UDP it would let two of us share a port.
	if (!asked->udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (!asked->udp && listen(fd, 1) < 0) ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		error = errno;
	close(fd);
	asked->host_port = ntohs(address.sin_port);
	return error;
}

static void fail_bind(struct publisher *publisher, int error)
{
	char host[INET_ADDRSTRLEN] = "";
	const char *why = "address already in use";

	if (error == EACCES)
		why = "permission denied";
	else if (error == EADDRNOTAVAIL)
		why = "cannot assign requested address";
	inet_ntop(AF_INET, &publisher->asked.host, host, sizeof(host));
	fail(publisher, "listen %s4 %s:%u: bind: %s", publisher->asked.udp ? "udp" : "tcp", host,
	     publisher->asked.host_port, why);
}

// --- QEMU's part ---------------------------------------------------------------------------------

static void added(void *context, const char *output)
{
	struct publisher *publisher = context;

	if (!output) {
		fail(publisher, "QEMU did not answer");
		return;
	}
	// It prints nothing when all is well, and else does not say why.
	if (output[0] != '\0') {
		fail_bind(publisher, EADDRINUSE);
		return;
	}
	publisher->all[publisher->count++] = publisher->asked;
	if (!publisher->asked.udp)
		backlog_widen(publisher->qemu, publisher->asked.host_port);
	finish(publisher, publisher->asked.host_port, NULL);
}

static void removed(void *context, const char *output)
{
	struct publisher *publisher = context;

	if (output)
		finish(publisher, publisher->asked.host_port, NULL);
	else
		fail(publisher, "QEMU did not answer");
}

static void command_send(struct publisher *publisher, bool publish)
{
	const struct publication *asked = &publisher->asked;
	char host[INET_ADDRSTRLEN] = "";
	char address[INET_ADDRSTRLEN] = "";
	char command[128];
	int length;

	inet_ntop(AF_INET, &asked->host, host, sizeof(host));
	inet_ntop(AF_INET, &asked->address, address, sizeof(address));
	length = snprintf(command, sizeof(command), "hostfwd_%s net0 %s:%s:%u",
	                  publish ? "add" : "remove", asked->udp ? "udp" : "tcp", host,
	                  asked->host_port);
	if (publish)
		snprintf(command + length, sizeof(command) - (size_t)length, "-%s:%u", address,
		         asked->port);
	if (monitor_command(publisher->monitor, command, publish ? added : removed, publisher) < 0)
		fail(publisher, "QEMU does not take commands");
}

// --- Requests ------------------------------------------------------------------------------------

static void publish(struct publisher *publisher)
{
	struct publication *asked = &publisher->asked;
	const struct publication *other = find(publisher, asked);
	char host[INET_ADDRSTRLEN] = "";
	int error;

	if (other && other->host.s_addr == asked->host.s_addr && other->port == asked->port &&
	    other->address.s_addr == asked->address.s_addr) {
		finish(publisher, other->host_port, NULL);
		return;
	}
	if (other) {
		inet_ntop(AF_INET, &asked->host, host, sizeof(host));
		fail(publisher, "Bind for %s:%u failed: port is already allocated", host,
		     asked->host_port);
		return;
	}
	if (publisher->count == ENGINE_MAX_PUBLISHED) {
		fail(publisher, "all ports are allocated");
		return;
	}
	error = probe(asked);
	if (error != 0)
		fail_bind(publisher, error);
	else
		command_send(publisher, true);
}

static void unpublish(struct publisher *publisher)
{
	struct publication *other = find(publisher, &publisher->asked);

	// It may have been removed by a request whose answer was lost.
	if (!other || other->host.s_addr != publisher->asked.host.s_addr) {
		finish(publisher, publisher->asked.host_port, NULL);
		return;
	}
	*other = publisher->all[--publisher->count];
	command_send(publisher, false);
}

void publisher_request(struct publisher *publisher, bool publish_it, const char *words,
                       published_fn done, void *context)
{
	const char *wrong;

	publisher->done = done;
	publisher->context = context;
	wrong = words_read(&publisher->asked, publish_it, words);
	if (wrong)
		fail(publisher, "%s", wrong);
	else if (publish_it)
		publish(publisher);
	else
		unpublish(publisher);
}
