// SPDX-License-Identifier: MIT
// Numbers out of the kernel's texts about a control group, the network and disks.
#pragma once

#include <stdint.h>

#include "libs/linux/vm/bootd_protocol.h"

// The number in the line "KEY N"; 0 when there is none.
uint64_t stats_field(const char *text, const char *key);

// What /proc/net/dev tells of an interface; zeros when it has none of the name.
void stats_interface(const char *text, const char *name, struct control_interface *received,
                     struct control_interface *sent);

// The bytes that /proc/diskstats tells of all disks whose names begin with "vd".
void stats_disks(const char *text, uint64_t *read, uint64_t *written);
