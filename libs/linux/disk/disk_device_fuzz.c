// SPDX-License-Identifier: MIT
//
// A guest's block devices over the cache and over the pump, as a VM has them, while the guest
// resets device and queue midway and the disk answers late, in any order, with errors, or dies and
// comes back. At the end no request is left in hand.
#include "libs/linux/disk/disk_cache.h"
#include "libs/linux/disk/disk_fake.h"
#include "libs/linux/disk/disk_pump.h"
#include "libs/virtio/device_blk.h"
#include "libs/virtio/device_fuzz.h"

#define DISK_BYTES (1u << 20)

struct transfer {
	struct blk_device_request *request;
	union {
		struct disk_cache_read read;
		struct disk_transfer pumped;
	};
};

static struct blk_device *dev;
static struct disk_cache cache;
static struct disk_pump pump;
static struct transfer transfers[BLK_DEVICE_MAX_REQUESTS];
static bool uses_pump;

static void put(void *context, size_t position, struct span bytes)
{
	blk_device_put(((struct transfer *)context)->request, position, bytes);
}

static bool take(void *context, size_t position, struct mut_span bytes)
{
	return blk_device_take(((struct transfer *)context)->request, position, bytes);
}

static void finished(void *context, error_t status)
{
	blk_device_finish(((struct transfer *)context)->request, status);
}

static void start(struct blk_device_request *request, enum disk_transfer_kind kind)
{
	struct transfer *t = &transfers[request - dev->requests];

	if (!range_within(request->offset, request->length, DISK_BYTES))
		abort();
	*t = (struct transfer){ .request = request };
	if (uses_pump) {
		t->pumped = (struct disk_transfer){ .kind = kind,
			                            .offset = request->offset,
			                            .length = request->length,
			                            .put = put,
			                            .take = take,
			                            .finished = finished,
			                            .context = t };
		disk_pump_start(&pump, &t->pumped);
	} else {
		t->read = (struct disk_cache_read){ .offset = request->offset,
			                            .length = request->length,
			                            .piece = put,
			                            .finished = finished,
			                            .context = t };
		disk_cache_read(&cache, &t->read);
	}
}

static void start_read(void *context, struct blk_device_request *request)
{
	(void)context;
	start(request, DISK_TRANSFER_READ);
}

static void start_write(void *context, struct blk_device_request *request)
{
	(void)context;
	start(request, DISK_TRANSFER_WRITE);
}

static void start_flush(void *context, struct blk_device_request *request)
{
	(void)context;
	start(request, DISK_TRANSFER_FLUSH);
}

static void come_back(error_t error)
{
	disk.ready = error == 0;
	if (uses_pump)
		disk_pump_resume(&pump, error);
	else
		disk_cache_resume(&cache, error);
}

// Offers a request that is right, as far as the rings are.
static void offer(uint8_t op)
{
	struct virtio_blk_req header = { .type = op & 1 ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN,
		                         .sector = op * 7u };
	uint16_t data = op & 1 ? 0 : VIRTQ_DESC_F_WRITE;
	struct test_guest *g = dev->mmio.irq_context;

	memcpy(g->memory + TEST_BUFFERS, &header, sizeof(header));
	test_set_desc(g, 0, 0, TEST_GPA + TEST_BUFFERS, sizeof(header), VIRTQ_DESC_F_NEXT, 1);
	test_set_desc(g, 0, 1, TEST_GPA + TEST_BUFFERS + 512, 512u * (op % 64 + 1),
	              data | VIRTQ_DESC_F_NEXT, 2);
	test_set_desc(g, 0, 2, TEST_GPA + TEST_BUFFERS + 64, 1, VIRTQ_DESC_F_WRITE, 0);
	test_offer(g, 0, 0);
	virtio_mmio_notified(&dev->mmio, 0);
}

static void step(void *context, uint8_t op)
{
	(void)context;
	switch (op % 8) {
	case 0:
	case 1:
	case 2: offer(op / 8); break;
	case 3:
	case 4:
		if (num_pending > 0)
			answer(op / 8 % num_pending, 0);
		break;
	case 5:
		if (num_pending > 0)
			answer(op / 8 % num_pending, ERR_IO);
		break;
	case 6: max_pending = op / 8 % 8 + 1; break;
	default:
		if (disk.ready)
			disk_dies();
		else
			come_back(0);
		break;
	}
	if (depth != 0)
		abort();
}

// All that is in hand comes to its end; then nothing is.
static void end(void)
{
	max_pending = 64;
	if (!disk.ready)
		come_back(0);
	answer_all();
	for (uint32_t i = 0; i < BLK_DEVICE_MAX_REQUESTS; i++) {
		if (dev->requests[i].busy)
			abort();
	}
	if (uses_pump)
		disk_pump_deinit(&pump);
	else
		disk_cache_deinit(&cache);
	if (num_open != 0 || depth != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Made once: so much memory is slow to get.
	static struct test_guest memory, *guest = &memory;
	struct reader r = reader_make(data, size);

	dev = calloc(1, sizeof(*dev));
	uses_pump = reader_u8(&r) % 2 != 0;
	test_guest_init(guest, &dev->mmio);
	// What is on it does not matter, and takes long to write.
	disk_fake_reset(0);
	disk.num_sectors = DISK_BYTES / 512;
	dev->read = start_read;
	dev->write = uses_pump ? start_write : NULL;
	dev->flush = uses_pump ? start_flush : NULL;
	dev->num_sectors = DISK_BYTES / 512;
	blk_device_init(dev);
	disk_pump_init(&pump, &disk, enter, leave, NULL);
	disk_cache_init(&cache, &disk, enter, leave, NULL);
	cache.may_return = true;
	fuzz_device(guest, &dev->mmio, r.rest.data, r.rest.len, step, NULL, NULL);
	end();
	free(dev);
	return 0;
}
