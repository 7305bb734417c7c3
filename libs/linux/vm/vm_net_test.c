// SPDX-License-Identifier: MIT
#include <string.h>

#include "libs/linux/vm/vm_net_fake.h"

static uint32_t num_drained;

static void test_join(void **state)
{
	(void)state;
	expect_join(0, "\x0a\0\x02\x64");
	assert_true(net->waiting);
	assert_false(link_is_up());
	switch_answers(&port);
	assert_int_equal(num_settled, 1);
	assert_true(settled_well && net->has_address && !net->waiting);
	assert_true(link_is_up());
	assert_memory_equal(guest->page + VIRTIO_MMIO_CONFIG, port.mac, 6);
	assert_int_equal(timer, NSEC_NEVER);
}

// An address that is not to be had is not the end: any will do.
static void test_refused(void **state)
{
	(void)state;
	switch_refuses();
	assert_int_equal(num_settled, 0);
	expect_join(1, "\0\0\0\0");
	switch_refuses();
	assert_int_equal(num_sent, 2);
	assert_int_equal(num_settled, 1);
	assert_false(settled_well || link_is_up());
}

static void test_patience(void **state)
{
	(void)state;
	assert_int_equal(timer, 1000 + VM_NET_PATIENCE);
	net->patience.ops->signalled(&loop, &net->patience);
	assert_int_equal(num_settled, 1);
	assert_false(settled_well);
	// Better late than never.
	switch_answers(&port);
	assert_int_equal(num_settled, 2);
	assert_true(settled_well && link_is_up());
}

static void test_transmit(void **state)
{
	struct msg_netdev_frame frame;
	const uint8_t *tail;
	size_t tail_len;

	(void)state;
	guest_starts(OFFLOADS);
	guest_sends(60);
	assert_int_equal(num_sent, 1);  // the link is down: it waits
	switch_answers(&port);
	assert_int_equal(num_sent, 2);
	assert_int_equal(message_decode_netdev_frame(&sent[1], &frame, &tail, &tail_len), 0);
	assert_int_equal(sent[1].num_handles, 0);
	assert_int_equal(frame.length, 60);
	assert_int_equal(tail_len, 60);
	assert_int_equal(tail[59], 59);
	guest_sends(240);
	assert_int_equal(sent[2].num_handles, 0);
	assert_int_equal(sent[2].len, 256);
	guest_sends(241);
	assert_int_equal(message_decode_netdev_frame(&sent[3], &frame, &tail, &tail_len), 0);
	assert_int_equal(sent[3].num_handles, 1);
	assert_int_equal(frame.length, 241);
	assert_int_equal(frame.offset, 0);
	for (uint32_t i = 0; i < 241; i++)
		assert_int_equal(((uint8_t *)folios[sent[3].handles[0]])[i], (uint8_t)i);
}

static void test_transmit_backpressure(void **state)
{
	(void)state;
	guest_starts(OFFLOADS);
	switch_answers(&port);
	send_error = ERR_FULL;
	guest_sends(1000);  // waits in our hands
	guest_sends(1000);  // in the guest's queue
	assert_true(wants_writable);
	assert_int_equal(open_folios(), 1);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 1);
	net->port.ops->writable(&loop, &net->port);
	assert_true(wants_writable);
	send_error = 0;
	net->port.ops->writable(&loop, &net->port);
	assert_false(wants_writable);
	assert_int_equal(num_sent, 3);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 2);
}

// The guest offers a frame, and stops before the card hears of it.
static void guest_stops_with_a_frame(uint32_t len)
{
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 0, TEST_GPA + TEST_BUFFERS, HEADER + len, 0, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
}

static void count_drained(void *context)
{
	assert_ptr_equal(context, net);
	num_drained++;
}

// What the guest handed to its card is sent after its end.
static void test_drain(void **state)
{
	(void)state;
	num_drained = 0;
	guest_starts(OFFLOADS);
	guest_stops_with_a_frame(60);
	assert_true(vm_net_drain(net, count_drained, net));  // it is not on the network
	switch_answers(&port);
	num_sent = 1;
	guest_stops_with_a_frame(60);
	guest_stops_with_a_frame(60);
	assert_true(vm_net_drain(net, count_drained, net));
	assert_int_equal(num_sent, 3);
	assert_int_equal(num_drained, 0);
}

