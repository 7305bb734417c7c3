// SPDX-License-Identifier: MIT
//
// A virtio file system device (virtio 1.2, section 5.11; device side): FUSE requests of the guest
// go to a backend, which answers them later and in any order. Nothing of a request is looked at but
// its header: its length must be that of the chain, and its `unique` is replaced by one of ours, so
// that no guest can have two of the same. Not thread-safe: the machine's lock guards it.
#pragma once

#include "libs/abi/fuse.h"
#include "libs/virtio/device_mmio.h"

#define FS_DEVICE_MAX_REQUESTS 32u
// Of a request or a reply; a longer one fails.
#define FS_DEVICE_MAX_BYTES (260u * 1024)

struct fs_device;

struct fs_device_request {
	struct fs_device *device;
	uint32_t length;               // bytes, the header's included
	struct fuse_in_header header;  // with our `unique`; 0: it wants no reply
	bool wants_reply;

	// Private.
	bool busy;
	bool own;  // the backend's, not the guest's
	uint8_t queue;
	uint32_t generation;
	uint64_t unique;  // the guest's
	struct device_chain chain;
};

struct fs_device {
	struct virtio_mmio_device mmio;
	// Whether the backend takes another request. After it said no, fs_device_resume is called.
	bool (*ready)(void *context);
	// Starts a request. If it wants a reply, one of fs_device_answer, fs_device_fail and
	// fs_device_done comes, now or later, and its bytes can be taken until then
	// (fs_device_take); if not, they are taken before this returns. Returns false to be given
	// it again: when another request ends, or fs_device_resume is called.
	bool (*request)(void *context, struct fs_device_request *request);
	// Has fs_device_look called in some milliseconds. Returns false when it cannot. NULL: never
	bool (*look_later)(void *context);
	void *context;
	char tag[36];
	// changes at each reset of the device or a queue: requests of before get no answer
	uint32_t generation;
	bool starved[2];  // a queue has more, but the backend takes none, or all requests are busy
	bool put_off;     // the guest tells of no forgets; they are looked for
	struct device_chain chain;
	uint64_t count;  // of `unique`s
	// The last is for requests without a reply, which are over at once.
	struct fs_device_request requests[FS_DEVICE_MAX_REQUESTS + 1];
};

// Sets the model up. The transport's mem, page, set_irq, irq_context and irq, and `ready`,
// `request`, `context` and `tag` are set by the caller before.
void fs_device_init(struct fs_device *dev);
// Copies the whole request to `out`, which is as long. Returns false when the guest has made it
// shorter since.
__must_check bool fs_device_take(const struct fs_device_request *request, struct mut_span out);
// How many bytes the guest takes for a reply.
uint64_t fs_device_room(const struct fs_device_request *request);
// The request in hand that has this `unique` of ours; NULL: nobody has asked.
struct fs_device_request *fs_device_find(struct fs_device *dev, uint64_t unique);
// The request's place, below FS_DEVICE_MAX_REQUESTS: the low 5 bits of its `unique`.
uint32_t fs_device_place(const struct fs_device_request *request);
// A `unique` for this place that no request of the device's had before.
uint64_t fs_device_unique(struct fs_device *dev, uint32_t place);
// Copies a whole FUSE reply, whose length is right, to where the guest wants it. Returns whether
// fs_device_done is to follow: one that does not fit has failed with EIO, and one of before a reset
// is over.
__must_check bool fs_device_put(struct fs_device_request *request, struct span reply);
// Changes bytes of the reply that was put.
void fs_device_amend(const struct fs_device_request *request, size_t offset, const void *data,
                     size_t len);
// Ends the request whose reply of `len` bytes was put.
void fs_device_done(struct fs_device_request *request, size_t len);
// Hands a whole FUSE reply to the guest and ends its request. Errors: ERR_PROTOCOL (it is none, or
// nobody asked for it). One that does not fit where the guest wants it fails with EIO.
__must_check error_t fs_device_answer(struct fs_device *dev, struct span reply);
// Ends a request with an error of Linux's (positive).
void fs_device_fail(struct fs_device_request *request, int32_t linux_error);
// A request of the backend's own, in a free place among the guest's, with a `unique` and a header
// for it to fill. It ends by fs_device_done or fs_device_fail, and the guest does not hear of it.
// NULL: all places are taken.
struct fs_device_request *fs_device_own(struct fs_device *dev);
// Ends all requests in hand so.
void fs_device_fail_all(struct fs_device *dev, int32_t linux_error);
// Looks for forgets that the guest has not told of: see look_later.
void fs_device_look(struct fs_device *dev);
// The backend takes requests again.
void fs_device_resume(struct fs_device *dev);
// Whether no request is in hand but `request`.
bool fs_device_has_only(const struct fs_device *dev, const struct fs_device_request *request);
