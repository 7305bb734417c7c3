// SPDX-License-Identifier: MIT
//
// The records of networks, beside those of containers: what each was given.
#include "apps/containers/containers.h"
#include "apps/containers/networks.h"
#include "apps/containers/settings_own.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define PREFIX "network-"
#define SUFFIX ".json"
// With a NUL.
#define NAME_MAX (sizeof(PREFIX) + HEX_SIZE(NETWORK_ID_SIZE) + sizeof(SUFFIX) - 2)
#define RECORD_MAX (CONTAINERS_BODY_MAX + 4096u)

static void file_name(const struct network *network, char out[NAME_MAX])
{
	fmt_write(out, NAME_MAX, PREFIX "%s" SUFFIX, network->id_text);
}

// As a body of create that asks for what it has.
static void write_body(struct json_writer *w, const struct network *network)
{
	const struct network_settings *s = &network->settings;
	char subnet[SUBNET_TEXT_MAX], range[SUBNET_TEXT_MAX], gateway[ADDRESS_TEXT_MAX];

	subnet_write(&network->subnet, subnet);
	subnet_write(&s->range, range);
	address_write(network->gateway, gateway);
	json_write_raw(w, "{\"Name\":");
	json_write_string(w, s->name);
	json_write_raw(w, s->internal ? ",\"Internal\":true" : ",\"Internal\":false");
	json_write_raw(w, s->attachable ? ",\"Attachable\":true" : "");
	if (s->options != NULL) {
		json_write_raw(w, ",\"Options\":");
		json_write_raw(w, s->options);
	}
	json_write_raw(w, ",\"Labels\":");
	json_write_raw(w, s->labels != NULL ? s->labels : "{}");
	json_write_raw(w, ",\"IPAM\":{\"Config\":[{\"Subnet\":");
	json_write_string(w, subnet);
	json_write_raw(w, ",\"IPRange\":");
	json_write_string(w, s->range.prefix_len > 0 ? range : "");
	json_write_raw(w, ",\"Gateway\":");
	json_write_string(w, gateway);
	if (s->auxiliary != NULL) {
		json_write_raw(w, ",\"AuxiliaryAddresses\":");
		json_write_raw(w, s->auxiliary);
	}
	json_write_raw(w, "}]}}");
}

error_t network_write(struct containers *all, const struct network *network)
{
	struct json_writer w = { 0 };
	char name[NAME_MAX];

	json_write_raw(&w, "{\"Number\":");
	json_write_i64(&w, network->number);
	json_write_raw(&w, ",\"CreatedUs\":");
	json_write_i64(&w, (int64_t)(network->created_at / NSEC_PER_USEC));
	json_write_raw(&w, ",\"Body\":");
	write_body(&w, network);
	json_write_raw(&w, "}\n");
	file_name(network, name);
	return store_put(all, name, &w);
}

void network_forget(struct containers *all, const struct network *network)
{
	char name[NAME_MAX];

	file_name(network, name);
	store_drop(all, name);
}

static void read_body(struct json_reader *r, struct network *network)
{
	char error[SETTINGS_ERROR_MAX];
	struct span body;

	if (json_take_null(r) || network->settings.name != NULL) {
		r->bad = true;
		return;
	}
	body = json_take_raw(r);
	if (json_reader_status(r) == 0 && network_make(network, body, error) < 0)
		r->bad = true;
}

static bool parse(struct network *network, struct span text)
{
	struct json_reader r = json_reader_make(text);
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "Number"))
			network->number = (uint32_t)json_take_u64(&r);
		else if (span_is(key, "CreatedUs"))
			network->created_at = json_take_u64(&r) * NSEC_PER_USEC;
		else if (span_is(key, "Body"))
			read_body(&r, network);
		else
			json_skip(&r);
	}
	return json_at_end(&r) && network->number != 0 &&
		subnet_has_host(&network->subnet, network->gateway);
}

static void read_record(struct containers *all, const char *name)
{
	struct network *network = heap_alloc(sizeof(*network));
	uint8_t *text = NULL;
	size_t len = 0;
	bool good = network != NULL;

	if (good) {
		memcpy(network->id_text, name + sizeof(PREFIX) - 1, sizeof(network->id_text) - 1);
		good = hex_read(network->id_text, network->id, sizeof(network->id)) &&
			store_get(all, name, RECORD_MAX, &text, &len) == 0 &&
			parse(network, (struct span){ .data = text, .len = len }) &&
			network_find(all, network->settings.name) == NULL;
	}
	heap_free(text);
	if (good) {
		network_add(all, network);
		return;
	}
	log_warn("%s on the state disk is no record of a network", name);
	if (network != NULL)
		network_discard(network);
}

void networks_read(struct containers *all)
{
	struct string_list names = { 0 };
	error_t err = store_list(all, NAME_MAX - 1, NETWORKS_MAX, &names);

	if (err < 0)
		log_error("the records of networks cannot be read: %s", error_text(err));
	for (size_t i = 0; i < names.count; i++)
		if (strncmp(names.items[i], PREFIX, sizeof(PREFIX) - 1) == 0)
			read_record(all, names.items[i]);
	string_list_deinit(&names);
}
