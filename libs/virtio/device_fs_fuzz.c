// SPDX-License-Identifier: MIT
#include "libs/virtio/device_fs.h"
#include "libs/virtio/device_fuzz.h"

static struct fs_device_request *held[FS_DEVICE_MAX_REQUESTS];
static uint32_t num_held;
static bool takes, refuses;

static bool ready(void *context)
{
	(void)context;
	return takes;
}

static bool request(void *context, struct fs_device_request *request)
{
	// As long as the request, so that ASan sees a byte too many.
	uint8_t *bytes = malloc(request->length);

	(void)context;
	if (num_held % 4 == 3 && !fs_device_has_only(request->device, request) && refuses) {
		free(bytes);
		refuses = false;
		return false;
	}
	if (fs_device_take(request, (struct mut_span){ .data = bytes, .len = request->length }) &&
	    memcmp(bytes, &request->header, sizeof(request->header)) != 0)
		abort();
	free(bytes);
	if (!request->wants_reply)
		return true;
	if (num_held == FS_DEVICE_MAX_REQUESTS)
		abort();
	held[num_held++] = request;
	return true;
}

static void answer(struct fs_device *dev, uint8_t op)
{
	static uint8_t reply[2048];
	struct fuse_out_header out = { .len = sizeof(out) + op * 8u };
	struct fs_device_request *request = held[--num_held];

	out.unique = request->header.unique;
	memcpy(reply, &out, sizeof(out));
	if (fs_device_answer(dev, (struct span){ .data = reply, .len = out.len }) != 0)
		abort();
	// A second time, nobody has asked.
	if (fs_device_answer(dev, (struct span){ .data = reply, .len = out.len }) == 0 &&
	    (num_held == 0 || held[num_held - 1] != request))
		abort();
}

static void step(void *context, uint8_t op)
{
	struct fs_device *dev = context;

	if ((op & 1) != 0) {
		takes = (op & 2) != 0;
		refuses = (op & 4) != 0;
		fs_device_resume(dev);
	} else if (num_held > 0 && (op & 2) != 0) {
		answer(dev, op);
	} else if (num_held > 0) {
		fs_device_fail(held[--num_held], 5);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Made once: so much memory is slow to get.
	static struct test_guest memory, *guest = &memory;
	struct fs_device *dev = calloc(1, sizeof(*dev));

	test_guest_init(guest, &dev->mmio);
	num_held = 0;
	takes = true;
	dev->ready = ready;
	dev->request = request;
	fs_device_init(dev);
	fuzz_device(guest, &dev->mmio, data, size, step, NULL, dev);
	free(dev);
	return 0;
}
