// SPDX-License-Identifier: MIT
#include "libs/virtio/mmio.h"

#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/barrier.h"

// A device that does not finish its reset within so many reads of its status is broken.
#define RESET_READS 100000u
#define CONFIG_READS 100u

#ifdef STARINA_HOST
// The test's fake device.
uint32_t virtio_fake_read(volatile void *address, size_t width);
void virtio_fake_write(volatile void *address, uint32_t value);

static uint32_t reg_read(const struct virtio_device *dev, uint32_t offset)
{
	return virtio_fake_read(dev->regs + offset, 4);
}

static void reg_write(const struct virtio_device *dev, uint32_t offset, uint32_t value)
{
	virtio_fake_write(dev->regs + offset, value);
}

static uint32_t config_read_field(const struct virtio_device *dev, size_t offset, size_t width)
{
	return virtio_fake_read(dev->regs + VIRTIO_MMIO_CONFIG + offset, width);
}
#else
static uint32_t reg_read(const struct virtio_device *dev, uint32_t offset)
{
	uint32_t value = *(volatile uint32_t *)(volatile void *)(dev->regs + offset);

	barrier_io();
	return value;
}

static void reg_write(const struct virtio_device *dev, uint32_t offset, uint32_t value)
{
	barrier_io();
	*(volatile uint32_t *)(volatile void *)(dev->regs + offset) = value;
}

static uint32_t config_read_field(const struct virtio_device *dev, size_t offset, size_t width)
{
	volatile void *field = dev->regs + VIRTIO_MMIO_CONFIG + offset;

	switch (width) {
	case 1: return *(volatile uint8_t *)field;
	case 2: return *(volatile uint16_t *)field;
	default: return *(volatile uint32_t *)field;
	}
}
#endif

static void status_add(struct virtio_device *dev, uint32_t bits)
{
	reg_write(dev, VIRTIO_MMIO_STATUS, reg_read(dev, VIRTIO_MMIO_STATUS) | bits);
}

static bool device_reset(struct virtio_device *dev)
{
	reg_write(dev, VIRTIO_MMIO_STATUS, 0);
	for (unsigned int i = 0; i < RESET_READS; i++) {
		if (reg_read(dev, VIRTIO_MMIO_STATUS) == 0)
			return true;
	}
	return false;
}

static error_t device_identify(struct virtio_device *dev, uint32_t device_id)
{
	uint32_t version, found;

	if (reg_read(dev, VIRTIO_MMIO_MAGIC_VALUE) != VIRTIO_MMIO_MAGIC) {
		log_error("%s: no virtio-mmio device at its registers: the device tree is wrong",
		          dev->name);
		return ERR_IO;
	}
	version = reg_read(dev, VIRTIO_MMIO_VERSION);
	if (version == VIRTIO_MMIO_VERSION_LEGACY) {
		log_error("%s: the device has the legacy interface only: start QEMU with "
		          "-global virtio-mmio.force-legacy=false",
		          dev->name);
		return ERR_NOT_SUPPORTED;
	}
	if (version != VIRTIO_MMIO_VERSION_MODERN) {
		log_error("%s: unknown version %u of virtio-mmio (known: %u)", dev->name, version,
		          VIRTIO_MMIO_VERSION_MODERN);
		return ERR_NOT_SUPPORTED;
	}
	found = reg_read(dev, VIRTIO_MMIO_DEVICE_ID);
	return found == device_id ? 0 : ERR_NOT_FOUND;
}

error_t virtio_device_open(struct virtio_device *dev, const struct env_entry *entry,
                           uint32_t device_id, const char *name)
{
	void *base;
	error_t err;

	err = folio_map(entry->handle, PROT_READ | PROT_WRITE, &base);
	if (err != 0)
		return err;
	if (entry->reg_size < VIRTIO_MMIO_CONFIG)
		return ERR_IO;
	*dev = (struct virtio_device){
		.regs = (volatile uint8_t *)base + entry->reg_offset,
		.regs_size = entry->reg_size,
		.interrupt = entry->interrupt,
		.name = name,
	};
	err = device_identify(dev, device_id);
	if (err != 0)
		return err;
	if (!device_reset(dev)) {
		log_error("%s: the device does not finish its reset", name);
		return ERR_IO;
	}
	status_add(dev, VIRTIO_STATUS_ACKNOWLEDGE);
	status_add(dev, VIRTIO_STATUS_DRIVER);
	return 0;
}