static void test_drain_waits(void **state)
{
	(void)state;
	num_drained = 0;
	guest_starts(OFFLOADS);
	switch_answers(&port);
	send_error = ERR_FULL;
	guest_stops_with_a_frame(1000);
	guest_stops_with_a_frame(1000);
	assert_false(vm_net_drain(net, count_drained, net));
	net->port.ops->writable(&loop, &net->port);
	assert_int_equal(num_drained, 0);
	send_error = 0;
	net->port.ops->writable(&loop, &net->port);
	assert_int_equal(num_drained, 1);
	assert_true(vm_net_drain(net, count_drained, net));
	assert_int_equal(num_sent, 3);
}

// Nobody is there to take it: the switch is not waited for.
static void test_drain_without_switch(void **state)
{
	(void)state;
	num_drained = 0;
	guest_starts(OFFLOADS);
	switch_answers(&port);
	send_error = ERR_FULL;
	guest_stops_with_a_frame(1000);
	assert_false(vm_net_drain(net, count_drained, net));
	send_error = 0;
	net->port.ops->closed(&loop, &net->port);
	assert_int_equal(num_drained, 1);
	assert_int_equal(num_connects, 1);
	assert_true(vm_net_drain(net, count_drained, net));
}

static void test_transmit_drops(void **state)
{
	struct msg_netdev_port poor = port;

	(void)state;
	poor.features = 0;
	guest_starts(OFFLOADS);
	switch_answers(&poor);
	folio_error = ERR_NO_MEMORY;
	guest_sends(1000);
	folio_error = 0;
	// Its checksum would be left to a switch that fills in none.
	((struct virtio_net_hdr *)(void *)(guest->memory + TEST_BUFFERS))->flags =
		VIRTIO_NET_HDR_F_NEEDS_CSUM;
	memcpy(guest->memory + TEST_BUFFERS + 6, "\x22\0\x06\0", 4);
	memcpy(guest->memory + TEST_BUFFERS + HEADER + 12, "\x08\0\x45\0\0\0\0\0\0\0\0\x11", 12);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
	virtio_mmio_notified(&net->device.mmio, VIRTIO_NET_QUEUE_TX);
	assert_int_equal(num_sent, 1);
	assert_int_equal(net->tx_refused, 2);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_TX)->idx, 2);
	send_error = ERR_PEER_CLOSED;
	guest_sends(1000);
	assert_int_equal(open_folios(), 0);
}

static void test_receive(void **state)
{
	const struct virtq_used *used = test_used(guest, VIRTIO_NET_QUEUE_RX);

	(void)state;
	switch_answers(&port);
	switch_sends_frame(1000);  // nobody listens yet
	assert_int_equal(open_folios(), 0);
	guest_starts(OFFLOADS);
	guest_offers_buffer();
	switch_sends_frame(1000);
	assert_int_equal(used->idx, 1);
	assert_int_equal(used->ring[0].len, HEADER + 1000);
	assert_int_equal(guest->memory[RX_DATA + HEADER + 999], (uint8_t)1000);
	assert_int_equal(open_folios(), 0);
	assert_true(guest->irq);
	guest_offers_buffer();
	switch_sends_frame(100);
	assert_int_equal(used->ring[1].len, HEADER + 100);
	assert_int_equal(guest->memory[RX_DATA + HEADER + 99], 100);
}

static void receive_waits(uint32_t len)
{
	switch_answers(&port);
	guest_starts(OFFLOADS);
	switch_sends_frame(len);
	assert_false(wants_messages);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_RX)->idx, 0);
	guest_offers_buffer();
	assert_true(wants_messages);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_RX)->ring[0].len, HEADER + len);
	assert_int_equal(guest->memory[RX_DATA + HEADER + len - 1], (uint8_t)len);
	assert_int_equal(open_folios(), 0);
}

static void test_receive_waits(void **state)
{
	(void)state;
	receive_waits(1000);
}

static void test_receive_waits_inline(void **state)
{
	(void)state;
	receive_waits(100);
}

// The guest resets its card while a frame waits for buffers. It does so on its vCPU's thread, which
// leaves the loop alone.
static void test_reset_while_a_frame_waits(void **state)
{
	(void)state;
	switch_answers(&port);
	guest_starts(OFFLOADS);
	switch_sends_frame(1000);
	assert_false(wants_messages);
	test_write_reg(&net->device.mmio, VIRTIO_MMIO_STATUS, 0);
	assert_false(wants_messages);
	assert_int_equal(open_folios(), 1);
	virtio_mmio_serve(&net->device.mmio);
	assert_true(wants_messages);
	assert_int_equal(open_folios(), 0);
	assert_int_equal(net->device.rx_dropped, 1);
}

