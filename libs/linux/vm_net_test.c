// SPDX-License-Identifier: MIT
//
// The network card of a VM between a hand-written guest and a hand-written switch: the kernel and the machine are fakes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/linux/vm_net.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/device_test.h"

#define HEADER ((uint32_t)sizeof(struct virtio_net_hdr))
#define PORT 50
#define TIMER 51
#define CONNECTOR 52
#define OWN_CONNECTOR 53
#define FOLIOS 8
#define SENT_MAX 16u
#define RX_DATA (TEST_BUFFERS + 32 * 1024u)

static struct test_guest *guest;
static struct vm_net *net;
static struct machine *machine;
static struct loop loop;
static nsec_t timer;
// Folios have handles 1 to FOLIOS.
static void *folios[FOLIOS + 1];
static size_t folio_sizes[FOLIOS + 1];
static struct message sent[SENT_MAX];
static uint32_t num_sent;
static error_t send_error, folio_error;
static bool wants_writable, wants_messages, port_open, connector_open;
static uint32_t num_connects;
static uint32_t num_settled;
static uint32_t num_drained;
static bool settled_well;
static const struct msg_netdev_port port = {
	.mac = {2, 0, 10, 0, 2, 100},
	.mtu = 1500,
	.features = NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6,
	.network = {.address = {10, 0, 2, 100}, .gateway = {10, 0, 2, 2}, .dns = {{10, 0, 2, 3}}, .prefix_len = 24},
};

// --- The kernel ------------------------------------------------------------------------------------

error_t log_write(enum log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	(void)len;
	return 0;
}

error_t folio_create(size_t size, uint32_t flags, handle_t *out)
{
	assert_int_equal(flags, FOLIO_CONTIGUOUS);
	if (folio_error < 0)
		return folio_error;
	for (handle_t h = 1; h <= FOLIOS; h++) {
		if (folios[h] != NULL)
			continue;
		folios[h] = malloc(size);
		folio_sizes[h] = size;
		*out = h;
		return 0;
	}
	fail_msg("folios leak");
	return ERR_LIMIT;
}

error_t folio_map(handle_t folio, uint32_t prot, void **out)
{
	(void)prot;
	assert_in_range(folio, 1, FOLIOS);
	*out = folios[folio];
	return 0;
}

error_t folio_info(handle_t folio, struct folio_info *out)
{
	assert_in_range(folio, 1, FOLIOS);
	*out = (struct folio_info){.size = folio_sizes[folio]};
	return 0;
}

error_t handle_close(handle_t h)
{
	if (h == PORT)
		port_open = false;
	if (h == OWN_CONNECTOR)
		connector_open = false;
	if (h > FOLIOS)
		return 0;
	assert_non_null(folios[h]);
	free(folios[h]);
	folios[h] = NULL;
	return 0;
}

static uint32_t open_folios(void)
{
	uint32_t count = 0;

	for (handle_t h = 1; h <= FOLIOS; h++)
		count += folios[h] != NULL;
	return count;
}

error_t channel_send(handle_t channel, const struct message *m)
{
	assert_int_equal(channel, PORT);
	if (send_error < 0)
		return send_error;
	assert_true(num_sent < SENT_MAX);
	sent[num_sent++] = *m;
	return 0;
}

error_t handle_duplicate(handle_t h, rights_t rights, handle_t *out)
{
	assert_int_equal(h, CONNECTOR);
	assert_int_equal(rights, RIGHTS_SAME);
	connector_open = true;
	*out = OWN_CONNECTOR;
	return 0;
}

error_t timer_create(handle_t *out)
{
	*out = TIMER;
	return 0;
}

error_t timer_set(handle_t h, nsec_t deadline)
{
	assert_int_equal(h, TIMER);
	timer = deadline;
	return 0;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = 1000;
	return 0;
}

error_t loop_add(struct loop *l, struct source *source, handle_t handle, const struct source_ops *ops, void *context)
{
	*source = (struct source){.handle = handle, .ops = ops, .context = context, .loop = l};
	return 0;
}

void loop_close(struct loop *l, struct source *source)
{
	(void)l;
	if (source->handle != HANDLE_NONE)
		handle_close(source->handle);
	source->handle = HANDLE_NONE;
}

void source_want_writable(struct source *source, bool want)
{
	(void)source;
	wants_writable = want;
}

void source_want_messages(struct source *source, bool want)
{
	(void)source;
	wants_messages = want;
}

error_t service_client_again(struct service_client *client)
{
	num_connects++;
	port_open = true;
	wants_messages = true;
	client->connected(client->context, PORT);
	return 0;
}

error_t service_client_start(struct loop *l, struct service_client *client, handle_t connector,
                             void (*connected)(void *context, handle_t channel), void *context)
{
	(void)l;
	// One that other machines do not wait on.
	assert_int_equal(connector, OWN_CONNECTOR);
	client->connected = connected;
	client->context = context;
	return service_client_again(client);
}

void service_client_stop(struct service_client *client)
{
	client->connected = NULL;
}

// --- The machine -----------------------------------------------------------------------------------

error_t machine_slot_create(struct machine *m, struct virtio_mmio_device *device)
{
	(void)m;
	test_guest_init(guest, device);
	return 0;
}

error_t machine_attach(struct machine *m, struct virtio_mmio_device *device)
{
	(void)m;
	(void)device;
	return 0;
}

