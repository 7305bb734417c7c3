// SPDX-License-Identifier: MIT
#include "libs/virtio/device_fuzz.h"
#include "libs/virtio/device_net.h"

static uint8_t buffer[NET_DEVICE_MAX_FRAME];
static uint32_t sum;

static uint8_t *take_buffer(void *context, size_t len)
{
	(void)context;
	return len % 7 != 0 ? buffer : NULL;
}

static void take_transmitted(void *context, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++)
		sum += buffer[i];
}

static void take_ready(void *context)
{
	net_device_flush(context);
}

static const struct net_device_ops ops = {
	.buffer = take_buffer, .transmitted = take_transmitted, .receive_ready = take_ready};

static void step(void *context, uint8_t op)
{
	if (op < 200) {
		sum += net_device_receive(context, (struct span){.data = buffer, .len = op * 8u});
		net_device_flush(context);
	} else if (op < 240) {
		net_device_resume(context);
	} else {
		net_device_set_link(context, (op & 3) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct test_guest *guest = aligned_alloc(4096, sizeof(*guest));
	struct net_device *dev = calloc(1, sizeof(*dev));

	test_guest_init(guest, &dev->mmio);
	dev->ops = &ops;
	dev->context = dev;
	net_device_init(dev);
	net_device_set_link(dev, true);
	fuzz_device(guest, &dev->mmio, data, size, step, dev);
	free(dev);
	free(guest);
	return 0;
}
