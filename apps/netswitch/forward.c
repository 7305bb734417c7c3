// SPDX-License-Identifier: MIT
//
// Where a frame goes. It moves as it came: its folio changes owner and is not copied. Only a port
// that does not take what its sender left to others gets checksums and segments made here.
#include "libs/offload/offload.h"
#include "apps/netswitch/switch.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define ETHERNET_HEADER_LEN 14u
#define FRAME_OVERHEAD 18u  // Ethernet header and a VLAN tag, over the MTU
#define INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_netdev_frame))
// So that the IP header of a copy is aligned.
#define COPY_OFFSET 2u
#define DECENT_SEGMENT 512u
#define GSO_FLAGS (NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)

struct frame {
	struct port *from;
	struct message *m;
	struct msg_netdev_frame meta;
	struct span bytes;    // where it lies, in the message or in the folio
	struct span headers;  // its first bytes, our own copy
	uint8_t header_bytes[GUARD_HEADERS];
};

_Static_assert(GUARD_HEADERS >= OFFLOAD_HEADERS_MAX, "headers in hand");

// --- A frame that came ---

// Errors: ERR_PROTOCOL, folio_map's.
static error_t frame_open(struct frame *f)
{
	struct folio_info info;
	const uint8_t *tail;
	size_t tail_len;
	void *base;
	error_t err = message_decode_netdev_frame(f->m, &f->meta, &tail, &tail_len);

	if (err != 0)
		return err;
	if (f->m->num_handles == 0) {
		f->meta.offset = 0;
		f->meta.length = (uint32_t)tail_len;
		f->bytes = (struct span){ .data = tail, .len = tail_len };
	} else {
		err = folio_info(f->m->handles[0], &info);
		// A lazy folio could make us populate it.
		if (err == 0 &&
		    ((info.flags & FOLIO_LAZY) != 0 ||
		     !range_within(f->meta.offset, f->meta.length, info.size)))
			err = ERR_PROTOCOL;
		if (err == 0)
			err = folio_map(f->m->handles[0], PROT_READ, &base);
		if (err != 0)
			return err;
		f->bytes = (struct span){ .data = (const uint8_t *)base + f->meta.offset,
			                  .len = f->meta.length };
	}
	if (f->bytes.len < ETHERNET_HEADER_LEN)
		return ERR_PROTOCOL;
	if ((f->meta.flags & NETDEV_FRAME_NEEDS_CSUM) != 0 &&
	    !range_within((uint64_t)f->meta.csum_start + f->meta.csum_offset, sizeof(uint16_t),
	                  f->bytes.len))
		return ERR_PROTOCOL;
	return 0;
}

// Our own copy of the headers, which nobody changes while they are judged.
static void headers_copy(struct frame *f)
{
	f->headers.len = f->bytes.len < sizeof(f->header_bytes) ? f->bytes.len
								: sizeof(f->header_bytes);
	f->headers.data = f->header_bytes;
	memcpy(f->header_bytes, f->bytes.data, f->headers.len);
}

// The message says what f->meta says.
static void meta_store(struct frame *f)
{
	memcpy(f->m->data, &f->meta, sizeof(f->meta));
}

static enum guard_verdict judge(struct frame *f)
{
	enum guard_verdict verdict = GUARD_PASS;
	size_t max;

	f->meta.flags &= (uint16_t)~NETDEV_FRAME_OF_PORT;  // we alone say so
	if (f->from->kind == PORT_VM || (f->meta.flags & GSO_FLAGS) != 0)
		headers_copy(f);
	if (f->from->kind != PORT_VM)
		return (f->meta.flags & GSO_FLAGS) == 0 || offload_fits(&f->meta, f->headers)
			? GUARD_PASS
			: GUARD_OFFLOAD;
	max = (f->meta.flags & GSO_FLAGS) != 0 ? NETDEV_GSO_MAX
					       : f->from->sw->info.mtu + FRAME_OVERHEAD;
	if (f->bytes.len > max)
		return GUARD_MALFORMED;
	verdict = guard_check(&f->from->identity, f->headers, f->bytes.len);
	// Only the device's word counts for checksums of others.
	f->meta.flags &= OFFLOAD_FLAGS;
	if (verdict == GUARD_PASS && !offload_fits(&f->meta, f->headers))
		verdict = GUARD_OFFLOAD;
	return verdict;
}

