// SPDX-License-Identifier: MIT
#include "libs/linux/vm/vm_net_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/starina/syscall.h"

#define PORT 50
#define TIMER 51
#define CONNECTOR 52
#define OWN_CONNECTOR 53

struct test_guest *guest;
struct vm_net *net;
struct loop loop;
nsec_t timer;
void *folios[FOLIOS + 1];
struct message sent[SENT_MAX];
uint32_t num_sent, num_connects, num_settled;
error_t send_error, folio_error;
bool wants_writable, wants_messages, settled_well, forgets_sent;
const struct msg_netdev_port port = {
	.mac = { 2, 0, 10, 0, 2, 100 },
	.mtu = 1500,
	.features = NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6,
	.network = { .address = { 10, 0, 2, 100 },
	             .gateway = { 10, 0, 2, 2 },
	             .dns = { { 10, 0, 2, 3 } },
	             .prefix_len = 24 },
};
static struct machine *machine;
static size_t folio_sizes[FOLIOS + 1];
static bool port_open, connector_open;

// --- The kernel ----------------------------------------------------------------------------------

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

error_t folio_create_with(const void *bytes, size_t len, handle_t *out)
{
	error_t error = folio_create(len, FOLIO_CONTIGUOUS, out);

	if (error == 0)
		memcpy(folios[*out], bytes, len);
	return error;
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
	*out = (struct folio_info){ .size = folio_sizes[folio] };
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

uint32_t open_folios(void)
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
	for (uint32_t i = 0; forgets_sent && i < m->num_handles; i++)
		handle_close(m->handles[i]);
	if (forgets_sent)
		return 0;
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

error_t loop_add(struct loop *l, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	*source = (struct source){ .handle = handle, .ops = ops, .context = context, .loop = l };
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

// --- The machine ---------------------------------------------------------------------------------

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

// --- Both ends -----------------------------------------------------------------------------------

static void take_settled(void *context, const struct guest_address *address, const char *error)
{
	assert_ptr_equal(context, net);
	assert_true((address == NULL) != (error == NULL));
	settled_well = address != NULL;
	num_settled++;
}

int setup(void **state)
{
	(void)state;
	guest = aligned_alloc(4096, sizeof(*guest));
	net = calloc(1, sizeof(*net));
	machine = calloc(1, sizeof(*machine));
	machine->loop = &loop;
	num_sent = num_connects = num_settled = 0;
	send_error = folio_error = 0;
	wants_writable = false;
	assert_int_equal(vm_net_create(net, machine), 0);
	assert_int_equal(
		vm_net_join(net, CONNECTOR, (const uint8_t *)"\x0a\0\x02\x64", take_settled, net),
		0);
	return 0;
}

int teardown(void **state)
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

void switch_sends(struct message *m)
{
	net->port.ops->message(&loop, &net->port, m);
	if (port_open)
		net->port.ops->batch_end(&loop, &net->port);
}

void switch_answers(const struct msg_netdev_port *answer)
{
	struct message m;

	assert_int_equal(message_encode_netdev_port(&m, answer, NULL, 0), 0);
	switch_sends(&m);
}

void switch_refuses(void)
{
	struct msg_error error = { .error = ERR_EXISTS };
	struct message m;

	assert_int_equal(message_encode_error(&m, &error, "no", 2), 0);
	switch_sends(&m);
}

void switch_sends_frame(uint32_t len)
{
	struct msg_netdev_frame frame = { .length = len };
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

void guest_starts(uint64_t features)
{
	test_start_device(&net->device.mmio, VIRTIO_NET_F_MRG_RXBUF | features);
}

void guest_sends(uint32_t len)
{
	memset(guest->memory + TEST_BUFFERS, 0, HEADER);
	for (uint32_t i = 0; i < len; i++)
		guest->memory[TEST_BUFFERS + HEADER + i] = (uint8_t)i;
	test_set_desc(guest, VIRTIO_NET_QUEUE_TX, 0, TEST_GPA + TEST_BUFFERS, HEADER + len, 0, 0);
	test_offer(guest, VIRTIO_NET_QUEUE_TX, 0);
	virtio_mmio_notified(&net->device.mmio, VIRTIO_NET_QUEUE_TX);
}

void guest_offers_buffer(void)
{
	test_set_desc(guest, VIRTIO_NET_QUEUE_RX, 0, TEST_GPA + RX_DATA, 2048, VIRTQ_DESC_F_WRITE,
	              0);
	test_offer(guest, VIRTIO_NET_QUEUE_RX, 0);
	virtio_mmio_notified(&net->device.mmio, VIRTIO_NET_QUEUE_RX);
}

bool link_is_up(void)
{
	return guest->page[VIRTIO_MMIO_CONFIG + 6] == VIRTIO_NET_S_LINK_UP;
}

void expect_join(uint32_t index, const char *address)
{
	struct msg_netdev_join join;
	const uint8_t *tail;
	size_t tail_len;

	assert_true(index < num_sent);
	assert_int_equal(message_decode_netdev_join(&sent[index], &join, &tail, &tail_len), 0);
	assert_memory_equal(join.address, address, 4);
	assert_int_equal(join.features,
	                 NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6);
}
