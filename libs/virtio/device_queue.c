// SPDX-License-Identifier: MIT

#include "libs/virtio/device_queue.h"

#include "libs/base/string.h"
#include "libs/virtio/spec.h"

// Offsets into the rings: the guest's memory is never overlaid with a struct.
#define DESC_SIZE VIRTQ_DESC_BYTES(1u)
#define AVAIL_FLAGS 0u
#define AVAIL_INDEX 2u
#define AVAIL_RING 4u
#define USED_FLAGS 0u
#define USED_INDEX 2u
#define USED_RING 4u
#define USED_ELEMENT 8u

// As it lies there (section 2.7.5).
struct descriptor {
	gpa_t address;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};
_Static_assert(sizeof(struct descriptor) == DESC_SIZE, "descriptor");

// The rings' places were checked for bounds and alignment by device_queue_start.
static uint16_t ring_load(struct mut_span ring, size_t offset)
{
	return __atomic_load_n((const uint16_t *)(const void *)(ring.data + offset),
	                       __ATOMIC_ACQUIRE);
}

static void ring_store(struct mut_span ring, size_t offset, uint16_t value)
{
	__atomic_store_n((uint16_t *)(void *)(ring.data + offset), value, __ATOMIC_RELEASE);
}

static size_t used_event_offset(const struct device_queue *q)
{
	return AVAIL_RING + 2 * (size_t)q->size;
}

static size_t avail_event_offset(const struct device_queue *q)
{
	return USED_RING + USED_ELEMENT * (size_t)q->size;
}

void device_queue_reset(struct device_queue *q)
{
	*q = (struct device_queue){ 0 };
}

static bool spans_overlap(struct mut_span a, struct mut_span b)
{
	return a.data < b.data + b.len && b.data < a.data + a.len;
}

bool device_queue_overlaps(const struct device_queue *a, const struct device_queue *b)
{
	const struct mut_span rings[2][3] = { { a->desc, a->avail, a->used },
		                              { b->desc, b->avail, b->used } };

	for (size_t i = 0; i < 9; i++) {
		if (spans_overlap(rings[0][i / 3], rings[1][i % 3]))
			return true;
	}
	return false;
}

error_t device_queue_start(struct device_queue *q, const struct guest_memory *mem, bool event_index)
{
	error_t err;

	if (q->size == 0 || q->size > DEVICE_QUEUE_MAX_SIZE || (q->size & (q->size - 1)) != 0)
		return ERR_INVALID;
	if (q->desc_gpa % VIRTQ_DESC_ALIGN != 0 || q->avail_gpa % VIRTQ_AVAIL_ALIGN != 0 ||
	    q->used_gpa % VIRTQ_USED_ALIGN != 0)
		return ERR_INVALID;
	// The event fields are there whether or not the feature is (section 2.7).
	err = guest_memory_slice(mem, q->desc_gpa, VIRTQ_DESC_BYTES((uint64_t)q->size), &q->desc);
	if (err < 0)
		return err;
	err = guest_memory_slice(mem, q->avail_gpa, VIRTQ_AVAIL_BYTES((uint64_t)q->size),
	                         &q->avail);
	if (err < 0)
		return err;
	err = guest_memory_slice(mem, q->used_gpa, VIRTQ_USED_BYTES((uint64_t)q->size), &q->used);
	if (err < 0)
		return err;
	// What we write into a ring would be what we read from another.
	if (spans_overlap(q->desc, q->avail) || spans_overlap(q->desc, q->used) ||
	    spans_overlap(q->avail, q->used))
		return ERR_INVALID;
	q->mem = mem;
	q->event_index = event_index;
	q->broken = false;
	q->last_avail = 0;
	q->used_index = 0;
	q->signalled = 0;
	q->ready = true;
	return 0;
}

bool device_queue_has_work(const struct device_queue *q)
{
	return q->ready && !q->broken && ring_load(q->avail, AVAIL_INDEX) != q->last_avail;
}