static void note_dropped(struct port *port, enum guard_verdict verdict)
{
	uint64_t count = ++port->dropped[verdict];
	const uint8_t *ip = port->identity.ipv4;

	if (log_is_due(count) && port->kind == PORT_VM)
		log_warn("port %u.%u.%u.%u: dropped %llu: %s", ip[0], ip[1], ip[2], ip[3],
		         (unsigned long long)count, guard_verdict_text(verdict));
}

// --- Toward ports that do not take what the frame asks for ---

static bool takes(const struct port *port, uint16_t flags)
{
	uint32_t needs = (flags & NETDEV_FRAME_GSO_TCP4 ? NETDEV_FEATURE_TSO4 : 0) |
		(flags & NETDEV_FRAME_GSO_TCP6 ? NETDEV_FEATURE_TSO6 : 0);

	// Whoever segments makes checksums too.
	if (needs == 0 && (flags & NETDEV_FRAME_NEEDS_CSUM) != 0)
		needs = NETDEV_FEATURE_TX_CSUM;

	return (port->features & needs) == needs;
}

// A folio of our own for `len` bytes, mapped. Errors: folio_create's.
static error_t folio_make(size_t len, handle_t *folio, uint8_t **bytes)
{
	void *base;
	error_t err = folio_create(len, FOLIO_CONTIGUOUS, folio);

	if (err != 0)
		return err;
	err = folio_map(*folio, PROT_READ | PROT_WRITE, &base);
	if (err != 0)
		handle_close(*folio);
	else
		*bytes = base;
	return err;
}

// A message with a frame of ours at `offset` of a folio that is shared with others: by a handle of
// its own, or inline.
static error_t piece_message(struct message *m, handle_t folio, const uint8_t *base, size_t offset,
                             size_t len)
{
	struct msg_netdev_frame meta = { .offset = (uint32_t)offset, .length = (uint32_t)len };
	error_t err;

	if (len <= INLINE_MAX) {
		meta.offset = 0;
		return message_encode_netdev_frame(m, &meta, base + offset, len);
	}
	err = message_encode_netdev_frame(m, &meta, NULL, 0);
	if (err == 0)
		err = handle_duplicate(folio, RIGHTS_SAME, &m->handles[0]);
	if (err == 0)
		m->num_handles = 1;
	return err;
}

// Sends a large frame as segments, which share one folio. Errors: folio_create's,
// handle_duplicate's.
static error_t send_segments(const struct frame *f, struct port *to)
{
	struct segmenter s;
	size_t stride, first_len, last_len = 0, offset = COPY_OFFSET, len;
	uint8_t *base = NULL;
	handle_t folio;
	error_t err;

	segmenter_init(&s, &f->meta, f->headers, f->bytes);
	first_len = segmenter_next_len(&s);
	stride = (first_len + COPY_OFFSET + 3) / 4 * 4;
	err = folio_make(stride * s.count + COPY_OFFSET, &folio, &base);
	if (err != 0)
		return err;
	// All before the first leaves: what has a second handle is read-only.
	for (; (len = segmenter_next_len(&s)) > 0; offset += stride, last_len = len)
		segmenter_write(&s, (struct mut_span){ .data = base + offset, .len = len });
	offset = COPY_OFFSET;
	for (size_t i = 0; err == 0 && i < s.count; i++, offset += stride) {
		struct message m;

		err = piece_message(&m, folio, base, offset,
		                    i + 1 < s.count ? first_len : last_len);
		if (err == 0)
			port_send(to, &m, f->from);
	}
	handle_close(folio);
	return err;
}

