// SPDX-License-Identifier: MIT
//
// `containers`, which follows `images`, and the system's container that it runs, for the fuzzer of
// `images`, over system_fake.h. Each plays well until it is told otherwise.
#pragma once

#include "libs/abi/images.h"
#include "libs/files/provider_fake.h"

#define FOLLOWER_RUNS 6u
#define FOLLOWER_NAME_MAX 320u

struct follower_run {
	uint32_t id;      // 0: there is none
	handle_t stream;  // its stdin, stdout and stderr, or an export's
	bool is_export;
	char folder[IMAGES_FILE_MAX];
	char name[FOLLOWER_NAME_MAX];  // what is pulled
};

struct follower_fake {
	handle_t channel;
	struct follower_run runs[FOLLOWER_RUNS];
	unsigned num_runs;
	uint32_t questions[FOLLOWER_RUNS];  // that were not answered; 0: none
	unsigned num_questions;
	bool keeps_silent;  // answers no question and ends no run by itself
	bool memory_fails;  // so a message may lack its folio
};

// The digest that a number means, of the four that there are.
void follower_fake_digest(uint8_t number, char out[static 80]);
// It connects to the service, and follows.
void follower_fake_connect(struct follower_fake *follower, handle_t service);
// Takes what was sent to it, and answers what is to be answered. Returns whether there was
// something.
bool follower_fake_take(struct follower_fake *follower);
// It, or a container, does something; the container's files are in `files`.
void follower_fake_acts(struct follower_fake *follower, struct provider_fake *files, uint8_t how,
                        const uint8_t *data, size_t len);
// It is gone, and so are its containers.
void follower_fake_leave(struct follower_fake *follower);
