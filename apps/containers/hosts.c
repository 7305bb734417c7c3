// SPDX-License-Identifier: MIT
//
// /etc/hostname and /etc/hosts. Of the latter, a container with addresses of networks, or without a
// network, is given all; others the lines that bootd adds to its own, with the switch's address.
#include "apps/containers/config_host.h"
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define LOCAL                                         \
	"127.0.0.1\tlocalhost\n"                      \
	"::1\tlocalhost ip6-localhost ip6-loopback\n" \
	"fe00::\tip6-localnet\n"                      \
	"ff00::\tip6-mcastprefix\n"                   \
	"ff02::1\tip6-allnodes\n"                     \
	"ff02::2\tip6-allrouters\n"
#define LINE_MAX 512u
#define HOST_GATEWAY "10.0.2.2"

static void add_extra(struct json_writer *text, const struct string_list *extra)
{
	for (size_t i = 0; i < extra->count; i++) {
		const char *item = extra->items[i], *colon = strchr(item, ':');
		bool is_gateway = strcmp(colon + 1, "host-gateway") == 0;
		char name[256];

		fmt_write(name, sizeof(name), "%.*s", (int)(colon - item), item);
		json_write_raw(text, is_gateway ? HOST_GATEWAY : colon + 1);
		json_write_raw(text, "\t");
		json_write_raw(text, name);
		json_write_raw(text, "\n");
	}
}

// Known by the name with its domain, and by the first word of that.
static void add_own(struct json_writer *text, const struct container *c, const char *hostname)
{
	const char *domain = c->settings.host.domainname;
	bool has_domain = domain != NULL && domain[0] != '\0';
	const char *dot = strchr(hostname, '.');
	bool has_short = has_domain || dot != NULL;
	int first = (int)(dot != NULL ? (size_t)(dot - hostname) : strlen(hostname));
	char address[ADDRESS_TEXT_MAX], line[LINE_MAX];

	list_for_each(entry, &c->endpoints) {
		const struct endpoint *endpoint = container_of(entry, struct endpoint, entry);

		if (address_load(endpoint->address) == 0)
			continue;
		address_write(address_load(endpoint->address), address);
		fmt_write(line, sizeof(line), "%s\t%s%s%s", address, hostname,
		          has_domain ? "." : "", has_domain ? domain : "");
		json_write_raw(text, line);
		fmt_write(line, sizeof(line), "%s%.*s\n", has_short ? " " : "",
		          has_short ? first : 0, hostname);
		json_write_raw(text, line);
	}
}

static bool has_addresses(const struct container *c)
{
	list_for_each(entry, &c->endpoints)
		if (address_load(container_of(entry, struct endpoint, entry)->address) != 0)
			return true;
	return false;
}

static void write_hostname(struct json_writer *w, const char *hostname)
{
	struct json_writer text = { 0 };

	json_write_raw(&text, hostname);
	json_write_raw(&text, "\n");
	config_write_text(w, "\"dev.starina.file:/etc/hostname\":", &text);
}

void hosts_write(const struct container *c, const char *hostname, struct json_writer *w)
{
	const struct string_list *extra = &c->settings.host.extra_hosts;
	bool has_network = settings_has_network(&c->settings);
	struct json_writer text = { 0 };
	const char *key = ",\"dev.starina.hosts\":";

	write_hostname(w, hostname);
	if (!has_network || has_addresses(c)) {
		// bootd does nothing about the network of one that has none.
		key = has_network ? ",\"dev.starina.hosts.whole\":"
				  : ",\"dev.starina.file:/etc/hosts\":";
		json_write_raw(&text, LOCAL);
		add_own(&text, c, hostname);
	} else if (extra->count == 0) {
		return;
	}
	add_extra(&text, extra);
	config_write_text(w, key, &text);
}
