// SPDX-License-Identifier: MIT
//
// /etc/hosts of a container that has addresses of networks. Of others bootd makes it, with the
// address that the switch gave.
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

static void add_extra(char *out, size_t size, const struct string_list *extra)
{
	for (size_t i = 0; i < extra->count; i++) {
		const char *item = extra->items[i], *colon = strchr(item, ':');
		size_t used = strlen(out);
		bool is_gateway = strcmp(colon + 1, "host-gateway") == 0;

		fmt_write(out + used, size - used, "%s\t%.*s\n",
		          is_gateway ? HOST_GATEWAY : colon + 1, (int)(colon - item), item);
	}
}

// "box.example" is known as "box", too.
static void add_own(char *out, size_t size, const struct container *c, const char *hostname)
{
	const char *dot = strchr(hostname, '.');
	char address[ADDRESS_TEXT_MAX];

	list_for_each(entry, &c->endpoints) {
		const struct endpoint *endpoint = container_of(entry, struct endpoint, entry);
		size_t used = strlen(out);

		if (address_load(endpoint->address) == 0)
			continue;
		address_write(address_load(endpoint->address), address);
		fmt_write(out + used, size - used, "%s\t%s%s%.*s\n", address, hostname,
		          dot != NULL ? " " : "", dot != NULL ? (int)(dot - hostname) : 0,
		          hostname);
	}
}

static bool has_addresses(const struct container *c)
{
	list_for_each(entry, &c->endpoints)
		if (address_load(container_of(entry, struct endpoint, entry)->address) != 0)
			return true;
	return false;
}

bool hosts_write(const struct container *c, const char *hostname, struct json_writer *w)
{
	const struct string_list *extra = &c->settings.host.extra_hosts;
	size_t size = sizeof(LOCAL) + (extra->count + NETDEV_NETWORKS_MAX) * LINE_MAX;
	char *text;

	if (!has_addresses(c))
		return false;
	text = heap_alloc(size);
	if (text == NULL) {
		w->bad = true;
		return false;
	}
	str_copy(text, LOCAL, size);
	add_own(text, size, c, hostname);
	add_extra(text, size, extra);
	json_write_raw(w, "\"dev.starina.hosts.whole\":");
	json_write_string(w, text);
	heap_free(text);
	return true;
}
