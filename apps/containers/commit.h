// SPDX-License-Identifier: MIT
//
// docker commit: `images` has an image made of what a container's virtual machine writes: the
// container's image, and its layer (changes.h). What is written goes from that machine to the
// system container through `images`, never through this app.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/span.h"

struct client;
struct container;
struct containers;
struct message;
struct msg_containers_reply;
struct request;

// POST /commit: 201, 400 (the name, a change, the body), 404 (the container, its image), 409 (it is
// being started).
void operation_commit(struct request *request);
// An answer of `images`; the message is consumed.
void commit_told(struct containers *all, const struct msg_containers_reply *reply, struct span body,
                 struct message *m);
// Whether a commit may hold the container still.
bool commit_holds(const struct container *c);
// `images` has gone: who waits is told.
void commits_fail(struct containers *all);
// As waiters_drop: the image is made all the same.
void commit_waiters_drop(struct containers *all, const struct client *client, uint32_t id);
