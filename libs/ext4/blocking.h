// SPDX-License-Identifier: MIT
//
// Requests to the device that are waited for: for mount and unmount.
#pragma once

#include <stdint.h>

#include "libs/ext4/device.h"

// Each blocks and gives the request's status; -LINUX_EUCLEAN: not within the device.
int device_read(struct ext4_device *device, uint64_t block, uint32_t count, uint8_t *bytes);
// The same, of bytes that are only read.
int device_write(struct ext4_device *device, uint64_t block, uint32_t count, const uint8_t *bytes);
// What was written before stays over a power cut.
int device_flush(struct ext4_device *device);
