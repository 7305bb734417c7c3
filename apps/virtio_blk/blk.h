// SPDX-License-Identifier: MIT
//
// Driver of the block devices (virtio 1.2, 5.2): the "blkdev" service. session.c has the open
// requests, disk.c the devices, client.c the requests of who has a disk open, counts.c what is told
// of all that. All state is in one struct.
#pragma once

#include "libs/abi/blkdev.h"
#include "libs/base/list.h"
#include "libs/starina/loop.h"
#include "libs/starina/service.h"
#include "libs/virtio/mmio.h"

#define MAX_DISKS 8u
#define RING_SIZE 256u
#define MAX_SLOTS 64u
// Header, data, status.
#define REQUEST_DESCRIPTORS 3u

struct disk;
struct disk_client;

// What the device sees of a request beside its data.
struct request_area {
	struct virtio_blk_req header;
	uint8_t status;
	uint8_t id[VIRTIO_BLK_ID_BYTES];
};

// A request: free, with the device, or answered by it but not yet taken by its client (then in
// client->unsent).
struct request {
	struct list entry;
	struct disk_client *client;
	handle_t folio;  // HANDLE_NONE: a flush
	uint32_t id;
	error_t status;
};

struct disk {
	struct blk *blk;
	struct virtio_device device;
	struct virtqueue queue;
	struct source interrupt;
	struct dma_buffer areas;  // struct request_area[MAX_SLOTS]
	struct request requests[MAX_SLOTS];
	struct list free;
	struct list clients;
	uint32_t num_leaving;  // gone clients whose requests the device still has
	struct list opens;     // sessions whose open waits for those
	bool full;             // no request is free: no client's messages are taken
	struct msg_blkdev_info info;
	uint64_t reads, read_bytes;  // that the device was given
	uint64_t writes, written_bytes;
	uint64_t flushes;
};

// Somebody who has a disk open. Lives on after its end until the device is done with its folios.
struct disk_client {
	struct list entry;
	struct disk *disk;
	struct source source;
	// The device is done with a request of its.
	void (*done)(struct request *request);
	struct list unsent;
	uint64_t first_sector;  // its disk begins there
	uint32_t in_flight;     // unsent ones included
	bool gone;
	char app[APP_NAME_MAX];  // whose it is
};

// A connection to the service.
struct session {
	struct source source;
	struct blk *blk;
	struct list entry;      // in disk->opens; no message of its is taken then
	uint32_t id;            // the open's
	uint64_t first_sector;  // likewise
};

struct blk {
	struct loop loop;
	struct service_listener listener;
	struct disk disks[MAX_DISKS];
	size_t num_disks;
};

// Starts the device of `entry`; blocks until it has told its serial. `index` names a disk without
// one. Logs what is wrong. Errors: virtio_device_open's, ERR_TIMED_OUT, ERR_IO, ERR_NO_MEMORY.
__must_check error_t disk_start(struct blk *blk, struct disk *disk, const struct env_entry *entry,
                                size_t index);
// Gives a request to the device: `type` is VIRTIO_BLK_T_*, the data is at `paddr`, `length` may be
// 0 for a flush. The caller has checked the range and that a request is free. Consumes `folio`.
void disk_submit(struct disk *disk, struct disk_client *client, uint32_t type,
                 const struct msg_blkdev_request *request, handle_t folio, uint64_t paddr);
// Shows the device what was submitted.
void disk_kick(struct disk *disk);
// The request's answer has been sent, or nobody wants it: closes its folio if it still has one.
void disk_request_free(struct disk *disk, struct request *request);

// Ends the clients whose end of the channel is closed. What they asked and was not taken yet is
// dropped. Errors: ERR_NOT_READY: the device still has requests of such, disk_settled will be
// called; handle_wait's: not all clients could be looked at.
__must_check error_t disk_clients_settle(struct disk *disk);
// The device has no request of a gone client any more: what waits for that goes on.
void disk_settled(struct disk *disk);
// A connection to the service: `context` is the struct blk, `channel` is consumed.
void session_accepted(void *context, handle_t channel);

// Opens the disk from `first_sector` (there is one) to its end, for `app`: `channel` (consumed) is
// the client's. Errors: ERR_NO_MEMORY, loop_add's.
__must_check error_t disk_client_create(struct disk *disk, uint64_t first_sector, const char *app,
                                        handle_t channel);
// Tells at `channel`, a connection to the service, what has gone through all disks.
void counts_tell(const struct blk *blk, handle_t channel, uint32_t id);
