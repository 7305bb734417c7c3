// SPDX-License-Identifier: MIT
//
// Links, Docker's older way to give a container other names: TARGET:ALIAS, for who has the link
// alone. `dns` knows the alias in each network; on the bridge the target has to run, and is told in
// variables of the environment, too.
#include "apps/containers/containers.h"
#include "apps/containers/links_text.h"
#include "apps/containers/networks.h"
#include "apps/containers/port_list.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define VARIABLE_MAX 512u

struct container *link_target(struct containers *all, const char *text,
                              char alias[static LINK_NAME_MAX])
{
	char target[LINK_NAME_MAX];
	size_t num_begin;

	return link_read(text, target, alias) ? containers_find(all, target, &num_begin) : NULL;
}

const uint8_t *link_address(const struct container *c)
{
	return c->vmm != NULL ? c->vmm->address : c->address;
}

bool links_any(const struct containers *all)
{
	list_for_each(entry, &all->containers) {
		const struct container *c = container_of(entry, struct container, entry);

		list_for_each(pos, &c->endpoints)
			if (container_of(pos, struct endpoint, entry)->links.count > 0)
				return true;
	}
	return false;
}

struct string_list *links_on_bridge(const struct container *c)
{
	list_for_each(pos, &c->endpoints) {
		struct endpoint *endpoint = container_of(pos, struct endpoint, entry);
		const struct network *network = endpoint_network(c->all, endpoint);

		if (network != NULL && network->kind == NETWORK_BRIDGE)
			return &endpoint->links;
	}
	return NULL;
}

// --- The environment -----------------------------------------------------------------------------

static error_t add_variable(struct string_list *env, const char *prefix, const char *name,
                            const char *value)
{
	char text[VARIABLE_MAX];

	// What is too long for a variable is none.
	if (fmt_write(text, sizeof(text), "%s_%s=%s", prefix, name, value) >= sizeof(text))
		return 0;
	return string_list_add(env, text);
}

static error_t add_port(struct string_list *env, const char *prefix, const struct port *port,
                        const char *address, bool is_first)
{
	char number[8], name[32], url[64], text[PORT_TEXT_MAX];
	const char *lower, *upper;
	error_t err = 0;

	port_text(port, text);
	lower = strchr(text, '/') + 1;
	upper = strcmp(lower, "udp") == 0 ? "UDP" : "TCP";
	fmt_write(number, sizeof(number), "%u", port->number);
	fmt_write(url, sizeof(url), "%s://%s:%s", lower, address, number);
	fmt_write(name, sizeof(name), "PORT_%s_%s", number, upper);
	if (is_first)
		err = add_variable(env, prefix, "PORT", url);
	if (err == 0)
		err = add_variable(env, prefix, name, url);
	fmt_write(name, sizeof(name), "PORT_%s_%s_ADDR", number, upper);
	if (err == 0)
		err = add_variable(env, prefix, name, address);
	fmt_write(name, sizeof(name), "PORT_%s_%s_PORT", number, upper);
	if (err == 0)
		err = add_variable(env, prefix, name, number);
	fmt_write(name, sizeof(name), "PORT_%s_%s_PROTO", number, upper);
	return err == 0 ? add_variable(env, prefix, name, lower) : err;
}

static error_t add_ports(struct string_list *env, const char *prefix, const struct container *t)
{
	struct port_list ports;
	char address[ADDRESS_TEXT_MAX];
	error_t err = ports_exposed(t, &ports);

	if (err < 0)
		return err;
	address_write(address_load(link_address(t)), address);
	for (size_t i = 0; i < ports.count && err == 0; i++)
		err = add_port(env, prefix, &ports.items[i], address, i == 0);
	port_list_deinit(&ports);
	return err;
}

// What the target has been given, not what is everybody's.
static error_t add_env(struct string_list *env, const char *prefix, const struct string_list *given)
{
	char name[VARIABLE_MAX];
	error_t err = 0;

	for (size_t i = 0; i < given->count && err == 0; i++) {
		const char *item = given->items[i], *equals = strchr(item, '=');

		if (equals == NULL || strncmp(item, "PATH=", 5) == 0 ||
		    strncmp(item, "HOME=", 5) == 0)
			continue;
		fmt_write(name, sizeof(name), "ENV_%.*s", (int)(equals - item), item);
		err = add_variable(env, prefix, name, equals + 1);
	}
	return err;
}

