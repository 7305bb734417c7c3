// SPDX-License-Identifier: MIT
//
// Containers that `images` has run.
#pragma once

#include "libs/abi/images.h"
#include "libs/base/span.h"

// Where that has its folder.
#define JOB_FOLDER "/incoming"

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
// Gives its vmm the folder, as its first share.
void job_send_share(const struct container *c);
// One has ended, and is removed.
void job_ended(const struct container *c);
