// SPDX-License-Identifier: MIT

#include "libs/virtio/device_mmio.h"

#include "libs/base/string.h"
#include "libs/virtio/spec.h"

#define VENDOR_ID 0x4e525453u  // "STRN"
#define TRANSPORT_FEATURES (VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

static void page_store(struct virtio_mmio_device *dev, uint32_t offset, uint32_t value)
{
	__atomic_store_n((uint32_t *)(void *)(dev->page + offset), value, __ATOMIC_RELEASE);
}

static struct device_queue *selected_queue(struct virtio_mmio_device *dev)
{
	return dev->queue_sel < dev->num_queues ? &dev->queues[dev->queue_sel] : NULL;
}

static uint32_t selected_queue_max(const struct virtio_mmio_device *dev)
{
	if (dev->queue_sel >= dev->num_queues)
		return 0;
	return (dev->small_queues >> dev->queue_sel & 1) != 0 ? DEVICE_QUEUE_SMALL_SIZE
							      : DEVICE_QUEUE_MAX_SIZE;
}

// What reads depend on selectors.
static void update_selected(struct virtio_mmio_device *dev)
{
	const struct device_queue *q = selected_queue(dev);
	uint64_t features = dev->features | TRANSPORT_FEATURES;
	uint32_t half = 0;

	if (dev->device_features_sel < 2)
		half = (uint32_t)(features >> (32 * dev->device_features_sel));
	page_store(dev, VIRTIO_MMIO_DEVICE_FEATURES, half);
	page_store(dev, VIRTIO_MMIO_QUEUE_NUM_MAX, selected_queue_max(dev));
	page_store(dev, VIRTIO_MMIO_QUEUE_READY, q != NULL && q->ready ? 1 : 0);
}

static void update_interrupt(struct virtio_mmio_device *dev, uint32_t status)
{
	bool level = status != 0;
	bool change = level != (dev->interrupt_status != 0);

	dev->interrupt_status = status;
	page_store(dev, VIRTIO_MMIO_INTERRUPT_STATUS, status);
	if (change)
		dev->set_irq(dev->irq_context, dev->irq, level);
}

static void set_status(struct virtio_mmio_device *dev, uint32_t status)
{
	dev->status = status;
	page_store(dev, VIRTIO_MMIO_STATUS, status);
}

static void device_reset(struct virtio_mmio_device *dev)
{
	for (uint32_t i = 0; i < dev->num_queues; i++)
		device_queue_reset(&dev->queues[i]);
	dev->driver_features = 0;
	dev->device_features_sel = 0;
	dev->driver_features_sel = 0;
	dev->queue_sel = 0;
	set_status(dev, 0);
	update_interrupt(dev, 0);
	update_selected(dev);
	if (dev->ops->reset != NULL)
		dev->ops->reset(dev->context);
}

void virtio_mmio_init(struct virtio_mmio_device *dev)
{
	page_store(dev, VIRTIO_MMIO_MAGIC_VALUE, VIRTIO_MMIO_MAGIC);
	page_store(dev, VIRTIO_MMIO_VERSION, VIRTIO_MMIO_VERSION_MODERN);
	page_store(dev, VIRTIO_MMIO_DEVICE_ID, dev->device_id);
	page_store(dev, VIRTIO_MMIO_VENDOR_ID, VENDOR_ID);
	// No shared memory regions: their length reads as all ones (section 4.2.2).
	page_store(dev, VIRTIO_MMIO_SHM_LEN_LOW, UINT32_MAX);
	page_store(dev, VIRTIO_MMIO_SHM_LEN_HIGH, UINT32_MAX);
	page_store(dev, VIRTIO_MMIO_SHM_BASE_LOW, UINT32_MAX);
	page_store(dev, VIRTIO_MMIO_SHM_BASE_HIGH, UINT32_MAX);
	update_selected(dev);
}

void virtio_mmio_set_config(struct virtio_mmio_device *dev, const void *config, size_t len,
                            bool interrupt)
{
	if (len > VIRTIO_MMIO_MAX_CONFIG)
		len = VIRTIO_MMIO_MAX_CONFIG;
	// The generation changes on both sides, so that a driver that reads across the copy reads
	// again.
	page_store(dev, VIRTIO_MMIO_CONFIG_GENERATION, ++dev->config_generation);
	memcpy(dev->page + VIRTIO_MMIO_CONFIG, config, len);
	page_store(dev, VIRTIO_MMIO_CONFIG_GENERATION, ++dev->config_generation);
	if (interrupt && virtio_mmio_is_running(dev))
		update_interrupt(dev, dev->interrupt_status | VIRTIO_MMIO_INT_CONFIG);
}