error_t virtio_device_negotiate(struct virtio_device *dev, uint64_t wanted)
{
	uint64_t offered;

	reg_write(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	offered = (uint64_t)reg_read(dev, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	reg_write(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	offered |= reg_read(dev, VIRTIO_MMIO_DEVICE_FEATURES);
	if ((offered & VIRTIO_F_VERSION_1) == 0) {
		virtio_device_fail(dev, "it does not offer VIRTIO_F_VERSION_1");
		return ERR_NOT_SUPPORTED;
	}
	dev->features = offered & (wanted | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX);
	reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(dev->features >> 32));
	reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)dev->features);
	status_add(dev, VIRTIO_STATUS_FEATURES_OK);
	if ((reg_read(dev, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK) == 0) {
		virtio_device_fail(dev, "it does not accept the features");
		return ERR_NOT_SUPPORTED;
	}
	return 0;
}

error_t virtio_queue_setup(struct virtio_device *dev, uint32_t index, uint16_t max_size,
                           struct virtqueue *vq)
{
	uint32_t device_max;
	error_t err;

	reg_write(dev, VIRTIO_MMIO_QUEUE_SEL, index);
	device_max = reg_read(dev, VIRTIO_MMIO_QUEUE_NUM_MAX);
	if (device_max == 0 || reg_read(dev, VIRTIO_MMIO_QUEUE_READY) != 0)
		return ERR_NOT_FOUND;
	while (max_size > device_max)
		max_size /= 2;
	err = virtqueue_init(vq, max_size, virtio_device_has(dev, VIRTIO_F_EVENT_IDX));
	if (err != 0)
		return err;
	reg_write(dev, VIRTIO_MMIO_QUEUE_NUM, vq->size);
	reg_write(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)virtqueue_desc_paddr(vq));
	reg_write(dev, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(virtqueue_desc_paddr(vq) >> 32));
	reg_write(dev, VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)virtqueue_avail_paddr(vq));
	reg_write(dev, VIRTIO_MMIO_QUEUE_DRIVER_HIGH, (uint32_t)(virtqueue_avail_paddr(vq) >> 32));
	reg_write(dev, VIRTIO_MMIO_QUEUE_DEVICE_LOW, (uint32_t)virtqueue_used_paddr(vq));
	reg_write(dev, VIRTIO_MMIO_QUEUE_DEVICE_HIGH, (uint32_t)(virtqueue_used_paddr(vq) >> 32));
	reg_write(dev, VIRTIO_MMIO_QUEUE_READY, 1);
	return 0;
}

void virtio_device_start(struct virtio_device *dev)
{
	status_add(dev, VIRTIO_STATUS_DRIVER_OK);
}

void virtio_device_reset(struct virtio_device *dev)
{
	if (!device_reset(dev))
		log_error("%s: the device does not finish its reset", dev->name);
}

void virtio_device_fail(struct virtio_device *dev, const char *why)
{
	log_error("%s: giving up on the device: %s", dev->name, why);
	status_add(dev, VIRTIO_STATUS_FAILED);
}

void virtio_queue_kick(struct virtio_device *dev, uint32_t index, struct virtqueue *vq)
{
	if (virtqueue_publish(vq))
		reg_write(dev, VIRTIO_MMIO_QUEUE_NOTIFY, index);
}

uint32_t virtio_interrupt_take(struct virtio_device *dev)
{
	uint32_t causes = reg_read(dev, VIRTIO_MMIO_INTERRUPT_STATUS);

	if (causes != 0)
		reg_write(dev, VIRTIO_MMIO_INTERRUPT_ACK, causes);
	// The device's used indices are read after this, so that an entry added later interrupts
	// again.
	barrier_io();
	return causes;
}

error_t virtio_config_read(const struct virtio_device *dev, size_t offset, size_t width,
                           size_t count, void *out)
{
	uint8_t *bytes = out;

	if (!range_within(offset, width * count, dev->regs_size - VIRTIO_MMIO_CONFIG) ||
	    offset % width != 0)
		return ERR_RANGE;
	for (unsigned int tries = 0; tries < CONFIG_READS; tries++) {
		uint32_t generation = reg_read(dev, VIRTIO_MMIO_CONFIG_GENERATION);

		for (size_t i = 0; i < count; i++) {
			uint32_t value = config_read_field(dev, offset + i * width, width);

			memcpy(bytes + i * width, &value, width);
		}
		barrier_io();
		if (reg_read(dev, VIRTIO_MMIO_CONFIG_GENERATION) == generation)
			return 0;
	}
	return ERR_IO;
}
