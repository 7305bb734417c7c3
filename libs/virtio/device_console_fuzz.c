// SPDX-License-Identifier: MIT
#include "libs/virtio/device_console.h"
#include "libs/virtio/device_fuzz.h"

#define PORTS 4u
#define MANY_TURNS 100000u

static uint64_t sum;

static size_t take_output(void *context, uint32_t port, struct span bytes)
{
	size_t n = bytes.len / 2 + 1 < bytes.len && (sum & 1) != 0 ? bytes.len / 2 : bytes.len;

	(void)context;
	(void)port;
	for (size_t i = 0; i < n; i++)
		sum += bytes.data[i];
	sum++;
	return n;
}

static void take_open(void *context, uint32_t port, bool open)
{
	(void)context;
	(void)port;
	(void)open;
}

static void take_input_ready(void *context, uint32_t port)
{
	console_device_input(context, port,
	                     (struct span){ .data = (const uint8_t *)"ready", .len = 5 });
}

static const struct console_device_ops ops = { .output = take_output,
	                                       .guest_open = take_open,
	                                       .input_ready = take_input_ready };

static void step(void *context, uint8_t op)
{
	uint32_t port = op & 3;

	switch (op >> 6) {
	case 0:
		console_device_input(context, port,
		                     (struct span){ .data = (const uint8_t *)"input", .len = 5 });
		break;
	case 1: console_device_resume(context, port); break;
	case 2: console_device_set_open(context, port, (op & 32) != 0); break;
	default: console_device_drain(context, port); break;
	}
}

// The VM ends: what is left is taken, or nobody can take it.
static void end(void *context)
{
	for (uint32_t port = 0; port < PORTS; port++) {
		for (uint32_t turns = 0; !console_device_drain(context, port); turns++) {
			if (turns == MANY_TURNS)
				abort();
			console_device_resume(context, port);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Made once: so much memory is slow to get.
	static struct test_guest memory, *guest = &memory;
	struct console_device *dev = calloc(1, sizeof(*dev));

	test_guest_init(guest, &dev->mmio);
	console_device_init(dev, PORTS, &ops, dev);
	fuzz_device(guest, &dev->mmio, data, size, step, end, dev);
	free(dev);
	return 0;
}
