// SPDX-License-Identifier: MIT
#include "libs/virtio/queue.h"

#include "libs/starina/alloc.h"
#include "libs/virtio/barrier.h"

static size_t align_up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static size_t avail_offset(const struct virtqueue *vq)
{
	return VIRTQ_DESC_BYTES((size_t)vq->size);
}

static size_t used_offset(const struct virtqueue *vq)
{
	return align_up(avail_offset(vq) + VIRTQ_AVAIL_BYTES((size_t)vq->size), VIRTQ_USED_ALIGN);
}

// With EVENT_IDX: where we say which used entry we want an interrupt for, right after the available
// ring.
static volatile uint16_t *used_event(struct virtqueue *vq)
{
	return &vq->avail->ring[vq->size];
}

// With EVENT_IDX: where the device says which available entry it wants a notification for.
static uint16_t avail_event(const struct virtqueue *vq)
{
	return *(volatile uint16_t *)(void *)(vq->memory.bytes + used_offset(vq) +
	                                      offsetof(struct virtq_used, ring) +
	                                      sizeof(struct virtq_used_elem) * vq->size);
}

error_t virtqueue_init(struct virtqueue *vq, uint16_t size, bool event_idx)
{
	error_t err;

	if (size == 0 || size > VIRTQ_MAX_SIZE || (size & (size - 1)) != 0)
		return ERR_INVALID;
	*vq = (struct virtqueue){ .size = size, .num_free = size, .event_idx = event_idx };
	vq->slots = heap_alloc(size * sizeof(vq->slots[0]));
	if (vq->slots == NULL)
		return ERR_NO_MEMORY;
	err = dma_alloc(used_offset(vq) + VIRTQ_USED_BYTES((size_t)size), &vq->memory);
	if (err != 0) {
		heap_free(vq->slots);
		return err;
	}
	vq->desc = (volatile struct virtq_desc *)(void *)vq->memory.bytes;
	vq->avail = (volatile struct virtq_avail *)(void *)(vq->memory.bytes + avail_offset(vq));
	vq->used = (volatile struct virtq_used *)(void *)(vq->memory.bytes + used_offset(vq));
	for (uint16_t i = 0; i < size; i++)
		vq->slots[i].next = (uint16_t)(i + 1);
	return 0;
}

void virtqueue_deinit(struct virtqueue *vq)
{
	dma_free(&vq->memory);
	heap_free(vq->slots);
	*vq = (struct virtqueue){ 0 };
}

uint64_t virtqueue_desc_paddr(const struct virtqueue *vq)
{
	return vq->memory.paddr;
}

uint64_t virtqueue_avail_paddr(const struct virtqueue *vq)
{
	return vq->memory.paddr + avail_offset(vq);
}

uint64_t virtqueue_used_paddr(const struct virtqueue *vq)
{
	return vq->memory.paddr + used_offset(vq);
}

// Whether the chain keeps to the order of 2.7.4.2, and how much the device may write into it.
static bool chain_is_valid(const struct virtqueue_buffer *buffers, size_t count, uint32_t *writable)
{
	*writable = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && buffers[i - 1].device_writes && !buffers[i].device_writes)
			return false;
		if (buffers[i].device_writes &&
		    __builtin_add_overflow(*writable, buffers[i].len, writable))
			return false;
	}
	return count > 0;
}

error_t virtqueue_push(struct virtqueue *vq, const struct virtqueue_buffer *buffers, size_t count,
                       void *token)
{
	uint16_t head = vq->free_head;
	uint16_t index = head;
	uint32_t writable;

	if (token == NULL || !chain_is_valid(buffers, count, &writable))
		return ERR_INVALID;
	if (count > vq->num_free || vq->broken)
		return ERR_FULL;
	for (size_t i = 0; i < count; i++) {
		uint16_t flags = buffers[i].device_writes ? VIRTQ_DESC_F_WRITE : 0;
		bool last = i + 1 == count;

		vq->desc[index].addr = buffers[i].paddr;
		vq->desc[index].len = buffers[i].len;
		vq->desc[index].flags = (uint16_t)(flags | (last ? 0 : VIRTQ_DESC_F_NEXT));
		vq->desc[index].next = last ? 0 : vq->slots[index].next;
		if (last)
			vq->free_head = vq->slots[index].next;
		index = vq->slots[index].next;
	}
	vq->num_free = (uint16_t)(vq->num_free - count);
	vq->slots[head].token = token;
	vq->slots[head].writable = writable;
	vq->slots[head].chain_len = (uint16_t)count;
	vq->avail->ring[vq->avail_idx & (vq->size - 1)] = head;
	vq->avail_idx++;
	return 0;
}

bool virtqueue_publish(struct virtqueue *vq)
{
	uint16_t old_idx = vq->published_idx;

	if (vq->avail_idx == old_idx)
		return false;
	barrier_memory();  // the entries before the index
	vq->avail->idx = vq->avail_idx;
	vq->published_idx = vq->avail_idx;
	barrier_memory();  // the index before the device's wish, or both sides may miss each other
	if (vq->event_idx)
		return virtq_need_event(avail_event(vq), vq->avail_idx, old_idx);
	return (vq->used->flags & VIRTQ_USED_F_NO_NOTIFY) == 0;
}

// Puts the descriptors of a chain back.
static void chain_free(struct virtqueue *vq, uint16_t head)
{
	uint16_t count = vq->slots[head].chain_len;
	uint16_t last = head;

	for (uint16_t i = 1; i < count; i++)
		last = vq->slots[last].next;
	vq->slots[last].next = vq->free_head;
	vq->free_head = head;
	vq->num_free = (uint16_t)(vq->num_free + count);
	vq->slots[head].chain_len = 0;
	vq->slots[head].token = NULL;
}

error_t virtqueue_pop(struct virtqueue *vq, void **token, uint32_t *written)
{
	uint16_t waiting;
	uint32_t id, len;

	if (vq->broken)
		return ERR_PROTOCOL;
	waiting = (uint16_t)(vq->used->idx - vq->used_idx);
	if (waiting == 0)
		return ERR_EMPTY;
	barrier_memory();  // the index before the entry
	id = vq->used->ring[vq->used_idx & (vq->size - 1)].id;
	len = vq->used->ring[vq->used_idx & (vq->size - 1)].len;
	if (waiting > vq->size || id >= vq->size || vq->slots[id].chain_len == 0 ||
	    len > vq->slots[id].writable) {
		vq->broken = true;
		return ERR_PROTOCOL;
	}
	*token = vq->slots[id].token;
	*written = len;
	chain_free(vq, (uint16_t)id);
	vq->used_idx++;
	return 0;
}

void virtqueue_disable_interrupts(struct virtqueue *vq)
{
	// With the event index an interrupt comes once per move past the event, which is behind
	// already.
	if (!vq->event_idx)
		vq->avail->flags = VIRTQ_AVAIL_F_NO_INTERRUPT;
}

bool virtqueue_enable_interrupts(struct virtqueue *vq, uint16_t after)
{
	if (vq->event_idx) {
		*used_event(vq) = (uint16_t)(vq->used_idx + after - 1);
	} else {
		vq->avail->flags = 0;
		after = 1;
	}
	barrier_memory();  // the wish before the index, or both sides may miss each other
	return (uint16_t)(vq->used->idx - vq->used_idx) < after;
}
