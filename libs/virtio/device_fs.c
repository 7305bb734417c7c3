// SPDX-License-Identifier: MIT

#include "libs/virtio/device_fs.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/virtio/spec.h"

#define NUM_QUEUES 2u
// Of requests started in one turn, or a little more.
#define TURN_BYTES (1024u * 1024)
// The slot of requests without a reply.
#define NO_REPLY FS_DEVICE_MAX_REQUESTS

static struct fs_device_request *request_get(struct fs_device *dev)
{
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++) {
		if (!dev->requests[i].busy)
			return &dev->requests[i];
	}
	return NULL;
}

uint32_t fs_device_place(const struct fs_device_request *request)
{
	return (uint32_t)(request - request->device->requests);
}

uint64_t fs_device_unique(struct fs_device *dev, uint32_t place)
{
	return ++dev->count * FS_DEVICE_MAX_REQUESTS + place;
}

// Writes a reply of a header alone. Returns its length.
static uint32_t put_error(const struct device_chain *chain, uint64_t unique, int32_t linux_error)
{
	struct fuse_out_header out = {
		.len = sizeof(out),
		.error = -linux_error,
		.unique = unique,
	};

	if (chain->writable_len < sizeof(out))
		return 0;
	return (uint32_t)device_chain_write(chain, 0, &out, sizeof(out));
}

static bool has_no_reply(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_INTERRUPT;
}

// Whether a chain is a request: as long as its header says, and with room for its reply's header.
static bool is_request(const struct device_chain *chain, const struct fuse_in_header *header)
{
	return header->len == chain->readable_len && header->len <= FS_DEVICE_MAX_BYTES &&
		(has_no_reply(header->opcode) ||
	         chain->writable_len >= sizeof(struct fuse_out_header));
}

// Starts or answers the request in dev->chain. Returns false when no request is free, or the
// backend cannot take it now.
static bool handle_chain(struct fs_device *dev, uint32_t queue)
{
	struct device_queue *q = &dev->mmio.queues[queue];
	struct fs_device_request *request;
	struct fuse_in_header header = { 0 };

	if (device_chain_read(&dev->chain, 0, &header, sizeof(header)) != sizeof(header) ||
	    !is_request(&dev->chain, &header)) {
		device_queue_push(q, dev->chain.head,
		                  put_error(&dev->chain, header.unique, LINUX_EIO));
		return true;
	}
	request = has_no_reply(header.opcode) ? &dev->requests[NO_REPLY] : request_get(dev);
	if (request == NULL)
		return false;
	request->device = dev;
	request->length = header.len;
	request->unique = header.unique;
	request->generation = dev->generation;
	request->header = header;
	request->queue = (uint8_t)queue;
	request->chain = dev->chain;
	request->wants_reply = request != &dev->requests[NO_REPLY];
	request->own = false;
	request->busy = request->wants_reply;
	request->header.unique =
		request->wants_reply ? fs_device_unique(dev, fs_device_place(request)) : 0;
	if (!dev->request(dev->context, request)) {
		request->busy = false;
		return false;
	}
	if (!request->wants_reply)
		device_queue_push(q, request->chain.head, 0);
	return true;
}

// Linux forgets inodes one by one, and each notification is an exit. So after forgets the device
// asks for none: it looks with the next request, or a little later, until there are no more.
static bool put_off(struct fs_device *dev, uint32_t queue, uint32_t chains)
{
	if (queue != VIRTIO_FS_QUEUE_HIGH_PRIORITY || chains == 0 || chains == DEVICE_QUEUE_BUDGET)
		return false;
	dev->put_off = dev->look_later != NULL && dev->look_later(dev->context);
	return dev->put_off;
}

static void process(struct fs_device *dev, uint32_t queue)
{
	struct device_queue *q = &dev->mmio.queues[queue];
	uint32_t chains = DEVICE_QUEUE_BUDGET;
	uint64_t bytes = 0;
	error_t err = 0;

	dev->starved[queue] = false;
	if (queue == VIRTIO_FS_QUEUE_HIGH_PRIORITY)
		dev->put_off = false;
	do {
		device_queue_suppress_notify(q);
		while (chains > 0 && bytes < TURN_BYTES) {
			if (!dev->ready(dev->context)) {
				dev->starved[queue] = true;
				break;
			}
			err = device_queue_pop(q, &dev->chain);
			if (err < 0)
				break;
			chains--;
			bytes += dev->chain.readable_len;
			if (!handle_chain(dev, queue)) {
				device_queue_unpop(q);
				dev->starved[queue] = true;
				break;
			}
		}
	} while (!dev->starved[queue] && !put_off(dev, queue, chains) &&
	         virtio_mmio_more(&dev->mmio, queue, chains == 0 || bytes >= TURN_BYTES));
	if (err == ERR_PROTOCOL)
		virtio_mmio_needs_reset(&dev->mmio);
	virtio_mmio_queue_interrupt(&dev->mmio, queue);
}

bool fs_device_take(const struct fs_device_request *request, struct mut_span out)
{
	if (out.len != request->length || out.len < sizeof(request->header) ||
	    request->generation != request->device->generation ||
	    device_chain_read(&request->chain, 0, out.data, out.len) != out.len)
		return false;
	// What was checked, whatever the guest has made of it since.
	memcpy(out.data, &request->header, sizeof(request->header));
	return true;
}

