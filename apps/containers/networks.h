// SPDX-License-Identifier: MIT
//
// Networks of containers, and which container is in which. Their addresses are given out here, and
// nowhere else; the switch (apps/netswitch) is told by the virtual machines' processes.
#pragma once

#include "apps/containers/settings_networks.h"
#include "libs/abi/netdev.h"
#include "libs/abi/time.h"
#include "libs/base/hex.h"
#include "libs/base/list.h"
#include "libs/json/json.h"

#define NETWORK_ID_SIZE 32u
#define NETWORKS_MAX 256u

struct container;
struct containers;
struct request;

enum network_kind {
	NETWORK_USER,
	NETWORK_BRIDGE,  // the default one, whose addresses are the switch's
	NETWORK_HOST,    // is listed, and nobody is in it
	NETWORK_NONE,
};

struct network {
	struct list entry;
	enum network_kind kind;
	uint8_t id[NETWORK_ID_SIZE];
	char id_text[HEX_SIZE(NETWORK_ID_SIZE)];
	uint32_t number;  // the switch's name of it; 0: one of ours
	nsec_t created_at;
	struct network_settings settings;
	struct subnet subnet;
	uint32_t gateway;
};

// A container's place in a network. It names the network: one that was made again is the same.
struct endpoint {
	struct list entry;  // of the container's
	char *network;      // heap, its name
	struct string_list aliases;
	struct string_list links;
	char *driver_options;         // heap, JSON; NULL: none
	uint8_t wanted[4];            // all zero: any
	uint8_t mac[NETDEV_MAC_LEN];  // that was asked for; all zero: any
	uint8_t address[4];  // while the container runs; all zero else, and of those of ours
	unsigned slot;       // of struct netdev_networks
};

// --- networks.c: networks ---

// The predefined ones are there after it.
void networks_init(struct containers *all);
// The one with this name, whole id or beginning of an id that is one network's only, in this order;
// NULL: none.
struct network *network_find(struct containers *all, const char *text);
// Of a container that runs; NULL when the network is gone.
struct network *endpoint_network(struct containers *all, const struct endpoint *endpoint);
// Whether the container's virtual machine is in its networks.
bool endpoint_is_active(const struct container *c);
// A container that is in a network, and whose virtual machine is; NULL: none.
const struct container *network_user(struct containers *all, const struct network *network);
// An address of a network that nobody has, all zero: none is free.
uint32_t network_choose(struct containers *all, const struct network *network);
// Who has an address of a network; NULL: nobody.
const struct container *network_holder(struct containers *all, const struct network *network,
                                       uint32_t address);
// Frees one that was not added.
void network_discard(struct network *network);
// What a body says of a network. Errors: as network_settings_parse's.
__must_check error_t network_make(struct network *network, struct span body,
                                  char error[static SETTINGS_ERROR_MAX]);
// It is one of those that there are.
void network_add(struct containers *all, struct network *network);

// POST /networks/create: 201, 400, 403 (its name, its addresses), 409 (the name), 500 (it cannot be
// written).
void operation_network_create(struct request *request);
// DELETE: 204, 403 (it is ours, or in use), 404.
void operation_network_remove(struct request *request);
// POST /networks/prune: those of `filters` that no container that runs is in.
void operation_networks_prune(struct request *request);

// --- endpoint_list.c: containers in them ---

// Frees them.
void endpoints_free(struct container *c);
// Whether one of its networks has this name.
bool endpoints_has(const struct container *c, const char *network);
// The one in the network of this name; NULL: none.
struct endpoint *endpoint_find(const struct container *c, const char *network);
// Adds one that asks for nothing. Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t endpoint_add(struct container *c, const char *network, struct endpoint **out);
// Takes one out of the list, and frees it.
void endpoint_free(struct endpoint *endpoint);
// Frees what it was asked for but its addresses.
void endpoint_free_names(struct endpoint *endpoint);
// Members of its record, with a comma before the first, and what stands behind "Endpoints" there.
void endpoints_write_record(struct json_writer *w, const struct container *c);
void endpoints_read_record(struct json_reader *r, struct container *c);

// --- endpoints.c: what these ask for, and have ---

// What a fresh container asks for. Errors: ERR_INVALID with a text for people, ERR_NO_MEMORY.
__must_check error_t endpoints_make(struct container *c, char error[static SETTINGS_ERROR_MAX]);
// Gives it its addresses before it starts. Errors: ERR_NOT_FOUND (a network is gone), ERR_EXISTS,
// ERR_LIMIT (no address is free), ERR_INVALID, all with a text for people.
__must_check error_t endpoints_take(struct container *c, char error[static SETTINGS_ERROR_MAX]);
// It is over: its addresses are others'.
void endpoints_release(struct container *c);
// What its virtual machine's process is to know; called before its order, at each change, and when
// the process is back.
void endpoints_tell(const struct container *c);
// POST /networks/NAME/connect, and disconnect: 200, 400, 403, 404, 500 (it cannot be written).
void operation_network_connect(struct request *request);
void operation_network_disconnect(struct request *request);

// --- names.c ---

// Tells `dns` of names, now and whenever it is back. Errors: as service_client_start's.
__must_check error_t names_init(struct containers *all);
// A container has come, gone, or is called otherwise.
void names_changed(struct containers *all);

// --- networks_store.c ---

// Reads the records of all networks, while store_read is at work.
void networks_read(struct containers *all);
// Writes a network's record, and removes it, as store_put and store_drop.
__must_check error_t network_write(struct containers *all, const struct network *network);
void network_forget(struct containers *all, const struct network *network);

// --- show_networks.c ---

// GET /networks, GET /networks/NAME.
void show_networks(struct request *request);
void show_network(struct request *request);
// The MAC address of a container's machine, "" unless it has an address.
void show_mac(struct json_writer *w, const struct container *c, bool has_address);
// NetworkSettings.Networks of a container.
// `aliases_have_id`: the container's short id is one of its aliases in networks of users, as in the
// API before 1.45 (compose 1.29 looks for it).
void show_endpoints(struct json_writer *w, const struct container *c, bool aliases_have_id);
