// SPDX-License-Identifier: MIT
//
// How a virtual machine gets its port.
#include "apps/netswitch/switch_fake.h"

#include <string.h>

static void joining(void **state)
{
	struct port *a;
	nsec_t patience;

	(void)state;
	// No network yet: the answer waits, but not for ever.
	a = join(VM, 0, 100);
	join(VM + 1, 0, 0);
	assert_int_equal(channels[VM].len, 0);
	patience = vm_ports_answer(&sw, now);
	assert_true(patience > now && patience != NSEC_NEVER);
	assert_int_equal(vm_ports_answer(&sw, patience), NSEC_NEVER);
	assert_int_equal(answer(VM), ERR_NOT_READY);
	leave(VM + 1);
	drain(VM);
	say(VM,
	    &(struct message){ .type = MSG_NETDEV_JOIN, .len = sizeof(struct msg_netdev_join) });
	give_network();
	assert_int_equal(answer(VM), 0);
	assert_true(a->up);
	join(VM + 2, 0, 100);
	assert_int_equal(answer(VM + 2), 0);
	join(VM + 3, 0, 100);
	assert_int_equal(answer(VM + 3), ERR_EXISTS);
	join(VM + 4, 0, 99);
	assert_int_equal(answer(VM + 4), ERR_RANGE);
	// One that leaves lets another have its address.
	leave(VM + 2);
	join(VM + 5, 0, 100);
	assert_int_equal(answer(VM + 5), 0);
	// Twice is an error, and so is anything else.
	drain(VM);
	say(VM,
	    &(struct message){ .type = MSG_NETDEV_JOIN, .len = sizeof(struct msg_netdev_join) });
	assert_int_equal(answer(VM), ERR_BAD_STATE);
	drain(VM);
	say(VM, &(struct message){ .type = MSG_OPEN, .len = 10 });
	assert_int_equal(answer(VM), ERR_PROTOCOL);
}

static void too_many(void **state)
{
	(void)state;
	give_network();
	for (handle_t i = 0; i < (handle_t)MAX_VM_PORTS; i++)
		vm(VM + i, 0);
	vm_port_accept(&sw, VM + MAX_VM_PORTS);
	assert_null(channels[VM + MAX_VM_PORTS].source);
	assert_int_equal(answer(VM + MAX_VM_PORTS), ERR_LIMIT);
	leave(VM + 7);
	vm(VM + 7, 0);
}

// Our own stack hears who is gone, behind all that came from there, and that only of those that had
// a port.
static void telling_who_is_gone(void **state)
{
	struct msg_netdev_gone gone;
	const struct fake_channel *own = &channels[OWN];
	const uint8_t *tail;
	struct port *a;
	uint8_t mac[6];
	size_t tail_len;

	(void)state;
	give_network();
	a = vm(VM, 0);
	memcpy(mac, a->mac, sizeof(mac));
	drain(OWN);
	forward(a, own_mac, 100);
	leave(VM);
	assert_int_equal(own->len, 2);
	assert_int_equal(own->queue[0].type, MSG_NETDEV_FRAME);
	assert_int_equal(message_decode_netdev_gone(&own->queue[1], &gone, &tail, &tail_len), 0);
	assert_memory_equal(gone.mac, mac, sizeof(mac));
	assert_int_equal(gone.address[0], 10);
	drain(OWN);
	vm_port_accept(&sw, VM + 1);
	leave(VM + 1);
	assert_int_equal(own->len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		switch_case(joining),
		switch_case(too_many),
		switch_case(telling_who_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
