// SPDX-License-Identifier: MIT
//
// Where a frame goes, what is dropped, and what is done to it on the way.
#include "apps/netswitch/switch_fake.h"
#include "libs/abi/engine.h"
#include "libs/starina/syscall.h"

static void without_virtual_machines(void **state)
{
	(void)state;
	forward(&sw.uplink, own_mac, 1000);
	forward(&sw.own, far_mac, 1000);
	assert_int_equal(channels[OWN].len, 1);
	assert_int_equal(channels[UPLINK].len, 1);
	sw.uplink.up = false;
	forward(&sw.own, far_mac, 1000);
	assert_int_equal(channels[UPLINK].len, 1);
}

static void unicast(void **state)
{
	struct port *a, *b;

	(void)state;
	give_network();
	a = vm(VM, 0);
	b = vm(VM + 1, 0);
	for (size_t len = 60; len <= 1500; len += 1440) {
		forward(&sw.own, a->mac, len);
		forward(&sw.uplink, a->mac, len);
		forward(b, a->mac, len);
		forward(a, own_mac, len);
		forward(a, far_mac, len);
		forward(&sw.uplink, own_mac, len);
		forward(&sw.own, far_mac, len);
		// For none of ours, from where such addresses are; and for itself.
		forward(&sw.uplink, far_mac, len);
		forward(a, a->mac, len);
	}
	assert_int_equal(channels[VM].len, 6);
	assert_int_equal(channels[VM + 1].len, 0);
	assert_int_equal(channels[OWN].len, 4);
	assert_int_equal(channels[UPLINK].len, 4);
}

// Frames inline and in a folio; what is for itself was sent, and went to nobody.
static void traffic_is_counted(void **state)
{
	struct port *a;

	(void)state;
	forward(&sw.uplink, own_mac, 60);
	give_network();
	a = vm(VM, 0);
	sw.own.to = (struct traffic_count){ 0 };
	forward(a, own_mac, 60);
	forward(a, own_mac, 1500);
	forward(&sw.own, a->mac, 1000);
	forward(a, a->mac, 100);
	assert_int_equal(sw.uplink.from.frames, 1);
	assert_int_equal(sw.uplink.from.bytes, 60);
	assert_int_equal(a->from.frames, 3);
	assert_int_equal(a->from.bytes, 1660);
	assert_int_equal(a->to.frames, 1);
	assert_int_equal(a->to.bytes, 1000);
	assert_int_equal(sw.own.to.frames, 2);
	assert_int_equal(sw.own.to.bytes, 1560);
}

// A virtual machine that has ended, or that was there in the switch's last life: a router beyond
// the uplink must not answer for it.
static void to_a_port_that_is_gone(void **state)
{
	static const uint8_t gone[6] = { NETDEV_PORT_MAC_0, NETDEV_PORT_MAC_1, 10, 0, 2, 120 };
	static const uint8_t of_another_machine[6] = {
		NETDEV_PORT_MAC_0, NETDEV_PORT_MAC_1, 10, 0, 2, 90
	};
	struct port *a;

	(void)state;
	for (size_t len = 60; len <= 1500; len += 1440)
		forward(&sw.own, gone, len);
	give_network();
	forward(&sw.own, gone, 1000);
	a = vm(VM, 0);
	forward(&sw.own, gone, 1000);
	forward(a, gone, 1000);
	assert_int_equal(channels[UPLINK].len, 0);
	forward(a, of_another_machine, 1000);
	forward(&sw.own, of_another_machine, 1000);
	assert_int_equal(channels[UPLINK].len, 2);
	assert_int_equal(channels[OWN].len, 0);
}

