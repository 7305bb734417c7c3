// SPDX-License-Identifier: MIT
//
// Changes of containers, networks and volumes, on a state disk that takes them and on one that does
// not: then all is as it was, and the client is told. What a machine is told of its networks.
#include "apps/containers/unwritten_fake.h"

#include <stdio.h>
#include <string.h>

#include "apps/containers/mac.h"

#define MAC "02:42:ac:11:00:0a"

static struct containers all;
static struct container web;
static struct vmm_process vmm;

// --- Requests ------------------------------------------------------------------------------------

static uint32_t ask(void (*operation)(struct request *request), const char *target,
                    const char *body)
{
	struct request request = { .all = &all,
		                   .body = { .data = (const uint8_t *)body, .len = strlen(body) } };

	status = 0;
	message[0] = event[0] = '\0';
	snprintf(request.target, sizeof(request.target), "%s", target);
	operation(&request);
	return status;
}

static void make_network(const char *name)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"Name\":\"%s\"}", name);
	assert_int_equal(ask(operation_network_create, "", body), 201);
	assert_string_equal(event, "network create");
}

static uint32_t connect_with(const char *network, const char *more)
{
	char body[256];

	snprintf(body, sizeof(body), "{\"Container\":\"web\"%s}", more);
	return ask(operation_network_connect, network, body);
}

static uint32_t disconnect_from(const char *network)
{
	return ask(operation_network_disconnect, network, "{\"Container\":\"web\"}");
}

// It has an order, and so the addresses that it asks for.
static void start(void)
{
	char error[SETTINGS_ERROR_MAX];

	assert_int_equal(endpoints_take(&web, error), 0);
	vmm = (struct vmm_process){ .all = &all, .connected = true, .order_sent = true };
	web.vmm = &vmm;
	web.state = CONTAINER_RUNNING;
}

static void stop(void)
{
	web.vmm = NULL;
	web.state = CONTAINER_EXITED;
	endpoints_release(&web);
}

static int setup(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	memset(&web, 0, sizeof(web));
	memset(&told, 0, sizeof(told));
	all.has_store = true;
	list_init(&all.containers);
	networks_init(&all);
	is_full = has_folder = false;
	web.all = &all;
	list_init(&web.endpoints);
	snprintf(web.name, sizeof(web.name), "web");
	snprintf(web.id_text, sizeof(web.id_text), "%064d", 7);
	list_push_back(&all.containers, &web.entry);
	return volumes_init(&all);
}

static int teardown(void **state)
{
	(void)state;
	endpoints_free(&web);
	while (!list_is_empty(&all.networks)) {
		struct network *network = container_of(all.networks.next, struct network, entry);

		list_remove(&network->entry);
		network_discard(network);
	}
	while (!list_is_empty(&all.volumes)) {
		struct volume *volume = container_of(all.volumes.next, struct volume, entry);

		list_remove(&volume->entry);
		volume_free(volume);
	}
	return 0;
}

// --- Tests ---------------------------------------------------------------------------------------

static void assert_refused_by_disk(void)
{
	assert_int_equal(status, 500);
	assert_string_equal(event, "");
	assert_non_null(strstr(message, "state disk does not take"));
}

static void renamed(void **state)
{
	(void)state;
	query_name = "/db";
	is_full = true;
	ask(operation_rename, "web", "");
	assert_refused_by_disk();
	assert_string_equal(web.name, "web");
	is_full = false;
	assert_int_equal(ask(operation_rename, "web", ""), 204);
	assert_string_equal(event, "container rename");
	assert_string_equal(web.name, "db");
	assert_int_equal(ask(operation_rename, "db", ""), 400);
}

static void connected(void **state)
{
	const struct endpoint *endpoint;

	(void)state;
	make_network("a");
	is_full = true;
	connect_with("a", "");
	assert_refused_by_disk();
	assert_false(endpoints_has(&web, "a"));
	is_full = false;
	assert_int_equal(connect_with("a", ",\"EndpointConfig\":{\"Aliases\":[\"one\"]}"), 200);
	assert_string_equal(event, "network connect");
	// One that does not run may be connected again; it has what it had when that fails.
	is_full = true;
	connect_with("a",
	             ",\"EndpointConfig\":{\"Aliases\":[\"x\",\"y\"],\"MacAddress\":\"" MAC "\"}");
	assert_refused_by_disk();
	endpoint = endpoint_find(&web, "a");
	assert_int_equal(endpoint->aliases.count, 1);
	assert_string_equal(endpoint->aliases.items[0], "one");
	assert_false(netdev_mac_is_set(endpoint->mac));
}

