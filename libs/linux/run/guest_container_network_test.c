// SPDX-License-Identifier: MIT
//
// A container and its network, which may come late, never, or stay behind.
#include <string.h>

#include "libs/linux/run/guest_fake.h"

static void test_network(void **state)
{
	struct guest_address address;

	(void)state;
	guest_boot();
	assert_false(guest_container_address(container, &address));
	network_settles(true);
	assert_true(guest_container_address(container, &address));
	assert_memory_equal(address.network.address, "\x0a\0\x02\x64", 4);
	guest_ready();
	EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_NETWORK, CONTROL_CREATE,
	                CONTROL_START);
}

// The guest has booted before the switch knows its network: the container waits, the mount does
// not.
static void test_late_network(void **state)
{
	struct control_network body;

	(void)state;
	guest_boot();
	guest_ready();
	EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT);
	network_settles(true);
	EXPECT_REQUESTS(CONTROL_NETWORK, CONTROL_CREATE, CONTROL_START);
	for (uint32_t i = 1; i <= 5; i++)
		guest_reply(i, 0);
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	assert_int_equal(heard.started, 1);
	// Another address, while it runs; bootd's trouble with it does not end the container.
	network_settles(true);
	memcpy(&body, requests + EXPECT_REQUESTS(CONTROL_NETWORK), sizeof(body));
	assert_memory_equal(body.address, "\x0a\0\x02\x64", 4);
	assert_memory_equal(body.gateway, "\x0a\0\x02\x02", 4);
	assert_memory_equal(body.dns, "\x0a\0\x02\x03\0\0\0\0", 8);
	assert_memory_equal(body.mac, "\2\1\1\1\1\1", 6);
	assert_int_equal(body.prefix_len, 24);
	assert_int_equal(body.mtu, 1500);
	guest_reply(6, -19);
	turn();
	assert_int_equal(container->state, CONTAINER_RUNNING);
}

static void test_no_network(void **state)
{
	(void)state;
	guest_boot();
	guest_ready();
	EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT);
	network_settles(false);
	EXPECT_REQUESTS(CONTROL_CREATE, CONTROL_START);
}

static void test_network_after_the_end(void **state)
{
	(void)state;
	guest_boot();
	guest_ready();
	guest_container_kill(container);
	network_settles(true);
	expect_end(137, NULL);
	assert_null(joined);
}

// The switch takes its time with what the guest sent.
static void test_network_outlives_guest(void **state)
{
	(void)state;
	guest_start();
	network_holds = true;
	guest_exited(CONTROL_EVENT_EXITED, 0);
	turn();
	assert_int_equal(heard.ended, 0);
	assert_int_equal(vm->machine.num_running, 0);
	network_holds = false;
	vm->net.drained(vm->net.drained_context);
	expect_end(0, NULL);
}

// But not for ever.
static void test_network_is_stuck(void **state)
{
	(void)state;
	guest_start();
	network_holds = true;
	guest_exited(CONTROL_EVENT_EXITED, 0);
	turn();
	assert_int_equal(heard.ended, 0);
	now += 6 * NSEC_PER_SEC;
	expect_end(0, NULL);
	network_holds = false;
}

// Its guest hears of networks before its process runs, and of each change.
static void test_networks(void **state)
{
	struct netdev_networks networks = { .reach = NETDEV_REACH_UPLINK };
	struct control_networks body;

	(void)state;
	container->has_networks = true;
	container->networks.entries[2] = (struct netdev_membership){ .network = 7,
		                                                     .address = { 172, 18, 0, 2 },
		                                                     .prefix_len = 16 };
	guest_boot();
	assert_int_equal(joined->networks.entries[2].network, 7);
	network_settles(true);
	guest_ready();
	memcpy(&body,
	       requests +
	               EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_NETWORK,
	                               CONTROL_NETWORKS, CONTROL_CREATE, CONTROL_START),
	       0);
	for (uint32_t i = 1; i <= 6; i++)
		guest_reply(i, 0);
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	networks.entries[15] = (struct netdev_membership){ .network = 8,
		                                           .address = { 172, 19, 0, 2 },
		                                           .prefix_len = 20 };
	guest_container_set_networks(container, &networks);
	assert_int_equal(joined->networks.entries[2].network, 0);
	memcpy(&body, requests + EXPECT_REQUESTS(CONTROL_NETWORK, CONTROL_NETWORKS), sizeof(body));
	assert_int_equal(body.uplink, 1);
	assert_memory_equal(body.entries[2].address, "\0\0\0\0", 4);
	assert_memory_equal(body.entries[15].address, "\xac\x13\0\2", 4);
	assert_int_equal(body.entries[15].prefix_len, 20);
}

// The guest's card has the MAC address that the switch is told.
static void test_wanted_mac(void **state)
{
	struct control_network body;

	(void)state;
	container->has_networks = true;
	container->networks.reach = NETDEV_REACH_UPLINK | NETDEV_REACH_BRIDGE;
	memcpy(container->networks.mac, "\2\x42\1\1\1\1", 6);
	guest_boot();
	guest_ready();
	assert_memory_equal(joined->networks.mac, "\2\x42\1\1\1\1", 6);
	EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT);
	network_settles(true);
	EXPECT_REQUESTS(CONTROL_NETWORK, CONTROL_CREATE, CONTROL_START);
	network_settles(true);
	memcpy(&body, requests + EXPECT_REQUESTS(CONTROL_NETWORK), sizeof(body));
	assert_memory_equal(body.mac, "\2\x42\1\1\1\1", 6);
	assert_memory_equal(body.address, "\x0a\0\x02\x64", 4);
}

// Who is on the default network needs to be told nothing more.
static void test_default_network(void **state)
{
	(void)state;
	container->has_networks = true;
	container->networks.reach = NETDEV_REACH_UPLINK | NETDEV_REACH_BRIDGE;
	guest_boot();
	network_settles(true);
	guest_ready();
	EXPECT_REQUESTS(CONTROL_CONFIGURE, CONTROL_MOUNT, CONTROL_NETWORK, CONTROL_CREATE,
	                CONTROL_START);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_network, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_late_network, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_no_network, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_network_after_the_end, setup_network,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_networks, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_wanted_mac, setup_network, teardown),
		cmocka_unit_test_setup_teardown(test_default_network, setup_network, teardown),
		container_case(test_network_outlives_guest),
		container_case(test_network_is_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