static void to_everybody(void **state)
{
	struct port *a;
	void *base;

	(void)state;
	give_network();
	a = vm(VM, 0);
	vm(VM + 1, 0);
	vm(VM + 2, 0);
	forward(a, everybody, 1000);
	assert_int_equal(channels[VM].len, 0);
	for (handle_t c = 1; c <= VM + 2; c++) {
		if (c == VM)
			continue;
		assert_int_equal(channels[c].len, 1);
		// Nobody can write to what others see.
		assert_int_equal(
			folio_map(channels[c].queue[0].handles[0], PROT_READ | PROT_WRITE, &base),
			c == OWN ? 0 : ERR_ACCESS);
	}
	assert_int_equal(folio_of(channels[OWN].queue[0].handles[0])->shared->handles, 1);
	forward(&sw.uplink, everybody, 100);
	forward(&sw.own, everybody, 100);
	assert_int_equal(channels[VM].len, 2);
	assert_int_equal(channels[OWN].len, 2);
	assert_int_equal(channels[UPLINK].len, 2);
}

static void dropped_by_the_guard(void **state)
{
	struct port *a, *b;
	struct message m;

	(void)state;
	give_network();
	a = vm(VM, TAKES_ALL);
	b = vm(VM + 1, TAKES_ALL);
	m = frame(own_mac, b, 1000, (struct msg_netdev_frame){ 0 });
	frame_forward(a, &m);
	m = frame(own_mac, a, 1000,
	          (struct msg_netdev_frame){ .flags = NETDEV_FRAME_NEEDS_CSUM, .csum_start = 30 });
	frame_forward(a, &m);
	m = frame(own_mac, a, 2000, (struct msg_netdev_frame){ 0 });  // over the MTU
	frame_forward(a, &m);
	assert_int_equal(channels[OWN].len, 0);
	assert_int_equal(a->dropped[GUARD_MAC], 1);
	assert_int_equal(a->dropped[GUARD_OFFLOAD], 1);
	assert_int_equal(a->dropped[GUARD_MALFORMED], 1);
	// No frames: an error, each.
	m = frame(own_mac, a, 1000,
	          (struct msg_netdev_frame){ .flags = NETDEV_FRAME_NEEDS_CSUM,
	                                     .csum_start = 0xffff });
	frame_forward(a, &m);
	m = frame(own_mac, a, 1000, (struct msg_netdev_frame){ 0 });
	m.data[2] = 1;  // beyond the folio
	frame_forward(a, &m);
	assert_int_equal(channels[OWN].len, 0);
	assert_int_equal(channels[VM].len, 2);
	assert_int_equal(channels[VM].queue[1].type, MSG_ERROR);
	// Only the device may say that a checksum is right.
	m = frame(own_mac, a, 1000,
	          (struct msg_netdev_frame){ .flags = NETDEV_FRAME_CSUM_VERIFIED });
	frame_forward(a, &m);
	assert_int_equal(channels[OWN].queue[0].data[offsetof(struct msg_netdev_frame, flags)],
	                 NETDEV_FRAME_OF_PORT);
}

static void to_port(struct port *from, const uint8_t *mac, uint16_t port)
{
	struct message m = frame(mac, from, 100, (struct msg_netdev_frame){ 0 });
	uint8_t *bytes = m.data + sizeof(struct msg_netdev_frame);

	bytes[36] = (uint8_t)(port >> 8);
	bytes[37] = (uint8_t)port;
	frame_forward(from, &m);
}

// A virtual machine does not reach the engine, in whatever way it speaks to it; others do.
static void to_the_engine(void **state)
{
	struct port *a, *b;

	(void)state;
	give_network();
	a = vm(VM, TAKES_ALL);
	b = vm(VM + 1, TAKES_ALL);
	to_port(a, own_mac, ENGINE_PORT);
	assert_int_equal(channels[OWN].len, 1);  // there is no engine
	sw.closed.forward = 40123;
	to_port(a, own_mac, ENGINE_PORT);
	to_port(a, everybody, ENGINE_PORT);
	to_port(a, far_mac, ENGINE_PORT);
	to_port(a, far_mac, 40123);
	assert_int_equal(channels[OWN].len, 1);
	assert_int_equal(channels[UPLINK].len, 0);
	assert_int_equal(channels[VM + 1].len, 0);
	assert_int_equal(a->dropped[GUARD_CLOSED], 4);
	to_port(a, own_mac, 80);
	to_port(a, b->mac, ENGINE_PORT);
	to_port(&sw.uplink, own_mac, ENGINE_PORT);
	assert_int_equal(channels[OWN].len, 3);
	assert_int_equal(channels[VM + 1].len, 1);
}

