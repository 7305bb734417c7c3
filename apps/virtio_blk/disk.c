// SPDX-License-Identifier: MIT
#include "apps/virtio_blk/blk.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// A device that says nothing is given up. One that a busy host emulates may take long.
#define IDENTIFY_TIMEOUT (60 * NSEC_PER_SEC)
// What the status byte holds until the device writes it.
#define STATUS_UNWRITTEN 0xffu

static _Noreturn void disk_fail(struct disk *disk, const char *why)
{
	virtio_device_fail(&disk->device, why);
	process_exit(1);
}

static struct request_area *request_area(struct disk *disk, size_t index)
{
	return (struct request_area *)(void *)disk->areas.bytes + index;
}

static uint64_t request_area_paddr(const struct disk *disk, size_t index)
{
	return disk->areas.paddr + index * sizeof(struct request_area);
}

static error_t request_push(struct disk *disk, struct request *request, uint32_t type,
                            uint64_t sector, uint64_t paddr, uint32_t length)
{
	size_t index = (size_t)(request - disk->requests);
	struct request_area *area = request_area(disk, index);
	uint64_t area_paddr = request_area_paddr(disk, index);
	struct virtqueue_buffer chain[REQUEST_DESCRIPTORS];
	size_t count = 0;

	area->header = (struct virtio_blk_req){ .type = type, .sector = sector };
	area->status = STATUS_UNWRITTEN;
	chain[count++] =
		(struct virtqueue_buffer){ .paddr = area_paddr, .len = sizeof(area->header) };
	if (length > 0)
		chain[count++] =
			(struct virtqueue_buffer){ .paddr = paddr,
			                           .len = length,
			                           .device_writes = type != VIRTIO_BLK_T_OUT };
	chain[count++] = (struct virtqueue_buffer){ .paddr = area_paddr +
		                                            offsetof(struct request_area, status),
		                                    .len = 1,
		                                    .device_writes = true };
	return virtqueue_push(&disk->queue, chain, count, request);
}

static error_t request_status(struct disk *disk, const struct request *request)
{
	volatile uint8_t *status = &request_area(disk, (size_t)(request - disk->requests))->status;

	switch (*status) {
	case VIRTIO_BLK_S_OK: return 0;
	case VIRTIO_BLK_S_UNSUPP: return ERR_NOT_SUPPORTED;
	default: return ERR_IO;
	}
}

void disk_submit(struct disk *disk, struct disk_client *client, uint32_t type,
                 const struct msg_blkdev_request *request, handle_t folio, uint64_t paddr)
{
	struct request *slot = container_of(list_pop_front(&disk->free), struct request, entry);
	error_t err;

	if (type == VIRTIO_BLK_T_IN) {
		disk->reads++;
		disk->read_bytes += request->length;
	} else if (type == VIRTIO_BLK_T_OUT) {
		disk->writes++;
		disk->written_bytes += request->length;
	} else if (type == VIRTIO_BLK_T_FLUSH) {
		disk->flushes++;
	}
	slot->client = client;
	slot->folio = folio;
	slot->id = request->id;
	client->in_flight++;
	err = request_push(disk, slot, type, request->sector, paddr, request->length);
	// The ring has room for as many as there are slots.
	assert(err == 0);
	if (!list_is_empty(&disk->free))
		return;
	disk->full = true;
	list_for_each(entry, &disk->clients)
		source_want_messages(&container_of(entry, struct disk_client, entry)->source,
		                     false);
}

void disk_kick(struct disk *disk)
{
	virtio_queue_kick(&disk->device, 0, &disk->queue);
}

void disk_request_free(struct disk *disk, struct request *request)
{
	if (request->folio != HANDLE_NONE)
		handle_close(request->folio);
	request->folio = HANDLE_NONE;
	request->client = NULL;
	list_push_back(&disk->free, &request->entry);
	if (!disk->full)
		return;
	disk->full = false;
	list_for_each(entry, &disk->clients)
		source_want_messages(&container_of(entry, struct disk_client, entry)->source, true);
}

static void interrupt_signalled(struct loop *loop, struct source *source)
{
	struct disk *disk = source->context;
	uint32_t written;
	void *token;
	error_t err;

	(void)loop;
	virtio_interrupt_take(&disk->device);
	do {
		while ((err = virtqueue_pop(&disk->queue, &token, &written)) == 0) {
			struct request *request = token;

			request->status = request_status(disk, request);
			request->client->done(request);
		}
		if (err != ERR_EMPTY)
			disk_fail(disk, "it broke its queue");
	} while (!virtqueue_enable_interrupts(&disk->queue, 1));
	err = interrupt_ack(source->handle);
	assert(err == 0);
}