void machine_enter(struct machine *m)
{
	m->lock_depth++;
}

void machine_leave(struct machine *m)
{
	m->lock_depth--;
}

// --- Both ends -------------------------------------------------------------------------------------

static void take_settled(void *context, const struct guest_address *address, const char *error)
{
	assert_ptr_equal(context, net);
	assert_true((address == NULL) != (error == NULL));
	settled_well = address != NULL;
	num_settled++;
}

static int setup(void **state)
{
	(void)state;
	guest = aligned_alloc(4096, sizeof(*guest));
	net = calloc(1, sizeof(*net));
	machine = calloc(1, sizeof(*machine));
	machine->loop = &loop;
	num_sent = num_connects = num_settled = num_drained = 0;
	send_error = folio_error = 0;
	wants_writable = false;
	assert_int_equal(vm_net_create(net, machine), 0);
	assert_int_equal(vm_net_join(net, CONNECTOR, (const uint8_t *)"\x0a\0\x02\x64", take_settled, net), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vm_net_deinit(net);
	assert_false(port_open || connector_open);
	for (uint32_t i = 0; i < num_sent; i++) {
		for (uint32_t j = 0; j < sent[i].num_handles; j++)
			handle_close(sent[i].handles[j]);
	}
	assert_int_equal(open_folios(), 0);
	assert_int_equal(machine->lock_depth, 0);
	free(net);
	free(machine);
	free(guest);
	return 0;
}

static void switch_sends(struct message *m)
{
	net->port.ops->message(&loop, &net->port, m);
	if (port_open)
		net->port.ops->batch_end(&loop, &net->port);
}

static void switch_answers(const struct msg_netdev_port *answer)
{
	struct message m;

	assert_int_equal(message_encode_netdev_port(&m, answer, NULL, 0), 0);
	switch_sends(&m);
}

static void switch_refuses(void)
{
	struct msg_error error = {.error = ERR_EXISTS};
	struct message m;

	assert_int_equal(message_encode_error(&m, &error, "no", 2), 0);
	switch_sends(&m);
}

// A frame of `len` bytes that count up from 1, inline or in a folio.
static void switch_sends_frame(uint32_t len)
{
	struct msg_netdev_frame frame = {.length = len};
	uint8_t bytes[240];
	struct message m;

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i + 1);
	if (len <= sizeof(bytes)) {
		assert_int_equal(message_encode_netdev_frame(&m, &frame, bytes, len), 0);
	} else {
		frame.offset = 100;
		assert_int_equal(message_encode_netdev_frame(&m, &frame, NULL, 0), 0);
		assert_int_equal(folio_create(len + 100, FOLIO_CONTIGUOUS, &m.handles[0]), 0);
		m.num_handles = 1;
		for (uint32_t i = 0; i < len; i++)
			((uint8_t *)folios[m.handles[0]])[100 + i] = (uint8_t)(i + 1);
	}
	switch_sends(&m);
}

static void guest_starts(uint64_t features)
{
	test_start_device(&net->device.mmio, VIRTIO_NET_F_MRG_RXBUF | features);
}

#define OFFLOADS                                                                                   \
	(VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_CSUM |  \
	 VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6)

static void guest_sends(uint32_t len)
{
	memset(guest->memory + TEST_BUFFERS, 0, HEADER);
	for (uint32_t i = 0; i < len; i++)
		guest->memory[TEST_BUFFERS + HEADER + i] = (uint8_t)i;
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 0, TEST_GPA + TEST_BUFFERS, HEADER + len, 0, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
	virtio_mmio_notified(&net->device.mmio, VIRTIO_NET_QUEUE_TX);
}

static void guest_offers_buffer(void)
{
	test_set_desc(guest, VIRTIO_NET_QUEUE_RX, 0, TEST_GPA + RX_DATA, 2048, VIRTQ_DESC_F_WRITE, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_RX, 0);
	virtio_mmio_notified(&net->device.mmio, VIRTIO_NET_QUEUE_RX);
}

static bool link_is_up(void)
{
	return guest->page[VIRTIO_MMIO_CONFIG + 6] == VIRTIO_NET_S_LINK_UP;
}

static void expect_join(uint32_t index, const char *address)
{
	struct msg_netdev_join join;
	const uint8_t *tail;
	size_t tail_len;

	assert_true(index < num_sent);
	assert_int_equal(message_decode_netdev_join(&sent[index], &join, &tail, &tail_len), 0);
	assert_memory_equal(join.address, address, 4);
	assert_int_equal(join.features, NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6);
}

// --- Tests -----------------------------------------------------------------------------------------

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
	((struct virtio_net_hdr *)(void *)(guest->memory + TEST_BUFFERS))->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
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

static void test_bad_messages(void **state)
{
	struct msg_netdev_frame frame = {.offset = 5000, .length = 100};
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

#define net_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_case(test_join), net_case(test_refused), net_case(test_patience),
		net_case(test_transmit), net_case(test_transmit_backpressure), net_case(test_transmit_drops),
		net_case(test_drain), net_case(test_drain_waits), net_case(test_drain_without_switch),
		net_case(test_receive), net_case(test_receive_waits), net_case(test_receive_waits_inline),
		net_case(test_bad_messages), net_case(test_poor_guest), net_case(test_switch_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
