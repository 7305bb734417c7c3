// SPDX-License-Identifier: MIT
//
// What the parts of the runtime know of each other, and bindings do not.
#pragma once

#include "apps/js/runtime/js.h"
#include "apps/js/runtime/script.h"

// What the app runs. Without lines while there is no script.
extern struct script js_script;

// The stack of an app that runs a script and says nothing of it. A call takes 0.6 KiB at least.
#define JS_APP_STACK (1024u * 1024)
// The smallest one on which a script runs.
#define JS_MIN_STACK (64u * 1024)

// --- modules.c ---
void js_modules_init(void);
// A module of apps/js/lib, with what it imports; not run yet. Ends the app when there is none.
JSValue js_lib_module(JSContext *ctx, const char *name);

// --- jobs.c ---
void js_jobs_init(void);

// --- native/timers.c ---
// When the next timer is due, on CLOCK_MONOTONIC; NSEC_NEVER without one.
nsec_t js_timers_next(void);
// Calls those that are due.
void js_timers_run(void);

// --- errors.c ---
// The stack of an error, a line a frame ("at NAME (main.ts:12)"), as a string; "" for what has
// none. Frames of the API's own modules are left out.
JSValue js_stack_of(JSContext *ctx, JSValueConst error);