static void connected_while_it_runs(void **state)
{
	(void)state;
	make_network("a");
	start();
	is_full = true;
	connect_with("a", "");
	assert_refused_by_disk();
	is_full = false;
	assert_int_equal(connect_with("a", ""), 200);
	assert_int_equal(told.networks.entries[0].address[3], 2);  // the one that was freed
}

static void disconnected(void **state)
{
	const struct endpoint *first;

	(void)state;
	make_network("a");
	make_network("b");
	assert_int_equal(connect_with("a", ""), 200);
	assert_int_equal(connect_with("b", ""), 200);
	is_full = true;
	disconnect_from("a");
	assert_refused_by_disk();
	first = container_of(web.endpoints.next, struct endpoint, entry);
	assert_string_equal(first->network, "a");
	assert_true(endpoints_has(&web, "b"));
	is_full = false;
	assert_int_equal(disconnect_from("a"), 200);
	assert_string_equal(event, "network disconnect");
	assert_false(endpoints_has(&web, "a"));
	assert_int_equal(disconnect_from("a"), 403);
}

static void link_removed(void **state)
{
	struct string_list *links;

	(void)state;
	assert_int_equal(connect_with("bridge",
	                              ",\"EndpointConfig\":{\"Links\":[\"db:first\","
	                              "\"db:second\",\"db:third\"]}"),
	                 200);
	links = links_on_bridge(&web);
	is_full = true;
	ask(links_remove, "web/first", "");
	assert_refused_by_disk();
	assert_int_equal(links->count, 3);
	assert_string_equal(links->items[0], "db:first");
	assert_string_equal(links->items[1], "db:second");
	assert_string_equal(links->items[2], "db:third");
	is_full = false;
	assert_int_equal(ask(links_remove, "web/first", ""), 204);
	assert_int_equal(links->count, 2);
	assert_string_equal(links->items[0], "db:second");
}

static void network_created(void **state)
{
	(void)state;
	is_full = true;
	assert_int_equal(ask(operation_network_create, "", "{\"Name\":\"a\"}"), 500);
	assert_string_equal(event, "");
	assert_string_equal(message, "network a cannot be kept: no space is left");
	assert_null(network_find(&all, "a"));
	is_full = false;
	make_network("a");
}

static void volume_made(void **state)
{
	(void)state;
	is_full = true;
	event[0] = '\0';
	assert_int_equal(volumes_make(&all, VOLUME, NULL, NULL), ERR_NO_SPACE);
	assert_string_equal(event, "");
	assert_null(volumes_find(&all, VOLUME));
	assert_false(has_folder);
	is_full = false;
	assert_int_equal(volumes_make(&all, VOLUME, NULL, NULL), 0);
	assert_string_equal(event, "volume create");
	// One that is there needs no record.
	is_full = true;
	assert_int_equal(volumes_make(&all, VOLUME, NULL, NULL), 0);
	assert_true(has_folder);
}

// The card keeps its MAC address while the machine runs, whatever becomes of the network that it
// was asked for in.
static void mac_is_kept(void **state)
{
	uint8_t mac[NETDEV_MAC_LEN];
	char text[MAC_TEXT_MAX];

	(void)state;
	assert_true(mac_read(MAC, mac));
	make_network("a");
	make_network("b");
	assert_int_equal(connect_with("a", ",\"EndpointConfig\":{\"MacAddress\":\"" MAC "\"}"),
	                 200);
	start();
	assert_int_equal(connect_with("b", ""), 200);
	assert_memory_equal(told.networks.mac, mac, NETDEV_MAC_LEN);
	assert_int_equal(disconnect_from("a"), 200);
	assert_memory_equal(told.networks.mac, mac, NETDEV_MAC_LEN);
	mac_show(&web, text);
	assert_string_equal(text, MAC);
	// It is the one that it may ask for, and there is no other.
	assert_int_equal(
		connect_with("a", ",\"EndpointConfig\":{\"MacAddress\":\"02:42:ac:11:00:0b\"}"),
		400);
	assert_int_equal(connect_with("a", ",\"EndpointConfig\":{\"MacAddress\":\"" MAC "\"}"),
	                 200);
	assert_int_equal(disconnect_from("a"), 200);
	stop();
	start();
	endpoints_tell(&web);
	assert_false(netdev_mac_is_set(told.networks.mac));
}

