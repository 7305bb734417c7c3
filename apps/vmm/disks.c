// SPDX-License-Identifier: MIT
//
// The disks of the container's virtual machine: the image, and what it writes. Both are opened
// again when their provider dies; the guest's requests wait meanwhile.
#include "apps/vmm/vmm.h"
#include "libs/abi/files.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define IMAGES_URI "blk:images"

static void open_disk(struct vmm *vmm, struct vmm_disk *disk,
                      void (*done)(struct opener *opener, handle_t channel, error_t error,
                                   const char *text))
{
	opener_start(&disk->opener, &vmm->loop, environ_connector(vmm->env, "grants"), disk->uri,
	             done, vmm);
}

static void close_channel(struct vmm_disk *disk)
{
	if (disk->channel != HANDLE_NONE)
		handle_close(disk->channel);
	disk->channel = HANDLE_NONE;
}

// --- Opening them --------------------------------------------------------------------------------

static void opened(struct vmm *vmm, struct vmm_disk *disk, handle_t channel, error_t error,
                   const char *text)
{
	disk->channel = channel;
	if (vmm->state != VMM_ENDED && channel != HANDLE_NONE)
		return;
	if (vmm->state != VMM_ENDED)
		container_disks_missing(vmm, error, text);
	close_channel(&vmm->root_disk);
	close_channel(&vmm->layer_disk);
}

static void root_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct vmm *vmm = opener->context;

	opened(vmm, &vmm->root_disk, channel, error, text);
	if (vmm->root_disk.channel != HANDLE_NONE)
		container_disks_opened(vmm);
}

static void layer_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct vmm *vmm = opener->context;

	opened(vmm, &vmm->layer_disk, channel, error, text);
	if (vmm->layer_disk.channel != HANDLE_NONE)
		open_disk(vmm, &vmm->root_disk, root_opened);
}

// Where the image is: a file of the store, or a part of the disk "images".
static bool find_root(struct vmm_disk *disk, struct span path)
{
	size_t len;

	str_copy(disk->uri, IMAGES_URI, sizeof(disk->uri));
	if (path.len == 0)
		return true;
	len = fmt_write(disk->uri, sizeof(disk->uri), FILES_STORE_DISK_READ_ONLY "%.*s",
	                (int)path.len, (const char *)path.data);
	return len == sizeof(FILES_STORE_DISK_READ_ONLY) - 1 + path.len && len < sizeof(disk->uri);
}

void disks_open(struct vmm *vmm, struct span image)
{
	char id[HEX_SIZE(VMM_ID_SIZE)];

	if (!find_root(&vmm->root_disk, image)) {
		container_disks_missing(vmm, ERR_TOO_LARGE, "the path of its image");
		return;
	}
	if ((vmm->flags & VMM_LAYER) == 0) {
		open_disk(vmm, &vmm->root_disk, root_opened);
		return;
	}
	hex_write(vmm->id, sizeof(vmm->id), id);
	fmt_write(vmm->layer_disk.uri, sizeof(vmm->layer_disk.uri), FILES_STORE_DISK "layers/%s",
	          id);
	open_disk(vmm, &vmm->layer_disk, layer_opened);
}

handle_t disk_take(struct vmm_disk *disk)
{
	handle_t channel = disk->channel;

	disk->channel = HANDLE_NONE;
	return channel;
}

// --- When a provider has died --------------------------------------------------------------------

static void reopened(struct opener *opener, handle_t channel, error_t error, const char *text,
                     void (*give)(struct guest_container *c, handle_t channel))
{
	const struct vmm *vmm = opener->context;

	if (channel == HANDLE_NONE)
		log_error("%s: %s (%s)", opener->uri, text, error_text(error));
	if (vmm->container != NULL)
		give(vmm->container, channel);
	else if (channel != HANDLE_NONE)
		handle_close(channel);
}

static void root_reopened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	reopened(opener, channel, error, text, guest_container_root_reopened);
}

static void layer_reopened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	reopened(opener, channel, error, text, guest_container_writable_reopened);
}

void disks_root_lost(void *context)
{
	struct vmm *vmm = context;

	open_disk(vmm, &vmm->root_disk, root_reopened);
}

void disks_layer_lost(void *context)
{
	struct vmm *vmm = context;

	open_disk(vmm, &vmm->layer_disk, layer_reopened);
}
