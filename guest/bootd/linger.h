// SPDX-License-Identifier: MIT
// A container's last words on the network: what it wrote to a TCP connection before it closed it,
// or ended, is the guest kernel's to deliver, which ends with the VM.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How long the end of a container waits for peers. One that is gone without a word must not keep it
// for long, and who stops the container is as patient as docker stop, 10 s; one behind a switch
// that restarts, or on a busy machine, is to be reached.
#define LINGER_MAX_S 5

struct linger_wait {
	bool began;
	uint64_t deadline;  // CLOCK_MONOTONIC, nanoseconds
	int pause_ms;
};

// Whether connections that nobody has open any more still wait for their peers to acknowledge all,
// up to LINGER_MAX_S from the first call on. Ask again after linger->pause_ms. `linger` is zeroed
// memory.
bool linger_goes_on(struct linger_wait *linger);

// The number of connections without an owner in what /proc/net/sockstat says; 0 when it does not
// say.
unsigned long linger_orphans(const char *sockstat);
