// SPDX-License-Identifier: MIT
//
// Between the files of hostfs that tell a guest what others change on the host
// (libs/abi/files_change.h): watch.c (inotify on the folders that the guest has looked at),
// changes.c (what is to be told), touch.c (the guest's requests about it).
#pragma once

#include "libs/abi/files_change.h"
#include "tools/run/hostfs/internal.h"

// What a request returns that is answered later.
#define CALL_PARKED 1

// --- watch.c ---

// Begins to watch, at the first request for changes. Without effect when it does, or cannot.
void watches_start(struct hostfs *fs);
void watches_stop(struct hostfs *fs);
// The guest has looked at a node that is in use.
void watch_begin(struct hostfs *fs, struct node *node);
// The node goes.
void watch_end(struct hostfs *fs, struct node *node);
// Takes what was changed since the last time: by others, or, with `call`, by that call as well,
// which is not to be told.
void watches_take(struct hostfs *fs, const struct call *call);

// --- changes.c ---

// Makes the list of what is to be told, empty. Errors: -ENOMEM.
int changes_start(struct hostfs *fs);
// Frees it, if there is one.
void changes_stop(struct hostfs *fs);
// Notes a change of an entry of a folder (NULL: of the node itself), to be told in `delay`
// milliseconds at the latest, and once with what it makes superfluous. `is_new`: nothing had that
// name before.
void change_add(struct hostfs *fs, const struct node *node, const char *name,
                struct files_change change, unsigned delay, bool is_new);
// The read at hand waits. -EBUSY: another does.
int changes_park(struct call *call, uint32_t size);

// --- touch.c ---

// Whether the request is about changes and no operation.
bool touch_takes(const struct call *call);
// Serves it, as an operation.
int touch_serve(struct call *call);
