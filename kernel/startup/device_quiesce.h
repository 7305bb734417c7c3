// SPDX-License-Identifier: MIT
//
// Stopping the devices of a dead process. A device goes on reading and writing the memory that its
// driver has shown it, so it is reset before any of that memory is freed. Only virtio devices reach
// memory by themselves (virtio 1.2, 2.1 and 4.2.2).
#pragma once

#include <stdbool.h>

#include "kernel/startup/devices.h"
#include "libs/abi/error.h"

struct process;

// `process` is about to be given the device: from now on its end stops the device. Errors:
// ERR_NO_MEMORY.
__must_check error_t device_give(struct device *device, struct process *process);
// Resets all devices that `process` has and takes them away from it. Returns false when one did not
// stop (logged): it may still reach the memory that it was shown. None of the process's threads is
// left. Context: the worker.
bool devices_quiesce(struct process *process);