// Copies descriptor `index` of a table, once. It is in the table.
static struct descriptor descriptor_read(struct mut_span table, uint32_t index)
{
	const uint8_t *at = table.data + (size_t)index * DESC_SIZE;
	uint64_t words[DESC_SIZE / sizeof(uint64_t)];
	struct descriptor d;

	// An indirect table may lie anywhere.
	if ((uintptr_t)at % sizeof(words[0]) == 0) {
		for (size_t i = 0; i < DESC_SIZE / sizeof(words[0]); i++)
			words[i] = __atomic_load_n((const uint64_t *)(const void *)at + i,
			                           __ATOMIC_RELAXED);
	} else {
		memcpy(words, at, sizeof(words));
	}
	__builtin_memcpy(&d, words, sizeof(d));
	return d;
}

static error_t chain_add(const struct device_queue *q, struct device_chain *chain,
                         const struct descriptor *d)
{
	bool writable = (d->flags & VIRTQ_DESC_F_WRITE) != 0;
	struct mut_span bytes;

	if (chain->num_segments >= q->size || chain->num_segments >= DEVICE_CHAIN_MAX)
		return ERR_PROTOCOL;
	if (!writable && chain->num_readable != chain->num_segments)
		return ERR_PROTOCOL;  // readable after writable (section 2.7.4.2)
	if (guest_memory_slice(q->mem, d->address, d->len, &bytes) < 0)
		return ERR_PROTOCOL;
	chain->segments[chain->num_segments++] = bytes;
	if (writable) {
		chain->writable_len += d->len;
	} else {
		chain->num_readable++;
		chain->readable_len += d->len;
	}
	return 0;
}

// Follows a chain through `table` of `count` descriptors. A loop ends at the limit of chain_add or
// of `steps`.
static error_t chain_follow(const struct device_queue *q, struct device_chain *chain,
                            struct mut_span table, uint32_t count, uint32_t index, bool indirect)
{
	for (uint32_t steps = 0; steps < count; steps++) {
		struct descriptor d;
		struct mut_span inner;
		error_t err;

		if (index >= count)
			return ERR_PROTOCOL;
		d = descriptor_read(table, index);
		if ((d.flags & VIRTQ_DESC_F_INDIRECT) != 0) {
			// Tables do not nest, and a descriptor is not both (section 2.7.5.3.1).
			// Linux puts an indirect descriptor first and last; the specification lets
			// others come before it.
			if (indirect || (d.flags & VIRTQ_DESC_F_NEXT) != 0 || d.len == 0 ||
			    d.len % DESC_SIZE != 0 || d.len / DESC_SIZE > DEVICE_CHAIN_MAX)
				return ERR_PROTOCOL;
			if (guest_memory_slice(q->mem, d.address, d.len, &inner) < 0)
				return ERR_PROTOCOL;
			return chain_follow(q, chain, inner, d.len / DESC_SIZE, 0, true);
		}
		err = chain_add(q, chain, &d);
		if (err < 0)
			return err;
		if ((d.flags & VIRTQ_DESC_F_NEXT) == 0)
			return 0;
		index = d.next;
	}
	return ERR_PROTOCOL;
}

error_t device_queue_pop(struct device_queue *q, struct device_chain *chain)
{
	uint16_t available;

	if (!q->ready || q->broken)
		return ERR_EMPTY;
	available = ring_load(q->avail, AVAIL_INDEX);
	if (available == q->last_avail)
		return ERR_EMPTY;
	if ((uint16_t)(available - q->last_avail) > q->size)
		goto out_broken;
	chain->head = ring_load(q->avail, AVAIL_RING + 2 * (size_t)(q->last_avail & (q->size - 1)));
	chain->num_segments = 0;
	chain->num_readable = 0;
	chain->readable_len = 0;
	chain->writable_len = 0;
	if (chain_follow(q, chain, q->desc, q->size, chain->head, false) < 0)
		goto out_broken;
	q->last_avail++;
	return 0;

out_broken:
	q->broken = true;
	return ERR_PROTOCOL;
}

