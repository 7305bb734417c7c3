// SPDX-License-Identifier: MIT
#include "apps/autotest/devices/switch_port.h"

#include "libs/base/checksum.h"
#include "libs/base/string.h"
#include "libs/starina/payload.h"

#define ETHERNET 14u
#define INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_netdev_frame))

uint8_t frame[FRAME_MAX];
struct writer frame_writer;
struct msg_netdev_frame frame_meta;
const uint8_t frame_broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

// --- Ports ---

// Joins; returns the switch's answer. The channel is open in any case.
error_t port_try_join(struct autotest *t, struct switch_port *vm, const uint8_t address[4],
                      uint32_t features)
{
	struct msg_netdev_join join = { .features = features };
	struct msg_error refusal;
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err = service_connect_wait(environ_connector(t->env, "vmnet"), test_deadline(),
	                                   &vm->channel);

	memcpy(join.address, address, 4);
	if (err == 0)
		err = message_encode_netdev_join(&m, &join, NULL, 0);
	if (err == 0)
		err = channel_send(vm->channel, &m);
	do {  // broadcasts of others may come first
		if (err == 0)
			err = recv_wait(vm->channel, test_deadline(), &m);
		if (err == 0 && m.type == MSG_NETDEV_FRAME)
			message_discard(&m);
	} while (err == 0 && m.type == MSG_NETDEV_FRAME);
	if (err != 0)
		return err;
	if (message_decode_error(&m, &refusal, &tail, &tail_len) == 0) {
		log_debug("refused: %.*s", (int)tail_len, (const char *)tail);
		return refusal.error;
	}
	return message_decode_netdev_port(&m, &vm->port, &tail, &tail_len);
}

struct switch_port port_join(struct autotest *t, const uint8_t address[4], uint32_t features)
{
	struct switch_port vm = { 0 };

	expect(t, port_try_join(t, &vm, address, features) == 0);
	return vm;
}

// Makes a message of `frame`: inline, or with a folio. Errors: folio_create's.
static error_t frame_message(struct message *m, struct msg_netdev_frame *meta)
{
	void *base;
	error_t err;

	meta->length = (uint32_t)frame_writer.len;
	if (frame_writer.len <= INLINE_MAX)
		return message_encode_netdev_frame(m, meta, frame, frame_writer.len);
	meta->offset = 2;
	err = message_encode_netdev_frame(m, meta, NULL, 0);
	if (err == 0)
		err = folio_create(frame_writer.len + 2, FOLIO_CONTIGUOUS, &m->handles[0]);
	if (err != 0)
		return err;
	m->num_handles = 1;
	err = folio_map(m->handles[0], PROT_READ | PROT_WRITE, &base);
	if (err == 0)
		memcpy((uint8_t *)base + 2, frame, frame_writer.len);
	return err;
}

void port_send_as(struct autotest *t, const struct switch_port *vm, struct msg_netdev_frame meta)
{
	struct message m;
	error_t err = frame_message(&m, &meta);

	while (err == 0 && (err = channel_send(vm->channel, &m)) == ERR_FULL)
		err = handle_wait(vm->channel, READY_WRITABLE, test_deadline());
	expect(t, err == 0);
}

void port_send(struct autotest *t, const struct switch_port *vm)
{
	port_send_as(t, vm, (struct msg_netdev_frame){ 0 });
}

// Receives a frame into `frame` and makes `frame_writer.len` its length. Errors: recv_wait's.
error_t port_recv(const struct switch_port *vm, nsec_t deadline)
{
	struct payload payload = { 0 };
	const uint8_t *tail;
	size_t tail_len;
	struct message m;
	error_t err = recv_wait(vm->channel, deadline, &m);

	if (err == 0)
		err = message_decode_netdev_frame(&m, &frame_meta, &tail, &tail_len);
	if (err == 0 && m.num_handles == 1)
		err = payload_open_folio(m.handles[0], frame_meta.offset, frame_meta.length,
		                         &payload);
	else
		payload.bytes = (struct span){ .data = tail, .len = tail_len };
	if (err != 0)
		return err;
	frame_writer = writer_make(frame, sizeof(frame));
	writer_bytes(&frame_writer, payload.bytes.data, payload.bytes.len);
	payload_release(&payload);
	return writer_status(&frame_writer);
}

// --- Frames ---

void frame_begin(const uint8_t *to, const uint8_t *from, uint16_t type)
{
	frame_writer = writer_make(frame, sizeof(frame));
	writer_bytes(&frame_writer, to, 6);
	writer_bytes(&frame_writer, from, 6);
	writer_be16(&frame_writer, type);
}

void frame_arp(const struct switch_port *vm, uint16_t operation, const uint8_t *sender_mac,
               const uint8_t *sender_ip, const uint8_t *target_ip)
{
	frame_begin(frame_broadcast, vm->port.mac, 0x0806);
	writer_be16(&frame_writer, 1);
	writer_be16(&frame_writer, 0x0800);
	writer_u8(&frame_writer, 6);
	writer_u8(&frame_writer, 4);
	writer_be16(&frame_writer, operation);
	writer_bytes(&frame_writer, sender_mac, 6);
	writer_bytes(&frame_writer, sender_ip, 4);
	writer_zero(&frame_writer, 6);
	writer_bytes(&frame_writer, target_ip, 4);
}

static void store_sum(uint8_t *at, uint32_t sum)
{
	uint16_t folded = (uint16_t) ~((sum & 0xffff) + (sum >> 16));

	memcpy(at, &folded, 2);
}

