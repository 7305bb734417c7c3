// SPDX-License-Identifier: MIT
#include "libs/virtio/device_fuzz.h"
#include "libs/virtio/device_net.h"

static uint8_t buffer[NET_DEVICE_MAX_FRAME];
static uint32_t sum;

static bool take_buffer(void *context, size_t len, uint8_t **out)
{
	(void)context;
	*out = len % 11 != 0 ? buffer : NULL;
	return len % 7 != 0;
}

// What goes on can be finished by whoever believes what it says.
static void take_transmitted(void *context, const struct msg_netdev_frame *frame)
{
	(void)context;
	if (frame == NULL)
		return;
	for (size_t i = frame->csum_start; i < frame->length; i++)
		sum += buffer[i];
	if ((frame->flags & NETDEV_FRAME_NEEDS_CSUM) != 0 &&
	    (frame->csum_start < 34 || frame->csum_start + frame->csum_offset + 2u > frame->length))
		abort();
	if ((frame->flags & (NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)) != 0
	            ? frame->gso_size < 48
	            : frame->length > 1514)
		abort();
}

static void take_ready(void *context)
{
	net_device_flush(context);
}

static const struct net_device_ops ops = { .buffer = take_buffer,
	                                   .transmitted = take_transmitted,
	                                   .receive_ready = take_ready };

static void step(void *context, uint8_t op)
{
	if (op < 200) {
		// buffer holds what the guest sent last: some of it are headers.
		struct msg_netdev_frame frame = { .length = op < 190 ? op * 8u
			                                             : NET_DEVICE_MAX_FRAME,
			                          .flags = op & 15,
			                          .csum_start = (uint16_t)(op * 3),
			                          .csum_offset = 16,
			                          .gso_size = 1000 };

		sum += net_device_receive(
			context, (struct span){ .data = buffer, .len = frame.length }, &frame);
		net_device_flush(context);
	} else if (op < 240) {
		net_device_resume(context);
	} else {
		net_device_set_link(context, (op & 3) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Made once: so much memory is slow to get.
	static struct test_guest memory, *guest = &memory;
	struct net_device *dev = calloc(1, sizeof(*dev));

	test_guest_init(guest, &dev->mmio);
	dev->ops = &ops;
	dev->context = dev;
	net_device_init(dev);
	net_device_set_link(dev, true);
	fuzz_device(guest, &dev->mmio, data, size, step, NULL, dev);
	free(dev);
	return 0;
}