void device_queue_unpop(struct device_queue *q)
{
	q->last_avail--;
}

void device_queue_break(struct device_queue *q)
{
	q->broken = true;
}

void device_queue_put(struct device_queue *q, uint16_t head, uint32_t written)
{
	size_t offset = USED_RING + USED_ELEMENT * (size_t)(q->used_index & (q->size - 1));
	struct writer w;

	if (!q->ready || q->broken)
		return;
	w = writer_make(q->used.data + offset, USED_ELEMENT);
	writer_le32(&w, head);
	writer_le32(&w, written);
	q->used_index++;
}

void device_queue_publish(struct device_queue *q)
{
	if (q->ready && !q->broken)
		ring_store(q->used, USED_INDEX, q->used_index);
}

void device_queue_push(struct device_queue *q, uint16_t head, uint32_t written)
{
	device_queue_put(q, head, written);
	device_queue_publish(q);
}

void device_queue_suppress_notify(struct device_queue *q)
{
	if (!q->ready || q->broken)
		return;
	// With event index, an event that lies just behind is not passed for another 65,535
	// buffers.
	if (q->event_index)
		ring_store(q->used, avail_event_offset(q), (uint16_t)(q->last_avail - 1));
	else
		ring_store(q->used, USED_FLAGS, VIRTQ_USED_F_NO_NOTIFY);
}

// Asks for a notification of the buffer that the driver makes available after those up to `seen`.
static void want_notify_after(struct device_queue *q, uint16_t seen)
{
	if (q->event_index)
		ring_store(q->used, avail_event_offset(q), seen);
	else
		ring_store(q->used, USED_FLAGS, 0);
	// The driver publishes its index, then reads the event; we the other way round: one of us
	// sees the other.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool device_queue_want_notify(struct device_queue *q)
{
	if (!q->ready || q->broken)
		return false;
	want_notify_after(q, q->last_avail);
	return device_queue_has_work(q);
}

void device_queue_want_more(struct device_queue *q)
{
	if (q->ready && !q->broken)
		want_notify_after(q, ring_load(q->avail, AVAIL_INDEX));
}

bool device_queue_is_full(const struct device_queue *q)
{
	return !q->ready || q->broken ||
		(uint16_t)(ring_load(q->avail, AVAIL_INDEX) - q->last_avail) >= q->size;
}

bool device_queue_wants_interrupt(struct device_queue *q)
{
	uint16_t old = q->signalled;
	uint16_t event;

	if (!q->ready || q->broken || q->used_index == old)
		return false;
	q->signalled = q->used_index;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_index)
		return (ring_load(q->avail, AVAIL_FLAGS) & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0;
	event = ring_load(q->avail, used_event_offset(q));
	return virtq_need_event(event, q->used_index, old) != 0;
}

// Copies between `buf` and the segments [first, last) from byte `offset` of their concatenation on.
static size_t segments_copy(const struct mut_span *segments, size_t count, uint64_t offset,
                            uint8_t *out, const uint8_t *in, size_t len)
{
	size_t done = 0;

	for (size_t i = 0; i < count && done < len; i++) {
		size_t n;

		if (offset >= segments[i].len) {
			offset -= segments[i].len;
			continue;
		}
		n = segments[i].len - (size_t)offset;
		if (n > len - done)
			n = len - done;
		if (out != NULL)
			memcpy(out + done, segments[i].data + offset, n);
		else
			memcpy(segments[i].data + offset, in + done, n);
		done += n;
		offset = 0;
	}
	return done;
}

size_t device_chain_read(const struct device_chain *chain, uint64_t offset, void *out, size_t len)
{
	if (len == 0)
		return 0;
	return segments_copy(chain->segments, chain->num_readable, offset, out, NULL, len);
}

size_t device_chain_write(const struct device_chain *chain, uint64_t offset, const void *data,
                          size_t len)
{
	return segments_copy(chain->segments + chain->num_readable,
	                     (size_t)(chain->num_segments - chain->num_readable), offset, NULL,
	                     data, len);
}
