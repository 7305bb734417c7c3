// SPDX-License-Identifier: MIT
#include "libs/ext4/blocking.h"

#include "libs/abi/linux_error.h"
#include "libs/base/span.h"

struct waiting {
	struct ext4_io io;
	bool is_done;
	int status;
};

static void done(struct ext4_io *io, int status)
{
	struct waiting *waiting = io->context;

	waiting->is_done = true;
	waiting->status = status;
}

static int wait_for(struct ext4_device *device, struct waiting *waiting)
{
	while (!waiting->is_done)
		device->wait(device);
	return waiting->status;
}

static int transfer(struct ext4_device *device, const struct ext4_io *io)
{
	struct waiting waiting = { .io = *io };

	if (!range_within(io->block, io->count, device->num_blocks))
		return -LINUX_EUCLEAN;
	waiting.io.done = done;
	waiting.io.context = &waiting;
	device->submit(device, &waiting.io);
	return wait_for(device, &waiting);
}

int device_read(struct ext4_device *device, uint64_t block, uint32_t count, uint8_t *bytes)
{
	return transfer(device,
	                &(struct ext4_io){ .block = block, .count = count, .bytes = bytes });
}

int device_write(struct ext4_device *device, uint64_t block, uint32_t count, const uint8_t *bytes)
{
	return transfer(device,
	                &(struct ext4_io){ .block = block,
	                                   .count = count,
	                                   .write = true,
	                                   .bytes = (uint8_t *)(uintptr_t)bytes });
}

int device_flush(struct ext4_device *device)
{
	struct waiting waiting = { .io = { .done = done, .context = &waiting } };

	device->flush(device, &waiting.io);
	return wait_for(device, &waiting);
}