// Nobody else gets it meanwhile.
static void mac_is_held(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct container other = { .all = &all };

	(void)state;
	list_init(&other.endpoints);
	make_network("a");
	make_network("b");
	assert_int_equal(connect_with("a", ",\"EndpointConfig\":{\"MacAddress\":\"" MAC "\"}"),
	                 200);
	start();
	assert_int_equal(disconnect_from("a"), 200);
	list_push_back(&all.containers, &other.entry);
	snprintf(other.name, sizeof(other.name), "other");
	assert_int_equal(ask(operation_network_connect, "b",
	                     "{\"Container\":\"other\",\"EndpointConfig\":{\"MacAddress\":\"" MAC
	                     "\"}}"),
	                 200);
	assert_int_equal(endpoints_take(&other, error), ERR_EXISTS);
	assert_string_equal(error, "MAC address already in use by container web");
	stop();
	assert_int_equal(endpoints_take(&other, error), 0);
	endpoints_free(&other);
	list_remove(&other.entry);
}

static void assert_is_in(char *mode, char *networking, char *mac, const char *const *networks)
{
	struct container other = { .all = &all };
	char error[SETTINGS_ERROR_MAX] = "";
	size_t count = 0;

	list_init(&other.endpoints);
	other.settings.network_mode = mode;
	other.settings.networking = networking;
	other.settings.host.mac = mac;
	if (endpoints_make(&other, error) != 0)
		fail_msg("%s", error);
	for (; networks[count] != NULL; count++)
		assert_true(endpoints_has(&other, networks[count]));
	list_for_each(entry, &other.endpoints)
		count--;
	assert_int_equal(count, 0);
	endpoints_free(&other);
}

// One that says which networks it is in is in no other.
static void made_in_networks(void **state)
{
	static char front[] = "{\"EndpointsConfig\":{\"front\":{\"Aliases\":[\"a\"]}}}";
	static char both[] = "{\"EndpointsConfig\":{\"front\":null,\"default\":{}}}";
	static char none[] = "{\"EndpointsConfig\":{}}";
	static char mode[] = "default", user[] = "front", bridge[] = "bridge", mac[] = MAC;
	static const char *const in_front[] = { "front", NULL },
				 *const in_bridge[] = { "bridge", NULL },
				 *const in_both[] = { "bridge", "front", NULL };

	(void)state;
	make_network("front");
	assert_is_in(NULL, front, NULL, in_front);
	assert_is_in(mode, front, NULL, in_front);
	assert_is_in(bridge, front, NULL, in_front);
	assert_is_in(user, front, NULL, in_front);
	assert_is_in(mode, both, NULL, in_both);
	assert_is_in(mode, none, NULL, in_bridge);
	assert_is_in(mode, NULL, NULL, in_bridge);
	assert_is_in(user, none, NULL, in_front);
	// That is whose MAC address it asks for.
	assert_is_in(mode, front, mac, in_both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(renamed, setup, teardown),
		cmocka_unit_test_setup_teardown(connected, setup, teardown),
		cmocka_unit_test_setup_teardown(connected_while_it_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(disconnected, setup, teardown),
		cmocka_unit_test_setup_teardown(link_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(network_created, setup, teardown),
		cmocka_unit_test_setup_teardown(volume_made, setup, teardown),
		cmocka_unit_test_setup_teardown(mac_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(mac_is_held, setup, teardown),
		cmocka_unit_test_setup_teardown(made_in_networks, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
