// SPDX-License-Identifier: MIT
//
// Ports and frames, over fakes of channels, folios and the clock: where a frame goes, who has to wait, what is dropped, and that
// nothing leaks.
#include "apps/netswitch/switch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/offload/offload.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// --- Fakes ---

#define CHANNELS 40
#define CAPACITY 128
#define FOLIOS 2000
#define FIRST_FOLIO 100

struct fake_folio {
	uint8_t *bytes;  // NULL: a free handle
	size_t size;
	size_t *count;   // handles to the same bytes
	rights_t rights;
};

static struct {
	struct message queue[CAPACITY];
	size_t len;
	bool gone;
	struct source *source;
	bool wants_messages;
	bool wants_writable;
} channels[CHANNELS];
static struct fake_folio folios[FOLIOS];
static nsec_t now;
static size_t num_allocated;

static struct fake_folio *folio_of(handle_t h)
{
	struct fake_folio *f = h >= FIRST_FOLIO && h < FIRST_FOLIO + FOLIOS ? &folios[h - FIRST_FOLIO] : NULL;

	assert_non_null(f);
	assert_non_null(f->bytes);
	return f;
}

static handle_t folio_slot(void)
{
	for (handle_t i = 0; i < FOLIOS; i++) {
		if (folios[i].bytes == NULL)
			return i + FIRST_FOLIO;
	}
	fail();
	return HANDLE_NONE;
}

static size_t folio_handles(void)
{
	size_t n = 0;

	for (size_t i = 0; i < FOLIOS; i++)
		n += folios[i].bytes != NULL;
	return n;
}

error_t folio_create(size_t size, uint32_t flags, handle_t *out)
{
	struct fake_folio *f;

	assert_int_equal(flags, FOLIO_CONTIGUOUS);
	*out = folio_slot();
	f = &folios[*out - FIRST_FOLIO];
	*f = (struct fake_folio){.bytes = calloc(1, size), .size = size, .count = malloc(sizeof(size_t)),
	                         .rights = RIGHTS_ALL};
	*f->count = 1;
	return 0;
}

error_t folio_map(handle_t folio, uint32_t prot, void **out)
{
	struct fake_folio *f = folio_of(folio);

	if ((prot & PROT_WRITE) != 0 && (f->rights & RIGHT_WRITE) == 0)
		return ERR_ACCESS;
	*out = f->bytes;
	return 0;
}

error_t folio_info(handle_t folio, struct folio_info *out)
{
	*out = (struct folio_info){.size = folio_of(folio)->size, .paddr = 4096};
	return 0;
}

error_t handle_duplicate(handle_t h, rights_t rights, handle_t *out)
{
	struct fake_folio *f = folio_of(h);

	*out = folio_slot();
	folios[*out - FIRST_FOLIO] = *f;
	if (rights != RIGHTS_SAME)
		folios[*out - FIRST_FOLIO].rights = rights;
	++*f->count;
	return 0;
}

error_t handle_close(handle_t h)
{
	struct fake_folio *f;

	if (h < FIRST_FOLIO)
		return 0;
	f = folio_of(h);
	if (--*f->count == 0) {
		free(f->bytes);
		free(f->count);
	}
	f->bytes = NULL;
	return 0;
}

void message_discard(struct message *m)
{
	for (size_t i = 0; i < m->num_handles; i++)
		handle_close(m->handles[i]);
	m->num_handles = 0;
}

error_t channel_send(handle_t channel, const struct message *m)
{
	if (channels[channel].gone)
		return ERR_PEER_CLOSED;
	if (channels[channel].len == CAPACITY)
		return ERR_FULL;
	channels[channel].queue[channels[channel].len++] = *m;
	return 0;
}

error_t error_send(handle_t channel, uint32_t id, error_t error, const char *text)
{
	struct msg_error fixed = {.id = id, .error = error};
	struct message m;

	assert_int_equal(message_encode_error(&m, &fixed, text, strlen(text)), 0);
	return channel_send(channel, &m);
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle, const struct source_ops *ops, void *context)
{
	*source = (struct source){.handle = handle, .ops = ops, .context = context, .loop = loop};
	channels[handle].source = source;
	channels[handle].wants_messages = true;
	return 0;
}

void loop_close(struct loop *loop, struct source *source)
{
	(void)loop;
	if (source->handle != HANDLE_NONE)
		channels[source->handle].source = NULL;
	source->handle = HANDLE_NONE;
}

void source_want_writable(struct source *source, bool want)
{
	channels[source->handle].wants_writable = want;
}

void source_want_messages(struct source *source, bool want)
{
	channels[source->handle].wants_messages = want;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = now;
	return 0;
}

void *heap_alloc(size_t size)
{
	num_allocated++;
	return calloc(1, size);
}

void heap_free(void *ptr)
{
	num_allocated -= ptr != NULL;
	free(ptr);
}

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

const char *error_text(error_t error)
{
	(void)error;
	return "";
}

// --- A switch with its ports ---

#define UPLINK 1
#define OWN 2
#define VM 3  // and those after it