static void offloads(void **state)
{
	const struct msg_netdev_frame large = { .flags = NETDEV_FRAME_NEEDS_CSUM |
		                                        NETDEV_FRAME_GSO_TCP4,
		                                .csum_start = 34,
		                                .csum_offset = 16,
		                                .gso_size = 1000 };
	const struct msg_netdev_frame open = { .flags = NETDEV_FRAME_NEEDS_CSUM,
		                               .csum_start = 34,
		                               .csum_offset = 16 };
	struct msg_netdev_frame tiny = large;
	struct port *a;
	struct message m;

	(void)state;
	tiny.gso_size = 100;
	give_network();
	a = vm(VM, TAKES_ALL);
	m = frame(own_mac, a, 54 + 4100, large);
	frame_forward(a, &m);
	assert_int_equal(channels[OWN].len, 1);
	m = frame(far_mac, a, 54 + 4100, large);
	frame_forward(a, &m);
	assert_int_equal(channels[UPLINK].len, 5);
	assert_int_equal(channels[UPLINK].queue[4].num_handles, 0);  // the last is small
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
			channels[UPLINK].queue[i].data[offsetof(struct msg_netdev_frame, flags)],
			0);
	// Decent segments cost little, and small ones all.
	assert_int_equal(a->batch_cost, 1 + 1);
	m = frame(far_mac, a, 54 + 4100, tiny);
	frame_forward(a, &m);
	assert_int_equal(a->batch_cost, 2 + 1 + 4154 / 100);
	drain(UPLINK);
	a->batch_cost = 0;
	// So they do when the driver cuts them, but not toward our own stack, which does not cut.
	sw.uplink.features = TAKES_ALL;
	m = frame(far_mac, a, 54 + 4100, tiny);
	frame_forward(a, &m);
	m = frame(own_mac, a, 54 + 4100, tiny);
	frame_forward(a, &m);
	assert_int_equal(a->batch_cost, 1 + 4154 / 100 + 1);
	drain(UPLINK);
	sw.uplink.features = 0;
	// A checksum is filled in where the frame lies, or in a copy when that cannot be written
	// to.
	for (int i = 0; i < 2; i++) {
		m = frame(far_mac, a, 1000, open);
		folio_of(m.handles[0])->rights &= i == 0 ? RIGHTS_ALL : ~RIGHT_WRITE;
		frame_forward(a, &m);
		assert_int_equal(channels[UPLINK].len, 1 + i);
		assert_int_equal(
			channels[UPLINK].queue[i].data[offsetof(struct msg_netdev_frame, flags)],
			0);
		assert_true(folio_of(channels[UPLINK].queue[i].handles[0])->bytes[2 + 50] != 0);
	}
	sw.uplink.features = TAKES_ALL;
	m = frame(far_mac, a, 54 + 4100, large);
	frame_forward(a, &m);
	assert_int_equal(channels[UPLINK].len, 3);
	// It takes less than that from now on.
	m = (struct message){ .type = MSG_NETDEV_ACCEPT, .len = sizeof(struct msg_netdev_accept) };
	say(VM, &m);
	m = frame(a->mac, &sw.own, 1000, open);
	frame_forward(&sw.own, &m);
	assert_int_equal(channels[VM].queue[0].data[offsetof(struct msg_netdev_frame, flags)], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		switch_case(without_virtual_machines),
		switch_case(unicast),
		switch_case(traffic_is_counted),
		switch_case(to_a_port_that_is_gone),
		switch_case(to_everybody),
		switch_case(dropped_by_the_guard),
		switch_case(to_the_engine),
		switch_case(offloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
