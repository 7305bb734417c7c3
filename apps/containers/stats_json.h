// SPDX-License-Identifier: MIT
//
// What a container takes of its machine, as Docker's GET /containers/NAME/stats shows it.
#pragma once

#include "libs/abi/time.h"
#include "libs/json/json.h"
#include "libs/linux/vm/bootd_protocol.h"

struct stats_sample {
	struct control_stats stats;
	nsec_t wall;       // when it was taken; 0: there is none
	nsec_t monotonic;  // likewise
};

struct stats_subject {
	const char *id;
	const char *name;  // without "/"
	uint32_t cpus;
	uint64_t memory;  // of its virtual machine
	bool has_network;
};

// Writes the answer. `before` is an earlier sample, or empty; of an empty `now`, which is a
// container's that does not run, there is no more than its name.
void stats_write(const struct stats_subject *subject, const struct stats_sample *before,
                 const struct stats_sample *now, struct json_writer *w);