static struct netswitch sw;
static const struct source_ops trusted_ops = {.writable = port_writable};
static const uint8_t own_mac[6] = {0x52, 0x54, 0, 1, 2, 3};
static const uint8_t far_mac[6] = {0x52, 0x55, 10, 0, 2, 2};
static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
#define TAKES_ALL (NETDEV_FEATURE_TX_CSUM | NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6)

static void give_network(void)
{
	static const struct netdev_network network = {.address = {10, 0, 2, 15}, .gateway = {10, 0, 2, 2}, .prefix_len = 24};

	network_changed(&sw, &network);
	vm_ports_answer(&sw, now);
}

static int setup(void **state)
{
	(void)state;
	memset(channels, 0, sizeof(channels));
	now = NSEC_PER_SEC;
	sw = (struct netswitch){.info = {.mtu = 1500}, .has_info = true, .frame_cost = 1000, .burst = 100 * 1000};
	memcpy(sw.info.mac, own_mac, 6);
	list_init(&sw.vm_ports);
	assert_int_equal(pool_init(&sw.pool, "100-140"), 0);
	port_init(&sw.uplink, &sw, PORT_UPLINK);
	port_init(&sw.own, &sw, PORT_OWN);
	assert_int_equal(port_open(&sw.uplink, UPLINK, &trusted_ops), 0);
	assert_int_equal(port_open(&sw.own, OWN, &trusted_ops), 0);
	sw.uplink.up = sw.own.up = true;
	sw.own.features = TAKES_ALL;
	return 0;
}

static void drain(handle_t channel)
{
	for (size_t i = 0; i < channels[channel].len; i++)
		message_discard(&channels[channel].queue[i]);
	channels[channel].len = 0;
}

static void leave(handle_t channel)
{
	struct source *source = channels[channel].source;

	source->ops->closed(&sw.loop, source);
}

static int teardown(void **state)
{
	(void)state;
	for (handle_t c = 0; c < CHANNELS; c++) {
		drain(c);
		if (c >= VM && channels[c].source != NULL)
			leave(c);
	}
	port_close(&sw.uplink);
	port_close(&sw.own);
	assert_int_equal(folio_handles(), 0);
	assert_int_equal(num_allocated, 0);
	assert_int_equal(sw.num_vm_ports, 0);
	return 0;
}

static void say(handle_t channel, struct message *m)
{
	struct source *source = channels[channel].source;

	source->ops->message(&sw.loop, source, m);
}

static struct port *join(handle_t channel, uint32_t features, uint8_t host)
{
	struct msg_netdev_join request = {.features = features, .address = {10, 0, 2, host}};
	struct message m;

	if (host == 0)
		memset(request.address, 0, 4);
	vm_port_accept(&sw, channel);
	assert_int_equal(message_encode_netdev_join(&m, &request, NULL, 0), 0);
	say(channel, &m);
	return channels[channel].source->context;
}

static struct port *vm(handle_t channel, uint32_t features)
{
	struct port *port = join(channel, features, 0);

	assert_true(port->up);
	drain(channel);
	return port;
}

// An IPv4 packet of `len` bytes as a frame; in a folio when it is large.
static struct message frame(const uint8_t *to, const struct port *from, size_t len, struct msg_netdev_frame meta)
{
	uint8_t bytes[6000] = {0}, *at = bytes;
	struct message m;
	void *base;

	memcpy(bytes, to, 6);
	memcpy(bytes + 6, from->kind == PORT_VM ? from->mac : far_mac, 6);
	bytes[12] = 8;
	bytes[14] = 0x45;
	bytes[16] = (uint8_t)((len - 14) >> 8);
	bytes[17] = (uint8_t)(len - 14);
	bytes[23] = 6;
	memcpy(bytes + 26, from->identity.ipv4, 4);
	bytes[46] = 5 << 4;
	meta.length = (uint32_t)len;
	if (len <= MESSAGE_MAX_DATA - sizeof(meta)) {
		assert_int_equal(message_encode_netdev_frame(&m, &meta, at, len), 0);
		return m;
	}
	meta.offset = 2;
	assert_int_equal(message_encode_netdev_frame(&m, &meta, NULL, 0), 0);
	assert_int_equal(folio_create(len + 2, FOLIO_CONTIGUOUS, &m.handles[0]), 0);
	assert_int_equal(folio_map(m.handles[0], PROT_READ | PROT_WRITE, &base), 0);
	memcpy((uint8_t *)base + 2, bytes, len);
	m.num_handles = 1;
	return m;
}

static void forward(struct port *from, const uint8_t *to, size_t len)
{
	struct message m = frame(to, from, len, (struct msg_netdev_frame){0});

	frame_forward(from, &m);
}

// --- Tests ---

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