static void write_status(struct virtio_mmio_device *dev, uint32_t value)
{
	uint64_t offered = dev->features | TRANSPORT_FEATURES;

	if (value == 0) {
		device_reset(dev);
		return;
	}
	// The driver only adds bits, NEEDS_RESET is ours, and features that were not offered are
	// not accepted.
	value = (value & ~VIRTIO_STATUS_NEEDS_RESET) | dev->status;
	if ((dev->driver_features & ~offered) != 0 ||
	    (dev->driver_features & VIRTIO_F_VERSION_1) == 0)
		value &= ~(VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	if ((value & VIRTIO_STATUS_FEATURES_OK) == 0)
		value &= ~VIRTIO_STATUS_DRIVER_OK;
	bool started = (value & ~dev->status & VIRTIO_STATUS_DRIVER_OK) != 0;
	set_status(dev, value);
	if (started && dev->ops->driver_ok != NULL)
		dev->ops->driver_ok(dev->context);
}

// Starts a queue as the driver has set it up, unless it cannot be: too large, out of memory, or
// over another queue's rings.
static bool start_queue(struct virtio_mmio_device *dev, struct device_queue *q)
{
	bool event_index = (dev->driver_features & VIRTIO_F_EVENT_IDX) != 0;

	if (q->size > selected_queue_max(dev) || device_queue_start(q, dev->mem, event_index) < 0)
		return false;
	for (uint32_t i = 0; i < dev->num_queues; i++) {
		const struct device_queue *other = &dev->queues[i];

		if (other != q && other->ready && device_queue_overlaps(q, other))
			return false;
	}
	return true;
}

static void write_queue_ready(struct virtio_mmio_device *dev, struct device_queue *q,
                              uint32_t value)
{
	if (value == 0) {
		device_queue_reset(q);
		if (dev->ops->queue_reset != NULL)
			dev->ops->queue_reset(dev->context, dev->queue_sel);
	} else if (!q->ready && !start_queue(dev, q)) {
		// It stays not ready: the driver reads that back.
		device_queue_reset(q);
	}
	update_selected(dev);
}

static void set_low(gpa_t *gpa, uint32_t value)
{
	*gpa = (*gpa & ~(gpa_t)UINT32_MAX) | value;
}

static void set_high(gpa_t *gpa, uint32_t value)
{
	*gpa = (*gpa & UINT32_MAX) | (gpa_t)value << 32;
}

static void write_queue(struct virtio_mmio_device *dev, uint32_t offset, uint32_t value)
{
	struct device_queue *q = selected_queue(dev);

	if (q == NULL)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_READY) {
		write_queue_ready(dev, q, value);
		return;
	}
	if (q->ready)
		return;  // fixed while in use (section 4.2.2.2)
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM: q->size = value; break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW: set_low(&q->desc_gpa, value); break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH: set_high(&q->desc_gpa, value); break;
	case VIRTIO_MMIO_QUEUE_DRIVER_LOW: set_low(&q->avail_gpa, value); break;
	case VIRTIO_MMIO_QUEUE_DRIVER_HIGH: set_high(&q->avail_gpa, value); break;
	case VIRTIO_MMIO_QUEUE_DEVICE_LOW: set_low(&q->used_gpa, value); break;
	case VIRTIO_MMIO_QUEUE_DEVICE_HIGH: set_high(&q->used_gpa, value); break;
	default: break;
	}
}

static void write_driver_features(struct virtio_mmio_device *dev, uint32_t value)
{
	if ((dev->status & VIRTIO_STATUS_FEATURES_OK) != 0)
		return;
	if (dev->driver_features_sel == 0)
		dev->driver_features = (dev->driver_features & ~(uint64_t)UINT32_MAX) | value;
	else if (dev->driver_features_sel == 1)
		dev->driver_features = (dev->driver_features & UINT32_MAX) | (uint64_t)value << 32;
}

void virtio_mmio_write(struct virtio_mmio_device *dev, uint64_t offset, uint32_t width,
                       uint64_t data)
{
	uint32_t value = (uint32_t)data;

	// Registers are 32 bits wide; none of our devices has a writable configuration space.
	if (width != 4 || offset % 4 != 0 || offset >= VIRTIO_MMIO_CONFIG)
		return;
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		dev->device_features_sel = value;
		update_selected(dev);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL: dev->driver_features_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES: write_driver_features(dev, value); break;
	case VIRTIO_MMIO_QUEUE_SEL:
		dev->queue_sel = value;
		update_selected(dev);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		update_interrupt(dev, dev->interrupt_status & ~value);
		break;
	case VIRTIO_MMIO_STATUS: write_status(dev, value & 0xff); break;
	default: write_queue(dev, (uint32_t)offset, value); break;
	}
}

uint64_t virtio_mmio_read(const struct virtio_mmio_device *dev, uint64_t offset, uint32_t width)
{
	uint64_t value = 0;

	if (width == 0 || width > sizeof(value) || !range_within(offset, width, PAGE_SIZE))
		return 0;
	memcpy(&value, dev->page + offset, width);
	return value;
}

bool virtio_mmio_is_running(const struct virtio_mmio_device *dev)
{
	return (dev->status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET)) ==
		VIRTIO_STATUS_DRIVER_OK;
}

void virtio_mmio_notified(struct virtio_mmio_device *dev, uint32_t index)
{
	if (index < dev->num_queues && virtio_mmio_is_running(dev))
		dev->ops->notify(dev->context, index);
}

void virtio_mmio_serve(struct virtio_mmio_device *dev)
{
	if (dev->ops->serve != NULL)
		dev->ops->serve(dev->context);
	for (uint32_t i = 0; i < dev->num_queues; i++) {
		if (device_queue_has_work(&dev->queues[i]))
			virtio_mmio_notified(dev, i);
	}
}

bool virtio_mmio_more(struct virtio_mmio_device *dev, uint32_t index, bool spent)
{
	struct device_queue *q = &dev->queues[index];

	if (!device_queue_want_notify(q))
		return false;
	if (!spent)
		return true;
	device_queue_suppress_notify(q);
	dev->notify_later(dev->irq_context, dev->irq);
	return false;
}

void virtio_mmio_queue_interrupt(struct virtio_mmio_device *dev, uint32_t index)
{
	if (!device_queue_wants_interrupt(&dev->queues[index]))
		return;
	if (dev->post_irq == NULL || !dev->post_irq(dev->irq_context, dev->irq))
		update_interrupt(dev, dev->interrupt_status | VIRTIO_MMIO_INT_VRING);
}

void virtio_mmio_needs_reset(struct virtio_mmio_device *dev)
{
	if (!virtio_mmio_is_running(dev))
		return;
	set_status(dev, dev->status | VIRTIO_STATUS_NEEDS_RESET);
	update_interrupt(dev, dev->interrupt_status | VIRTIO_MMIO_INT_CONFIG);
}
