// SPDX-License-Identifier: MIT
//
// Published ports: the host's lead to the address of the container's virtual machine, from before
// its start to its end. Which they are is on the record before the host is asked, so that they are
// taken back, too, when this app dies meanwhile.
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// Where any port will do: those of Linux's ip_local_port_range.
#define ANY_FIRST 32768u
#define ANY_LAST 60999u
// Of a range, when the host refuses one after the other.
#define MAX_TRIES 64u

// --- Which ports ---------------------------------------------------------------------------------

static bool same_place(const struct port *a, const struct port *b)
{
	static const uint8_t all[4];

	return a->protocol == b->protocol && a->host_port == b->host_port &&
		(memcmp(a->host, b->host, sizeof(a->host)) == 0 ||
	         memcmp(a->host, all, sizeof(all)) == 0 || memcmp(b->host, all, sizeof(all)) == 0);
}

static bool is_taken(const struct containers *all, const struct port *port)
{
	list_for_each(entry, &all->containers) {
		const struct container *c = container_of(entry, struct container, entry);

		for (size_t i = 0; i < c->ports.count; i++)
			if (&c->ports.items[i] != port && c->ports.items[i].host_port != 0 &&
			    same_place(&c->ports.items[i], port))
				return true;
	}
	return false;
}

// The next number of its range that no container has; false when there is none.
static bool choose_next(struct containers *all, struct port *port)
{
	uint32_t first = port->first, last = port->last;

	if (first == 0) {
		first = ANY_FIRST;
		last = ANY_LAST;
		if (port->host_port == 0 && all->last_any_port >= ANY_FIRST &&
		    all->last_any_port < ANY_LAST)
			port->host_port = all->last_any_port;
	}
	for (uint32_t n = port->host_port != 0 ? port->host_port + 1u : first; n <= last; n++) {
		port->host_port = (uint16_t)n;
		if (is_taken(all, port))
			continue;
		if (port->first == 0)
			all->last_any_port = port->host_port;
		return true;
	}
	if (port->first == 0)
		all->last_any_port = 0;
	port->host_port = 0;
	return false;
}

static void fail(struct container *c, const char *why, size_t len)
{
	char error[CONTAINER_ERROR_MAX];

	fmt_write(error, sizeof(error),
	          "driver failed programming external connectivity on endpoint %.40s (%.12s): %.*s",
	          c->name, c->id_text, (int)len, why);
	container_fail(c, error);
}

static void fail_taken(struct container *c, const struct port *port)
{
	const uint8_t *a = port->host;
	char why[96];
	size_t len;

	len = fmt_write(why, sizeof(why),
	                "Bind for %u.%u.%u.%u:%u failed: port is already allocated", a[0], a[1],
	                a[2], a[3], port->first);
	fail(c, why, len);
}

static error_t add_all(struct container *c)
{
	struct port_list exposed = { 0 };
	error_t err = 0;

	port_list_deinit(&c->ports);
	if (!ports_are_published(c))
		return 0;
	for (size_t i = 0; i < c->settings.ports.count && err == 0; i++)
		err = port_list_add(&c->ports, &c->settings.ports.items[i]);
	if (err == 0 && c->settings.publish_all)
		err = ports_exposed(c, &exposed);
	for (size_t i = 0; i < exposed.count && err == 0; i++)
		if (!port_list_has(&c->settings.ports, &exposed.items[i]))
			err = port_list_add(&c->ports, &exposed.items[i]);
	port_list_deinit(&exposed);
	return err;
}

bool ports_choose(struct container *c)
{
	error_t err = add_all(c);

	for (size_t i = 0; i < c->ports.count && err == 0; i++) {
		if (choose_next(c->all, &c->ports.items[i]))
			continue;
		fail_taken(c, &c->ports.items[i]);
		return false;
	}
	if (err < 0) {
		fail(c, error_text(err), strlen(error_text(err)));
		return false;
	}
	if (c->ports.count > 0)
		store_write(c);
	return true;
}

// --- The host ------------------------------------------------------------------------------------

void ports_ask(struct container *c)
{
	const struct port *port = &c->ports.items[c->provision.next_port];

	host_publish(&c->all->host, &c->provision.call, port->protocol, port->host, port->host_port,
	             c->vmm->address, port->number);
}

bool ports_answered(struct container *c, error_t error, struct span text)
{
	struct provision *p = &c->provision;
	struct port *port = &c->ports.items[p->next_port];

	if (error == 0) {
		p->next_port++;
		p->tries = 0;
		return true;
	}
	if (port->first != port->last || port->first == 0) {
		if (++p->tries < MAX_TRIES && choose_next(c->all, port)) {
			store_write(c);
			return true;
		}
	}
	// It is another's.
	port->host_port = 0;
	if (text.len > 0)
		fail(c, (const char *)text.data, text.len);
	else
		fail(c, error_text(error), strlen(error_text(error)));
	return false;
}

static void taken_back(struct host_call *call, error_t error, uint32_t value, struct span text)
{
	(void)value;
	if (error < 0)
		log_warn("a port stays published: %.*s", (int)text.len, (const char *)text.data);
	heap_free(call);
}

void ports_release(struct container *c)
{
	for (size_t i = 0; i < c->ports.count; i++) {
		const struct port *port = &c->ports.items[i];
		struct host_call *call = NULL;

		if (port->host_port == 0)
			continue;
		call = heap_alloc(sizeof(*call));
		if (call == NULL) {
			log_warn("port %u stays published: out of memory", port->host_port);
			continue;
		}
		call->done = taken_back;
		host_unpublish(&c->all->host, call, port->protocol, port->host, port->host_port);
	}
	port_list_deinit(&c->ports);
}
