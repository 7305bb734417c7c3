// SPDX-License-Identifier: MIT
//
// The networks that a container is in, and what its record says of them.
#include "apps/containers/containers.h"
#include "apps/containers/mac.h"
#include "apps/containers/networks.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

// --- The list ------------------------------------------------------------------------------------

struct endpoint *endpoint_find(const struct container *c, const char *network)
{
	list_for_each(entry, &c->endpoints) {
		struct endpoint *endpoint = container_of(entry, struct endpoint, entry);

		if (strcmp(endpoint->network, network) == 0)
			return endpoint;
	}
	return NULL;
}

bool endpoints_has(const struct container *c, const char *network)
{
	return endpoint_find(c, network) != NULL;
}

static bool slot_is_used(const struct container *c, unsigned slot)
{
	list_for_each(entry, &c->endpoints)
		if (container_of(entry, struct endpoint, entry)->slot == slot)
			return true;
	return false;
}

void endpoint_free_names(struct endpoint *endpoint)
{
	string_list_deinit(&endpoint->aliases);
	string_list_deinit(&endpoint->links);
	heap_free(endpoint->driver_options);
}

void endpoint_free(struct endpoint *endpoint)
{
	list_remove(&endpoint->entry);
	endpoint_free_names(endpoint);
	heap_free(endpoint->network);
	heap_free(endpoint);
}

void endpoints_free(struct container *c)
{
	while (!list_is_empty(&c->endpoints))
		endpoint_free(container_of(c->endpoints.next, struct endpoint, entry));
}

error_t endpoint_add(struct container *c, const char *network, struct endpoint **out)
{
	struct endpoint *endpoint;
	unsigned slot = 0;

	while (slot < NETDEV_NETWORKS_MAX && slot_is_used(c, slot))
		slot++;
	if (slot == NETDEV_NETWORKS_MAX)
		return ERR_LIMIT;
	endpoint = heap_alloc(sizeof(*endpoint));
	if (endpoint == NULL)
		return ERR_NO_MEMORY;
	list_init(&endpoint->entry);
	endpoint->slot = slot;
	endpoint->network = string_copy(network);
	if (endpoint->network == NULL) {
		endpoint_free(endpoint);
		return ERR_NO_MEMORY;
	}
	list_push_back(&c->endpoints, &endpoint->entry);
	*out = endpoint;
	return 0;
}

// --- The record ----------------------------------------------------------------------------------

static void write_address(struct json_writer *w, const char *key, const uint8_t bytes[4])
{
	char text[ADDRESS_TEXT_MAX];

	address_write(address_load(bytes), text);
	json_write_raw(w, key);
	json_write_string(w, text);
}

void endpoints_write_record(struct json_writer *w, const struct container *c)
{
	const char *separator = "";

	json_write_raw(w, ",\"Endpoints\":[");
	list_for_each(entry, &c->endpoints) {
		const struct endpoint *endpoint = container_of(entry, struct endpoint, entry);

		json_write_raw(w, separator);
		json_write_raw(w, "{\"Network\":");
		json_write_string(w, endpoint->network);
		json_write_raw(w, ",\"Slot\":");
		json_write_i64(w, endpoint->slot);
		write_address(w, ",\"Wanted\":", endpoint->wanted);
		write_address(w, ",\"Address\":", endpoint->address);
		mac_write_record(w, endpoint->mac);
		json_write_raw(w, ",\"Aliases\":[");
		for (size_t i = 0; i < endpoint->aliases.count; i++)
			json_write_string(w, endpoint->aliases.items[i]);
		json_write_raw(w, "],\"Links\":[");
		for (size_t i = 0; i < endpoint->links.count; i++)
			json_write_string(w, endpoint->links.items[i]);
		json_write_raw(w, "]");
		if (endpoint->driver_options != NULL) {
			json_write_raw(w, ",\"DriverOpts\":");
			json_write_raw(w, endpoint->driver_options);
		}
		json_write_raw(w, "}");
		separator = ",";
	}
	json_write_raw(w, "]");
	mac_write_record(w, c->mac);
}

static void read_address(struct json_reader *r, uint8_t out[4])
{
	char *text = json_take_string(r);
	uint32_t address = 0;

	if (text != NULL && !address_read(text, &address))
		r->bad = true;
	address_store(address, out);
	heap_free(text);
}

static error_t read_list(struct json_reader *r, struct string_list *list)
{
	error_t err = 0;

	json_enter_array(r);
	while (err == 0 && json_next_element(r))
		err = string_list_take(list, json_take_string(r));
	return err;
}

// The object as it was written.
static error_t read_options(struct json_reader *r, struct endpoint *endpoint)
{
	struct span text = json_take_raw(r);

	heap_free(endpoint->driver_options);
	endpoint->driver_options = heap_alloc(text.len + 1);
	if (endpoint->driver_options == NULL)
		return ERR_NO_MEMORY;
	memcpy(endpoint->driver_options, text.data, text.len);
	return 0;
}

static void read_one(struct json_reader *r, struct container *c)
{
	struct endpoint *endpoint;
	struct span key;
	error_t err = 0;

	if (endpoint_add(c, "", &endpoint) < 0) {
		r->bad = true;
		return;
	}
	json_enter_object(r);
	while (err == 0 && json_next_member(r, &key)) {
		if (span_is(key, "Network")) {
			heap_free(endpoint->network);
			endpoint->network = json_take_string(r);
		} else if (span_is(key, "Slot")) {
			endpoint->slot = (unsigned)json_take_u64(r);
		} else if (span_is(key, "Wanted")) {
			read_address(r, endpoint->wanted);
		} else if (span_is(key, "Address")) {
			read_address(r, endpoint->address);
		} else if (span_is(key, "Mac")) {
			mac_read_record(r, endpoint->mac);
		} else if (span_is(key, "Aliases")) {
			err = read_list(r, &endpoint->aliases);
		} else if (span_is(key, "Links")) {
			err = read_list(r, &endpoint->links);
		} else if (span_is(key, "DriverOpts")) {
			err = read_options(r, endpoint);
		} else {
			json_skip(r);
		}
	}
	if (err < 0 || endpoint->network == NULL || endpoint->slot >= NETDEV_NETWORKS_MAX) {
		r->bad = true;
		endpoint_free(endpoint);
	}
}

void endpoints_read_record(struct json_reader *r, struct container *c)
{
	c->has_endpoints = true;
	json_enter_array(r);
	while (json_next_element(r))
		read_one(r, c);
}
