// SPDX-License-Identifier: MIT
#pragma once

#include "apps/js/runtime/handle.h"

// Makes the class. -1 with an exception pending.
int js_interrupt_init(JSContext *ctx);
// An interrupt that can be waited for: `interrupt` is the object's. Throws: loop_add's errors, out
// of memory.
JSValue js_interrupt_new(JSContext *ctx, handle_t interrupt);