uint64_t fs_device_room(const struct fs_device_request *request)
{
	return request->chain.writable_len;
}

static void finish(struct fs_device_request *request, uint32_t written)
{
	struct fs_device *dev = request->device;

	request->busy = false;
	if (!request->own && request->generation == dev->generation) {
		device_queue_push(&dev->mmio.queues[request->queue], request->chain.head, written);
		virtio_mmio_queue_interrupt(&dev->mmio, request->queue);
	}
	fs_device_resume(dev);
}

struct fs_device_request *fs_device_find(struct fs_device *dev, uint64_t unique)
{
	struct fs_device_request *request = &dev->requests[unique % FS_DEVICE_MAX_REQUESTS];

	return request->busy && request->header.unique == unique ? request : NULL;
}

bool fs_device_put(struct fs_device_request *request, struct span reply)
{
	struct fuse_out_header out;

	if (request->generation != request->device->generation) {
		finish(request, 0);
		return false;
	}
	if (reply.len > request->chain.writable_len) {
		fs_device_fail(request, LINUX_EIO);
		return false;
	}
	memcpy(&out, reply.data, sizeof(out));
	out.unique = request->unique;
	device_chain_write(&request->chain, 0, &out, sizeof(out));
	device_chain_write(&request->chain, sizeof(out), reply.data + sizeof(out),
	                   reply.len - sizeof(out));
	return true;
}

void fs_device_amend(const struct fs_device_request *request, size_t offset, const void *data,
                     size_t len)
{
	device_chain_write(&request->chain, offset, data, len);
}

void fs_device_done(struct fs_device_request *request, size_t len)
{
	finish(request, (uint32_t)len);
}

error_t fs_device_answer(struct fs_device *dev, struct span reply)
{
	struct fs_device_request *request;
	struct fuse_out_header out;

	if (reply.len < sizeof(out))
		return ERR_PROTOCOL;
	memcpy(&out, reply.data, sizeof(out));
	request = fs_device_find(dev, out.unique);
	if (out.len != reply.len || request == NULL)
		return ERR_PROTOCOL;
	if (fs_device_put(request, reply))
		fs_device_done(request, reply.len);
	return 0;
}

void fs_device_fail(struct fs_device_request *request, int32_t linux_error)
{
	uint32_t written = 0;

	if (!request->busy)
		return;
	if (!request->own && request->generation == request->device->generation)
		written = put_error(&request->chain, request->unique, linux_error);
	finish(request, written);
}

struct fs_device_request *fs_device_own(struct fs_device *dev)
{
	struct fs_device_request *request = request_get(dev);

	if (request == NULL)
		return NULL;
	*request = (struct fs_device_request){
		.device = dev,
		.wants_reply = true,
		.busy = true,
		.own = true,
	};
	request->header.unique = fs_device_unique(dev, fs_device_place(request));
	return request;
}

void fs_device_fail_all(struct fs_device *dev, int32_t linux_error)
{
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++)
		fs_device_fail(&dev->requests[i], linux_error);
}

void fs_device_look(struct fs_device *dev)
{
	if (dev->put_off && virtio_mmio_is_running(&dev->mmio))
		process(dev, VIRTIO_FS_QUEUE_HIGH_PRIORITY);
}

void fs_device_resume(struct fs_device *dev)
{
	for (uint32_t i = 0; i < NUM_QUEUES; i++) {
		if (dev->starved[i] && virtio_mmio_is_running(&dev->mmio))
			process(dev, i);
	}
}

bool fs_device_has_only(const struct fs_device *dev, const struct fs_device_request *request)
{
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++) {
		if (dev->requests[i].busy && &dev->requests[i] != request)
			return false;
	}
	return true;
}

static void fs_notify(void *context, uint32_t queue)
{
	struct fs_device *dev = context;

	// What was forgotten makes room for what is asked.
	if (queue != VIRTIO_FS_QUEUE_HIGH_PRIORITY && dev->put_off &&
	    device_queue_has_work(&dev->mmio.queues[VIRTIO_FS_QUEUE_HIGH_PRIORITY]))
		process(dev, VIRTIO_FS_QUEUE_HIGH_PRIORITY);
	process(dev, queue);
}

static void fs_reset(void *context)
{
	struct fs_device *dev = context;

	dev->generation++;
	dev->put_off = false;
	memset(dev->starved, 0, sizeof(dev->starved));
}

static void fs_queue_reset(void *context, uint32_t queue)
{
	(void)queue;
	fs_reset(context);
}

static const struct virtio_mmio_ops fs_mmio_ops = { .reset = fs_reset,
	                                            .queue_reset = fs_queue_reset,
	                                            .notify = fs_notify };

void fs_device_init(struct fs_device *dev)
{
	struct virtio_fs_config config = { .num_request_queues = NUM_QUEUES - 1 };

	dev->mmio.ops = &fs_mmio_ops;
	dev->mmio.context = dev;
	dev->mmio.device_id = VIRTIO_ID_FS;
	dev->mmio.num_queues = NUM_QUEUES;
	dev->mmio.features = 0;
	virtio_mmio_init(&dev->mmio);
	memcpy(config.tag, dev->tag, sizeof(config.tag));
	virtio_mmio_set_config(&dev->mmio, &config, sizeof(config), false);
}
