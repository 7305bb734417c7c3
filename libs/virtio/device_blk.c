// SPDX-License-Identifier: MIT

#include "libs/virtio/device_blk.h"

#include "libs/base/string.h"
#include "libs/virtio/spec.h"

// Of requests started in one turn, or a little more: what the cache has is copied at once.
#define TURN_BYTES BLK_DEVICE_MAX_BYTES

static struct blk_device_request *request_get(struct blk_device *dev)
{
	for (uint32_t i = 0; i < BLK_DEVICE_MAX_REQUESTS; i++) {
		if (!dev->requests[i].busy)
			return &dev->requests[i];
	}
	return NULL;
}

// Answers a chain: the status byte is the last of its writable part (section 5.2.6).
static void answer(struct blk_device *dev, const struct device_chain *chain, uint8_t status,
                   size_t data_len)
{
	device_chain_write(chain, chain->writable_len - 1, &status, 1);
	device_queue_push(&dev->mmio.queues[0], chain->head, (uint32_t)data_len + 1);
}

// Hands a request of `length` bytes to the backend's `start`. Returns false when no request is
// free.
static bool start(struct blk_device *dev, uint64_t sector, uint64_t length, bool is_read,
                  void (*start_fn)(void *context, struct blk_device_request *request))
{
	struct blk_device_request *request = request_get(dev);

	if (request == NULL)
		return false;
	request->device = dev;
	request->offset = sector * VIRTIO_BLK_SECTOR_SIZE;
	request->length = (size_t)length;
	request->busy = true;
	request->is_read = is_read;
	request->generation = dev->generation;
	request->chain = dev->chain;
	start_fn(dev->context, request);
	return true;
}

static bool start_transfer(struct blk_device *dev, uint64_t sector, uint64_t length, bool is_read)
{
	void (*start_fn)(void *context, struct blk_device_request *request) = is_read ? dev->read
										      : dev->write;

	if (start_fn == NULL || length % VIRTIO_BLK_SECTOR_SIZE != 0 || length == 0 ||
	    length > BLK_DEVICE_MAX_BYTES ||
	    !range_within(sector, length / VIRTIO_BLK_SECTOR_SIZE, dev->num_sectors)) {
		answer(dev, &dev->chain, VIRTIO_BLK_S_IOERR, 0);
		return true;
	}
	return start(dev, sector, length, is_read, start_fn);
}

// Section 5.2.6: one range, as the configuration space says.
static bool start_discard(struct blk_device *dev)
{
	struct virtio_blk_discard range;
	size_t size = dev->chain.readable_len - sizeof(struct virtio_blk_req);
	uint8_t status = VIRTIO_BLK_S_IOERR;

	if (dev->discard == NULL)
		status = VIRTIO_BLK_S_UNSUPP;
	else if (size == sizeof(range) &&
	         device_chain_read(&dev->chain, sizeof(struct virtio_blk_req), &range,
	                           sizeof(range)) == sizeof(range)) {
		if (range.flags != 0)
			status = VIRTIO_BLK_S_UNSUPP;
		else if (range.num_sectors > 0 && range.num_sectors <= BLK_DEVICE_MAX_DISCARD &&
		         range_within(range.sector, range.num_sectors, dev->num_sectors))
			return start(dev, range.sector,
			             (uint64_t)range.num_sectors * VIRTIO_BLK_SECTOR_SIZE, false,
			             dev->discard);
	}
	answer(dev, &dev->chain, status, 0);
	return true;
}

// Starts or answers the request in dev->chain. Returns false when no request is free.
static bool handle_chain(struct blk_device *dev)
{
	struct virtio_blk_req header;

	if (dev->chain.writable_len == 0) {
		// nowhere to put a status
		device_queue_push(&dev->mmio.queues[0], dev->chain.head, 0);
		return true;
	}
	if (device_chain_read(&dev->chain, 0, &header, sizeof(header)) != sizeof(header)) {
		answer(dev, &dev->chain, VIRTIO_BLK_S_IOERR, 0);
		return true;
	}
	switch (header.type) {
	case VIRTIO_BLK_T_IN:
		return start_transfer(dev, header.sector, dev->chain.writable_len - 1, true);
	case VIRTIO_BLK_T_OUT:
		return start_transfer(dev, header.sector, dev->chain.readable_len - sizeof(header),
		                      false);
	case VIRTIO_BLK_T_FLUSH:
		if (dev->flush != NULL)
			return start(dev, 0, 0, false, dev->flush);
		answer(dev, &dev->chain, VIRTIO_BLK_S_OK, 0);
		return true;
	case VIRTIO_BLK_T_DISCARD: return start_discard(dev);
	case VIRTIO_BLK_T_GET_ID:
		if (dev->chain.writable_len - 1 < VIRTIO_BLK_ID_BYTES) {
			answer(dev, &dev->chain, VIRTIO_BLK_S_IOERR, 0);
			return true;
		}
		device_chain_write(&dev->chain, 0, dev->serial, VIRTIO_BLK_ID_BYTES);
		answer(dev, &dev->chain, VIRTIO_BLK_S_OK, VIRTIO_BLK_ID_BYTES);
		return true;
	default: answer(dev, &dev->chain, VIRTIO_BLK_S_UNSUPP, 0); return true;
	}
}