static const struct source_ops interrupt_ops = { .signalled = interrupt_signalled };

// Waits for the one request that is with the device.
static error_t disk_wait(struct disk *disk)
{
	nsec_t deadline = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &deadline);

	deadline += IDENTIFY_TIMEOUT;
	while (err == 0) {
		uint32_t written;
		void *token;

		err = handle_wait(disk->device.interrupt, READY_READABLE, deadline);
		if (err != 0)
			break;
		virtio_interrupt_take(&disk->device);
		err = interrupt_ack(disk->device.interrupt);
		if (err != 0)
			break;
		err = virtqueue_pop(&disk->queue, &token, &written);
		if (err != ERR_EMPTY)
			break;
		err = 0;
	}
	return err;
}

// Asks the device for its serial; what is not printable in it becomes '?'.
static error_t disk_identify(struct disk *disk, size_t index)
{
	struct request *request = &disk->requests[0];
	const uint8_t *id = request_area(disk, 0)->id;
	error_t err;

	err = request_push(disk, request, VIRTIO_BLK_T_GET_ID, 0,
	                   request_area_paddr(disk, 0) + offsetof(struct request_area, id),
	                   VIRTIO_BLK_ID_BYTES);
	if (err != 0)
		return err;
	disk_kick(disk);
	err = disk_wait(disk);
	if (err != 0)
		return err;
	if (request_status(disk, request) != 0 || id[0] == '\0') {
		fmt_write(disk->info.serial, sizeof(disk->info.serial), "disk%zu", index);
		return 0;
	}
	_Static_assert(sizeof(disk->info.serial) > VIRTIO_BLK_ID_BYTES,
	               "room for a serial and its NUL");
	memcpy(disk->info.serial, id, VIRTIO_BLK_ID_BYTES);
	for (char *c = disk->info.serial; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	return 0;
}

static error_t disk_setup(struct disk *disk, const struct env_entry *entry)
{
	size_t num_slots;
	error_t err;

	err = virtio_device_open(&disk->device, entry, VIRTIO_ID_BLOCK, "block device");
	if (err == 0)
		err = virtio_device_negotiate(&disk->device, VIRTIO_BLK_F_RO | VIRTIO_BLK_F_FLUSH);
	if (err == 0)
		err = virtio_config_read(&disk->device,
		                         offsetof(struct virtio_blk_config, capacity), 4, 2,
		                         &disk->info.num_sectors);
	if (err == 0)
		err = virtio_queue_setup(&disk->device, 0, RING_SIZE, &disk->queue);
	if (err == 0)
		err = dma_alloc(MAX_SLOTS * sizeof(struct request_area), &disk->areas);
	if (err != 0)
		return err;
	if (virtio_device_has(&disk->device, VIRTIO_BLK_F_RO))
		disk->info.flags |= BLKDEV_READ_ONLY;
	num_slots = disk->queue.size / REQUEST_DESCRIPTORS;
	for (size_t i = 0; i < num_slots && i < MAX_SLOTS; i++)
		list_push_back(&disk->free, &disk->requests[i].entry);
	return num_slots > 0 ? 0 : ERR_NOT_SUPPORTED;
}

error_t disk_start(struct blk *blk, struct disk *disk, const struct env_entry *entry, size_t index)
{
	error_t err;

	disk->blk = blk;
	list_init(&disk->free);
	list_init(&disk->clients);
	list_init(&disk->opens);
	err = disk_setup(disk, entry);
	if (err == 0) {
		virtio_device_start(&disk->device);
		err = disk_identify(disk, index);
	}
	if (err == 0 && !virtqueue_enable_interrupts(&disk->queue, 1))
		err = ERR_PROTOCOL;
	if (err == 0)
		err = loop_add(&blk->loop, &disk->interrupt, entry->interrupt, &interrupt_ops,
		               disk);
	if (err != 0) {
		log_error("cannot use block device %zu: %s", index, error_text(err));
		// It may still write to the memory that it was given.
		if (disk->device.regs != NULL)
			virtio_device_reset(&disk->device);
		virtqueue_deinit(&disk->queue);
		dma_free(&disk->areas);
		*disk = (struct disk){ 0 };
		return err;
	}
	log_info("disk \"%s\": %llu KiB%s", disk->info.serial,
	         (unsigned long long)(disk->info.num_sectors / 2),
	         disk->info.flags & BLKDEV_READ_ONLY ? ", read-only" : "");
	return 0;
}
