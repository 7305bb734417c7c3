// SPDX-License-Identifier: MIT
//
// How a container is brought to its end: it is asked to, it is killed, and QEMU is ended when that
// does not help.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ending {
	uint64_t due_at;    // when to call ending_due(), in clock_ms() terms; UINT64_MAX: never
	uint64_t patience;  // from the first request to the kill, in milliseconds; UINT64_MAX: none
	unsigned requests;
	bool killed;
	bool over;  // the container has ended: its output and its disks are brought home
};

// What has to be done.
enum ending_step {
	ENDING_WAIT,
	ENDING_KILL,  // the container; what it wrote to a volume or a disk is kept
	ENDING_QUIT,  // end QEMU
};

// `seconds` from the first request to the kill; UINT32_MAX: for ever.
void ending_init(struct ending *ending, uint32_t seconds);
// The user asks the container to end. At the third time it is killed, and once more ends QEMU.
enum ending_step ending_ask(struct ending *ending, uint64_t now);
// The user does not want to wait: the container is killed; once more ends QEMU.
enum ending_step ending_insist(struct ending *ending, uint64_t now);
// What is due at `now`.
enum ending_step ending_due(struct ending *ending, uint64_t now);
// The container has ended.
void ending_is_over(struct ending *ending);
