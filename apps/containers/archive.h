// SPDX-License-Identifier: MIT
//
// Files of a container, out of it and into it (docker cp): a process that bootd adds to the
// container does it (guest/bootd/archive.h), whose streams are the request's channel.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/vmm.h"

struct client;
struct container;
struct request;

// HEAD, GET and PUT /containers/NAME/archive, and GET /containers/NAME/export and changes. What is
// wrong: 400 (the path, the kinds, the archive), 403 (a read-only container), 404 (the path), 409
// (it has ended meanwhile).
void operation_archive(struct request *request, uint32_t operation);
// Has the container's machine, or that of a visit, write to the channel, which is consumed:
// CONTAINERS_COMMIT or IMAGES_SAVE (changes.h). For that it stands still if it `is_frozen`. What
// goes wrong closes the channel.
void archive_add(struct container *c, uint32_t operation, handle_t channel, bool is_frozen);
// What has become of an added process. Returns whether it was one of these.
bool archive_told(struct container *vmms, const struct msg_vmm_process *process, const char *text);
// They cannot be done (any more): who waits is told why.
void archive_fail_all(struct container *c, const char *why);
// The container's virtual machine, or that of a visit, can be asked.
void archive_go_on(struct container *c);
// As waiters_drop.
void archive_waiters_drop(struct container *c, const struct client *client, uint32_t id);
