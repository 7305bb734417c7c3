// SPDX-License-Identifier: MIT
//
// What containers are called in their networks, told to `dns`: name, aliases, the id's first 12
// digits.
#include "apps/containers/containers.h"
#include "libs/abi/networks.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"

static void add_entry(struct writer *w, struct names_entry *entry, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAMES_MAX || w->capacity - w->len < sizeof(*entry) + len)
		return;
	entry->length = (uint8_t)len;
	writer_bytes(w, entry, sizeof(*entry));
	writer_bytes(w, name, len);
}

static void add(struct writer *w, const struct network *network, const struct endpoint *endpoint,
                const char *name)
{
	struct names_entry entry = { .network = network->number };

	memcpy(entry.address, endpoint->address, sizeof(entry.address));
	add_entry(w, &entry, name);
}

// What a container calls another one in a network: in its own questions only.
static void add_link(struct writer *w, const struct container *c, const struct network *network,
                     const char *text)
{
	struct names_entry entry = { .network = network->number };
	char alias[LINK_NAME_MAX];
	const struct container *target = link_target(c->all, text, alias);

	if (target == NULL || target->vmm == NULL)
		return;
	memcpy(entry.asker, link_address(c), sizeof(entry.asker));
	list_for_each(pos, &target->endpoints) {
		const struct endpoint *endpoint = container_of(pos, struct endpoint, entry);

		if (strcmp(endpoint->network, network->settings.name) == 0)
			memcpy(entry.address,
			       network->kind == NETWORK_BRIDGE ? link_address(target)
			                                       : endpoint->address,
			       sizeof(entry.address));
	}
	if (address_load(entry.asker) != 0 && address_load(entry.address) != 0)
		add_entry(w, &entry, alias);
}

static void add_links(struct writer *w, const struct container *c)
{
	list_for_each(pos, &c->endpoints) {
		const struct endpoint *endpoint = container_of(pos, struct endpoint, entry);
		const struct network *network = endpoint_network(c->all, endpoint);

		for (size_t i = 0; network != NULL && i < endpoint->links.count; i++)
			add_link(w, c, network, endpoint->links.items[i]);
	}
}

static void add_container(struct writer *w, const struct container *c)
{
	char short_id[SHORT_ID_TEXT];

	str_copy(short_id, c->id_text, sizeof(short_id));
	list_for_each(entry, &c->endpoints) {
		const struct endpoint *endpoint = container_of(entry, struct endpoint, entry);
		const struct network *network = endpoint_network(c->all, endpoint);

		if (network == NULL || network->kind != NETWORK_USER ||
		    address_load(endpoint->address) == 0)
			continue;
		// The first is what the address is called.
		add(w, network, endpoint, c->name);
		for (size_t i = 0; i < endpoint->aliases.count; i++)
			add(w, network, endpoint, endpoint->aliases.items[i]);
		add(w, network, endpoint, short_id);
	}
}

static error_t send_table(struct containers *all, const struct writer *w)
{
	struct msg_names_table told = { .length = (uint32_t)w->len };
	struct message m;
	error_t err = message_encode_names_table(&m, &told, NULL, 0);

	if (err == 0 && w->len > 0) {
		err = payload_copy(w->data, w->len, &m.handles[0]);
		m.num_handles = err == 0 ? 1 : 0;
	}
	if (err == 0)
		err = channel_send(all->names.handle, &m);
	if (err < 0)
		message_discard(&m);
	return err;
}

void names_changed(struct containers *all)
{
	uint8_t *bytes;
	struct writer w;
	error_t err = ERR_NO_MEMORY;

	// Those of a life before stay until it is known who runs.
	if (!all->has_names || !all->knows_records)
		return;
	bytes = heap_alloc(NAMES_TABLE_MAX);
	if (bytes != NULL) {
		w = writer_make(bytes, NAMES_TABLE_MAX);
		list_for_each(entry, &all->containers)
			add_container(&w, container_of(entry, struct container, entry));
		list_for_each(entry, &all->containers) {
			const struct container *c = container_of(entry, struct container, entry);

			if (c->vmm != NULL)
				add_links(&w, c);
		}
		err = send_table(all, &w);
	}
	heap_free(bytes);
	if (err < 0 && err != ERR_PEER_CLOSED)
		log_warn("the server of names does not hear of a change: %s", error_text(err));
}

static void server_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);
}

static void server_closed(struct loop *loop, struct source *source)
{
	struct containers *all = source->context;
	error_t err;

	all->has_names = false;
	loop_close(loop, source);
	err = service_client_again(&all->names_client);
	assert(err == 0);
}

static const struct source_ops server_ops = { .message = server_message, .closed = server_closed };

static void connected(void *context, handle_t channel)
{
	struct containers *all = context;
	error_t err = loop_add(&all->loop, &all->names, channel, &server_ops, all);

	assert(err == 0);
	all->has_names = true;
	names_changed(all);
}

error_t names_init(struct containers *all)
{
	handle_t connector = environ_connector(all->env, "names");

	return connector == HANDLE_NONE
		? 0
		: service_client_start(&all->loop, &all->names_client, connector, connected, all);
}
