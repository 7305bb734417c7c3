// SPDX-License-Identifier: MIT
//
// Archives of images, which `images` asks for (libs/abi/images.h): a visit to a container that is
// none, whose files are an image's (visit.h).
#pragma once

#include "libs/abi/images.h"
#include "libs/base/span.h"

struct container;
struct containers;
struct message;

// IMAGES_EXPORT, which is consumed: what goes wrong closes the channel.
void export_run(struct containers *all, const struct msg_images_export *wanted, struct message *m,
                struct span id);
// IMAGES_STOP: ends one, unless it has ended.
void export_stop(struct containers *all, uint32_t number);
// `images` has gone: all end.
void exports_forget(struct containers *all);