// Makes the message's frame a copy of our own. Errors: folio_create's.
static error_t frame_make_own(struct frame *f)
{
	uint8_t *base = NULL;
	handle_t folio;
	error_t err = folio_make(f->bytes.len + COPY_OFFSET, &folio, &base);

	if (err != 0)
		return err;
	memcpy(base + COPY_OFFSET, f->bytes.data, f->bytes.len);
	handle_close(f->m->handles[0]);
	f->m->handles[0] = folio;
	f->meta.offset = COPY_OFFSET;
	f->bytes.data = base + COPY_OFFSET;
	return 0;
}

// Writes the checksum that the frame lacks, in place. Errors: folio_create's.
static error_t frame_fill_checksum(struct frame *f)
{
	void *base;
	error_t err = 0;

	if (f->m->num_handles == 1 &&
	    folio_map(f->m->handles[0], PROT_READ | PROT_WRITE, &base) != 0)
		err = frame_make_own(f);  // it is shared, and read-only
	if (err != 0)
		return err;
	offload_fill_checksum(&f->meta,
	                      (struct mut_span){ .data = (uint8_t *)(uintptr_t)f->bytes.data,
	                                         .len = f->bytes.len });
	f->meta.flags &= (uint16_t)~NETDEV_FRAME_NEEDS_CSUM;
	f->meta.csum_start = 0;
	f->meta.csum_offset = 0;
	return 0;
}

// --- Destinations ---

// What the frame counts against its sender's rate. One that is cut on its way costs its segments: a
// sixteenth each when they have a decent size, for this is how bulk data goes, and else all, for a
// flood could be made of them.
static unsigned cost(const struct frame *f, const struct port *to)
{
	unsigned segments;

	if ((f->meta.flags & GSO_FLAGS) == 0 ||
	    (to->kind != PORT_UPLINK && takes(to, f->meta.flags)))
		return 1;
	segments = f->meta.length / f->meta.gso_size;
	return f->meta.gso_size >= DECENT_SEGMENT ? 1 + segments / 16 : 1 + segments;
}

static bool may_pass(struct frame *f, const struct port *to)
{
	if (f->from->is_plain && to->is_plain)
		return true;
	if (f->headers.len == 0)
		headers_copy(f);
	return networks_allow(f->from, to, f->headers);
}

static void send_to_one(struct frame *f, struct port *to)
{
	error_t err = 0;

	if (to == NULL || !to->up || to == f->from) {
		port_charge(f->from, 1);
		message_discard(f->m);
		return;
	}
	port_charge(f->from, cost(f, to));
	if (!takes(to, f->meta.flags)) {
		if (f->headers.len == 0)
			headers_copy(f);
		if ((f->meta.flags & GSO_FLAGS) != 0) {
			err = send_segments(f, to);
			message_discard(f->m);
			if (err != 0)
				to->overflows++;
			return;
		}
		err = frame_fill_checksum(f);
	}
	if (err != 0) {
		to->overflows++;
		message_discard(f->m);
		return;
	}
	if (to->kind == PORT_OWN && f->from->kind == PORT_VM)
		f->meta.flags |= NETDEV_FRAME_OF_PORT;
	meta_store(f);
	port_send(to, f->m, f->from);
}

// A message for one of several receivers: the frame inline, or by a handle of its own.
static error_t shared_message(const struct frame *f, struct message *m)
{
	error_t err;

	*m = *f->m;
	if (m->num_handles == 0)
		return 0;
	err = handle_duplicate(f->m->handles[0],
	                       RIGHT_READ | RIGHT_MAP | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	                       &m->handles[0]);
	if (err != 0)
		m->num_handles = 0;
	return err;
}

static void send_shared(struct frame *f, struct port *to)
{
	struct message m;

	if (!to->up || to == f->from || !may_pass(f, to))
		return;
	port_charge(f->from, 1);
	if (shared_message(f, &m) != 0)
		to->overflows++;
	else
		port_send(to, &m, f->from);
}

