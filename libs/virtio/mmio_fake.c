// SPDX-License-Identifier: MIT
#include "libs/virtio/mmio_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/starina/system_fake.h"

#define MAX_QUEUES 64u

struct fake_virtio fake_virtio;
static struct {
	struct virtqueue *vq;  // NULL: the driver has not set it up
	uint16_t taken;        // of the available ring
	uint16_t used;
} queues[MAX_QUEUES];
static handle_t interrupt;

void fake_virtio_reset(void)
{
	memset(queues, 0, sizeof(queues));
}

error_t virtio_device_open(struct virtio_device *dev, const struct env_entry *entry,
                           uint32_t device_id, const char *name)
{
	(void)device_id;
	interrupt = entry->interrupt;
	*dev = (struct virtio_device){ .interrupt = entry->interrupt, .name = name };
	return 0;
}

error_t virtio_device_negotiate(struct virtio_device *dev, uint64_t wanted)
{
	dev->features = fake_virtio.features & (wanted | VIRTIO_F_EVENT_IDX);
	return 0;
}

error_t virtio_queue_setup(struct virtio_device *dev, uint32_t index, uint16_t max_size,
                           struct virtqueue *vq)
{
	error_t err;

	if (index >= fake_virtio.num_queues || index >= MAX_QUEUES)
		return ERR_NOT_FOUND;
	err = virtqueue_init(vq, max_size, virtio_device_has(dev, VIRTIO_F_EVENT_IDX));
	if (err == 0)
		queues[index].vq = vq;
	return err;
}

void virtio_device_start(struct virtio_device *dev)
{
	(void)dev;
}

void virtio_device_reset(struct virtio_device *dev)
{
	(void)dev;
	fake_virtio_reset();
}

void virtio_device_fail(struct virtio_device *dev, const char *why)
{
	(void)dev;
	(void)why;
}

void virtio_queue_kick(struct virtio_device *dev, uint32_t index, struct virtqueue *vq)
{
	(void)dev;
	(void)index;
	(void)virtqueue_publish(vq);
}

uint32_t virtio_interrupt_take(struct virtio_device *dev)
{
	(void)dev;
	return 1;
}

error_t virtio_config_read(const struct virtio_device *dev, size_t offset, size_t width,
                           size_t count, void *out)
{
	(void)dev;
	if (offset + width * count > sizeof(fake_virtio.config))
		return ERR_RANGE;
	memcpy(out, fake_virtio.config + offset, width * count);
	return 0;
}

static void say_used(struct virtqueue *vq, uint16_t *used, uint32_t id, uint32_t len)
{
	vq->used->ring[*used % vq->size].id = id;
	vq->used->ring[*used % vq->size].len = len;
	vq->used->idx = ++*used;
	fake_interrupt_raise(interrupt);
}

// Goes through a chain, and looks at or writes to each byte of it, for the sanitizer. Returns how
// many were written.
static size_t chain_touch(const struct virtqueue *vq, uint16_t head, const uint8_t *bytes,
                          size_t len, size_t max)
{
	volatile uint8_t sum = 0;
	size_t written = 0;
	uint16_t at = head;

	for (unsigned n = 0; n <= vq->size; n++) {
		volatile struct virtq_desc *desc = &vq->desc[at];
		uint8_t *memory = (uint8_t *)(uintptr_t)desc->addr;

		for (size_t i = 0; i < desc->len; i++) {
			if ((desc->flags & VIRTQ_DESC_F_WRITE) == 0)
				sum = (uint8_t)(sum + memory[i]);
			else if (written < max)
				memory[i] = len > 0 ? bytes[written++ % len] : (uint8_t)written++;
		}
		if ((desc->flags & VIRTQ_DESC_F_NEXT) == 0)
			return written;
		at = desc->next;
	}
	abort();  // the driver made a circle
}

bool fake_virtio_use(uint32_t queue, const uint8_t *bytes, size_t len, size_t max, unsigned lie)
{
	struct virtqueue *vq = queue < MAX_QUEUES ? queues[queue].vq : NULL;
	uint16_t head;
	size_t written;

	if (vq == NULL || queues[queue].taken == vq->avail->idx)
		return false;
	head = vq->avail->ring[queues[queue].taken++ % vq->size];
	if (head >= vq->size)
		abort();
	written = chain_touch(vq, head, bytes, len, max);
	if ((lie & 4) != 0)
		queues[queue].used = (uint16_t)(queues[queue].used + lie);
	say_used(vq, &queues[queue].used, (lie & 1) != 0 ? head + lie : head,
	         (uint32_t)((lie & 2) != 0 ? written + 1 : written));
	return true;
}