// A virtual machine that has ended, or that was there in the switch's last life: a router beyond the uplink must not answer for it.
static void to_a_port_that_is_gone(void **state)
{
	static const uint8_t gone[6] = {NETDEV_PORT_MAC_0, NETDEV_PORT_MAC_1, 10, 0, 2, 120};
	static const uint8_t of_another_machine[6] = {NETDEV_PORT_MAC_0, NETDEV_PORT_MAC_1, 10, 0, 2, 90};
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
		assert_int_equal(folio_map(channels[c].queue[0].handles[0], PROT_READ | PROT_WRITE, &base),
		                 c == OWN ? 0 : ERR_ACCESS);
	}
	assert_int_equal(*folio_of(channels[OWN].queue[0].handles[0])->count, 1);
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
	m = frame(own_mac, b, 1000, (struct msg_netdev_frame){0});
	frame_forward(a, &m);
	m = frame(own_mac, a, 1000, (struct msg_netdev_frame){.flags = NETDEV_FRAME_NEEDS_CSUM, .csum_start = 30});
	frame_forward(a, &m);
	m = frame(own_mac, a, 2000, (struct msg_netdev_frame){0});  // over the MTU
	frame_forward(a, &m);
	assert_int_equal(channels[OWN].len, 0);
	assert_int_equal(a->dropped[GUARD_MAC], 1);
	assert_int_equal(a->dropped[GUARD_OFFLOAD], 1);
	assert_int_equal(a->dropped[GUARD_MALFORMED], 1);
	// No frames: an error, each.
	m = frame(own_mac, a, 1000, (struct msg_netdev_frame){.flags = NETDEV_FRAME_NEEDS_CSUM, .csum_start = 0xffff});
	frame_forward(a, &m);
	m = frame(own_mac, a, 1000, (struct msg_netdev_frame){0});
	m.data[2] = 1;  // beyond the folio
	frame_forward(a, &m);
	assert_int_equal(channels[OWN].len, 0);
	assert_int_equal(channels[VM].len, 2);
	assert_int_equal(channels[VM].queue[1].type, MSG_ERROR);
	// Only the device may say that a checksum is right.
	m = frame(own_mac, a, 1000, (struct msg_netdev_frame){.flags = NETDEV_FRAME_CSUM_VERIFIED});
	frame_forward(a, &m);
	assert_int_equal(channels[OWN].queue[0].data[offsetof(struct msg_netdev_frame, flags)], 0);
}

static void offloads(void **state)
{
	const struct msg_netdev_frame large = {.flags = NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP4, .csum_start = 34,
	                                       .csum_offset = 16, .gso_size = 1000};
	const struct msg_netdev_frame open = {.flags = NETDEV_FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
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
		assert_int_equal(channels[UPLINK].queue[i].data[offsetof(struct msg_netdev_frame, flags)], 0);
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
	// A checksum is filled in where the frame lies, or in a copy when that cannot be written to.
	for (int i = 0; i < 2; i++) {
		m = frame(far_mac, a, 1000, open);
		folio_of(m.handles[0])->rights &= i == 0 ? RIGHTS_ALL : ~RIGHT_WRITE;
		frame_forward(a, &m);
		assert_int_equal(channels[UPLINK].len, 1 + i);
		assert_int_equal(channels[UPLINK].queue[i].data[offsetof(struct msg_netdev_frame, flags)], 0);
		assert_true(folio_of(channels[UPLINK].queue[i].handles[0])->bytes[2 + 50] != 0);
	}
	sw.uplink.features = TAKES_ALL;
	m = frame(far_mac, a, 54 + 4100, large);
	frame_forward(a, &m);
	assert_int_equal(channels[UPLINK].len, 3);
	// It takes less than that from now on.
	m = (struct message){.type = MSG_NETDEV_ACCEPT, .len = sizeof(struct msg_netdev_accept)};
	say(VM, &m);
	m = frame(a->mac, &sw.own, 1000, open);
	frame_forward(&sw.own, &m);
	assert_int_equal(channels[VM].queue[0].data[offsetof(struct msg_netdev_frame, flags)], 0);
}

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
		forward(a, (const uint8_t[]){1, 2, 3, 4, 5, 6}, 13 + 5000);
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

static error_t answer(handle_t channel)
{
	struct msg_error error;
	const uint8_t *tail;
	size_t tail_len;

	assert_int_equal(channels[channel].len, 1);
	if (channels[channel].queue[0].type == MSG_NETDEV_PORT)
		return 0;
	assert_int_equal(message_decode_error(&channels[channel].queue[0], &error, &tail, &tail_len), 0);
	assert_true(tail_len > 0);
	return error.error;
}

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
	say(VM, &(struct message){.type = MSG_NETDEV_JOIN, .len = sizeof(struct msg_netdev_join)});
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
	say(VM, &(struct message){.type = MSG_NETDEV_JOIN, .len = sizeof(struct msg_netdev_join)});
	assert_int_equal(answer(VM), ERR_BAD_STATE);
	drain(VM);
	say(VM, &(struct message){.type = MSG_OPEN, .len = 10});
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(without_virtual_machines), TEST(unicast), TEST(to_a_port_that_is_gone), TEST(to_everybody),
		TEST(dropped_by_the_guard), TEST(offloads), TEST(backpressure), TEST(a_stopped_virtual_machine),
		TEST(the_rate), TEST(joining), TEST(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
