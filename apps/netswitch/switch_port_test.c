// SPDX-License-Identifier: MIT
//
// Who has to wait for whom, and for how long.
#include "apps/netswitch/switch_fake.h"

// Whoever sends to the uplink or to our own stack waits for its queue; the others go on.
static void backpressure(void **state)
{
	struct port *a, *b;

	(void)state;
	give_network();
	a = vm(VM, 0);
	b = vm(VM + 1, 0);
	for (size_t i = 0; i < CAPACITY + QUEUE_MAX; i++) {
		assert_true(channels[VM].wants_messages);
		forward(a, far_mac, 1000);
	}
	assert_false(channels[VM].wants_messages);
	assert_true(channels[VM + 1].wants_messages && channels[OWN].wants_messages);
	forward(b, a->mac, 1000);
	assert_true(channels[VM + 1].wants_messages);
	forward(b, far_mac, 1000);
	assert_false(channels[VM + 1].wants_messages);
	assert_true(channels[UPLINK].wants_writable);
	drain(UPLINK);
	port_writable(&sw.loop, &sw.uplink.channel);
	assert_false(channels[VM].wants_messages);  // not before half is gone
	drain(UPLINK);
	port_writable(&sw.loop, &sw.uplink.channel);
	assert_true(channels[VM].wants_messages && channels[VM + 1].wants_messages);
	drain(UPLINK);
	port_writable(&sw.loop, &sw.uplink.channel);
	assert_int_equal(channels[UPLINK].len, 1);
	assert_false(channels[UPLINK].wants_writable);
	assert_int_equal(sw.uplink.overflows, 0);
	// When the one that is waited for dies, nobody waits.
	drain(UPLINK);
	for (size_t i = 0; i < CAPACITY + QUEUE_MAX; i++)
		forward(&sw.own, far_mac, 1000);
	assert_false(channels[OWN].wants_messages);
	port_close(&sw.uplink);
	assert_true(channels[OWN].wants_messages);
}

// A virtual machine that takes nothing holds up nobody.
static void a_stopped_virtual_machine(void **state)
{
	struct port *a;

	(void)state;
	give_network();
	a = vm(VM, 0);
	for (size_t i = 0; i < CAPACITY + QUEUE_MAX + 50; i++)
		forward(&sw.own, a->mac, 1000);
	assert_true(channels[OWN].wants_messages);
	assert_int_equal(a->overflows, 50);
	assert_int_equal(folio_handles(), CAPACITY + QUEUE_MAX);
}

static void the_rate(void **state)
{
	struct port *a;

	(void)state;
	give_network();
	a = vm(VM, 0);
	for (size_t i = 0; i < 32 * 3; i++) {
		forward(a, own_mac, 60);
		if (i % 32 == 31)
			port_account(a);
	}
	assert_true(channels[VM].wants_messages);
	// What is dropped counts too.
	for (size_t i = 0; i < 5; i++)
		forward(a, (const uint8_t[]){ 1, 2, 3, 4, 5, 6 }, 13 + 5000);
	port_account(a);
	assert_false(channels[VM].wants_messages);
	// 101 frames are owed, and half of 100 may be.
	assert_int_equal(ports_unthrottle(&sw, now), now + 51 * 1000);
	assert_false(channels[VM].wants_messages);
	now += 51 * 1000;
	assert_int_equal(ports_unthrottle(&sw, now), NSEC_NEVER);
	assert_true(channels[VM].wants_messages);
	// Time that was not used is not saved up.
	now += NSEC_PER_SEC;
	for (size_t i = 0; i < 101; i++)
		forward(a, own_mac, 60);
	port_account(a);
	assert_false(channels[VM].wants_messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		switch_case(backpressure),
		switch_case(a_stopped_virtual_machine),
		switch_case(the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