static void frame_ipv4(const struct switch_port *from, const uint8_t *to_mac,
                       const uint8_t *from_ip, const uint8_t *to_ip, uint8_t protocol,
                       size_t payload)
{
	frame_begin(to_mac, from->port.mac, 0x0800);
	writer_be16(&frame_writer, 0x4500);
	writer_be16(&frame_writer, (uint16_t)(20 + payload));
	writer_be32(&frame_writer, 0x00004000);
	writer_u8(&frame_writer, 64);
	writer_u8(&frame_writer, protocol);
	writer_be16(&frame_writer, 0);
	writer_bytes(&frame_writer, from_ip, 4);
	writer_bytes(&frame_writer, to_ip, 4);
	store_sum(frame + ETHERNET + 10, checksum_sum(frame + ETHERNET, 20));
}

void frame_echo_request(const struct switch_port *vm, const uint8_t *to_mac, const uint8_t *to_ip,
                        size_t payload)
{
	frame_ipv4(vm, to_mac, vm->port.network.address, to_ip, 1, 8 + payload);
	writer_be32(&frame_writer, 0x08000000);
	writer_be32(&frame_writer, 0x12340001);
	for (size_t i = 0; i < payload; i++)
		writer_u8(&frame_writer, (uint8_t)i);
	store_sum(frame + 36, checksum_sum(frame + 34, 8 + payload));
}

void frame_udp(const struct switch_port *vm, const uint8_t *from_ip, uint16_t from_port,
               uint16_t to_port)
{
	frame_ipv4(vm, frame_broadcast, from_ip, (const uint8_t *)"\xff\xff\xff\xff", 17, 20);
	writer_be16(&frame_writer, from_port);
	writer_be16(&frame_writer, to_port);
	writer_be16(&frame_writer, 20);
	writer_zero(&frame_writer, 14);
}

// An IPv6 packet with an ICMPv6 message about `target`, to all nodes.
void frame_icmpv6(const struct switch_port *vm, const uint8_t *from_ip, uint8_t type,
                  const uint8_t *target)
{
	static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };

	frame_begin(all_nodes_mac, vm->port.mac, 0x86dd);
	writer_be32(&frame_writer, 0x60000000);
	writer_be16(&frame_writer, 24);
	writer_u8(&frame_writer, 58);
	writer_u8(&frame_writer, 255);
	writer_bytes(&frame_writer, from_ip, 16);
	writer_bytes(&frame_writer, all_nodes, 16);
	writer_u8(&frame_writer, type);
	writer_zero(&frame_writer, 7);
	writer_bytes(&frame_writer, target, 16);
}

// The port's IPv6 address with prefix fe80::/64.
void port_link_local(const struct switch_port *vm, uint8_t out[16])
{
	const uint8_t *mac = vm->port.mac;
	const uint8_t bytes[16] = { 0xfe, 0x80, [8] = mac[0] ^ 2, mac[1], mac[2],
		                    0xff, 0xfe, mac[3],           mac[4], mac[5] };

	memcpy(out, bytes, 16);
}

// Receives until an ARP reply from `ip` comes; its MAC address goes to `mac`.
bool port_resolve(struct autotest *t, const struct switch_port *vm, const uint8_t *ip,
                  uint8_t mac[6])
{
	nsec_t deadline = test_deadline();

	frame_arp(vm, 1, vm->port.mac, vm->port.network.address, ip);
	port_send(t, vm);
	while (port_recv(vm, deadline) == 0) {
		if (frame_writer.len >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 2 &&
		    memcmp(frame + 28, ip, 4) == 0) {
			memcpy(mac, frame + 22, 6);
			return true;
		}
	}
	return false;
}

// A TCP segment of `payload` bytes that leaves cutting and checksums to others.
struct msg_netdev_frame frame_large_segment(const struct switch_port *from,
                                            const struct switch_port *to, size_t payload)
{
	uint8_t rest[4] = { 0, 6, (uint8_t)((20 + payload) >> 8), (uint8_t)(20 + payload) };
	uint32_t sum;
	uint16_t folded;

	frame_ipv4(from, to->port.mac, from->port.network.address, to->port.network.address, 6,
	           20 + payload);
	writer_be32(&frame_writer, 0x10002000);
	writer_be32(&frame_writer, 77);
	writer_be32(&frame_writer, 0);
	writer_be32(&frame_writer, 0x50180400);
	writer_be32(&frame_writer, 0);
	for (size_t i = 0; i < payload; i++)
		writer_u8(&frame_writer, (uint8_t)(i * 3));
	sum = (uint32_t)checksum_sum(frame + 26, 8) + checksum_sum(rest, 4);
	folded = (uint16_t)((sum & 0xffff) + (sum >> 16));
	memcpy(frame + 50, &folded, 2);
	return (struct msg_netdev_frame){ .flags = NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP4,
		                          .csum_start = 34,
		                          .csum_offset = 16,
		                          .gso_size = 1000 };
}

// Asks for our own stack's MAC address again and again, for it may be on its way back.
bool port_resolve_in_time(struct autotest *t, const struct switch_port *vm, const uint8_t *ip)
{
	nsec_t deadline = test_deadline();

	while (test_now() < deadline) {
		frame_arp(vm, 1, vm->port.mac, vm->port.network.address, ip);
		port_send(t, vm);
		while (port_recv(vm, test_now() + 100 * NSEC_PER_MSEC) == 0) {
			if (frame_writer.len >= 42 && frame[13] == 6 && frame[21] == 2 &&
			    memcmp(frame + 28, ip, 4) == 0)
				return true;
		}
	}
	return false;
}
