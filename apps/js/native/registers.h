// SPDX-License-Identifier: MIT
#pragma once

#include "apps/js/runtime/handle.h"
#include "libs/abi/app.h"

// Makes the class. -1 with an exception pending.
int js_registers_init(JSContext *ctx);
// The registers of the environment's device; its handle is the object's. Throws: folio_map's
// errors, out of memory.
JSValue js_registers_new(JSContext *ctx, const struct env_entry *entry);
