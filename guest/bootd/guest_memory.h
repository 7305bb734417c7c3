// SPDX-License-Identifier: MIT
// How much of the guest's memory is free, when it is not to be had from the kernel by a look.
//
// While the kernel reports free pages to the balloon it takes them off its free lists, up to 128
// MiB at a time: that may be nearly all of a small guest's. They are back as soon as the VMM has
// answered, which takes long on a busy host. A limit made of what the kernel calls free at such a
// moment would leave the container a few pages, between which it would wander for ever.
#pragma once

#include <stdint.h>

// The bytes that are free, with those that are being reported: `meminfo` is what /proc/meminfo
// says, `free` what the kernel calls free. The result is `free`, or more.
uint64_t memory_free(const char *meminfo, uint64_t free);
