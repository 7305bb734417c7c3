// SPDX-License-Identifier: MIT
//
// Containers that `images` has run.
#pragma once

#include "libs/abi/images.h"
#include "libs/base/span.h"

// Where that has its folder.
#define JOB_FOLDER "/incoming"
// Where it has the layers that are kept, read-only.
#define JOB_LAYERS "/layers"

struct container;
struct containers;

// Runs one, or says why not. The message is consumed.
void job_run(struct containers *all, const struct msg_images_run *run, struct message *m,
             struct span folder);
// Ends one, unless it has.
void job_stop(struct containers *all, uint32_t id);
// Ends all that nobody sees, visits too: the machine goes off.
void jobs_stop(struct containers *all);
// Ends those of an `images` that has ended, which is not told of it.
void jobs_forget(struct containers *all);
// Gives its vmm the folders, as its first shares.
void job_send_shares(const struct container *c);
// One has ended, and is removed.
void job_ended(const struct container *c);