static void test_bad_messages(void **state)
{
	struct msg_netdev_frame frame = { .offset = 5000, .length = 100 };
	struct message m;

	(void)state;
	switch_answers(&port);
	guest_starts(OFFLOADS);
	guest_offers_buffer();
	assert_int_equal(message_encode_netdev_frame(&m, &frame, NULL, 0), 0);
	assert_int_equal(folio_create(4096, FOLIO_CONTIGUOUS, &m.handles[0]), 0);
	m.num_handles = 1;
	switch_sends(&m);
	assert_int_equal(message_encode_netdev_frame(&m, &frame, "short", 5), 0);
	switch_sends(&m);
	message_init(&m, MSG_NETDEV_FRAME);
	m.len = 3;
	switch_sends(&m);
	message_init(&m, MSG_NETDEV_INFO);
	switch_sends(&m);
	assert_int_equal(net->rx_refused, 4);
	assert_int_equal(test_used(guest, VIRTIO_NET_QUEUE_RX)->idx, 0);
	assert_true(link_is_up());
}

// A guest without offloads is not sent what it would have to finish.
static void test_poor_guest(void **state)
{
	struct msg_netdev_accept accept;
	const uint8_t *tail;
	size_t tail_len;

	(void)state;
	switch_answers(&port);
	guest_starts(0);
	guest_offers_buffer();
	switch_sends_frame(100);
	assert_int_equal(num_sent, 2);
	assert_int_equal(message_decode_netdev_accept(&sent[1], &accept, &tail, &tail_len), 0);
	assert_int_equal(accept.features, 0);
	guest_offers_buffer();
	switch_sends_frame(100);
	assert_int_equal(num_sent, 2);
}

static void test_switch_restarts(void **state)
{
	struct msg_netdev_port other = port;

	(void)state;
	switch_answers(&port);
	guest_starts(OFFLOADS);
	send_error = ERR_FULL;
	guest_sends(1000);
	switch_sends_frame(1000);
	assert_false(wants_messages);
	send_error = 0;
	net->port.ops->closed(&loop, &net->port);
	assert_false(link_is_up());
	assert_int_equal(open_folios(), 0);
	assert_int_equal(num_connects, 2);
	expect_join(1, "\x0a\0\x02\x64");
	guest_sends(100);
	assert_int_equal(num_sent, 2);  // it waits for the link
	switch_answers(&port);
	assert_true(link_is_up());
	assert_int_equal(num_sent, 3);
	assert_int_equal(num_settled, 1);  // nothing new to tell
	net->port.ops->closed(&loop, &net->port);
	other.network.address[3] = 101;
	switch_answers(&other);
	assert_int_equal(num_settled, 2);
	assert_int_equal(net->address.network.address[3], 101);
}

static void expect_networks(uint32_t index, uint32_t network)
{
	struct msg_netdev_networks told;
	const uint8_t *tail;
	size_t tail_len;

	assert_true(index < num_sent);
	assert_int_equal(message_decode_netdev_networks(&sent[index], &told, &tail, &tail_len), 0);
	assert_int_equal(told.networks.entries[0].network, network);
}

// The switch hears of a machine's networks at each change, and before it joins again.
static void test_networks(void **state)
{
	struct netdev_networks networks = { .entries = { { .network = 1 } } };

	(void)state;
	switch_answers(&port);
	vm_net_set_networks(net, &networks);
	expect_networks(1, 1);
	// The last word counts when the channel has room again.
	send_error = ERR_FULL;
	for (networks.entries[0].network = 2; networks.entries[0].network < 4;
	     networks.entries[0].network++)
		vm_net_set_networks(net, &networks);
	assert_true(wants_writable);
	assert_int_equal(num_sent, 2);
	send_error = 0;
	net->port.ops->writable(&loop, &net->port);
	assert_int_equal(num_sent, 3);
	expect_networks(2, 3);
	assert_false(wants_writable);
	net->port.ops->closed(&loop, &net->port);
	assert_int_equal(num_sent, 5);
	expect_networks(3, 3);
	expect_join(4, "\x0a\0\x02\x64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_case(test_join),
		net_case(test_networks),
		net_case(test_refused),
		net_case(test_patience),
		net_case(test_transmit),
		net_case(test_transmit_backpressure),
		net_case(test_drain),
		net_case(test_drain_waits),
		net_case(test_drain_without_switch),
		net_case(test_transmit_drops),
		net_case(test_receive),
		net_case(test_receive_waits),
		net_case(test_receive_waits_inline),
		net_case(test_reset_while_a_frame_waits),
		net_case(test_bad_messages),
		net_case(test_poor_guest),
		net_case(test_switch_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