static void process(struct blk_device *dev)
{
	struct device_queue *q = &dev->mmio.queues[0];
	uint32_t chains = DEVICE_QUEUE_BUDGET;
	uint64_t bytes = 0;
	error_t err = 0;

	dev->starved = false;
	do {
		device_queue_suppress_notify(q);
		while (!dev->starved && chains > 0 && bytes < TURN_BYTES &&
		       (err = device_queue_pop(q, &dev->chain)) == 0) {
			chains--;
			bytes += dev->chain.readable_len + dev->chain.writable_len;
			if (!handle_chain(dev)) {
				device_queue_unpop(q);
				dev->starved = true;
			}
		}
	} while (!dev->starved &&
	         virtio_mmio_more(&dev->mmio, 0, chains == 0 || bytes >= TURN_BYTES));
	if (err == ERR_PROTOCOL)
		virtio_mmio_needs_reset(&dev->mmio);
	virtio_mmio_queue_interrupt(&dev->mmio, 0);
}

void blk_device_put(struct blk_device_request *request, size_t position, struct span bytes)
{
	if (request->generation != request->device->generation ||
	    !range_within(position, bytes.len, request->length))
		return;
	device_chain_write(&request->chain, position, bytes.data, bytes.len);
}

bool blk_device_take(const struct blk_device_request *request, size_t position, struct mut_span out)
{
	if (request->generation != request->device->generation ||
	    !range_within(position, out.len, request->length))
		return false;
	return device_chain_read(&request->chain, sizeof(struct virtio_blk_req) + position,
	                         out.data, out.len) == out.len;
}

void blk_device_finish(struct blk_device_request *request, error_t status)
{
	struct blk_device *dev = request->device;

	request->busy = false;
	if (request->generation == dev->generation) {
		// Of a write, the device has written its status only.
		if (status == 0)
			answer(dev, &request->chain, VIRTIO_BLK_S_OK,
			       request->is_read ? request->length : 0);
		else
			answer(dev, &request->chain, VIRTIO_BLK_S_IOERR, 0);
		virtio_mmio_queue_interrupt(&dev->mmio, 0);
	}
	if (dev->starved && virtio_mmio_is_running(&dev->mmio))
		process(dev);
}

static void blk_notify(void *context, uint32_t queue)
{
	(void)queue;
	process(context);
}

static void blk_reset(void *context)
{
	struct blk_device *dev = context;

	dev->generation++;
	dev->starved = false;
}

static void blk_queue_reset(void *context, uint32_t queue)
{
	(void)queue;
	blk_reset(context);
}

static const struct virtio_mmio_ops blk_mmio_ops = { .reset = blk_reset,
	                                             .queue_reset = blk_queue_reset,
	                                             .notify = blk_notify };

static void config_set(struct blk_device *dev, bool interrupt)
{
	struct virtio_blk_config config = {
		.capacity = dev->num_sectors,
		.seg_max = DEVICE_CHAIN_MAX - 2,  // header and status
		.blk_size = VIRTIO_BLK_SECTOR_SIZE,
		.max_discard_sectors = dev->discard != NULL ? BLK_DEVICE_MAX_DISCARD : 0,
		.max_discard_seg = dev->discard != NULL ? 1 : 0,
		.discard_sector_alignment = dev->discard != NULL ? BLK_DEVICE_DISCARD_ALIGNMENT : 0,
	};

	virtio_mmio_set_config(&dev->mmio, &config, sizeof(config), interrupt);
}

void blk_device_init(struct blk_device *dev)
{
	dev->mmio.ops = &blk_mmio_ops;
	dev->mmio.context = dev;
	dev->mmio.device_id = VIRTIO_ID_BLOCK;
	dev->mmio.num_queues = 1;
	dev->mmio.features = VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE |
		(dev->write == NULL ? VIRTIO_BLK_F_RO : VIRTIO_BLK_F_FLUSH) |
		(dev->discard != NULL ? VIRTIO_BLK_F_DISCARD : 0);
	virtio_mmio_init(&dev->mmio);
	config_set(dev, false);
}

void blk_device_set_capacity(struct blk_device *dev, uint64_t num_sectors)
{
	dev->num_sectors = num_sectors;
	config_set(dev, true);
}