// To all. Our own TCP/IP may write to what it gets (lwIP answers an echo request in place), so its
// frame is one of its own.
static void flood(struct frame *f)
{
	struct netswitch *sw = f->from->sw;
	error_t err = 0;

	if ((f->meta.flags & NETDEV_FRAME_NEEDS_CSUM) != 0)
		err = frame_fill_checksum(f);
	if (err != 0) {
		message_discard(f->m);
		return;
	}
	meta_store(f);
	send_shared(f, &sw->uplink);
	list_for_each(entry, &sw->vm_ports)
		send_shared(f, container_of(entry, struct port, entry));
	if (f->m->num_handles == 1 && f->from != &sw->own)
		err = frame_make_own(f);
	meta_store(f);
	if (err == 0 && may_pass(f, &sw->own))
		send_to_one(f, &sw->own);
	else
		message_discard(f->m);
}

static uint64_t mac_number(const uint8_t mac[6])
{
	uint64_t number = 0;

	__builtin_memcpy(&number, mac, 6);  // in place, for there is one for each port
	return number;
}

// The port behind which the destination is: the uplink when it is none of ours. NULL: a virtual
// machine's that is not there, because it has ended, or has not joined again since we started anew.
// That is nobody's beyond the uplink, where a router would answer in its name: QEMU's resets the
// connection.
static struct port *find_port(struct netswitch *sw, const uint8_t mac[6])
{
	uint64_t number = mac_number(mac);

	if (number == mac_number(sw->info.mac))
		return &sw->own;
	list_for_each(entry, &sw->vm_ports) {
		struct port *port = container_of(entry, struct port, entry);

		if (port->up && number == mac_number(port->mac))
			return port;
	}
	return pool_has_mac(&sw->pool, mac) ? NULL : &sw->uplink;
}

// As long as there are no virtual machines, all that comes from outside is for our own TCP/IP. Not
// the other way round: it may speak to one that is not there. Returns whether the frame was taken
// care of.
static bool pass_through(struct port *from, struct message *m)
{
	struct netswitch *sw = from->sw;
	struct port *to = &sw->own;
	struct msg_netdev_frame meta;

	if (from != &sw->uplink || sw->num_vm_ports > 0 || m->len < sizeof(meta))
		return false;
	memcpy(&meta, m->data, sizeof(meta));
	if (!takes(to, meta.flags) || (meta.flags & NETDEV_FRAME_OF_PORT) != 0)
		return false;
	traffic_add(&from->from, m);
	if (to->up)
		port_send(to, m, from);
	else
		message_discard(m);
	return true;
}

// What virtual machines say to each other is their own.
static enum guard_verdict judge_target(const struct frame *f, const struct port *to, bool to_all)
{
	if (f->from->kind != PORT_VM || (!to_all && (to == NULL || to->kind == PORT_VM)))
		return GUARD_PASS;
	return guard_check_closed(&f->from->sw->closed, f->headers);
}

void frame_forward(struct port *from, struct message *m)
{
	struct port *to = NULL;
	struct frame f;
	enum guard_verdict verdict;
	bool to_all;

	if (pass_through(from, m))
		return;
	f.from = from;
	f.m = m;
	f.headers.len = 0;
	if (frame_open(&f) != 0) {
		error_send(from->channel.handle, 0, ERR_PROTOCOL, "not a frame");
		message_discard(m);
		return;
	}
	traffic_add(&from->from, m);
	to_all = (f.bytes.data[0] & 1) != 0;
	if (!to_all)
		to = find_port(from->sw, f.bytes.data);
	verdict = judge(&f);
	if (verdict == GUARD_PASS)
		verdict = judge_target(&f, to, to_all);
	if (verdict == GUARD_PASS && !to_all && to != NULL && !may_pass(&f, to))
		verdict = GUARD_NETWORK;
	if (verdict != GUARD_PASS) {
		port_charge(from, 1);
		note_dropped(from, verdict);
		message_discard(m);
		return;
	}
	if (to_all)
		flood(&f);
	else
		send_to_one(&f, to);
}
