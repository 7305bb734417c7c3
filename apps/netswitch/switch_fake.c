// SPDX-License-Identifier: MIT
#include "apps/netswitch/switch_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/offload/offload.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define FOLIOS 2000
#define FIRST_FOLIO 100

struct fake_channel channels[CHANNELS];
nsec_t now;
struct netswitch sw;
const uint8_t own_mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
const uint8_t far_mac[6] = { 0x52, 0x55, 10, 0, 2, 2 };
const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static struct fake_folio folios[FOLIOS];
static size_t num_allocated;
static const struct source_ops trusted_ops = { .writable = port_writable };

// --- The kernel ----------------------------------------------------------------------------------

struct fake_folio *folio_of(handle_t h)
{
	struct fake_folio *f =
		h >= FIRST_FOLIO && h < FIRST_FOLIO + FOLIOS ? &folios[h - FIRST_FOLIO] : NULL;

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

size_t folio_handles(void)
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
	*f = (struct fake_folio){ .bytes = calloc(1, size),
		                  .size = size,
		                  .shared = calloc(1, sizeof(*f->shared)),
		                  .rights = RIGHTS_ALL };
	f->shared->handles = 1;
	return 0;
}

error_t folio_map(handle_t folio, uint32_t prot, void **out)
{
	struct fake_folio *f = folio_of(folio);

	if ((prot & PROT_WRITE) != 0 &&
	    (f->shared->frozen != NULL || (f->rights & RIGHT_WRITE) == 0))
		return ERR_ACCESS;
	*out = f->bytes;
	return 0;
}

error_t folio_info(handle_t folio, struct folio_info *out)
{
	const struct fake_folio *f = folio_of(folio);

	*out = (struct folio_info){ .size = f->size,
		                    .paddr = 4096,
		                    .flags = f->shared->frozen != NULL ? FOLIO_READ_ONLY : 0 };
	return 0;
}

error_t handle_duplicate(handle_t h, rights_t rights, handle_t *out)
{
	struct fake_folio *f = folio_of(h);

	*out = folio_slot();
	folios[*out - FIRST_FOLIO] = *f;
	if (rights != RIGHTS_SAME)
		folios[*out - FIRST_FOLIO].rights = rights;
	f->shared->handles++;
	if (f->shared->frozen == NULL) {
		f->shared->frozen = malloc(f->size);
		memcpy(f->shared->frozen, f->bytes, f->size);
	}
	return 0;
}

error_t handle_close(handle_t h)
{
	struct fake_folio *f;

	if (h < FIRST_FOLIO)
		return 0;
	f = folio_of(h);
	if (--f->shared->handles == 0) {
		// What was duplicated, nobody has written to.
		if (f->shared->frozen != NULL)
			assert_memory_equal(f->bytes, f->shared->frozen, f->size);
		free(f->shared->frozen);
		free(f->bytes);
		free(f->shared);
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
	struct msg_error fixed = { .id = id, .error = error };
	struct message m;

	assert_int_equal(message_encode_error(&m, &fixed, text, strlen(text)), 0);
	return channel_send(channel, &m);
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	*source = (struct source){ .handle = handle, .ops = ops, .context = context, .loop = loop };
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

// --- A switch with its ports ---------------------------------------------------------------------

void give_network(void)
{
	static const struct netdev_network network = { .address = { 10, 0, 2, 15 },
		                                       .gateway = { 10, 0, 2, 2 },
		                                       .prefix_len = 24 };

	network_changed(&sw, &network);
	vm_ports_answer(&sw, now);
}

int setup(void **state)
{
	(void)state;
	memset(channels, 0, sizeof(channels));
	now = NSEC_PER_SEC;
	sw = (struct netswitch){ .info = { .mtu = 1500 },
		                 .has_info = true,
		                 .frame_cost = 1000,
		                 .burst = 100 * 1000 };
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

void drain(handle_t channel)
{
	for (size_t i = 0; i < channels[channel].len; i++)
		message_discard(&channels[channel].queue[i]);
	channels[channel].len = 0;
}

void leave(handle_t channel)
{
	struct source *source = channels[channel].source;

	source->ops->closed(&sw.loop, source);
}

int teardown(void **state)
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

void say(handle_t channel, struct message *m)
{
	struct source *source = channels[channel].source;

	source->ops->message(&sw.loop, source, m);
}

struct port *join(handle_t channel, uint32_t features, uint8_t host)
{
	struct msg_netdev_join request = { .features = features, .address = { 10, 0, 2, host } };
	struct message m;

	if (host == 0)
		memset(request.address, 0, 4);
	vm_port_accept(&sw, channel);
	assert_int_equal(message_encode_netdev_join(&m, &request, NULL, 0), 0);
	say(channel, &m);
	return channels[channel].source->context;
}

struct port *vm(handle_t channel, uint32_t features)
{
	struct port *port = join(channel, features, 0);

	assert_true(port->up);
	drain(channel);
	return port;
}

struct message frame(const uint8_t *to, const struct port *from, size_t len,
                     struct msg_netdev_frame meta)
{
	uint8_t bytes[6000] = { 0 }, *at = bytes;
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

void forward(struct port *from, const uint8_t *to, size_t len)
{
	struct message m = frame(to, from, len, (struct msg_netdev_frame){ 0 });

	frame_forward(from, &m);
}

error_t answer(handle_t channel)
{
	struct msg_error error;
	const uint8_t *tail;
	size_t tail_len;

	assert_int_equal(channels[channel].len, 1);
	if (channels[channel].queue[0].type == MSG_NETDEV_PORT)
		return 0;
	assert_int_equal(
		message_decode_error(&channels[channel].queue[0], &error, &tail, &tail_len), 0);
	assert_true(tail_len > 0);
	return error.error;
}
