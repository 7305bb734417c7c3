// SPDX-License-Identifier: MIT
//
// Channels of scripts.
#pragma once

#include "apps/js/runtime/handle.h"

// Makes the class, once. -1 with an exception pending.
int js_channel_init(JSContext *ctx);
// A Channel for the handle (consumed, also on failure). Throws: out of memory.
JSValue js_channel_new(JSContext *ctx, handle_t handle);
// Whether it is a Channel that has taken messages which the script has not.
bool js_channel_has_kept(const struct js_handle *h);

extern const struct js_native js_native_channel;