static error_t add_target(struct container *c, const struct container *t, const char *alias)
{
	const struct image *image = container_image(t);
	char prefix[LINK_NAME_MAX], name[2 * LINK_NAME_MAX];
	error_t err;

	link_prefix(alias, prefix);
	fmt_write(name, sizeof(name), "/%s/%s", c->name, alias);
	err = add_ports(&c->link_env, prefix, t);
	if (err == 0)
		err = add_variable(&c->link_env, prefix, "NAME", name);
	if (err == 0 && image != NULL)
		err = add_env(&c->link_env, prefix, &image->env);
	return err == 0 ? add_env(&c->link_env, prefix, &t->settings.env) : err;
}

// --- The start -----------------------------------------------------------------------------------

error_t links_check(const struct container *c, char error[static SETTINGS_ERROR_MAX])
{
	const struct string_list *links = &c->settings.host.links;
	char alias[LINK_NAME_MAX];

	if (strcmp(settings_network(&c->settings), "bridge") != 0)
		return 0;
	for (size_t i = 0; i < links->count; i++) {
		if (link_target(c->all, links->items[i], alias) != NULL)
			continue;
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "could not get container for %.128s: No such container", links->items[i]);
		return ERR_INVALID;
	}
	return 0;
}

error_t links_take(struct container *c, char error[static SETTINGS_ERROR_MAX])
{
	const struct string_list *links = links_on_bridge(c);
	char alias[LINK_NAME_MAX];
	error_t err = 0;

	string_list_deinit(&c->link_env);
	for (size_t i = 0; links != NULL && i < links->count && err == 0; i++) {
		const struct container *t = link_target(c->all, links->items[i], alias);

		if (t == NULL || t->state != CONTAINER_RUNNING) {
			fmt_write(error, SETTINGS_ERROR_MAX,
			          "Cannot link to a non running container: /%.64s AS /%.64s/%.64s",
			          t != NULL ? t->name : links->items[i], c->name, alias);
			return ERR_INVALID;
		}
		err = add_target(c, t, alias);
	}
	return err;
}

// --- The end of one ------------------------------------------------------------------------------

static void remove_at(struct request *request, struct container *c, struct string_list *links,
                      size_t at)
{
	char *link = links->items[at], **place = &links->items[at];
	size_t behind = (links->count - at - 1) * sizeof(*place);

	memmove(place, place + 1, behind);
	links->count--;
	if (!store_write(c)) {
		memmove(place + 1, place, behind);
		*place = link;
		links->count++;
		request_refuse(request, 500, "container %s keeps that link: " STORE_REFUSES,
		               c->id_text);
		return;
	}
	heap_free(link);
	names_changed(c->all);
	reply_empty(request->client, request->id, 204, 0);
}

void links_remove(struct request *request)
{
	const char *path = request->target[0] == '/' ? request->target + 1 : request->target;
	const char *slash = strchr(path, '/');
	char owner[LINK_NAME_MAX], target[LINK_NAME_MAX], alias[LINK_NAME_MAX];
	struct container *c = NULL;
	struct string_list *links = NULL;

	if (slash != NULL && (size_t)(slash - path) < sizeof(owner)) {
		fmt_write(owner, sizeof(owner), "%.*s", (int)(slash - path), path);
		c = containers_find_name(request->all, owner);
		links = c != NULL ? links_on_bridge(c) : NULL;
	}
	for (size_t i = 0; links != NULL && i < links->count; i++) {
		if (!link_read(links->items[i], target, alias) || strcmp(alias, slash + 1) != 0)
			continue;
		remove_at(request, c, links, i);
		return;
	}
	if (slash == NULL && containers_find_name(request->all, path) != NULL)
		reply_error(request->client, request->id, 400,
		            "Conflict, cannot remove the default link name of the container");
	else
		reply_error(request->client, request->id, 404, "No such container: %s", path);
}
